"""Experiments that write rows: generators, exact samplers, sweeps, training."""
