"""What the papers report, as printed: every number a string of its digits.

Strings, because a float would already be another number, and because the number of printed places
says how far a printed value can be from the one that was rounded. Claims judge these numbers;
tables of runs stand beside them.

Source
------
SON-GOKU, Table 1 (section 7); PTG, Tables 3 and 5. The lines of the text at hand name the metrics
of Table 1 so: accuracy in per cent of CIFAR-10, AV-MNIST, MM-IMDb, F&B and HEALTH; MAE of F&B and
HEALTH; angle error, segmentation mIOU and depth RMSE of NYUv2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "CELEBA_TOTALS",
    "COLUMNS",
    "ETTM1_TOTALS",
    "METHOD_NAMES",
    "MIOU",
    "TABLE_1",
    "Column",
    "Scores",
    "table_rows",
]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of Table 1.

    Attributes
    ----------
    name, dataset : str
    higher_is_better : bool
    """

    name: str
    dataset: str
    higher_is_better: bool


COLUMNS = (
    Column("CIFAR-10 accuracy (%)", "CIFAR-10", True),
    Column("AV-MNIST accuracy (%)", "AV-MNIST", True),
    Column("MM-IMDb accuracy (%)", "MM-IMDb", True),
    Column("F&B accuracy (%)", "F&B", True),
    Column("F&B MAE", "F&B", False),
    Column("HEALTH accuracy (%)", "HEALTH", True),
    Column("HEALTH MAE", "HEALTH", False),
    Column("NYUv2 angle error", "NYUv2", False),
    Column("NYUv2 Seg. mIOU", "NYUv2", True),
    Column("NYUv2 depth RMSE", "NYUv2", False),
)
"""Of Table 1, from left to right."""

MIOU = 8
"""Index of the column whose entries are printed on two scales: 0.63 beside 0.059."""

Scores = Mapping[str, tuple[str, ...]]
"""A row's name to its entries."""


def table_rows(text: str, width: int) -> dict[str, tuple[str, ...]]:
    """Read lines of a name and `width` entries; the name may hold spaces.

    Examples
    --------
    >>> table_rows("Static One-Shot 61 66", 2)
    {'Static One-Shot': ('61', '66')}
    """
    found = {}
    for line in text.strip().splitlines():
        words = line.split()
        found[" ".join(words[:-width])] = tuple(words[-width:])
    return found


TABLE_1: Scores = table_rows(
    """
Uniform              55 63 56 45 0.57 52 0.54 21.6 0.059 0.73
GradNorm             61 65 58 47 0.57 53 0.52 21.4 0.054 0.65
MGDA                 59 62 56 44 0.57 53 0.53 21.8 0.63 0.75
PCGrad               61 65 58 50 0.55 58 0.48 20.9 0.07 0.69
CAGrad               59 62 57 46 0.58 53 0.52 21.9 0.65 0.73
AdaTask              63 67 59 47 0.59 55 0.52 20.3 0.69 0.65
FAMO                 64 70 61 52 0.53 60 0.49 19.9 0.074 0.63
FairGrad             62 66 59 52 0.54 60 0.47 20.7 0.072 0.67
Nash-MTL             63 66 60 52 0.54 60 0.47 20.6 0.073 0.67
Static One-Shot      61 66 58 48 0.56 54 0.51 20.5 0.071 0.65
Single-Step          40 59 20 42 0.60 47 0.55 26.4 0.042 0.81
SON-GOKU + GradNorm  62 69 59 51 0.53 59 0.49 19.6 0.073 0.64
SON-GOKU + AdaTask   67 71 63 52 0.53 59 0.48 20.1 0.68 0.67
SON-GOKU + PCGrad    65 70 60 54 0.52 62 0.45 19.7 0.076 0.62
SON-GOKU             65 69 61 51 0.53 58 0.50 19.8 0.073 0.59
""",
    len(COLUMNS),
)
"""SON-GOKU, Table 1. The paper gives no number of seeds and no spread."""

METHOD_NAMES: Mapping[str, str] = {
    "uniform": "Uniform",
    "gradnorm": "GradNorm",
    "mgda": "MGDA",
    "pcgrad": "PCGrad",
    "cagrad": "CAGrad",
    "adatask": "AdaTask",
    "famo": "FAMO",
    "fairgrad": "FairGrad",
    "nash_mtl": "Nash-MTL",
    "static_one_shot": "Static One-Shot",
    "single_step": "Single-Step",
    "son_goku_gradnorm": "SON-GOKU + GradNorm",
    "son_goku_adatask": "SON-GOKU + AdaTask",
    "son_goku_pcgrad": "SON-GOKU + PCGrad",
    "son_goku": "SON-GOKU",
}
"""Names of methods here to rows of Table 1."""

CELEBA_TOTALS: Mapping[int, Mapping[str, str]] = {
    2: {
        "Random": "49.987",
        "OPT": "49.583",
        "TAG": "51.036",
        "CS": "50.278",
        "HOA": "49.600",
        "Grad-TAG": "50.393",
        "Ours": "49.534",
    },
    3: {
        "Random": "49.886",
        "OPT": "49.323",
        "TAG": "49.897",
        "CS": "50.954",
        "HOA": "49.716",
        "Ours": "49.348",
    },
    4: {
        "Random": "50.493",
        "OPT": "49.169",
        "TAG": "49.605",
        "CS": "49.753",
        "HOA": "49.853",
        "Ours": "49.335",
    },
}
"""PTG, Table 3, total error on CelebA: groups -> method -> total.

Three groups: Grad-TAG stands beside 50.521 and beside no total at all.
"""

ETTM1_TOTALS: Mapping[int, Mapping[str, str]] = {
    2: {
        "OPT": "2.926",
        "TAG": "3.032",
        "MTG": "3.033",
        "Grad-TAG": "3.004",
        "Ours": "2.989",
        "Random": "3.035",
    },
    3: {
        "OPT": "2.913",
        "TAG": "3.037",
        "MTG": "3.033",
        "Grad-TAG": "3.005",
        "Ours": "2.979",
        "Random": "3.054",
    },
    4: {
        "OPT": "2.906",
        "TAG": "3.026",
        "MTG": "3.018",
        "Grad-TAG": "3.010",
        "Ours": "2.966",
        "Random": "3.022",
    },
}
"""PTG, Table 5, total MAE on ETTm1: groups -> method -> total."""
