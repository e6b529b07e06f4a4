"""Appendix I.2: is a scheduled step an unbiased estimate of the full gradient?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from proofs_check.claims.convergence._objects import (
    Vector,
    dot,
    plus,
    read_tasks,
    show,
    times,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "sampling_checks"]

_EXACT = Assumption("unbiased tasks", "E[g_k | θ] = ∇L_k(θ) for every task")
_PARTITION = Assumption("a partition", "every task is in exactly one of the m classes")


def _groups() -> Iterator[tuple[Vector, ...]]:
    points = [(Fraction(x), Fraction(y)) for x, y in product((-2, 0, 1), repeat=2)]
    for m in (2, 3):
        yield from product(points, repeat=m)


def _biased_proof(_: CheckContext) -> Finding:
    import sympy

    a, b = sympy.symbols("a b")
    return WrittenProof(
        "the active class's mean gradient differs from ∇F by the sum of the other classes'",
        (
            Step(
                "E[g_t | θ_t] = Σ_{k∈S_t} ∇L_k = G_r for the active class r (eq. 109's equality)."
            ),
            Step(
                "∇F - G_r = Σ_{p≠r} G_p; for two classes ∇F - G_1 = G_2.",
                lambda: is_zero((a + b) - a - b),
            ),
            Step("So the step is unbiased at θ_t exactly where the other classes' sum is zero."),
        ),
    ).finding()


def _biased_exactly(_: CheckContext) -> Finding:
    def holds(groups: tuple[Vector, ...]) -> bool:
        full = plus(*groups)
        for r, group in enumerate(groups):
            others = plus(*(g for p, g in enumerate(groups) if p != r))
            if (group == full) != (not any(others)):
                return False
        return True

    return for_every(
        _groups(), holds, str, "two or three classes, gradients from nine points of the plane"
    )


def sampling_checks(factor: int = 0) -> tuple[Check, ...]:
    """Return the checks that a uniform class, scaled by m + `factor`, has mean ∇F (factor 0)."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        a, b, c, eta = sympy.symbols("a b c eta")
        return WrittenProof(
            "E[m g_J] = ∇F, and η(m g_J) = (mη) g_J",
            (
                Step(
                    "J is uniform: E[m g_J] = Σ_r (1/m) m G_r = Σ_r G_r; for three classes:",
                    lambda: is_zero(((3 + factor) * (a + b + c)) / 3 - (a + b + c)),
                ),
                Step("Σ_r G_r = Σ_k ∇L_k = ∇F, because the classes partition the tasks."),
                Step(
                    "A step η with m g_J is the step mη with g_J: the same point.",
                    lambda: is_zero(eta * (3 * a) - (3 * eta) * a),
                ),
            ),
        ).finding()

    def exactly(_: CheckContext) -> Finding:
        def holds(groups: tuple[Vector, ...]) -> bool:
            m = len(groups)
            mean = times(Fraction(1, m), plus(*(times(m + factor, g) for g in groups)))
            return mean == plus(*groups)

        return for_every(_groups(), holds, str, "two or three classes, gradients from nine points")

    return (
        Check("the mean of a uniform draw", Method.WRITTEN_PROOF, proof),
        Check("small classes", Method.EXACT, exactly),
    )


@replayer("cvg-cycle-bias")
def _replay_cycle_bias(data: Mapping[str, Any]) -> Replay:
    """Implementation (ii): the mean of a step of the cycle is not the full gradient."""
    groups = [tuple(rational(x) for x in row) for row in data["class_gradients"]]
    full = plus(*groups)
    return Replay(
        (
            f"exact class gradients {', '.join(map(show, groups))}; ∇F = {show(full)}",
            *(
                f"step of class {r + 1}: E[g_t | θ_t] = {show(g)}, off by "
                f"{show(plus(full, times(-1, g)))}"
                for r, g in enumerate(groups)
            ),
            "So implementation (ii) does not meet E[g_t | θ_t] = ∇F(θ_t).",
        ),
        all(g != full for g in groups),
    )


@replayer("cvg-unbounded-variance")
def _replay_variance(data: Mapping[str, Any]) -> Replay:
    """Implementation (i) on quadratics: the variance of m g_J at points further and further out."""
    tasks = read_tasks(data)
    points = [tuple(rational(x) for x in row) for row in data["points"]]
    sigma = rational(data["sigma_squared"])
    m = len(tasks.centres)
    variances = []
    for x in points:
        full = tasks.full(x)
        parts = [times(m, tasks.gradient(k, x)) for k in range(m)]
        variances.append(sum((dot(p, p) for p in parts), Fraction(0)) / m - dot(full, full))
    return Replay(
        (
            f"exact gradients, one task a class; F has L = {tasks.smoothness}",
            *(
                f"x = {show(x)}: variance of m g_J is {v}"
                for x, v in zip(points, variances, strict=True)
            ),
            f"the last exceeds σ² = {sigma}; it grows with ‖x‖² without end",
            "So no constant σ² bounds it, and Theorem 8's eq. 102 is not met as it stands.",
        ),
        variances[-1] > sigma and variances == sorted(variances),
    )


def _variance_proof(_: CheckContext) -> Finding:
    import sympy

    a, b, s = sympy.symbols("a b s")
    return WrittenProof(
        "E‖m g_J - ∇F‖² = m Σ_r ‖G_r‖² - ‖∇F‖² + m Σ_r Var(g of class r)",
        (
            Step(
                "E‖m g_J‖² = (1/m) Σ_r m² E‖g_r‖² = m Σ_r (‖G_r‖² + Var_r); two classes with "
                "G = a, b and a common noise s:",
                lambda: is_zero((4 * (a**2 + s) + 4 * (b**2 + s)) / 2 - 2 * (a**2 + b**2 + 2 * s)),
            ),
            Step("Minus ‖E[m g_J]‖² = ‖∇F‖²."),
            Step(
                "It is bounded along a run where the G_r and the Var_r are; then Theorem 8 holds "
                "with that bound as σ² (CVG-13-R)."
            ),
        ),
    ).finding()


def _variance_exactly(_: CheckContext) -> Finding:
    def holds(groups: tuple[Vector, ...]) -> bool:
        m, full = len(groups), plus(*groups)
        direct = (
            sum(
                (
                    dot(plus(times(m, g), times(-1, full)), plus(times(m, g), times(-1, full)))
                    for g in groups
                ),
                Fraction(0),
            )
            / m
        )
        formula = m * sum((dot(g, g) for g in groups), Fraction(0)) - dot(full, full)
        return direct == formula

    return for_every(_groups(), holds, str, "two or three classes, gradients from nine points")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CVG-109",
        family="convergence",
        title="a step of the cycle is biased for the full gradient",
        statement=r"Under a deterministic (cyclic) activation order, the update generally "
        r"satisfies "
        r"$\mathbb E[g_t\mid\theta_t]=\sum_{k\in S_t}\nabla\mathcal L_k\ne\sum_{k=1}^K\nabla"
        r"\mathcal L_k$, so it is biased for the full gradient.",
        plain="The mean of a step is the active class's gradient; it equals ∇F exactly where the "
        "other classes' gradients sum to zero.",
        source=Source("SON-GOKU", "App. I.2; I.2.1 (ii), first sentence", ("109",)),
        assumptions=(_EXACT, _PARTITION),
        used_for="why Theorems 7 and 8 do not apply to eq. 11",
        checks=(
            Check("the difference", Method.WRITTEN_PROOF, _biased_proof),
            Check("small classes", Method.EXACT, _biased_exactly),
        ),
        reading="'generally': except where the other classes cancel",
    ),
    Claim(
        id="CVG-I21",
        family="convergence",
        title="either implementation meets the unbiasedness assumption",
        statement=r"The analysis in Theorem 8 assumes an unbiased stochastic gradient, $\mathbb E"
        r"[g_t\mid\theta_t]=\nabla F(\theta_t)$. This assumption is met under either of the "
        r"following implementations [(i) sampling, (ii) the cycle].",
        plain="Both the sampled and scaled classes of (i) and the cycle of (ii) give E[g_t | "
        "θ_t] = "
        "∇F(θ_t).",
        source=Source("SON-GOKU", "App. I.2.1", ("110",)),
        assumptions=(_EXACT, _PARTITION),
        used_for="'either implementation delivers an O(1/√T) convergence guarantee'",
        checks=(Check("two classes", Method.EXACT, lambda _: refuted_by("CVG-I21")),),
        repaired_by="CVG-I21-i",
        notes="The paragraph of (ii) itself says that it is generally not met.",
    ),
    Claim(
        id="CVG-I21-i",
        family="convergence",
        title="a uniformly drawn class, scaled by m, is unbiased",
        statement=r"With $J_t\sim\mathrm{Unif}\{1..m\}$ and $\tilde g_t=m\sum_{k\in C_{J_t}}g_{k,t}"
        r"$, $\mathbb E[\tilde g_t\mid\theta_t]=\nabla F(\theta_t)$; equivalently one may keep $g_t"
        r"$ and use the step size $m\eta$.",
        plain="A uniformly drawn class scaled by m has mean ∇F; a step η with it is a step mη with "
        "the class's own sum.",
        source=Source("SON-GOKU", "App. I.2.1 (i)", ("110",)),
        assumptions=(_EXACT, _PARTITION),
        used_for="Theorem 8 for sampled classes",
        checks=sampling_checks(),
        repairs="CVG-I21",
        notes="The condition c ≤ 1/L is about η, not about the effective step mη. Tasks duplicated "
        "for minimum coverage break the partition, and with it the mean.",
    ),
    Claim(
        id="CVG-I21-i-VAR",
        family="convergence",
        title="Theorem 8 applies to sampled and scaled classes",
        statement=r"... so Theorem 8 applies (with the variance bound adjusted for the scaled "
        r"estimator).",
        plain="For every L-smooth F, m g_J satisfies eq. 102 with some constant σ².",
        source=Source("SON-GOKU", "App. I.2.1 (i)", ("102", "110")),
        assumptions=(_EXACT, _PARTITION),
        used_for="the O(1/√T) guarantee of (i)",
        checks=(
            Check("two parabolas", Method.EXACT, lambda _: refuted_by("CVG-I21-i-VAR")),
            Check(
                "the variance in closed form",
                Method.WRITTEN_PROOF,
                _variance_proof,
                under_condition=True,
            ),
            Check("small classes", Method.EXACT, _variance_exactly, under_condition=True),
        ),
        condition="the classes' gradients stay bounded along the run",
        repaired_by="CVG-I21-i-VAR-R",
    ),
    Claim(
        id="CVG-I21-i-VAR-R",
        family="convergence",
        title="the variance of the scaled estimator",
        statement=r"$\mathbb E\|m\,g_J-\nabla F\|^2=m\sum_r\|G_r\|^2-\|\nabla F\|^2+m\sum_r"
        r"\mathrm{Var}_r$; where this stays below $\bar\sigma^2$, (103) holds with $\bar\sigma^2$.",
        plain="The variance of m g_J is m Σ ‖G_r‖² - ‖∇F‖² plus m times the classes' own "
        "variances; where that is bounded by σ̄², Theorem 8 holds with σ̄².",
        source=Source("songoku", "repair of App. I.2.1 (i)", ("102", "110")),
        assumptions=(_EXACT, _PARTITION),
        used_for="what 'adjusted' has to mean",
        checks=(
            Check("second moments", Method.WRITTEN_PROOF, _variance_proof),
            Check("small classes", Method.EXACT, _variance_exactly),
        ),
        repairs="CVG-I21-i-VAR",
        notes="It does not vanish at a stationary point of F unless every class's gradient does: "
        "conflict between classes is noise for this estimator.",
    ),
)
