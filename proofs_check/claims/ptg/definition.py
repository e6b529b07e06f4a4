"""Definitions 1 to 3 and eq. 1 to 5: what they promise, where they apply, what follows at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any

from proofs_check.claims.ptg._evidence import limited
from proofs_check.claims.ptg._losses import (
    LEARNING_RATE,
    Rule,
    Task,
    four_squares,
    gain,
    read_tasks,
    step,
)
from proofs_check.claims.ptg._worked_data import GAINS
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "small_tasks"]

_ZERO = (Fraction(0),)


def small_tasks() -> tuple[Task, ...]:
    """Return four tasks on a line whose losses stay positive after a step of 1/4 from 0."""
    shapes = ((9, 1, 1), (9, -2, 1), (9, 2, -1), (9, 1, 0))
    return tuple(Task(Fraction(c), (Fraction(b),), (Fraction(h),)) for c, b, h in shapes)


def _subsets(size: int) -> Iterator[tuple[int, ...]]:
    for count in range(1, size + 1):
        yield from combinations(range(size), count)


# --- eq. 1 and 2 --------------------------------------------------------------------------------


def _partitions(items: tuple[int, ...]) -> Iterator[list[tuple[int, ...]]]:
    if not items:
        yield []
        return
    head, rest = items[0], items[1:]
    for others in _subsets_of(rest):
        left = tuple(x for x in rest if x not in others)
        for tail in _partitions(left):
            yield [(head, *others), *tail]


def _subsets_of(items: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for count in range(len(items) + 1):
        yield from combinations(items, count)


def _joint_minimum(centres: Sequence[Fraction], weights: Sequence[Fraction]) -> Fraction:
    """min over φ of Σ λ_i (φ - a_i)², exactly: the weighted mean minimises it."""
    mean = sum((w * a for w, a in zip(weights, centres, strict=True)), Fraction(0)) / sum(weights)
    return sum((w * (mean - a) ** 2 for w, a in zip(weights, centres, strict=True)), Fraction(0))


def _split_exactly(_: CheckContext) -> Finding:
    def holds(case: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
        centres, weights = [Fraction(a) for a in case[0]], [Fraction(w) for w in case[1]]
        everything = tuple(range(len(centres)))
        joint = _joint_minimum(centres, weights)
        for groups in _partitions(everything):
            parts = sum(
                _joint_minimum([centres[i] for i in g], [weights[i] for i in g]) for g in groups
            )
            if not 0 <= parts <= joint:
                return False
        return True

    return for_every(
        product(product((0, 1, 3), repeat=4), ((1, 1, 1, 1), (1, 2, 1, 3))),
        holds,
        str,
        "L_i = (φ - a_i)², four tasks, all partitions, two sets of weights",
    )


def _split_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "the infima of eq. 2 add up to at most the infimum of eq. 1, and singletons give the least",
        (
            Step("Let (φ, θ) be feasible for eq. 1. Put φ_j = φ in every group."),
            Step("Then Σ_j Σ_{i in G_j} λ_i L_i(φ_j, θ_i) is the value of eq. 1, term by term."),
            Step("So the sum of the groups' infima is at most the infimum of eq. 1."),
            Step("The same argument inside a group: splitting it further never raises the sum."),
        ),
    ).finding()


@replayer("ptg-best-for-all")
def _replay_best_for_all(data: Mapping[str, Any]) -> Replay:
    """All groupings into m groups, overlapping ones too: is one of them best for every task?"""
    centres = [rational(a) for a in data["centres"]]
    size, groups = len(centres), int(data["groups"])
    value: dict[tuple[tuple[int, ...], ...], tuple[Fraction, ...]] = {}
    for chosen in combinations(_subsets(size), groups):
        if len({i for g in chosen for i in g}) < size:
            continue
        means = {g: sum((centres[i] for i in g), Fraction(0)) / len(g) for g in chosen}
        value[chosen] = tuple(
            min((means[g] - centres[i]) ** 2 for g in chosen if i in g) for i in range(size)
        )
    best = [min(v[i] for v in value.values()) for i in range(size)]
    winners = [g for g, v in value.items() if list(v) == best]
    return Replay(
        (
            f"L_i = (φ - a_i)², a = {', '.join(map(str, centres))}; {groups} groups, overlap "
            f"allowed: {len(value)} groupings; a task takes its best group",
            f"the best that each task gets in some grouping: {', '.join(map(str, best))}",
            f"groupings that give all of them that at once: {len(winners)}",
        ),
        not winners,
    )


def _enough_groups(_: CheckContext) -> Finding:
    return WrittenProof(
        "with at least n groups the singletons are best for every task, at the optimum of eq. 2",
        (
            Step("A task alone is free to reach the infimum of its own loss."),
            Step("In any group its loss at the group's minimiser is at least that infimum."),
            Step("With n groups or more all singletons can be among them (overlap allowed)."),
        ),
    ).finding()


def _enough_groups_exactly(_: CheckContext) -> Finding:
    def holds(centres: tuple[int, ...]) -> bool:
        outcome = _replay_best_for_all({"centres": list(centres), "groups": len(centres)})
        return not outcome.violated

    return for_every(
        product((0, 1, 3), repeat=3), holds, str, "three tasks in three groups, all groupings"
    )


# --- Definition 3 -------------------------------------------------------------------------------


@replayer("ptg-zero-loss")
def _replay_zero(data: Mapping[str, Any]) -> Replay:
    tasks = read_tasks(data["tasks"])
    phi, eta = tuple(map(rational, data["phi"])), rational(data["eta"])
    target = int(data["target"])
    alone = step(tasks, (target,), phi, eta, "sum")
    loss = tasks[target].loss(alone)
    return Replay(
        (
            f"task {target + 1} alone steps to {', '.join(map(str, alone))}",
            f"its loss there, the denominator of eq. 3, is {loss}",
        ),
        loss == 0,
    )


def _defined(_: CheckContext) -> Finding:
    return WrittenProof(
        "eq. 3 and 4 define a number exactly when L_j(φ_{j}, θ_j) is not 0",
        (
            Step("Both are 1 minus a quotient of two real numbers with that denominator."),
            Step("A quotient of reals is defined iff its denominator is not 0."),
        ),
    ).finding()


def _defined_exactly(_: CheckContext) -> Finding:
    def holds(case: tuple[int, ...]) -> bool:
        constant, slope, bend = map(Fraction, case)
        tasks = (Task(Fraction(1), (Fraction(1),), _ZERO), Task(constant, (slope,), (bend,)))
        alone = tasks[1].loss(step(tasks, (1,), _ZERO, Fraction(1), "sum"))
        try:
            gain(tasks, (0,), 1, _ZERO, Fraction(1))
        except ZeroDivisionError:
            return alone == 0
        return alone != 0

    return for_every(
        product(range(-2, 3), repeat=3), holds, str, "125 quadratic losses, steps of 1 from 0"
    )


def _self_gain_zero(_: CheckContext) -> Finding:
    return WrittenProof(
        "eq. 3 at i = j is 0",
        (
            Step("{j, j} = {j}, so φ_{j,j} and φ_{j} are the same parameters."),
            Step("Numerator and denominator of eq. 3 agree, and 1 - 1 = 0."),
        ),
    ).finding()


def _self_gain_exactly(_: CheckContext) -> Finding:
    tasks = small_tasks()
    rules: tuple[Rule, ...] = ("sum", "mean")
    return for_every(
        product(range(len(tasks)), rules),
        lambda case: gain(tasks, (case[0],), case[0], _ZERO, Fraction(1, 4), case[1]) == 0,
        str,
        "four quadratic tasks, updates summed and averaged",
    )


@replayer("ptg-diagonal")
def _replay_diagonal(data: Mapping[str, Any]) -> Replay:
    """A printed diagonal entry against what eq. 3 gives for i = j."""
    printed = [rational(x) for x in data["diagonal"]]
    tasks = small_tasks()
    found = gain(tasks, (0,), 0, _ZERO, Fraction(1, 4))
    wrong = [f"S_{i}{i} = {x}" for i, x in enumerate(printed, start=1) if x != found]
    return Replay(
        (
            f"eq. 3 with the set {{j, j}} = {{j}}: S_j→j = {found}, whatever the losses are",
            f"the printed diagonal: {', '.join(map(str, printed))}",
            f"entries that differ: {', '.join(wrong) or 'none'}",
        ),
        bool(wrong),
    )


def _realised(_: CheckContext) -> Finding:
    """Six linear tasks in 24 dimensions whose gains, with j counted twice, are eq. 11 exactly."""
    size = len(GAINS)
    lower = [[Fraction(int(i == k)) for k in range(size)] for i in range(size)]
    pivots: list[Fraction] = []
    for k in range(size):
        taken = sum((lower[k][p] ** 2 * pivots[p] for p in range(k)), Fraction(0))
        pivots.append(GAINS[k][k] - taken)
        for i in range(k + 1, size):
            mixed = sum((lower[i][p] * lower[k][p] * pivots[p] for p in range(k)), Fraction(0))
            lower[i][k] = (GAINS[i][k] - mixed) / pivots[k]
    rows: list[tuple[Fraction, ...]] = []
    for i in range(size):
        row: list[Fraction] = []
        for k in range(size):
            roots = four_squares(pivots[k].numerator * pivots[k].denominator)
            row += [lower[i][k] * Fraction(r, pivots[k].denominator) for r in roots]
        rows.append(tuple(row))
    flat = (Fraction(0),) * len(rows[0])
    # The constant makes the loss of j after its own step 1.
    tasks = [Task(1 + sum((x * x for x in row), Fraction(0)), row, flat) for row in rows]
    return for_every(
        product(range(size), repeat=2),
        lambda p: gain(tasks, (p[0],), p[1], flat, Fraction(1), "repeated") == GAINS[p[0]][p[1]],
        str,
        "all 36 entries of eq. 11, from six linear losses with rational gradients, η = 1",
        "all_sizes" if all(p > 0 for p in pivots) else "instances",
    )


def _positive_definite(_: CheckContext) -> Finding:
    import sympy

    matrix = sympy.Matrix([[sympy.Rational(x.numerator, x.denominator) for x in r] for r in GAINS])
    minors = [matrix[:k, :k].det() for k in range(1, matrix.rows + 1)]
    return WrittenProof(
        "eq. 11 is the matrix of gains of six linear tasks, j's own gradient counted twice",
        (
            Step(
                "Eq. 11 is symmetric with positive leading minors: a Gram matrix of gradients g_i.",
                lambda: bool(matrix == matrix.T and all(m > 0 for m in minors)),
            ),
            Step(
                "L_j(φ) = 1 + |g_j|² + ⟨g_j, φ⟩ at φ = 0 with η = 1: the step of j alone leads to "
                "loss 1, and one more gradient g_i lowers it by ⟨g_i, g_j⟩ = S_ij."
            ),
        ),
    ).finding()


# --- eq. 4 and 5 --------------------------------------------------------------------------------


def _union_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "eq. 4 at A = {i} is eq. 3, and S_{A∪{j}→j} = S_{A→j}",
        (
            Step("{i} ∪ {j} = {i, j}: eq. 4 at A = {i} is eq. 3 letter by letter."),
            Step("(A ∪ {j}) ∪ {j} = A ∪ {j}: the same parameters, so the same quotient."),
        ),
    ).finding()


def _union_exactly(_: CheckContext) -> Finding:
    tasks = small_tasks()
    rules: tuple[Rule, ...] = ("sum", "mean")

    def holds(case: tuple[tuple[int, ...], int, Rule]) -> bool:
        group, target, rule = case
        eta = Fraction(1, 4)
        plain = gain(tasks, group, target, _ZERO, eta, rule)
        return plain == gain(tasks, (*group, target), target, _ZERO, eta, rule)

    return for_every(
        product(_subsets(4), range(4), rules), holds, str, "all sets of four quadratic tasks"
    )


def _additive_proof(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        s = sympy.symbols("s1:6")
        return [
            (f"|B| = {cut}, |B'| = {5 - cut}", sum(s), sum(s[:cut]) + sum(s[cut:]))
            for cut in range(6)
        ]

    found = prove_identities(build, "a sum over B ∪ B' is the two sums where B and B' are disjoint")
    return limited(found, "five targets, cut anywhere")


def _additive_written(_: CheckContext) -> Finding:
    return WrittenProof(
        "S_{A→B∪B'} = S_{A→B} + S_{A→B'} for disjoint B and B'",
        (
            Step("Eq. 5 is a sum with one term a target; B ∪ B' has the targets of both, once."),
            Step("Terms of a finite sum may be grouped at will."),
        ),
    ).finding()


def _additive_exactly(_: CheckContext) -> Finding:
    tasks = small_tasks()

    def total(group: Sequence[int], targets: Sequence[int]) -> Fraction:
        return sum((gain(tasks, group, j, _ZERO, Fraction(1, 4)) for j in targets), Fraction(0))

    def holds(case: tuple[tuple[int, ...], tuple[int, ...]]) -> bool:
        group, targets = case
        return all(
            total(group, targets) == total(group, targets[:cut]) + total(group, targets[cut:])
            for cut in range(len(targets) + 1)
        )

    return for_every(product(_subsets(4), _subsets(4)), holds, str, "all pairs of sets, four tasks")


def _difference_by_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        top, low = z3.Reals("top low")
        return [smt.Obligation("quotient", [low != 0], (low - top) / low == 1 - top / low)]

    return smt.prove(build, "1 - a/b = (b - a)/b, the first line of appendix A")


_DEFINED = Assumption(
    "denominator not 0", "L_j(φ_{j}, θ_j) ≠ 0 after the step", lambda loss: loss != 0
)
_OPTIMUM = Assumption("at the optimum", "the objectives of eq. 1 and 2 are minimised exactly")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-1-SPLIT",
        family="ptg",
        title="training groups apart never raises the minimal total loss",
        statement=r"$\min_{\phi_j,\{\theta_i\}_{i\in G_j}}\sum_{i\in G_j}\lambda_iL_i(\phi_j,"
        r"\theta_i),\ \forall G_j\in G$. [...] This group-wise optimization approach enhances both "
        r"computational efficiency and learning effectiveness.",
        plain="For a partition into groups the minima of eq. 2 add up to at most the minimum of "
        "eq. 1; singletons give the least of all.",
        source=Source("PTG", "3, Definition 1 and Definition 2", ("1", "2")),
        assumptions=(_OPTIMUM,),
        used_for="'group-wise optimization enhances learning effectiveness'",
        checks=(
            Check("copy the shared parameters", Method.WRITTEN_PROOF, _split_proof),
            Check("all partitions of four tasks", Method.EXACT, _split_exactly),
        ),
        reading="what eq. 1 and 2 say about training losses at their optimum",
        notes="So by eq. 2 alone every grouping is at best as good as single-task learning. What "
        "groups gain, they gain in generalisation, or away from the optimum.",
    ),
    Claim(
        id="PTG-D2",
        family="ptg",
        title="some grouping is best for every task at once",
        statement=r"Task grouping aims to establish a mapping [...] ensuring the inclusion of at "
        r"least one task in each group and resulting in the best performance for each task.",
        plain="For every number of groups there is a grouping that gives each task the best value "
        "that it gets in any grouping.",
        source=Source("PTG", "3, Definition 2", ("2",)),
        assumptions=(_OPTIMUM,),
        used_for="what the method looks for",
        checks=(Check("three tasks, two groups", Method.EXACT, lambda _: refuted_by("PTG-D2")),),
        reading="'the best performance for each task' word by word; as an aim (a best compromise) "
        "it is not a claim",
        repaired_by="PTG-D2-R",
    ),
    Claim(
        id="PTG-D2-R",
        family="ptg",
        title="with as many groups as tasks one grouping is best for all",
        statement=r"If overlap is allowed and $m\ge n$, a grouping that contains all singletons is "
        r"best for every task at the optimum of eq. 2.",
        plain="With m ≥ n groups the singletons are best for every task.",
        source=Source("songoku", "repair of PTG's Definition 2", ("2",)),
        assumptions=(_OPTIMUM,),
        used_for="below n groups an objective has to weigh the tasks, as Formulation 8 does",
        checks=(
            Check("a task alone", Method.WRITTEN_PROOF, _enough_groups),
            Check("three tasks", Method.EXACT, _enough_groups_exactly),
        ),
        repairs="PTG-D2",
    ),
    Claim(
        id="PTG-3-FREE",
        family="ptg",
        title="the gain needs no conditions",
        statement=r"The proposed transfer gain is derived independently of any conditions.",
        plain="Eq. 3 defines a number for every pair of differentiable losses.",
        source=Source("PTG", "1; 4.1, Definition 3", ("3", "4")),
        assumptions=(LEARNING_RATE,),
        used_for="'assumption-free transfer gain'",
        checks=(
            Check(
                "a loss that one step brings to 0", Method.EXACT, lambda _: refuted_by("PTG-3-FREE")
            ),
            Check("quotients", Method.WRITTEN_PROOF, _defined, under_condition=True),
            Check("125 losses", Method.EXACT, _defined_exactly, under_condition=True),
        ),
        condition="L_j(φ_{j}, θ_j) is not 0",
        repaired_by="PTG-3-FREE-R",
        notes="Proposition 1 states L_j ≥ C > 0. Observation 1 does not: see PTG-O1.",
    ),
    Claim(
        id="PTG-3-FREE-R",
        family="ptg",
        title="the gain needs a denominator that is not 0, and nothing else",
        statement=r"Equations 3 and 4 define a number if and only if $L_j(\phi_{\{j\}}^{t+1},"
        r"\theta_j^{t+1})\ne0$.",
        plain="Eq. 3 and 4 are defined exactly where L_j(φ_{j}, θ_j) ≠ 0.",
        source=Source("songoku", "repair of PTG's Definition 3", ("3", "4")),
        assumptions=(LEARNING_RATE,),
        used_for="every use of the gains",
        checks=(
            Check("quotients", Method.WRITTEN_PROOF, _defined),
            Check("125 losses", Method.EXACT, _defined_exactly),
        ),
        repairs="PTG-3-FREE",
    ),
    Claim(
        id="PTG-3-ZERO",
        family="ptg",
        title="the gain of a task to itself is 0",
        statement=r"Definition 3 at $i=j$: $\mathcal S_{j\to j}^t=0$.",
        plain="Eq. 3 asks for T_i ≠ T_j; applied to i = j it gives 0.",
        source=Source("songoku", "on PTG's Definition 3", ("3",)),
        assumptions=(_DEFINED,),
        used_for="the diagonal of S, which Formulation 8 uses",
        checks=(
            Check("a set has no copies", Method.WRITTEN_PROOF, _self_gain_zero),
            Check("four tasks", Method.EXACT, _self_gain_exactly),
        ),
    ),
    Claim(
        id="PTG-11",
        family="ptg",
        title="the example's matrix is one of gains",
        statement=r"Assume the cumulative transfer gains $\mathcal S\in\mathbb R^{6\times6}$ have "
        r"been collected via the procedure described in Section 4.1. [...] $\mathcal S_{11}=0.5,"
        r"\dots,\mathcal S_{66}=0.4$.",
        plain="Eq. 3 and 7 can give the matrix of eq. 11.",
        source=Source("PTG", "App. D.1; 4.1, Definition 3", ("3", "7", "11")),
        assumptions=(_DEFINED,),
        used_for="the worked example; figure 5, where tasks have gains with themselves",
        checks=(
            Check("the diagonal", Method.EXACT, lambda _: refuted_by("PTG-11")),
            Check("six linear tasks", Method.EXACT, _realised, under_condition=True),
            Check("a Gram matrix", Method.WRITTEN_PROOF, _positive_definite, under_condition=True),
        ),
        condition="a task paired with itself counts its gradient twice",
        repaired_by="PTG-11-R",
        notes="Definition 3 leaves i = j out, its formula gives 0 there (PTG-3-ZERO), and Table 9 "
        "counts the updates of all i, j. Both readings are judged: sets refute, lists allow it.",
    ),
    Claim(
        id="PTG-11-R",
        family="ptg",
        title="with lists in place of sets it is",
        statement=r"With $\phi_{\{j,j\}}^{t+1}=\phi^t-2\eta G_j^t$ there are six linear losses "
        r"whose gains at one step are exactly eq. 11.",
        plain="If a task paired with itself counts its gradient twice, six linear losses have the "
        "gains of eq. 11.",
        source=Source("songoku", "repair of PTG's App. D.1", ("3", "11")),
        assumptions=(_DEFINED,),
        used_for="reading the diagonals of eq. 11 and figure 5",
        checks=(
            Check("six linear tasks", Method.EXACT, _realised),
            Check("a Gram matrix", Method.WRITTEN_PROOF, _positive_definite),
        ),
        repairs="PTG-11",
    ),
    Claim(
        id="PTG-4-UNION",
        family="ptg",
        title="eq. 4 extends eq. 3, and j among its own sources changes nothing",
        statement=r"$\mathcal S_{\{i\}\to j}^t=\mathcal S_{i\to j}^t$ and $\mathcal S_{A\cup\{j\}"
        r"\to j}^t=\mathcal S_{A\to j}^t$.",
        plain="Eq. 4 with one source is eq. 3; adding j to A changes nothing.",
        source=Source("PTG", "4.1, Definition 3", ("3", "4")),
        assumptions=(_DEFINED,),
        used_for="Proposition 1; the groups of Formulation 8, which contain their targets",
        checks=(
            Check("unions", Method.WRITTEN_PROOF, _union_proof),
            Check("four tasks", Method.EXACT, _union_exactly),
            Check("the first line of appendix A", Method.SMT, _difference_by_solver),
        ),
    ),
    Claim(
        id="PTG-5",
        family="ptg",
        title="group to group: additive in the targets",
        statement=r"$\mathcal S_{A\to B}^t=\sum_{j\in B}\mathcal S_{A\to j}^t$.",
        plain="Eq. 5: for disjoint B and B' the gain of A to B ∪ B' is the sum of the two.",
        source=Source("PTG", "4.1, Definition 3", ("5",)),
        assumptions=(_DEFINED,),
        used_for="the objective of Formulation 8 sums over the tasks of a group",
        checks=(
            Check("grouping terms", Method.WRITTEN_PROOF, _additive_written),
            Check("sums", Method.SYMBOLIC, _additive_proof),
            Check("four tasks", Method.EXACT, _additive_exactly),
        ),
    ),
)
