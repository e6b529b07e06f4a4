"""The paper's budgets: Proposition 3, Corollaries 1 and 2, Theorems 3 and 4, eq. 39, section 5.4.

All of them rest on Lemma 2, and all lack the dimension. The counterexamples are two tasks, exact
(:mod:`._budgets`); what holds instead is in :mod:`.repaired` and :mod:`.dimension`.
"""

from __future__ import annotations

from fractions import Fraction

from proofs_check.claims.recovery._assumptions import (
    A1_GROUPS,
    A1_PAIRS,
    CONDITIONAL_NOISE,
    DELTA,
    MIN_NORM,
    MODEL_A,
    NO_DRIFT,
    TAU_FIXED,
)
from proofs_check.claims.recovery._budgets import least_dimension
from proofs_check.claims.recovery._checks import (
    Step,
    appendix_b,
    is_zero,
    look,
    ours,
    proof,
    replayed,
    some,
)
from proofs_check.claims.recovery._exact import sign_sum_at_least
from proofs_check.claims.recovery._stored import failures_by_dimension
from proofs_check.claims.recovery.groups import every_graph
from proofs_check.claims.recovery.models import groups_contradict_edges
from proofs_check.model import Check, CheckContext, Claim, Method, Source, VacuityFinding

__all__ = ["CLAIMS"]

_ALL = (A1_PAIRS, CONDITIONAL_NOISE, NO_DRIFT, MIN_NORM, TAU_FIXED, DELTA)
_BUDGET = r"$n_{\rm eff}\ge C\frac{\sigma^2}{m_0^2\gamma^2}\log\left(\frac{K^2}{\delta}\right)$"
_READING = (
    "'universal' and 'absolute': one C for all means, noise laws, dimensions, K and delta; noise "
    "independent over steps and tasks, the kindest case"
)
_DOC = "Two opposite tasks, signs on the axes across them: the edge is missed half of the time."


def _closed_form(_: CheckContext) -> list[tuple[Fraction, Fraction, int]]:
    return [
        (tau, Fraction(m0), axes)
        for tau in (Fraction(1, 5), Fraction(1, 2), Fraction(3, 4))
        for m0 in (1, 2, 3)
        for axes in range(1, 40)
    ]


def _missed(tau: Fraction, min_norm: Fraction, axes: int) -> Fraction:
    """Return P(no edge) exactly: n_eff = 1, signs on `axes` axes, means +-m_0 on another."""
    # edge iff -m_0² + S < -tau (m_0² + D), S the sum of D independent signs
    return sign_sum_at_least(axes, min_norm**2 - tau * (min_norm**2 + axes))


def _at_least_half(case: tuple[Fraction, Fraction, int]) -> bool:
    tau, min_norm, axes = case
    vanishing = axes >= least_dimension(int(min_norm), tau, Fraction(1))
    return not vanishing or _missed(tau, min_norm, axes) >= Fraction(1, 2)


def _solve_for_dimension() -> bool:
    import sympy

    m0, tau, w2, axes = sympy.symbols("m0 tau w2 D", positive=True)
    threshold = m0**2 * (1 / tau - 1) / w2
    return is_zero((m0**2 / (m0**2 + w2 * axes)).subs(axes, threshold) - tau)


_NO_CONSTANT = proof(
    "for every C some setting meets eq. 35 and misses the edge with probability at least 1/2",
    (
        Step(
            "Means +-m_0 e_0, C* = -1: Assumption 1 holds for every gamma < 1 - tau, groups {1} "
            "and {2}. Independent signs on D further axes: every direction is sub-Gaussian given "
            "the past with sigma² = 1, because E exp(l <xi, u>) = prod cosh(l u_k) <= exp(l²/2)."
        ),
        Step(
            "R = 1, n_eff = 1. Choose m_0² >= C log(K²/delta)/gamma² with delta < 1/2: eq. 35 "
            "holds, whatever D is."
        ),
        Step(
            "|g_i|² = m_0² + D exactly, <g_1, g_2> = -m_0² + X, X symmetric, so P(X >= 0) >= 1/2."
        ),
        Step(
            "X >= 0 and D >= m_0² (1/tau - 1) give C^ >= -m_0²/(m_0² + D) >= -tau: no edge.",
            _solve_for_dimension,
        ),
        Step("So P(G^ = G*) <= 1/2 < 1 - delta."),
    ),
)

_EXACT_LOSS = some(
    "probability of a missed edge",
    _closed_form,
    _at_least_half,
    "three tau, m_0 = 1, 2, 3, D = 1 ... 39: at least 1/2 wherever D >= m_0² (1/tau - 1)",
    doc="The binomial law, exactly.",
)


def _paper_settings(_: CheckContext) -> VacuityFinding:
    from math import log

    dim, tasks, delta, gamma = 11_000_000, 6, 0.05, 0.1
    budget = log(tasks**2 / delta) / gamma**2
    parts = [
        f"R = {window}: met (C = 1) by noise energy sigma² d up to {dim * window / budget:.3g} "
        f"m_0², while an edge at the margin vanishes from {window * gamma / 0.2:.3g} m_0² on"
        for window in (4, 32, 256)
    ]
    return VacuityFinding(
        False,
        f"d = {dim} (ResNet-18), K = {tasks}, delta = {delta}, gamma = {gamma}, tau = 0.2, n_eff "
        f"at its largest value R: " + "; ".join(parts),
    )


def _component_vacuity(_: CheckContext) -> VacuityFinding:
    return VacuityFinding(
        True, "every K >= 2, tau and gamma: Assumption 1 contradicts model (A) (REC-A1-A-NEVER)"
    )


def _claim(
    claim_id: str,
    title: str,
    statement: str,
    plain: str,
    source: Source,
    stem: str,
    *,
    reading: str = _READING,
    repaired_by: str = "REC-C1-R",
    notes: str = "",
    extra: tuple[Check, ...] = (),
) -> Claim:
    return Claim(
        id=claim_id,
        family="recovery",
        title=title,
        statement=statement,
        plain=plain,
        source=source,
        assumptions=_ALL,
        used_for="The paper's claim that few gradients suffice to trust the groups (5.4).",
        checks=(replayed(stem, _DOC), *extra),
        reading=reading,
        repaired_by=repaired_by,
        vacuous=_paper_settings,
        notes=notes,
    )


def _scaled_norm_bound() -> bool:
    import sympy

    x = sympy.Symbol("x")
    return is_zero(10 * x - (6 * x + 4 * x**2) - 4 * x * (1 - x))


_P3 = (
    r"For any $\epsilon>0$ there exist absolute constants $c,C>0$ such that if $n_{\rm eff}\ge C"
    r"\frac{\sigma^2}{m_0^2\epsilon^2}$ then, with probability $1-\delta$, $\max_{i<j}|\hat C_{ij}-"
    r"C^*_{ij}|\le\epsilon$."
)

CLAIMS: tuple[Claim, ...] = (
    _claim(
        "REC-P3",
        "Uniform cosine accuracy without delta in the budget",
        _P3,
        "Some C: n_eff >= C sigma²/(m_0² eps²) gives max |C^ - C*| <= eps with probability 1 - "
        "delta, for every delta.",
        appendix_b("B.4, Proposition 3", "30", "31"),
        "rec_p3_no_log",
        reading="eq. 30 to the letter, without logarithm (probably a slip: its proof speaks of "
        "'the claimed logarithmic factor'; that reading is REC-P3-LOG); C may even depend on eps",
        repaired_by="REC-P3-R",
        notes="d = 1, so the dimension plays no part here. K is missing as well.",
    ),
    _claim(
        "REC-P3-LOG",
        "Uniform cosine accuracy with the logarithm",
        _P3.replace(r"\epsilon^2}$ then", r"\epsilon^2}\log(K^2/\delta)$ then"),
        "Some C: n_eff >= C sigma²/(m_0² eps²) log(K²/delta) gives max |C^ - C*| <= eps with "
        "probability 1 - delta.",
        appendix_b("B.4, Proposition 3", "30", "31", "37"),
        "rec_p3_dimension",
        reading="with the factor log(K²/delta) of eq. 35, which the proof claims; " + _READING,
        repaired_by="REC-P3-R",
    ),
    Claim(
        id="REC-P3-ABSORB",
        family="recovery",
        title="The quadratic term is absorbed for eps <= m_0",
        statement=r"The constants absorb the quadratic term in $\epsilon$ by requiring "
        r"$\epsilon\le m_0$.",
        plain="For 0 <= eps <= m_0: 6 eps/m_0 + 4 eps²/m_0² <= 10 eps/m_0.",
        source=appendix_b("B.4, Proposition 3 (proof)"),
        assumptions=(MIN_NORM,),
        used_for="Proposition 3.",
        checks=(
            proof(
                "6x + 4x² <= 10x for 0 <= x <= 1",
                (Step("10x - 6x - 4x² = 4x(1 - x) >= 0 for x = eps/m_0.", _scaled_norm_bound),),
            ),
            some(
                "values",
                lambda _: [Fraction(k, 40) for k in range(41)],
                lambda x: 6 * x + 4 * x * x <= 10 * x,
                "eps/m_0 = 0, 1/40, ..., 1",
                doc="In fractions.",
            ),
        ),
        reading="eps of Lemma 2, a length; Proposition 3's eps is a cosine, and comparing that "
        "with m_0 would depend on the units of the loss",
    ),
    _claim(
        "REC-C1",
        "Exact recovery of the conflict graph with a universal constant",
        rf"There exists a universal constant $C>0$ such that if {_BUDGET}, then $\Pr(\hat "
        rf"G=G^*)\ge "
        r"1-\delta$.",
        "One C > 0 for all settings: n_eff >= C sigma²/(m_0² gamma²) log(K²/delta) gives P(G^ = "
        "G*) >= 1 - delta.",
        appendix_b("B.5, Corollary 1", "35"),
        "rec_c1_dimension",
        notes="If sigma bounds the noise's length instead, it holds: REC-C1-LENGTH. Model (B), K "
        "= m = 2. The least C that a setting needs grows with d (REC-C1-NONE).",
    ),
    Claim(
        id="REC-C1-NONE",
        family="recovery",
        title="No universal constant: the dimension has to be in the budget",
        statement=r"For every $C$, $\tau$, $\gamma<1-\tau$ and $\delta<1/2$ there are $d$, means "
        r"and noise that satisfy Assumptions 1-5 and eq. 35 with $\Pr(\hat G=G^*)\le 1/2$.",
        plain="For every C some setting meets eq. 35 and loses the graph at least half of the "
        "time: sigma² d/(n_eff m_0²) >= 1/tau - 1 makes an edge with cosine -1 vanish.",
        source=ours("on Corollary 1"),
        assumptions=_ALL,
        used_for="Says which quantity is missing: the noise energy sigma² d.",
        checks=(
            _NO_CONSTANT,
            _EXACT_LOSS,
            Check(
                "least constant by dimension in stored sweeps",
                Method.STATISTICAL,
                failures_by_dimension,
                "quick",
                "Rows of recovery: eq. 35's left side over its right side where recovery fails.",
            ),
        ),
        notes="C* = -1 is the strongest edge there is; one at the margin, -(tau+gamma), vanishes "
        "from sigma² d/(n_eff m_0²) = gamma/tau on (EXT-3-SHRINK-R).",
    ),
    Claim(
        id="REC-T3",
        family="recovery",
        title="Group recovery under the component model",
        statement=r"Under model (A) and the conditions of Corollary 1, with probability at least "
        r"$1-\delta$, the connected components of $\hat G$ equal $\mathcal P^*$.",
        plain="Under model (A), Assumptions 1-5 and eq. 35: the components of G^ are the groups "
        "with probability >= 1 - delta.",
        source=appendix_b("B.5, Theorem 3"),
        assumptions=(MODEL_A, A1_GROUPS, *_ALL[1:]),
        used_for="Quantitative consequence (i).",
        checks=(
            proof(
                "from Assumption 1 and model (A) anything follows",
                (Step("The two can't hold together for K >= 2 (REC-A1-A-NEVER)."),),
            ),
            look(
                "all graphs",
                every_graph,
                groups_contradict_edges,
                str,
                "all graphs with 2 to 4 tasks",
                doc="No graph meets the hypotheses.",
            ),
        ),
        reading="as printed, Assumption 1 by groups",
        vacuous=_component_vacuity,
        notes="Proved because nothing meets its hypotheses. With the margin by pairs, which can "
        "hold, it is REC-T3-PAIRS.",
    ),
    _claim(
        "REC-T3-PAIRS",
        "Group recovery under the component model, with a margin that can hold",
        r"Under model (A) and the conditions of Corollary 1 [with the margin of Assumption 1 on "
        r"edges and non-edges], with probability at least $1-\delta$, the connected components of "
        r"$\hat G$ equal $\mathcal P^*$.",
        "Under model (A), the margin for every pair, Assumptions 2-5 and eq. 35: the components of "
        "G^ are the groups with probability >= 1 - delta.",
        appendix_b("B.5, Theorem 3", "35"),
        "rec_t3_dimension",
        reading="Assumption 1 by pairs, as Theorem 2's proof uses it; " + _READING,
        repaired_by="REC-T34-R",
    ),
    _claim(
        "REC-T4",
        "Group recovery under the multipartite model",
        r"Under model (B) and the conditions of Corollary 1, with probability at least $1-\delta$, "
        r"$\chi(\hat G)=m$ and any optimal coloring of $\hat G$ yields color classes equal to "
        r"$\{P_r\}_{r=1}^m$ up to label permutation.",
        "Under model (B), Assumptions 1-5 and eq. 35: chi(G^) = m, and the classes of optimal "
        "colourings are the groups, with probability >= 1 - delta.",
        appendix_b("B.5, Theorem 4"),
        "rec_t4_dimension",
        repaired_by="REC-T34-R",
        notes="Given G^ = G* the rest holds (COL-P1, COL-T1; first-fit does too, EXT-6).",
    ),
    _claim(
        "REC-C2",
        "The probe budget without a logarithm",
        r"If the EMA parameters $(R,\beta)$ are chosen to ensure $n_{\rm eff}\ge "
        r"C\frac{\sigma^2}{m_0^2\gamma^2}$ [...], then $\Pr(\hat G=G^*)\ge 1-\delta$.",
        "Some C: n_eff >= C sigma²/(m_0² gamma²) gives P(G^ = G*) >= 1 - delta, for every delta.",
        appendix_b("B.6, Corollary 2", "36"),
        "rec_c2_no_log",
        reading="the first form of eq. 36 to the letter (probably a slip; its second form has the "
        "logarithm: REC-C2-LOG)",
    ),
    _claim(
        "REC-C2-LOG",
        "The probe budget with its logarithm",
        r"If $\sum_{t=1}^R w_t^2\le c\,\frac{m_0^2\gamma^2}{\sigma^2}\frac{1}{\log(K/\delta)}$, "
        r"then $\Pr(\hat G=G^*)\ge 1-\delta$, and consequently Theorems 3-4 apply.",
        "Some c: sum w_t² <= c m_0² gamma²/(sigma² log(K/delta)) gives P(G^ = G*) >= 1 - delta.",
        appendix_b("B.6, Corollary 2", "36"),
        "rec_c2_dimension",
        reading="the second form of eq. 36, with C = 1/c; " + _READING,
    ),
    _claim(
        "REC-39",
        "The quantitative consequence",
        rf"Let $m_0=\min_i\|\mu_i\|$ [...]. If {_BUDGET} for a universal constant $C>0$, then with "
        r"probability at least $1-\delta$ [...] $\hat G=G^*$.",
        "One C > 0 for all settings: eq. 39 gives P(G^ = G*) >= 1 - delta, and then the groups of "
        "(i) model (A) and (ii) model (B).",
        appendix_b("B.7, quantitative consequence", "39"),
        "rec_39_dimension",
        notes="m_0 is the smallest norm here, as in the counterexample. (i) is empty besides: "
        "Assumption 1 contradicts model (A).",
    ),
    _claim(
        "REC-5.4",
        "A modest number of steps, without the dimension",
        r"For example, an effective sample size of $n_{\rm "
        r"eff}\gtrsim\frac{\sigma^2}{m_0^2\gamma^2}\log(K/\delta)$ suffices in our analysis.",
        "Up to a constant, n_eff >= sigma²/(m_0² gamma²) log(K/delta) suffices for P(G^ = G*) >= "
        "1 - delta.",
        Source("SON-GOKU", "5.4 and overview (3) of section 5"),
        "rec_5_4_dimension",
        notes='So the number of steps is tied to "noise level, margin, and the number of tasks", '
        'and to d, which the sentence before leaves out; "only a modest number of steps" depends '
        "on it. "
        "Section 5's overview (3) says the same.",
    ),
)
