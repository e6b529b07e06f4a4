"""What the rows of ``comparison`` say, in words."""

from __future__ import annotations

import polars as pl

from paper_figures._comparison_rows import ComparisonRows, confusion
from paper_figures.engine.intervals import clopper_pearson
from paper_figures.engine.picture import Answer

__all__ = ["answers"]

RIGHT = {
    "aggregated_violated": "UB_agg (eq. 42)",
    "telescoped_violated": "UB_sch with the Hessian along the path",
    "theorem5_corrected_violated": "Theorem 5 with the corrected drift penalty",
    "theorem6_corrected_violated": "Theorem 6 with it",
    "growth_corrected_violated": "eq. 55 corrected",
}
PRINTED = {
    "printed_violated": "UB_sch as printed (eq. 49)",
    "theorem5_violated": "Theorem 5 with eq. 56",
    "theorem6_violated": "Theorem 6 with eq. 56",
    "growth_violated": "eq. 55",
}


def answers(found: ComparisonRows) -> tuple[Answer, ...]:
    """Answer what section 5.3 and appendix C are asked."""
    return (
        Answer("Does scheduling beat one aggregated step?", _wins(found)),
        Answer("Does more conflict make scheduling win?", _conflict(found)),
        Answer("Do the bounds of appendix C tell who wins?", _bounds(found)),
        Answer("Does the second-order criterion tell who wins?", _criterion(found)),
        Answer("Do the bounds hold?", _hold(found)),
    )


def _share(count: int, trials: int) -> str:
    if trials == 0:
        return "none stored"
    low, high = clopper_pearson(count, trials)
    return f"{100 * count / trials:.1f}% [{100 * low:.1f}, {100 * high:.1f}] of {trials:,}"


def _wins_of(rows: pl.DataFrame) -> str:
    return _share(int(rows["wins"].sum()), int(rows["instances"].sum()))


def _wins(found: ComparisonRows) -> str:
    said = []
    for family in dict.fromkeys(found.mean.sort("family")["family"]):
        plain = found.mean.filter(pl.col("family") == family, pl.col("coupling") == "random")
        if plain.is_empty():
            continue
        total = int(plain["instances"].sum())
        said.append(
            f"{str(family).replace('_', ' ')}: on the mean over all orders in {_wins_of(plain)} "
            f"instances, in some order in {_share(int(plain['some_order_wins'].sum()), total)}, in "
            f"every order in {_share(int(plain['every_order_wins'].sum()), total)}"
        )
    if not said:
        return "No instances with random curvature are stored."
    return (
        "One refresh of class steps ends lower than one aggregated step of the same size, with "
        f"curvature that does not know the gradients: {'; '.join(said)} (pooled over the stored "
        "numbers of classes and step sizes)."
    )


def _conflict(found: ComparisonRows) -> str:
    if found.map.is_empty():
        return "No map of conflict against coupling is stored."
    cosines = sorted(float(value) for value in found.map["cosine"])
    low, high = cosines[0], cosines[-1]
    said = []
    for side in sorted(set(found.map["coupling"])):
        mine = found.map.filter(pl.col("coupling") == side)
        ends = [_wins_of(mine.filter(pl.col("cosine") == end)) for end in (low, high)]
        said.append(f"at coupling {side:+.2g}, {ends[0]} and {ends[1]}")
    return (
        f"Scheduling wins (mean over orders; {found.words}) at the strongest conflict, cosine "
        f"{low:g}, and at the weakest, {high:g}: {'; '.join(said)}. Coupling -1 turns each class's "
        f"curvature as far as possible in favour of scheduling, +1 against it, 0 is random. "
        f"{_what_decides(found.map.filter(pl.col('cosine') == low))}"
    )


def _what_decides(strongest: pl.DataFrame) -> str:
    """Whether the coupling changes who wins at one and the same conflict."""
    ends = []
    for side in sorted(set(strongest["coupling"])):
        mine = strongest.filter(pl.col("coupling") == side)
        ends.append(clopper_pearson(int(mine["wins"].sum()), int(mine["instances"].sum())))
    if max(low for low, _ in ends) > min(high for _, high in ends):
        return (
            "At the same strongest conflict the shares differ by more than their intervals: the "
            "curvature along the other classes' gradients decides, not the cosines alone."
        )
    return "At the strongest conflict the coupling makes no difference beyond the intervals."


def _bounds(found: ComparisonRows) -> str:
    bound, c59 = confusion(found.picked, "bound"), confusion(found.picked, "c59")
    holds = int(found.picked["holds_57"].sum())
    return (
        "One order an instance, chosen uniformly, over all stored couplings, of which some are "
        "extreme on purpose. UB_sch < UB_agg agrees with F(x_sch) < F(x_agg) "
        f"in {bound.words}; where it says that scheduling wins, it does in "
        f"{_share(bound.yes_win, bound.yes_win + bound.yes_loss)}. Assumption 7 (eq. 57) holds in "
        f"{_share(holds, bound.total)}, eq. 59 besides it in "
        f"{_share(c59.yes_win + c59.yes_loss, c59.total)}; where both hold, scheduling truly wins "
        f"in {_share(c59.yes_win, c59.yes_win + c59.yes_loss)}. A lower upper bound is not a lower "
        "F: the scheduled bound may only be less loose."
    )


def _criterion(found: ComparisonRows) -> str:
    said = []
    for eta in sorted(set(found.plain_mean["eta"])):
        picked = found.plain_picked.filter(pl.col("eta") == eta)
        means = found.plain_mean.filter(pl.col("eta") == eta)
        never = confusion(means, "never")
        said.append(
            f"eta = {eta:g}/L: {confusion(picked, 'criterion').words} per order, "
            f"{confusion(means, 'criterion').words} for the mean (always answering that "
            f"scheduling loses: {100 * never.right[0]:.1f}%)"
        )
    if not said:
        return "No instances with random curvature are stored."
    return (
        "The sign of <grad F, grad Phi> (and of its part for a given order) against the truth, "
        f"where the curvature does not know the gradients: {'; '.join(said)}."
    )


def _hold(found: ComparisonRows) -> str:
    total = int(found.all_mean["instances"].sum())
    right = {name: int(found.all_mean[column].sum()) for column, name in RIGHT.items()}
    printed = {name: int(found.all_mean[column].sum()) for column, name in PRINTED.items()}
    wrong = [f"{name} in {count:,}" for name, count in right.items() if count]
    fine = "none was violated" if not wrong else f"violated: {'; '.join(wrong)}"
    listed = "; ".join(f"{name} in {count:,}" for name, count in printed.items())
    return (
        f"Over {total:,} instances, each in every order: of {', '.join(right)}, {fine}. As "
        f"printed: {listed}. Drawn instances seldom meet the printed statements' exceptions; the "
        "experiment 'adversary' looks for them."
    )
