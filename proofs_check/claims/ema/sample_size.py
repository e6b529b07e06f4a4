"""Eq. 19: the effective sample size, its range, its monotonicity, its limit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

from proofs_check.claims.ema import formulas
from proofs_check.claims.ema.assumptions import BETA, BETA_POSITIVE, WINDOW
from proofs_check.claims.ema.formulas import Formula, LimitFormula, Number
from proofs_check.claims.ema.objects import sample_size, window_weights
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid
from proofs_check.methods.polynomial import (
    Polynomial,
    add,
    derivative,
    evaluate,
    is_positive_between,
    monomial,
    multiply,
    scale,
    subtract,
)
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = [
    "CLAIMS",
    "below_limit_checks",
    "closed_form_checks",
    "limit_checks",
    "numerator_and_denominator",
]

Pair = tuple[int, Fraction]


def _grid(max_window: int, max_denominator: int, first_beta: int = 0) -> list[Pair]:
    betas = rational_grid(max_denominator)[first_beta:]
    return [(window, beta) for window in range(1, max_window + 1) for beta in betas]


def _pair_text(pair: Pair) -> str:
    return f"R = {pair[0]}, β = {pair[1]}"


def _geometric(window: int, step: int = 1) -> Polynomial:
    """Return 1 + β^step + ... + β^(step (R-1)) as a polynomial in β."""
    result: Polynomial = ()
    for s in range(window):
        result = add(result, monomial(step * s))
    return result


def numerator_and_denominator(window: int) -> tuple[Polynomial, Polynomial]:
    """Return n_eff = (Σ β^s)² / Σ β^(2s) as two polynomials in β, straight from the weights.

    Examples
    --------
    >>> top, bottom = numerator_and_denominator(2)
    >>> [int(c) for c in top], [int(c) for c in bottom]
    ([1, 2, 1], [1, 0, 1])
    """
    once = _geometric(window)
    return multiply(once, once), _geometric(window, step=2)


def closed_form_checks(formula: Formula = formulas.sum_of_squares) -> tuple[Check, ...]:
    """Return the checks of EMA-19 for this closed form of Σ w_t²."""

    def by_induction(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
            beta, power = sympy.symbols("beta x")
            # Undo eq. 18's normalisation: what the formula says of A_R = Σ_{s<R} β^(2s).
            sum_of_powers = formula(beta, power) * (1 - power) ** 2 / (1 - beta) ** 2
            return [
                ("A_1 = 1", sum_of_powers.subs(power, beta), 1),
                (
                    "A_{R+1} - A_R = β^(2R)",
                    sum_of_powers.subs(power, beta * power) - sum_of_powers,
                    power**2,
                ),
                ("β = 0, where all weight is on w_R = 1", formula(sympy.Integer(0), 0), 1),
            ]

        return prove_identities(build, "eq. 19's closed form for every R ≥ 1 and 0 ≤ β < 1")

    def term_by_term(_: CheckContext) -> Finding:
        def holds(pair: Pair) -> bool:
            window, beta = pair
            squares = sum((w * w for w in window_weights(window, beta)), Fraction(0))
            return bool(formula(beta, beta**window) == squares)

        return for_every(
            _grid(32, 9),
            holds,
            _pair_text,
            "R ≤ 32, every β < 1 with denominator ≤ 9, squares of eq. 18's weights summed",
        )

    def by_solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            beta, power = z3.Reals("beta x")
            in_range = [beta > 0, beta < 1, power > 0, power <= beta]

            def powers(x: Number) -> Number:
                return formula(beta, x) * (1 - x) * (1 - x)

            unit = (1 - beta) * (1 - beta)
            return [
                smt.Obligation("R = 1", [beta > 0, beta < 1], powers(beta) == unit),
                smt.Obligation(
                    "R to R+1",
                    in_range,
                    powers(beta * power) - powers(power) == unit * power * power,
                ),
            ]

        return smt.prove(build, "the induction of eq. 19's closed form over the reals, 0 < β < 1")

    return (
        Check("induction on R", Method.SYMBOLIC, by_induction, doc="base and step by sympy"),
        Check("squares summed term by term", Method.EXACT, term_by_term),
        Check("induction step by z3", Method.SMT, by_solver),
    )


def _window_monotone_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        beta, power = sympy.symbols("beta x")
        after = formulas.n_eff(beta, beta * power)
        before = formulas.n_eff(beta, power)
        gap = 2 * power * (1 + beta) / ((1 + power) * (1 + beta * power))
        return [
            ("1/eq. 19 = n_eff", 1 / formulas.sum_of_squares(beta, power), before),
            ("n_eff(R+1) - n_eff(R) = 2β^R(1+β)/((1+β^R)(1+β^(R+1)))", after - before, gap),
        ]

    return prove_identities(
        build, "n_eff(R+1) - n_eff(R) > 0 for 0 < β < 1 and = 0 for β = 0, for every R ≥ 1"
    )


def _window_monotone_exactly(_: CheckContext) -> Finding:
    def holds(pair: Pair) -> bool:
        window, beta = pair
        now = sample_size(window_weights(window, beta))
        later = sample_size(window_weights(window + 1, beta))
        return later == now == 1 if beta == 0 else later > now

    return for_every(_grid(24, 8), holds, _pair_text, "R ≤ 24, every β with denominator ≤ 8")


def _window_monotone_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        beta, power = z3.Reals("beta x")
        return [
            smt.Obligation(
                "n_eff(R) < n_eff(R+1)",
                [beta > 0, beta < 1, power > 0, power <= beta],
                formulas.n_eff(beta, power) < formulas.n_eff(beta, beta * power),
            )
        ]

    return smt.prove(build, "n_eff grows strictly with R for 0 < β < 1")


def _beta_monotone_proof(_: CheckContext) -> Finding:
    import sympy

    a, window = sympy.symbols("a R", positive=True)
    s1, c1, s, c, n = sympy.symbols("s1 c1 s c n", positive=True)
    y = sympy.Symbol("y", positive=True)  # e**a

    def log_derivative() -> bool:
        logarithm = sympy.log(sympy.tanh(window * a / 2))
        claimed = window / sympy.sinh(window * a)
        difference = (sympy.diff(logarithm, a) - claimed).rewrite(sympy.exp)
        return bool(sympy.simplify(difference) == 0)

    return WrittenProof(
        "for R ≥ 2, n_eff grows strictly with β on [0, 1); for R = 1 it is 1",
        (
            Step(
                "With β = e^(-a), a > 0: n_eff = tanh(Ra/2)/tanh(a/2) (EXT-2), and a falls as β "
                "grows.",
                lambda: is_zero((1 - 1 / y) / (1 + 1 / y) - (y - 1) / (y + 1)),
            ),
            Step(
                "d/da ln tanh(Ra/2) = R/sinh(Ra), so d/da ln n_eff = R/sinh(Ra) - 1/sinh(a).",
                log_derivative,
            ),
            Step(
                "sinh(Ra) > R sinh(a) for R ≥ 2 by induction: sinh((n+1)a) = sinh(na) cosh(a) + "
                "cosh(na) sinh(a) with sinh(na) ≥ n sinh(a), cosh(a) > 1, cosh(na) > 1 gives more "
                "than (n+1) sinh(a).",
                lambda: is_zero(
                    (s1 * c + c1 * s)
                    - (n + 1) * s
                    - ((s1 - n * s) * c + n * s * (c - 1) + s * (c1 - 1))
                ),
            ),
            Step("So n_eff falls strictly in a: it grows strictly in β on (0, 1).", None),
            Step("At β = 0 it is 1, and for β > 0, R ≥ 2 it is more than 1 (EMA-19-RANGE).", None),
        ),
    ).finding()


def _beta_monotone_polynomials(context: CheckContext) -> Finding:
    top_window = 40 if context.profile == "full" else 14

    def holds(window: int) -> bool:
        top, bottom = numerator_and_denominator(window)
        slope = subtract(multiply(derivative(top), bottom), multiply(top, derivative(bottom)))
        if window == 1:
            return slope == ()
        return evaluate(slope, 0) > 0 and is_positive_between(slope, 0, 1)

    return for_every(
        range(1, top_window + 1),
        holds,
        lambda window: f"R = {window}",
        f"R ≤ {top_window}, every β in [0, 1): the derivative's numerator has no root (Sturm)",
        "up_to",
    )


def _beta_monotone_grid(_: CheckContext) -> Finding:
    betas = rational_grid(12)
    cases = [(window, low, high) for window in range(1, 17) for low, high in pairwise(betas)]

    def holds(case: tuple[int, Fraction, Fraction]) -> bool:
        window, low, high = case
        lower = sample_size(window_weights(window, low))
        upper = sample_size(window_weights(window, high))
        return lower == upper == 1 if window == 1 else lower < upper

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β from {case[1]} to {case[2]}",
        "R ≤ 16, neighbouring β with denominator ≤ 12",
    )


def _range_proof(_: CheckContext) -> Finding:
    import sympy

    u, v, w = sympy.symbols("u v w")
    return WrittenProof(
        "1 ≤ n_eff ≤ R; n_eff = 1 iff R = 1 or β = 0; n_eff = R iff R = 1",
        (
            Step(
                "Weights are ≥ 0 with Σ w = 1, so Σ w² ≤ (Σ w)² = 1: n_eff ≥ 1, with equality iff "
                "one weight is 1, which is R = 1 or β = 0 (EMA-H1).",
                None,
            ),
            Step(
                "Cauchy-Schwarz in the form R Σ w² - (Σ w)² = Σ_{s<t} (w_s - w_t)² ≥ 0: n_eff ≤ R "
                "(shown for R = 3).",
                lambda: is_zero(
                    3 * (u**2 + v**2 + w**2)
                    - (u + v + w) ** 2
                    - ((u - v) ** 2 + (u - w) ** 2 + (v - w) ** 2)
                ),
            ),
            Step(
                "Expanding both sides for any R: each w_t² appears R - 1 times, each product w_s "
                "w_t with s < t appears -2 times.",
                None,
            ),
            Step("Equality iff all weights are equal; for β < 1 and R ≥ 2 they are not.", None),
        ),
    ).finding()


def _range_polynomials(_: CheckContext) -> Finding:
    def holds(window: int) -> bool:
        top, bottom = numerator_and_denominator(window)
        above, below = subtract(scale(bottom, window), top), subtract(top, bottom)
        if window == 1:
            return above == below == ()
        return (
            evaluate(above, 0) > 0
            and is_positive_between(above, 0, 1)
            and evaluate(below, 0) == 0
            and is_positive_between(below, 0, 1)
        )

    return for_every(
        range(1, 25),
        holds,
        lambda window: f"R = {window}",
        "R ≤ 24, every β in [0, 1), roots counted by Sturm",
        "up_to",
    )


def _range_search(context: CheckContext) -> Finding:
    def draw(rng: np.random.Generator) -> Sequence[float]:
        return (float(rng.integers(1, 20)), float(rng.beta(0.5, 0.5)))

    def violates(point: Sequence[Fraction]) -> bool:
        window, beta = int(point[0]), point[1]
        if not 0 <= beta < 1 or window < 1:
            return False
        size = sample_size(window_weights(window, beta))
        return not 1 <= size <= window or (size == window) != (window == 1)

    return search_rationals(draw, violates, context.seed, 300, (3, 10, 100))


def below_limit_checks(
    formula: Formula = formulas.n_eff, limit: LimitFormula = formulas.n_eff_limit
) -> tuple[Check, ...]:
    """Return the checks of EMA-19-BELOW for these formulas."""

    def gap_by_symbols(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
            beta, power = sympy.symbols("beta x")
            gap = limit(beta) - formula(beta, power)
            positive = 2 * power * (1 + beta) / ((1 - beta) * (1 + power))
            return [("limit - n_eff = 2β^R(1+β)/((1-β)(1+β^R))", gap, positive)]

        return prove_identities(
            build, "n_eff < (1+β)/(1-β) for 0 < β < 1, equal for β = 0 (where β^R = 0)"
        )

    def on_a_grid(_: CheckContext) -> Finding:
        def holds(pair: Pair) -> bool:
            window, beta = pair
            size = sample_size(window_weights(window, beta))
            return bool(size == limit(beta) if beta == 0 else size < limit(beta))

        return for_every(_grid(32, 9), holds, _pair_text, "R ≤ 32, every β with denominator ≤ 9")

    def by_solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            beta, power = z3.Reals("beta x")
            return [
                smt.Obligation(
                    "strictly below",
                    [beta > 0, beta < 1, power > 0, power <= beta],
                    formula(beta, power) < limit(beta),
                )
            ]

        return smt.prove(build, "n_eff stays strictly below its limit for 0 < β < 1")

    return (
        Check("gap to the limit", Method.SYMBOLIC, gap_by_symbols),
        Check("weights on a grid", Method.EXACT, on_a_grid),
        Check("bound by z3", Method.SMT, by_solver),
    )


def limit_checks(limit: LimitFormula = formulas.n_eff_limit) -> tuple[Check, ...]:
    """Return the checks of EMA-19-LIMIT for this limit."""

    def epsilon_proof(_: CheckContext) -> Finding:
        import sympy

        beta, power, epsilon = sympy.symbols("beta x epsilon", positive=True)
        gap = limit(beta) - formulas.n_eff(beta, power)
        return WrittenProof(
            "for fixed β in [0, 1) n_eff(R, β) → (1+β)/(1-β) as R → ∞",
            (
                Step("β = 0: n_eff = 1 for every R, and the limit is 1.", lambda: limit(0) == 1),
                Step(
                    "0 < β < 1: limit - n_eff = 2β^R(1+β)/((1-β)(1+β^R)).",
                    lambda: is_zero(gap - 2 * power * (1 + beta) / ((1 - beta) * (1 + power))),
                ),
                Step(
                    "So 0 < limit - n_eff < 2 β^R (1+β)/(1-β), which is at most ε as soon as R ≥ "
                    "ln(2(1+β)/((1-β)ε))/ln(1/β): such an R exists for every ε > 0.",
                    lambda: is_zero(
                        2 * (1 + beta) / (1 - beta) * ((1 - beta) * epsilon / (2 * (1 + beta)))
                        - epsilon
                    ),
                ),
                Step("β^R falls with R, so all later R are within ε too: convergence.", None),
            ),
        ).finding()

    def symbolic_limit(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
            beta, power = sympy.symbols("beta x", positive=True)
            reached = sympy.limit(formulas.n_eff(beta, power), power, 0, "+")
            return [("lim of n_eff for β^R → 0+", reached, limit(beta))]

        return prove_identities(build, "β^R → 0 for fixed 0 ≤ β < 1, and n_eff is continuous in it")

    def epsilon_exactly(_: CheckContext) -> Finding:
        cases = [
            (beta, Fraction(1, 10**k))
            for beta in (*rational_grid(5), Fraction(9, 10))
            for k in (1, 3, 6)
        ]

        def holds(case: tuple[Fraction, Fraction]) -> bool:
            beta, epsilon = case
            window = 1
            while beta**window > epsilon * (1 - beta) / (2 * (1 + beta)):
                window += 1
            sizes = [sample_size(window_weights(window + extra, beta)) for extra in (0, 1, 5)]
            return all(abs(limit(beta) - size) <= epsilon for size in sizes)

        return for_every(
            cases,
            holds,
            lambda case: f"β = {case[0]}, ε = {case[1]}",
            "β with denominator ≤ 5 and 9/10, ε = 1/10, 1/10³, 1/10⁶: the R of the proof is enough",
        )

    return (
        Check("epsilon and R", Method.WRITTEN_PROOF, epsilon_proof),
        Check("limit by computer algebra", Method.SYMBOLIC, symbolic_limit),
        Check("epsilon and R in fractions", Method.EXACT, epsilon_exactly),
    )


def _saturation_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "for fixed β the values n_eff(R, β) have the limit as their supremum: for 0 < β < 1 never "
        "reached, so a budget N ≥ (1+β)/(1-β), N > 1, is met by no R; every smaller one is",
        (
            Step("Every value is at most the limit, strictly less for β > 0 (EMA-19-BELOW)."),
            Step("The values grow to the limit (EMA-19-MONO-WINDOW, EMA-19-LIMIT)."),
            Step("So N < limit is reached from some R on; N ≥ limit never, if β > 0."),
            Step("For β = 0 all values are 1 = limit: the budget N ≤ 1 is met, no other."),
        ),
    ).finding()


def _saturation_exactly(_: CheckContext) -> Finding:
    cases = [(beta, numerator) for beta in rational_grid(7) for numerator in (1, 5, 9, 10, 11, 15)]

    def holds(case: tuple[Fraction, int]) -> bool:
        beta, tenths = case
        limit = (1 + beta) / (1 - beta)
        budget = limit * tenths / 10
        met = any(sample_size(window_weights(window, beta)) >= budget for window in range(1, 41))
        return met == (tenths < 10 or (tenths == 10 and beta == 0))

    return for_every(
        cases,
        holds,
        lambda case: f"β = {case[0]}, budget {case[1]}/10 of the limit",
        "β with denominator ≤ 7; budgets of 0.1 to 1.5 times the limit, R ≤ 40",
    )


def _saturation_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        beta, power, budget = z3.Reals("beta x N")
        limit = formulas.n_eff_limit(beta)
        in_range = [beta > 0, beta < 1, power > 0, power <= beta]
        theta = budget * (1 - beta) / (1 + beta)
        return [
            smt.Obligation(
                "a budget at the limit or above is never met",
                [*in_range, budget >= limit],
                formulas.n_eff(beta, power) < budget,
            ),
            smt.Obligation(
                "a smaller one is met once β^R is small enough",
                [*in_range, budget > 0, budget < limit, power <= (1 - theta) / (1 + theta)],
                formulas.n_eff(beta, power) >= budget,
            ),
        ]

    return smt.prove(build, "which budgets n_eff meets for fixed β")


_EQ19 = Source("SON-GOKU", "appendix B.2, Assumption 2", ("19",))
_EQ19_TEXT = (
    r"$n_{\rm eff}^{-1} := \sum_{t=1}^{R} w_t^2 = \frac{(1-\beta)^2 (1-\beta^{2R})}{(1-\beta^R)^2 "
    r"(1-\beta^2)}$"
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EMA-19",
        family="ema",
        title="closed form of Σ w_t²",
        statement=_EQ19_TEXT,
        plain="For every whole R ≥ 1 and 0 ≤ β < 1, the squares of eq. 18's weights sum to "
        "(1-β)²(1-β^(2R)) / ((1-β^R)²(1-β²)).",
        source=_EQ19,
        assumptions=(BETA, WINDOW),
        used_for="n_eff in Lemma 1, Proposition 3, Corollaries 1 and 2",
        checks=closed_form_checks(),
        notes="Shortened: n_eff = (1-β^R)(1+β)/((1+β^R)(1-β)). At β = 0 it is 1. For β → 1, "
        "outside the range, n_eff → R. What the scheduler's own buffers average is another "
        "question: EMA-18-CARRIED, EMA-19-A1.",
    ),
    Claim(
        id="EMA-19-MONO-WINDOW",
        family="ema",
        title="n_eff grows with R",
        statement=_EQ19_TEXT,
        plain="n_eff(R+1, β) > n_eff(R, β) for 0 < β < 1 and every R ≥ 1; for β = 0 both are 1.",
        source=_EQ19,
        assumptions=(BETA, WINDOW),
        used_for="'it saturates': the supremum over R is the limit",
        checks=(
            Check("difference as a product", Method.SYMBOLIC, _window_monotone_symbols),
            Check("weights on a grid", Method.EXACT, _window_monotone_exactly),
            Check("difference by z3", Method.SMT, _window_monotone_solver),
        ),
        reading="not stated; implied by 'it saturates' (Corollary 2)",
    ),
    Claim(
        id="EMA-19-MONO-BETA",
        family="ema",
        title="n_eff grows with β",
        statement=r"... one increases $n_{\rm eff}$ by choosing $\beta$ closer to 1 ...",
        plain="For R ≥ 2, n_eff grows strictly with β on [0, 1); for R = 1 it is 1 for every β.",
        source=Source("SON-GOKU", "appendix B.6, Corollary 2", ("19",)),
        assumptions=(BETA, WINDOW),
        used_for="how to choose β for a budget",
        checks=(
            Check("logarithmic derivative", Method.WRITTEN_PROOF, _beta_monotone_proof),
            Check("derivative as a polynomial", Method.EXHAUSTIVE, _beta_monotone_polynomials),
            Check("weights on a grid", Method.EXACT, _beta_monotone_grid),
        ),
        notes="By growing it need not get far enough: EMA-C2-BETA.",
    ),
    Claim(
        id="EMA-19-RANGE",
        family="ema",
        title="1 ≤ n_eff ≤ R",
        statement=_EQ19_TEXT,
        plain="1 ≤ n_eff ≤ R; n_eff = 1 iff R = 1 or β = 0, and n_eff = R iff R = 1.",
        source=_EQ19,
        assumptions=(BETA, WINDOW),
        used_for="'effective sample size': it is one; a window of R can't be worth more than R",
        checks=(
            Check("Cauchy-Schwarz", Method.WRITTEN_PROOF, _range_proof),
            Check("all β by Sturm", Method.EXHAUSTIVE, _range_polynomials),
            Check("search for a violation", Method.SEARCH, _range_search),
        ),
        reading="not stated; implied by calling it a sample size",
    ),
    Claim(
        id="EMA-19-BELOW",
        family="ema",
        title="n_eff stays below its limit",
        statement=_EQ19_TEXT,
        plain="n_eff < (1+β)/(1-β) for 0 < β < 1 and every R; for β = 0 the two are equal (1).",
        source=_EQ19,
        assumptions=(BETA, WINDOW),
        used_for="'it saturates'",
        checks=below_limit_checks(),
        reading="strict for β > 0; at β = 0 'below' would be false",
    ),
    Claim(
        id="EMA-19-LIMIT",
        family="ema",
        title="n_eff → (1+β)/(1-β)",
        statement=r"In particular, as $R \to \infty$ (with fixed $\beta \in [0,1)$), we have "
        r"$n_{\rm eff} \to \frac{1+\beta}{1-\beta}$",
        plain="For every fixed β in [0, 1), n_eff(R, β) → (1+β)/(1-β) as R → ∞.",
        source=Source("SON-GOKU", "appendix B.2, end of Assumption 2; B.6, Corollary 2", ("19",)),
        assumptions=(
            Assumption(
                "β fixed", "β does not change with R; 0 ≤ β < 1", lambda beta: 0 <= beta < 1
            ),
        ),
        used_for="Corollary 2: how many samples an EMA can be worth",
        checks=limit_checks(),
        notes="For fixed β only: the convergence is not uniform in β (for each R the gap "
        "2β^R(1+β)/((1-β)(1+β^R)) grows beyond all bounds as β → 1), and with β → 1 first the "
        "limit is R.",
    ),
    Claim(
        id="EMA-C2-SAT",
        family="ema",
        title="n_eff saturates",
        statement=r"In particular, for fixed $\beta$ and large $R$, $n_{\rm eff} \to "
        r"\frac{1+\beta}{1-\beta}$ (i.e., it saturates).",
        plain="For fixed 0 < β < 1 the limit is the supremum over R and is never reached: a "
        "budget N with 1 < N is met by some R if and only if N < (1+β)/(1-β).",
        source=Source("SON-GOKU", "appendix B.6, Corollary 2", ("36",)),
        assumptions=(BETA_POSITIVE, WINDOW),
        used_for="why β has to grow with the number of tasks",
        checks=(
            Check("supremum of a growing sequence", Method.WRITTEN_PROOF, _saturation_proof),
            Check("budgets in fractions", Method.EXACT, _saturation_exactly),
            Check("budgets by z3", Method.SMT, _saturation_solver),
        ),
    ),
)
