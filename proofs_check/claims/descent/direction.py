"""A descent direction for what? The class's own sum, the full objective, each member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.descent._objects import (
    COMPATIBLE,
    TAUS,
    Vector,
    compatible,
    dot,
    draw_vectors,
    integer_sets,
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
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS"]

_EXACT = Assumption("exact gradients", "g_k is the gradient of task k's own loss, without noise")
_SMALL = Assumption("1 - τ(|S| - 1) > 0", "the class is small enough for eq. 12 to say something")
_NONZERO = Assumption("not all zero", "some g_k of the class is not zero")


# --- the class's own objective -------------------------------------------------------------


@replayer("des-cancel")
def _replay_cancel(data: Mapping[str, Any]) -> Replay:
    """A compatible class whose gradients cancel: its step goes nowhere."""
    vectors, tau = read_vectors(data["gradients"]), rational(data["tau"])
    joint, fits = total(vectors), compatible(vectors, tau)
    return Replay(
        (
            f"gradients {show(vectors)}, τ = {tau}: τ-compatible: {fits}",
            f"sum {show([joint])}, squared length {dot(joint, joint)}, of {squares(vectors)} in "
            f"single steps",
            f"eq. 12's factor 1 - τ(|S| - 1) = {1 - tau * (len(vectors) - 1)}",
            "So the combined update of a τ-compatible set is zero: no descent direction for "
            "anything.",
        ),
        fits and 0 <= tau < 1 and squares(vectors) > 0 and not any(joint),
    )


def _own_descent_proof(_: CheckContext) -> Finding:
    import sympy

    n, c = sympy.symbols("n c")
    return WrittenProof(
        "with exact gradients, not all zero, and τ(|S| - 1) < 1 the class's step descends on the "
        "sum of its own losses",
        (
            Step("The gradient of F_S = Σ_{k∈S} L_k is Σ_{k∈S} g_k: the very direction taken."),
            Step("So the slope of F_S along minus the step is -‖Σ g_k‖²."),
            Step(
                "By eq. 12 that is at most -(1 - τ(|S| - 1)) Σ ‖g_k‖² < 0.",
                lambda: is_zero(-(c * n) + c * n),
            ),
        ),
    ).finding()


def _own_descent_exactly(_: CheckContext) -> Finding:
    def cases() -> Iterator[tuple[tuple[Vector, ...], Fraction]]:
        for size, dim, most in ((2, 2, 2), (3, 2, 1), (3, 1, 3), (4, 1, 2)):
            for vectors in integer_sets(size, dim, most):
                for tau in TAUS:
                    if tau * (size - 1) < 1 and compatible(vectors, tau):
                        yield vectors, tau

    return for_every(
        cases(),
        lambda case: dot(total(case[0]), total(case[0])) > 0,
        lambda case: f"g = {case[0]}, τ = {case[1]}",
        "all compatible multisets of small integer vectors with τ(|S| - 1) < 1",
    )


def _own_descent_attack(context: CheckContext) -> Finding:
    def violates(point: Sequence[Fraction]) -> bool:
        tau, vectors = point[0], vectors_of(point[1:], 2)
        return (
            0 <= tau < 1
            and tau * (len(vectors) - 1) < 1
            and squares(vectors) > 0
            and compatible(vectors, tau)
            and not any(total(vectors))
        )

    return search_rationals(
        lambda rng: [float(rng.uniform(0, 1)), *draw_vectors(rng, int(rng.integers(2, 5)), 2)],
        violates,
        context.seed,
        20_000 if context.profile == "full" else 400,
    )


@replayer("des-step-size")
def _replay_step_size(data: Mapping[str, Any]) -> Replay:
    """One task, f(x) = L x²/2, and a step that is too long."""
    smooth, eta, x = (rational(data[name]) for name in ("smoothness", "eta", "x"))

    def loss(point: Fraction) -> Fraction:
        return smooth * point * point / 2

    after = x - eta * smooth * x
    return Replay(
        (
            f"one task, f(x) = {smooth}x²/2 at x = {x}; τ(|S| - 1) = 0 < 1 for every τ",
            f"gradient {smooth * x}; step η = {eta}: x becomes {after}",
            f"f: {loss(x)} before, {loss(after)} after",
            f"η = {eta} is above 2/L = {2 / smooth}. So the step did flip to ascent.",
        ),
        loss(after) > loss(x),
    )


def _step_size_proof(_: CheckContext) -> Finding:
    import sympy

    eta, smooth, n = sympy.symbols("eta L n")
    return WrittenProof(
        "if η < 2/L_S and the gradients are exact, F_S falls by at least η(1 - L_S η/2) (1 - "
        "τ(|S| - 1)) Σ ‖g_k‖²",
        (
            Step("F_S is L_S-smooth: F_S(θ - ηG) ≤ F_S(θ) - η⟨∇F_S, G⟩ + L_S η²‖G‖²/2."),
            Step(
                "∇F_S = G = Σ g_k, so the change is at most -η(1 - L_S η/2)‖G‖².",
                lambda: is_zero(
                    -eta * n + smooth * eta**2 * n / 2 + eta * (1 - smooth * eta / 2) * n
                ),
            ),
            Step("1 - L_S η/2 > 0; a lower bound on ‖G‖² (eq. 12) therefore bounds the change."),
        ),
    ).finding()


def _step_size_exactly(_: CheckContext) -> Finding:
    """Two quadratics in one variable, every step below 2/L of their sum."""
    values = [Fraction(v) for v in (-2, -1, 1, 3)]
    curvatures = [Fraction(1, 2), Fraction(1), Fraction(4)]
    cases = [
        (a, b, ha, hb, share, x)
        for a, b in product(values, repeat=2)
        for ha, hb in product(curvatures, repeat=2)
        for share in (Fraction(1, 10), Fraction(1), Fraction(19, 10))
        for x in (Fraction(0), Fraction(1, 3), Fraction(-5))
    ]

    def holds(case: tuple[Fraction, ...]) -> bool:
        a, b, ha, hb, share, x = case
        eta = share / (ha + hb)

        def loss(point: Fraction) -> Fraction:
            return ha * (point - a) ** 2 / 2 + hb * (point - b) ** 2 / 2

        step = ha * (x - a) + hb * (x - b)
        return loss(x - eta * step) <= loss(x) - eta * (1 - (ha + hb) * eta / 2) * step**2

    return for_every(cases, holds, str, "two quadratics on the line, η up to 1.9/L")


def _step_size_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        eta, smooth, n, q = z3.Reals("eta L n q")
        given = [eta > 0, smooth > 0, eta * smooth < 2, n >= q, q > 0]
        return [
            smt.Obligation(
                "the smoothness bound is negative, and below eq. 12's multiple",
                given,
                z3.And(
                    -eta * n + smooth * eta * eta * n / 2 < 0,
                    -eta * n + smooth * eta * eta * n / 2 <= -eta * (1 - smooth * eta / 2) * q,
                ),
            )
        ]

    return smt.prove(build, "η < 2/L suffices")


@replayer("des-noise")
def _replay_noise(data: Mapping[str, Any]) -> Replay:
    """Mini-batch gradients that agree with each other and not with the losses they estimate."""
    seen, means = read_vectors(data["minibatch"]), read_vectors(data["population"])
    tau = rational(data["tau"])
    slope = -dot(total(means), total(seen))
    fits = compatible(seen, tau) and tau * (len(seen) - 1) < 1
    return Replay(
        (
            f"mini-batch gradients {show(seen)}: τ-compatible with τ(|S| - 1) < 1: {fits}",
            f"gradients of the losses themselves {show(means)}",
            f"slope of the class's population loss along the update: {slope}",
            "So the combined update is an ascent direction of what it is to reduce.",
        ),
        fits and slope > 0,
    )


# --- the full objective ----------------------------------------------------------------------


@replayer("des-full-objective")
def _replay_full(data: Mapping[str, Any]) -> Replay:
    """A class whose step raises the sum of all tasks' losses."""
    vectors, tau = read_vectors(data["gradients"]), rational(data["tau"])
    members = [int(k) for k in data["active"]]
    chosen = [vectors[k] for k in members]
    rest = [k for k in range(len(vectors)) if k not in members]
    step, full = total(chosen), total(vectors)
    fits = compatible(chosen, tau) and tau * (len(chosen) - 1) < 1
    eta = rational(data["eta"])
    # Losses that are linear: f_k(x) = ⟨g_k, x⟩, so F moves by exactly -η⟨∇F, step⟩.
    change = -eta * dot(full, step)
    return Replay(
        (
            f"linear losses with gradients {show(vectors)}, τ = {tau}; active: "
            f"{', '.join(str(k + 1) for k in members)}, waiting: "
            f"{', '.join(str(k + 1) for k in rest)}",
            f"the active set is τ-compatible and τ(|S| - 1) < 1: {fits}",
            f"gradient of F, all tasks: {show([full])}; the update's direction: {show([step])}",
            f"with η = {eta} F changes by {change}",
            "So a step of a τ-compatible set has raised the objective, for every η > 0.",
        ),
        fits and change > 0,
    )


def _some_class_proof(_: CheckContext) -> Finding:
    import sympy

    a, b, c = sympy.symbols("a b c")
    return WrittenProof(
        "with exact gradients the classes' slopes on F sum to ‖∇F‖²",
        (
            Step("∇F = Σ_r G_r, a sum over the classes of a partition of the tasks."),
            Step(
                "Σ_r ⟨∇F, G_r⟩ = ⟨∇F, Σ_r G_r⟩ = ‖∇F‖²; on the line, with three classes:",
                lambda: is_zero(
                    (a + b + c) * a + (a + b + c) * b + (a + b + c) * c - (a + b + c) ** 2
                ),
            ),
            Step(
                "So their mean is ‖∇F‖²/m, and the largest is at least that: a class drawn "
                "uniformly descends on F on average, and some class descends, unless ∇F = 0."
            ),
        ),
    ).finding()


def _some_class_exactly(_: CheckContext) -> Finding:
    def holds(groups: tuple[Vector, ...]) -> bool:
        full = total(groups)
        slopes = [dot(full, g) for g in groups]
        mean = sum(slopes, Fraction(0)) / len(groups)
        return mean == dot(full, full) / len(groups) and max(slopes) >= mean

    return for_every(
        (g for size, most in ((2, 2), (3, 1)) for g in integer_sets(size, 2, most)),
        holds,
        show,
        "all multisets of 2 or 3 small integer class gradients in the plane",
    )


# --- each member -------------------------------------------------------------------------------


@replayer("des-member")
def _replay_member(data: Mapping[str, Any]) -> Replay:
    """Two tasks of one class, one of which the class's step harms."""
    vectors, tau = read_vectors(data["gradients"]), rational(data["tau"])
    task = int(data["task"])
    fits = compatible(vectors, tau) and tau * (len(vectors) - 1) < 1
    step = total(vectors)
    inner = dot(vectors[0], vectors[1])
    slope = -dot(vectors[task], step)
    return Replay(
        (
            f"gradients {show(vectors)}, τ = {tau}: no edge, one class: {fits}",
            f"their inner product is {inner}: they point apart",
            f"the class's update goes along minus {show([step])}; task {task + 1}'s loss moves by "
            f"{slope} per η, to first order",
            "So tasks of one class do not pull in one direction, and a class's step can harm one.",
        ),
        fits and inner < 0 and slope > 0,
    )


_SAME = (
    "Figure 1, abstract and section 1 speak of groups that 'align well', 'pull the model in the "
    "same direction', 'update in compatible directions'."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="DES-12-DIR",
        family="descent",
        title="a compatible set's combined update is a descent direction",
        statement=r"If the active set $S_t$ at step $t$ is $\tau$-compatible, then the combined "
        r"update is a descent direction with a quantitative lower bound [(12)].",
        plain="If S is τ-compatible, τ in [0, 1), and its gradients are not all zero, its summed "
        "gradient is a descent direction for the sum of its own losses.",
        source=Source("SON-GOKU", "5.1", ("12",)),
        assumptions=(COMPATIBLE, _EXACT, _NONZERO),
        used_for="the safety of SON-GOKU's steps (5.1, 7.2)",
        checks=(
            Check("three gradients that cancel", Method.EXACT, lambda _: refuted_by("DES-12-DIR")),
            Check(
                "the slope is the squared length",
                Method.WRITTEN_PROOF,
                _own_descent_proof,
                under_condition=True,
            ),
            Check(
                "small integer gradients", Method.EXACT, _own_descent_exactly, under_condition=True
            ),
        ),
        reading="the sentence as it stands, before the next one adds τ(|S| - 1) < 1; descent on "
        "the class's own sum, exact gradients",
        condition="τ(|S| - 1) < 1",
        repaired_by="DES-12-DIR-R",
    ),
    Claim(
        id="DES-12-DIR-R",
        family="descent",
        title="with τ(|S| - 1) < 1 the class's own sum descends",
        statement=r"If $S$ is $\tau$-compatible, $\tau(|S|-1)<1$ and not all $g_k=0$, then "
        r"$\langle\nabla F_S,\sum_{k\in S}g_k\rangle=\|\sum_{k\in S}g_k\|^2>0$ for $F_S=\sum_{k\in "
        r"S}L_k$.",
        plain="If S is τ-compatible with τ(|S| - 1) < 1 and exact gradients that are not all zero, "
        "the update is a descent direction for the sum of the class's own losses.",
        source=Source("SON-GOKU", "5.1 (second sentence); App. E.2 (i)", ("12",)),
        assumptions=(COMPATIBLE, _EXACT, _NONZERO, _SMALL),
        used_for="the safety of SON-GOKU's steps, for the class's own losses",
        checks=(
            Check("the slope is the squared length", Method.WRITTEN_PROOF, _own_descent_proof),
            Check("small integer gradients", Method.EXACT, _own_descent_exactly),
            Check("attack with random rationals", Method.SEARCH, _own_descent_attack),
        ),
        repairs="DES-12-DIR",
        notes="E.2 (i)'s data-dependent form, τ_eff < 1, holds for the same reason. Both are "
        "sufficient only: any set whose sum is not zero descends on its own sum.",
    ),
    Claim(
        id="DES-12-FLIP",
        family="descent",
        title="the step cannot flip to ascent",
        statement=r"Thus the step cannot flip to ascent whenever $\tau(|S_t|-1)<1$.",
        plain="If S is τ-compatible and τ(|S| - 1) < 1, a step with exact gradients does not raise "
        "the sum of the class's losses, whatever η > 0.",
        source=Source("SON-GOKU", "5.1", ("12",)),
        assumptions=(COMPATIBLE, _EXACT, _SMALL),
        used_for="'per-step updates are safe when groups are low conflict'",
        checks=(
            Check("a step that is too long", Method.EXACT, lambda _: refuted_by("DES-12-FLIP")),
            Check(
                "the descent lemma", Method.WRITTEN_PROOF, _step_size_proof, under_condition=True
            ),
            Check("two quadratics", Method.EXACT, _step_size_exactly, under_condition=True),
        ),
        reading="'the step' as what eq. 6 does, with its step size; the sentence names no bound on "
        "it. As a statement about the direction alone: DES-12-DIR-R",
        condition="η < 2/L_S, with L_S the smoothness of the class's sum",
        repaired_by="DES-12-FLIP-R",
    ),
    Claim(
        id="DES-12-FLIP-R",
        family="descent",
        title="how far the class's own sum falls in one step",
        statement=r"If $F_S$ is $L_S$-smooth and $\eta<2/L_S$, then $F_S(\theta-\eta\sum g_k)\le "
        r"F_S(\theta)-\eta(1-\tfrac{L_S\eta}2)(1-\tau(|S|-1))\sum\|g_k\|^2$.",
        plain="With exact gradients and η < 2/L_S the class's own sum falls by at least "
        "η(1 - L_S η/2)(1 - τ(|S| - 1)) Σ ‖g_k‖².",
        source=Source("songoku", "repair of section 5.1's second sentence", ("12",)),
        assumptions=(COMPATIBLE, _EXACT, _SMALL),
        used_for="a step size that keeps a class's step safe",
        checks=(
            Check("the descent lemma", Method.WRITTEN_PROOF, _step_size_proof),
            Check("its sign by z3", Method.SMT, _step_size_by_solver),
            Check("two quadratics", Method.EXACT, _step_size_exactly),
        ),
        repairs="DES-12-FLIP",
    ),
    Claim(
        id="DES-12-NOISE",
        family="descent",
        title="descent from mini-batch gradients that are compatible",
        statement=r"If the active set $S_t$ at step $t$ is $\tau$-compatible, then the combined "
        r"update is a descent direction [with $g_{k,t}$ the stochastic gradients of (3)].",
        plain="If the mini-batch gradients of S are τ-compatible with τ(|S| - 1) < 1, their sum is "
        "a descent direction for the class's population loss.",
        source=Source("SON-GOKU", "5.1 with 3.1", ("3", "12")),
        assumptions=(COMPATIBLE, _SMALL),
        used_for="'the aggregate direction keeps pointing downhill'",
        checks=(
            Check("agreeing noise", Method.EXACT, lambda _: refuted_by("DES-12-NOISE")),
            Check(
                "with exact gradients",
                Method.WRITTEN_PROOF,
                _own_descent_proof,
                under_condition=True,
            ),
            Check(
                "small integer gradients", Method.EXACT, _own_descent_exactly, under_condition=True
            ),
        ),
        reading="g_{k,t} as section 3.1 defines it, on a mini-batch; the loss as in eq. 1",
        condition="the gradients are exact",
        repaired_by="DES-12-DIR-R",
    ),
    Claim(
        id="DES-12-FULL",
        family="descent",
        title="a compatible set's step reduces the objective",
        statement=r"Updating groups of tasks whose gradients are mostly low-conflict (no internal "
        r"edges) reduces the objective on average [...] The aggregate direction keeps pointing "
        r"downhill.",
        plain="A step of a τ-compatible set with τ(|S| - 1) < 1, exact gradients and small η does "
        "not raise F, the sum over all tasks.",
        source=Source("SON-GOKU", "5, overview (1); 5.1, last two sentences", ("2", "12")),
        assumptions=(COMPATIBLE, _EXACT, _SMALL),
        used_for="'SON-GOKU preserves descent' (section 1), eq. 13, Theorem 7's use of F",
        checks=(Check("two opposed tasks", Method.EXACT, lambda _: refuted_by("DES-12-FULL")),),
        reading="'the objective' is F of eq. 2, every step; for the mean over the classes see "
        "DES-12-FULL-R",
        repaired_by="DES-12-FULL-R",
        notes="The conflict that the graph separates is exactly what makes one class's step an "
        "ascent direction for the others' losses.",
    ),
    Claim(
        id="DES-12-FULL-R",
        family="descent",
        title="on average over the classes, the step descends on F",
        statement=r"If $G_1,\dots,G_m$ are the classes' exact gradients, $\frac1m\sum_r\langle"
        r"\nabla F,G_r\rangle=\|\nabla F\|^2/m$; so a uniformly drawn class descends on average "
        r"and some class descends, unless $\nabla F=0$.",
        plain="The mean over the classes of ⟨∇F, G_r⟩ is ‖∇F‖²/m: a uniformly drawn class descends "
        "on F on average, and some class does, unless ∇F = 0.",
        source=Source("SON-GOKU", "5, overview (1), 'on average' over the classes", ("2",)),
        assumptions=(_EXACT,),
        used_for="randomised class sampling (I.2.1 (i)); cyclic convergence (EXT-9)",
        checks=(
            Check("linearity", Method.WRITTEN_PROOF, _some_class_proof),
            Check("small integer classes", Method.EXACT, _some_class_exactly),
        ),
        repairs="DES-12-FULL",
        notes="To first order. At a stationary point of F every class still moves, so F can only "
        "rise there.",
    ),
    Claim(
        id="DES-SAME",
        family="descent",
        title="tasks of one class pull in the same direction",
        statement=r"By ensuring that each mini-batch contains only tasks that pull the model in "
        r"the same direction ... Since tasks within these groups will update in compatible "
        r"directions, multi-task learning will improve model performance rather than impede it.",
        plain="Two tasks of one class have gradients with an inner product that is not negative, "
        "and the class's step raises no member's loss to first order.",
        source=Source("SON-GOKU", "abstract; 1; Figure 1"),
        assumptions=(COMPATIBLE, _EXACT),
        used_for="the motivation of the method",
        checks=(Check("a weak and a strong task", Method.EXACT, lambda _: refuted_by("DES-SAME")),),
        reading=_SAME + " At τ > 0 a class may hold pairs of negative cosine by design.",
        repaired_by="EXT-12-MEMBER-R",
    ),
)
