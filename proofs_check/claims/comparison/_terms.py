"""Appendix C's scalars: eq. 48 and 56 as printed, their corrected forms, eq. 52, 57 and 59."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations

from proofs_check.claims.comparison._problem import (
    Problem,
    dot,
    inner_sum,
    interaction,
    norm,
    starts,
)

__all__ = [
    "drifts",
    "excess_59",
    "margins",
    "max_moves",
    "norms",
    "penalty_56",
    "penalty_repaired",
    "start_gap",
    "sums_before",
]


@lru_cache(maxsize=1 << 15)
def norms(problem: Problem, order: tuple[int, ...] | None = None) -> tuple[Fraction, ...]:
    """Return ``||G_r(x)||`` in the order of the refresh."""
    return tuple(norm(v) for v in starts(problem, order))


def _lipschitz(problem: Problem, order: tuple[int, ...] | None) -> list[Fraction]:
    return list(problem.lipschitz) if order is None else [problem.lipschitz[r] for r in order]


def sums_before(values: Sequence[Fraction]) -> list[Fraction]:
    """Return ``S_{r-1}``, the sum of the earlier values, for each r.

    Examples
    --------
    >>> [int(s) for s in sums_before([Fraction(1), Fraction(2), Fraction(4)])]
    [0, 1, 3]
    """
    return [sum(values[:r], Fraction(0)) for r in range(len(values))]


def max_moves(problem: Problem, order: tuple[int, ...] | None = None) -> list[Fraction]:
    """Bound ``||x_{r-1} - x||`` by ``D_r``, with ``D_{r+1} = (1 + eta L_r) D_r + eta g_r``."""
    found = [Fraction(0)]
    for g, lip in zip(norms(problem, order), _lipschitz(problem, order), strict=True):
        found.append((1 + problem.eta * lip) * found[-1] + problem.eta * g)
    return found[:-1]


def drifts(problem: Problem, order: tuple[int, ...] | None = None) -> list[Fraction]:
    """Bound ``||G_r(x_{r-1}) - G_r(x)||`` by ``e_r = L_r D_r``."""
    pairs = zip(_lipschitz(problem, order), max_moves(problem, order), strict=True)
    return [lip * moved for lip, moved in pairs]


def penalty_56(problem: Problem, order: tuple[int, ...] | None = None) -> Fraction:
    """Return the right side of eq. 56 as printed."""
    sizes, eta = norms(problem, order), problem.eta
    moved = [
        lip * eta * before
        for lip, before in zip(_lipschitz(problem, order), sums_before(sizes), strict=True)
    ]
    slope = eta * sum(sizes, Fraction(0)) * sum(moved, Fraction(0))
    energy = sum((2 * g * e + e * e for g, e in zip(sizes, moved, strict=True)), Fraction(0))
    return slope + problem.smoothness * eta * eta / 2 * energy


def penalty_repaired(
    problem: Problem, order: tuple[int, ...] | None = None, *, constant_hessian: bool = False
) -> Fraction:
    """Return the bound on the start substitution error that holds for every m.

    ``e_r`` compounds along the path, and the third sum bounds the change of the integrals.
    """
    sizes, errors, eta = norms(problem, order), drifts(problem, order), problem.eta
    lip = problem.smoothness
    slope = eta * sum(sizes, Fraction(0)) * sum(errors, Fraction(0))
    energy = sum((2 * g * e + e * e for g, e in zip(sizes, errors, strict=True)), Fraction(0))
    inside = Fraction(0)
    for p, q in combinations(range(len(sizes)), 2):
        grown = (sizes[p] + errors[p]) * (sizes[q] + errors[q])
        same_hessian = p == 0 or constant_hessian
        inside += grown - sizes[p] * sizes[q] if same_hessian else grown + sizes[p] * sizes[q]
    return slope + lip * eta * eta * (energy / 2 + inside)


def start_gap(problem: Problem, order: tuple[int, ...] | None = None) -> Fraction:
    """Return ``eta^2 sum over p < q of (-L <G_p, G_q> + I_pq)``, the first term of eq. 52."""
    groups = starts(problem, order)
    crossing = sum(
        (interaction(problem, u, v) for u, v in combinations(groups, 2)),
        Fraction(0),
    )
    return problem.eta**2 * (crossing - problem.smoothness * inner_sum(groups))


def margins(problem: Problem, order: tuple[int, ...] | None = None) -> list[Fraction] | None:
    """Return ``-I_pq`` for all pairs: the largest ``Gamma_pq ||G_p|| ||G_q||`` of eq. 57.

    ``None`` if one of them is negative: then Assumption 7 does not hold.
    """
    pairs = combinations(starts(problem, order), 2)
    found = [-interaction(problem, u, v) for u, v in pairs]
    return None if min(found, default=Fraction(0)) < 0 else found


def excess_59(
    problem: Problem, penalty: Fraction, order: tuple[int, ...] | None = None
) -> Fraction | None:
    """Return left minus right side of eq. 59 with the largest margins; None without eq. 57."""
    slack = margins(problem, order)
    if slack is None:
        return None
    groups = starts(problem, order)
    left = sum(slack, Fraction(0)) + problem.smoothness * inner_sum(groups)
    return left - penalty / problem.eta**2


def cosine_sign(problem: Problem) -> int:
    """Return the sign of ``<G_1, G_2>`` at the start, for two groups."""
    first, second = starts(problem)
    value = dot(first, second)
    return (value > 0) - (value < 0)
