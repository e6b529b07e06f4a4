"""Table 1: every method on every benchmark after as many steps, with intervals over seeds."""

from __future__ import annotations

from paper_figures._table1_answers import answers
from paper_figures._table1_parts import part_of, score_data
from paper_figures._training_rows import NEED, Bench, read_benches
from paper_figures._training_scores import Moment
from paper_figures.engine.picture import FigureInput
from paper_figures.engine.registry import table
from paper_figures.engine.table import Table

__all__ = ["lay", "table_at"]


@table(
    name="table1",
    title="Table 1: test scores after as many steps",
    needs=(NEED,),
    place=20,
)
def lay(given: FigureInput) -> Table:
    """Set our scores beside the paper's, one part a benchmark."""
    return table_at(read_benches(given.rows["training"]), "end")


def table_at(benches: tuple[Bench, ...], moment: Moment) -> Table:
    """Lay out the table at equal steps or at equal work."""
    return Table(
        parts=tuple(part_of(bench, moment) for bench in benches),
        data=score_data(benches, moment),
        caption=f"{_HOW[moment]} {_COMMON}{_left_out(benches)}",
        n=f"{_seeds(benches)} seeds a method; {sum(len(b.keys) for b in benches):,} runs",
        interval=(
            "95% of a mean by Student's t over seeds; ▲ (better) and ▼ (worse) where the paired t "
            "test against Uniform, corrected by Holm's procedure over all comparisons of the "
            "benchmark, has p < 0.05"
        ),
        keys=tuple(key for bench in benches for key in bench.keys),
        answers=answers(benches, moment),
    )


_HOW = {
    "end": (
        "Scores on the test split after the whole run, which has as many steps for every method."
    ),
    "work": (
        "Scores on the validation split (runs are not tested on the way) at the last evaluation at "
        "which a run had done no more forward and backward passes than the whole of Uniform's run; "
        "single-task networks after their whole runs. A dash: no evaluation was that early."
    ),
}
_COMMON = (
    "Means over the main tasks that have the metric. Runs of the same seed have the same initial "
    "weights, data and order of data; each method was tuned with as many runs, on a seed of its "
    "own. Δm: mean relative gain over single-task networks of the same seeds in the main tasks' "
    "first metrics. In brackets after a benchmark's name what the data are: EXACT, the paper's; "
    "NEAR, real data of the same kind; SYNTH, generated. The paper's scores are as printed; where "
    "the data are not EXACT or the network is smaller they compare in order at most."
)


def _left_out(benches: tuple[Bench, ...]) -> str:
    count = sum(bench.left_out for bench in benches)
    return f" {count:,} stored runs of other settings are left out." if count else ""


def _seeds(benches: tuple[Bench, ...]) -> str:
    counts = sorted({bench.seeds for bench in benches})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
