"""The paper's Table 1 by benchmark: its columns and scores beside ours."""

from __future__ import annotations

from songoku_theory.published import METHOD_NAMES, TABLE_1

__all__ = ["COLUMNS", "METRICS", "printed_scores"]

COLUMNS: dict[str, tuple[tuple[str, int], ...]] = {
    "cifar10": (("accuracy (%) ↑", 0),),
    "av_mnist": (("accuracy (%) ↑", 1),),
    "mm_imdb": (("accuracy (%) ↑", 2),),
    "stocks_fb": (("accuracy (%) ↑", 3), ("MAE ↓", 4)),
    "stocks_health": (("accuracy (%) ↑", 5), ("MAE ↓", 6)),
    "nyuv2": (("mIoU ↑", 8), ("depth RMSE ↓", 9), ("angle ↓", 7)),
}
"""For each benchmark its columns: head, and place in a row of the printed table."""

METRICS: dict[str, tuple[str, ...]] = {
    "cifar10": ("accuracy",),
    "av_mnist": ("accuracy",),
    "mm_imdb": ("micro F1",),
    "stocks_fb": ("accuracy", "MAE of classes", "log loss (nats)"),
    "stocks_health": ("accuracy", "MAE of classes", "log loss (nats)"),
    "nyuv2": ("mIoU", "RMSE (m)", "angle error (degrees)"),
}
"""What is shown and tested of each benchmark, as by ``songoku table1``, so that p values agree."""


def printed_scores(benchmark: str, method: str) -> tuple[str, ...]:
    """Return what the paper prints for a method, a dash for a method that it does not have.

    Examples
    --------
    >>> printed_scores("stocks_fb", "son_goku"), printed_scores("cifar10", "random_groups")
    (('51', '0.53'), ('–',))
    """
    row = TABLE_1.get(METHOD_NAMES.get(method, ""))
    return tuple(row[place] if row else "–" for _, place in COLUMNS.get(benchmark, ()))
