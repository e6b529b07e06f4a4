"""Which tasks should share a network: measured on a training run, grouped, trained again, judged.

A command's work is three kinds of cells of the sweep machinery. ``grouping_affinity``: the joint
network, trained once a seed, with every affinity collected on the way. ``grouping_network``: one
network for one set of tasks; methods that want the same set share it. ``grouping``: what follows
from those, without training: groups, errors, costs, the optimum.
"""
