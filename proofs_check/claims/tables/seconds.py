"""Section 7.4 and appendix L: what Tables 2 and 4 say of speed, and of growth with K and R."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from proofs_check.claims.tables._checks import Clause, held, not_held, one
from proofs_check.claims.tables._data import (
    PERIODS,
    SCHEDULED,
    SCHEDULERS,
    SIZES,
    TWO,
    UNSCHEDULED,
    Times,
)
from proofs_check.model import Check, Claim, Source

__all__ = ["CLAIMS", "agree_checks", "period_checks", "steep_checks"]

_STEEP = ("PCGrad", "FairGrad", "Nash-MTL")


def _mean(times: Times, row: str, place: int) -> str:
    return times[row][place][0]


def agree_checks(two: Times = TWO) -> tuple[Check, ...]:
    """Return the checks that Table 2 repeats Table 4 at R = 32, without CAGrad."""
    four = {**UNSCHEDULED, **SCHEDULED[32]}

    def build() -> Sequence[Clause]:
        rows = str(len(set(two) & set(four)))
        found = [
            one("twelve rows in both", ["12"], [rows], strict=False),
            one("one row less than Table 4", [str(len(two) + 1)], [str(len(four))], strict=False),
        ]
        for row, cells in two.items():
            for k, ours, theirs in zip(SIZES, cells, four[row], strict=True):
                for a, b in zip(ours, theirs, strict=True):
                    found.append(one(f"{row}, K = {k}: {a} ≤ {b}", [a], [b], strict=False))
                    found.append(one(f"{row}, K = {k}: {b} ≤ {a}", [b], [a], strict=False))
        return found

    return held(build, "every cell of Table 2 against Table 4, means and deviations")


def _no_faster_than_linear() -> list[Clause]:
    """From column to column the time grows by at most the factor by which K does."""
    return [
        one(
            f"R = {r}, {row}, K = {SIZES[j]} to {SIZES[j + 1]}",
            [_mean(times, row, j + 1), str(SIZES[j])],
            [_mean(times, row, j), str(SIZES[j + 1])],
            strict=False,
        )
        for r, times in SCHEDULED.items()
        for row in SCHEDULERS
        for j in range(3)
    ]


def _proportional(times: Times, factor: str) -> list[Clause]:
    """The time a task differs by at most `factor` between any two columns."""
    return [
        one(
            f"SON-GOKU, K = {SIZES[a]} and {SIZES[b]}",
            [_mean(times, "SON-GOKU", a), str(SIZES[b])],
            [factor, _mean(times, "SON-GOKU", b), str(SIZES[a])],
            strict=False,
        )
        for a, b in product(range(4), repeat=2)
        if a != b
    ]


def _exponent(times: Times, row: str, low: tuple[int, int], high: tuple[int, int]) -> list[Clause]:
    """``(40/3)^low <= t(40)/t(3) <= (40/3)^high`` for exponents as fractions (p, q)."""
    first, last = _mean(times, row, 0), _mean(times, row, 3)
    found = []
    for (p, q), at_least in ((low, True), (high, False)):
        ratio = [last] * q + ["3"] * p
        power = [first] * q + ["40"] * p
        left, right = (power, ratio) if at_least else (ratio, power)
        sign = "at least" if at_least else "at most"
        found.append(one(f"{row}: exponent {sign} {p}/{q}", left, right, strict=False))
    return found


def steep_checks(times: Times = UNSCHEDULED) -> tuple[Check, ...]:
    """Return the checks that three methods grow at least like K² (to one part in 10^4)."""
    return held(
        lambda: [
            one(
                f"{row}, K = {SIZES[j]} to {SIZES[j + 1]}",
                ["0.9999", _mean(times, row, j), str(SIZES[j + 1]), str(SIZES[j + 1])],
                [_mean(times, row, j + 1), str(SIZES[j]), str(SIZES[j])],
                strict=False,
            )
            for row in _STEEP
            for j in range(3)
        ],
        "growth of PCGrad, FairGrad and Nash-MTL from column to column against K²",
    )


def period_checks(scheduled: dict[int, Times] | None = None) -> tuple[Check, ...]:
    """Return the checks that a longer refresh period never costs more time."""
    tables = dict(SCHEDULED) if scheduled is None else scheduled
    return held(
        lambda: [
            one(
                f"{row}, K = {SIZES[j]}: R = {long} below R = {short}",
                [_mean(tables[long], row, j)],
                [_mean(tables[short], row, j)],
            )
            for short, long in pairwise(PERIODS)
            for row in SCHEDULERS
            for j in range(4)
        ],
        "four scheduler rows, four K, three R",
    )


def _rank(row: str, most: int, j: int) -> Clause:
    """At most `most` - 1 rows of Table 2 are faster."""
    others = sorted((m for m in TWO if m != row), key=lambda m: float(_mean(TWO, m, j)))
    slower = others[most - 1 :]
    label = f"{row}, K = {SIZES[j]}: among the {most} fastest of {len(TWO)}"
    return one(label, [_mean(TWO, row, j)], [_mean(TWO, slower[0], j)])


def _fast_and_flat() -> list[Clause]:
    found = [_rank(row, 5, j) for row in ("FAMO", "AdaTask") for j in range(4)]
    for row in ("FAMO", "AdaTask"):
        for a, b in product(range(4), repeat=2):
            found.append(
                one(
                    f"{row}, K = {SIZES[a]} against {SIZES[b]}: within 9%",
                    [_mean(TWO, row, a)],
                    ["1.09", _mean(TWO, row, b)],
                    strict=False,
                )
            )
    return found


def _equal(label: str, a: str, b: str) -> list[Clause]:
    return [one(label, [a], [b], strict=False), one(label, [b], [a], strict=False)]


def _growth_is_the_refresh() -> list[Clause]:
    """With 3 refreshes a run in place of 28 the growth from K = 3 to 40 is at most half.

    Differences are taken in ten-thousandths of a second, in which the cells are printed.
    """
    found = []
    for row in SCHEDULERS:
        rise = {
            r: int(_mean(SCHEDULED[r], row, 3).replace(".", ""))
            - int(_mean(SCHEDULED[r], row, 0).replace(".", ""))
            for r in (32, 256)
        }
        label = f"{row}: rise {rise[256]}e-4 s at R = 256, {rise[32]}e-4 s at R = 32"
        found.append(one(label, [str(rise[256]), "2"], [str(rise[32])], strict=False))
    return found


_FOUR = "every cell of Table 4"
_MEANS = "printed means; ten repeats a cell"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="TAB-2-4",
        family="tables",
        title="Table 2 is Table 4 at R = 32",
        statement=r"The expanded table includes results from testing refresh rates $R\in\{4,32,"
        r"256\}$ [...]. Non-scheduler methods do not depend on $R$.",
        plain="Every cell of Table 2 stands in Table 4, the schedulers' at R = 32; Table 4 has one "
        "more row, CAGrad.",
        source=Source("SON-GOKU", "7.4, Table 2; App. L, Table 4"),
        assumptions=(),
        used_for="reading 7.4's sentences on either table",
        checks=agree_checks(),
    ),
    Claim(
        id="TAB-7.4-LINEAR",
        family="tables",
        title="near-linear growth with K: not faster than linear",
        statement=r"Table 2 shows near-linear growth over this range of $K$ at $K=32$.",
        plain="From each column to the next, for each of the four schedulers and each R of Table "
        "4, the time grows by no larger a factor than K.",
        source=Source("SON-GOKU", "7.4; Table 2; Table 4"),
        assumptions=(),
        used_for="'remaining far below methods that perform heavy per-step conflict handling'",
        checks=held(_no_faster_than_linear, _FOUR),
        reading="'near-linear' as an upper statement; K = 32 read as R = 32, there being no column "
        "K = 32. TAB-7.4-LINEAR-PROP reads it as proportional",
        notes="Far below the K² of the cost per refresh; TAB-7.4-REFRESH asks which part of the "
        "time grows.",
    ),
    Claim(
        id="TAB-7.4-LINEAR-PROP",
        family="tables",
        title="near-linear growth with K: proportional within a factor of two",
        statement=r"Table 2 shows near-linear growth over this range of $K$ at $K=32$.",
        plain="SON-GOKU's time divided by K differs by at most a factor of two between any two "
        "columns of Table 2.",
        source=Source("SON-GOKU", "7.4; Table 2"),
        assumptions=(),
        used_for="7.4",
        checks=not_held(
            "tab_7_4_linear",
            lambda: _proportional(TWO, "2"),
            "SON-GOKU's time a task, all pairs of columns",
        ),
        reading=f"proportional to K within a factor of two; {_MEANS}",
        repaired_by="TAB-7.4-LINEAR-PROP-R",
        notes="A straight line with a constant part fits better than proportionality.",
    ),
    Claim(
        id="TAB-7.4-LINEAR-PROP-R",
        family="tables",
        title="from K = 3 to 40 the time grows like K^0.69 to K^0.70",
        statement=r"SON-GOKU's time at $R=32$ grows from $K=3$ to $K=40$ as $K^p$ with $0.69\le "
        r"p\le0.70$.",
        plain="The ratio of SON-GOKU's times at K = 40 and K = 3 in Table 2 is between (40/3)^0.69 "
        "and (40/3)^0.70.",
        source=Source("songoku", "repair of section 7.4, on Table 2"),
        assumptions=(),
        used_for="extrapolating beyond K = 40",
        checks=held(
            lambda: _exponent(TWO, "SON-GOKU", (69, 100), (7, 10)), "both ends of the interval"
        ),
        repairs="TAB-7.4-LINEAR-PROP",
    ),
    Claim(
        id="TAB-7.4-RISE",
        family="tables",
        title="from around 2 to 12 seconds",
        statement=r"SON-GOKU's time rises from around 2 seconds ($K=3$) to 12 seconds ($K=40$).",
        plain="SON-GOKU's times in Table 2 at K = 3 and K = 40 round to 2 and 12 seconds.",
        source=Source("SON-GOKU", "7.4; Table 2"),
        assumptions=(),
        used_for="7.4",
        checks=held(
            lambda: [
                one("K = 3, below 2.5", [_mean(TWO, "SON-GOKU", 0)], ["2.5"]),
                one("K = 3, from 1.5", ["1.5"], [_mean(TWO, "SON-GOKU", 0)], strict=False),
                one("K = 40, below 12.5", [_mean(TWO, "SON-GOKU", 3)], ["12.5"]),
                one("K = 40, from 11.5", ["11.5"], [_mean(TWO, "SON-GOKU", 3)], strict=False),
            ],
            "two cells of Table 2",
        ),
    ),
    Claim(
        id="TAB-7.4-BELOW",
        family="tables",
        title="below PCGrad, FairGrad and Nash-MTL",
        statement=r"[...] remaining far below methods that perform heavy per-step conflict "
        r"handling. For example, PCGrad, FairGrad, and Nash-MTL [...].",
        plain="SON-GOKU's time in Table 2 is below PCGrad's, FairGrad's and Nash-MTL's at every K, "
        "and at K = 40 by a factor of more than 55.",
        source=Source("SON-GOKU", "7.4; Table 2"),
        assumptions=(),
        used_for="7.4",
        checks=held(
            lambda: [
                *(
                    one(f"K = {SIZES[j]}, {row}", [_mean(TWO, "SON-GOKU", j)], [_mean(TWO, row, j)])
                    for row in _STEEP
                    for j in range(4)
                ),
                *(
                    one(f"K = 40, {row}", ["55", _mean(TWO, "SON-GOKU", 3)], [_mean(TWO, row, 3)])
                    for row in _STEEP
                ),
            ],
            "three methods, four K",
        ),
        notes="At K = 3 the factors are 1.8 to 2.9. MGDA and CAGrad also solve a problem at each "
        "step, take 97 to 136 s, and are flat in K.",
    ),
    Claim(
        id="TAB-7.4-STEEP",
        family="tables",
        title="PCGrad, FairGrad and Nash-MTL increase steeply with K",
        statement=r"PCGrad, FairGrad, and Nash-MTL increase steeply with $K$.",
        plain="From each column to the next the times of PCGrad, FairGrad and Nash-MTL grow at "
        "least as K² (to one part in 10,000, the printed digits).",
        source=Source("SON-GOKU", "7.4; Table 2; Table 4"),
        assumptions=(),
        used_for="7.4",
        checks=steep_checks(),
        notes="PCGrad grows a little faster than K²; the other two exactly so (TAB-4-FAIRGRAD).",
    ),
    Claim(
        id="TAB-7.4-FLAT",
        family="tables",
        title="FAMO and AdaTask are among the fastest and largely flat",
        statement=r"FAMO and AdaTask are among the fastest and largely flat with $K$.",
        plain="At every K, FAMO and AdaTask are among the five fastest of Table 2's twelve rows, "
        "and each one's times differ by at most 9% over K.",
        source=Source("SON-GOKU", "7.4; Table 2"),
        assumptions=(),
        used_for="7.4's trade-off",
        checks=held(_fast_and_flat, "two rows, four K"),
        reading="'among the fastest' as among five of twelve, 'largely flat' as within 9%",
        notes="At K = 3 SON-GOKU's printed mean (1.9896 s) is below FAMO's (2.0725 s), by less "
        "than one standard deviation. The two rows are not two observations: see TAB-4-FAMO. "
        "GradNorm, too, is flat; its means fall with K.",
    ),
    Claim(
        id="TAB-4.5-PERIOD",
        family="tables",
        title="times shrink as R grows",
        statement=r"It adds non-trivial overhead which [...] shrinks as $R$ grows.",
        plain="For each of the four schedulers and each K of Table 4 the mean at R = 32 is below "
        "that at R = 4, and at R = 256 below that at R = 32.",
        source=Source("SON-GOKU", "4.5; App. L, Table 4"),
        assumptions=(),
        used_for="choosing R",
        checks=period_checks(),
        notes="Not by much: at K = 40 SON-GOKU saves 20% from R = 4 to R = 256.",
    ),
    Claim(
        id="TAB-7.4-REFRESH",
        family="tables",
        title="the growth with K is the refresh's",
        statement=r"The proposed scheduler has a time complexity of $\Theta(K^2d/R)$ amortized per "
        r"training step. Table 2 shows near-linear growth [...], reflecting sparsity in the graphs "
        r"and batched cosine computation.",
        plain="With R = 256 (3 refreshes in 900 steps) the rise from K = 3 to K = 40 is at most "
        "half of that with R = 32 (28 refreshes), as most of a Θ(K²d/R) that grows with K would "
        "be.",
        source=Source("SON-GOKU", "7.4; 4.5; Table 2; Table 4"),
        assumptions=(),
        used_for="explaining the times by the amortised complexity",
        checks=not_held(
            "tab_7_4_refresh", _growth_is_the_refresh, "rises of four schedulers at two periods"
        ),
        reading=f"that the growth seen in the table is the refresh's, whose cost the sentence "
        f"names; {_MEANS}",
        repaired_by="TAB-7.4-REFRESH-R",
        notes="Cosines are computed at refreshes only, all of them whether or not the graph is "
        "sparse (CPX-41). What grows must be done at every step. Floor(900/R) refreshes.",
    ),
    Claim(
        id="TAB-7.4-REFRESH-R",
        family="tables",
        title="95% of the growth remains with three refreshes",
        statement=r"SON-GOKU's rise from $K=3$ to $K=40$ at $R=256$ is more than 95% of that at "
        r"$R=32$.",
        plain="In Table 4, (11.4162 - 1.7593) s at R = 256 is more than 0.95 times (12.1432 - "
        "1.9896) s at R = 32.",
        source=Source("songoku", "repair of section 7.4, on Table 4"),
        assumptions=(),
        used_for="what to speed up",
        checks=held(
            lambda: (
                [one("SON-GOKU's two rises in 1e-4 s", ["0.95", "101536"], ["96569"])]
                + [
                    clause
                    for r, rise in ((32, 101536), (256, 96569))
                    for clause in _equal(
                        f"rise at R = {r}",
                        str(rise + int(_mean(SCHEDULED[r], "SON-GOKU", 0).replace(".", ""))),
                        _mean(SCHEDULED[r], "SON-GOKU", 3).replace(".", ""),
                    )
                ]
            ),
            "four cells of Table 4",
        ),
        repairs="TAB-7.4-REFRESH",
    ),
)
