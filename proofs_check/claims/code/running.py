"""The schedule's pointer, the average's updates, and the combiner inside a class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, permutations, product
from types import ModuleType
from typing import Any

from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "average_checks", "inner_checks", "pointer_checks"]

Vector = tuple[Fraction, ...]
SEEN = "a rule seen in public code"


# --- the pointer ------------------------------------------------------------


def _active(steps: int, classes: int, period: int, *, reset: bool) -> list[int]:
    """Return the active class of each step, from 0, under one colouring."""
    return [(t % period if reset else t) % classes for t in range(steps)]


@replayer("code-pointer")
def _replay_pointer(data: Mapping[str, Any]) -> Replay:
    """A colouring that stays the same, and a pointer that starts anew at each refresh."""
    classes, period, steps = int(data["classes"]), int(data["period"]), int(data["steps"])
    counted = _active(steps, classes, period, reset=False)
    reset = _active(steps, classes, period, reset=True)
    missing = sorted(set(range(classes)) - set(reset))
    return Replay(
        (
            f"{classes} classes, R = {period}, {steps} steps, the same classes at every refresh",
            f"eq. 11, t counted through: classes {[c + 1 for c in counted]}",
            f"a pointer reset at each refresh: classes {[c + 1 for c in reset]}",
            f"So classes {[c + 1 for c in missing]} are never active under the reset.",
        ),
        bool(missing) and set(counted) == set(range(classes)),
    )


def pointer_checks(shift: int = 0) -> tuple[Check, ...]:
    """Return the checks that a reset starves exactly the classes beyond R (plus a shift)."""

    def proof(_: CheckContext) -> Finding:
        return WrittenProof(
            "under one colouring eq. 11 activates every class in every m steps; a pointer that is "
            "reset activates class j exactly if j ≤ min(m, R)",
            (
                Step("t, .., t + m - 1 take every residue modulo m once, whatever R is."),
                Step(
                    "With the reset the pointer takes the values 0, .., R - 1 modulo m and no "
                    "others: classes 1 to min(m, R).",
                    lambda: shift == 0,
                ),
            ),
        ).finding()

    def run(_: CheckContext) -> Finding:
        def holds(case: tuple[int, int]) -> bool:
            classes, period = case
            steps = 3 * classes * period
            counted = _active(steps, classes, period, reset=False)
            every = all(
                len(set(counted[t : t + classes])) == classes for t in range(steps - classes + 1)
            )
            reset = set(_active(steps, classes, period, reset=True))
            return every and reset == set(range(min(classes, period + shift)))

        return for_every(
            product(range(1, 8), range(1, 10)), holds, str, "m up to 7, R up to 9, run", "up_to"
        )

    return (
        Check("residues", Method.WRITTEN_PROOF, proof),
        Check("schedules run", Method.EXHAUSTIVE, run),
    )


# --- the average ------------------------------------------------------------


def _average(rows: Sequence[Vector], beta: Fraction, period: int, *, refresh_only: bool) -> Vector:
    mean: Vector = tuple(Fraction(0) for _ in rows[0])
    for step, row in enumerate(rows, start=1):
        if not refresh_only or step % period == 0:
            mean = tuple(beta * m + (1 - beta) * g for m, g in zip(mean, row, strict=True))
    return mean


def _edge(u: Vector, v: Vector, tau: Fraction) -> bool:
    dot = sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))
    size = sum((a * a for a in u), Fraction(0)) * sum((b * b for b in v), Fraction(0))
    return dot < 0 and dot * dot > tau * tau * size


@replayer("code-average")
def _replay_average(data: Mapping[str, Any]) -> Replay:
    """Two tasks, both active at every step of one window."""
    rows = [[tuple(rational(x) for x in g) for g in task] for task in data["gradients"]]
    beta, tau, period = rational(data["beta"]), rational(data["tau"]), int(data["period"])
    paper = [_average(task, beta, period, refresh_only=False) for task in rows]
    rule = [_average(task, beta, period, refresh_only=True) for task in rows]
    ours, theirs = _edge(paper[0], paper[1], tau), _edge(rule[0], rule[1], tau)
    shown = [[[str(x) for x in v] for v in pair] for pair in (paper, rule)]
    return Replay(
        (
            f"β = {beta}, τ = {tau}, R = {period}; gradients {data['gradients']}",
            f"Algorithm 1, averages moved at every step: {shown[0]}, conflict {ours}",
            f"averages moved at refresh steps only: {shown[1]}, conflict {theirs}",
            f"So the decisions are {'different' if ours != theirs else 'the same'}.",
        ),
        ours != theirs,
    )


def average_checks(*, always: bool = False) -> tuple[Check, ...]:
    """Return the checks that both averages agree for all gradients iff β = 0 or R = 1.

    With `always` they are said to agree for every β and R: a planted fault.
    """

    def proof(_: CheckContext) -> Finding:
        import sympy

        b = sympy.symbols("b")
        return WrittenProof(
            "the averages at refreshes agree for all gradients iff β = 0 or R = 1",
            (
                Step(
                    "At a refresh step the gradient of the step before it has weight (1 - β)β in "
                    "Algorithm 1, and weight 0 under the other rule if R ≥ 2.",
                    lambda: is_zero((1 - b) * b - b + b**2) and not always,
                ),
                Step("So agreement with R ≥ 2 needs β(1 - β) = 0; β < 1 gives β = 0."),
                Step(
                    "β = 0: both are the last gradient, which is the refresh step's. R = 1: every "
                    "step is a refresh step."
                ),
            ),
        ).finding()

    def exactly(_: CheckContext) -> Finding:
        def cases() -> Iterator[tuple[Fraction, int]]:
            return iter(product((Fraction(0), Fraction(1, 3), Fraction(9, 10)), (1, 2, 3, 5)))

        def holds(case: tuple[Fraction, int]) -> bool:
            beta, period = case
            steps = 2 * period
            # The average is linear in the gradients: unit gradients give its weights.
            units = [tuple(Fraction(int(i == j)) for j in range(steps)) for i in range(steps)]
            same = _average(units, beta, period, refresh_only=False) == _average(
                units, beta, period, refresh_only=True
            )
            return same == (always or beta == 0 or period == 1)

        return for_every(cases(), holds, str, "three β, four R, two windows: all weights", "up_to")

    return (
        Check("weights", Method.WRITTEN_PROOF, proof),
        Check("all weights", Method.EXHAUSTIVE, exactly),
    )


# --- the combiner inside a class ------------------------------------------------------------


def _dot(u: Vector, v: Vector) -> Fraction:
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def _pcgrad(rows: Sequence[Vector], orders: Sequence[Sequence[int]]) -> Vector:
    """Project each gradient on the normal plane of those it conflicts with, in these orders."""
    total: Vector = tuple(Fraction(0) for _ in rows[0])
    for i, order in enumerate(orders):
        moved = rows[i]
        for j in order:
            if j != i and (d := _dot(moved, rows[j])) < 0:
                share = d / _dot(rows[j], rows[j])
                moved = tuple(a - share * b for a, b in zip(moved, rows[j], strict=True))
        total = tuple(a + b for a, b in zip(total, moved, strict=True))
    return total


def _sum(rows: Sequence[Vector]) -> Vector:
    return tuple(sum(column, Fraction(0)) for column in zip(*rows, strict=True))


@replayer("code-inner")
def _replay_inner(data: Mapping[str, Any]) -> Replay:
    """A class of two compatible tasks: PCGrad inside it against the plain sum."""
    rows = [tuple(rational(x) for x in row) for row in data["gradients"]]
    tau = rational(data["tau"])
    compatible = not any(_edge(u, v, tau) for u, v in combinations(rows, 2))
    wanted, found = _pcgrad(rows, [range(len(rows))] * len(rows)), _sum(rows)
    return Replay(
        (
            f"gradients {data['gradients']}, τ = {tau}: one class {compatible}",
            f"PCGrad on the class: {[str(x) for x in wanted]}",
            f"the sum, with the inner combiner ignored: {[str(x) for x in found]}",
            f"So the steps are {'different' if wanted != found else 'the same'}.",
        ),
        compatible and wanted != found,
    )


def inner_checks(*, strict: bool = False) -> tuple[Check, ...]:
    """Return the checks that two gradients' PCGrad is their sum iff their product is ≥ 0.

    And that for any number, no negative product makes it the sum. With `strict` it is said to
    need > 0: a planted fault.
    """

    def build(z3: ModuleType) -> list[smt.Obligation]:
        x, y, v = z3.Reals("x y v")
        # g_1 = (1, 0), which a rotation and a change of unit bring about; g_2 = (x, y). What is
        # added is -x ((x, y)/v + (1, 0)), here times v.
        given = [v == x * x + y * y, x < 0]
        zero = z3.And(x + v == 0, y == 0)
        return [smt.Obligation("two gradients", given, zero == z3.And(x == -1, y == 0))]

    def proof(_: CheckContext) -> Finding:
        import sympy

        a, x, u, v, d = sympy.symbols("a x u v d")
        return WrittenProof(
            "without negative products PCGrad is the sum; with two gradients, only then or when "
            "both cancel to zero",
            (
                Step(
                    "If every ⟨g_i, g_j⟩ ≥ 0, the test for a conflict fails at the first pair, the "
                    "gradient stays as it was, and so at every further pair.",
                    lambda: not strict,
                ),
                Step(
                    "Two gradients with d = ⟨g_1, g_2⟩ < 0: PCGrad adds -d (g_2/‖g_2‖² + "
                    "g_1/‖g_1‖²) to the sum.",
                    lambda: is_zero(
                        (a - d / v * x) + (x - d / u * a) - (a + x) + d * (x / v + a / u)
                    ),
                ),
                Step(
                    "That is zero iff g_2/‖g_2‖² = -g_1/‖g_1‖²; norms of both sides give ‖g_1‖ = "
                    "‖g_2‖, so g_2 = -g_1, a pair with cosine -1."
                ),
            ),
        ).finding()

    def exactly(_: CheckContext) -> Finding:
        points = [
            tuple(Fraction(x) for x in p) for p in product((-1, 0, 2), repeat=2) if p != (0, 0)
        ]

        def cases() -> Iterator[tuple[Vector, ...]]:
            yield from product(points, repeat=2)
            yield from product(points[::2], repeat=3)

        def holds(rows: tuple[Vector, ...]) -> bool:
            products = [_dot(u, v) for u, v in combinations(rows, 2)]
            free = all(p > 0 if strict else p >= 0 for p in products)
            orders = [[order] * len(rows) for order in permutations(range(len(rows)))]
            same = all(_pcgrad(rows, o) == _sum(rows) for o in orders)
            if len(rows) > 2:
                return same or not free
            opposite = all(a == -b for a, b in zip(*rows, strict=True))
            return same == (free or opposite)

        return for_every(
            cases(),
            holds,
            str,
            "pairs of eight and triples of four small vectors, all orders",
            "up_to",
        )

    return (
        Check("what is added", Method.WRITTEN_PROOF, proof),
        Check("two gradients by z3", Method.SMT, lambda _: smt.prove(build, "added", "up_to")),
        Check("small vectors", Method.EXHAUSTIVE, exactly),
    )


_SAME = Assumption("the same colouring", "the refreshes find the same classes in the same order")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="CODE-POINTER",
        family="code",
        title="a class pointer reset at each refresh activates every class",
        statement=r"With the class pointer set to the first class at each refresh, every class is "
        r"active at least once, as under eq. 11.",
        plain="If the pointer restarts at class 1 every R steps, every class is active at some "
        "time, for every R and m.",
        source=Source("songoku", f"{SEEN}, against eq. 11"),
        assumptions=(_SAME,),
        used_for="5.5 and 7.3.2: no task waits more than Δ steps",
        checks=(Check("two classes", Method.EXACT, lambda _: refuted_by("code_pointer")),),
        repaired_by="CODE-POINTER-R",
        notes="Eq. 11's t is the step itself, counted through refreshes, as printed; some "
        "colourings between refreshes can still move a task ahead of its turn (see the family "
        "coloring).",
    ),
    Claim(
        id="CODE-POINTER-R",
        family="code",
        title="the reset starves exactly the classes beyond R",
        statement=r"Under one colouring with $m$ classes, eq. 11 activates each class once in any "
        r"$m$ steps; a pointer reset at refreshes activates exactly the classes "
        r"$1,\dots,\min(m,R)$.",
        plain="Under one colouring, eq. 11 activates every class in any m consecutive steps, and a "
        "pointer that is reset every R steps activates exactly the first min(m, R) classes.",
        source=Source("songoku", "repair of CODE-POINTER"),
        assumptions=(_SAME,),
        used_for="R ≥ m is what the reset needs",
        checks=pointer_checks(),
        repairs="CODE-POINTER",
    ),
    Claim(
        id="CODE-EMA",
        family="code",
        title="averages moved at refreshes only decide as the paper's do",
        statement=r"With the EMA of every task updated only at refresh steps, the conflict graph "
        r"is that of Algorithm 1, which updates it at every step (lines 17-19).",
        plain="Averages that move at steps R, 2R, ... only give the same edges as averages that "
        "move at every step.",
        source=Source("songoku", f"{SEEN}, against Algorithm 1 and eq. 8"),
        assumptions=(),
        used_for="section 5.4: n_eff gradients a window",
        checks=(Check("two tasks", Method.EXACT, lambda _: refuted_by("code_ema")),),
        repaired_by="CODE-EMA-R",
        notes="Appendix D.3 allows probe gradients 'computed only at refreshes'; then the average "
        "holds one gradient a window, not the several that section 5.4 counts on.",
    ),
    Claim(
        id="CODE-EMA-R",
        family="code",
        title="both averages agree iff β = 0 or R = 1",
        statement=r"The two averages agree at refreshes for all gradients iff $\beta=0$ or $R=1$.",
        plain="For β in [0, 1) and R ≥ 1 the averages after any number of windows are the same "
        "function of the gradients iff β = 0 or R = 1.",
        source=Source("songoku", "repair of CODE-EMA"),
        assumptions=(),
        used_for="which runs the rule changes",
        checks=average_checks(),
        repairs="CODE-EMA",
    ),
    Claim(
        id="CODE-INNER",
        family="code",
        title="an inner combiner that is named is applied",
        statement=r"If the inner combiner is ignored and the class's gradients are added, the step "
        r"is that of SON-GOKU + PCGrad (6.3).",
        plain="For every τ-compatible class the sum of the gradients is PCGrad's direction.",
        source=Source("songoku", f"{SEEN}, against section 6.3"),
        assumptions=(),
        used_for="comparing combinations with the scheduler alone",
        checks=(Check("two tasks", Method.EXACT, lambda _: refuted_by("code_inner")),),
        repaired_by="CODE-INNER-R",
        notes="If it were so, SON-GOKU + PCGrad and SON-GOKU would be one method.",
    ),
    Claim(
        id="CODE-INNER-R",
        family="code",
        title="PCGrad changes nothing in a class without negative products",
        statement=r"If all inner products in a class are nonnegative, as at $\tau=0$, PCGrad's "
        r"direction is the sum; for two tasks, only then or for opposite gradients.",
        plain="Without a negative inner product PCGrad is the sum, in every order; two gradients "
        "with a negative product give another direction unless they are opposite and equal in "
        "length.",
        source=Source("songoku", "repair of CODE-INNER"),
        assumptions=(),
        used_for="why a test at τ = 0 can't see that the combiner is ignored",
        checks=inner_checks(),
        repairs="CODE-INNER",
        notes="At τ = 0 this speaks of the gradients that are combined; the classes are made from "
        "averages, and a step's gradients may conflict all the same.",
    ),
)
