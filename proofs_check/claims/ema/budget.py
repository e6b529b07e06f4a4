"""Corollary 2 (appendix B.6): meeting a budget of n_eff by the choice of R and β.

Only what it says about n_eff itself is judged here, not whether the budget recovers the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from math import ceil
from types import ModuleType
from typing import Any

from proofs_check.claims.ema import formulas
from proofs_check.claims.ema.assumptions import BETA, BETA_POSITIVE, WINDOW
from proofs_check.claims.ema.objects import (
    carried_weights,
    run_buffer,
    sample_size,
    signed_square_cosine,
    vector,
    window_weights,
    windowed,
)
from proofs_check.claims.ema.sample_size import numerator_and_denominator
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.polynomial import evaluate, is_positive_between, scale, subtract
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import (
    Assumption,
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Source,
    VacuityFinding,
)

__all__ = ["CLAIMS", "rational_beta_for"]


@replayer("ema-budget-equivalence")
def _replay_equivalence(data: Mapping[str, Any]) -> Replay:
    """Eq. 36's two conditions, for any choice of its two constants."""
    n_eff = sample_size(window_weights(int(data["window"]), rational(data["beta"])))
    steps = [
        f"take n_eff = {n_eff} (R = {data['window']}, β = {data['beta']}) and write "
        f"s = σ²/(m_0² γ²), ℓ = log(K/δ)",
        "first condition: n_eff ≥ C s; second: 1/n_eff ≤ c/(s ℓ), that is s ℓ ≤ c n_eff",
    ]
    violated = True
    for big, small in ((rational(p), rational(q)) for p, q in data["constants"]):
        s, log_term = n_eff / big, small * big + 1
        first, second = n_eff >= big * s, s * log_term <= small * n_eff
        violated = violated and first and not second and log_term > 1
        steps.append(
            f"C = {big}, c = {small}: with s = {s}, ℓ = {log_term} (K = 2, δ = "
            f"2e^(-{log_term}) < 1) "
            f"the first holds: {first}, the second: {second}"
        )
    steps.append(
        "For any C, c > 0 the choice s = n_eff/C, ℓ = cC + 1 does it: s ℓ - c n_eff = s > 0."
    )
    return Replay(tuple(steps), violated)


@replayer("ema-budget-window")
def _replay_window(data: Mapping[str, Any]) -> Replay:
    """No β reaches this budget with this R: N Σβ^(2s) - (Σβ^s)² > 0 on all of [0, 1)."""
    window, budget = int(data["window"]), rational(data["budget"])
    top, bottom = numerator_and_denominator(window)
    gap = subtract(scale(bottom, budget), top)
    at_zero, inside = evaluate(gap, 0), is_positive_between(gap, 0, 1)
    terms = " + ".join(f"({c})·β^{k}" for k, c in enumerate(gap) if c != 0)
    return Replay(
        (
            f"R = {window}, budget N = {budget}; n_eff = (Σ β^s)²/Σ β^(2s) = P/Q with Q > 0",
            f"N Q - P = {terms}",
            f"at β = 0 it is {at_zero} > 0, and it has no root in (0, 1) (Sturm): {inside}",
            "So n_eff < N for every β in [0, 1): no β close to 1 meets the budget.",
        ),
        at_zero > 0 and inside,
    )


@replayer("ema-budget-rate")
def _replay_rate(data: Mapping[str, Any]) -> Replay:
    """1 - β = 1/L: the limit is 2L - 1, the budget is ratio times L."""
    log_term, ratio = rational(data["log_term"]), rational(data["ratio"])
    beta = 1 - 1 / log_term
    limit, budget = formulas.n_eff_limit(beta), ratio * log_term
    # e > 2, so δ = 4 e^(-L) < 4/2^L: a bound that exact arithmetic can hold on to.
    delta_bound = Fraction(4, 2 ** int(log_term))
    valid = log_term >= 2 and log_term.denominator == 1 and delta_bound < 1
    return Replay(
        (
            f"K = 2 and δ = 4e^(-{log_term}) < 4/2^{log_term} = {delta_bound}, so "
            f"L = log(K²/δ) = {log_term}",
            f"1 - β = 1/L gives β = {beta}; for every R, n_eff < (1+β)/(1-β) = {limit}",
            f"with C σ²/(m_0² γ²) = {ratio} (choose σ² for the constant C at hand) the budget of "
            f"eq. 35 is {ratio} L = {budget}",
            f"{limit} < {budget}: no R meets it.",
        ),
        valid and limit <= budget,
    )


@replayer("ema-unnormalised")
def _replay_unnormalised(data: Mapping[str, Any]) -> Replay:
    """Eq. 18 without its denominator: which effective sample size, which cosine?"""
    beta, budget, upto = rational(data["beta"]), rational(data["budget"]), int(data["shown"])
    limit = formulas.n_eff_limit(beta)
    sizes = [sample_size(carried_weights(r, beta)) for r in range(1, upto + 1)]
    path, other = [vector(3, -1), vector(-2, 5)], [vector(1, 1), vector(-4, 2)]
    plain = signed_square_cosine(run_buffer(path, beta), run_buffer(other, beta))
    normal = signed_square_cosine(windowed(path, beta), windowed(other, beta))
    same = all(
        size == sample_size(window_weights(r, beta)) for r, size in enumerate(sizes, start=1)
    )
    return Replay(
        (
            f"β = {beta}, budget N = {budget}; weights (1-β) β^(R-t), not divided by 1 - β^R",
            f"(Σ w)²/Σ w² for R = 1 ... {upto}: {', '.join(map(str, sizes))}",
            f"the same as with the division: {same}; the cosine of an example: {plain} and "
            f"{normal} "
            f"(signed squares)",
            f"for every R: (Σ w)²/Σ w² = {limit} (1-x)/(1+x) with x = β^R > 0, less than "
            f"{limit} ≤ N",
            "So leaving the normalisation out changes neither the sample size nor any cosine.",
        ),
        same and plain == normal and limit <= budget and max(sizes) < budget,
    )


def rational_beta_for(window: int, budget: Fraction) -> Fraction:
    """Return a rational β in [0, 1) with n_eff(R, β) ≥ N, for 1 ≤ N < R.

    From n_eff ≥ R β^(R-1) and Bernoulli's inequality: β = 1 - (1 - N/R)/(R-1).

    Examples
    --------
    >>> rational_beta_for(4, Fraction(3))
    Fraction(11, 12)
    """
    return 1 - (1 - budget / window) / (window - 1)


def _beta_exists_proof(_: CheckContext) -> Finding:
    import sympy

    window, budget = sympy.symbols("R N", positive=True)
    beta = 1 - (1 - budget / window) / (window - 1)
    return WrittenProof(
        "some β in [0, 1) has n_eff(R, β) ≥ N if and only if N ≤ 1 or N < R",
        (
            Step(
                "N ≤ 1: β = 0 does, n_eff = 1. If N > 1 and R ≤ N: n_eff ≤ R with equality only "
                "for R = 1 (EMA-19-RANGE), so no β does.",
                None,
            ),
            Step(
                "Let 1 < N < R, so R ≥ 2. n_eff = (Σ_{s<R} β^s)(1+β)/(1+β^R) ≥ R β^(R-1), since "
                "each β^s ≥ β^(R-1) and β^R ≤ β.",
                None,
            ),
            Step(
                "With β = 1 - (1 - N/R)/(R-1), Bernoulli gives β^(R-1) ≥ 1 - (R-1)(1-β) = N/R, so "
                "n_eff ≥ N; and 0 ≤ β < 1 because 0 < 1 - N/R < 1 ≤ R - 1.",
                lambda: is_zero(1 - (window - 1) * (1 - beta) - budget / window),
            ),
        ),
    ).finding()


def _beta_exists_exactly(_: CheckContext) -> Finding:
    cases = [
        (window, Fraction(quarter, 4))
        for window in range(2, 25)
        for quarter in range(4, 4 * window)
    ]

    def holds(case: tuple[int, Fraction]) -> bool:
        window, budget = case
        beta = rational_beta_for(window, budget)
        return 0 <= beta < 1 and sample_size(window_weights(window, beta)) >= budget

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, N = {case[1]}",
        "R = 2 ... 24 and every N in [1, R) in quarters: the proof's β reaches N",
    )


def _beta_missing_polynomials(_: CheckContext) -> Finding:
    def holds(window: int) -> bool:
        top, bottom = numerator_and_denominator(window)
        gap = subtract(scale(bottom, window), top)
        return evaluate(gap, 0) > 0 and is_positive_between(gap, 0, 1)

    return for_every(
        range(2, 25),
        holds,
        lambda window: f"R = {window}",
        "R = 2 ... 24: no β in [0, 1) reaches N = R (Sturm), so none reaches more",
        "up_to",
    )


def _window_vacuity(_: CheckContext) -> VacuityFinding:
    """Evaluate R > N at the paper's refresh periods and task numbers, with N = log(K²/δ)."""
    from math import exp

    # log(K²/0.05) > R says K² > 0.05 e^R.
    failing = [
        f"R = {window} for K = {', '.join(map(str, tasks))}"
        for window in (4, 32, 256)
        if (tasks := [k for k in (3, 6, 16, 40) if window < 100 and k**2 > 0.05 * exp(window)])
    ]
    return VacuityFinding(
        False,
        "R > N looked at for the paper's R = 4, 32, 256 and K = 3, 6, 16, 40 (Tables 2 and 4), "
        "with N = log(K²/δ), δ = 0.05 and C σ²/(m_0² γ²) = 1: it fails at "
        + ("; ".join(failing) or "none of them"),
    )


def _rate_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        log_term = sympy.Symbol("L", positive=True)
        limit = formulas.n_eff_limit(1 - 1 / log_term)
        return [
            ("(1+β)/(1-β) = 2L - 1", limit, 2 * log_term - 1),
            ("limit - L = L - 1 ≥ 0", limit - log_term, log_term - 1),
            ("2L - limit = 1 > 0", 2 * log_term - limit, 1),
        ]

    return prove_identities(
        build, "1 - β = 1/L with L = log(K²/δ) > log 4 > 1 gives lim n_eff = 2L - 1 in [L, 2L)"
    )


def _rate_exactly(_: CheckContext) -> Finding:
    cases = [Fraction(q, 4) for q in range(5, 81)]

    def holds(log_term: Fraction) -> bool:
        beta = 1 - 1 / log_term
        limit = (1 + beta) / (1 - beta)
        return 0 < beta < 1 and log_term <= limit < 2 * log_term and limit == 2 * log_term - 1

    return for_every(cases, holds, lambda q: f"L = {q}", "L = 5/4, 6/4, ..., 20")


def _meets_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        log_term, ratio = sympy.symbols("L rho", positive=True)
        limit = formulas.n_eff_limit(1 - 1 / log_term)
        return [
            (
                "limit - budget = L ((2 - 1/L) - ρ)",
                limit - ratio * log_term,
                log_term * ((2 - 1 / log_term) - ratio),
            )
        ]

    return prove_identities(
        build,
        "for ρ = C σ²/(m_0²γ²) < 2 - 1/L the budget ρ L lies below the limit, so some R meets it "
        "(EMA-C2-SAT); for ρ ≥ 2 - 1/L none does",
    )


def _meets_exactly(_: CheckContext) -> Finding:
    cases = [
        (log_term, ratio)
        for log_term in (Fraction(3, 2), Fraction(4), Fraction(10))
        for ratio in (Fraction(1, 2), Fraction(1), Fraction(5, 4), Fraction(3, 2))
        if ratio < 2 - 1 / log_term
    ]

    def holds(case: tuple[Fraction, Fraction]) -> bool:
        log_term, ratio = case
        beta = 1 - 1 / log_term
        return any(
            sample_size(window_weights(window, beta)) >= ratio * log_term for window in range(1, 80)
        )

    return for_every(
        cases,
        holds,
        lambda case: f"L = {case[0]}, ρ = {case[1]}",
        "L = 3/2, 4, 10 and ρ below 2 - 1/L: some R < 80 meets the budget",
    )


def _meets_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        log_term, ratio = z3.Reals("L rho")
        limit = 2 * log_term - 1
        return [
            smt.Obligation(
                "budget below the limit iff ρ < 2 - 1/L",
                [log_term > 1, ratio > 0],
                (ratio * log_term < limit) == (ratio < 2 - 1 / log_term),
            )
        ]

    return smt.prove(build, "when the budget lies below the limit at 1 - β = 1/L")


def _uniform_proof(_: CheckContext) -> Finding:
    import sympy

    window, each = sympy.symbols("R w", positive=True)
    return WrittenProof(
        "the plain average (or sum) of R gradients has n_eff = R, the largest that R gradients "
        "allow; every budget N is met by R = ⌈N⌉",
        (
            Step(
                "R equal weights w: (R w)²/(R w²) = R, whatever w > 0 is: mean and sum alike.",
                lambda: is_zero((window * each) ** 2 / (window * each**2) - window),
            ),
            Step("Any other weights have (Σ w)² ≤ R Σ w² (EMA-19-RANGE, step 2).", None),
            Step(
                "Sum and mean differ by the factor R, the same for all tasks: same cosines.", None
            ),
        ),
    ).finding()


def _uniform_exactly(_: CheckContext) -> Finding:
    weights = [w for w in product((0, 1, 2, 5), repeat=4) if any(w)]

    def holds(case: tuple[int, ...]) -> bool:
        size = sample_size([Fraction(w) for w in case])
        equal = len(set(case)) == 1
        return size <= len(case) and (size == len(case)) == equal

    return for_every(
        weights,
        holds,
        str,
        "all weights in {0, 1, 2, 5}⁴: at most 4, and 4 only if all are equal",
    )


def _uniform_budgets(_: CheckContext) -> Finding:
    return for_every(
        [Fraction(q, 3) for q in range(1, 200)],
        lambda budget: sample_size([Fraction(1)] * ceil(budget)) >= budget,
        lambda budget: f"N = {budget}",
        "every N up to 66 in thirds: R = ⌈N⌉ equal weights reach it",
        "up_to",
    )


def _with_logarithm_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        size, s, log_term, big = sympy.symbols("n s l C", positive=True)
        return [
            (
                "(1/n - (1/C)/(s ℓ)) n s ℓ C = C s ℓ - n",
                (1 / size - (1 / big) / (s * log_term)) * size * s * log_term * big,
                big * s * log_term - size,
            )
        ]

    return prove_identities(
        build, "n ≥ C s ℓ iff 1/n ≤ c/(s ℓ) with c = 1/C: both say C s ℓ - n ≤ 0"
    )


def _with_logarithm_exactly(_: CheckContext) -> Finding:
    values = (Fraction(1, 3), Fraction(1), Fraction(7, 2), Fraction(10))

    def holds(case: tuple[Fraction, ...]) -> bool:
        size, s, log_term, big = case
        return (size >= big * s * log_term) == (1 / size <= (1 / big) / (s * log_term))

    return for_every(
        product(values, repeat=4),
        holds,
        lambda case: "n, s, ℓ, C = " + ", ".join(map(str, case)),
        "n, s, ℓ, C in {1/3, 1, 7/2, 10}, equality included",
    )


def _with_logarithm_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        size, s, log_term, big = z3.Reals("n s l C")
        return [
            smt.Obligation(
                "the two conditions agree",
                [size > 0, s > 0, log_term > 0, big > 0],
                (size >= big * s * log_term) == (1 / size <= (1 / big) / (s * log_term)),
            )
        ]

    return smt.prove(build, "with the logarithm on both sides eq. 36's conditions are equivalent")


_COR2 = Source("SON-GOKU", "appendix B.6, Corollary 2", ("36",))
_COR2_ADVICE = (
    r"Thus, to meet the required budget as K grows, one increases $n_{\rm eff}$ by choosing "
    r"$\beta$ closer to 1 (e.g., $1-\beta \approx 1/\log(K^2/\delta)$), or by switching to a "
    r"unnormalized averaging approach."
)
_LOG_TERM = Assumption(
    "logarithm", "L = log(K²/δ) with K ≥ 2 and 0 < δ < 1, so L > log 4 > 1", lambda value: value > 1
)
_LARGE_WINDOW = Assumption("large window", "R may be chosen as large as needed")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EMA-36",
        family="ema",
        title="the two forms of Corollary 2's budget are equivalent",
        statement=r"$n_{\rm eff} \ge C \frac{\sigma^2}{m_0^2\gamma^2}$ (equivalently, "
        r"$\sum_{t=1}^R w_t^2 \le c\,\frac{m_0^2\gamma^2}{\sigma^2}\,\frac{1}{\log(K/\delta)}$)",
        plain="For some constants c, C > 0: n_eff ≥ C σ²/(m_0²γ²) holds exactly when Σ w_t² ≤ c "
        "m_0²γ²/(σ² log(K/δ)) holds.",
        source=_COR2,
        assumptions=(BETA, WINDOW),
        used_for="the budget of Corollary 2",
        checks=(
            Check(
                "the first without the second, for any constants",
                Method.EXACT,
                lambda _: refuted_by("EMA-36"),
            ),
        ),
        reading="to the letter; a factor log(K/δ) is missing on the left, probably a slip (eq. 35 "
        "and 39 have it; see EMA-36-R)",
        repaired_by="EMA-36-R",
    ),
    Claim(
        id="EMA-36-R",
        family="ema",
        title="the two forms agree with the logarithm on both sides",
        statement=r"$n_{\rm eff} \ge C \frac{\sigma^2}{m_0^2\gamma^2}\log(K/\delta)$ iff $\sum "
        r"w_t^2 \le \frac1C \frac{m_0^2\gamma^2}{\sigma^2}\frac{1}{\log(K/\delta)}$.",
        plain="n_eff ≥ C σ²/(m_0²γ²) log(K/δ) holds exactly when Σ w_t² ≤ c m_0²γ²/(σ² log(K/δ)) "
        "with c = 1/C.",
        source=Source("songoku", "eq. 36 with the factor of eq. 35", ("35", "36")),
        assumptions=(
            BETA,
            WINDOW,
            Assumption("positive", "σ, m_0, γ, log(K/δ) and C are positive"),
        ),
        used_for="the budget of Corollary 2",
        checks=(
            Check("one difference", Method.SYMBOLIC, _with_logarithm_symbols),
            Check("values and equality", Method.EXACT, _with_logarithm_exactly),
            Check("equivalence by z3", Method.SMT, _with_logarithm_solver),
        ),
        repairs="EMA-36",
        notes="Eq. 35 and 39 have log(K²/δ), eq. 36 log(K/δ): for K ≥ 2, δ < 1 they differ by a "
        "factor between 1 and 2, which the constants absorb.",
    ),
    Claim(
        id="EMA-C2-BETA",
        family="ema",
        title="β close to 1 meets any budget",
        statement=_COR2_ADVICE,
        plain="With the window R fixed, for every budget N some β < 1 has n_eff(R, β) ≥ N.",
        source=_COR2,
        assumptions=(BETA, WINDOW),
        used_for="setting β for many tasks; the paper runs R = 4, 32, 256",
        checks=(
            Check("R = 2, N = 2", Method.EXACT, lambda _: refuted_by("EMA-C2-BETA")),
            Check(
                "a β for every N < R",
                Method.WRITTEN_PROOF,
                _beta_exists_proof,
                under_condition=True,
            ),
            Check(
                "a β for every N < R, in fractions",
                Method.EXACT,
                _beta_exists_exactly,
                under_condition=True,
            ),
        ),
        reading="R fixed, β to be chosen; with R as large as needed it holds (EXT-2-REACHES)",
        condition="R > N",
        repaired_by="EMA-C2-BETA-R",
        vacuous=_window_vacuity,
        notes="The paper says 'for fixed β and large R' in the sentence before; whether that "
        "still applies to 'choosing β closer to 1' is open, hence both readings.",
    ),
    Claim(
        id="EMA-C2-BETA-R",
        family="ema",
        title="β close to 1 meets the budgets below R",
        statement=r"$\exists \beta\in[0,1):\ n_{\rm eff}(R,\beta)\ge N$ iff $N\le 1$ or $N<R$.",
        plain="Some β in [0, 1) has n_eff(R, β) ≥ N if and only if N ≤ 1 or N < R.",
        source=Source("songoku", "repair of Corollary 2's advice", ("19", "36")),
        assumptions=(WINDOW,),
        used_for="a window must be longer than the budget that it has to meet",
        checks=(
            Check("a β for every N < R", Method.WRITTEN_PROOF, _beta_exists_proof),
            Check("that β in fractions", Method.EXACT, _beta_exists_exactly),
            Check("no β for N = R", Method.EXHAUSTIVE, _beta_missing_polynomials),
        ),
        repairs="EMA-C2-BETA",
    ),
    Claim(
        id="EMA-C2-RATE",
        family="ema",
        title="1 - β = 1/log(K²/δ) grows at the budget's rate",
        statement=_COR2_ADVICE,
        plain="With 1 - β = 1/L, L = log(K²/δ), the limit of n_eff is 2L - 1, between L and 2L: "
        "it grows with K and δ at the rate of the budget's factor L.",
        source=_COR2,
        assumptions=(_LOG_TERM, _LARGE_WINDOW),
        used_for="setting β for many tasks",
        checks=(
            Check("2L - 1", Method.SYMBOLIC, _rate_symbols),
            Check("values of L", Method.EXACT, _rate_exactly),
        ),
        reading="'≈' up to constant factors, R large",
    ),
    Claim(
        id="EMA-C2-MEETS",
        family="ema",
        title="1 - β = 1/log(K²/δ) meets the budget",
        statement=_COR2_ADVICE,
        plain="With 1 - β = 1/L, L = log(K²/δ), and R large enough, n_eff ≥ C σ²/(m_0²γ²) L (eq. "
        "35), whatever σ, m_0 and γ are.",
        source=_COR2,
        assumptions=(_LOG_TERM, _LARGE_WINDOW),
        used_for="setting β for many tasks",
        checks=(
            Check("a budget of 2 L", Method.EXACT, lambda _: refuted_by("EMA-C2-MEETS")),
            Check("budget against limit", Method.SYMBOLIC, _meets_symbols, under_condition=True),
            Check("budgets that are met", Method.EXACT, _meets_exactly, under_condition=True),
        ),
        reading="'≈' as '='; with room for a constant it is EMA-C2-RATE",
        condition="C σ²/(m_0²γ²) < 2 - 1/L",
        repaired_by="EMA-C2-MEETS-R",
    ),
    Claim(
        id="EMA-C2-MEETS-R",
        family="ema",
        title="when 1 - β = 1/log(K²/δ) meets the budget",
        statement=r"With $1-\beta=1/L$ some $R$ has $n_{\rm eff}\ge \rho L$ iff $\rho < 2-1/L$, "
        r"$\rho = C\sigma^2/(m_0^2\gamma^2)$.",
        plain="With 1 - β = 1/L, some R has n_eff ≥ ρ L if and only if ρ < 2 - 1/L, where ρ = C "
        "σ²/(m_0²γ²).",
        source=Source("songoku", "repair of Corollary 2's advice", ("35", "36")),
        assumptions=(_LOG_TERM, _LARGE_WINDOW),
        used_for="setting β for many tasks: 1 - β has to shrink like 1/(ρ L)",
        checks=(
            Check("budget against limit", Method.SYMBOLIC, _meets_symbols),
            Check("budgets that are met", Method.EXACT, _meets_exactly),
            Check("threshold by z3", Method.SMT, _meets_solver),
        ),
        repairs="EMA-C2-MEETS",
        notes="L > 1, so β > 0 and the limit itself is never reached: hence '<'.",
    ),
    Claim(
        id="EMA-C2-UNNORM",
        family="ema",
        title="leaving the normalisation out lifts the saturation",
        statement=_COR2_ADVICE,
        plain="Eq. 18's weights without the division by 1 - β^R meet budgets above (1+β)/(1-β) "
        "for large R.",
        source=_COR2,
        assumptions=(BETA_POSITIVE, WINDOW),
        used_for="an alternative to β close to 1",
        checks=(
            Check(
                "weights of eq. 8",
                Method.EXACT,
                lambda _: refuted_by("EMA-C2-UNNORM"),
            ),
        ),
        reading="'unnormalized averaging' as eq. 8's weights; sample size (Σ w)²/Σ w², which does "
        "not depend on the scale of the weights, as no cosine does",
        repaired_by="EMA-C2-UNNORM-R",
        notes="1/Σ w² alone would grow for weights that sum to less than one (at R = 1 it is "
        "1/(1-β)² for a single gradient), but it is no sample size: the mean shrinks as well "
        "(EMA-8-BIAS). Even so its limit for R → ∞ is the same (1+β)/(1-β).",
    ),
    Claim(
        id="EMA-C2-UNNORM-R",
        family="ema",
        title="the plain average does not saturate",
        statement=r"Equal weights have $n_{\rm eff}=R$, the most that any weights on $R$ "
        r"gradients have.",
        plain="The plain mean or sum of the window's R gradients has n_eff = R, the largest "
        "possible, so it meets every budget N with R = ⌈N⌉.",
        source=Source("songoku", "the other reading of Corollary 2's 'unnormalized averaging'"),
        assumptions=(WINDOW,),
        used_for="an alternative to β close to 1",
        checks=(
            Check("equal weights", Method.WRITTEN_PROOF, _uniform_proof),
            Check("all small weights", Method.EXACT, _uniform_exactly),
            Check("budgets", Method.EXHAUSTIVE, _uniform_budgets),
        ),
        repairs="EMA-C2-UNNORM",
        reading="'unnormalized averaging' as averaging without the geometric weights",
    ),
)
