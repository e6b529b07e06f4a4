"""Sections 1, 5 and 5.3: does F itself fall further? Two kinds of answer, for bounds and for F.

The example that returns: F = u^2 + u as (u - 1)^2/2 + (u + 2)^2/2, x = 0, whose two group gradients
-1 and 2 are exactly opposite. It is convex, PL holds with mu = L = 2, and mixing is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from types import ModuleType

from proofs_check.claims.comparison._drop_replays import name_of, orders_of
from proofs_check.claims.comparison._evidence import (
    GROUP_LIPSCHITZ,
    SMOOTH,
    STEP_SIZE,
    SUM,
    Expression,
    Step,
    algebra,
    exactly,
    identities,
    proof,
    replayed,
    searched,
)
from proofs_check.claims.comparison._families import quadratic
from proofs_check.claims.comparison._problem import (
    Problem,
    aggregated,
    dot,
    minus,
    starts,
    times,
)
from proofs_check.claims.comparison._series import remainder_constant
from proofs_check.claims.comparison.contraction import PL, contraction_checks
from proofs_check.claims.comparison.expansion import (
    gap,
    mean_gap,
    mean_remainder,
    order_term,
    random_term,
    small_steps,
)
from proofs_check.claims.comparison.improvement import NEGATIVE_CROSS
from proofs_check.methods.findings import inconclusive, supports
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Claim, Finding, Source

__all__ = ["CLAIMS"]


def _same_point(problem: Problem) -> bool:
    at = problem.start
    for group in starts(problem):
        at = minus(at, times(problem.eta, group))
    return at == aggregated(problem)


def _same_sum(sympy: ModuleType) -> list[Identity]:
    x, eta = sympy.symbols("x eta")
    groups = sympy.symbols("g1:5")
    at = x
    for g in groups:
        at = at - eta * g
    return [("steps with fixed gradients add up", at, x - eta * sum(groups))]


def _first_order(problem: Problem) -> bool:
    """The linear model at x, along both trajectories with the gradients of the start."""
    grad = problem.gradient(problem.start)
    at = problem.start
    value = Fraction(0)
    for group in starts(problem):
        value -= problem.eta * dot(grad, group)
        at = minus(at, times(problem.eta, group))
    return value == dot(grad, minus(aggregated(problem), problem.start)) and _same_point(problem)


def _can_beat() -> Finding:
    """Two conflicting convex groups at which F(x_sch) < F(x_agg) in both orders."""
    eta, least = Fraction(1), None
    for first in range(-4, 5):
        for second in range(-4, 5):
            if first * second >= 0:
                continue
            problem = quadratic(
                [((Fraction(0),),), ((Fraction(1),),)],
                [(Fraction(first),), (Fraction(second),)],
                eta / 4,
                Fraction(1),
                [Fraction(0), Fraction(1)],
            )
            found = max(gap(problem, o) for o in orders_of(problem))
            if mean_gap(problem) < 0 and found <= 0:
                least = problem
                break
        if least is not None:
            break
    if least is None:
        return inconclusive("two groups on a line", "no witness")
    words = ", ".join(f"order {name_of(o)}: {gap(least, o)}" for o in orders_of(least))
    return supports(
        "all_sizes", "a witness settles it", f"F(x_sch) - F(x_agg) at {least.name}: {words}"
    )


def _beats(sympy: ModuleType) -> list[Identity]:
    """G_1 = g constant, G_2 = u + k: in the order 1, 2 the gap is a polynomial in eta."""
    eta, g, k = sympy.symbols("eta g k")

    def value(u: Expression) -> Expression:
        return (g + k) * u + u**2 / 2

    one = -eta * g
    scheduled_end = one - eta * (one + k)
    mixed = -eta * (g + k)
    found = sympy.expand(value(scheduled_end) - value(mixed))
    return [
        ("at eta^2: g(g + k), negative for g = 1, k = -2", found.coeff(eta, 2), g * (g + k)),
        ("nothing below", found.coeff(eta, 0) + found.coeff(eta, 1), sympy.Integer(0)),
    ]


def _sufficient(problem: Problem) -> bool:
    promised = problem.eta**2 * random_term(problem) + mean_remainder(problem) < 0
    if promised and mean_gap(problem) >= 0:
        return False
    return all(
        gap(problem, o) < 0
        for o in orders_of(problem)
        if problem.eta**2 * order_term(problem, o) + remainder_constant(problem, o) < 0
    )


def _sum_of_signs(sympy: ModuleType) -> list[Identity]:
    t, r, c = sympy.symbols("t r c")
    return [("t + r = (t + c) - (c - r)", t + r, (t + c) - (c - r))]


_53 = "5.3"

CLAIMS: Sequence[Claim] = (
    Claim(
        id="CMP-5.3-GRADS",
        family="comparison",
        title="Both updates use the same gradients, measured at the start of the refresh",
        statement=r"We compare two ways to use the same gradients gathered at a refresh. [App. C] "
        r"Both use the same step size $\eta$ and the same gradient information measured at the "
        r"start of the refresh. [C.8] ... without changing step sizes or gradient information.",
        plain="x_sch of eq. 43 is a function of eta and of the group gradients at x, as x_agg is.",
        source=Source("SON-GOKU", "5.3; App. C, first paragraph; C.8", ("41", "43")),
        assumptions=(SUM,),
        used_for="That the comparison is one at equal information.",
        checks=(replayed("cmp_5_3_grads"),),
        reading="the scheduled refresh as eq. 43 defines it",
        repaired_by="CMP-5.3-GRADS-R",
        notes="Eq. 43 evaluates G_r at x_{r-1}: each step uses a gradient computed anew. That is "
        "what the scheduler does, too; only these sentences say otherwise.",
    ),
    Claim(
        id="CMP-5.3-GRADS-R",
        family="comparison",
        title="With the same gradients both updates end in the same point",
        statement=r"If every $G_r(x_{r-1})$ is replaced by $G_r(x)$, then $x^{sch}=x^{agg}$.",
        plain="With the gradients of the start in every step, x_sch = x_agg, in every order.",
        source=Source("songoku", "repair of section 5.3 and App. C", ("41", "43")),
        assumptions=(SUM,),
        used_for="All differences between the two come from gradients computed on the way.",
        checks=(
            proof(
                "sums commute",
                (Step("x - eta G_1 - ... - eta G_m = x - eta sum G_r.", algebra(_same_sum)),),
            ),
            searched(_same_point),
            identities("four groups", _same_sum, "steps add up"),
        ),
        repairs="CMP-5.3-GRADS",
    ),
    Claim(
        id="CMP-5.3-LINEAR",
        family="comparison",
        title="Under one first-order model the scheduled side is never worse",
        statement=r"[E]xpanding $F$ at the refresh start $\theta_{t_r}$ and applying the same "
        r"first-order model with the same step size---the scheduled bound is never worse.",
        plain="In the linear model of F at x, with the gradients of the start, the two updates "
        "have the same value: neither is worse, neither better.",
        source=Source("SON-GOKU", _53),
        assumptions=(SUM,),
        used_for='"Never worse".',
        checks=(
            proof(
                "the linear model adds up",
                (
                    Step("The linear model's change is <grad F(x), sum of the steps>."),
                    Step("The steps add up to the same sum.", algebra(_same_sum)),
                ),
            ),
            searched(_first_order),
        ),
        reading='"first-order model" as the linear model at x; for the bounds of App. C see '
        "CMP-5.3-NEVER",
        notes="True, and it excludes the sentence's other half: in this model scheduling is never "
        "strictly better.",
    ),
    Claim(
        id="CMP-5.3-NEVER",
        family="comparison",
        title="The scheduled bound is never worse",
        statement=r"Using a telescoping $L$-smooth bound and evaluating both trajectories at a "
        r"common linearization $\ldots$ the scheduled bound is never worse.",
        plain="UB_sch <= UB_agg.",
        source=Source("SON-GOKU", _53, ("49", "50")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for='"At least as much expected descent" (section 1).',
        checks=(replayed("cmp_5_3_never"),),
        reading="the bounds of eq. 49 and 50, without eq. 59",
        repaired_by="CMP-59-R",
        notes="Appendix C says so itself: without additional structure the scheduled bound can be "
        "looser (CMP-C4-LOOSER).",
    ),
    Claim(
        id="CMP-5.3-STRICT",
        family="comparison",
        title="The scheduled bound is strictly better once groups oppose enough",
        statement=r"[The scheduled bound] is strictly better when cross-group interaction terms "
        r"are sufficiently negative (so mixed updates would cancel progress).",
        plain="There is a threshold so that UB_sch < UB_agg whenever <G_1, G_2> is below it.",
        source=Source("SON-GOKU", _53, ("49", "50")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="The case for scheduling conflicting groups.",
        checks=(replayed("cmp_5_3_strict"),),
        reading="interaction terms as inner products <G_p, G_q>, as the bracket and the next "
        "sentence say; for Hessian-weighted terms with eq. 59 see CMP-T6",
        repaired_by="CMP-5.3-STRICT-R",
        notes="In eq. 52 <G_p, G_q> enters as -L <G_p, G_q>: the more the groups oppose, the worse "
        "for the scheduled bound.",
    ),
    Claim(
        id="CMP-5.3-BETTER",
        family="comparison",
        title="Opposing groups: one at a time is provably better",
        statement=r"[W]hen different groups' gradients pull in opposing directions (so adding them "
        r"together would cancel progress) the scheduler has an advantage. In that case, taking "
        r"the updates one group at a time is provably better.",
        plain="If the groups' gradients oppose, F(x_sch) < F(x_agg) for some order of the groups.",
        source=Source("SON-GOKU", _53, ("41", "43")),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="The scheduler's motive.",
        checks=(replayed("cmp_5_3_better"),),
        reading="about F; weakened to the better of the orders",
        repaired_by="CMP-DROP-R",
        notes="At eta = 1/L the mixed step ends in the minimum, which nothing beats. Cancelling is "
        "no loss there: the sum is what leads to the minimum.",
    ),
    Claim(
        id="CMP-5.3-DROP",
        family="comparison",
        title="The theory guarantees a larger drop in the objective",
        statement=r"Our theory guarantees a larger drop in the objective during that refresh than "
        r"the one-shot step, even though both use the same step size and the same gradients.",
        plain="Under all hypotheses of Theorem 6 (Assumptions 6 and 7, eq. 59, with any reading of "
        "R_m, m = 2), F(x_sch) < F(x_agg).",
        source=Source("SON-GOKU", _53 + "; App. C.5, Theorem 6", ("58", "59")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE, NEGATIVE_CROSS),
        used_for="From bounds to the objective.",
        checks=(replayed("cmp_5_3_drop"),),
        reading="gradients computed along the refresh (eq. 43); with the same ones: CMP-5.3-SAME",
        repaired_by="CMP-DROP-R",
        notes="A lower upper bound is no lower value. The appendix speaks of bounds only; section "
        "5.3 turns it into F.",
    ),
    Claim(
        id="CMP-5.3-SAME",
        family="comparison",
        title="A larger drop with the same step size and the same gradients",
        statement=r"Our theory guarantees a larger drop in the objective $\ldots$ even though both "
        r"use the same step size and the same gradients.",
        plain="With the gradients of the start in every step and opposing groups, F(x_sch) < "
        "F(x_agg).",
        source=Source("SON-GOKU", _53),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="The sentence's second half.",
        checks=(replayed("cmp_5_3_same"),),
        reading='"the same gradients" at its word',
        repaired_by="CMP-5.3-GRADS-R",
    ),
    Claim(
        id="CMP-5.3-PL",
        family="comparison",
        title="Under PL the scheduled path keeps the contraction and gains",
        statement=r"Under the PL condition, the scheduled path maintains the usual contraction "
        r"factor and gains a nonnegative extra decrease term over the window.",
        plain="If PL holds, F(x_sch) - F* <= (1 - 2 mu eta(1 - L eta/2))(F - F*) - (something >= "
        "0).",
        source=Source("SON-GOKU", _53, ("60", "63")),
        assumptions=(SMOOTH, SUM, STEP_SIZE, PL),
        used_for="The rate of section 5.3.",
        checks=(
            replayed("cmp_5_3_pl"),
            *contraction_checks(under_condition=True),
        ),
        reading="as section 5.3 has it, under PL alone; App. C.6 adds eq. 59 (CMP-63)",
        condition="the scheduled bound, with its integrals along the path, is at most the "
        "aggregated one",
        repaired_by="CMP-63-R",
    ),
    Claim(
        id="CMP-1-LEAST",
        family="comparison",
        title="At least as much expected descent as one mixed update",
        statement=r"[U]nder standard conditions, $\ldots$ over a refresh window, sequentially "
        r"updating these low-conflict groups yields at least as much expected descent as a single "
        r"mixed update.",
        plain="The mean of F(x_sch) over the orders is at most F(x_agg).",
        source=Source("SON-GOKU", "1, Introduction", ("41", "43")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="The paper's summary of appendix C.",
        checks=(replayed("cmp_1_least"),),
        reading="about F; the mean over random orders, without gradient noise, which is a case of "
        "noise",
        repaired_by="CMP-DROP-R",
        notes="Strongly convex, one task a group, no conflict within groups, all eta in (0, 1/L]. "
        "At eta = 1/L each single order is worse, too (CMP-5.3-BETTER).",
    ),
    Claim(
        id="CMP-1-STRICT",
        family="comparison",
        title="Strictly more when between-group interference is sufficiently negative",
        statement=r"[A]nd strictly more when between-group interference is sufficiently negative.",
        plain="There is a threshold so that the mean of F(x_sch) is below F(x_agg) whenever <G_1, "
        "G_2> is below it.",
        source=Source("SON-GOKU", "1, Introduction", ("41", "43")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM, STEP_SIZE),
        used_for="The paper's summary of appendix C.",
        checks=(replayed("cmp_1_strict"),),
        reading="about F, interference as inner products between groups",
        repaired_by="CMP-DROP-R",
        notes="The eta^2 coefficient of the mean gap is 1/2 for every N (EXT-8-SHARED): the "
        "interference is not in it. At eta = 1/L each single order is worse: x_agg is the minimum.",
    ),
    Claim(
        id="CMP-5-CAN",
        family="comparison",
        title="Several group updates can beat one mixed update",
        statement=r"(2) Over a refresh window, scheduling several group updates can beat one mixed "
        r"update that uses all tasks at once.",
        plain="There are problems with two opposing groups where the mean of F(x_sch) over the "
        "orders is below F(x_agg), and no order is worse.",
        source=Source("SON-GOKU", "5, overview (2)", ("41", "43")),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="The reason to compare at all.",
        checks=(
            exactly("a witness", _can_beat, "Two groups on a line, eta = 1/4."),
            identities("where it comes from", _beats, "the second-order term can be negative"),
        ),
    ),
    Claim(
        id="CMP-DROP-R",
        family="comparison",
        title="When the drop is larger: a condition on F",
        statement=r"If $\eta^2\langle\nabla F,\sum_{p<q}DG_qG_p\rangle + C(\eta) < 0$ with the "
        r"remainder's bound $C$ of EXT-8-ORDER, then $F(x^{sch})<F(x^{agg})$ in that order; if "
        r"$\frac{\eta^2}{2}\langle\nabla F,\nabla\Phi\rangle+\bar C(\eta)<0$, in mean over the "
        r"orders.",
        plain="If the second-order term plus the bound on the remainder is negative, F(x_sch) < "
        "F(x_agg): for one order, and in mean over the orders.",
        source=Source("songoku", "repair of sections 1 and 5.3", ("41", "43")),
        assumptions=(GROUP_LIPSCHITZ, SMOOTH, SUM),
        used_for="A guarantee about F that can be evaluated at the start of a refresh.",
        checks=(
            proof(
                "sign of a sum",
                (
                    Step("EXT-8-ORDER and EXT-8: the gap is t + r with |r| <= C."),
                    Step("t + C < 0 gives t + r < 0.", algebra(_sum_of_signs)),
                ),
            ),
            searched(_sufficient, problems=small_steps, words=" with small steps"),
        ),
        repairs="CMP-5.3-DROP",
    ),
)
