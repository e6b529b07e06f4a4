"""Two kinds of noise that meet the paper's budgets and still spoil the graph, exactly.

*Across the means, in many dimensions.* Two tasks with opposite means ``+-m_0 e_0`` and independent
signs ``+-1`` on D further axes: sub-Gaussian with sigma² = 1 in every direction, Lemma 1 holds with
c = 1/2. The EMA's noise has squared norm at least ``w² D``, w the smallest ``|sum +-w_t|``, and
``X = <delta_1, delta_2>`` is symmetric. If X >= 0, which has probability at least 1/2,

    C^ >= -m_0² / (m_0² + w² D),

which is not below -tau once ``w² D >= m_0² (1/tau - 1)``: the edge is missing. The budget of eq. 35
asks ``n_eff m_0² gamma² >= C log(K²/delta)`` and knows no D.

*Rare and large, in one dimension.* Means ``+-m_0`` and noise ``+-a`` with a small probability p,
else 0: with a > m_0 one flipped sign makes the cosine +1. A budget without delta can't make that
less likely than delta for every delta.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, isqrt
from typing import Any

from proofs_check.claims.coloring._graphs import chromatic_number, from_edges, largest_first
from proofs_check.claims.ema.objects import sample_size, window_weights
from proofs_check.claims.recovery._assumptions import components
from proofs_check.claims.recovery._exact import (
    SIGNS,
    is_sub_gaussian,
    logarithm_is_below,
    rare_probability,
    sign_sum_at_least,
    smallest_combination,
    three_points,
)
from proofs_check.counterexamples import Replay, rational, replayer
from songoku_theory.errors import InvalidInputError

__all__ = ["least_dimension", "log_bound", "root_above"]

HALF = Fraction(1, 2)


def root_above(value: Fraction) -> int:
    """Return the smallest integer whose square is at least `value`.

    Examples
    --------
    >>> root_above(Fraction(16)), root_above(Fraction(33, 2))
    (4, 5)
    """
    whole = ceil(value)
    found = isqrt(whole)
    return found if found * found >= whole else found + 1


def log_bound(argument: Fraction) -> Fraction:
    """Return a rational at least ``log(argument)``, in quarters.

    Examples
    --------
    >>> log_bound(Fraction(16))  # log 16 = 2.77
    Fraction(3, 1)
    """
    quarters = 0
    while not logarithm_is_below(argument, Fraction(quarters, 4)):
        quarters += 1
    return Fraction(quarters, 4)


def least_dimension(min_norm: int, floor: Fraction, smallest: Fraction) -> int:
    """Return the D from which ``m_0²/(m_0² + w² D) <= floor``."""
    return ceil(min_norm**2 * (1 / floor - 1) / smallest**2)


def _spoiled(what: str) -> tuple[str, bool]:
    """Say what the missing edge between two opposite tasks does."""
    true, found = from_edges(2, [(0, 1)]), from_edges(2, [])
    if what == "graph":
        return "G^ has no edge, G* has one", true != found
    if what == "components":
        mine, theirs = components(found), components(true)
        return f"components {mine} instead of {theirs}", mine != theirs
    if what == "coloring":
        few, needed = chromatic_number(found), chromatic_number(true)
        return f"chi(G^) = {few}, m = {needed}; classes {largest_first(found)}", few != needed
    if what == "cosine":
        return "the cosine is off by more than eps", True
    raise InvalidInputError(
        f"what is spoiled should be graph, components, coloring or cosine; found {what!r}."
    )


@replayer("recovery-dimension")
def replay_dimension(data: Mapping[str, Any]) -> Replay:
    """For each constant C: an instance that meets the budget and fails with probability >= 1/2."""
    tau, gamma, delta = (rational(data[key]) for key in ("tau", "gamma", "delta"))
    window, beta = int(data["window"]), rational(data["beta"])
    argument = {"K²/delta": 4 / delta, "K/delta": 2 / delta}[data["log"]]
    log_term = log_bound(argument)
    weights = window_weights(window, beta)
    n_eff, smallest = sample_size(weights), smallest_combination(weights)
    words, spoiled = _spoiled(data["spoils"])
    # eps of eq. 31 plays gamma's part there; the cosine is then off by more than eps
    floor = tau if data["spoils"] != "cosine" else (1 - gamma) * Fraction(99, 100)
    setting = (
        0 < tau < 1
        and 0 < gamma < 1 - tau
        and 0 < delta < HALF
        and smallest > 0
        and logarithm_is_below(argument, log_term)
        and is_sub_gaussian(SIGNS, Fraction(1))
    )
    lines = [
        f"K = 2, means +-m_0 e_0 (cosine -1 <= -(tau+gamma) = {-(tau + gamma)}), tau = {tau}, "
        f"gamma = {gamma}, delta = {delta}, log({data['log']}) < {log_term}",
        f"R = {window}, beta = {beta}: n_eff = {n_eff}; on each further axis the noise's average "
        f"has a size of at least {smallest}",
    ]
    violated = setting and spoiled
    for constant in map(rational, data["constants"]):
        min_norm = root_above(constant * log_term / (n_eff * gamma**2))
        axes = least_dimension(min_norm, floor, smallest)
        met = n_eff * min_norm**2 * gamma**2 >= constant * log_term
        worst = Fraction(min_norm**2) / (min_norm**2 + smallest**2 * axes)
        chance = sign_sum_at_least(axes, 0) if window == 1 and axes <= 4000 else HALF
        violated = violated and met and worst <= floor and chance >= HALF > delta
        shown = f"{float(chance):.4f}" if chance > HALF else "1/2"
        lines.append(
            f"C = {constant}: m_0 = {min_norm}, d = {axes + 1}: the budget is met: {met}; with "
            f"probability >= {shown} the cosine is at least {-worst}, not below {-floor}"
        )
    lines.append(f"Then {words}; the statement allows this with probability {delta}.")
    return Replay(tuple(lines), violated)


@replayer("recovery-rare-noise")
def replay_rare(data: Mapping[str, Any]) -> Replay:
    """For each constant C: a budget without delta is met, and some delta is missed, with d = 1."""
    gamma, share = rational(data["gamma"]), rational(data["delta_share"])
    lines = ["K = 2, d = 1, means +-m_0, R = 1, n_eff = 1, noise +-a with probability p, else 0"]
    violated = 0 < gamma < 1 and 0 < share < 1
    for constant in map(rational, data["constants"]):
        min_norm = root_above(constant / gamma**2)
        size = Fraction(min_norm + 1)
        rare = rare_probability(size * size)
        valid = is_sub_gaussian(three_points(size, rare), Fraction(1))
        met = min_norm**2 * gamma**2 >= constant
        chance = 2 * (rare / 2) * (1 - rare / 2)  # exactly one of the two signs is flipped
        delta = share * chance
        violated = violated and valid and met and size > min_norm and chance > delta > 0
        lines.append(
            f"C = {constant}: m_0 = {min_norm}, a = {size}, sigma² = 1 (sub-Gaussian: {valid}); "
            f"the budget is met: {met}; P(C^ = +1 although C* = -1) = {float(chance):.3g}"
        )
    lines.append(
        f"With delta = {share} of that probability the statement fails, for every C: the budget "
        f"does not contain delta."
    )
    return Replay(tuple(lines), violated)
