"""Eq. 95 to 98: the energy of the scheduled gradients, and a product of averages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.convergence._objects import (
    SMOOTH,
    STEP,
    UNBIASED,
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
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]


def _energy(vectors: Sequence[Vector]) -> Fraction:
    return sum((dot(v, v) for v in vectors), Fraction(0))


def _ratio(vectors: Sequence[Vector]) -> Fraction:
    """tau_eff of eq. 93."""
    negative = sum((max(-dot(u, v), Fraction(0)) for u, v in combinations(vectors, 2)), Fraction(0))
    return 2 * negative / _energy(vectors)


def _compatible(vectors: Sequence[Vector], tau: Fraction) -> bool:
    return all(
        (p := dot(u, v)) >= 0 or p * p <= tau * tau * dot(u, u) * dot(v, v)
        for u, v in combinations(vectors, 2)
    )


def _mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def _sizes(sets: Sequence[Sequence[Vector]]) -> tuple[Fraction, Fraction, Fraction]:
    """Mean energy, Γ_T, mean squared step of a run given by its active gradients."""
    return (
        _mean([_energy(s) for s in sets]),
        _mean([1 / (1 - _ratio(s)) for s in sets]),
        _mean([dot(plus(*s), plus(*s)) for s in sets]),
    )


@replayer("cvg-product")
def _replay_product(data: Mapping[str, Any]) -> Replay:
    """Two steps of a schedule on linear losses: a class that mostly cancels, then a small task."""
    gradients = [tuple(rational(x) for x in row) for row in data["gradients"]]
    tau = rational(data["tau"])
    classes = [[int(k) for k in members] for members in data["classes"]]
    edges = [
        (i + 1, j + 1)
        for i, j in combinations(range(len(gradients)), 2)
        if not _compatible([gradients[i], gradients[j]], tau)
    ]
    active = [[gradients[k] for k in members] for members in classes]
    proper = all(_compatible(s, tau) for s in active) and bool(edges)
    energy, gamma, squared = _sizes(active)
    ratios = [_ratio(s) for s in active]
    return Replay(
        (
            f"linear losses with gradients {', '.join(map(show, gradients))}, τ = {tau}; conflicts "
            f"{edges}; classes {[[k + 1 for k in c] for c in classes]}",
            f"T = {len(active)} steps, one of each class: τ_eff = {', '.join(map(str, ratios))}",
            f"mean of Σ ‖g_k‖²: {energy}; Γ_T = {gamma}; mean of ‖g_t‖²: {squared}",
            f"eq. 95's right side Γ_T times that: {gamma * squared}",
            "So the mean of products exceeds the product of the means.",
        ),
        proper and all(r < 1 for r in ratios) and energy > gamma * squared,
    )


@replayer("cvg-energy")
def _replay_energy(data: Mapping[str, Any]) -> Replay:
    """Eq. 97 with every hypothesis met: one class, exact gradients, unbiased, η = c/√T."""
    tasks, tau = read_tasks(data), rational(data["tau"])
    c, steps, root = rational(data["c"]), int(data["steps"]), int(data["root"])
    eta = c / root
    x: Vector = tuple(rational(value) for value in data["start"])
    slack = tasks.loss(x) - tasks.least
    sets, compatible = [], True
    for _ in range(steps):
        active = [tasks.gradient(k, x) for k in range(len(tasks.centres))]
        compatible = compatible and _compatible(active, tau)
        sets.append(active)
        x = plus(x, times(-eta, tasks.full(x)))
    energy, gamma, _squared = _sizes(sets)
    bound = gamma * 2 * slack / (eta * steps)
    legal = root * root == steps and 0 < c <= 1 / tasks.smoothness and 0 <= tau < 1
    return Replay(
        (
            f"two tasks with curvatures {show(tasks.curvatures[0])} and "
            f"{show(tasks.curvatures[1])}; F has L = {tasks.smoothness}; start "
            f"{', '.join(map(str, data['start']))}",
            f"T = {steps}, c = {c} ≤ 1/L, η = {eta}; exact gradients of all tasks: unbiased, σ "
            f"= 0; "
            f"S_t is τ-compatible at every step for τ = {tau}: {compatible}",
            f"F_0 - F* = {slack}; Γ_T ≈ {float(gamma):.4f}",
            f"mean of Σ ‖g_k‖² ≈ {float(energy):.4f}; eq. 97's right side ≈ {float(bound):.4f} "
            f"(both "
            f"compared exactly)",
            "So eq. 97 is violated with all of its hypotheses met.",
        ),
        legal and compatible and energy > bound,
    )


def _sup_proof(_: CheckContext) -> Finding:
    import sympy

    rho, e = sympy.symbols("rho e")
    return WrittenProof(
        "if τ_eff(S_t) ≤ ρ < 1 at every step, eq. 95, 97 and 98 hold with 1/(1 - ρ) in place "
        "of Γ_T",
        (
            Step("At every step ‖g_t‖² ≥ (1 - τ_eff(S_t)) Σ ‖g_k‖² ≥ (1 - ρ) Σ ‖g_k‖² (eq. 94)."),
            Step(
                "So Σ ‖g_k‖² ≤ ‖g_t‖²/(1 - ρ), step by step; then the mean of both sides.",
                lambda: is_zero((1 - rho) * e / (1 - rho) - e),
            ),
            Step("E‖g_t‖² ≤ E‖∇F(θ_t)‖² + σ² (eq. 106), and eq. 96 bounds the mean of the first."),
            Step("Under τ(|S_t| - 1) ≤ ρ, τ_eff(S_t) ≤ ρ (DES-P7-BELOW): eq. 98."),
        ),
    ).finding()


def _sup_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        e1, e2, n1, n2, rho = z3.Reals("e1 e2 n1 n2 rho")
        given = [rho >= 0, rho < 1, e1 >= 0, e2 >= 0]
        given += [n1 >= (1 - rho) * e1, n2 >= (1 - rho) * e2]
        return [smt.Obligation("two steps", given, (1 - rho) * (e1 + e2) / 2 <= (n1 + n2) / 2)]

    return smt.prove(build, "the mean energy is at most the mean squared step over 1 - ρ", "up_to")


def _sup_exactly(_: CheckContext) -> Finding:
    points = [tuple(Fraction(x) for x in v) for v in ((1, 0), (0, 2), (-1, 2), (-2, 1), (3, -1))]
    sets = [list(s) for size in (1, 2) for s in combinations(points, size)]
    sets = [s for s in sets if _ratio(s) < 1]

    def cases() -> Iterator[tuple[list[Vector], list[Vector]]]:
        return ((a, b) for a, b in product(sets, repeat=2))

    def holds(case: tuple[list[Vector], list[Vector]]) -> bool:
        rho = max(_ratio(s) for s in case)
        energy, _gamma, squared = _sizes(case)
        return energy <= squared / (1 - rho)

    return for_every(cases(), holds, str, "two steps, each with one or two of five small gradients")


def _unscheduled_exactly(_: CheckContext) -> Finding:
    """Eq. 98 on real runs: all tasks active, exact gradients, two quadratics in the plane."""

    def cases() -> Iterator[tuple[int, int, Fraction, int]]:
        for k in (1, 2, 5):
            for y in (1, 4):
                for lam in (Fraction(1, 2), Fraction(1)):
                    for steps in (1, 4, 9):
                        yield k, y, lam, steps

    def holds(case: tuple[int, int, Fraction, int]) -> bool:
        from proofs_check.claims.convergence._objects import Tasks

        k, y, lam, steps = case
        zero = Fraction(0)
        tasks = Tasks(((Fraction(k + 1), lam), (Fraction(-k), zero)), ((zero, zero), (zero, zero)))
        root = {1: 1, 4: 2, 9: 3}[steps]
        eta = 1 / tasks.smoothness / root
        x: Vector = (Fraction(1), Fraction(y))
        slack, sets = tasks.loss(x) - tasks.least, []
        for _ in range(steps):
            sets.append([tasks.gradient(0, x), tasks.gradient(1, x)])
            x = plus(x, times(-eta, tasks.full(x)))
        rho = max(_ratio(s) for s in sets)
        if rho >= 1:
            return True
        return _sizes(sets)[0] <= 2 * slack / (eta * steps) / (1 - rho)

    return for_every(cases(), holds, str, "two quadratics in the plane, T up to 9, c = 1/L")


_RATIO = Assumption("τ_eff(S_t) < 1", "at every step, so that 1/(1 - τ_eff) exists and is positive")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CVG-95",
        family="convergence",
        title="mean energy against Γ_T times the mean squared step",
        statement=r"Consequently $\frac1T\sum_t\mathbb E[\sum_{k\in S_t}\|g_{k,t}\|^2]\le\Gamma_T"
        r"\cdot\frac1T\sum_t\mathbb E[\|g_t\|^2]$, $\Gamma_T=\frac1T\sum_t\mathbb E[\frac1{1-"
        r"\tau_{\mathrm{eff}}(S_t)}]$.",
        plain="The mean of Σ ‖g_k‖² over the steps is at most the mean of 1/(1 - τ_eff(S_t)) times "
        "the mean of ‖g_t‖².",
        source=Source("SON-GOKU", "App. F", ("93", "94", "95")),
        assumptions=(_RATIO,),
        used_for="eq. 97; F.1's 'smaller Γ_T'",
        checks=(Check("two steps of a schedule", Method.EXACT, lambda _: refuted_by("CVG-95")),),
        repaired_by="CVG-95-R",
        notes="Eq. 94 bounds each step's energy by its own ratio times its own squared step; the "
        "mean of such products is not the product of their means.",
    ),
    Claim(
        id="CVG-95-R",
        family="convergence",
        title="with a uniform bound on τ_eff the energy bounds hold",
        statement=r"If $\tau_{\mathrm{eff}}(S_t)\le\rho<1$ for all $t$, (95) and (97) hold with "
        r"$\frac1{1-\rho}$ in place of $\Gamma_T$.",
        plain="If τ_eff(S_t) ≤ ρ < 1 at every step, the mean energy is at most the mean squared "
        "step divided by 1 - ρ, and eq. 97 holds with 1/(1 - ρ).",
        source=Source("songoku", "repair of App. F", ("95", "97", "98")),
        assumptions=(_RATIO,),
        used_for="eq. 98",
        checks=(
            Check("step by step", Method.WRITTEN_PROOF, _sup_proof),
            Check("two steps by z3", Method.SMT, _sup_by_solver),
            Check("two steps in fractions", Method.EXACT, _sup_exactly),
        ),
        repairs="CVG-95",
    ),
    Claim(
        id="CVG-97",
        family="convergence",
        title="the data-driven control of the energy",
        statement=r"$\frac1T\sum_t\mathbb E[\sum_{k\in S_t}\|g_{k,t}\|^2]\le\Gamma_T\left(\frac{2"
        r"(F_0-F^*)}{\eta T}+L\eta\sigma^2+\sigma^2\right)$.",
        plain="Under Theorem 7's hypotheses the mean of Σ ‖g_k‖² is at most Γ_T (2(F_0 - "
        "F*)/(ηT) + "
        "Lησ² + σ²).",
        source=Source("SON-GOKU", "App. F", ("96", "97")),
        assumptions=(SMOOTH, UNBIASED, STEP, _RATIO),
        used_for="'a tighter bound' from less conflict (F.1)",
        checks=(Check("all hypotheses met", Method.EXACT, lambda _: refuted_by("CVG-97")),),
        reading="as a statement of its own, since its derivation goes through eq. 95",
        repaired_by="CVG-95-R",
    ),
    Claim(
        id="CVG-98",
        family="convergence",
        title="the energy bound with a uniform constant",
        statement=r"If $\tau(s_t-1)\le\rho<1$ uniformly, $\frac1T\sum_t\mathbb E[\sum_{k\in S_t}"
        r"\|g_{k,t}\|^2]\le\frac1{1-\rho}\left(\frac{2(F_0-F^*)}{c\sqrt T}+\frac{cL\sigma^2}"
        r"{\sqrt T}+\sigma^2\right)$.",
        plain="Under Theorem 7's hypotheses and τ(|S_t| - 1) ≤ ρ < 1, the mean of Σ ‖g_k‖² is at "
        "most (2(F_0 - F*)/(c√T) + cLσ²/√T + σ²)/(1 - ρ).",
        source=Source("SON-GOKU", "App. F", ("98",)),
        assumptions=(SMOOTH, UNBIASED, STEP, _RATIO),
        used_for="the energy of scheduled gradients",
        checks=(
            Check("step by step", Method.WRITTEN_PROOF, _sup_proof),
            Check("two steps by z3", Method.SMT, _sup_by_solver),
            Check("runs in fractions", Method.EXACT, _unscheduled_exactly),
        ),
        notes="True although it is derived from eq. 97, which is not: a uniform bound may be taken "
        "out of the mean. Its σ² does not vanish, so the energy need not either.",
    ),
)
