"""Implementations with one fault each, and correct ones: do the suites tell them apart?

Some of the faults were seen in public code for this method.
"""

from songoku_theory.testing.mutants.model import Kind, Specimen, Trial
from songoku_theory.testing.mutants.run import SPECIMENS, run_mutants, try_specimen

__all__ = ["SPECIMENS", "Kind", "Specimen", "Trial", "run_mutants", "try_specimen"]
