"""EXT-13: to first order the group gain is the sum of the pairwise gains, not their average.

Write f = L_j(·, θ_j^{t+1}) with an M-Lipschitz gradient, D = f(φ_{j}) ≥ C, d_i the move from φ_{j}
that source i causes, and d the one that all of A cause. Summed updates: d_i = -η G_i, d = Σ d_i.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations, product
from types import ModuleType
from typing import Any, Literal

from proofs_check.claims.ptg._evidence import limited
from proofs_check.claims.ptg._losses import LEARNING_RATE, LOWER_BOUND, Task, dot, gain
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import Expression, is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "mean_checks", "sum_checks"]

Kind = Literal["stated", "sharp"]


def _constant(size: Fraction | int, kind: Kind) -> Fraction:
    """The bound over M η² l²/C: (a² + a)/2 as EXT-13 states it, (a² - a)/2 as it can be."""
    a = Fraction(size)
    return (a * a + a) / 2 if kind == "stated" else (a * a - a) / 2


def _drop(
    move: Sequence[Fraction], slope: Sequence[Fraction], bend: Sequence[Fraction]
) -> Fraction:
    """How much f falls by `move` from φ_{j}; bend is the diagonal of its Hessian."""
    curved = sum((h * x * x for h, x in zip(bend, move, strict=True)), Fraction(0))
    return -(dot(slope, move) + curved / 2)


def _off_sum(
    moves: Sequence[Sequence[Fraction]], slope: Sequence[Fraction], bend: Sequence[Fraction]
) -> Fraction:
    """|drop of all - Σ drops|, which is D |S_A - Σ S_i|."""
    whole = [sum(column, Fraction(0)) for column in zip(*moves, strict=True)]
    single = sum((_drop(m, slope, bend) for m in moves), Fraction(0))
    return abs(_drop(whole, slope, bend) - single)


def _sum_holds(
    moves: Sequence[Sequence[Fraction]],
    slope: Sequence[Fraction],
    bend: Sequence[Fraction],
    kind: Kind,
    factor: Fraction,
) -> bool:
    smooth = max(abs(h) for h in bend)
    longest = max(dot(m, m) for m in moves)
    return _off_sum(moves, slope, bend) <= factor * _constant(len(moves), kind) * smooth * longest


def sum_checks(kind: Kind, factor: Fraction = Fraction(1)) -> tuple[Check, ...]:
    """Return the checks of |S_A - Σ S_i| ≤ factor · M η² l² (a² ± a)/(2C)."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        a, k, x, y = sympy.symbols("a k x y")
        scale = sympy.Rational(factor.numerator, factor.denominator)
        if kind == "stated":
            steps = (
                Step(
                    "M-smoothness: |f(φ_{j} + v) - f(φ_{j}) - ∇f(φ_{j})ᵀv| ≤ M|v|²/2 for v = d and "
                    "each v = d_i."
                ),
                Step("d = Σ d_i, so the linear terms of S_A and Σ S_i agree."),
                Step(
                    "|d| ≤ a η l and |d_i| ≤ η l: the remainders add up to at most "
                    "M η² l² (a² + a)/2; divide by D ≥ C.",
                    lambda: is_zero(a**2 / 2 + a / 2 - scale * (a**2 + a) / 2),
                ),
            )
        else:
            steps = (
                Step(
                    "Put s_k = d_1 + ... + d_k. f(φ + s_a) - f(φ) - Σ (f(φ + d_k) - f(φ)) is the "
                    "sum over k of [f(φ + s_k) - f(φ + s_{k-1})] - [f(φ + d_k) - f(φ)]."
                ),
                Step(
                    "Each bracket pair is ∫ (∇f(φ + s_{k-1} + τ d_k) - ∇f(φ + τ d_k))ᵀd_k dτ over "
                    "[0, 1], at most M |s_{k-1}| |d_k| ≤ M (k-1) η² l². For a quadratic on a line:",
                    lambda: is_zero((x + y) ** 2 / 2 - x**2 / 2 - y**2 / 2 - x * y),
                ),
                Step(
                    "Σ_{k=1}^a (k-1) = (a² - a)/2; divide by D ≥ C.",
                    lambda: is_zero(sympy.summation(k - 1, (k, 1, a)) - scale * (a**2 - a) / 2),
                ),
            )
        return WrittenProof("S_A is Σ S_i up to the stated remainder", steps).finding()

    def symbolic(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
            found: list[tuple[str, object, object]] = []
            b, h, scale = sympy.symbols("b h scale")
            for size in (1, 2, 3, 4):
                d = sympy.symbols(f"d1:{size + 1}")

                def f(x: Expression) -> Expression:
                    return b * x + h * x**2 / 2

                off = f(sum(d)) - sum(f(x) for x in d)
                pairs = sum((x * y for x, y in combinations(d, 2)), sympy.Integer(0))
                found.append(
                    (f"quadratic f, |A| = {size}: the error is h Σ d_i d_k", off, h * pairs)
                )
            found.append(
                (
                    "pairs: a(a - 1)/2, at most (a² + a)/2",
                    sympy.binomial(scale, 2).expand(func=True),
                    (scale**2 - scale) / 2,
                )
            )
            return found

        found = prove_identities(build, "for quadratic f the error is exactly Σ_{i<k} d_iᵀH d_k")
        return limited(found, "quadratic f, |A| ≤ 4")

    def exactly(_: CheckContext) -> Finding:
        points = [tuple(map(Fraction, p)) for p in ((1, 0), (-1, 0), (0, 1), (3, 4), (-4, 3))]
        bends = [tuple(map(Fraction, p)) for p in ((1, 1), (1, -1), (2, 0), (-1, 3))]
        flat = (Fraction(1), Fraction(-2))
        planes = (
            (moves, flat, bend)
            for size in (1, 2, 3)
            for moves in product(points, repeat=size)
            for bend in bends
        )
        lines = (
            (((Fraction(1), Fraction(0)),) * size, flat, (Fraction(h), Fraction(0)))
            for size in range(1, 10)
            for h in (-1, 2)
        )
        return for_every(
            (*planes, *lines),
            lambda case: _sum_holds(*case, kind, factor),
            str,
            "quadratic f in the plane with curvatures up to 3, up to 3 sources of length 1 or 5, "
            "and up to 9 equal sources",
        )

    def attack(context: CheckContext) -> Finding:
        def violates(point: Sequence[Fraction]) -> bool:
            slope, bend, rest = point[:2], point[2:4], point[4:]
            moves = [rest[i : i + 2] for i in range(0, len(rest), 2)]
            return not _sum_holds(moves, slope, bend, kind, factor)

        return search_rationals(
            lambda rng: [float(x) for x in rng.normal(size=4 + 2 * int(rng.integers(1, 7)))],
            violates,
            context.seed,
            4_000 if context.profile == "full" else 300,
        )

    return (
        Check("Taylor", Method.WRITTEN_PROOF, proof),
        Check("quadratics, symbolically", Method.SYMBOLIC, symbolic),
        Check("quadratics in the plane", Method.EXACT, exactly),
        Check("attack with random quadratics", Method.SEARCH, attack),
    )


def _sharp_attained(_: CheckContext) -> Finding:
    def holds(size: int) -> bool:
        moves = [(Fraction(1),)] * size
        return _off_sum(moves, (Fraction(0),), (Fraction(1),)) == _constant(size, "sharp")

    return for_every(range(1, 10), holds, str, "f = φ²/2 + C and |A| ≤ 9 equal sources reach it")


# --- which groups win ---------------------------------------------------------------------------


def _three_ways(target: Fraction, group: Sequence[Fraction]) -> tuple[Fraction, Fraction, Fraction]:
    """Return group gain, sum and average for linear losses; D = 1."""
    tasks = [Task(Fraction(0), (g,), (Fraction(0),)) for g in group]
    tasks.append(Task(1 + target * target, (target,), (Fraction(0),)))
    last, start = len(group), (Fraction(0),)
    whole = gain(tasks, range(last), last, start, Fraction(1))
    single = [gain(tasks, (i,), last, start, Fraction(1)) for i in range(last)]
    total = sum(single, Fraction(0))
    return whole, total, total / len(single)


@replayer("ptg-rank")
def _replay_rank(data: Mapping[str, Any]) -> Replay:
    target = rational(data["target"])
    groups = [[rational(g) for g in group] for group in data["groups"]]
    found = [_three_ways(target, group) for group in groups]
    lines = [f"L_j has gradient {target}, all losses are linear, η = 1, L_j(φ_{{j}}) = 1"]
    lines += [
        f"A_{number} with gradients {', '.join(map(str, group))}: gain {gains[0]}, sum "
        f"{gains[1]}, average {gains[2]}"
        for number, (group, gains) in enumerate(zip(groups, found, strict=True), start=1)
    ]
    (true_1, sum_1, mean_1), (true_2, sum_2, mean_2) = found
    wrong = true_1 > true_2 and mean_1 < mean_2
    right = (sum_1 > sum_2) == (true_1 > true_2)
    lines.append(
        f"The average ranks A_{1 if mean_1 > mean_2 else 2} first, the sum "
        f"A_{1 if sum_1 > sum_2 else 2}; truly first is A_{1 if true_1 > true_2 else 2}."
    )
    return Replay(tuple(lines), wrong and right)


def _smallest_rank(_: CheckContext) -> Finding:
    """All pairs of groups of at most two sources from two: how small can the example be?"""
    sources = (0, 1)
    groups = [g for size in (1, 2) for g in combinations(sources, size)]

    def wrong(most: int) -> list[str]:
        found = []
        span = range(-most, most + 1)
        for own, *slopes in product(span, repeat=3):
            for one, two in product(groups, repeat=2):
                first = _three_ways(Fraction(own), [Fraction(slopes[i]) for i in one])
                second = _three_ways(Fraction(own), [Fraction(slopes[i]) for i in two])
                if (first[1] > second[1]) != (first[0] > second[0]):
                    return ["the sum is wrong"]
                if first[0] > second[0] and first[2] < second[2]:
                    found.append(f"own {own}, sources {slopes}: {one} against {two}")
        return found

    small, found = wrong(1), wrong(2)
    if "the sum is wrong" in (*small, *found) or not found:
        return inconclusive("linear losses", "the sum misranks a case, or the average none")
    return refutes(
        "two sources, integer gradients up to 2",
        f"gradients up to 1: {len(small)} misrankings; up to 2: {len(found)}, such as {found[0]}; "
        f"the sum ranks every one of them right",
    )


def _rank_proof(_: CheckContext) -> Finding:
    import sympy

    s1, s2, e1, e2 = sympy.symbols("s1 s2 e1 e2")
    return WrittenProof(
        "if Σ_{A_1} S_i - Σ_{A_2} S_i exceeds the two remainders, then S_{A_1} > S_{A_2}",
        (
            Step("EXT-13-SHARP: |S_{A_p} - Σ_{A_p} S_i| ≤ e_p = M η² l² (|A_p|² - |A_p|)/(2C)."),
            Step(
                "S_{A_1} - S_{A_2} ≥ (Σ_1 - e_1) - (Σ_2 + e_2) = (Σ_1 - Σ_2) - (e_1 + e_2) > 0.",
                lambda: is_zero((s1 - e1) - (s2 + e2) - ((s1 - s2) - (e1 + e2))),
            ),
        ),
    ).finding()


def _rank_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        s1, s2, e1, e2, t1, t2 = z3.Reals("s1 s2 e1 e2 t1 t2")
        given = [t1 - s1 <= e1, s1 - t1 <= e1, t2 - s2 <= e2, s2 - t2 <= e2, s1 - s2 > e1 + e2]
        return [smt.Obligation("order", given, t1 > t2)]

    return smt.prove(build, "a gap beyond both remainders decides the order")


def _same_size_proof(_: CheckContext) -> Finding:
    return WrittenProof(
        "for |A_1| = |A_2| average and sum rank alike",
        (
            Step("The average is the sum divided by the same positive |A|."),
            Step("Division by one positive number keeps the order."),
        ),
    ).finding()


def _same_size_exactly(_: CheckContext) -> Finding:
    values = [Fraction(x, 2) for x in range(-2, 3)]

    def holds(case: tuple[Fraction, ...]) -> bool:
        one = _three_ways(Fraction(1), case[:2])
        two = _three_ways(Fraction(1), case[2:])
        return (one[1] > two[1]) == (one[2] > two[2]) == (one[0] > two[0])

    return for_every(product(values, repeat=4), holds, str, "pairs of linear sources in halves")


# --- averaged updates ---------------------------------------------------------------------------


def _mean_constant(size: int) -> Fraction:
    """The bound over M η² l²/C under averaged updates: a(3a + 1)/(a + 1)²."""
    return Fraction(size * (3 * size + 1), (size + 1) ** 2)


def mean_checks(times: Fraction = Fraction(2)) -> tuple[Check, ...]:
    """Return the checks of S_A ≈ times/(a + 1) Σ S_i under averaged updates; right is 2."""

    def proof(_: CheckContext) -> Finding:
        import sympy

        a, g, t = sympy.symbols("a g t")
        scale = sympy.Rational(times.numerator, times.denominator)
        return WrittenProof(
            "with averaged updates |S_A - 2/(a+1) Σ S_i| ≤ M η² l² a(3a+1)/((a+1)² C)",
            (
                Step(
                    "From φ_{j} = φ - η G_j: d_i = -(η/2)(G_i - G_j), d = -(η/(a+1))(Σ_A G_k - "
                    "a G_j) = 2/(a+1) Σ d_i.",
                    lambda: is_zero((t - a * g) / (a + 1) - scale / (a + 1) * (t - a * g) / 2),
                ),
                Step("So the linear terms of S_A and 2/(a+1) Σ S_i agree."),
                Step(
                    "|d_i| ≤ η l, |d| ≤ 2a/(a+1) η l: the remainders are at most M/2 times "
                    "(4a²/(a+1)² + 2a/(a+1)) η² l²; divide by D ≥ C.",
                    lambda: is_zero(
                        (4 * a**2 / (a + 1) ** 2 + 2 * a / (a + 1)) / 2
                        - a * (3 * a + 1) / (a + 1) ** 2
                    ),
                ),
            ),
        ).finding()

    def exactly(_: CheckContext) -> Finding:
        def holds(case: tuple[tuple[Fraction, ...], Fraction, Fraction]) -> bool:
            moves, own, bend = case
            size, slope = len(moves), Fraction(1)
            single = [-(g - own) / 2 for g in moves]
            whole = -(sum(moves, Fraction(0)) - size * own) / (size + 1)
            off = _drop([whole], [slope], [bend]) - times / (size + 1) * sum(
                (_drop([d], [slope], [bend]) for d in single), Fraction(0)
            )
            longest = max(abs(own), *(abs(g) for g in moves)) ** 2
            return abs(off) <= _mean_constant(size) * abs(bend) * longest

        values = [Fraction(x) for x in (-2, -1, 1, 2)]
        return for_every(
            (
                (moves, own, bend)
                for size in (1, 2, 3)
                for moves in product(values, repeat=size)
                for own in values
                for bend in map(Fraction, (-1, 0, 1))
            ),
            holds,
            str,
            "quadratic f on a line, |A| ≤ 3, gradients ±1 and ±2",
        )

    def by_training(_: CheckContext) -> Finding:
        """A second route: linear losses trained by the step of eq. 4 itself."""
        count = 0
        for slopes in product((-2, -1, 1, 3), repeat=4):
            tasks = [Task(Fraction(99), (Fraction(g),), (Fraction(0),)) for g in slopes]
            start, eta = (Fraction(0),), Fraction(1)
            for size in (1, 2, 3):
                group = range(1, size + 1)
                whole = gain(tasks, group, 0, start, eta, "mean")
                single = [gain(tasks, (i,), 0, start, eta, "mean") for i in group]
                if whole != times / (size + 1) * sum(single, Fraction(0)):
                    return refutes("linear losses", f"fails at slopes {slopes}, |A| = {size}")
                count += 1
        return supports(
            "instances", "linear losses", f"exactly 2/(a+1) Σ S_i in all {count} linear cases"
        )

    return (
        Check("Taylor", Method.WRITTEN_PROOF, proof),
        Check("quadratics on a line", Method.EXACT, exactly),
        Check("linear losses trained", Method.EXHAUSTIVE, by_training),
    )


_SMOOTH = Assumption(
    "M-smooth", "∇f is M-Lipschitz on the points that the moves span", lambda m: m >= 0
)
_BOUNDED = Assumption(
    "source gradients", "‖G_i‖ ≤ l for i in A", lambda g, bound: dot(g, g) <= bound**2
)
_SUMMED = Assumption(
    "summed update", "φ_{A,j} = φ - η(Σ_A G_k + G_j), j not in A; θ_j^{t+1} the same throughout"
)
_AVERAGED = Assumption(
    "averaged update", "φ_{A,j} = φ - η/(|A|+1) (Σ_A G_k + G_j), j not in A; ‖G_j‖ ≤ l as well"
)
_BASE = (_SMOOTH, _BOUNDED, LOWER_BOUND, LEARNING_RATE)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-13",
        family="ptg",
        title="to first order the group gain is the sum of the pairwise gains",
        statement=r"Under the summed update, $\bigl|\mathcal S_{A\to j}-\sum_{i\in A}\mathcal S_{i"
        r"\to j}\bigr|\le\frac{M\eta^2l^2(|A|^2+|A|)}{2C}$ for $M$-smooth losses.",
        plain="With summed updates and M-smooth losses the group gain is the sum of the pairwise "
        "gains up to M η² l² (|A|² + |A|)/(2C).",
        source=Source("songoku", "BEYOND 13, on PTG's Proposition 1", ("6", "7")),
        assumptions=(*_BASE, _SUMMED),
        used_for="what eq. 7 should be for small steps",
        checks=sum_checks("stated"),
        notes="The constant is not the best one: EXT-13-SHARP. The average of eq. 7 is off by "
        "(1 - 1/|A|) Σ S_i, which is of first order in η.",
    ),
    Claim(
        id="EXT-13-SHARP",
        family="ptg",
        title="the remainder is at most M η² l² (|A|² - |A|)/(2C), and that is attained",
        statement=r"Under the summed update, $\bigl|\mathcal S_{A\to j}-\sum_{i\in A}\mathcal S_{i"
        r"\to j}\bigr|\le\frac{M\eta^2l^2(|A|^2-|A|)}{2C}$ for $M$-smooth losses, with equality "
        r"for $f=C+M\phi^2/2$ and equal gradients.",
        plain="The remainder of EXT-13 with |A|² - |A| in place of |A|² + |A|; it is 0 for one "
        "source and attained for every |A|.",
        source=Source("songoku", "sharpening BEYOND 13", ("6", "7")),
        assumptions=(*_BASE, _SUMMED),
        used_for="when sums of pairwise gains rank groups safely",
        checks=(
            *sum_checks("sharp"),
            Check("attained", Method.EXACT, _sharp_attained),
        ),
    ),
    Claim(
        id="EXT-13-RANK",
        family="ptg",
        title="the average ranks groups as their gains do",
        statement=r"$\mathcal S_{A\rightarrow j}=\frac1{|A|}\sum_{i\in A}\mathcal S_{i\rightarrow "
        r"j}$ [...] quantif[ies] the impact of training group $A$ on task $j$.",
        plain="For linear losses (no remainder at all) a larger average of pairwise gains is a "
        "larger group gain.",
        source=Source("PTG", "4.1, eq. 7 as a ranking of groups", ("7",)),
        assumptions=(_SUMMED,),
        used_for="the objective of Formulation 8",
        checks=(
            Check("one more helpful source", Method.EXACT, lambda _: refuted_by("EXT-13-RANK")),
            Check("all gradients up to 2", Method.EXHAUSTIVE, _smallest_rank),
        ),
        reading="eq. 7 as a measure by which groups are compared, with the update of appendix A",
        repaired_by="EXT-13-RANK-R",
        notes="A second source that helps, but less than the first, lowers the average and raises "
        "the gain. Groups of equal size are ranked alike by both (EXT-13-SIZE).",
    ),
    Claim(
        id="EXT-13-RANK-R",
        family="ptg",
        title="the sum ranks groups right beyond its remainder",
        statement=r"If $\sum_{A_1}\mathcal S_{i\to j}-\sum_{A_2}\mathcal S_{i\to j}>\frac{M\eta^2"
        r"l^2}{2C}\sum_{p}(|A_p|^2-|A_p|)$, then $\mathcal S_{A_1\to j}>\mathcal S_{A_2\to j}$.",
        plain="If the sums differ by more than the two remainders of EXT-13-SHARP, the larger sum "
        "is the larger group gain; for linear losses always.",
        source=Source("songoku", "repair of the ranking by PTG's eq. 7", ("7",)),
        assumptions=(*_BASE, _SUMMED),
        used_for="choosing sources of different number",
        checks=(
            Check("two remainders", Method.WRITTEN_PROOF, _rank_proof),
            Check("two remainders by z3", Method.SMT, _rank_solver),
        ),
        repairs="EXT-13-RANK",
    ),
    Claim(
        id="EXT-13-SIZE",
        family="ptg",
        title="groups of one size are ranked alike by sum and average",
        statement=r"If $|A_1|=|A_2|$, the averages and the sums of pairwise gains order the two "
        r"groups alike.",
        plain="For sets of the same size average and sum give the same order.",
        source=Source("songoku", "on PTG's eq. 7", ("7",)),
        assumptions=(),
        used_for="where eq. 7 does no harm",
        checks=(
            Check("one divisor", Method.WRITTEN_PROOF, _same_size_proof),
            Check("pairs in halves", Method.EXACT, _same_size_exactly),
        ),
    ),
    Claim(
        id="EXT-13-MEAN",
        family="ptg",
        title="with averaged updates the factor is 2/(|A|+1)",
        statement=r"Under the averaged update, $\bigl|\mathcal S_{A\to j}-\frac2{|A|+1}\sum_{i\in "
        r"A}\mathcal S_{i\to j}\bigr|\le\frac{M\eta^2l^2}{C}\,\frac{|A|(3|A|+1)}{(|A|+1)^2}$.",
        plain="With averaged gradients the group gain is 2/(|A|+1) times the sum, that is "
        "2|A|/(|A|+1) times the average, up to a term of second order in η.",
        source=Source(
            "songoku", "BEYOND 13 for 'other aggregation schemes' of PTG's App. A", ("7",)
        ),
        assumptions=(*_BASE, _AVERAGED),
        used_for="the same question for the mean of the losses: neither sum nor average",
        checks=mean_checks(),
        notes="Between 1 and 2 times the average: the average is the right order of magnitude "
        "here, but still off to first order for |A| ≥ 2.",
    ),
)
