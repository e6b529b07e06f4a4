"""'... which stabilizes cosine estimates' (4.1), 'so that they do not become stale' (3.1), and
'history length H = 1' (6.4.2): what of it is true, and of what.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.ema.assumptions import BETA, SAME_MEAN, UNCORRELATED, WINDOW
from proofs_check.claims.ema.objects import (
    dot,
    sample_size,
    signed_square_cosine,
    vector,
    window_weights,
    windowed,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid, refuted_by
from proofs_check.methods.polynomial import (
    Polynomial,
    add,
    evaluate,
    is_positive_between,
    monomial,
    scale,
    subtract,
)
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]

Law = Mapping[Fraction, Fraction]
"""Value of a one-dimensional gradient -> its probability."""


def _variance_proof(_: CheckContext) -> Finding:
    import sympy

    w, s, t = sympy.symbols("w s t")
    return WrittenProof(
        "E‖g̃ - μ‖² = v Σ w_t² = v / n_eff ≤ v, with equality iff R = 1 or β = 0",
        (
            Step("g̃ - μ = Σ w_t ξ_t, because Σ w_t = 1 (EMA-18-SUM).", None),
            Step(
                "‖Σ w_t ξ_t‖² = Σ w_t² ‖ξ_t‖² + 2 Σ_{s<t} w_s w_t ⟨ξ_s, ξ_t⟩; the expectations of "
                "the mixed terms are zero.",
                lambda: is_zero(
                    (w * s + (1 - w) * t) ** 2
                    - (w**2 * s**2 + (1 - w) ** 2 * t**2)
                    - 2 * w * (1 - w) * s * t
                ),
            ),
            Step("E‖ξ_t‖² = v for all t, so what remains is v Σ w_t² = v / n_eff (eq. 19).", None),
            Step(
                "0 ≤ w_t ≤ 1 and Σ w_t = 1 give Σ w_t² ≤ Σ w_t = 1, with equality iff one weight "
                "is 1: iff R = 1 or β = 0 (EMA-H1).",
                None,
            ),
        ),
    ).finding()


def _variance_by_enumeration(_: CheckContext) -> Finding:
    """Exact E‖g̃ - μ‖² over all sign patterns of a two-point noise in dimension 2."""
    mean, noise = vector(1, -2), vector(Fraction(3, 2), Fraction(1, 2))
    cases = [(window, beta) for window in range(1, 7) for beta in rational_grid(6)]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, beta = case
        total = Fraction(0)
        for signs in product((1, -1), repeat=window):
            path = [tuple(m + sign * n for m, n in zip(mean, noise, strict=True)) for sign in signs]
            error = tuple(a - m for a, m in zip(windowed(path, beta), mean, strict=True))
            total += dot(error, error)
        variance = dot(noise, noise)
        wanted = variance / sample_size(window_weights(window, beta))
        equal = wanted == variance
        return total / 2**window == wanted <= variance and equal == (window == 1 or beta == 0)

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}",
        "exact expectation over all 2^R noise patterns, R ≤ 6, β with denominator ≤ 6",
    )


@replayer("ema-cosine-variance")
def _replay_cosine_variance(data: Mapping[str, Any]) -> Replay:
    """A noisy task against a noise-free one on a line: variance of the cosine, exactly."""
    window, beta = int(data["window"]), rational(data["beta"])
    law = {rational(value): rational(p) for value, p in data["law"]}
    other = vector(rational(data["other_task"]))
    mean = sum((value * p for value, p in law.items()), Fraction(0))
    wrong_single, wrong_ema = _wrong_sign(law, 1, beta), _wrong_sign(law, window, beta)
    variances = tuple(4 * p * (1 - p) for p in (wrong_single, wrong_ema))
    valid = sum(law.values()) == 1 and mean > 0 and min(law.values()) > 0
    true_cosine = signed_square_cosine(vector(mean), other)
    return Replay(
        (
            "task 1 draws, independently at each step, "
            + ", ".join(f"{value} with probability {p}" for value, p in law.items())
            + f"; its mean is {mean}",
            f"task 2 always gives {other[0]}: no noise; the cosine of the means is {true_cosine}",
            f"one gradient: the cosine is -1 with probability {wrong_single}, so its variance is "
            f"{variances[0]} ≈ {float(variances[0]):.3f}",
            f"eq. 18 with R = {window}, β = {beta}: it is -1 with probability {wrong_ema}, "
            f"variance "
            f"{variances[1]} ≈ {float(variances[1]):.3f}",
            "So the EMA has made the cosine wrong more often, and more variable.",
        ),
        valid and variances[1] > variances[0] and wrong_ema > wrong_single,
    )


def _wrong_sign(law: Law, window: int, beta: Fraction) -> Fraction:
    """Probability that eq. 18's average of independent draws is negative."""
    total = Fraction(0)
    for draws in product(law.items(), repeat=window):
        average = windowed([vector(value) for value, _ in draws], beta)[0]
        if average < 0:
            probability = Fraction(1)
            for _, p in draws:
                probability *= p
            total += probability
    return total


def _consistency_proof(_: CheckContext) -> Finding:
    import sympy

    x1, x2, n = sympy.symbols("x1 x2 n", positive=True)
    epsilon, m0, v, size = sympy.symbols("epsilon m0 v n_eff", positive=True)
    return WrittenProof(
        "P(|Ĉ_ij - C*_ij| > ε) ≤ 32 v / (n_eff m_0² ε²) for 0 < ε < 4: it goes to zero as n_eff "
        "grows",
        (
            Step(
                "For a unit vector u and x ≠ 0: ‖x/‖x‖ - u‖ ≤ ‖x/‖x‖ - x‖ + ‖x - u‖ = |1 - ‖x‖| + "
                "‖x - u‖ ≤ 2 ‖x - u‖. In the plane of u = (1, 0) and x, with n = ‖x‖, the left "
                "side squared is 2 - 2 x_1/n.",
                lambda: is_zero(
                    ((x1 / n - 1) ** 2 + (x2 / n) ** 2 - (2 - 2 * x1 / n)).subs(x2**2, n**2 - x1**2)
                ),
            ),
            Step(
                "With u = μ_i/‖μ_i‖ and x = g̃_i/‖μ_i‖: the directions of g̃_i and μ_i differ by "
                "at most 2 r_i, r_i = ‖g̃_i - μ_i‖/‖μ_i‖.",
                None,
            ),
            Step(
                "For unit vectors a, b, u, v: ⟨a,b⟩ - ⟨u,v⟩ = ⟨a-u, b⟩ + ⟨u, b-v⟩, so |Ĉ - C*| ≤ "
                "‖a-u‖ + ‖b-v‖ ≤ 2 r_i + 2 r_j.",
                None,
            ),
            Step(
                "If |Ĉ - C*| > ε (or Ĉ is undefined: g̃ = 0, r = 1 > ε/4), then r_i or r_j "
                "exceeds ε/4 (or reaches 1).",
                None,
            ),
            Step(
                "Markov for r²: P(r_i ≥ ε/4) ≤ 16 E‖g̃_i - μ_i‖²/(ε² m_0²) = 16 v/(n_eff ε² m_0²) "
                "(EMA-VAR, Assumption 4); two tasks give twice that.",
                lambda: is_zero(
                    2 * (v / size) / ((epsilon / 4) ** 2 * m0**2)
                    - 32 * v / (size * m0**2 * epsilon**2)
                ),
            ),
        ),
    ).finding()


def _consistency_by_enumeration(_: CheckContext) -> Finding:
    """Compare the bound with the exact probability, where the bound says something."""
    cases = [
        (window, beta, noise, epsilon)
        for window in range(1, 7)
        for beta in (Fraction(0), Fraction(1, 2), Fraction(4, 5))
        for noise in (Fraction(1, 20), Fraction(1, 8))
        for epsilon in (Fraction(1, 4), Fraction(1, 2), Fraction(1))
    ]
    mean, other = vector(1, 0), vector(Fraction(3, 5), Fraction(4, 5))
    true = Fraction(3, 5)

    def holds(case: tuple[int, Fraction, Fraction, Fraction]) -> bool:
        window, beta, noise, epsilon = case
        outside = 0
        for signs in product((1, -1), repeat=window):
            path = [(mean[0], mean[1] + sign * noise) for sign in signs]
            squared = signed_square_cosine(windowed(path, beta), other)
            outside += _cosine_off(squared, true, epsilon)
        n_eff = sample_size(window_weights(window, beta))
        return Fraction(outside, 2**window) <= 32 * noise**2 / (n_eff * epsilon**2)

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}, noise ±{case[2]}, ε = {case[3]}",
        "exact probabilities over all 2^R patterns of a two-point noise, m_0 = 1, d = 2",
    )


def _cosine_off(signed_square: Fraction, true: Fraction, epsilon: Fraction) -> bool:
    """Decide |cos - true| > epsilon exactly from cos|cos|: x -> x|x| keeps the order."""
    above, below = true + epsilon, true - epsilon
    return signed_square > above * abs(above) or signed_square < below * abs(below)


def _direction_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        x, y, n = z3.Reals("x y n")
        return [
            smt.Obligation(
                "‖x/‖x‖ - u‖² ≤ 4‖x - u‖² for a unit vector u",
                [n > 0, n * n == x * x + y * y],
                2 * n - 2 * x <= 4 * n * ((x - 1) * (x - 1) + y * y),
            )
        ]

    return smt.prove(
        build, "step 1 of the written proof, in the plane of the two vectors", "instances"
    )


def _only_last_proof(_: CheckContext) -> Finding:
    import sympy

    beta, rest = sympy.symbols("beta y")  # rest = beta**(R-1)
    return WrittenProof(
        "eq. 18 rests on the newest gradient alone iff R = 1 or β = 0, and then n_eff = 1",
        (
            Step(
                "1 - w_R = 1 - (1-β)/(1-β^R) = β (1 - β^(R-1))/(1-β^R).",
                lambda: is_zero(
                    1 - (1 - beta) / (1 - beta * rest) - beta * (1 - rest) / (1 - beta * rest)
                ),
            ),
            Step(
                "That is zero iff β = 0 or β^(R-1) = 1, and for 0 < β < 1 the latter means R = 1.",
                None,
            ),
            Step(
                "Otherwise every weight (1-β) β^(R-t)/(1-β^R) is positive: all R gradients count.",
                None,
            ),
            Step("Σ w_t² = 1 with weights in [0, 1] of sum 1 says that one weight is 1.", None),
        ),
    ).finding()


def _only_last_exactly(_: CheckContext) -> Finding:
    cases = [(window, beta) for window in range(1, 25) for beta in rational_grid(9)]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, beta = case
        weights = window_weights(window, beta)
        single = window == 1 or beta == 0
        return (
            (weights[-1] == 1) == single
            and (sample_size(weights) == 1) == single
            and (single or min(weights) > 0)
        )

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}",
        "R ≤ 24, every β < 1 with denominator ≤ 9",
    )


def _only_last_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        beta, rest = z3.Reals("beta y")
        return [
            smt.Obligation(
                "w_R = 1 iff β = 0 or β^(R-1) = 1",
                [beta >= 0, beta < 1, rest >= 0, rest <= 1],
                ((1 - beta) == (1 - beta * rest)) == z3.Or(beta == 0, rest == 1),
            )
        ]

    return smt.prove(build, "when the newest gradient has all the weight")


def _age_by_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        beta, power, window = sympy.symbols("beta x R")
        ages = (beta - window * power + (window - 1) * power * beta) / (1 - beta) ** 2
        after = ages.subs({power: power * beta, window: window + 1}, simultaneous=True)
        mean_age = (1 - beta) * ages / (1 - power)
        return [
            ("Σ_{s<R} s β^s at R = 1 is 0", ages.subs({power: beta, window: 1}), 0),
            ("from R to R+1 it grows by R β^R", after - ages, window * power),
            (
                "the weighted mean is β/(1-β) - R β^R/(1-β^R)",
                mean_age,
                beta / (1 - beta) - window * power / (1 - power),
            ),
        ]

    return prove_identities(build, "mean age of eq. 18's average = β/(1-β) - R β^R/(1-β^R) steps")


def _age_exactly(_: CheckContext) -> Finding:
    cases = [(window, beta) for window in range(1, 25) for beta in rational_grid(9)]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, beta = case
        weights = window_weights(window, beta)
        age = sum((w * (window - t) for t, w in enumerate(weights, start=1)), Fraction(0))
        wanted = beta / (1 - beta) - window * beta**window / (1 - beta**window)
        bound = Fraction(window - 1, 2)
        return age == wanted and age <= bound and (age == bound) == (window == 1)

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}",
        "R ≤ 24, every β < 1 with denominator ≤ 9, ages weighted term by term",
    )


def _age_bound_proof(_: CheckContext) -> Finding:
    import sympy

    w, s, window = sympy.symbols("w s R")
    return WrittenProof(
        "the mean age is at most (R-1)/2, with equality iff R = 1",
        (
            Step(
                "Let v_s be the weight of age s; it does not increase with s. Pair age s with age "
                "R-1-s: (v_s - v_{R-1-s}) (s - (R-1-s)) ≤ 0, since the two factors have opposite "
                "signs.",
                None,
            ),
            Step(
                "Sum over s: 2 Σ v_s (2s - (R-1)) ≤ 0, that is Σ s v_s ≤ (R-1)/2 Σ v_s = (R-1)/2.",
                lambda: is_zero(
                    w * (s - (window - 1 - s)) - 2 * w * (s - (window - 1) / sympy.Integer(2))
                ),
            ),
            Step(
                "For R ≥ 2 the pair s = 0 has v_0 > v_{R-1} (β < 1), so the sum is below zero.",
                None,
            ),
        ),
    ).finding()


def _age_bound_as_polynomials(_: CheckContext) -> Finding:
    def holds(window: int) -> bool:
        weights: Polynomial = ()
        aged: Polynomial = ()
        for s in range(window):
            weights = add(weights, monomial(s))
            aged = add(aged, monomial(s, s))
        gap = subtract(scale(weights, Fraction(window - 1, 2)), aged)
        if window == 1:
            return gap == ()
        return evaluate(gap, 0) > 0 and is_positive_between(gap, 0, 1)

    return for_every(
        range(1, 21),
        holds,
        lambda window: f"R = {window}",
        "R ≤ 20, every β in [0, 1), roots counted by Sturm",
        "up_to",
    )


_STABLE = Source("SON-GOKU", "section 4.1 (also 3.1, 7.2)", ("8",))
_STABLE_SENTENCE = r"... which stabilizes cosine estimates ..."

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EMA-VAR",
        family="ema",
        title="averaging divides the noise energy by n_eff",
        statement=_STABLE_SENTENCE,
        plain="For noise that is uncorrelated over time, E‖g̃ - μ‖² = v/n_eff with eq. 18's "
        "average: never more than the v of one gradient, and less unless R = 1 or β = 0.",
        source=_STABLE,
        assumptions=(BETA, WINDOW, SAME_MEAN, UNCORRELATED),
        used_for="Lemma 1's variance proxy σ² Σ w_t² = σ²/n_eff",
        checks=(
            Check("mixed terms vanish", Method.WRITTEN_PROOF, _variance_proof),
            Check("expectation over all noise patterns", Method.EXACT, _variance_by_enumeration),
        ),
        reading="'stabilizes' as: the averaged gradient vector has less noise",
        notes="Assumption 2 also allows φ-mixing noise, for which mixed terms remain and v/n_eff "
        "is not the noise energy; Lemma 1 puts that into its constant c.",
    ),
    Claim(
        id="EMA-STAB",
        family="ema",
        title="the EMA never makes a cosine less stable",
        statement=_STABLE_SENTENCE,
        plain="For every noise law that Assumption 2 allows and every R and β, the cosine of eq. "
        "18's averages has at most the variance of the cosine of single gradients.",
        source=Source("songoku", "on section 4.1's 'stabilizes', read as: always", ("8",)),
        assumptions=(BETA, WINDOW, SAME_MEAN, UNCORRELATED),
        used_for="'History smoothing is very important' (7.2)",
        checks=(
            Check(
                "rare large gradients against the mean",
                Method.EXACT,
                lambda _: refuted_by("EMA-STAB"),
            ),
        ),
        reading="'stabilizes' as a statement about the cosine itself, for all laws and all (R, "
        "β); the paper gives no quantifiers (EMA-VAR and EMA-STAB-R are the weaker readings)",
        repaired_by="EMA-STAB-R",
        notes="Rare large gradients spoil every average that contains one, and single gradients "
        "only when they come. The noise is bounded, so sub-Gaussian, and independent over time.",
    ),
    Claim(
        id="EMA-STAB-R",
        family="ema",
        title="cosines are stable once n_eff is large",
        statement=r"$\Pr(|\widehat C_{ij} - C^\star_{ij}| > \epsilon) \le \frac{32\,v}{n_{\rm "
        r"eff}\,m_0^2\,\epsilon^2}$ for $0 < \epsilon < 4$.",
        plain="For noise uncorrelated over time with energy v = E‖ξ‖² and means of norm at least "
        "m_0, the estimated cosine is off by more than ε with probability at most 32 v/(n_eff "
        "m_0² ε²).",
        source=Source("songoku", "repair of section 4.1's 'stabilizes cosine estimates'"),
        assumptions=(
            BETA,
            WINDOW,
            SAME_MEAN,
            UNCORRELATED,
            Assumption("norms", "‖μ_i‖, ‖μ_j‖ ≥ m_0 > 0 (Assumption 4)"),
        ),
        used_for="what 'stabilizes' can mean without a tail assumption: convergence in probability",
        checks=(
            Check("perturbed directions and Markov", Method.WRITTEN_PROOF, _consistency_proof),
            Check("exact probabilities", Method.EXACT, _consistency_by_enumeration),
            Check("direction bound by z3", Method.SMT, _direction_by_solver),
        ),
        repairs="EMA-STAB",
        notes="v is the energy of the whole vector, d times that of one coordinate if noise is "
        "isotropic; the recovery theorems claim more, and are judged by themselves.",
    ),
    Claim(
        id="EMA-H1",
        family="ema",
        title="history length one is β = 0",
        statement=r"Here, we set the history length to H=1, so every recoloring step relies on "
        r"only the most recent mini-batch gradients to estimate interference.",
        plain="Eq. 18's average rests on the newest gradient alone if and only if R = 1 or β = 0, "
        "and this is the case n_eff = 1; otherwise every gradient of the window has positive "
        "weight.",
        source=Source("SON-GOKU", "sections 6.4.1, 6.4.2"),
        assumptions=(BETA, WINDOW),
        used_for="the Single-Step ablation of Table 1",
        checks=(
            Check("the last weight", Method.WRITTEN_PROOF, _only_last_proof),
            Check("weights on a grid", Method.EXACT, _only_last_exactly),
            Check("last weight by z3", Method.SMT, _only_last_by_solver),
        ),
        reading="the paper defines no H; H = 1 read as: only the newest gradient counts",
        notes="For β > 0 an EMA has no finite history shorter than its window, so H > 1 has no "
        "counterpart in eq. 8 or 18; n_eff is the nearest. Under active-only updates 'most "
        "recent' is the task's own last active step, up to a cycle ago.",
    ),
    Claim(
        id="EMA-AGE",
        family="ema",
        title="how old the windowed average is",
        statement=r"... to stabilize cosine estimates so that they do not become stale.",
        plain="The weighted mean age of the gradients in eq. 18's average is β/(1-β) - R "
        "β^R/(1-β^R) steps, and at most (R-1)/2, with equality only for R = 1.",
        source=Source("SON-GOKU", "section 3.1", ("18",)),
        assumptions=(BETA, WINDOW),
        used_for="the lag of the conflict graph behind the training",
        checks=(
            Check("sum of ages by induction", Method.SYMBOLIC, _age_by_symbols),
            Check("pairing of ages", Method.WRITTEN_PROOF, _age_bound_proof),
            Check("ages on a grid", Method.EXACT, _age_exactly),
            Check("bound as polynomials", Method.EXHAUSTIVE, _age_bound_as_polynomials),
        ),
        reading="'do not become stale' as: the average is not older than the window's middle; age "
        "0 is the window's last step, and every task is updated at every step",
        notes="An EMA is older than the newest gradient, never younger: it trades age for noise. "
        "For R → ∞ the age is β/(1-β) = (n_eff - 1)/2 with the limit of n_eff.",
    ),
)
