"""Conformance suites that anyone can point at their own code.

``check_coloring`` runs a colouring heuristic on every small graph, on hard ones, on conflict graphs
made from gradients, on large ones and in pieces, and says which promise it breaks and on which
smallest graph. The same from a terminal: ``songoku check coloring mypackage.module:my_heuristic``.
``check_scheduler``, ``check_combiner``, ``check_conflict_rule`` and ``check_ema`` do as much for
the other parts of the method.

Importing this needs numpy, scipy and networkx alone; hypothesis, pytest and matplotlib are used
where they are installed.
"""

from songoku_theory.testing.coloring_suite import ColoringOptions, ColoringSuite, check_coloring
from songoku_theory.testing.combiner_suite import (
    COMBINER_PROMISES,
    check_combiner,
    make_combiner,
)
from songoku_theory.testing.compare import Comparison, compare_colorings
from songoku_theory.testing.ema_suite import EMA_PROMISES, check_ema
from songoku_theory.testing.graphs import Case, from_edges
from songoku_theory.testing.parametrize import BoundCheck, parametrize_with_checks
from songoku_theory.testing.results import (
    CheckResult,
    Counterexample,
    Status,
    apply_expectations,
    smallest_counterexample,
    succeeded,
    to_json,
)
from songoku_theory.testing.rule_suite import RULE_PROMISES, check_conflict_rule
from songoku_theory.testing.scheduler_checks import SCHEDULER_PROMISES
from songoku_theory.testing.scheduler_subject import (
    ReferenceScheduler,
    SchedulerLike,
    Settings,
    reference_factory,
)
from songoku_theory.testing.scheduler_suite import check_scheduler
from songoku_theory.testing.serve import labelled_graph
from songoku_theory.testing.subjects import (
    COLORING_PROMISES,
    DEFAULT_PROMISES,
    Subject,
    load_heuristic,
    load_object,
    make_subject,
)

__all__ = [
    "COLORING_PROMISES",
    "COMBINER_PROMISES",
    "DEFAULT_PROMISES",
    "EMA_PROMISES",
    "RULE_PROMISES",
    "SCHEDULER_PROMISES",
    "BoundCheck",
    "Case",
    "CheckResult",
    "ColoringOptions",
    "ColoringSuite",
    "Comparison",
    "Counterexample",
    "ReferenceScheduler",
    "SchedulerLike",
    "Settings",
    "Status",
    "Subject",
    "apply_expectations",
    "check_coloring",
    "check_combiner",
    "check_conflict_rule",
    "check_ema",
    "check_scheduler",
    "compare_colorings",
    "from_edges",
    "labelled_graph",
    "load_heuristic",
    "load_object",
    "make_combiner",
    "make_subject",
    "parametrize_with_checks",
    "reference_factory",
    "smallest_counterexample",
    "succeeded",
    "to_json",
]
