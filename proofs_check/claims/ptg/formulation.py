"""Formulation 8 and its transformation 9: what they say, and whether they say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.ptg._evidence import limited
from proofs_check.counterexamples import Replay, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.findings import refutes, supports
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "transformation_checks"]

Assignment = tuple[tuple[int, ...], ...]
"""X by rows: task by group, entries 0 and 1."""


def _assignments(tasks: int, groups: int) -> Iterator[Assignment]:
    rows = list(product((0, 1), repeat=groups))
    yield from product(rows, repeat=tasks)


def _feasible_8(x: Assignment) -> bool:
    """The constraints of eq. 8 without the budget, which is the same in eq. 9."""
    columns = list(zip(*x, strict=True))
    return (
        all(any(c) for c in columns)
        and all(any(row) for row in x)
        and all(
            sum((a - b) ** 2 for a, b in zip(c, d, strict=True)) >= 1
            for c, d in combinations(columns, 2)
        )
    )


def _weights_8(x: Assignment) -> dict[tuple[int, int], Fraction]:
    """The objective of eq. 8 as coefficients of S_ik; it is linear in S."""
    found: dict[tuple[int, int], Fraction] = {}
    for column in zip(*x, strict=True):
        size = sum(column)
        for i, k in product(range(len(x)), repeat=2):
            if column[i] and column[k]:
                found[i, k] = found.get((i, k), Fraction(0)) + Fraction(1, size)
    return found


def _weights_9(x: Assignment, y: Sequence[Fraction]) -> dict[tuple[int, int], Fraction]:
    """The objective of eq. 9, Σ_j Σ_k Σ_i S_ik y_j Z_ijk with Z_ijk = X_ij X_kj."""
    found: dict[tuple[int, int], Fraction] = {}
    tasks, groups = len(x), len(x[0])
    for j, k, i in product(range(groups), range(tasks), range(tasks)):
        weight = y[j] * x[i][j] * x[k][j]
        if weight:
            found[i, k] = found.get((i, k), Fraction(0)) + weight
    return found


@replayer("ptg-dimension")
def _replay_dimension(data: Mapping[str, Any]) -> Replay:
    """(X^T 1) ⊙ y = 1 needs as many entries of y as X has columns."""
    x = [[int(v) for v in row] for row in data["assignment"]]
    length = len(x) if data["length"] == "n" else len(x[0])
    sizes = [sum(column) for column in zip(*x, strict=True)]
    return Replay(
        (
            f"X has n = {len(x)} rows and m = {len(x[0])} columns; X^T 1 = {sizes}",
            f"y in [0, 1]^{data['length']} has {length} entries, X^T 1 has {len(sizes)}",
            f"the element-wise product is {'' if length == len(sizes) else 'not '}defined",
        ),
        length != len(sizes),
    )


def transformation_checks(per_group: bool = True) -> tuple[Check, ...]:
    """Return the checks that eq. 8 and 9 have the same X and values, y having an entry a group.

    ``per_group=False`` plants a fault: y_j = 1/n in place of 1/|G_j|.
    """

    def proof(_: CheckContext) -> Finding:
        import sympy

        s = sympy.Symbol("s", positive=True)
        reciprocal = 1 / s if per_group else sympy.Rational(1, 2)
        return WrittenProof(
            "X is feasible for eq. 8 iff (X, y, Z) is for eq. 9 with exactly one y and Z, of the "
            "same value",
            (
                Step("The constraints on X alone are the same in both."),
                Step(
                    "X^T 1 ≥ 1, so |G_j| y_j = 1 has the one solution y_j = 1/|G_j|, in (0, 1].",
                    lambda: is_zero(s * reciprocal - 1),
                ),
                Step("Z_ijk = X_ij X_kj fixes Z, and a product of bits is a bit."),
                Step(
                    "Σ_k Σ_i S_ik y_j Z_ijk = (1/|G_j|) Σ_i Σ_k X_ij S_ik X_kj, the term of eq. 8."
                ),
            ),
        ).finding()

    def exhaustively(_: CheckContext) -> Finding:
        shapes = [(n, m) for n in (1, 2, 3, 4) for m in (1, 2, 3)]
        count = 0
        for tasks, groups in shapes:
            for x in _assignments(tasks, groups):
                if not _feasible_8(x):
                    continue
                sizes = [sum(column) for column in zip(*x, strict=True)]
                y = [Fraction(1, size if per_group else tasks) for size in sizes]
                if any(v * size != 1 or not 0 <= v <= 1 for v, size in zip(y, sizes, strict=True)):
                    return refutes("n ≤ 4, m ≤ 3", f"no such y at X = {x}")
                if _weights_8(x) != _weights_9(x, y):
                    return refutes("n ≤ 4, m ≤ 3", f"the objectives differ at X = {x}")
                count += 1
        return supports(
            "up_to",
            "n ≤ 4 tasks, m ≤ 3 groups, overlap allowed",
            f"all {count} feasible X: y in [0, 1]^m exists, and the two objectives have the same "
            f"coefficient at every S_ik",
        )

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            size, y, other = z3.Reals("s y z")
            given = [size >= 1, size * y == 1]
            if not per_group:
                given.append(size * y == size)
            return [
                smt.Obligation("y is a weight", given, z3.And(y > 0, y <= 1)),
                smt.Obligation("y is unique", [*given, size * other == 1], y == other),
                smt.Obligation("y is not 1 for larger groups", [*given, size > 1], y < 1),
            ]

        return smt.prove(build, "|G| y = 1 has one solution, in (0, 1]")

    return (
        Check("substitution", Method.WRITTEN_PROOF, proof),
        Check("all assignments", Method.EXHAUSTIVE, exhaustively),
        Check("the weights by z3", Method.SMT, solver),
    )


# --- what the objective is ----------------------------------------------------------------------


def _term_symbolic(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        found = []
        for size in (1, 2, 3, 4):
            s = sympy.Matrix(size, size, lambda i, k: sympy.Symbol(f"s{i}{k}"))
            ones = sympy.ones(size, 1)
            form = (ones.T * s * ones)[0, 0] / size
            by_target = sum(
                sum(s[i, j] for i in range(size)) / sympy.Integer(size) for j in range(size)
            )
            found.append((f"|G| = {size}", form, by_target))
        return found

    found = prove_identities(build, "X^T S X / |G| is Σ_{j in G} S_{G→j} of eq. 7, j among G")
    return limited(found, "|G| ≤ 4")


def _term_written(_: CheckContext) -> Finding:
    return WrittenProof(
        "(1/|G|) X^T S X = Σ_{j in G} (1/|G|) Σ_{i in G} S_ij for every group G",
        (
            Step("X^T S X = Σ_i Σ_j X_i S_ij X_j = Σ_{i in G} Σ_{j in G} S_ij for bits X_i."),
            Step("Sum over i first and divide by |G|: the inner sum is eq. 7 with A = G."),
        ),
    ).finding()


def _term_exactly(_: CheckContext) -> Finding:
    def holds(group: tuple[int, ...]) -> bool:
        x = tuple((int(i in group),) for i in range(6))
        wanted = {(i, j): Fraction(1, len(group)) for j in group for i in group}
        return _weights_8(x) == wanted

    return for_every(
        (g for size in range(1, 7) for g in combinations(range(6), size)),
        holds,
        str,
        "all groups of six tasks",
        "up_to",
    )


@replayer("ptg-others")
def _replay_others(data: Mapping[str, Any]) -> Replay:
    """A group's term against the sum of the averages over the *other* tasks; zero diagonal."""
    gains = [[Fraction(int(v)) for v in row] for row in data["gains"]]
    size = len(gains)
    term = sum((sum(row, Fraction(0)) for row in gains), Fraction(0)) / size
    others: Fraction = sum(
        (
            sum((gains[i][j] for i in range(size) if i != j), Fraction(0)) / (size - 1)
            for j in range(size)
        ),
        Fraction(0),
    )
    return Replay(
        (
            f"one group of {size} tasks, S_jj = {gains[0][0]}, the other gains {gains[0][1]}",
            f"X^T S X / |G| = {term}",
            f"Σ_j average of S_ij over the other tasks i of the group = {others}",
        ),
        term != others,
    )


def _others_symbolic(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        found = []
        for size in (2, 3, 4):
            s = [
                [sympy.Symbol(f"s{i}{k}") if i != k else 0 for k in range(size)]
                for i in range(size)
            ]
            total = sum(s[i][k] for i in range(size) for k in range(size))
            found.append(
                (
                    f"|G| = {size}",
                    total / sympy.Integer(size),
                    sympy.Rational(size - 1, size) * total / (size - 1),
                )
            )
        return found

    found = prove_identities(build, "the term is (|G| - 1)/|G| of the averages over the others")
    return limited(found, "|G| ≤ 4")


def _others_written(_: CheckContext) -> Finding:
    import sympy

    s, total = sympy.symbols("s total", positive=True)
    return WrittenProof(
        "with a zero diagonal the term is (|G| - 1)/|G| times the averages over the others",
        (
            Step("Let W be Σ_{i≠j in G} S_ij. With S_jj = 0, X^T S X = W and the term is W/|G|."),
            Step("Averages over the others divide every S_ij by |G| - 1: together W/(|G| - 1)."),
            Step(
                "W/|G| = (|G| - 1)/|G| · W/(|G| - 1).",
                lambda: is_zero(total / s - (s - 1) / s * total / (s - 1)),
            ),
        ),
    ).finding()


def _others_exactly(_: CheckContext) -> Finding:
    def holds(entries: tuple[int, ...]) -> bool:
        a, b, c, d, e, f = map(Fraction, entries)
        term = (a + b + c + d + e + f) / 3
        averages = (c + e) / 2 + (a + f) / 2 + (b + d) / 2
        return term == Fraction(2, 3) * averages

    return for_every(product((-1, 0, 2), repeat=6), holds, str, "729 matrices for three tasks")


def _diagonal_proof(_: CheckContext) -> Finding:
    import sympy

    c, size = sympy.symbols("c size", positive=True)
    return WrittenProof(
        "adding c to every S_jj adds m c to the objective, for every X",
        (
            Step(
                "Each group of size s has s diagonal entries and divides by s.",
                lambda: is_zero(size * c / size - c),
            ),
            Step("m groups add m c; it does not depend on X, so no optimum moves."),
        ),
    ).finding()


def _diagonal_exactly(_: CheckContext) -> Finding:
    return for_every(
        (
            x
            for n, m in ((2, 2), (3, 2), (3, 3), (4, 2))
            for x in _assignments(n, m)
            if _feasible_8(x)
        ),
        lambda x: (
            sum((w for (i, k), w in _weights_8(x).items() if i == k), Fraction(0)) == len(x[0])
        ),
        str,
        "all feasible X for n ≤ 4 and m ≤ 3",
        "up_to",
    )


# --- distinct columns and feasibility -----------------------------------------------------------


def _distinct_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "for bits ‖x - y‖² ≥ 1 iff x ≠ y",
        (
            Step(
                "(a - b)² is 1 for different bits and 0 for equal ones.",
                lambda: all((a - b) ** 2 == int(a != b) for a in (0, 1) for b in (0, 1)),
            ),
            Step("So ‖x - y‖² counts the places where x and y differ: at least 1 iff x ≠ y."),
        ),
    ).finding()


def _distinct_exactly(_: CheckContext) -> Finding:
    def holds(pair: tuple[tuple[int, ...], ...]) -> bool:
        x, y = pair
        return (sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) >= 1) == (x != y)

    return for_every(
        (pair for n in range(1, 6) for pair in product(product((0, 1), repeat=n), repeat=2)),
        holds,
        str,
        "all pairs of columns with at most 5 tasks",
        "up_to",
    )


def _possible_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "without budgets Formulation 8 is feasible iff 1 ≤ m ≤ 2^n - 1",
        (
            Step("Columns are distinct nonempty subsets of n tasks; there are 2^n - 1 of them."),
            Step("For m ≤ 2^n - 1 take the full set and any m - 1 others: each task is covered."),
        ),
    ).finding()


def _possible_exactly(_: CheckContext) -> Finding:
    return for_every(
        [(n, m) for n in (1, 2) for m in range(1, 5)] + [(3, m) for m in (1, 2, 3)],
        lambda nm: any(_feasible_8(x) for x in _assignments(*nm)) == (nm[1] <= 2 ** nm[0] - 1),
        str,
        "all X for n ≤ 2, m ≤ 4 and n = 3, m ≤ 3",
        "up_to",
    )


_BITS = Assumption(
    "bits", "X has entries 0 and 1", lambda x: all(v in (0, 1) for r in x for v in r)
)
_NO_SELF = Assumption("zero diagonal", "S_jj = 0, as eq. 3 with sets gives (PTG-3-ZERO)")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-9-DIM",
        family="ptg",
        title="the weights y of eq. 9 have an entry a task",
        statement=r"This involves introducing a continuous variable $\mathbf y\in[0,1]^n$ [...] "
        r"$(X^T\mathbf 1)\odot\mathbf y=\mathbf 1$.",
        plain="With y in [0,1]^n and X of n rows and m columns, (X^T 1) ⊙ y = 1 is defined.",
        source=Source("PTG", "App. B", ("9",)),
        assumptions=(_BITS,),
        used_for="the program that is given to the solver",
        checks=(Check("three tasks, two groups", Method.EXACT, lambda _: refuted_by("PTG-9-DIM")),),
        reading="may be a printing error: with [0,1]^m everything fits (PTG-9)",
        repaired_by="PTG-9",
    ),
    Claim(
        id="PTG-9",
        family="ptg",
        title="eq. 9 is Formulation 8",
        statement=r"We present the transformation of Formulation 8 into a Mixed-Integer Quadratic "
        r"Programming (MIQP) problem [...], $\mathbf y\in[0,1]^m$.",
        plain="With y in [0,1]^m: X is feasible for eq. 8 exactly when one (X, y, Z) is feasible "
        "for eq. 9, and the two objectives agree for every S.",
        source=Source("PTG", "App. B; 4.2", ("8", "9")),
        assumptions=(_BITS,),
        used_for="solving Formulation 8 with a MIQP solver",
        checks=transformation_checks(),
        reading="y in [0,1]^m",
        repairs="PTG-9-DIM",
        notes="The budget is the same constraint in both. Overlapping groups are allowed in both.",
    ),
    Claim(
        id="PTG-8-TERM",
        family="ptg",
        title="a group's term is the sum of eq. 7's group gains, each task among its own sources",
        statement=r"The quadratic form $X_{\cdot j}^\top\mathcal S X_{\cdot j}$ arises from the "
        r"approximation stated in Proposition 1.",
        plain="(1/|G|) X^T S X = Σ_{j in G} (1/|G|) Σ_{i in G} S_ij: eq. 7 with A = G, j in G.",
        source=Source("PTG", "4.2", ("7", "8")),
        assumptions=(_BITS,),
        used_for="what Formulation 8 maximises",
        checks=(
            Check("double sums", Method.WRITTEN_PROOF, _term_written),
            Check("quadratic forms", Method.SYMBOLIC, _term_symbolic),
            Check("all groups of six", Method.EXHAUSTIVE, _term_exactly),
        ),
    ),
    Claim(
        id="PTG-8-OTHERS",
        family="ptg",
        title="a group's term averages each task's gain over the others",
        statement=r"$\frac1{\mathbf 1^\top X_{\cdot j}}X_{\cdot j}^\top\mathcal S X_{\cdot j}=\sum_"
        r"{k\in G_j}\mathcal S_{G_j\setminus\{k\}\to k}$ with the average of eq. 7.",
        plain="With S_jj = 0 a group's term is Σ_{j in G} of the average of S_ij over the other "
        "tasks i of the group.",
        source=Source("songoku", "on PTG's Formulation 8", ("7", "8")),
        assumptions=(_BITS, _NO_SELF),
        used_for="comparing groups of different size",
        checks=(Check("two tasks", Method.EXACT, lambda _: refuted_by("PTG-8-OTHERS")),),
        reading="a question of ours: eq. 4 makes A = G and A = G without j the same, eq. 7 does "
        "not",
        repaired_by="PTG-8-OTHERS-R",
    ),
    Claim(
        id="PTG-8-OTHERS-R",
        family="ptg",
        title="it is (|G|-1)/|G| of that",
        statement=r"With $\mathcal S_{kk}=0$: $\frac1{|G|}X^\top\mathcal SX=\frac{|G|-1}{|G|}\sum_"
        r"{k\in G}\mathcal S_{G\setminus\{k\}\to k}$ for $|G|\ge2$.",
        plain="With S_jj = 0 a group's term is (|G|-1)/|G| times the averages over the others.",
        source=Source("songoku", "repair of PTG-8-OTHERS", ("7", "8")),
        assumptions=(_BITS, _NO_SELF),
        used_for="Formulation 8 leans towards large groups when gains are positive: from 1/2 at "
        "|G| = 2 to 1",
        checks=(
            Check("one divisor for another", Method.WRITTEN_PROOF, _others_written),
            Check("quadratic forms", Method.SYMBOLIC, _others_symbolic),
            Check("729 matrices", Method.EXACT, _others_exactly),
        ),
        repairs="PTG-8-OTHERS",
    ),
    Claim(
        id="PTG-8-DIAG",
        family="ptg",
        title="a constant diagonal of S does not matter",
        statement=r"Replacing $\mathcal S$ by $\mathcal S+cI$ adds $mc$ to the objective of eq. 8 "
        r"at every feasible $X$.",
        plain="Adding one number to all S_jj moves no optimum of Formulation 8.",
        source=Source("songoku", "on PTG's Formulation 8", ("8",)),
        assumptions=(_BITS,),
        used_for="zero self-gains or all equal ones: the same groups; eq. 11's unequal ones are "
        "another objective",
        checks=(
            Check("one group", Method.WRITTEN_PROOF, _diagonal_proof),
            Check("small sizes", Method.EXHAUSTIVE, _diagonal_exactly),
        ),
    ),
    Claim(
        id="PTG-8-DISTINCT",
        family="ptg",
        title="the distance constraint says that groups are distinct",
        statement=r"The resulting groups remain distinct, and this distinctiveness is ensured by "
        r"the condition $\|X_{\cdot j_1}-X_{\cdot j_2}\|^2\ge1$.",
        plain="For columns of bits ‖x - y‖² ≥ 1 exactly when x ≠ y.",
        source=Source("PTG", "4.2", ("8", "9")),
        assumptions=(_BITS,),
        used_for="no group twice",
        checks=(
            Check("bits", Method.WRITTEN_PROOF, _distinct_proof),
            Check("all pairs of columns", Method.EXHAUSTIVE, _distinct_exactly),
        ),
        notes="Distinct, not disjoint: overlapping groups are feasible, and a task in two groups "
        "counts in both terms.",
    ),
    Claim(
        id="PTG-8-POSSIBLE",
        family="ptg",
        title="without budgets there is a grouping iff m ≤ 2^n - 1",
        statement=r"Without budgets the constraints of eq. 8 can be met if and only if $1\le m\le "
        r"2^n-1$.",
        plain="Formulation 8 without budgets is feasible exactly for 1 ≤ m ≤ 2^n - 1.",
        source=Source("songoku", "on PTG's Formulation 8", ("8",)),
        assumptions=(_BITS,),
        used_for="more groups than tasks are possible",
        checks=(
            Check("subsets", Method.WRITTEN_PROOF, _possible_proof),
            Check("small sizes", Method.EXHAUSTIVE, _possible_exactly),
        ),
    ),
)
