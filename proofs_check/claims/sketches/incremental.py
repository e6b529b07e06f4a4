"""Appendix D.5.4: incremental Gram updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product
from typing import Any

from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import is_zero
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "drift_checks"]

Vector = tuple[Fraction, ...]


def _dot(u: Vector, v: Vector) -> Fraction:
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def _conflict(u: Vector, v: Vector, tau: Fraction) -> bool:
    product_ = _dot(u, v)
    return product_ < 0 and product_ * product_ > tau * tau * _dot(u, u) * _dot(v, v)


@replayer("ske-incremental")
def _replay_stale(data: Mapping[str, Any]) -> Replay:
    """Rows at the last refresh and now; pairs of unchanged rows keep their old entry."""
    old = [tuple(rational(x) for x in row) for row in data["old"]]
    new = [tuple(rational(x) for x in row) for row in data["new"]]
    tau, eta = rational(data["tau"]), rational(data["threshold"])
    changed = []
    for index, (a, b) in enumerate(zip(old, new, strict=True)):
        moved = tuple(y - x for x, y in zip(a, b, strict=True))
        if _dot(moved, moved) > eta * eta * _dot(a, a):
            changed.append(index)
    used = [new[k] if k in changed else old[k] for k in range(len(old))]
    kept, true = _conflict(used[0], used[1], tau), _conflict(new[0], new[1], tau)
    return Replay(
        (
            f"τ = {tau}; a row has changed if it moved by more than {eta} of its length",
            f"at the last refresh {data['old']}, now {data['new']}; changed rows: {changed}",
            f"the entry that is kept says conflict: {kept}; the averages now say: {true}",
            "So the graph after the update is not the graph of the averages.",
        ),
        kept != true,
    )


def _same(_: CheckContext) -> Finding:
    return WrittenProof(
        "if every row that counts as unchanged is equal to what it was, the update gives the full "
        "Gram matrix",
        (
            Step("An entry with a changed row is recomputed from the two current rows."),
            Step(
                "An entry of two unchanged rows was computed from rows equal to the current ones."
            ),
            Step("So all entries are the current ones, hence graph and colouring."),
        ),
    ).finding()


def _same_exactly(_: CheckContext) -> Finding:
    points: list[Vector] = [tuple(Fraction(x) for x in p) for p in ((1, 0), (-3, 4), (0, 2))]
    triples: list[tuple[Vector, ...]] = list(product(points, repeat=3))

    def holds(case: tuple[tuple[Vector, ...], ...]) -> bool:
        old, new = case
        changed = [k for k in range(3) if old[k] != new[k]]
        table = {(i, j): _dot(old[i], old[j]) for i, j in product(range(3), repeat=2)}
        for i, j in product(range(3), repeat=2):
            if i in changed or j in changed:
                table[i, j] = _dot(new[i], new[j])
        return all(table[i, j] == _dot(new[i], new[j]) for i, j in table)

    return for_every(
        product(triples, repeat=2),
        holds,
        str,
        "three rows out of three vectors, before and after",
        "up_to",
    )


def _turns() -> list[tuple[Vector, Fraction]]:
    """Vectors of the plane with rational lengths, and their lengths."""
    triples = ((1, 0, 1), (3, 4, 5), (4, 3, 5), (12, 5, 13), (0, 1, 1))
    found: list[tuple[Vector, Fraction]] = []
    for x, y, length in triples:
        for sign in (1, -1):
            found.append(((Fraction(sign * x, length), Fraction(y, length)), Fraction(1)))
    return found


def drift_checks(factor: int = 2) -> tuple[Check, ...]:
    """Return the checks that rows within η of the stored ones move a cosine by at most factor η."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        s, c, t, d = sympy.symbols("s c t d")
        return WrittenProof(
            "if each row is within η < 1 of its stored row's length, a cosine is within 2η",
            (
                Step(
                    "‖x - y‖ ≤ η‖y‖ bounds the distance of y from the line of x, so the sine of "
                    "their angle is at most η, and the angle at most arcsin η."
                ),
                Step(
                    "Angles obey the triangle inequality: the pair's angle moves by at most "
                    "2 arcsin η.",
                    lambda: factor == 2,
                ),
                Step(
                    "|cos α - cos β| = 2 |sin((α+β)/2) sin((α-β)/2)| ≤ 2 sin(arcsin η) = 2η: with "
                    "c, s the cosine and sine of the mean and t, d of the half difference, "
                    "(ct - sd) - (ct + sd) = -2sd.",
                    lambda: is_zero((c * t - s * d) - (c * t + s * d) + 2 * s * d),
                ),
            ),
        ).finding()

    def exactly(_: CheckContext) -> Finding:
        rows = _turns()

        def cases() -> Iterator[tuple[Fraction, Fraction, Fraction, Fraction]]:
            pairs = []
            for (y, ny), (x, nx) in product(rows, repeat=2):
                gap = tuple(a - b for a, b in zip(x, y, strict=True))
                share = _dot(gap, gap) / (ny * ny)
                if share < 1:
                    pairs.append((y, ny, x, nx, share))
            for (y1, n1, x1, l1, s1), (y2, n2, x2, l2, s2) in product(pairs, repeat=2):
                stored, now = _dot(y1, y2) / (n1 * n2), _dot(x1, x2) / (l1 * l2)
                yield stored, now, s1, s2

        # |now - stored| ≤ factor η with η² the larger share: compare squares.
        return for_every(
            cases(),
            lambda t: (t[0] - t[1]) ** 2 <= factor**2 * max(t[2], t[3]),
            str,
            "all pairs of unit vectors out of nine rational ones of the plane, before and after",
        )

    return (
        Check("angles", Method.WRITTEN_PROOF, proof),
        Check("rational angles", Method.EXACT, exactly),
    )


def _cost_proof(_: CheckContext) -> Finding:
    import sympy

    s, k, d = sympy.symbols("s K d", positive=True)
    return WrittenProof(
        "s rows and columns of the Gram matrix, with norms, take O(sKd)",
        (
            Step(
                "s changed rows times K rows, each pair once: sK - s(s-1)/2 products ≤ sK.",
                lambda: is_zero(s * k - (s * k - s * (s - 1) / 2) - s * (s - 1) / 2),
            ),
            Step(
                "Each takes 2d - 1 operations; the norms are among them, or s(2d - 1) more.",
                lambda: is_zero(2 * d * s * k - (2 * d - 1) * s * k - s * k),
            ),
        ),
    ).finding()


def _cost_counted(_: CheckContext) -> Finding:
    def holds(case: tuple[int, int, int]) -> bool:
        k, s, d = case
        if s > k:
            return True
        pairs = {(min(i, j), max(i, j)) for i in range(s) for j in range(k)}
        return (2 * d - 1) * len(pairs) <= 2 * s * k * d

    return for_every(
        product((1, 2, 5, 9), (0, 1, 3, 9), (1, 7)),
        holds,
        str,
        "K up to 9, s up to K, pairs counted",
    )


_STILL = Assumption("unchanged rows", "rows below the threshold are left as they are")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="SKE-D54",
        family="sketches",
        title="incremental updates preserve edges and colouring by construction",
        statement=r"[...] we leave all unchanged entries as they are. This update is exact for the "
        r"affected entries, so conflict edges and coloring decisions are preserved by "
        r"construction.",
        plain="Recomputing the entries of the rows that crossed a change threshold, and leaving "
        "the others, gives the conflict graph of the current averages.",
        source=Source("SON-GOKU", "App. D.5.4"),
        assumptions=(_STILL,),
        used_for="O(sKd) refreshes",
        checks=(
            Check("two rows", Method.EXACT, lambda _: refuted_by("ske_incremental")),
            Check("entry by entry", Method.WRITTEN_PROOF, _same, under_condition=True),
            Check("three rows", Method.EXHAUSTIVE, _same_exactly, under_condition=True),
        ),
        condition="rows below the change threshold have not moved at all",
        repaired_by="SKE-D54-R",
        notes="The text adds that unchanged entries drift slowly and may be rebuilt from time to "
        "time; a rebuild ends a wrong decision, it does not prevent it. Under the active-only "
        "updates of Algorithm 1 an inactive task's average does stay as it is, and the condition "
        "is met.",
    ),
    Claim(
        id="SKE-D54-R",
        family="sketches",
        title="a change threshold below half the margin preserves the decisions",
        statement=r"If a row is compared with, and multiplied as, what is stored of it, and counts "
        r"as changed beyond $\eta$ of its length, every kept cosine is within $2\eta$; with $2\eta<"
        r"\gamma$ all decisions with margin $\gamma$ are preserved.",
        plain="If both rows of a pair are within η < 1 of the stored rows' lengths, the stored "
        "cosine is within 2η of the current one.",
        source=Source("songoku", "repair of App. D.5.4"),
        assumptions=(),
        used_for="choosing the change threshold",
        checks=drift_checks(),
        repairs="SKE-D54",
        notes="That 2η < γ then keeps the decisions is SKE-JL-GRAPH. Compared with the row at the "
        "last refresh, as the text has it, steps below the threshold add up without bound.",
    ),
    Claim(
        id="SKE-D54-COST",
        family="sketches",
        title="recomputing s rows and columns costs O(sKd)",
        statement=r"[...] which costs $O(sKd)$, with an additional $O(sd)$ to update norms, "
        r"instead of $\Theta(K^2d)$.",
        plain="The products of s rows with all K rows, and s norms, take at most 2sKd + 2sd "
        "operations.",
        source=Source("SON-GOKU", "App. D.5.4"),
        assumptions=(),
        used_for="'the reduction is deterministic whenever s ≪ K'",
        checks=(
            Check("pairs", Method.WRITTEN_PROOF, _cost_proof),
            Check("pairs counted", Method.EXACT, _cost_counted),
        ),
        notes="To see which rows changed takes another O(Kd) and a second copy of all rows, which "
        "the count leaves out; it matters only where s is zero or the memory is short.",
    ),
)
