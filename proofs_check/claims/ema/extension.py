"""EXT-2: n_eff as a ratio of hyperbolic tangents, and what a target sample size needs.

This project's own extension of eq. 19, judged like any statement of the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

from proofs_check.claims.ema import formulas
from proofs_check.claims.ema.assumptions import BETA, BETA_POSITIVE, WINDOW
from proofs_check.claims.ema.budget import rational_beta_for
from proofs_check.claims.ema.formulas import Number
from proofs_check.claims.ema.objects import sample_size, window_weights
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, rational_grid
from proofs_check.methods.findings import inconclusive
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "log_three", "tanh_checks"]

Ratio = Callable[[Number, Number], Number]
"""From tanh(R a/2) and tanh(a/2) to n_eff."""


def tanh_checks(ratio: Ratio = lambda whole, half: whole / half) -> tuple[Check, ...]:
    """Return the checks of EXT-2 for this combination of tanh(R a/2) and tanh(a/2)."""

    def by_symbols(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
            u, v = sympy.symbols("u v", positive=True)  # u = e^(a/2), v = e^(R a/2)

            def tanh(e: Number) -> Number:
                return (e - 1 / e) / (e + 1 / e)

            return [
                ("with β = u^-2, β^R = v^-2", ratio(tanh(v), tanh(u)), formulas.n_eff(u**-2, v**-2))
            ]

        return prove_identities(build, "n_eff = tanh(R a/2)/tanh(a/2), a = -ln β, 0 < β < 1")

    def from_the_definition(_: CheckContext) -> Finding:
        # β = q² makes e^(a/2) = 1/q rational, so tanh can be taken from its definition.
        cases = [(window, q) for window in range(1, 17) for q in rational_grid(8)[1:]]

        def tanh(exponential: Fraction) -> Fraction:
            return (exponential - 1 / exponential) / (exponential + 1 / exponential)

        def holds(case: tuple[int, Fraction]) -> bool:
            window, q = case
            size = sample_size(window_weights(window, q * q))
            return bool(size == ratio(tanh(q**-window), tanh(1 / q)))

        return for_every(
            cases,
            holds,
            lambda case: f"R = {case[0]}, β = {case[1] ** 2}",
            "R ≤ 16, β = q² for every 0 < q < 1 with denominator ≤ 8, tanh from exponentials",
        )

    def by_solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            beta, power = z3.Reals("beta x")
            half, whole = (1 - beta) / (1 + beta), (1 - power) / (1 + power)
            return [
                smt.Obligation(
                    "tanh(a/2) = (1-β)/(1+β), tanh(Ra/2) = (1-β^R)/(1+β^R)",
                    [beta > 0, beta < 1, power > 0, power <= beta],
                    ratio(whole, half) == formulas.n_eff(beta, power),
                )
            ]

        return smt.prove(build, "the ratio of the tangents is n_eff")

    return (
        Check("exponentials", Method.SYMBOLIC, by_symbols),
        Check("tanh from its definition", Method.EXACT, from_the_definition),
        Check("ratio by z3", Method.SMT, by_solver),
    )


def _needs_proof(_: CheckContext) -> Finding:
    import sympy

    beta, target = sympy.symbols("beta N", positive=True)
    return WrittenProof(
        "n_eff(R, β) ≥ N ≥ 1 implies R ≥ N and β ≥ (N-1)/(N+1)",
        (
            Step("N ≤ n_eff ≤ R (EMA-19-RANGE).", None),
            Step("N ≤ n_eff ≤ (1+β)/(1-β) (EMA-19-BELOW).", None),
            Step(
                "N (1-β) ≤ 1+β says the same as β ≥ (N-1)/(N+1), because N + 1 > 0.",
                lambda: is_zero(
                    (1 + beta)
                    - target * (1 - beta)
                    - (target + 1) * (beta - (target - 1) / (target + 1))
                ),
            ),
        ),
    ).finding()


def _needs_exactly(_: CheckContext) -> Finding:
    cases = [
        (window, beta, Fraction(half, 2))
        for window in range(1, 13)
        for beta in rational_grid(7)
        for half in range(2, 2 * window + 3)
    ]

    def holds(case: tuple[int, Fraction, Fraction]) -> bool:
        window, beta, target = case
        if sample_size(window_weights(window, beta)) < target:
            return True
        return window >= target and beta >= (target - 1) / (target + 1)

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}, N = {case[2]}",
        "R ≤ 12, every β < 1 with denominator ≤ 7, N from 1 to beyond R in halves",
    )


def _needs_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        beta, power, target = z3.Reals("beta x N")
        return [
            smt.Obligation(
                "β ≥ (N-1)/(N+1), strictly if N > 1",
                [
                    beta >= 0,
                    beta < 1,
                    power >= 0,
                    power <= beta,
                    target >= 1,
                    formulas.n_eff(beta, power) >= target,
                ],
                z3.And(
                    beta * (target + 1) >= target - 1,
                    z3.Implies(z3.And(target > 1, power > 0), beta * (target + 1) > target - 1),
                ),
            )
        ]

    return smt.prove(build, "what a target needs of β")


def _sharp_proof(_: CheckContext) -> Finding:
    import sympy

    beta, target = sympy.symbols("beta N", positive=True)
    return WrittenProof(
        "for N > 1, n_eff ≥ N needs R > N and β > (N-1)/(N+1); every R > N works with some β, and "
        "every β in ((N-1)/(N+1), 1) with some R",
        (
            Step("N > 1 rules out R = 1 and β = 0, where n_eff = 1.", None),
            Step("For R ≥ 2: N ≤ n_eff < R (EMA-19-RANGE: equality only for R = 1).", None),
            Step(
                "For β > 0: N ≤ n_eff < (1+β)/(1-β) (EMA-19-BELOW), which says β > (N-1)/(N+1).",
                lambda: is_zero(
                    (1 + beta)
                    - target * (1 - beta)
                    - (target + 1) * (beta - (target - 1) / (target + 1))
                ),
            ),
            Step("Every R > N: some β reaches N (EMA-C2-BETA-R).", None),
            Step(
                "Every β > (N-1)/(N+1): its limit exceeds N, so some R reaches N (EMA-C2-SAT).",
                None,
            ),
        ),
    ).finding()


def _sharp_exactly(_: CheckContext) -> Finding:
    cases = [Fraction(quarter, 4) for quarter in range(5, 33)]

    def holds(target: Fraction) -> bool:
        edge = (target - 1) / (target + 1)
        window = int(target) + 1
        nearest = rational_beta_for(window, target)
        reached = sample_size(window_weights(window, nearest)) >= target
        just_above = edge + (1 - edge) / 50
        some_window = any(
            sample_size(window_weights(r, just_above)) >= target for r in range(window, 600, 20)
        )
        at_edge = any(sample_size(window_weights(r, edge)) >= target for r in (1, 2, 5, 20, 80))
        at_window = target.denominator == 1 and any(
            sample_size(window_weights(int(target), beta)) >= target
            for beta in (*rational_grid(6), Fraction(999, 1000))
        )
        return reached and some_window and not at_edge and not at_window

    return for_every(
        cases,
        holds,
        lambda target: f"N = {target}",
        "N = 5/4, 6/4, ..., 8: reached with R = ⌊N⌋ + 1 and with β just above the bound; not at β "
        "= (N-1)/(N+1), not at R = N",
    )


def log_three(terms: int = 60) -> tuple[Fraction, Fraction]:
    """Enclose ln 3 between two rationals.

    ln 3 = 2 artanh(1/2) = Σ 2^(-2k) / (2k+1); the tail after `terms` terms is below
    2^(-2 terms) · 4/3 / (2 terms + 1).

    Examples
    --------
    >>> low, high = log_three()
    >>> low < high, round(float(low), 12)
    (True, 1.098612288668)
    """
    low = sum((Fraction(1, (2 * k + 1) * 4**k) for k in range(terms)), Fraction(0))
    return low, low + Fraction(4, 3 * (2 * terms + 1) * 4**terms)


def _reaches_proof(_: CheckContext) -> Finding:
    import sympy

    target, y = sympy.symbols("N y", positive=True)
    beta = (2 * target - 1) / (2 * target + 1)
    return WrittenProof(
        "β = (2N-1)/(2N+1) and R ≥ ln(3) N give n_eff ≥ N, for every real N ≥ 1",
        (
            Step(
                "tanh(a/2) = (1-β)/(1+β) = 1/(2N), so n_eff = 2N tanh(Ra/2) (EXT-2).",
                lambda: is_zero((1 - beta) / (1 + beta) - 1 / (2 * target)),
            ),
            Step(
                "a/2 = artanh(1/(2N)) > 1/(2N), since artanh(y) - y has the derivative y²/(1-y²) "
                "> 0 on (0, 1) and is 0 at 0. So a > 1/N.",
                lambda: is_zero(1 / (1 - y**2) - 1 - y**2 / (1 - y**2)),
            ),
            Step("R a > ln(3) N / N = ln 3, so Ra/2 > ln(3)/2.", None),
            Step(
                "tanh(ln(3)/2) = (3-1)/(3+1) = 1/2 and tanh grows: n_eff > 2N/2 = N.",
                lambda: is_zero(sympy.Rational(3 - 1, 3 + 1) - sympy.Rational(1, 2)),
            ),
        ),
    ).finding()


def _reaches_exactly(context: CheckContext) -> Finding:
    low, high = log_three()
    largest = 400 if context.profile == "full" else 60
    cases = [Fraction(half, 2) for half in range(2, 2 * largest + 1)]

    def holds(target: Fraction) -> bool:
        # The smallest whole R ≥ ln(3) N; both ends of the enclosure have to agree on it.
        window = -int(-(low * target) // 1)
        if window != -int(-(high * target) // 1):
            return False
        beta = (2 * target - 1) / (2 * target + 1)
        return bool(formulas.n_eff(beta, beta**window) > target)

    return for_every(
        cases,
        holds,
        lambda target: f"N = {target}",
        f"N = 1, 3/2, 2, ..., {largest} with R = ⌈ln(3) N⌉, ln 3 enclosed between rationals",
    )


def _log_three_is_enclosed(_: CheckContext) -> Finding:
    """Check the enclosure against exp: e^low < 3 < e^high by rational bounds of the series."""
    low, high = log_three(20)

    def exp_bounds(x: Fraction) -> tuple[Fraction, Fraction]:
        term, total = Fraction(1), Fraction(1)
        for k in range(1, 40):
            term = term * x / k
            total += term
        return total, total + term  # for 0 < x < 2 the tail is less than the last term

    if exp_bounds(low)[1] < 3 < exp_bounds(high)[0]:
        return for_every([0], lambda _: True, str, "the enclosure of ln 3 used in the exact check")
    return inconclusive("enclosure of ln 3", "the rational bounds of ln 3 do not enclose it")


def _criterion_symbols(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, Any, Any]]:
        beta, power, target = sympy.symbols("beta x N")
        theta = target * (1 - beta) / (1 + beta)
        return [
            (
                "n_eff - N = N ((1-x) - θ(1+x)) / (θ(1+x))",
                formulas.n_eff(beta, power) - target,
                target * ((1 - power) - theta * (1 + power)) / (theta * (1 + power)),
            ),
            (
                "(1-x) - θ(1+x) = (1+θ) ((1-θ)/(1+θ) - x)",
                (1 - power) - theta * (1 + power),
                (1 + theta) * ((1 - theta) / (1 + theta) - power),
            ),
        ]

    return prove_identities(
        build, "n_eff ≥ N iff β^R ≤ (1-θ)/(1+θ), θ = N (1-β)/(1+β), for 0 < β < 1 and N > 0"
    )


def _criterion_exactly(_: CheckContext) -> Finding:
    cases = [
        (window, beta, Fraction(quarter, 4))
        for window in range(1, 13)
        for beta in rational_grid(7)[1:]
        for quarter in range(1, 4 * window + 4, 3)
    ]

    def holds(case: tuple[int, Fraction, Fraction]) -> bool:
        window, beta, target = case
        theta = target * (1 - beta) / (1 + beta)
        reached = sample_size(window_weights(window, beta)) >= target
        return reached == (beta**window <= (1 - theta) / (1 + theta))

    return for_every(
        cases,
        holds,
        lambda case: f"R = {case[0]}, β = {case[1]}, N = {case[2]}",
        "R ≤ 12, every 0 < β < 1 with denominator ≤ 7, N in quarters up to beyond R",
    )


def _criterion_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        beta, power, target = z3.Reals("beta x N")
        theta = target * (1 - beta) / (1 + beta)
        return [
            smt.Obligation(
                "n_eff ≥ N iff β^R ≤ (1-θ)/(1+θ)",
                [beta > 0, beta < 1, power > 0, power <= beta, target > 0],
                (formulas.n_eff(beta, power) >= target) == (power <= (1 - theta) / (1 + theta)),
            )
        ]

    return smt.prove(build, "when a target is reached")


_EXT2 = Source("songoku", "extension 2 (EXT-2) of SON-GOKU's eq. 19", ("19",))
_TARGET = Assumption("target", "N ≥ 1 is a real number", lambda target: target >= 1)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-2",
        family="ema",
        title="n_eff = tanh(R a/2)/tanh(a/2)",
        statement=r"With $a=-\ln\beta$: $n_{\rm eff}=\tanh(Ra/2)/\tanh(a/2)$.",
        plain="For 0 < β < 1 and a = -ln β: n_eff(R, β) = tanh(R a/2)/tanh(a/2).",
        source=_EXT2,
        assumptions=(BETA_POSITIVE, WINDOW),
        used_for="monotonicity in β; choosing R and β for a target",
        checks=tanh_checks(),
        notes="At β = 0, where a = +∞, both tangents are 1 and so is n_eff.",
    ),
    Claim(
        id="EXT-2-NEEDS",
        family="ema",
        title="what a target N needs",
        statement=r"Reaching a target $N$ needs $R\ge N$ and $\beta\ge(N-1)/(N+1)$.",
        plain="If n_eff(R, β) ≥ N with N ≥ 1, then R ≥ N and β ≥ (N-1)/(N+1).",
        source=_EXT2,
        assumptions=(BETA, WINDOW, _TARGET),
        used_for="choosing R and β for a target",
        checks=(
            Check("from the two upper bounds", Method.WRITTEN_PROOF, _needs_proof),
            Check("weights on a grid", Method.EXACT, _needs_exactly),
            Check("bound on β by z3", Method.SMT, _needs_solver),
        ),
        reading="'needs': necessary; nothing is said of sufficient (R = N = 2, β = 1/3 gives 8/5)",
        notes="True, but not as sharp as it could be: for N > 1 both are strict (EXT-2-SHARP).",
    ),
    Claim(
        id="EXT-2-SHARP",
        family="ema",
        title="what a target N > 1 needs, sharply",
        statement=r"For $N>1$ reaching $N$ needs $R>N$ and $\beta>(N-1)/(N+1)$, and neither bound "
        r"can be improved.",
        plain="If n_eff(R, β) ≥ N with N > 1, then R > N and β > (N-1)/(N+1). Every whole R > N "
        "reaches N with some β, and every β in ((N-1)/(N+1), 1) with some R.",
        source=_EXT2,
        assumptions=(BETA, WINDOW, Assumption("target above one", "N > 1", lambda n: n > 1)),
        used_for="choosing R and β for a target",
        checks=(
            Check("strict bounds and witnesses", Method.WRITTEN_PROOF, _sharp_proof),
            Check("both sides of the bounds", Method.EXACT, _sharp_exactly),
            Check("strictness in β by z3", Method.SMT, _needs_solver),
        ),
        notes="For N = 1 the bounds are attained: R = 1 or β = 0.",
    ),
    Claim(
        id="EXT-2-EXACT",
        family="ema",
        title="when a target N is reached, exactly",
        statement=r"$n_{\rm eff}\ge N \iff \beta^R\le\frac{1-\theta}{1+\theta}$, "
        r"$\theta=N\,\frac{1-\beta}{1+\beta}$.",
        plain="For 0 < β < 1 and N > 0: n_eff(R, β) ≥ N if and only if β^R ≤ (1-θ)/(1+θ), where θ "
        "= N (1-β)/(1+β).",
        source=_EXT2,
        assumptions=(BETA_POSITIVE, WINDOW),
        used_for="the smallest R for a given β and N",
        checks=(
            Check("solving for β^R", Method.SYMBOLIC, _criterion_symbols),
            Check("weights on a grid", Method.EXACT, _criterion_exactly),
            Check("criterion by z3", Method.SMT, _criterion_solver),
        ),
    ),
    Claim(
        id="EXT-2-REACHES",
        family="ema",
        title="a β and R that reach N",
        statement=r"$\beta=(2N-1)/(2N+1)$ with $R\ge\ln(3)\,N$ reaches $N$.",
        plain="With β = (2N-1)/(2N+1) and any whole R ≥ ln(3) N, n_eff(R, β) ≥ N (in fact > N), "
        "for every real N ≥ 1.",
        source=_EXT2,
        assumptions=(WINDOW, _TARGET),
        used_for="plan_window, the rule that picks R and β for a target",
        checks=(
            Check("hyperbolic tangents", Method.WRITTEN_PROOF, _reaches_proof),
            Check("targets in halves", Method.EXACT, _reaches_exactly),
            Check("enclosure of ln 3", Method.CERTIFICATE, _log_three_is_enclosed),
        ),
        notes="As N grows, R a comes as close to R/N as one likes, so for this β the factor ln 3 "
        "is the smallest that serves every N.",
    ),
)
