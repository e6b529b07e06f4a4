"""Training real networks with the reference scheduler, and recording what it saw.

``options`` and ``command`` import quickly; everything that needs torch is imported by the
functions that use it.
"""
