"""What the rows of ``descent`` say, in words."""

from __future__ import annotations

import polars as pl

from paper_figures._descent_rows import DescentRows, pooled_share, share_words
from paper_figures.engine.picture import Answer

__all__ = ["answers"]

GUARANTEES = {
    "worst_case_violated": "Proposition 6",
    "norm_aware_violated": "its form that knows the norms (eq. 82)",
    "data_driven_violated": "Proposition 7",
    "ordering_violated": "Proposition 7 being at least as strong as Proposition 6",
    "eigenvalue_violated": "tau_eff <= lambda_max((-C)_+)",
    "degree_violated": "lambda_max((-C)_+) <= tau x negative pairs",
    "member_wrong": "the certificate for a member",
    "objective_wrong": "the certificate for F",
}


def answers(found: DescentRows) -> tuple[Answer, ...]:
    """Answer what section 5.1 and appendix E are asked."""
    said = [
        Answer("Does a step on one colour class descend?", _class(found)),
        Answer("How tight are Propositions 6 and 7, and when do they say nothing?", _tight(found)),
        Answer(
            "Does a class's step also lower the full objective, and each member's own loss?",
            _others(found),
        ),
    ]
    averaged = found.rows.filter(pl.col("seen") == "average")
    if averaged.height:
        said.append(
            Answer(
                "Are classes that were coloured from averages compatible at the step itself?",
                _premise(averaged),
            )
        )
    return tuple(said)


def _class(found: DescentRows) -> str:
    rows = found.rows
    total = int(rows["classes"].sum())
    counts = {name: int(rows[column].sum()) for column, name in GUARANTEES.items()}
    broken = [f"{name} in {count:,}" for name, count in counts.items() if count]
    verdict = (
        f"violated: {'; '.join(broken)}"
        if broken
        else f"none of {', '.join(counts)} was violated once"
    )
    return (
        "For the class's own objective, the sum of its members' losses, the slope along the step "
        "is the squared norm of the summed gradient, so it can't rise to first order. In "
        f"{total:,} classes {verdict} (where their premises hold; tolerance 1e-9)."
    )


def _tight(found: DescentRows) -> str:
    steps = found.rows.filter(pl.col("seen") == "step", pl.col("size") > 1)
    informative = steps.filter(pl.col("worst_case_bound") > 1e-12)
    text = ""
    near = informative.filter(pl.col("law") == "adversarial")
    if near.height:
        least = near.sort("excess_min").row(0, named=True)
        text += (
            f"Near the worst case the measured ratio comes within {least['excess_min']:.1e} of "
            f"1 - tau (|S| - 1) (|S| = {least['size']}, tau = {least['tau']:g}): Proposition 6 "
            "can't be improved from tau and |S| alone. "
        )
    random = informative.filter(pl.col("law") == "random", pl.col("picked") >= 100)
    if random.height:
        gap = random.with_columns(
            (pl.col("ratio_q50") - pl.col("worst_case_bound")).alias("gap"),
            (pl.col("ratio_q50") - pl.col("data_driven_q50")).alias("gap7"),
        )
        (low6, high6), (low7, high7) = _range(gap["gap"]), _range(gap["gap7"])
        text += (
            f"For random directions it is loose: the median ratio lies {low6:.2f} to {high6:.2f} "
            f"above it, and {low7:.2f} to {high7:.2f} above the median of Proposition 7 ("
            f"{gap.height} settings with at least 100 picked classes each). "
        )
    vacuous = steps.filter(pl.col("worst_case_bound") <= 1e-12)
    if vacuous.height:
        seventh = share_words(vacuous, "data_driven_vacuous")
        text += (
            f"Proposition 6 says nothing from tau (|S| - 1) = 1 on: {_classes_of(vacuous, steps)}. "
            f"There Proposition 7 says nothing in {seventh} picked classes."
        )
    return text.strip()


def _range(values: pl.Series) -> tuple[float, float]:
    listed = [float(value) for value in values]
    return min(listed), max(listed)


def _classes_of(part: pl.DataFrame, whole: pl.DataFrame) -> str:
    value, low, high = _share(int(part["picked"].sum()), int(whole["picked"].sum()))
    return (
        f"{100 * value:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {int(whole['picked'].sum()):,} "
        "picked classes of two tasks or more"
    )


def _share(count: int, trials: int) -> tuple[float, float, float]:
    frame = pl.DataFrame({"count": [count], "picked": [trials]})
    return pooled_share(frame, "count")[:3]


def _others(found: DescentRows) -> str:
    steps = found.rows.filter(pl.col("seen") == "step")
    safe = steps.filter(pl.col("worst_case_bound") > 1e-12)
    said = []
    for law in ("random", "planted", "adversarial"):
        mine = safe.filter(pl.col("law") == law)
        if mine.height:
            said.append(
                f"{law}: F rises in {share_words(mine, 'objective_up')} steps, some member's loss "
                f"in {share_words(mine, 'member_up')}"
            )
    if not said:
        return "No class with tau (|S| - 1) < 1 is stored."
    ups = int(safe["objective_up"].sum()) + int(safe["member_up"].sum())
    verdict = (
        "No: tau (|S| - 1) < 1 protects neither."
        if ups
        else "Not seen to fail in these rows, though neither proposition says so."
    )
    said_of = "; ".join(said)
    certified = share_words(safe, "objective_safe"), share_words(safe, "member_safe")
    return (
        f"{verdict} Among picked classes with tau (|S| - 1) < 1, to first order: {said_of}. "
        f"The certificate for F (||G_S|| >= ||G_rest||) covers {certified[0]}, the one for all "
        f"members (||g_i|| >= tau x the others' sum) {certified[1]}. Over a whole cycle the slopes "
        "of F add up to ||grad F||^2, so the cycle does not raise F to first order."
    )


def _premise(averaged: pl.DataFrame) -> str:
    said = []
    for sigma in sorted(set(averaged["sigma"])):
        mine = averaged.filter(pl.col("sigma") == sigma)
        said.append(f"sigma = {sigma:g}: {share_words(mine, 'incompatible')} steps are not")
    failed, total = int(averaged["worst_case_failed"].sum()), int(averaged["classes"].sum())
    least = float(averaged["n_eff"].min())  # type: ignore[arg-type]
    return (
        "Eq. 76 is a premise on the step's own gradients; the graph was drawn from averages of "
        f"n_eff = {least:g} others or more. {'; '.join(said)} (pooled over tau and class sizes). "
        f"Proposition 6's inequality itself then fails in {failed:,} of {total:,} classes."
    )
