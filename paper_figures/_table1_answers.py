"""What Table 1 says to the questions that the paper's section 7 answers, from the stored runs."""

from __future__ import annotations

from paper_figures._table1_parts import mean_text
from paper_figures._training_rows import Bench, method_name
from paper_figures._training_scores import (
    Compared,
    Moment,
    against,
    compare,
    compares_nothing,
    metrics_of,
    silent_metrics,
)
from paper_figures.engine.picture import Answer
from paper_figures.engine.statistics import Mean

__all__ = ["answers"]

FAMILY = ("son_goku", "son_goku_adatask", "son_goku_gradnorm", "son_goku_pcgrad")


def answers(benches: tuple[Bench, ...], moment: Moment) -> tuple[Answer, ...]:
    """Answer from the rows: does scheduling gain, is it the conflicts, do the ablations hold?"""
    at = "after as many steps" if moment == "end" else "after as much work"
    controls = ("random_groups", "oldest_first", "static_one_shot")
    return (
        Answer(
            f"Does scheduling gain over training all tasks at once, {at}?", _gains(benches, moment)
        ),
        Answer(
            f"Does a gain come from conflicts, or from any groups, {at}?",
            _pairs(benches, moment, controls),
        ),
        Answer(
            f"Is single-step estimation markedly worse (section 7.2), {at}?",
            _pairs(benches, moment, ("single_step",)),
        ),
    )


def _gains(benches: tuple[Bench, ...], moment: Moment) -> str:
    parts = []
    for bench in benches:
        found = [one for one in compare(bench, moment) if one.p is not None]
        family = [one for one in found if one.method in FAMILY]
        if not family:
            continue
        if compares_nothing(bench, moment):
            parts.append(
                f"{bench.title}: every run of every method has the same scores, so nothing is "
                "compared"
            )
            continue
        better = [one for one in family if one.verdict == "better"]
        worse = [one for one in family if one.verdict == "worse"]
        parts.append(
            f"{bench.title}: of {len(family)} comparisons of SON-GOKU and its combinations with "
            f"Uniform, {_said(better, 'better')} and {_said(worse, 'worse')}"
        )
    if not parts:
        return (
            "No method of the paper's scheduler is stored with Uniform on two seeds, so nothing "
            "can be said."
        )
    seeds = sorted({bench.seeds for bench in benches})
    counts = f"{seeds[0]}" if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
    return (
        f"{'; '.join(parts)}. Paired t tests over {counts} seeds, corrected by Holm's procedure "
        "over all comparisons of a benchmark, alpha = 0.05; with so few seeds only large "
        "differences can be told, so the rest is undecided, not equal."
    )


def _said(found: list[Compared], word: str) -> str:
    if not found:
        return f"none is surely {word}"
    names = ", ".join(f"{method_name(one.method)} in {one.metric}" for one in found)
    return f"{len(found)} surely {word} ({names})"


def _pairs(benches: tuple[Bench, ...], moment: Moment, others: tuple[str, ...]) -> str:
    parts = []
    for bench in benches:
        if "son_goku" not in bench.methods or compares_nothing(bench, moment):
            continue
        silent = silent_metrics(bench)
        for metric in [name for name in metrics_of(bench) if name not in silent][:1]:
            for other in others:
                gap = against(bench, metric, "son_goku", other, moment)
                if gap is not None and gap.count > 1:
                    parts.append(
                        f"{bench.title}: SON-GOKU less {method_name(other)} in {metric} "
                        f"{mean_text(gap)} ({_verdict(gap)})"
                    )
    if not parts:
        return (
            "These methods are not stored together on two seeds with scores that differ, so "
            "nothing can be said."
        )
    return (
        f"{'; '.join(parts)}. Positive: SON-GOKU is better. Means of paired differences with 95% "
        "intervals by Student's t over seeds, not corrected for their number; 'untold' where the "
        "interval holds 0."
    )


def _verdict(gap: Mean) -> str:
    if gap.low > 0:
        return "better"
    return "worse" if gap.high < 0 else "untold"
