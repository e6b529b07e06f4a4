"""Table 1 of the paper as printed."""

from __future__ import annotations

__all__ = ["COLUMNS", "printed_scores"]

COLUMNS: dict[str, tuple[tuple[str, int], ...]] = {
    "cifar10": (("accuracy (%) ↑", 0),),
    "av_mnist": (("accuracy (%) ↑", 1),),
    "mm_imdb": (("accuracy (%) ↑", 2),),
    "stocks_fb": (("accuracy (%) ↑", 3), ("MAE ↓", 4)),
    "stocks_health": (("accuracy (%) ↑", 5), ("MAE ↓", 6)),
    "nyuv2": (("mIoU ↑", 8), ("depth RMSE ↓", 9), ("angle ↓", 7)),
}
"""For each benchmark its columns: head, and place in a row of `ROWS`."""

ROWS = {
    "uniform": "55 63 56 45 0.57 52 0.54 21.6 0.059 0.73",
    "gradnorm": "61 65 58 47 0.57 53 0.52 21.4 0.054 0.65",
    "mgda": "59 62 56 44 0.57 53 0.53 21.8 0.63 0.75",
    "pcgrad": "61 65 58 50 0.55 58 0.48 20.9 0.07 0.69",
    "cagrad": "59 62 57 46 0.58 53 0.52 21.9 0.65 0.73",
    "adatask": "63 67 59 47 0.59 55 0.52 20.3 0.69 0.65",
    "famo": "64 70 61 52 0.53 60 0.49 19.9 0.074 0.63",
    "fairgrad": "62 66 59 52 0.54 60 0.47 20.7 0.072 0.67",
    "nash_mtl": "63 66 60 52 0.54 60 0.47 20.6 0.073 0.67",
    "static_one_shot": "61 66 58 48 0.56 54 0.51 20.5 0.071 0.65",
    "single_step": "40 59 20 42 0.60 47 0.55 26.4 0.042 0.81",
    "son_goku_gradnorm": "62 69 59 51 0.53 59 0.49 19.6 0.073 0.64",
    "son_goku_adatask": "67 71 63 52 0.53 59 0.48 20.1 0.68 0.67",
    "son_goku_pcgrad": "65 70 60 54 0.52 62 0.45 19.7 0.076 0.62",
    "son_goku": "65 69 61 51 0.53 58 0.50 19.8 0.073 0.59",
}
"""As printed, some values of mIoU ten times the others included."""


def printed_scores(benchmark: str, method: str) -> tuple[str, ...]:
    """Return what the paper prints for a method, a dash for a method that it does not have.

    Examples
    --------
    >>> printed_scores("stocks_fb", "son_goku"), printed_scores("cifar10", "random_groups")
    (('51', '0.53'), ('–',))
    """
    row = ROWS[method].split() if method in ROWS else None
    return tuple(row[place] if row else "–" for _, place in COLUMNS.get(benchmark, ()))
