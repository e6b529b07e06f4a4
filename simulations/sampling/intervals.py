"""Exact binomial intervals."""

from __future__ import annotations

from simulations.generators.checks import check_whole
from songoku_theory.errors import InvalidInputError

__all__ = ["clopper_pearson"]


def clopper_pearson(successes: int, trials: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a probability: coverage at least ``1 - alpha``.

    Parameters
    ----------
    successes : int
        0..trials.
    trials : int
        >= 1.
    alpha : float, default 0.05
        In (0, 1).

    Returns
    -------
    tuple of float
        Lower and upper end, each wrong with probability at most alpha / 2.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    Clopper and Pearson (1934).

    Examples
    --------
    >>> [round(end, 4) for end in clopper_pearson(0, 100)]
    [0.0, 0.0362]
    >>> [round(end, 4) for end in clopper_pearson(60, 100)]
    [0.4972, 0.6967]
    """
    from scipy.stats import beta

    check_whole("trials", trials)
    check_whole("successes", successes, 0)
    if successes > trials:
        raise InvalidInputError(f"found {successes} successes in only {trials} trials.")
    if not 0 < alpha < 1:
        raise InvalidInputError(f"alpha should lie in (0, 1); found {alpha}.")
    failures = trials - successes
    low = 0.0 if successes == 0 else float(beta.ppf(alpha / 2, successes, failures + 1))
    high = 1.0 if failures == 0 else float(beta.ppf(1 - alpha / 2, successes + 1, failures))
    return low, high
