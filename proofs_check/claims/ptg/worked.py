"""The worked example of appendix D: feasible, its value, and whether it is optimal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.ptg._worked_data import CAPACITY, GAINS, MEMORY, SOLUTION
from proofs_check.counterexamples import Replay, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "best_checks", "group_value", "is_feasible"]

Group = tuple[int, ...]
Grouping = tuple[Group, ...]

OVERLAPPING: Grouping = ((0, 1, 5), (1, 2, 3), (3, 4))
DISJOINT: Grouping = ((0, 1, 5), (2, 3), (4,))


def group_value(group: Group) -> Fraction:
    """Return (1/|G|) Σ_{i, k in G} S_ik for eq. 11."""
    return sum((GAINS[i][k] for i in group for k in group), Fraction(0)) / len(group)


def _total(grouping: Grouping) -> Fraction:
    return sum((group_value(g) for g in grouping), Fraction(0))


def is_feasible(grouping: Sequence[Group]) -> bool:
    """Decide all the constraints of Formulation 8 with Table 7's budgets."""
    return (
        len(grouping) == len(CAPACITY)
        and all(grouping)
        and {i for g in grouping for i in g} == set(range(len(MEMORY)))
        and all(
            sum(MEMORY[i] for i in g) <= most for g, most in zip(grouping, CAPACITY, strict=True)
        )
        and len(set(grouping)) == len(grouping)
    )


def _is_partition(grouping: Grouping) -> bool:
    return sum(map(len, grouping)) == len(MEMORY)


def _named(grouping: Iterable[Group]) -> str:
    return ", ".join("{" + ", ".join(f"T{i + 1}" for i in g) + "}" for g in grouping)


@cache
def _all_feasible() -> tuple[Grouping, ...]:
    """Every feasible X of 2^18, as the three columns; too heavy columns are left out at once."""
    subsets = [g for size in range(1, 7) for g in combinations(range(6), size)]
    fitting = [[g for g in subsets if sum(MEMORY[i] for i in g) <= most] for most in CAPACITY]
    return tuple(x for x in product(*fitting) if is_feasible(x))


def _partitions() -> Iterator[Grouping]:
    """A second route to the disjoint ones: a node a task, 3^6 words."""
    for word in product(range(3), repeat=6):
        grouping = tuple(tuple(i for i in range(6) if word[i] == j) for j in range(3))
        if is_feasible(grouping):
            yield grouping


@replayer("ptg-better")
def _replay_better(data: Mapping[str, Any]) -> Replay:
    """A grouping against eq. 12: feasible, and worth more?"""
    other: Grouping = tuple(tuple(int(i) - 1 for i in g) for g in data["groups"])
    loads = [sum(MEMORY[i] for i in g) for g in other]
    printed, better = _total(SOLUTION), _total(other)
    feasible = is_feasible(other)
    return Replay(
        (
            f"eq. 12: {_named(SOLUTION)}; value "
            f"{' + '.join(str(group_value(g)) for g in SOLUTION)} = {printed}",
            f"instead: {_named(other)}; memory {loads} of {list(CAPACITY)} GB, "
            f"{'' if feasible else 'not '}feasible, "
            f"{'disjoint' if _is_partition(other) else 'overlapping'}",
            f"value {' + '.join(str(group_value(g)) for g in other)} = {better}",
            f"{better} - {printed} = {better - printed}",
        ),
        feasible and better > printed,
    )


def _count_better(disjoint: bool) -> Finding:
    printed = _total(SOLUTION)
    pool = [x for x in _all_feasible() if not disjoint or _is_partition(x)]
    better = [x for x in pool if _total(x) > printed]
    kind = "disjoint" if disjoint else "all"
    if not better:
        return inconclusive("2^18 assignments", f"none of {len(pool)} {kind} feasible X is better")
    return refutes(
        "all assignments of six tasks to three nodes",
        f"{len(better)} of the {len(pool)} feasible X ({kind}) are worth more than {printed}",
    )


def best_checks(best: Grouping, disjoint: bool) -> tuple[Check, ...]:
    """Return the checks that `best` is optimal (among disjoint groupings, or among all)."""
    value = _total(best)

    def exhaustively(_: CheckContext) -> Finding:
        pool = [x for x in _all_feasible() if not disjoint or _is_partition(x)]
        if best not in pool:
            return refutes("all feasible X", f"{_named(best)} is not feasible")
        better = [x for x in pool if _total(x) > value]
        if better:
            return refutes("all feasible X", f"{_named(better[0])} is worth more")
        ties = sum(_total(x) == value for x in pool)
        return supports(
            "all_sizes",
            "every assignment of six tasks to three nodes",
            f"none of {len(pool)} feasible X is worth more than {value}; {ties} are worth as much",
        )

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            # One choice of a column a node; its value is a table, scaled to integers.
            bits = [[z3.Bool(f"x{i}{j}") for j in range(3)] for i in range(6)]
            given: list[Any] = [z3.Or(*row) for row in bits]
            if disjoint:
                given += [
                    z3.Not(z3.And(r[j], r[k])) for r in bits for j, k in ((0, 1), (0, 2), (1, 2))
                ]
            worth = [z3.Int(f"v{j}") for j in range(3)]
            for j, most in enumerate(CAPACITY):
                choices = []
                for size in range(1, 7):
                    for g in combinations(range(6), size):
                        if sum(MEMORY[i] for i in g) > most:
                            continue
                        same = z3.And(*[bits[i][j] == (i in g) for i in range(6)])
                        scaled = int(group_value(g) * 600)
                        choices.append(z3.And(same, worth[j] == scaled))
                given.append(z3.Or(*choices))
            given += [
                z3.Or(*[z3.Xor(r[j], r[k]) for r in bits]) for j, k in ((0, 1), (0, 2), (1, 2))
            ]
            return [smt.Obligation("optimal", given, sum(worth) <= int(value * 600))]

        return smt.prove(build, f"no feasible X is worth more than {value}", timeout_ms=30_000)

    return (
        Check("all assignments", Method.EXACT, exhaustively),
        Check("columns chosen by z3", Method.SMT, solver),
    )


def _partition_route(_: CheckContext) -> Finding:
    return for_every(
        _partitions(),
        lambda x: _total(x) <= _total(DISJOINT),
        _named,
        "3^6 ways to give each task one node",
        "up_to",
    )


def _is_the_table(_: CheckContext) -> Finding:
    printed = ((4, 4, 4), (3, 3, 3), (5, 5, 5), (2, 2, 2), (6, 6, 6), (3, 3, 3))
    if printed != tuple((cost,) * 3 for cost in MEMORY) or CAPACITY != (10, 10, 8):
        return refutes("eq. 10", "an entry differs from Table 7")
    return supports("all_sizes", "18 entries and 3 capacities", "eq. 10 is Table 7, entry by entry")


def _loads(_: CheckContext) -> Finding:
    wanted = (9, 8, 6)
    return for_every(
        range(3),
        lambda j: sum(MEMORY[i] for i in SOLUTION[j]) == wanted[j] <= CAPACITY[j],
        lambda j: f"node {j + 1}",
        "9 ≤ 10, 8 ≤ 10 and 6 ≤ 8 GB, as printed",
        "up_to",
    )


def _feasible_exactly(_: CheckContext) -> Finding:
    if not is_feasible(SOLUTION):
        return refutes("eq. 12", "a constraint fails")
    return supports(
        "all_sizes", "all constraints of eq. 8", "cover, nonempty, budgets and distinctness hold"
    )


def _value_exactly(_: CheckContext) -> Finding:
    parts = [group_value(g) for g in SOLUTION]
    if parts != [Fraction(28, 30), Fraction(13, 20), Fraction(4, 5)]:
        return refutes("eq. 12", f"contributions {parts}")
    total = sum(parts, Fraction(0))
    if abs(total - Fraction(2383, 1000)) > Fraction(1, 2000):
        return refutes("eq. 12", f"total {total}")
    return supports("all_sizes", "one sum", f"2.8/3 + 1.3/2 + 0.8 = {total}, which rounds to 2.383")


def _value_by_relabelling(_: CheckContext) -> Finding:
    """A second route: diagonal and twice the upper triangle, as D.3 adds them up."""

    def holds(order: tuple[int, ...]) -> bool:
        total = Fraction(0)
        for j in order:
            group = SOLUTION[j]
            square = sum((GAINS[i][i] for i in group), Fraction(0))
            square += 2 * sum((GAINS[i][k] for i, k in combinations(group, 2)), Fraction(0))
            total += square / len(group)
        return total == Fraction(143, 60)

    return for_every(permutations(range(3)), holds, str, "the three groups in every order", "up_to")


_DATA = Assumption("the printed data", "Table 7, eq. 10 and eq. 11", is_feasible)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-10",
        family="ptg",
        title="the budgets are feasible for the stated solution",
        statement=r"We explicitly verify that $X^*$ satisfies all imposed conditions: [...] Node "
        r"$G_1$: $9\le10$, node $G_2$: $8\le10$, node $G_3$: $6\le8$.",
        plain="Eq. 10 is Table 7; X* of eq. 12 covers every task, leaves no node empty, respects "
        "the memory (9, 8 and 6 GB) and has distinct columns.",
        source=Source("PTG", "App. D.1, Table 7; App. D.2", ("10", "12")),
        assumptions=(_DATA,),
        used_for="the worked example",
        checks=(
            Check("all constraints", Method.EXACT, _feasible_exactly),
            Check("the printed loads", Method.EXHAUSTIVE, _loads),
            Check("eq. 10 against Table 7", Method.EXACT, _is_the_table),
        ),
    ),
    Claim(
        id="PTG-D3",
        family="ptg",
        title="the objective at the stated solution is about 2.383",
        statement=r"Total Objective Score: $0.933+0.65+0.8\approx2.383$.",
        plain="At X* the objective of Formulation 8 is 143/60 = 2.38333...",
        source=Source("PTG", "App. D.3", ("8", "11", "12")),
        assumptions=(_DATA,),
        used_for="the worked example",
        checks=(
            Check("three groups", Method.EXACT, _value_exactly),
            Check("in every order", Method.EXHAUSTIVE, _value_by_relabelling),
        ),
        notes="0.5 + 0.6 + 0.8 = 1.9 of it, before dividing, comes from the diagonal.",
    ),
    Claim(
        id="PTG-12",
        family="ptg",
        title="the stated solution is optimal",
        statement=r"The objective is to maximize the group transfer gain subject to the "
        r"constraints defined in Formulation 8 [...]. An optimal solution $X^*\in\{0,1\}^{6\times"
        r"3}$ identified for this configuration is [...].",
        plain="No X that meets the constraints of Formulation 8 has an objective above X*'s.",
        source=Source("PTG", "App. D.2", ("8", "11", "12")),
        assumptions=(_DATA,),
        used_for="'the framework identifies high-affinity task groups'",
        checks=(
            Check("a better grouping", Method.EXACT, lambda _: refuted_by("PTG-12")),
            Check("all assignments", Method.EXHAUSTIVE, lambda _: _count_better(False)),
        ),
        reading="as Formulation 8 has it: groups may overlap. PTG-12-DISJOINT judges the other",
        repaired_by="PTG-12-R",
    ),
    Claim(
        id="PTG-12-R",
        family="ptg",
        title="the optimum is 61/20, with overlap",
        statement=r"The maximum of Formulation 8 for the data of appendix D is $\frac{61}{20}="
        r"3.05$, at $\{T_1,T_2,T_6\},\{T_2,T_3,T_4\},\{T_4,T_5\}$.",
        plain="The largest objective is 61/20 = 3.05.",
        source=Source("songoku", "repair of PTG's appendix D", ("8", "11", "12")),
        assumptions=(_DATA,),
        used_for="a worked example that can be checked",
        checks=best_checks(OVERLAPPING, disjoint=False),
        repairs="PTG-12",
        notes="Two tasks stand in two groups each, and their gains count twice.",
    ),
    Claim(
        id="PTG-12-DISJOINT",
        family="ptg",
        title="the stated solution is optimal among disjoint groups",
        statement=r"An optimal solution $X^*$ [...]; the sum of each row in $X^*$ is exactly 1.",
        plain="No partition of the six tasks that meets the budgets has an objective above X*'s.",
        source=Source("PTG", "App. D.2, without overlap", ("8", "11", "12")),
        assumptions=(_DATA,),
        used_for="the charitable reading of 'optimal': every task in one group",
        checks=(
            Check("a better partition", Method.EXACT, lambda _: refuted_by("PTG-12-DISJOINT")),
            Check("all partitions", Method.EXHAUSTIVE, lambda _: _count_better(True)),
        ),
        reading="with X 1 = 1 in place of X 1 ≥ 1, which the paper does not ask for",
        repaired_by="PTG-12-DISJOINT-R",
        notes="With the diagonal left out (eq. 3 at i = j is 0) X* is not optimal either: 1/2 "
        "against 14/15.",
    ),
    Claim(
        id="PTG-12-DISJOINT-R",
        family="ptg",
        title="without overlap the optimum is 17/6",
        statement=r"Among partitions the maximum is $\frac{17}6\approx2.833$, at $\{T_1,T_2,T_6\},"
        r"\{T_3,T_4\},\{T_5\}$.",
        plain="The largest objective of a feasible partition is 17/6 = 2.8333...",
        source=Source("songoku", "repair of PTG's appendix D", ("8", "11", "12")),
        assumptions=(_DATA,),
        used_for="a worked example without overlap: T6 and T4 change places",
        checks=(
            *best_checks(DISJOINT, disjoint=True),
            Check("a node a task", Method.EXHAUSTIVE, _partition_route),
        ),
        repairs="PTG-12-DISJOINT",
    ),
)
