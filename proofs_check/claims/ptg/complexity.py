"""Costs of collecting gains: 4.3, Tables 8 and 9, E.1 and E.2.

F, B and C are the average costs of a forward pass, a backward pass and a change of parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product
from types import ModuleType
from typing import Any

from proofs_check.counterexamples import Replay, rational, replayer
from proofs_check.methods import smt
from proofs_check.methods.exact import for_every, refuted_by
from proofs_check.methods.symbolic import is_zero, prove_identities
from proofs_check.methods.written import Step, WrittenProof
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "lower_checks"]

Cost = tuple[Fraction, Fraction, Fraction]
"""Multiples of F, B and C."""


def _tag(n: int) -> Cost:
    return Fraction(n * n + n), Fraction(n), Fraction(n)


def _table_9(n: int) -> Cost:
    return Fraction(n * n + 2 * n), Fraction(n), Fraction(n * (n + 3), 2)


def _section_43(n: int) -> Cost:
    return Fraction(n * n + 2 * n), Fraction(n), Fraction(n * n + n)


def _sampling(n: int) -> Cost:
    return Fraction(n * n + 6 * n + 2, 3), Fraction(n), Fraction((n + 1) * (n + 5), 6)


def _price(cost: Cost, f: Fraction, b: Fraction, c: Fraction) -> Fraction:
    return cost[0] * f + cost[1] * b + cost[2] * c


# --- 4.3 against Table 9 ------------------------------------------------------------------------


@replayer("ptg-two-costs")
def _replay_two_costs(data: Mapping[str, Any]) -> Replay:
    n = int(data["tasks"])
    one, two = _section_43(n), _table_9(n)
    return Replay(
        (
            f"n = {n}; multiples of F, B, C",
            f"4.3: {', '.join(map(str, one))}",
            f"Table 9: {', '.join(map(str, two))}",
        ),
        one != two,
    )


def _updates(n: int, repeated: bool) -> int:
    """Count the parameter sets of E.1 by listing them: φ_{i,j} for all i, j, and φ_{j}.

    With `repeated` a task paired with itself is a list of two, which is not {j}.
    """
    pairs = {tuple(sorted((i, j))) for i, j in product(range(n), repeat=2)}
    if not repeated:
        pairs = {tuple(sorted(set(p))) for p in pairs}
    return len(pairs | {(j,) for j in range(n)})


@replayer("ptg-updates")
def _replay_updates(data: Mapping[str, Any]) -> Replay:
    n = int(data["tasks"])
    printed, listed = Fraction(n * (n + 3), 2), _updates(n, bool(data["repeated"]))
    return Replay(
        (
            f"n = {n}: E.1 counts n(n+1)/2 + n = {printed} updates",
            f"different parameters among φ_{{i,j}} (all i, j) and φ_{{j}}: {listed}",
        ),
        printed != listed,
    )


def _updates_proof(_: CheckContext) -> Finding:
    import sympy

    n = sympy.Symbol("n")
    return WrittenProof(
        "unordered pairs with repetition and n singletons are n(n+3)/2",
        (
            Step("Unordered pairs {i, j} with i ≤ j: n(n+1)/2; lists (j, j) differ from {j}."),
            Step("With n more for φ_{j}.", lambda: is_zero(n * (n + 1) / 2 + n - n * (n + 3) / 2)),
        ),
    ).finding()


def _updates_listed(_: CheckContext) -> Finding:
    return for_every(
        range(1, 13),
        lambda n: _updates(n, True) == Fraction(n * (n + 3), 2),
        lambda n: f"n = {n}",
        "n ≤ 12, updates listed",
        "up_to",
    )


def _set_updates_proof(_: CheckContext) -> Finding:
    import sympy

    n = sympy.Symbol("n")
    return WrittenProof(
        "with sets n(n+1)/2 updates and n² high-order losses are enough",
        (
            Step(
                "Parameters: pairs {i, j} with i < j and singletons.",
                lambda: is_zero(n * (n - 1) / 2 + n - n * (n + 1) / 2),
            ),
            Step(
                "Losses: L_j at φ_{i,j} for ordered i ≠ j, and at φ_{j}: as many as TAG's.",
                lambda: is_zero(n * (n - 1) + n - n**2),
            ),
        ),
    ).finding()


def _set_updates_listed(_: CheckContext) -> Finding:
    def holds(n: int) -> bool:
        losses = {(tuple(sorted({i, j})), j) for i, j in product(range(n), repeat=2)}
        return _updates(n, False) == Fraction(n * (n + 1), 2) and len(losses) == n * n

    return for_every(range(1, 13), holds, str, "n ≤ 12, updates and losses listed", "up_to")


# --- sums ---------------------------------------------------------------------------------------


def _totals(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        n, f, b, c = sympy.symbols("n F B C")
        upd, some, high = n * (n + 3) / 2, (n + 1) * (n + 5) / 6, (n + 1) * (n + 2) / 3
        tag, ours = (n**2 + n) * f + n * b + n * c, (n**2 + 2 * n) * f + n * b + upd * c
        sampled = (n**2 + 6 * n + 2) / 3 * f + n * b + some * c
        return [
            ("TAG", n * f + n * b + n * c + n**2 * f, tag),
            ("ours", n * f + n * b + upd * c + (n**2 + n) * f, ours),
            ("ours with sampling", n * f + n * b + some * c + high * f, sampled),
        ]

    return prove_identities(build, "each row of Table 9 adds up to its last column")


def _totals_exactly(_: CheckContext) -> Finding:
    def holds(n: int) -> bool:
        return (
            _tag(n)[0] == n + n * n
            and _table_9(n)[0] == n + n * n + n
            and _sampling(n)[0] == n + Fraction((n + 1) * (n + 2), 3)
        )

    return for_every(range(1, 101), holds, str, "n ≤ 100", "up_to")


def _expectation(_: CheckContext) -> Finding:
    def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
        n, t = sympy.symbols("n t", positive=True)
        return [
            (
                "updates",
                sympy.summation(t * (t + 3) / 2, (t, 1, n)) / n,
                (n + 1) * (n + 5) / 6,
            ),
            ("losses", sympy.summation(t**2 + t, (t, 1, n)) / n, (n + 1) * (n + 2) / 3),
        ]

    return prove_identities(build, "E over T uniform on 1..n")


def _expectation_exactly(_: CheckContext) -> Finding:
    def holds(n: int) -> bool:
        sizes = range(1, n + 1)
        updates = Fraction(sum(t * (t + 3) for t in sizes), 2 * n)
        losses = Fraction(sum(t * t + t for t in sizes), n)
        return updates == Fraction((n + 1) * (n + 5), 6) and losses == Fraction(
            (n + 1) * (n + 2), 3
        )

    return for_every(range(1, 101), holds, str, "n ≤ 100, averaged over all T", "up_to")


# --- sampling against TAG -----------------------------------------------------------------------


@replayer("ptg-sampling")
def _replay_sampling(data: Mapping[str, Any]) -> Replay:
    n = int(data["tasks"])
    f, b, c = (rational(data[key]) for key in ("forward", "backward", "update"))
    ours, tag = _price(_sampling(n), f, b, c), _price(_tag(n), f, b, c)
    return Replay(
        (
            f"n = {n}, F = {f}, B = {b}, C = {c}",
            f"expected cost with sampling {ours}, TAG {tag}",
            "Sampling is cheaper." if ours < tag else "Sampling is not cheaper.",
        ),
        ours >= tag,
    )


def lower_checks(times: int = 2, under_condition: bool = False) -> tuple[Check, ...]:
    """Return the checks that sampling costs less iff (n² + 5) C < times (2n+1)(n-2) F."""

    def symbolic(_: CheckContext) -> Finding:
        def build(sympy: ModuleType) -> list[tuple[str, object, object]]:
            n, f, b, c = sympy.symbols("n F B C")
            tag = (n**2 + n) * f + n * b + n * c
            ours = (n**2 + 6 * n + 2) / 3 * f + n * b + (n + 1) * (n + 5) / 6 * c
            return [
                (
                    "6 (TAG - ours)",
                    6 * (tag - ours),
                    times * (2 * n + 1) * (n - 2) * f - (n**2 + 5) * c,
                )
            ]

        return prove_identities(build, "TAG's cost minus the expected one, exactly")

    def solver(_: CheckContext) -> Finding:
        def build(z3: ModuleType) -> list[smt.Obligation]:
            n, f, b, c = z3.Reals("n F B C")
            given = [n >= 3, f > 0, b > 0, c > 0]
            given.append((n * n + 5) * c < times * (2 * n + 1) * (n - 2) * f)
            tag = (n * n + n) * f + n * b + n * c
            ours = (n * n + 6 * n + 2) * f / 3 + n * b + (n + 1) * (n + 5) * c / 6
            return [smt.Obligation("cheaper", given, ours < tag)]

        return smt.prove(build, "sampling costs less than TAG under the condition")

    def exactly(_: CheckContext) -> Finding:
        def holds(case: tuple[int, Fraction]) -> bool:
            n, c = case
            one = Fraction(1)
            cheaper = _price(_sampling(n), one, one, c) < _price(_tag(n), one, one, c)
            return cheaper == ((n * n + 5) * c < times * (2 * n + 1) * (n - 2))

        ratios = [Fraction(p, 10) for p in range(1, 50)]
        return for_every(
            product(range(1, 41), ratios), holds, str, "n ≤ 40 and C/F from 0.1 to 4.9"
        )

    return (
        Check("the difference", Method.SYMBOLIC, symbolic, under_condition=under_condition),
        Check("the difference by z3", Method.SMT, solver, under_condition=under_condition),
        Check("n and C/F on a grid", Method.EXACT, exactly, under_condition=under_condition),
    )


# --- orders -------------------------------------------------------------------------------------


def _order_proof(_: CheckContext) -> Finding:
    import sympy

    n, f, b, c = sympy.symbols("n F B C", positive=True)
    tag = (n**2 + n) * f + n * b + n * c
    ours = (n**2 + 2 * n) * f + n * b + (n**2 + n) * c
    return WrittenProof(
        "TAG ≤ ours ≤ (2 + C/F) TAG for every n ≥ 1: both are Θ(n²)",
        (
            Step("ours - TAG = nF + n²C ≥ 0.", lambda: is_zero(ours - tag - n * f - n**2 * c)),
            Step(
                "(2 + C/F) TAG - ours = n²F + nB + nC(2 + B/F + C/F), all terms nonnegative.",
                lambda: is_zero(
                    (2 + c / f) * tag - ours - n**2 * f - n * b - n * c * (2 + b / f + c / f)
                ),
            ),
            Step("TAG is between n²F and n²(2F + B + C), so all are Θ(n²) for fixed F, B, C > 0."),
        ),
    ).finding()


def _order_exactly(_: CheckContext) -> Finding:
    def holds(case: tuple[int, int, int, int]) -> bool:
        n, f, b, c = case
        costs = map(Fraction, (f, b, c))
        prices = tuple(costs)
        tag = _price(_tag(n), *prices)
        return all(
            tag <= _price(cost(n), *prices) <= (2 + Fraction(c, f)) * tag
            for cost in (_section_43, _table_9)
        )

    return for_every(
        product((1, 2, 5, 9, 100), (1, 3), (1, 5), (1, 2, 50)),
        holds,
        str,
        "five n, twelve price lists, both counts of the updates",
    )


_POSITIVE = Assumption("costs", "F, B, C > 0", lambda costs: all(value > 0 for value in costs))
_UNIFORM = Assumption("sampling", "the number of sampled tasks is uniform on 1..n")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="PTG-43-T9",
        family="ptg",
        title="4.3 and Table 9 give the same cost",
        statement=r"The computation costs for TAG and our proposed method are $(n^2+n)\mathcal F+n"
        r"\mathcal B+n\mathcal C$ and $(n^2+2n)\mathcal F+n\mathcal B+(n^2+n)\mathcal C$. [Table "
        r"9:] $(n^2+2n)\mathcal F+n\mathcal B+\frac{n(n+3)}2\mathcal C$.",
        plain="The two printed costs of the method agree for every n.",
        source=Source("PTG", "4.3; App. E.1, Table 9"),
        assumptions=(_POSITIVE,),
        used_for="the overhead over TAG",
        checks=(Check("two tasks", Method.EXACT, lambda _: refuted_by("PTG-43-T9")),),
        reading="may be left from an earlier version: n² + n counts ordered pairs",
        repaired_by="PTG-E1-SETS",
    ),
    Claim(
        id="PTG-E1-SETS",
        family="ptg",
        title="with sets n(n+1)/2 updates and n² high-order losses are enough",
        statement=r"For Definition 3 as it stands ($i\ne j$) the gains need $\frac{n(n+1)}2$ "
        r"updates and $n^2$ high-order losses: $(n^2+n)\mathcal F+n\mathcal B+\frac{n(n+1)}2"
        r"\mathcal C$.",
        plain="All gains of eq. 3 with i ≠ j need n(n+1)/2 different parameter sets and n² losses.",
        source=Source("songoku", "repair of PTG's 4.3 and Table 9", ("3",)),
        assumptions=(),
        used_for="the cost: as many forward passes as TAG",
        checks=(
            Check("counting", Method.WRITTEN_PROOF, _set_updates_proof),
            Check("listed", Method.EXHAUSTIVE, _set_updates_listed),
        ),
        repairs="PTG-43-T9",
    ),
    Claim(
        id="PTG-E1-UPDATES",
        family="ptg",
        title="collecting the gains takes n(n+3)/2 updates",
        statement=r"Update parameters: [...] $\{(\phi_{\{i,j\}}^{t+1},\theta_j^{t+1}),(\phi_{\{j\}}"
        r"^{t+1},\theta_j^{t+1}),\forall i,j\}$ for our method, resulting [in] $(\frac{(1+n)n}2+n)"
        r"\mathcal C$.",
        plain="The different parameter sets φ_{i,j} (all i, j) and φ_{j} number n(n+3)/2.",
        source=Source("PTG", "App. E.1, Table 8 and Table 9", ("3",)),
        assumptions=(),
        used_for="Table 9",
        checks=(
            Check("one task", Method.EXACT, lambda _: refuted_by("PTG-E1-UPDATES")),
            Check(
                "pairs with repetition", Method.WRITTEN_PROOF, _updates_proof, under_condition=True
            ),
            Check("listed", Method.EXHAUSTIVE, _updates_listed, under_condition=True),
        ),
        reading="as an exact count; as an upper bound it holds",
        condition="a task paired with itself is another update than the task alone",
        repaired_by="PTG-E1-UPDATES-R",
        notes="The same question as for the diagonal of eq. 11 (PTG-11).",
    ),
    Claim(
        id="PTG-E1-UPDATES-R",
        family="ptg",
        title="with lists in place of sets it does",
        statement=r"If $\phi_{\{j,j\}}$ counts the gradient of $j$ twice, the parameter sets "
        r"$\phi_{\{i,j\}}$ and $\phi_{\{j\}}$ number $\frac{n(n+3)}2$.",
        plain="Counting a task paired with itself as another update, there are n(n+3)/2.",
        source=Source("songoku", "repair of PTG's appendix E.1", ("3",)),
        assumptions=(),
        used_for="Table 9, together with PTG-11-R",
        checks=(
            Check("pairs with repetition", Method.WRITTEN_PROOF, _updates_proof),
            Check("listed", Method.EXHAUSTIVE, _updates_listed),
        ),
        repairs="PTG-E1-UPDATES",
    ),
    Claim(
        id="PTG-T9",
        family="ptg",
        title="the rows of Table 9 add up",
        statement=r"[Table 9] In Total: $(n^2+n)\mathcal F+n\mathcal B+n\mathcal C$; $(n^2+2n)"
        r"\mathcal F+n\mathcal B+\frac{n(n+3)}2\mathcal C$; $\frac{n^2+6n+2}3\mathcal F+n\mathcal "
        r"B+\frac{(n+1)(n+5)}6\mathcal C$.",
        plain="In each row of Table 9 the four parts add up to the total.",
        source=Source("PTG", "4.3; App. E.1, Table 8 and Table 9"),
        assumptions=(),
        used_for="4.3",
        checks=(
            Check("sums of polynomials", Method.SYMBOLIC, _totals),
            Check("n up to 100", Method.EXHAUSTIVE, _totals_exactly),
        ),
    ),
    Claim(
        id="PTG-E2",
        family="ptg",
        title="the expected cost of sampling",
        statement=r"$\mathbb E\left[\frac{T(T+3)}2\mathcal C+(T^2+T)\mathcal F\right]=\frac{(n+1)"
        r"(n+5)}6\mathcal C+\frac{(n+1)(n+2)}3\mathcal F$.",
        plain="For T uniform on 1..n the two expectations are (n+1)(n+5)/6 and (n+1)(n+2)/3.",
        source=Source("PTG", "App. E.2; Table 9"),
        assumptions=(_UNIFORM,),
        used_for="the sampling strategy",
        checks=(
            Check("sums", Method.SYMBOLIC, _expectation),
            Check("n up to 100", Method.EXHAUSTIVE, _expectation_exactly),
        ),
        notes="Losses and gradients, nF + nB, stay as they are: all tasks are still trained.",
    ),
    Claim(
        id="PTG-E2-LOWER",
        family="ptg",
        title="sampling costs less than TAG",
        statement=r"... which significantly reduces the computational cost of our method and is "
        r"substantially lower than that of TAG because $\mathcal C\ll\mathcal F$ in practice.",
        plain="For every n and all positive costs the expected cost with sampling is below TAG's.",
        source=Source("PTG", "4.3; App. E.2; Table 9"),
        assumptions=(_POSITIVE, _UNIFORM),
        used_for="'Ours (S)'",
        checks=(
            Check("two tasks", Method.EXACT, lambda _: refuted_by("PTG-E2-LOWER")),
            *lower_checks(under_condition=True),
        ),
        condition="n ≥ 3 and (n² + 5) C < 2 (2n+1)(n-2) F, in particular n ≥ 3 and C < F",
        repaired_by="PTG-E2-LOWER-R",
        notes="For n = 2 sampling is dearer however small C is, for n = 1 too. For the paper's own "
        "n = 5, 6, 7 and 9 it is cheaper as long as C < 2.2 F at least. TAG could sample as well.",
    ),
    Claim(
        id="PTG-E2-LOWER-R",
        family="ptg",
        title="sampling costs less than TAG iff (n²+5) C < 2(2n+1)(n-2) F",
        statement=r"The expected cost with sampling is below TAG's if and only if $(n^2+5)\mathcal "
        r"C<2(2n+1)(n-2)\mathcal F$; for $n\ge3$ it is so when $\mathcal C<\mathcal F$.",
        plain="TAG minus sampling is [2(2n+1)(n-2) F - (n²+5) C]/6.",
        source=Source("songoku", "repair of PTG's appendix E.2"),
        assumptions=(_POSITIVE, _UNIFORM),
        used_for="when to sample",
        checks=lower_checks(),
        repairs="PTG-E2-LOWER",
    ),
    Claim(
        id="PTG-43-ORDER",
        family="ptg",
        title="both methods have the same order in n",
        statement=r"Both methods have the same order of computational complexity with respect to "
        r"the number of tasks.",
        plain="For fixed positive F, B, C both costs are Θ(n²), with either count of the updates.",
        source=Source("PTG", "1; 4.3; Table 9"),
        assumptions=(_POSITIVE,),
        used_for="the comparison with TAG",
        checks=(
            Check("two inequalities", Method.WRITTEN_PROOF, _order_proof),
            Check("price lists", Method.EXACT, _order_exactly),
        ),
        notes="The parameter updates alone grow from n to n²; the order agrees because TAG's "
        "forward passes are n² already.",
    ),
)
