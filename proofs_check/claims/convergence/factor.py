"""Eq. 13: the usual rate 'with a mild (1 + τ) factor', and the sentences around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.convergence._objects import (
    STEP,
    Tasks,
    Vector,
    dot,
    plus,
    read_tasks,
    show,
    times,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]

_COMPATIBLE = Assumption("τ-compatible classes", "no conflict inside a class (eq. 10)")


def _conflict(u: Vector, v: Vector, tau: Fraction) -> bool:
    p = dot(u, v)
    return p < 0 and p * p > tau * tau * dot(u, u) * dot(v, v)


@replayer("cvg-factor")
def _replay_factor(data: Mapping[str, Any]) -> Replay:
    """The scheduler itself, with exact gradients, on two quadratics that conflict throughout."""
    tasks, tau, c = read_tasks(data), rational(data["tau"]), rational(data["c"])
    steps, root = int(data["steps"]), int(data["root"])
    eta = c / root
    x: Vector = tuple(rational(value) for value in data["start"])
    slack = tasks.loss(x) - tasks.least
    squared, lines, conflicts = [], [], True
    for t in range(steps):
        gradients = [tasks.gradient(k, x) for k in range(2)]
        conflicts = conflicts and _conflict(gradients[0], gradients[1], tau)
        squared.append(dot(tasks.full(x), tasks.full(x)))
        active = t % 2
        lines.append(
            f"t = {t}: x = {show(x)}, gradients {show(gradients[0])} and {show(gradients[1])}, "
            f"‖∇F‖² = {squared[-1]}; task {active + 1} runs"
        )
        x = plus(x, times(-eta, gradients[active]))
    bound = 2 * slack / (c * root) * (1 + tau)
    legal = root * root == steps and 0 < c <= 1 / tasks.smoothness and 0 <= tau < 1
    return Replay(
        (
            f"L = {tasks.smoothness}, c = {c} ≤ 1/L, T = {steps}, η = {eta}, no noise (σ = 0); "
            f"F_0 - F* = {slack}",
            *lines,
            f"the two tasks conflict at every step: {conflicts}, so the classes are {{1}} and {{2}}"
            " whatever R is, and eq. 11 runs them in turn",
            f"eq. 13's right side: {bound}; its left side: {min(squared)}",
            "So the bound is exceeded.",
        ),
        legal and conflicts and min(squared) > bound,
    )


def _scaled_proof(_: CheckContext) -> Finding:
    import sympy

    a, b = sympy.symbols("a b")
    return WrittenProof(
        "with a class drawn uniformly and its gradient scaled by m, Theorem 8 holds with the "
        "variance of that estimator, without a factor that depends on τ",
        (
            Step(
                "E[m g_J] = Σ_r m G_r / m = ∇F; for two classes:",
                lambda: is_zero((2 * a + 2 * b) / 2 - (a + b)),
            ),
            Step(
                "Its variance with exact gradients is m Σ_r ‖G_r‖² - ‖∇F‖²; for two classes on "
                "the line that is (a - b)².",
                lambda: (
                    is_zero(
                        ((2 * a - a - b) ** 2 + (2 * b - a - b) ** 2) / 2
                        - (2 * (a**2 + b**2) - (a + b) ** 2)
                    )
                    and is_zero(2 * (a**2 + b**2) - (a + b) ** 2 - (a - b) ** 2)
                ),
            ),
            Step(
                "Where that and m² times the classes' own noise stay below σ̄² along the run, "
                "eq. 102 holds with σ̄² and Theorem 8 (CVG-T8) applies."
            ),
        ),
    ).finding()


def _scaled_exactly(_: CheckContext) -> Finding:
    """Every path of the draws, on two or three quadratics: mean, variance, and the bound of
    Theorem 8 with the largest variance along the paths."""

    def cases() -> Iterator[tuple[tuple[int, ...], tuple[Fraction, ...], Fraction, int]]:
        for centres in ((1, -1), (3, 0), (2, -1, -1)):
            for curvatures in product((Fraction(1), Fraction(1, 2)), repeat=len(centres)):
                for start in (Fraction(0), Fraction(-2)):
                    for steps in (1, 4):
                        yield centres, curvatures, start, steps

    def holds(case: tuple[tuple[int, ...], tuple[Fraction, ...], Fraction, int]) -> bool:
        centres, curvatures, start, steps = case
        m = len(centres)
        tasks = Tasks(tuple((h,) for h in curvatures), tuple((Fraction(c),) for c in centres))
        c, root = 1 / tasks.smoothness, {1: 1, 4: 2}[steps]
        eta = c / root
        squared = [Fraction(0)] * steps
        worst = Fraction(0)
        for draws in product(range(m), repeat=steps):
            x: Vector = (start,)
            for t, r in enumerate(draws):
                full = tasks.full(x)
                parts = [times(m, tasks.gradient(k, x)) for k in range(m)]
                if plus(*parts) != times(m, full):
                    return False
                variance = sum((dot(p, p) for p in parts), Fraction(0)) / m - dot(full, full)
                worst = max(worst, variance)
                squared[t] += dot(full, full) / Fraction(m**steps)
                x = plus(x, times(-eta, parts[r]))
        slack = tasks.loss((start,)) - tasks.least
        return min(squared) <= 2 * slack / (c * root) + c * tasks.smoothness * worst / root

    return for_every(
        cases(), holds, str, "two or three quadratics on the line, T = 1 and 4, every path"
    )


@replayer("cvg-half")
def _replay_half(data: Mapping[str, Any]) -> Replay:
    """Two compatible gradients that lose more than half of their squared lengths."""
    u, v = (tuple(rational(x) for x in row) for row in data["gradients"])
    tau = rational(data["tau"])
    joint, apart = dot(plus(u, v), plus(u, v)), dot(u, u) + dot(v, v)
    fits = not _conflict(u, v, tau) and 0 <= tau < 1
    return Replay(
        (
            f"gradients {show(u)} and {show(v)}, τ = {tau}: no conflict: {fits}",
            f"‖g_1 + g_2‖² = {joint} of ‖g_1‖² + ‖g_2‖² = {apart}",
            f"lost: {1 - joint / apart} of it, where eq. 13's factor 1 + τ is {1 + tau}",
            "So conflict inside a class can cancel more than half of the progress.",
        ),
        fits and joint < apart / 2,
    )


def _share_proof(_: CheckContext) -> Finding:
    import sympy

    a, b, tau = sympy.symbols("a b tau")
    return WrittenProof(
        "two compatible gradients lose at most the share τ of their squared lengths, attained",
        (
            Step("‖u + v‖² ≥ a² + b² - 2τab with a = ‖u‖, b = ‖v‖ (eq. 76)."),
            Step(
                "2ab ≤ a² + b², so the loss is at most τ(a² + b²).",
                lambda: is_zero(tau * (a**2 + b**2) - 2 * tau * a * b - tau * (a - b) ** 2),
            ),
            Step("Equality for a = b and cosine -τ. As τ → 1 everything can be lost, not half."),
        ),
    ).finding()


def _share_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        a, b, p, tau = z3.Reals("a b p tau")
        given = [a >= 0, b >= 0, tau >= 0, tau < 1, p >= -tau * a * b]
        return [
            smt.Obligation(
                "the loss of two gradients",
                given,
                a * a + b * b + 2 * p >= (1 - tau) * (a * a + b * b),
            )
        ]

    return smt.prove(build, "two compatible gradients keep the share 1 - τ")


def _share_exactly(_: CheckContext) -> Finding:
    points = [(Fraction(x), Fraction(y)) for x, y in product(range(-3, 4), repeat=2)]
    taus = (Fraction(0), Fraction(1, 5), Fraction(3, 5), Fraction(9, 10))

    def holds(case: tuple[Vector, Vector, Fraction]) -> bool:
        u, v, tau = case
        apart = dot(u, u) + dot(v, v)
        return _conflict(u, v, tau) or dot(plus(u, v), plus(u, v)) >= (1 - tau) * apart

    return for_every(
        product(points, points, taus), holds, str, "all pairs of 49 integer vectors, 4 values of τ"
    )


def _at_zero(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        gap, c, root, tau, rest = sympy.symbols("gap c root tau rest")
        thirteen = 2 * gap / (c * root) * (1 + tau) + rest
        classical = 2 * gap / (c * root) + rest
        return [
            ("τ = 0 gives eq. 103", thirteen.subs(tau, 0), classical),
            ("τ = 1 doubles the first term", thirteen.subs(tau, 1) - rest, 2 * (classical - rest)),
        ]

    return prove_identities(build, "eq. 13's right side at τ = 0 and τ = 1")


def _at_zero_exactly(_: CheckContext) -> Finding:
    taus = [Fraction(p, q) for q in range(1, 9) for p in range(q)]
    return for_every(
        taus,
        lambda tau: 1 <= 1 + tau < 2 and (tau > 0 or 1 + tau == 1),
        str,
        "every rational τ in [0, 1) with denominator up to 8",
    )


_52 = "5.2"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CVG-13",
        family="convergence",
        title="the usual rate with a factor of 1 + τ",
        statement=r"SON-GOKU achieves the usual nonconvex SGD rate, with a mild $(1+\tau)$ factor: "
        r"$\min_{t<T}\mathbb E\|\nabla F(\theta_t)\|^2\le\frac{2(F_0-F^*)}{c\sqrt T}(1+\tau)+"
        r"\frac{cL\sigma^2}{\sqrt T}$.",
        plain="For an L-smooth F, gradients of variance at most σ² around the tasks' own, η = c/√T "
        "with c ≤ 1/L, the scheduler's iterates satisfy eq. 13 with the full gradient of F.",
        source=Source("SON-GOKU", _52, ("13",)),
        assumptions=(
            STEP,
            _COMPATIBLE,
            Assumption("noise", "E‖g_k - ∇L_k‖² bounded; here none, σ = 0"),
        ),
        used_for="'scheduling does not degrade asymptotic progress'",
        checks=(Check("two opposed tasks in turn", Method.EXACT, lambda _: refuted_by("CVG-13")),),
        reading="'under standard smoothness and noise conditions (see Appendix I)', for the "
        "schedule of eq. 11, whose single steps are biased (I.2)",
        repaired_by="CVG-13-R",
        notes="Appendix F derives no factor 1 + τ, and F.1 says that the rate of the full gradient "
        "does not depend on τ. No proof of eq. 13 is given anywhere. With unbiased steps the "
        "classical bound holds as it is, and eq. 13 is weaker than it.",
    ),
    Claim(
        id="CVG-13-R",
        family="convergence",
        title="with sampled and scaled classes the classical rate holds, without τ",
        statement=r"If each step draws a class uniformly and uses $m\,g_J$, then $\mathbb E[m\,g_J]"
        r"=\nabla F$ and (103) holds with $\bar\sigma^2=\sup_t(m\sum_r\|G_r\|^2-\|\nabla F\|^2)$ "
        r"plus the scaled noise.",
        plain="With a uniformly drawn class, scaled by m, eq. 103 holds with the variance of that "
        "estimator along the run; no factor of τ.",
        source=Source("songoku", "repair of eq. 13 for the sampling of I.2.1 (i)", ("13", "110")),
        assumptions=(STEP, Assumption("bounded", "the estimator's variance stays below σ̄²")),
        used_for="a guarantee for SON-GOKU that has a proof",
        checks=(
            Check("mean and variance", Method.WRITTEN_PROOF, _scaled_proof),
            Check("every path of the draws", Method.EXACT, _scaled_exactly),
        ),
        repairs="CVG-13",
        notes="For the cycle itself see EXT-9.",
    ),
    Claim(
        id="CVG-13-ENDS",
        family="convergence",
        title="eq. 13 at τ = 0 and as τ → 1",
        statement=r"When $\tau=0$, the constant matches the classical bound; as $\tau\to1$, it at "
        r"most doubles.",
        plain="The right side of eq. 13 is the classical one at τ = 0; its first term at most "
        "doubles for τ < 1.",
        source=Source("SON-GOKU", _52, ("13",)),
        assumptions=(),
        used_for="the reading of eq. 13",
        checks=(
            Check("substitution", Method.SYMBOLIC, _at_zero),
            Check("rational τ", Method.EXACT, _at_zero_exactly),
        ),
        reading="about the expression only; whether it bounds anything is CVG-13",
    ),
    Claim(
        id="CVG-13-HALF",
        family="convergence",
        title="conflict can cancel up to half of the progress",
        statement=r"... matching the intuition that conflict can cancel up to half of the "
        r"progress.",
        plain="Two τ-compatible gradients, τ < 1, lose at most half of the sum of their squared "
        "lengths.",
        source=Source("SON-GOKU", _52, ("13",)),
        assumptions=(_COMPATIBLE,),
        used_for="the intuition behind the factor 1 + τ",
        checks=(Check("a wide angle", Method.EXACT, lambda _: refuted_by("CVG-13-HALF")),),
        reading="'progress' as in section 5.1: ‖Σ g‖² against Σ ‖g‖², for the smallest class in "
        "which anything can cancel",
        repaired_by="CVG-13-HALF-R",
    ),
    Claim(
        id="CVG-13-HALF-R",
        family="convergence",
        title="two compatible gradients lose at most the share τ",
        statement=r"$\|g_1+g_2\|^2\ge(1-\tau)(\|g_1\|^2+\|g_2\|^2)$, with equality for equal norms "
        r"and cosine $-\tau$.",
        plain="Two τ-compatible gradients lose at most the share τ of their squared lengths, and "
        "can lose that.",
        source=Source("songoku", "repair of section 5.2's intuition", ("12",)),
        assumptions=(_COMPATIBLE,),
        used_for="what τ costs inside a class of two",
        checks=(
            Check("one square", Method.WRITTEN_PROOF, _share_proof),
            Check("by z3", Method.SMT, _share_by_solver),
            Check("small integer gradients", Method.EXACT, _share_exactly),
        ),
        repairs="CVG-13-HALF",
    ),
)
