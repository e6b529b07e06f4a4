"""E.2 (ii): may ‖g_t‖² be replaced by its lower bound in an analysis of SGD?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.descent._objects import (
    NOT_ALL_ZERO,
    conflict_ratio,
    dot,
    read_vectors,
    show,
    squares,
    total,
    vectors_of,
)
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]


@replayer("des-replace")
def _replay_replace(data: Mapping[str, Any]) -> Replay:
    """Eq. 104 with ‖g‖² replaced by the right side of eq. 89, for F(x) = L ‖x‖²/2."""
    smooth, eta = rational(data["smoothness"]), rational(data["eta"])
    vectors = read_vectors(data["gradients"])
    joint = total(vectors)
    point = tuple(x / smooth for x in joint)  # where L x is the sum of the gradients

    def loss(x: Sequence[Fraction]) -> Fraction:
        return smooth * dot(x, x) / 2

    after = loss(tuple(x - eta * g for x, g in zip(point, joint, strict=True)))
    bound = (1 - conflict_ratio(vectors)) * squares(vectors)
    true = loss(point) - eta * dot(joint, joint) + smooth * eta**2 / 2 * dot(joint, joint)
    replaced = loss(point) - eta * dot(joint, joint) + smooth * eta**2 / 2 * bound
    return Replay(
        (
            f"F(x) = {smooth}‖x‖²/2, the tasks' gradients {show(vectors)} at x = {show([point])}; "
            f"η = {eta} ≤ 1/L",
            f"‖g‖² = {dot(joint, joint)}; eq. 89's right side: {bound}",
            f"F after the step: {after}; eq. 104 with ‖g‖²: at most {true}",
            f"eq. 104 with ‖g‖² replaced by eq. 89's right side: at most {replaced}",
            "So the inequality with the replacement is false.",
        ),
        eta * smooth <= 1 and after <= true and after > replaced,
    )


def _net_proof(_: CheckContext) -> Finding:
    import sympy

    eta, smooth, n = sympy.symbols("eta L n")
    return WrittenProof(
        "for η < 2/L and g = ∇F the descent inequality stays true with ‖g‖² replaced by any lower "
        "bound",
        (
            Step(
                "With g = ∇F the terms of eq. 104 join: -η‖g‖² + L η²‖g‖²/2 = -η(1 - Lη/2)‖g‖².",
                lambda: is_zero(
                    -eta * n + smooth * eta**2 * n / 2 + eta * (1 - smooth * eta / 2) * n
                ),
            ),
            Step("Its coefficient is negative for 0 < η < 2/L."),
            Step("So a smaller ‖g‖² gives a larger, still valid, upper bound on F(θ - ηg)."),
        ),
    ).finding()


def _net_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        eta, smooth, n, q, f, after = z3.Reals("eta L n q f after")
        given = [eta > 0, smooth > 0, eta * smooth < 2, n >= q, q >= 0]
        given.append(after <= f - eta * n + smooth * eta * eta * n / 2)
        return [
            smt.Obligation(
                "the net inequality with a lower bound q in place of ‖g‖²",
                given,
                after <= f - eta * (1 - smooth * eta / 2) * q,
            )
        ]

    return smt.prove(build, "a lower bound may stand in the net term")


def _net_exactly(_: CheckContext) -> Finding:
    entries = [Fraction(x) for x in (-2, -1, 0, 1, 3)]
    cases = [
        (g, h, smooth, share)
        for g, h in product(product(entries, repeat=2), repeat=2)
        for smooth in (Fraction(1, 2), Fraction(3))
        for share in (Fraction(1, 3), Fraction(1), Fraction(19, 10))
        if any(g) or any(h)
    ]

    def holds(case: tuple[Any, ...]) -> bool:
        g, h, smooth, share = case
        joint, eta = total((g, h)), share / smooth
        norm = dot(joint, joint)
        bound = (1 - conflict_ratio((g, h))) * squares((g, h))
        start = norm / (2 * smooth)  # F at x = joint / L
        after = start * (1 - share) ** 2
        return bool(after <= start - eta * (1 - smooth * eta / 2) * bound)

    return for_every(cases, holds, str, "two small integer gradients, F = L‖x‖²/2, η up to 1.9/L")


def _net_attack(context: CheckContext) -> Finding:
    def violates(point: Sequence[Fraction]) -> bool:
        share, *flat = point
        vectors = vectors_of(flat, 2)
        if not 0 < share < 2 or squares(vectors) == 0:
            return False
        joint = total(vectors)
        norm = dot(joint, joint)
        bound = (1 - conflict_ratio(vectors)) * squares(vectors)
        return norm / 2 * (1 - share) ** 2 > norm / 2 - share * (1 - share / 2) * bound

    return search_rationals(
        lambda rng: [float(rng.uniform(0, 2)), *map(float, rng.normal(size=6))],
        violates,
        context.seed,
        20_000 if context.profile == "full" else 400,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="DES-E2-REPLACE",
        family="descent",
        title="in analyses of smooth SGD, ‖g_t‖² may be replaced by its lower bound",
        statement=r"In analyses for smooth SGD, one may replace $\|g_t\|^2$ by the right-hand side "
        r"of either (89) (which is tighter) or (77) (worst-case), leading respectively to "
        r"constants involving $\tau_{\mathrm{eff}}(S_t)$ or $\tau(|S_t|-1)$.",
        plain="Replacing ‖g_t‖² by the right side of eq. 89 where it stands in the analysis of "
        "SGD, eq. 104 to 106, leaves a valid inequality.",
        source=Source("SON-GOKU", "App. E.2 (ii), with App. I.1", ("77", "89", "104", "105")),
        assumptions=(NOT_ALL_ZERO,),
        used_for="constants that involve τ or τ_eff: eq. 13's (1 + τ), appendix F",
        checks=(
            Check(
                "the quadratic term of eq. 104",
                Method.EXACT,
                lambda _: refuted_by("DES-E2-REPLACE"),
            ),
            Check(
                "in the net term of gradient descent",
                Method.WRITTEN_PROOF,
                _net_proof,
                under_condition=True,
            ),
            Check("the net term by z3", Method.SMT, _net_by_solver, under_condition=True),
        ),
        reading="the analysis is the paper's own (appendix I), where ‖g_t‖² stands with a plus "
        "sign in the quadratic term; a lower bound can't replace it there",
        condition="it stands in the net term -η(1 - Lη/2)‖g_t‖² with g_t = ∇F(θ_t), η < 2/L",
        repaired_by="DES-E2-REPLACE-R",
    ),
    Claim(
        id="DES-E2-REPLACE-R",
        family="descent",
        title="a lower bound may replace ‖g‖² in the net descent term",
        statement=r"If $F$ is $L$-smooth, $g=\nabla F(\theta)$, $0<\eta<2/L$ and $q\le\|g\|^2$, "
        r"then $F(\theta-\eta g)\le F(\theta)-\eta(1-\tfrac{L\eta}2)q$.",
        plain="With g = ∇F and 0 < η < 2/L, F(θ - ηg) ≤ F(θ) - η(1 - Lη/2) q for every q ≤ ‖g‖², "
        "such as the right sides of eq. 77 and 89.",
        source=Source("songoku", "repair of App. E.2 (ii)", ("77", "89")),
        assumptions=(),
        used_for="constants that involve τ_eff, for the class's own sum",
        checks=(
            Check("collecting terms", Method.WRITTEN_PROOF, _net_proof),
            Check("the net term by z3", Method.SMT, _net_by_solver),
            Check("two gradients in fractions", Method.EXACT, _net_exactly),
            Check("attack with random rationals", Method.SEARCH, _net_attack),
        ),
        repairs="DES-E2-REPLACE",
    ),
)
