"""EXT-5: the EMA's lag, and the sample size that balances it against noise.

Error of the EMA against the mean at the window's end, R large, n = (1+beta)/(1-beta): a steady
drift of D a step gives the bias D (n-1)/2, noise of energy E gives E/n.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from types import ModuleType
from typing import Any

from proofs_check.claims.coloring._kernels import Z3
from proofs_check.claims.ema.objects import window_weights
from proofs_check.claims.recovery._checks import (
    Obligation,
    Step,
    identities,
    is_zero,
    look,
    ours,
    proof,
    replayed,
    solver,
    some,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.symbolic import Expression, Identity
from proofs_check.model import Assumption, Check, CheckContext, Claim, Method

__all__ = ["CLAIMS", "error_of", "optimum_checks"]

Condition = Callable[[Any], Any]
"""From n to what equals 2 E/D² at the best n."""


def error_of(size: Fraction, drift: Fraction, energy: Fraction) -> Fraction:
    """Return the mean squared error D² ((n-1)/2)² + E/n.

    Examples
    --------
    >>> str(error_of(Fraction(1), Fraction(1), Fraction(1)))
    '1'
    """
    return (drift * (size - 1) / 2) ** 2 + energy / size


def error_by_weights(beta: Fraction, drift: Fraction, energy: Fraction, window: int) -> Fraction:
    """Return the same for eq. 18 with a finite window, from its weights."""
    weights = window_weights(window, beta)
    lag = sum((w * (window - t) for t, w in enumerate(weights, start=1)), Fraction(0))
    return (drift * lag) ** 2 + energy * sum((w * w for w in weights), Fraction(0))


@replayer("ext5-best")
def replay_best(data: Mapping[str, Any]) -> Replay:
    """At n = (E/D²)^(1/3) the error is larger than at another n, also with a long finite window."""
    drift, energy = rational(data["drift"]), rational(data["energy"])
    claimed, better = rational(data["claimed"]), rational(data["better"])
    window = int(data["window"])
    betas = [(n - 1) / (n + 1) for n in (claimed, better)]
    errors = [error_of(n, drift, energy) for n in (claimed, better)]
    finite = [error_by_weights(beta, drift, energy, window) for beta in betas]
    is_claimed = claimed**3 == energy / drift**2
    return Replay(
        (
            f"D = {drift}, E = {energy}: (E/D²)^(1/3) = {claimed}: {is_claimed}",
            f"n = {claimed} (beta = {betas[0]}): error {errors[0]}; n = {better} (beta = "
            f"{betas[1]}): error {errors[1]}",
            f"with R = {window} instead of a large R: {float(finite[0]):.6f} and "
            f"{float(finite[1]):.6f}",
        ),
        is_claimed
        and min(claimed, better) >= 1
        and errors[1] < errors[0]
        and finite[1] < finite[0],
    )


def _lag(sympy: ModuleType) -> list[Identity]:
    beta = sympy.Symbol("beta")
    size = (1 + beta) / (1 - beta)
    return [("beta/(1-beta) = (n-1)/2", beta / (1 - beta), (size - 1) / 2)]


def _lag_sum() -> bool:
    """(1-beta) sum_k k beta^k: the partial sums telescope to beta/(1-beta) - rest."""
    import sympy

    beta, power, n = sympy.symbols("beta x n")

    def partial(x: Expression, k: Expression) -> Expression:
        # the terms 0 ... k-1, with x = beta^k
        return beta * (1 - x) / (1 - beta) - k * x

    step = partial(power * beta, n + 1) - partial(power, n) - (1 - beta) * n * power
    return is_zero(step)


def _lag_cases(context: CheckContext) -> Iterator[Fraction]:
    del context
    yield from (Fraction(k, 12) for k in range(12))


def _lag_converges(beta: Fraction) -> bool:
    window = 400
    weights = window_weights(window, beta)
    lag = sum((w * (window - t) for t, w in enumerate(weights, start=1)), Fraction(0))
    limit = beta / (1 - beta)
    return limit - Fraction(1, 10**9) <= lag <= limit


def optimum_checks(condition: Condition = lambda n: n * n * (n - 1)) -> tuple[Check, ...]:
    """Return the checks that n is best exactly where `condition(n)` = 2 E/D²."""

    def slope(sympy: ModuleType) -> list[Identity]:
        n, drift, energy = sympy.symbols("n D E", positive=True)
        error = (drift * (n - 1) / 2) ** 2 + energy / n
        return [
            (
                "d error/dn = D²/(2 n²) (n²(n-1) - 2E/D²)",
                sympy.diff(error, n),
                drift**2 / (2 * n**2) * (condition(n) - 2 * energy / drift**2),
            )
        ]

    def cases(_: CheckContext) -> Iterator[tuple[Fraction, Fraction]]:
        for quarters in range(4, 60):
            for shift in (1, -1, 3, -3, 20):
                yield Fraction(quarters, 4), Fraction(shift, 8)

    def holds(case: tuple[Fraction, Fraction]) -> bool:
        size, shift = case
        if size + shift < 1 or size == 1:
            return True
        energy = condition(size) / 2
        return error_of(size, Fraction(1), energy) < error_of(size + shift, Fraction(1), energy)

    def unique(z3: Z3) -> list[Obligation]:
        n, other, ratio = z3.Reals("n m q")
        return [
            Obligation(
                "no other n >= 1 is as good",
                [n >= 1, other >= 1, other != n, ratio > 0, condition(n) == ratio],
                # error/D² with E/D² = q/2
                (n - 1) * (n - 1) / 4 + ratio / (2 * n)
                < (other - 1) * (other - 1) / 4 + ratio / (2 * other),
            )
        ]

    return (
        identities(
            "slope of the error", slope, "the error falls before the root, then grows", doc=""
        ),
        solver("unique minimum", unique, "the root is the only minimum over n >= 1", doc="z3"),
        look(
            "neighbours",
            cases,
            holds,
            str,
            "n = 1 ... 15 in quarters, E chosen to make it the root, five other n each",
            doc="In fractions.",
            method=Method.EXACT,
            kind="instances",
        ),
        proof(
            "n²(n-1) = 2 E/D² has one root n > 1, and there the error is least",
            (
                Step("The slope has the sign of n²(n-1) - 2E/D² (see the identity)."),
                Step("n²(n-1) grows strictly from 0 at n = 1 without bound: one root; minimum."),
            ),
        ),
    )


def _order_obligations(z3: Z3) -> list[Obligation]:
    n, x = z3.Reals("n x")
    return [
        Obligation(
            "x < n < x + 1 for x³ = n²(n-1)",
            [n > 1, x > 0, x * x * x == n * n * (n - 1)],
            z3.And(x < n, n < x + 1),
        )
    ]


def _bracket_algebra() -> bool:
    import sympy

    x = sympy.Symbol("x")
    below = is_zero(x**3 - x**2 * (x - 1) - x**2)
    return below and is_zero((x + 1) ** 2 * x - x**3 - (2 * x**2 + x))


def _order_cases(context: CheckContext) -> Iterator[Fraction]:
    del context
    yield from (Fraction(k, 7) for k in range(1, 300))


def _bracketed(x: Fraction) -> bool:
    """The root of n²(n-1) = x³ lies strictly between x and x + 1."""
    return x * x * (x - 1) < x**3 < (x + 1) ** 2 * x


def walk_error(size: Fraction, drift: Fraction, energy: Fraction) -> Fraction:
    """Return the error for a mean that walks at random: D² (n-1)²/(4n) + E/n."""
    return drift**2 * (size - 1) ** 2 / (4 * size) + energy / size


def _walk(sympy: ModuleType) -> list[Identity]:
    n, drift, energy, beta = sympy.symbols("n D E beta", positive=True)
    error = drift**2 * (n - 1) ** 2 / (4 * n) + energy / n
    size = (1 + beta) / (1 - beta)
    return [
        (
            "sum over k >= 1 of beta^(2k) = (n-1)²/(4n)",
            beta**2 / (1 - beta**2),
            (size - 1) ** 2 / (4 * size),
        ),
        (
            "slope = D²/(4n²) (n² - 1 - 4E/D²)",
            sympy.diff(error, n),
            drift**2 / (4 * n**2) * (n**2 - 1 - 4 * energy / drift**2),
        ),
    ]


def _walk_cases(context: CheckContext) -> Iterator[tuple[Fraction, Fraction]]:
    del context
    for quarters in range(5, 60):
        for shift in (1, -1, 4):
            yield Fraction(quarters, 4), Fraction(shift, 8)


def _walk_best(case: tuple[Fraction, Fraction]) -> bool:
    size, shift = case
    energy = (size**2 - 1) / 4
    if size + shift < 1:
        return True
    return walk_error(size, Fraction(1), energy) < walk_error(size + shift, Fraction(1), energy)


_ON = "result 5 beyond the paper"
_DRIFT = Assumption("steady drift", "the mean moves by the same vector of length D a step")
_LARGE = Assumption("R large", "n_eff = (1+beta)/(1-beta), the limit of eq. 19")
_STATEMENT = (
    r"With drift $D$ a step and noise energy $E=\sigma^2d$ the best $n_{\rm eff}$ is "
    r"$(E/D^2)^{1/3}$."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-5",
        family="recovery",
        title="The EMA's lag is (n_eff - 1)/2",
        statement=r"The EMA lags the end of its window by $\beta/(1-\beta)=(n_{\rm eff}-1)/2$ "
        r"steps ($R$ large).",
        plain="The mean age of the weights tends to beta/(1-beta) = (n-1)/2 with n = "
        "(1+beta)/(1-beta).",
        source=ours(_ON),
        assumptions=(_LARGE,),
        used_for="Choosing beta and R by themselves.",
        checks=(
            identities("lag in n", _lag, "beta/(1-beta) = (n-1)/2", doc="sympy"),
            proof(
                "mean age beta/(1-beta)",
                (
                    Step(
                        "(1-beta) sum over k < N of k beta^k = beta (1 - beta^N)/(1-beta) - N "
                        "beta^N.",
                        _lag_sum,
                    ),
                    Step("N beta^N -> 0, so the limit is beta/(1-beta); finite R: EMA-AGE."),
                ),
            ),
            some(
                "R = 400",
                _lag_cases,
                _lag_converges,
                "beta in twelfths: within 10^-9 below the limit",
                doc="From eq. 18's weights.",
            ),
        ),
    ),
    Claim(
        id="EXT-5-BEST",
        family="recovery",
        title="The best n_eff is (E/D²)^(1/3)",
        statement=_STATEMENT,
        plain="Of all n >= 1, (E/D²)^(1/3) has the least error D² ((n-1)/2)² + E/n.",
        source=ours(_ON),
        assumptions=(_DRIFT, _LARGE),
        used_for="An automatic rule for beta and R.",
        checks=(replayed("ext5_best", "D = E = 1: n = 1 against n = 2."),),
        reading="'is' as equality; as an order of magnitude it is EXT-5-ORDER",
        repaired_by="EXT-5-BEST-R",
    ),
    Claim(
        id="EXT-5-BEST-R",
        family="recovery",
        title="The best n_eff solves n²(n-1) = 2E/D²",
        statement=r"The error $D^2((n-1)/2)^2+E/n$ over $n\ge 1$ is least exactly where "
        r"$n^2(n-1)=2E/D^2$.",
        plain="The best n is the only root of n²(n-1) = 2E/D² above 1.",
        source=ours(f"repair of EXT-5-BEST ({_ON})"),
        assumptions=(_DRIFT, _LARGE),
        used_for="An automatic rule for beta: beta = (n-1)/(n+1).",
        checks=optimum_checks(),
        repairs="EXT-5-BEST",
    ),
    Claim(
        id="EXT-5-ORDER",
        family="recovery",
        title="The best n_eff is (2E/D²)^(1/3) up to one",
        statement=r"The best $n$ satisfies $x<n<x+1$, $x=(2E/D^2)^{1/3}$.",
        plain="The best n lies strictly between x and x + 1, x = (2E/D²)^(1/3): the cube root is "
        "right in order, and off by the factor 2^(1/3).",
        source=ours(_ON),
        assumptions=(_DRIFT, _LARGE),
        used_for="A closed form that is good enough for a rule.",
        checks=(
            solver("bracket", _order_obligations, "x < n < x + 1", doc="z3"),
            proof(
                "x < n < x + 1",
                (
                    Step("n²(n-1) grows; at n = x it is x³ - x² < x³."),
                    Step("At n = x + 1 it is (x+1)² x > x³.", _bracket_algebra),
                ),
            ),
            some(
                "values",
                _order_cases,
                _bracketed,
                "x = 1/7 ... 299/7",
                doc="In fractions.",
            ),
        ),
    ),
    Claim(
        id="EXT-5-WALK",
        family="recovery",
        title="A mean that walks at random: n = sqrt(1 + 4E/D²)",
        statement=r"If the mean takes independent steps of mean zero and energy $D^2$, the error "
        r"is $D^2(n-1)^2/(4n)+E/n$, least at $n=\sqrt{1+4E/D^2}$.",
        plain="For a random walk the error grows linearly in n, and the best n is a square root, "
        "not a cube root: the kind of drift decides the rule.",
        source=ours(_ON),
        assumptions=(_LARGE,),
        used_for="Says what the cube root assumes: drift that keeps its direction.",
        checks=(
            identities("error and slope", _walk, "the error's form and its slope", doc="sympy"),
            proof(
                "error of a random walk",
                (
                    Step(
                        "The EMA minus the last mean is the noise's average minus sum over k >= 1 "
                        "of beta^k times the k-th last step: independent, energies add up to E/n "
                        "+ D² sum beta^(2k)."
                    ),
                    Step("The slope changes its sign once, at n² = 1 + 4E/D²."),
                ),
            ),
            some(
                "neighbours",
                _walk_cases,
                _walk_best,
                "n in quarters up to 15, E chosen to make it the root, three other n",
                doc="In fractions.",
            ),
        ),
    ),
)
