"""Intervals that may be looked at after every trial, and the rule that stops on their width.

Stopping as soon as an ordinary interval is narrow enough spoils it: the moment is chosen by the
data. A *confidence sequence* holds at all times at once, so at any moment that the data choose.

Let S_n be the successes among the first n trials, of probability p. For any p the likelihood ratio
of a uniform mixture against p,

    M_n(p) = B(S_n + 1, n - S_n + 1) / (p**S_n (1 - p)**(n - S_n)),        B the beta function,

is a martingale under p with mean 1: a new trial multiplies it by ((S_n + 1) / (n + 2)) / p with
probability p and by ((n - S_n + 1) / (n + 2)) / (1 - p) with probability 1 - p, and the average of
the two is 1. It is never negative, so by Ville's inequality it *ever* reaches 1 / alpha with
probability at most alpha. So {p : M_n(p) < 1 / alpha} contains the true p at all n at once with
probability at least 1 - alpha. log M_n is convex in p and least at S_n / n: the set is an interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from simulations.generators.checks import check_whole
from simulations.sampling.tally import Tally
from songoku_theory.errors import InvalidInputError

__all__ = ["Stopped", "anytime_interval", "run_until_narrow"]

FIRST_LOOK = 256
"""Trials before the first look; each block after it is a quarter of what there is."""


def anytime_interval(successes: int, trials: int, alpha: float = 0.05) -> tuple[float, float]:
    """Return an interval of a probability that may be computed after any number of trials.

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
        Lower and upper end. With probability at least 1 - alpha the true value lies in the
        intervals of *all* trial counts at once.

    Raises
    ------
    InvalidInputError
        When an argument is out of range.

    Source
    ------
    Robbins (1970), the beta mixture; Ville (1939). The proof is in the module's docstring.

    Examples
    --------
    >>> [round(end, 4) for end in anytime_interval(60, 100)]
    [0.4408, 0.746]
    >>> [round(end, 4) for end in anytime_interval(0, 100)]
    [0.0, 0.0733]
    """
    check_whole("trials", trials)
    check_whole("successes", successes, 0)
    if successes > trials:
        raise InvalidInputError(f"found {successes} successes in only {trials} trials.")
    if not 0 < alpha < 1:
        raise InvalidInputError(f"alpha should lie in (0, 1); found {alpha}.")
    failures = trials - successes
    log_beta = math.lgamma(successes + 1) + math.lgamma(failures + 1) - math.lgamma(trials + 2)

    def outside(p: float) -> bool:
        found = log_beta
        if successes:
            found -= successes * math.log(p) if p > 0 else -math.inf
        if failures:
            found -= failures * math.log1p(-p) if p < 1 else -math.inf
        return found >= -math.log(alpha)

    share = successes / trials
    low = 0.0 if successes == 0 else _edge(outside, 0.0, share)
    high = 1.0 if failures == 0 else _edge(outside, 1.0, share)
    return low, high


def _edge(outside: Callable[[float], bool], out: float, inside: float) -> float:
    """Halve towards the last p on the outer side: rounding makes the interval no narrower."""
    while True:
        middle = 0.5 * (out + inside)
        if middle in (out, inside):
            return out
        if outside(middle):
            out = middle
        else:
            inside = middle


@dataclass(frozen=True, slots=True)
class Stopped:
    """What was run, and its intervals.

    Attributes
    ----------
    tally : Tally
    graph, partition : tuple of float
        Intervals that hold although the moment to stop was chosen by the data.
    narrow : bool
        Whether both are as narrow as asked; False if the trials ran out first.
    """

    tally: Tally
    graph: tuple[float, float]
    partition: tuple[float, float]
    narrow: bool


def run_until_narrow(
    run: Callable[[int], Tally], width: float, most: int, alpha: float = 0.05
) -> Stopped:
    """Run trials until the intervals of both probabilities are as narrow as asked.

    Parameters
    ----------
    run : callable (trials) -> Tally
        Runs so many *new* independent trials.
    width : float
        Upper minus lower end, in (0, 1).
    most : int
        Trials at most; >= 1.
    alpha : float, default 0.05
        Of each of the two intervals.

    Returns
    -------
    Stopped

    Raises
    ------
    InvalidInputError
        When an argument is out of range.
    """
    if not 0 < width < 1:
        raise InvalidInputError(f"the width to stop at should lie in (0, 1); found {width}.")
    check_whole("most", most)
    total = Tally()
    while True:
        block = max(FIRST_LOOK, total.trials // 4)
        total += run(min(block, most - total.trials))
        graph = anytime_interval(total.graph_exact, total.trials, alpha)
        partition = anytime_interval(total.partition_exact, total.trials, alpha)
        narrow = max(graph[1] - graph[0], partition[1] - partition[0]) <= width
        if narrow or total.trials >= most:
            return Stopped(total, graph, partition, narrow)
