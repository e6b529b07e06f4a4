"""Names of methods as tables write them."""

from __future__ import annotations

from simulations.training.table.cells import SINGLE_TASK
from songoku_theory.published import METHOD_NAMES

__all__ = ["title_of"]

_OURS = {
    "random_groups": "random groups",
    "oldest_first": "oldest first",
    "scalarised": "scalarisation, tuned",
    SINGLE_TASK: "single-task",
}


def title_of(method: str) -> str:
    """Return a method's name as the paper's table writes it.

    Examples
    --------
    >>> title_of("son_goku_pcgrad"), title_of("random_groups")
    ('SON-GOKU + PCGrad', 'random groups')
    """
    return METHOD_NAMES.get(method) or _OURS.get(method, method)
