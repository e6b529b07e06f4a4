"""PTG's Tables 1 to 6 as exact decimals, where the text of the paper at hand gives them whole.

Cells that are left out
    In Tables 2 to 5 a grouping method has a row a group. In the text at hand those rows are merged
    or stand beside another method's name (Table 3 repeats rows of four groups; Table 5 gives one
    row to five methods), so the cells of grouping methods are not transcribed and not judged. Their
    printed totals are, and so are the groups of Table 4 that section C.5 names. Grad-TAG's totals
    for three groups (Table 3) and four groups (Table 4) are missing.
"""

from __future__ import annotations

from songoku_theory.published import CELEBA_TOTALS, ETTM1_TOTALS

__all__ = [
    "CELEBA_TOTALS",
    "COP_GROUPS",
    "COP_TOTALS",
    "ETTM1_TOTALS",
    "LAZY",
    "ROWS",
    "SOLVER_SECONDS",
    "TASKONOMY_TOTALS",
]

LAZY: dict[int, tuple[str, str, str, str]] = {
    1: ("3.50", "5.76", "1.00", "1.00"),
    5: ("3.53", "9.48", "4.25", "4.62"),
    10: ("3.94", "9.20", "7.18", "8.45"),
    25: ("4.60", "8.75", "12.16", "16.64"),
    50: ("5.13", "8.75", "15.95", "24.94"),
    100: ("1.83", "6.70", "15.95", "33.24"),
    200: ("3.06", "5.87", "18.62", "39.16"),
}
"""Table 1: interval -> improvement (CelebA, ETTm1; percent), speedup (CelebA, ETTm1)."""

ROWS: dict[str, dict[str, tuple[str, str]]] = {
    "Table 2": {
        "Naive-MTL": ("0.138 0.088 -0.028 -0.077 0.052", "0.173"),
        "Surrogate": ("-0.033 0.088 -0.028 -0.029 0.052", "0.050"),
        "Random (2)": ("-0.033 0.049 0.000 -0.043 0.043", "0.016"),
        "Random (3)": ("0.149 0.020 -0.062 0.062 0.020", "0.190"),
        "Random (4)": ("0.063 0.031 -0.068 0.249 0.032", "0.307"),
    },
    "Table 3": {
        "STL": ("6.47 11.27 4.19 12.29 2.72 3.12 4.98 4.85 0.73", "50.621"),
        "Naive-MTL": ("6.55 11.09 4.19 12.56 2.58 3.02 4.80 4.74 0.70", "50.233"),
        "GradNorm": ("7.18 11.35 4.21 12.18 2.52 2.85 5.01 5.29 0.72", "51.312"),
        "PCGrad": ("6.58 11.12 4.27 12.67 2.61 2.92 4.96 5.02 0.69", "50.835"),
        "UW": ("6.72 11.32 4.30 13.61 2.74 2.93 5.43 4.86 0.79", "52.717"),
        "Surrogate": ("6.55 11.30 4.19 12.56 2.68 3.02 5.06 4.95 0.70", "51.000"),
        "STG": ("7.00 11.50 4.62 12.53 3.20 3.52 5.32 5.33 1.17", "54.200"),
        "Random (2)": ("6.41 11.10 4.14 12.51 2.66 2.92 4.71 4.75 0.78", "49.987"),
        "Random (3)": ("6.65 11.16 4.12 12.16 2.61 2.90 4.78 4.71 0.79", "49.886"),
        "Random (4)": ("6.40 11.25 4.11 12.92 2.55 3.01 4.74 4.75 0.76", "50.493"),
    },
    "Table 4": {
        "STL": ("0.017 0.277 0.534 1.780 -0.849 1.117", "2.876"),
        "Naive-MTL": ("0.022 0.469 0.522 2.070 -0.805 1.270", "3.548"),
        "Bandit-MTL": ("0.021 0.882 0.690 2.511 -0.865 2.114", "5.354"),
        "PCGrad": ("0.028 0.708 0.605 2.411 -0.689 1.756", "4.819"),
        "UW": ("0.042 0.362 0.412 1.703 -0.665 1.153", "3.007"),
        "LS": ("0.020 0.476 0.512 2.084 -0.792 1.197", "3.498"),
        "Nash-MTL": ("0.038 0.322 0.421 1.847 -0.873 1.279", "3.034"),
        "Surrogate": ("0.022 0.388 0.405 1.692 -0.771 1.270", "3.007"),
        "STG": ("0.020 0.728 0.674 2.355 -0.457 1.582", "4.901"),
        "Random (3)": ("0.031 0.535 0.416 1.741 -0.764 1.279", "3.237"),
        "Random (4)": ("0.024 0.473 0.681 2.125 -0.852 1.072", "3.522"),
        "Random (5)": ("0.038 0.444 0.472 1.992 -0.761 1.233", "3.419"),
    },
    "Table 5": {
        "STL": ("0.64 0.37 0.68 0.36 0.56 0.29 0.15", "3.050"),
        "Bandit-MTL": ("0.67 0.37 0.68 0.34 0.58 0.26 0.14", "3.052"),
        "LS": ("0.67 0.38 0.67 0.36 0.58 0.28 0.15", "3.094"),
        "UW": ("0.67 0.38 0.62 0.36 0.59 0.27 0.16", "3.061"),
        "Nash-MTL": ("0.61 0.38 0.65 0.36 0.59 0.27 0.15", "3.004"),
        "PCGrad": ("0.65 0.38 0.62 0.35 0.57 0.27 0.15", "2.997"),
        "Naive-MTL": ("0.66 0.38 0.64 0.35 0.59 0.28 0.15", "3.038"),
        "Surrogate": ("0.65 0.38 0.64 0.35 0.59 0.28 0.15", "3.040"),
        "STG": ("0.65 0.38 0.66 0.36 0.59 0.27 0.16", "3.065"),
        "Random (2)": ("0.66 0.38 0.64 0.35 0.59 0.28 0.15", "3.035"),
        "Random (3)": ("0.67 0.39 0.65 0.35 0.57 0.28 0.14", "3.054"),
        "Random (4)": ("0.64 0.38 0.68 0.35 0.55 0.27 0.15", "3.022"),
    },
}
"""Rows of one network a task or one for all: cells, total."""

TASKONOMY_TOTALS: dict[int, dict[str, str]] = {
    2: {
        "Random": "0.016",
        "Optimal": "0.694",
        "CS": "-0.866",
        "HOA": "0.608",
        "TAG": "-0.866",
        "MTG": "0.499",
        "Ours": "0.499",
    },
    3: {
        "Random": "0.190",
        "Optimal": "0.888",
        "CS": "0.206",
        "HOA": "-0.391",
        "TAG": "0.206",
        "MTG": "0.598",
        "Ours": "0.677",
    },
    4: {
        "Random": "0.307",
        "Optimal": "0.833",
        "CS": "0.206",
        "HOA": "0.809",
        "TAG": "0.206",
        "MTG": "0.598",
        "Ours": "0.688",
    },
}
"""Table 2, loss reduction: groups -> method -> total."""

COP_TOTALS: dict[int, dict[str, str]] = {
    3: {"OPT": "2.492", "TAG": "2.807", "Grad-TAG": "3.560", "Ours": "2.774", "Random": "3.237"},
    4: {"OPT": "2.431", "TAG": "2.774", "Ours": "2.696", "Random": "3.522"},
    5: {"OPT": "2.422", "TAG": "2.757", "Grad-TAG": "2.938", "Ours": "2.696", "Random": "3.419"},
}
"""Table 4, total gap in percent."""

COP_GROUPS: dict[str, tuple[str, ...]] = {
    "OPT (3)": (
        "0.022 0.307 0.512 - - -",
        "- - 0.404 1.692 - -",
        "- 0.638 0.631 - -0.861 0.929",
    ),
    "Ours (3)": ("0.021 0.324 - - - -", "- - 0.404 1.692 - -", "- - - - -0.771 1.104"),
}
"""Table 4's rows for the groups that C.5 names; '-' where a task is not in the group."""

SOLVER_SECONDS: dict[str, dict[int, tuple[str, str]]] = {
    "Taskonomy (5)": {
        2: ("0.002s", "0.110s"),
        3: ("0.046s", "0.563s"),
        4: ("0.431s", "1.253s"),
        5: ("2.454s", "1.733s"),
    },
    "COP (6)": {
        2: ("0.007s", "0.085s"),
        3: ("0.279s", "0.713s"),
        4: ("5.955s", "0.899s"),
        5: ("1.48m", "1.621s"),
        6: ("16.96m", "5.013s"),
    },
    "ETTm1 (7)": {
        2: ("0.024s", "0.122s"),
        3: ("2.005s", "1.078s"),
        4: ("1.63m", "1.677s"),
        5: ("1.02h", "2.218s"),
        6: ("×", "4.158s"),
    },
    "CelebA (9)": {
        2: ("0.312s", "0.907s"),
        3: ("1.93m", "2.255s"),
        4: ("×", "4.009s"),
        5: ("×", "7.261s"),
        6: ("×", "21.44s"),
    },
}
"""Table 6: data set -> splits -> (BB, MP); '×' is no answer within eight hours."""
