"""Eq. 8 from a zero buffer: what it averages, how far from the mean it stays, what the norm
floor of Assumption 4 then does.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import product
from types import ModuleType

from proofs_check.claims.ema.assumptions import BETA, SAME_MEAN, ZERO_BUFFER
from proofs_check.claims.ema.formulas import Number
from proofs_check.claims.ema.objects import (
    Vector,
    carried_weights,
    dot,
    run_buffer,
    scaled,
    vector,
    windowed,
)
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import (
    Assumption,
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Source,
)

__all__ = ["CLAIMS", "carried_total", "carried_weight", "closed_form_checks"]

WeightFormula = Callable[[Number, Number], Number]
TotalFormula = Callable[[Number], Number]


def carried_weight(beta: Number, power: Number) -> Number:
    """Return the weight of a gradient that is `age` updates old, ``power = beta**age``."""
    return (1 - beta) * power


def carried_total(power: Number) -> Number:
    """Return the sum of the weights after t updates, ``power = beta**t``."""
    return 1 - power


def closed_form_checks(
    weight: WeightFormula = carried_weight, total: TotalFormula = carried_total
) -> tuple[Check, ...]:
    """Return the checks of EMA-8 for these formulas."""

    def induction(_: CheckContext) -> Finding:
        import sympy

        beta, power = sympy.symbols("beta p", positive=True)
        return WrittenProof(
            "after t updates from zero, eq. 8's buffer is Σ_s w(t-s) g_s with w(age) = (1-β) "
            "β^age, and the weights sum to 1 - β^t",
            (
                Step("t = 0: the sum is empty and the buffer is zero.", None),
                Step(
                    "the newest gradient enters with weight 1-β = w(0)",
                    lambda: is_zero(weight(beta, sympy.Integer(1)) - (1 - beta)),
                ),
                Step(
                    "an update multiplies every older weight by β, and β w(age) = w(age+1); so "
                    "the form at t gives the form at t+1",
                    lambda: is_zero(beta * weight(beta, power) - weight(beta, beta * power)),
                ),
                Step(
                    "the total obeys S ↦ β S + (1-β) and S_0 = 0, and so does 1 - β^t",
                    lambda: (
                        is_zero(total(sympy.Integer(1)))
                        and is_zero(beta * total(power) + (1 - beta) - total(beta * power))
                    ),
                ),
                Step(
                    "Both hold in every coordinate, so in every dimension; β = 0 is included.", None
                ),
            ),
        ).finding()

    def unit_gradients(_: CheckContext) -> Finding:
        cases = [(t, beta) for t in range(1, 13) for beta in rational_grid(6)]

        def holds(case: tuple[int, Fraction]) -> bool:
            t, beta = case
            found = carried_weights(t, beta)
            wanted = tuple(weight(beta, beta ** (t - s)) for s in range(1, t + 1))
            return found == wanted and sum(found) == total(beta**t)

        return for_every(
            cases,
            holds,
            lambda case: f"t = {case[0]}, β = {case[1]}",
            "t ≤ 12, every β < 1 with denominator ≤ 6, weights read off eq. 8 run on unit vectors",
        )

    def by_solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            beta, power, buffer, gradient = z3.Reals("beta p m g")
            in_range = [beta >= 0, beta < 1, power >= 0, power <= 1]
            return [
                smt.Obligation("newest weight", in_range, weight(beta, z3.RealVal(1)) == 1 - beta),
                smt.Obligation(
                    "older weights",
                    in_range,
                    beta * weight(beta, power) == weight(beta, beta * power),
                ),
                smt.Obligation(
                    "total",
                    in_range,
                    beta * total(power) + (1 - beta) == total(beta * power),
                ),
                smt.Obligation(
                    "an update stays between buffer and gradient",
                    [beta >= 0, beta < 1, buffer <= gradient],
                    z3.And(
                        buffer <= beta * buffer + (1 - beta) * gradient,
                        beta * buffer + (1 - beta) * gradient <= gradient,
                    ),
                ),
            ]

        return smt.prove(build, "the step of the induction, for all real β in [0, 1)")

    return (
        Check(
            "induction on the number of updates",
            Method.WRITTEN_PROOF,
            induction,
            doc="weights and total by induction, algebra by sympy",
        ),
        Check(
            "eq. 8 run on unit gradients",
            Method.EXACT,
            unit_gradients,
            doc="weights read off the recursion itself, in fractions",
        ),
        Check("induction step by z3", Method.SMT, by_solver, doc="over the reals"),
    )


def _bias_proof(_: CheckContext) -> Finding:
    import sympy

    beta, power = sympy.symbols("beta x", positive=True)
    return WrittenProof(
        "E g̃_t = (1 - β^t) μ",
        (
            Step("E g̃_0 = 0 = (1 - β⁰) μ.", lambda: is_zero(carried_total(sympy.Integer(1)))),
            Step(
                "Expectation is linear and E g_t = μ: E g̃_{t+1} = β E g̃_t + (1-β) μ = (β (1 - "
                "β^t) + 1 - β) μ = (1 - β^{t+1}) μ.",
                lambda: is_zero(beta * (1 - power) + (1 - beta) - (1 - beta * power)),
            ),
            Step(
                "For 0 < β < 1 and t ≥ 1 the factor lies strictly between 0 and 1: the buffer "
                "points where μ points and is shorter; dividing by 1 - β^t removes the bias.",
                None,
            ),
        ),
    ).finding()


def _bias_by_enumeration(_: CheckContext) -> Finding:
    """Average the buffer over all equally likely sign patterns of a two-point noise."""
    mean, noise = vector(2, -1), vector(3, Fraction(1, 2))
    cases = [(t, beta) for t in range(1, 7) for beta in rational_grid(5)]

    def holds(case: tuple[int, Fraction]) -> bool:
        t, beta = case
        total = vector(0, 0)
        for signs in product((1, -1), repeat=t):
            path = [_shift(mean, scaled(sign, noise)) for sign in signs]
            total = _shift(total, run_buffer(path, beta))
        return scaled(Fraction(1, 2**t), total) == scaled(1 - beta**t, mean)

    return for_every(
        cases,
        holds,
        lambda case: f"t = {case[0]}, β = {case[1]}",
        "exact expectation over all 2^t noise patterns, t ≤ 6, β with denominator ≤ 5, d = 2",
    )


def _shift(u: Vector, v: Vector) -> Vector:
    return tuple(a + b for a, b in zip(u, v, strict=True))


def _bias_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        beta, x, mean = z3.Reals("beta x mu")
        return [
            smt.Obligation(
                "fixed step",
                [beta >= 0, beta < 1],
                beta * ((1 - x) * mean) + (1 - beta) * mean == (1 - beta * x) * mean,
            ),
            smt.Obligation(
                "towards zero, same direction",
                [x > 0, x < 1, mean > 0],
                z3.And((1 - x) * mean > 0, (1 - x) * mean < mean),
            ),
        ]

    return smt.prove(build, "E g̃_t = (1 - β^t) μ step by step, and it is shorter than μ")


def _floor_proof(_: CheckContext) -> Finding:
    import sympy

    norm, floor, power = sympy.symbols("M nu x", positive=True)
    return WrittenProof(
        "a noise-free task of norm M ≥ m_0 > ν has ‖g̃_t‖ = (1 - β^t) M under eq. 8, so it is "
        "excluded exactly while β^t > 1 - ν/M; under eq. 18 its norm is M and it is never excluded",
        (
            Step(
                "All gradients are μ, so g̃_t = (sum of the weights) μ = (1 - β^t) μ (EMA-8).", None
            ),
            Step(
                "(1 - x) M < ν says the same as x > 1 - ν/M, because M > 0.",
                lambda: is_zero((floor - (1 - power) * norm) - norm * (power - (1 - floor / norm))),
            ),
            Step("Eq. 18's weights sum to one (EMA-18-SUM), so its average is μ itself.", None),
        ),
    ).finding()


def _floor_exactly(_: CheckContext) -> Finding:
    betas = (*rational_grid(6), Fraction(9, 10), Fraction(99, 100))
    floors = [Fraction(1, 10), Fraction(1, 3)]
    means = [vector(1), vector(3, 4), vector(Fraction(3, 5), Fraction(4, 5))]
    cases = [(t, b, nu, mu) for t in range(1, 13) for b in betas for nu in floors for mu in means]

    def holds(case: tuple[int, Fraction, Fraction, Vector]) -> bool:
        t, beta, floor, mean = case
        buffer = run_buffer([mean] * t, beta)
        excluded = dot(buffer, buffer) < floor**2
        # |mu| is 1 or 5 here, so the norm itself is rational.
        norm = Fraction(5) if dot(mean, mean) == 25 else Fraction(1)
        average = windowed([mean] * t, beta)
        return excluded == (beta**t > 1 - floor / norm) and average == mean

    return for_every(
        cases,
        holds,
        lambda case: f"t = {case[0]}, β = {case[1]}, ν = {case[2]}, μ = {case[3]}",
        "t ≤ 12, β with denominator ≤ 6 and 9/10, 99/100, ν = m_0/10 and m_0/3, ‖μ‖ = 1 and 5",
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EMA-8",
        family="ema",
        title="what eq. 8 averages",
        statement=r"$\tilde g_k^{(t)} = \beta\,\tilde g_k^{(t-1)} + (1-\beta)\,g_k^{(t)}$ from "
        r"$\tilde g_k^{(0)}=0$ is $\sum_{s=1}^{t} (1-\beta)\beta^{t-s} g_k^{(s)}$; the weights "
        r"sum to $1-\beta^t$.",
        plain="After t updates from a zero buffer, eq. 8's buffer is Σ_s (1-β) β^(t-s) g_s, and "
        "its weights sum to 1 - β^t.",
        source=Source("SON-GOKU", "section 4.1; Algorithm 1, Require and line 18", ("8",)),
        assumptions=(BETA, ZERO_BUFFER),
        used_for="every other claim about the EMA",
        checks=closed_form_checks(),
        reading="eq. 8 unrolled; t counts the updates of this task, not the steps of training",
        notes="Algorithm 1 numbers the buffer one later than eq. 8 (line 18 makes g̃^(t+1) from "
        "the gradient of step t, steps counted from 0); the weights are the same. A task that is "
        "not active keeps its buffer: t is its own number of updates.",
    ),
    Claim(
        id="EMA-8-BIAS",
        family="ema",
        title="eq. 8 from zero is biased towards zero",
        statement=r"$\mathbb E\,\tilde g^{(t)} = (1-\beta^t)\,\mu$ under eq. 17.",
        plain="If every gradient has mean μ, the buffer's mean after t updates from zero is (1 - "
        "β^t) μ: for 0 < β < 1 and μ ≠ 0 it points where μ points but is strictly shorter.",
        source=Source("songoku", "eq. 8 and 17 of SON-GOKU together"),
        assumptions=(BETA, ZERO_BUFFER, SAME_MEAN),
        used_for="the norm floor of Assumption 4; Lemma 1, whose g̃ - μ is centred only for eq. 18",
        checks=(
            Check("linearity of expectation", Method.WRITTEN_PROOF, _bias_proof),
            Check("expectation over all noise patterns", Method.EXACT, _bias_by_enumeration),
            Check("fixed step by z3", Method.SMT, _bias_by_solver),
        ),
        notes="The factor is one positive number for each task, so it changes no cosine and no "
        "edge (EMA-SCALE); it does change norms. Lemma 1 bounds g̃ - μ, which is centred for eq. "
        "18's average, not for eq. 8's.",
    ),
    Claim(
        id="EMA-8-NORM",
        family="ema",
        title="which tasks the norm floor excludes at the start",
        statement=r"For $\|\mu_i\| \ge m_0 > \nu$ and no noise, $\|\tilde g_i\| < \nu$ holds "
        r"under eq. 8 exactly while $\beta^t > 1 - \nu/\|\mu_i\|$, and never under eq. 18.",
        plain="A noise-free task with ‖μ‖ ≥ m_0 > ν is excluded by the floor ν of Assumption 4 "
        "under eq. 8 exactly while β^t > 1 - ν/‖μ‖ (t its own updates since zero); under eq. 18 "
        "never.",
        source=Source("songoku", "Assumption 4 of SON-GOKU under eq. 8 and under eq. 18"),
        assumptions=(
            BETA,
            ZERO_BUFFER,
            Assumption(
                "norms",
                "‖μ‖ ≥ m_0 > ν > 0, and every gradient is μ",
                lambda norm, m0, nu: norm >= m0 > nu > 0,
            ),
        ),
        used_for="who is in the conflict graph at the first refreshes",
        checks=(
            Check("from the sum of the weights", Method.WRITTEN_PROOF, _floor_proof),
            Check("floor against the run buffer", Method.EXACT, _floor_exactly),
        ),
        notes="With ν = m_0/10 and β = 0.99 a task at ‖μ‖ = m_0 stays out for its first 10 "
        "updates. Assumption 4 says 'excluded ... until stabilized', so this is no contradiction; "
        "it says what that sentence means for eq. 8. Dividing by 1 - β^t (eq. 18) removes it.",
    ),
)
