"""Cycles over a fixed partition: what I.2.1 (ii) calls standard, and EXT-9's bound with a proof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from proofs_check.claims.convergence._objects import (
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
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "cycle_checks"]

_EXACT = Assumption("exact gradients", "each step uses its class's own gradient, without noise")
_FIXED = Assumption("a fixed partition", "the m classes stay the same over the T steps, m | T")
_BOUNDED = Assumption("bounded classes", "‖G_r‖ ≤ B on the run, each G_r is L_r-Lipschitz")
_STEP = Assumption("step size", "0 < η ≤ 1/L")


def _run(
    tasks: Tasks, start: Vector, eta: Fraction, cycles: int
) -> tuple[list[Vector], list[Fraction]]:
    """Run the cycle (one task a class); return the cycles' starts and every squared class step."""
    x, starts, sizes = start, [], []
    for _ in range(cycles):
        starts.append(x)
        for k in range(len(tasks.centres)):
            g = tasks.gradient(k, x)
            sizes.append(dot(g, g))
            x = plus(x, times(-eta, g))
    return starts, sizes


def _holds(tasks: Tasks, start: Vector, share: Fraction, cycles: int, drift: Fraction) -> bool:
    """EXT-9's bound with its second term scaled by `drift`, on the line, where B is rational."""
    m = len(tasks.centres)
    eta = share / tasks.smoothness
    starts, sizes = _run(tasks, start, eta, cycles)
    lipschitz = [abs(h[0]) for h in tasks.curvatures]
    total = sum((r * lip for r, lip in enumerate(lipschitz)), Fraction(0))
    mean = sum((dot(tasks.full(x), tasks.full(x)) for x in starts), Fraction(0)) / cycles
    slack = tasks.loss(start) - tasks.least
    bound = 2 * m * slack / (eta * m * cycles) + drift * eta**2 * max(sizes) * total**2
    return mean <= bound


def cycle_checks(drift: Fraction = Fraction(1)) -> tuple[Check, ...]:
    """Return the checks of EXT-9 with its second term scaled by `drift` (1 as stated)."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        eta, n, p, e, m, count, gap = sympy.symbols("eta n p e m T gap")
        scale = sympy.Rational(drift.numerator, drift.denominator)
        return WrittenProof(
            "the mean of ‖∇F‖² over the cycles' starts is at most 2m(F_0 - F*)/(ηT) + η²B²Λ²",
            (
                Step(
                    "A cycle from x ends at x - ηv with v = ∇F(x) + e, e = Σ_r (G_r(x_{r-1}) - "
                    "G_r(x))."
                ),
                Step(
                    "‖x_{r-1} - x‖ ≤ η(r-1)B, so ‖e‖ ≤ Σ_r L_r η(r-1)B = ηBΛ with Λ = Σ_r (r-1)L_r."
                ),
                Step("Smoothness with Lη ≤ 1: F(x - ηv) ≤ F(x) - η⟨∇F, v⟩ + (η/2)‖v‖²."),
                Step(
                    "With v = ∇F + e that is F(x) - (η/2)‖∇F‖² + (η/2)‖e‖² (p = ⟨∇F, e⟩).",
                    lambda: is_zero(
                        -eta * (n + p) + eta / 2 * (n + 2 * p + e) + eta / 2 * n - eta / 2 * e
                    ),
                ),
                Step(
                    "Summed over the T/m cycles: the mean of ‖∇F‖² is at most 2(F_0 - F*)/(ηT/m) + "
                    "max ‖e‖².",
                    lambda: (
                        is_zero(2 * gap / (eta * count / m) - 2 * m * gap / (eta * count))
                        and is_zero(scale - 1)
                    ),
                ),
            ),
        ).finding()

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            eta, smooth, n, p, e, f, after = z3.Reals("eta L n p e f after")
            given = [eta > 0, smooth > 0, eta * smooth <= 1, n >= 0, e >= 0, p * p <= n * e]
            given.append(after <= f - eta * (n + p) + eta * eta * smooth / 2 * (n + 2 * p + e))
            given.append(n + 2 * p + e >= 0)
            return [smt.Obligation("one cycle", given, after <= f - eta / 2 * n + eta / 2 * e)]

        return smt.prove(build, "a cycle loses at least (η/2)(‖∇F‖² - ‖e‖²)")

    def exactly(_: CheckContext) -> Finding:
        def cases() -> Iterator[tuple[tuple[int, ...], tuple[int, ...], Fraction, int]]:
            for m in (2, 3):
                for curvatures in product((1, 4, -1), repeat=m):
                    if sum(curvatures) <= 0:
                        continue
                    for centres in product((-1, 2), repeat=m):
                        for share in (Fraction(1, 3), Fraction(1)):
                            for cycles in (1, 3):
                                yield curvatures, centres, share, cycles

        def holds(case: tuple[tuple[int, ...], tuple[int, ...], Fraction, int]) -> bool:
            curvatures, centres, share, cycles = case
            tasks = Tasks(
                tuple((Fraction(h),) for h in curvatures), tuple((Fraction(c),) for c in centres)
            )
            return _holds(tasks, (Fraction(1),), share, cycles, drift)

        return for_every(
            cases(),
            holds,
            str,
            "two or three quadratics on the line, also concave ones, one and three cycles",
        )

    def attack(context: CheckContext) -> Finding:
        def violates(point: Sequence[Fraction]) -> bool:
            share, x, h1, c1, h2, c2 = point
            if not 0 < share <= 1 or h1 + h2 <= 0:
                return False
            tasks = Tasks(((h1,), (h2,)), ((c1,), (c2,)))
            return any(not _holds(tasks, (x,), share, n, drift) for n in (1, 2, 6))

        def draw(rng: np.random.Generator) -> list[float]:
            return [float(rng.uniform(0, 1)), *map(float, rng.normal(size=5) * 2)]

        return search_rationals(
            draw, violates, context.seed, 10_000 if context.profile == "full" else 400
        )

    return (
        Check("a cycle as a perturbed gradient step", Method.WRITTEN_PROOF, proof),
        Check("one cycle by z3", Method.SMT, solver),
        Check("small quadratics", Method.EXACT, exactly),
        Check("attack with random quadratics", Method.SEARCH, attack),
    )


@replayer("cvg-cycle-constants")
def _replay_constants(data: Mapping[str, Any]) -> Replay:
    """Two tasks whose sum is a mild parabola while each is steep: a legal step size diverges."""
    tasks, c = read_tasks(data), rational(data["c"])
    steps, root = int(data["steps"]), int(data["root"])
    factor = rational(data["claimed_constant"])
    x: Vector = tuple(rational(v) for v in data["start"])
    eta, m = c / root, len(tasks.centres)
    slack = tasks.loss(x) - tasks.least
    total = Fraction(0)
    for t in range(steps):
        total += dot(tasks.full(x), tasks.full(x))
        x = plus(x, times(-eta, tasks.gradient(t % m, x)))
    mean = total / steps
    bound = factor * 2 * slack / (c * root)
    return Replay(
        (
            f"curvatures {', '.join(show(h) for h in tasks.curvatures)}; F has L = "
            f"{tasks.smoothness}; exact gradients, one task a class, m = {m}",
            f"T = {steps}, c = {c} ≤ 1/L, η = {eta}; F_0 - F* = {slack}",
            f"mean of ‖∇F‖² over the run ≈ {float(mean):.4g}",
            f"{factor} times the classical 2(F_0 - F*)/(c√T): ≈ {float(bound):.4g}",
            "So constants that depend on m, L and F_0 - F* alone can't do.",
        ),
        root * root == steps and 0 < c <= 1 / tasks.smoothness and mean > bound,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CVG-I21-ii",
        family="convergence",
        title="the cycle converges at O(1/√T) under usual step sizes",
        statement=r"Nonetheless, standard analyses of nonconvex smooth cyclic block updates yield "
        r"an $O(1/\sqrt T)$ decay of the average gradient norm under usual step-size conditions, "
        r"with constants depending on the number of blocks. Either implementation delivers an "
        r"$O(1/\sqrt T)$ convergence guarantee.",
        plain="For exact gradients, a fixed partition into m classes and η = c/√T with c ≤ "
        "1/L, the "
        "mean of ‖∇F‖² is at most C(m) times the classical 2(F_0 - F*)/(c√T).",
        source=Source("SON-GOKU", "App. I.2.1 (ii)", ("109",)),
        assumptions=(_EXACT, _FIXED),
        used_for="the rate of the scheduler as it runs",
        checks=(
            Check("a steep pair with a mild sum", Method.EXACT, lambda _: refuted_by("CVG-I21-ii")),
            Check(
                "a cycle as a perturbed gradient step",
                Method.WRITTEN_PROOF,
                cycle_checks()[0].run,
                under_condition=True,
            ),
            Check("small quadratics", Method.EXACT, cycle_checks()[2].run, under_condition=True),
        ),
        reading="'usual step-size conditions' is c ≤ 1/L as in Theorem 8, constants depend on the "
        "number of blocks and on what that theorem names; no analysis is cited",
        condition="the constants may depend on bounds B and L_r of the classes' gradients",
        repaired_by="EXT-9",
        notes="The tasks of a conflict graph's classes share parameters; analyses of block "
        "coordinate descent, where blocks are disjoint, do not cover them.",
    ),
    Claim(
        id="EXT-9",
        family="convergence",
        title="cycles converge up to what a class changes for the next",
        statement=r"Exact gradients, fixed partition, $\eta\le1/L$, $\|G_r\|\le B$, $\Lambda=\sum_r"
        r"(r-1)L_r$: the average over cycle starts of $\|\nabla F\|^2$ is at most $2m(F_0-F^*)/"
        r"(\eta T)+\eta^2B^2\Lambda^2$.",
        plain="With exact gradients, a fixed partition, η ≤ 1/L, ‖G_r‖ ≤ B and Λ = Σ (r-1)L_r, the "
        "mean over the cycles' starts of ‖∇F‖² is at most 2m(F_0 - F*)/(ηT) + η²B²Λ².",
        source=Source("songoku", "results beyond the paper, 9; on App. I.2.1 (ii)"),
        assumptions=(_EXACT, _FIXED, _BOUNDED, _STEP),
        used_for="a rate for the cycle itself: with η = c/√T it is O(1/√T)",
        checks=cycle_checks(),
        repairs="CVG-I21-ii",
    ),
)
