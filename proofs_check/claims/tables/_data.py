"""Tables 1, 2 and 4 of the SON-GOKU paper as printed: every number a string of its digits.

Strings, because a float would already be another number, and because the number of printed places
says how far a printed value can be from the one that was rounded.
"""

from __future__ import annotations

from collections.abc import Mapping

from songoku_theory.published import COLUMNS, MIOU, TABLE_1, Column, Scores, table_rows

__all__ = [
    "ABLATIONS",
    "BASELINES",
    "COLUMNS",
    "COMBINATIONS",
    "MIOU",
    "ONE",
    "PERIODS",
    "SCHEDULED",
    "SCHEDULERS",
    "SIZES",
    "TWO",
    "UNSCHEDULED",
    "Column",
    "Scores",
    "Times",
    "rescaled",
]


ONE: Scores = TABLE_1
BASELINES = (
    "Uniform",
    "GradNorm",
    "MGDA",
    "PCGrad",
    "CAGrad",
    "AdaTask",
    "FAMO",
    "FairGrad",
    "Nash-MTL",
)
ABLATIONS = ("Static One-Shot", "Single-Step")
COMBINATIONS = ("SON-GOKU + GradNorm", "SON-GOKU + AdaTask", "SON-GOKU + PCGrad")
SCHEDULERS = (*COMBINATIONS, "SON-GOKU")


def rescaled(scores: Scores = ONE) -> Scores:
    """Return Table 1 with the mIOU entries of the form 0.6x read as 0.06x.

    That is the reading in which a zero after the point is missing from four entries.
    """
    return {
        row: tuple(
            value.replace("0.", "0.0") if index == MIOU and value.startswith("0.6") else value
            for index, value in enumerate(values)
        )
        for row, values in scores.items()
    }


SIZES = (3, 6, 16, 40)
"""K of the columns of Tables 2 and 4."""
PERIODS = (4, 32, 256)
"""R of the sub-tables of Table 4."""

Times = Mapping[str, tuple[tuple[str, str], ...]]
"""Seconds and standard deviation, one pair a K."""


def _times(text: str) -> Times:
    plain = table_rows(text.replace("±", " "), 2 * len(SIZES))
    return {row: tuple(zip(v[::2], v[1::2], strict=True)) for row, v in plain.items()}


UNSCHEDULED: Times = _times("""
Uniform   0.2656 ± 0.1201 0.3240 ± 0.0629 0.3798 ± 0.1050 0.4054 ± 0.1190
GradNorm  5.4714 ± 0.7137 5.1201 ± 0.6112 4.9042 ± 0.5869 4.7372 ± 0.9286
MGDA      97.1081 ± 5.4645 121.4371 ± 9.0923 132.4913 ± 3.1752 134.0878 ± 2.2621
PCGrad    3.6212 ± 0.3517 23.1266 ± 0.8773 176.7566 ± 2.8171 1127.1337 ± 34.2603
CAGrad    102.8651 ± 18.3422 136.1034 ± 2.4218 134.3585 ± 4.0791 132.7034 ± 1.2412
AdaTask   2.1816 ± 0.0934 2.1032 ± 0.1012 2.2853 ± 0.0718 2.2278 ± 0.1370
FAMO      2.0725 ± 0.2073 1.9980 ± 0.1998 2.1710 ± 0.2171 2.1164 ± 0.2116
FairGrad  3.8020 ± 0.5703 15.2079 ± 2.2812 108.1450 ± 16.2218 675.9065 ± 101.3860
Nash-MTL  5.7030 ± 1.1406 22.8118 ± 4.5624 162.2176 ± 32.4435 1013.8598 ± 202.7720
""")
"""Table 4 (a), the methods without R."""

SCHEDULED: Mapping[int, Times] = {
    4: _times("""
SON-GOKU             2.0904 ± 0.3506 3.6770 ± 0.4974 6.3225 ± 0.7895 14.3280 ± 1.4073
SON-GOKU + AdaTask   4.1011 ± 0.4174 5.2126 ± 0.6066 7.6798 ± 0.7107 14.7528 ± 1.8671
SON-GOKU + GradNorm  7.3223 ± 0.4994 8.5898 ± 0.8203 12.1065 ± 2.5850 16.8329 ± 1.9803
SON-GOKU + PCGrad    2.3489 ± 0.3258 3.5925 ± 0.4100 6.1549 ± 0.8461 12.5729 ± 1.2657
"""),
    32: _times("""
SON-GOKU             1.9896 ± 0.3651 3.3202 ± 0.5745 6.0897 ± 0.9425 12.1432 ± 1.2044
SON-GOKU + AdaTask   3.7718 ± 0.9654 5.0511 ± 0.6531 7.5903 ± 1.1920 14.5182 ± 2.0660
SON-GOKU + GradNorm  7.0202 ± 1.0711 8.1661 ± 0.9355 10.7227 ± 2.2088 16.5760 ± 1.8418
SON-GOKU + PCGrad    1.9834 ± 0.3586 3.4971 ± 0.3840 6.1395 ± 0.9425 10.9097 ± 1.5263
"""),
    256: _times("""
SON-GOKU             1.7593 ± 0.2280 3.0024 ± 0.3942 4.8411 ± 0.7302 11.4162 ± 1.6076
SON-GOKU + AdaTask   3.7224 ± 0.2696 4.4548 ± 0.5837 7.5276 ± 0.6230 13.0608 ± 3.2925
SON-GOKU + GradNorm  6.0221 ± 1.0418 7.8659 ± 0.7917 9.5029 ± 1.2168 15.6860 ± 2.3680
SON-GOKU + PCGrad    1.6776 ± 0.4104 3.0189 ± 0.7854 5.9893 ± 1.3797 7.1915 ± 0.2021
"""),
}
"""Table 4, the methods with R."""

TWO: Times = {
    **_times("""
Uniform   0.2656 ± 0.1201 0.3240 ± 0.0629 0.3798 ± 0.1050 0.4054 ± 0.1190
GradNorm  5.4714 ± 0.7137 5.1201 ± 0.6112 4.9042 ± 0.5869 4.7372 ± 0.9286
AdaTask   2.1816 ± 0.0934 2.1032 ± 0.1012 2.2853 ± 0.0718 2.2278 ± 0.1370
PCGrad    3.6212 ± 0.3517 23.1266 ± 0.8773 176.7566 ± 2.8171 1127.1337 ± 34.2603
MGDA      97.1081 ± 5.4645 121.4371 ± 9.0923 132.4913 ± 3.1752 134.0878 ± 2.2621
FAMO      2.0725 ± 0.2073 1.9980 ± 0.1998 2.1710 ± 0.2171 2.1164 ± 0.2116
FairGrad  3.8020 ± 0.5703 15.2079 ± 2.2812 108.1450 ± 16.2218 675.9065 ± 101.3860
Nash-MTL  5.7030 ± 1.1406 22.8118 ± 4.5624 162.2176 ± 32.4435 1013.8598 ± 202.7720
SON-GOKU             1.9896 ± 0.3651 3.3202 ± 0.5745 6.0897 ± 0.9425 12.1432 ± 1.2044
SON-GOKU + AdaTask   3.7718 ± 0.9654 5.0511 ± 0.6531 7.5903 ± 1.1920 14.5182 ± 2.0660
SON-GOKU + GradNorm  7.0202 ± 1.0711 8.1661 ± 0.9355 10.7227 ± 2.2088 16.5760 ± 1.8418
SON-GOKU + PCGrad    1.9834 ± 0.3586 3.4971 ± 0.3840 6.1395 ± 0.9425 10.9097 ± 1.5263
""")
}
"""Table 2: R = 32 for the methods with R."""
