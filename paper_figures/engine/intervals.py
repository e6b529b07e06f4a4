"""Exact binomial intervals for counts that are pooled over cells."""

from __future__ import annotations

from scipy.stats import beta

from songoku_theory.errors import InvalidInputError

__all__ = ["clopper_pearson"]


def clopper_pearson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Bound a binomial probability exactly (never less than the stated coverage).

    Parameters
    ----------
    successes, trials : int
        ``0 <= successes <= trials``, ``trials >= 1``.
    level : float
        Confidence level in (0, 1).

    Returns
    -------
    tuple of float
        Lower and upper limit.

    Raises
    ------
    InvalidInputError
        If the counts are impossible.

    Source
    ------
    Clopper and Pearson (1934).

    Examples
    --------
    >>> low, high = clopper_pearson(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.3085)
    """
    if not 0 <= successes <= trials or trials < 1:
        raise InvalidInputError(
            f"expected 0 <= successes <= trials and trials >= 1; found {successes} of {trials}."
        )
    tail = (1.0 - level) / 2.0
    low = 0.0 if successes == 0 else beta.ppf(tail, successes, trials - successes + 1)
    high = 1.0 if successes == trials else beta.ppf(1 - tail, successes + 1, trials - successes)
    return float(low), float(high)
