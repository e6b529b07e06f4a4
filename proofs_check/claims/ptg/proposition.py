"""Proposition 1 (eq. 6): the bound, what else it allows, its best constant, and how far it helps.

Write f(φ) = L_j(φ, θ_j^{t+1}), D = f(φ_{j}) ≥ C > 0, u = η l²/C. Everything below is about the
values of f at φ_{j} and at the points that the sources move it to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.claims.ptg._losses import LEARNING_RATE, LIPSCHITZ, LOWER_BOUND
from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.search import search_rationals
from proofs_check.methods.symbolic import Expression, is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import (
    Check,
    CheckContext,
    Claim,
    Finding,
    Method,
    Source,
    VacuityFinding,
)

__all__ = ["CLAIMS", "bound_checks", "folded_gains"]

_RULES = ("sum", "mean")


def _line_gains(
    moves: Sequence[Fraction], slope: Fraction, bend: Fraction, rule: str, own: Fraction
) -> tuple[Fraction, list[Fraction], Fraction]:
    """Return f's drops (group, each source) and the largest |f'| between the points, on a line.

    ``moves`` are the sources' gradients, ``own`` that of task j, with η = 1; f(x) = slope x +
    bend x²/2 is measured from φ_{j}.
    """
    size = len(moves)
    if rule == "sum":
        together, single = -sum(moves, Fraction(0)), [-g for g in moves]
    else:
        together = own - (own + sum(moves, Fraction(0))) / (size + 1)
        single = [own - (own + g) / 2 for g in moves]
    steepest = max(abs(slope + bend * x) for x in (Fraction(0), own, together, *single))
    drops = [-(slope * x + bend * x * x / 2) for x in (together, *single)]
    return drops[0], drops[1:], steepest


def _bound_holds(
    moves: Sequence[Fraction],
    slope: Fraction,
    bend: Fraction,
    rule: str,
    own: Fraction,
    extra: Fraction,
) -> bool:
    group, single, steepest = _line_gains(moves, slope, bend, rule, own)
    lipschitz = max(steepest, abs(own), *(abs(g) for g in moves))
    off = abs(group - sum(single, Fraction(0)) / len(moves))
    return off <= (len(moves) + extra) * lipschitz * lipschitz


def bound_checks(extra: Fraction, sharp: bool) -> tuple[Check, ...]:
    """Return the checks of |S_A - mean S_i| ≤ (|A| + extra) η l²/C; the paper's extra is 1.

    With `sharp` the written proof is the one that compares S_A with each S_i, else the paper's.
    """

    def proof(_: CheckContext) -> Finding:
        import sympy

        a, u = sympy.symbols("a u", positive=True)
        e = sympy.Rational(extra.numerator, extra.denominator)
        start = Step(
            "The sources move φ_{j} by -η Σ_A G_k together and by -η G_i alone (appendix A; j not "
            "in A, or counted once), all within distance η l each."
        )
        if sharp:
            steps = (
                start,
                Step(
                    "S_A - S_i = (f(φ_{i,j}) - f(φ_{A,j}))/D, and the two points differ by "
                    "-η Σ_{k≠i} G_k, at most (|A| - 1) η l; so |S_A - S_i| ≤ (|A| - 1) u.",
                    lambda: is_zero(a * u - u - (a - 1) * u),
                ),
                Step(
                    "S_A minus the mean of the S_i is the mean of the S_A - S_i, so it obeys the "
                    "same bound.",
                    lambda: is_zero((a + e) * u - (a - 1) * u),
                ),
            )
        else:
            steps = (
                start,
                Step("|S_A| ≤ l · |A| η l / D ≤ |A| u, and |S_i| ≤ u, by the Lipschitz bound."),
                Step(
                    "The triangle inequality: |S_A - mean S_i| ≤ |A| u + u.",
                    lambda: is_zero((a + e) * u - (a * u + u)),
                ),
            )
        return WrittenProof(f"|S_A - mean S_i| ≤ (|A| + {extra}) η l²/C", steps).finding()

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            found = []
            for size in (1, 2, 3):
                group, loss, low, unit = z3.Reals("N D C u")
                single = [z3.Real(f"n{i}") for i in range(size)]

                def within(x: Expression, most: Expression) -> Expression:
                    return z3.And(x <= most, -x <= most)

                given = [low > 0, loss >= low, unit >= 0, within(group, size * unit)]
                given += [within(n, unit) for n in single]
                given += [within(group - n, (size - 1) * unit) for n in single]
                off = group - sum(single) / size
                most = (size + z3.Q(extra.numerator, extra.denominator)) * unit
                # |off| / D ≤ most / C, with the denominators multiplied out.
                found.append(
                    smt.Obligation(
                        f"|A| = {size}, drops of f free", given, within(off * low, most * loss)
                    )
                )
            return found

        return smt.prove(build, "the bound for |A| ≤ 3", "up_to", timeout_ms=20_000)

    def exactly(_: CheckContext) -> Finding:
        entries = [Fraction(x, 2) for x in (-2, -1, 1, 2)]
        return for_every(
            (
                (moves, slope, bend, rule, own)
                for size in (1, 2, 3)
                for moves in product(entries, repeat=size)
                for slope in map(Fraction, (-1, 0, 1))
                for bend in (Fraction(-1, 2), Fraction(0), Fraction(1))
                for rule in _RULES
                for own in map(Fraction, (0, 1))
            ),
            lambda case: _bound_holds(*case, extra),
            str,
            "quadratic f on a line, sources with gradients ±1/2 and ±1, |A| ≤ 3, updates summed "
            "and averaged, l the largest slope that occurs",
        )

    def attack(context: CheckContext) -> Finding:
        def violates(point: Sequence[Fraction]) -> bool:
            slope, bend, own, *moves = point
            return any(not _bound_holds(moves, slope, bend, r, own, extra) for r in _RULES)

        return search_rationals(
            lambda rng: [float(x) for x in rng.normal(size=3 + int(rng.integers(1, 7)))],
            violates,
            context.seed,
            4_000 if context.profile == "full" else 300,
        )

    return (
        Check("Lipschitz bounds", Method.WRITTEN_PROOF, proof),
        Check("drops of f by z3", Method.SMT, solver),
        Check("quadratics on a line", Method.EXACT, exactly),
        Check("attack with random quadratics", Method.SEARCH, attack),
    )


def _says_nothing(_: CheckContext) -> VacuityFinding:
    return VacuityFinding(
        True,
        "every setting: |S_A| ≤ |A| η l²/C already, so the bound stays true when the average is "
        "replaced by any number between -η l²/C and η l²/C, and with 0 a smaller one holds",
    )


# --- what else the argument allows --------------------------------------------------------------


def _any_weights_proof(_: CheckContext) -> Finding:
    import sympy

    a, u = sympy.symbols("a u", positive=True)
    return WrittenProof(
        "|S_A - Σ w_i S_i| ≤ (|A| + Σ |w_i|) η l²/C for any weights",
        (
            Step("|S_A| ≤ |A| u and |S_i| ≤ u by the Lipschitz bound, as in Proposition 1."),
            Step("The triangle inequality gives (|A| + Σ |w_i|) u."),
            Step(
                "Weights 1/|A|: |A| + 1 (eq. 6). Weights 1: 2|A|. Weights 0: |A|, less than eq. 6.",
                lambda: (
                    is_zero((a + a * (1 / a)) * u - (a + 1) * u)
                    and is_zero((a + a * 1) * u - 2 * a * u)
                    and is_zero((a + 1) * u - a * u - u)
                ),
            ),
        ),
    ).finding()


def _any_weights_exactly(_: CheckContext) -> Finding:
    def holds(case: tuple[tuple[Fraction, ...], tuple[Fraction, ...], Fraction, Fraction]) -> bool:
        moves, weights, slope, bend = case
        group, single, steepest = _line_gains(moves, slope, bend, "sum", Fraction(0))
        lipschitz = max(steepest, *(abs(g) for g in moves))
        off = abs(group - sum(w * s for w, s in zip(weights, single, strict=True)))
        return off <= (len(moves) + sum(map(abs, weights))) * lipschitz**2

    return for_every(
        product(
            product(map(Fraction, (-1, 1, 2)), repeat=2),
            product((Fraction(-3), Fraction(0), Fraction(1, 2), Fraction(1)), repeat=2),
            map(Fraction, (-1, 1)),
            map(Fraction, (-1, 0, 1)),
        ),
        holds,
        str,
        "two sources, weights -3, 0, 1/2, 1 each, quadratic f",
    )


# --- the best constant and the best weight ------------------------------------------------------


def folded_gains(size: int, width: Fraction) -> tuple[Fraction, Fraction]:
    """Return S_A and each S_i, in units of η l²/C, for a loss that falls, turns and rises.

    All sources have one and the same gradient of length l. Along it f has slope -1 up to 1 -
    width, turns on a parabola up to 1 + width, and has slope +1 after; size ≥ 2, width ≤ 1.
    """

    def fall(at: Fraction) -> Fraction:
        if at <= 1 - width:
            return at
        if at >= 1 + width:
            return (1 - width) - (at - 1 - width)
        past = at - (1 - width)
        return (1 - width) + past - past * past / (2 * width)

    return fall(Fraction(size)), fall(Fraction(1))


def _attained(_: CheckContext) -> Finding:
    """Linear f, equal gradients: the bound |A| - 1 is reached."""

    def holds(size: int) -> bool:
        moves = [Fraction(1)] * size
        group, single, steepest = _line_gains(moves, Fraction(1), Fraction(0), "sum", Fraction(0))
        off = group - sum(single, Fraction(0)) / size
        return steepest == 1 and abs(off) == size - 1

    return for_every(
        range(1, 9), holds, str, "linear f and |A| ≤ 8 equal gradients reach |A| - 1 exactly"
    )


def _minimax_proof(_: CheckContext) -> Finding:
    import sympy

    a, w, e = sympy.symbols("a w e", real=True)
    return WrittenProof(
        "among the estimates w Σ S_i the worst case is at least (|A| - 1) u, and w = 1/|A| alone "
        "reaches it",
        (
            Step(
                "Aligned: linear f, all gradients equal and of length l: S_i = ±u, S_A = ±|A| u; "
                "the error is |A| |1 - w| u."
            ),
            Step(
                "Folded: f falls with slope l up to the points φ_{i,j}, turns on a parabola of "
                "width e, and rises: S_i = (1 - e/2) u, S_A = -(|A| - 2) u. For w ≥ 0 the error is "
                "(|A| - 2 + w |A| (1 - e/2)) u, which tends to (|A| - 2 + w |A|) u with e.",
                lambda: is_zero(a - 2 + w * a * (1 - e / 2) - (a - 2 + w * a) + w * a * e / 2),
            ),
            Step(
                "For 0 ≤ w ≤ 1 the mean of the two errors is |A| - 1, so the larger is at least "
                "that, and equals it only where both do: w = 1/|A|.",
                lambda: (
                    is_zero((a * (1 - w) + a - 2 + w * a) / 2 - (a - 1))
                    and is_zero(a * (1 - w) - (a - 1) - (1 - a * w))
                ),
            ),
            Step("For w < 0 the aligned error exceeds |A|; for w > 1 the folded one 2|A| - 2."),
            Step("PTG-P1-SHARP: w = 1/|A| never errs by more than (|A| - 1) u. For |A| = 1 w = 1."),
        ),
    ).finding()


def _minimax_solver(_: CheckContext) -> Finding:
    def build(z3: ModuleType) -> list[smt.Obligation]:
        a, w, worst = z3.Reals("a w worst")
        given = [a >= 2, worst >= a * (1 - w), worst >= a * (w - 1)]
        given.append(z3.Implies(w >= 0, worst >= a - 2 + w * a))
        return [
            smt.Obligation("no weight does better", given, worst >= a - 1),
            smt.Obligation("only 1/|A| does it", [*given, worst <= a - 1], w * a == 1),
        ]

    return smt.prove(build, "the two instances leave w = 1/|A| alone", timeout_ms=20_000)


def _minimax_exactly(_: CheckContext) -> Finding:
    """Small widths: an estimate with another weight does worse than |A| - 1."""

    def holds(case: tuple[int, Fraction]) -> bool:
        size, w = case
        off = abs(w - Fraction(1, size))
        if off == 0:
            return True
        width = min(off / (1 + abs(w)), Fraction(1))
        group, each = folded_gains(size, width)
        worst = max(size * abs(1 - w), abs(group - w * size * each))
        return worst > size - 1

    weights = sorted({Fraction(p, q) for q in (1, 2, 3, 4, 5) for p in range(-2 * q, 2 * q + 1)})
    return for_every(
        product((2, 3, 4, 5), weights),
        holds,
        str,
        "|A| = 2..5 and every weight in [-2, 2] with denominator at most 5: the two instances in "
        "exact arithmetic, with a fold narrow enough",
    )


# --- the remark ---------------------------------------------------------------------------------


@replayer("ptg-relative")
def _replay_relative(data: Mapping[str, Any]) -> Replay:
    """Linear losses: the average's relative error at ever smaller learning rates."""
    target = rational(data["target"])
    sources = [rational(g) for g in data["sources"]]
    base, most = rational(data["loss"]), rational(data["tolerance"])
    lines = [
        f"L_j(φ) = {base} + {target}·φ; sources {', '.join(f'{g}·φ' for g in sources)} (+ any "
        f"constant); φ = 0"
    ]
    errors = []
    for eta in map(rational, data["etas"]):
        alone = base - eta * target**2
        group = eta * target * sum(sources, Fraction(0)) / alone
        mean = sum((eta * target * g / alone for g in sources), Fraction(0)) / len(sources)
        errors.append(abs(group - mean) / abs(group))
        lines.append(f"η = {eta}: S_A = {group}, average {mean}, off by {errors[-1]} of S_A")
    lines.append(f"The relative error is {errors[-1]} at the smallest η; 'small' would be {most}.")
    return Replay(tuple(lines), errors[-1] > most)


def _relative_symbolic(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        c, b, g, eta, a = sympy.symbols("c b g eta a", positive=True)
        alone = c - eta * b**2
        group, mean = eta * b * a * g / alone, eta * b * g / alone
        return [("relative error (|A| - 1)/|A|, free of η", (group - mean) / group, (a - 1) / a)]

    finding = prove_identities(build, "aligned linear losses: the relative error does not move")
    return Finding(finding.outcome, finding.scope, finding.detail)


_HYPOTHESES = (LIPSCHITZ, LOWER_BOUND, LEARNING_RATE)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-P1",
        family="ptg",
        title="the group gain is within (1+|A|) η l²/C of the average pairwise gain",
        statement=r"$\left|\mathcal{S}_{A\rightarrow j}^t-\frac1{|A|}\sum_{i\in A}\mathcal{S}_{i"
        r"\rightarrow j}^t\right|\le\frac{\eta_t(1+|A|)l^2}{C}$.",
        plain="For a nonempty set A the group gain and the average of the pairwise gains differ by "
        "at most η(1+|A|)l²/C.",
        source=Source("PTG", "4.1, Proposition 1; App. A", ("6",)),
        assumptions=_HYPOTHESES,
        used_for="eq. 7's group gain and the quadratic form of Formulation 8",
        checks=bound_checks(Fraction(1), sharp=False),
        vacuous=_says_nothing,
        notes="True for summed updates (appendix A) and for averaged ones (|A| = a moves φ_{j} by "
        "at most 2a/(a+1) η l ≤ a η l), and with j in A counted once. Vacuous in this sense: the "
        "proof bounds the two gains one by one, so it says nothing of how they are related "
        "(PTG-P1-BLIND). A sharper bound that does is PTG-P1-SHARP.",
    ),
    Claim(
        id="PTG-P1-BLIND",
        family="ptg",
        title="the same argument bounds any combination of pairwise gains",
        statement=r"Under the hypotheses of Proposition 1, $|\mathcal S_{A\to j}-\sum_{i\in A}w_i"
        r"\mathcal S_{i\to j}|\le\frac{\eta l^2}{C}\bigl(|A|+\sum|w_i|\bigr)$ for all weights "
        r"$w$.",
        plain="For any weights, |S_A - Σ w_i S_i| ≤ (|A| + Σ|w_i|) η l²/C: the average gets "
        "|A| + 1, the sum 2|A|, and zero |A|.",
        source=Source("songoku", "on PTG's Proposition 1", ("6",)),
        assumptions=_HYPOTHESES,
        used_for="Proposition 1 does not single out the average: zero has a smaller bound",
        checks=(
            Check("triangle inequality", Method.WRITTEN_PROOF, _any_weights_proof),
            Check("two sources, many weights", Method.EXACT, _any_weights_exactly),
        ),
    ),
    Claim(
        id="PTG-P1-SHARP",
        family="ptg",
        title="the best constant of Proposition 1 is |A| - 1",
        statement=r"Under the hypotheses of Proposition 1, $|\mathcal S_{A\to j}-\frac1{|A|}\sum"
        r"\mathcal S_{i\to j}|\le\frac{\eta(|A|-1)l^2}{C}$, attained for every $|A|$.",
        plain="The group gain and the average differ by at most η(|A|-1)l²/C, and linear losses "
        "with equal gradients reach it.",
        source=Source("songoku", "sharpening PTG's Proposition 1", ("6",)),
        assumptions=_HYPOTHESES,
        used_for="a bound that relates the two gains: it is 0 for |A| = 1, where they are equal",
        checks=(
            *bound_checks(Fraction(-1), sharp=True),
            Check("attained", Method.EXACT, _attained),
        ),
        notes="The worst case is the friendliest one: sources that all pull with j. For averaged "
        "updates the written proof does not apply word for word; the exact cases cover them: the "
        "points φ_{A,j} and φ_{i,j} then differ by at most 2(a-1)/(a+1) η l ≤ (a-1) η l.",
    ),
    Claim(
        id="PTG-P1-MINIMAX",
        family="ptg",
        title="without smoothness no common weight beats the average in the worst case",
        statement=r"Over all losses that meet Proposition 1's hypotheses, $\sup|\mathcal S_{A\to "
        r"j}-w\sum_{i\in A}\mathcal S_{i\to j}|\ge(|A|-1)\eta l^2/C$ for every $w$, with equality "
        r"only for $w=1/|A|$.",
        plain="Among the estimates w·Σ S_i the average has the smallest worst case under "
        "Lipschitz bounds alone, (|A|-1) η l²/C; every other weight has a larger one.",
        source=Source("songoku", "in defence of PTG's Proposition 1", ("6", "7")),
        assumptions=_HYPOTHESES,
        used_for="what can be said for the average; EXT-13 says what can be said against it",
        checks=(
            Check("two instances", Method.WRITTEN_PROOF, _minimax_proof),
            Check("two instances by z3", Method.SMT, _minimax_solver),
            Check("weights on a grid", Method.EXACT, _minimax_exactly),
        ),
        notes="The paper does not claim this. It holds for losses whose gradient may turn round "
        "within one step; with M-smooth losses and a small step the sum is right (EXT-13).",
    ),
    Claim(
        id="PTG-P1-SMALL",
        family="ptg",
        title="a small learning rate makes the average a good approximation",
        statement=r"In practical training scenarios, several factors contribute to making this "
        r"upper bound small, supporting the notion that the group transfer gain is often "
        r"well-approximated by the average of individual transfer gains: Learning Rate: [...] A "
        r"small $\eta_t$ directly scales down the entire bound.",
        plain="As η → 0 the average of the pairwise gains approximates the group gain: its error "
        "becomes small beside the gain itself.",
        source=Source("PTG", "4.1, Remark after Proposition 1", ("6", "7")),
        assumptions=_HYPOTHESES,
        used_for="eq. 7: S_{A→j} is the average of the S_{i→j}",
        checks=(Check("two aligned tasks", Method.EXACT, lambda _: refuted_by("PTG-P1-SMALL")),),
        reading="'well-approximated' as: the error is small beside the quantity. The error does "
        "become small in absolute terms (PTG-P1), but so do the group gain and the average",
        repaired_by="PTG-P1-SMALL-R",
        notes="For M-smooth losses the group gain is the sum up to O(η²), EXT-13.",
    ),
    Claim(
        id="PTG-P1-SMALL-R",
        family="ptg",
        title="with aligned linear losses the average misses (|A|-1)/|A| of the gain at every η",
        statement=r"If $L_j$ is linear and all $G_i^t$, $i\in A$, are equal and not orthogonal to "
        r"$\nabla L_j$, then $\frac1{|A|}\sum\mathcal S_{i\to j}=\frac1{|A|}\mathcal S_{A\to j}$ "
        r"for every $\eta$.",
        plain="For linear losses and equal source gradients the average is S_A/|A|, whatever η is.",
        source=Source("songoku", "repair of the remark after PTG's Proposition 1", ("6", "7")),
        assumptions=_HYPOTHESES,
        used_for="how wrong eq. 7 can be when training with small steps",
        checks=(
            Check("the ratio", Method.SYMBOLIC, _relative_symbolic),
            Check("|A| up to 8", Method.EXACT, _attained),
        ),
        repairs="PTG-P1-SMALL",
    ),
)
