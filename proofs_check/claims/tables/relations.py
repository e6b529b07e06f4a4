"""Rows of Table 4 that are functions of other rows, to the last printed digit. Arithmetic only.

Nothing here says how the table came about: an equality of digits is stated as that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise, permutations, product

from proofs_check.claims.tables._data import SCHEDULED, SIZES, UNSCHEDULED, Times
from proofs_check.methods.exact import for_every
from proofs_check.methods.findings import inconclusive, refutes, supports
from proofs_check.model import Check, CheckContext, Claim, Finding, Method, Source

__all__ = ["CLAIMS", "fairgrad_checks", "famo_checks", "nash_checks", "only_checks"]

_HALF = Fraction(1, 20000)  # four printed places, each number rounded on its own
_C = "0.42244157"
"""Seconds a squared task: one value that gives FairGrad's row."""


def _ends(text: str) -> tuple[Fraction, Fraction]:
    """Return between which values a printed number was rounded."""
    value = Fraction(text)
    return value - _HALF, value + _HALF


def _common(pairs: Sequence[tuple[str, Fraction | tuple[Fraction, Fraction]]]) -> bool:
    """Is there one factor f with printed = f * other for all pairs, within rounding?"""
    low, high = Fraction(0), None
    for text, other in pairs:
        bottom, top = other if isinstance(other, tuple) else (other, other)
        a, b = _ends(text)
        low = max(low, a / top)
        high = b / bottom if high is None else min(high, b / bottom)
    return high is not None and low <= high


def _multiple(times: Times, row: str, of: str) -> bool:
    cells = zip(times[row], times[of], strict=True)
    return _common([(a, _ends(b)) for (a, _), (b, _) in cells])


def _share(times: Times, row: str) -> bool:
    return _common([(sd, _ends(mean)) for mean, sd in times[row]])


def _square(times: Times, row: str) -> bool:
    cells = zip(times[row], SIZES, strict=True)
    return _common([(mean, Fraction(k * k)) for (mean, _), k in cells])


def _rounds(exact: Decimal, printed: str) -> bool:
    """Does the number round to these digits, halves either way?"""
    place = Decimal("0.0001")
    return any(
        str(exact.quantize(place, rounding)) == printed
        for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN)
    )


def _digits(
    cases: Callable[[], Iterator[tuple[str, Decimal, str]]], conclusion: str
) -> Callable[[CheckContext], Finding]:
    def run(_: CheckContext) -> Finding:
        found = list(cases())
        wrong = [
            f"{label}: {exact} against {text}"
            for label, exact, text in found
            if not _rounds(exact, text)
        ]
        if not found or wrong:
            return refutes(conclusion, f"{len(wrong)} of {len(found)} differ: {'; '.join(wrong)}")
        shown = "; ".join(f"{label}: {exact} prints as {text}" for label, exact, text in found)
        return supports("all_sizes", conclusion, f"{conclusion}: {shown}")

    return run


def _whole(holds: Callable[[], bool], conclusion: str) -> Callable[[CheckContext], Finding]:
    def run(_: CheckContext) -> Finding:
        if not holds():
            return refutes(conclusion, f"no such factor exists: {conclusion}")
        return supports("all_sizes", conclusion, f"in intervals of rounding: {conclusion}")

    return run


def _two(
    digits: Callable[[], Iterator[tuple[str, Decimal, str]]],
    intervals: Callable[[], bool],
    conclusion: str,
) -> tuple[Check, ...]:
    return (
        Check("digit by digit", Method.EXHAUSTIVE, _digits(digits, conclusion)),
        Check("intervals of rounding", Method.EXACT, _whole(intervals, conclusion)),
    )


def famo_checks(times: Times = UNSCHEDULED, factor: str = "0.95") -> tuple[Check, ...]:
    """Return the checks that FAMO's row is 0.95 times AdaTask's with deviations of a tenth."""

    def digits() -> Iterator[tuple[str, Decimal, str]]:
        for k, (mean, sd), (base, _) in zip(SIZES, times["FAMO"], times["AdaTask"], strict=True):
            exact = Decimal(factor) * Decimal(base)
            yield f"K = {k}", exact, mean
            yield f"K = {k}, deviation", exact / 10, sd

    return _two(
        digits,
        lambda: _multiple(times, "FAMO", "AdaTask") and _share(times, "FAMO"),
        "FAMO = 0.95 AdaTask, deviation a tenth of the mean",
    )


def fairgrad_checks(times: Times = UNSCHEDULED, c: str = _C) -> tuple[Check, ...]:
    """Return the checks that FairGrad's row is c K² with deviations of 15%."""

    def digits() -> Iterator[tuple[str, Decimal, str]]:
        for k, (mean, sd) in zip(SIZES, times["FairGrad"], strict=True):
            exact = Decimal(c) * k * k
            yield f"K = {k}", exact, mean
            yield f"K = {k}, deviation", exact * Decimal("0.15"), sd

    return _two(
        digits,
        lambda: _square(times, "FairGrad") and _share(times, "FairGrad"),
        f"FairGrad = {c} s K², deviation 0.15 of the mean",
    )


def nash_checks(times: Times = UNSCHEDULED, factor: str = "1.5") -> tuple[Check, ...]:
    """Return the checks that Nash-MTL's row is 1.5 times FairGrad's with deviations of a fifth."""

    def digits() -> Iterator[tuple[str, Decimal, str]]:
        for k, (mean, sd) in zip(SIZES, times["Nash-MTL"], strict=True):
            exact = Decimal(factor) * Decimal(_C) * k * k
            yield f"K = {k}", exact, mean
            yield f"K = {k}, deviation", exact / 5, sd

    return _two(
        digits,
        lambda: _multiple(times, "Nash-MTL", "FairGrad") and _share(times, "Nash-MTL"),
        f"Nash-MTL = 1.5 ({_C} s K²), deviation a fifth of the mean",
    )


def _everything() -> dict[str, tuple[tuple[str, str], ...]]:
    found = dict(UNSCHEDULED)
    for period, rows in SCHEDULED.items():
        found.update({f"{row} (R = {period})": cells for row, cells in rows.items()})
    return found


_RELATED = {frozenset(("FAMO", "AdaTask")), frozenset(("FairGrad", "Nash-MTL"))}
_SHARES = {"FAMO", "FairGrad", "Nash-MTL"}
_SQUARES = {"FairGrad", "Nash-MTL"}


def _crosswise(times: Times, row: str, of: str) -> bool:
    """The same as a common factor, asked of two columns at a time, in whole 1/20000 s."""

    def unit(text: str) -> int:
        return 2 * int(text.replace(".", ""))

    cells = [(unit(a), unit(b)) for (a, _), (b, _) in zip(times[row], times[of], strict=True)]
    return all(
        (a - 1) * (y - 1) <= (x + 1) * (b + 1) for (a, b), (x, y) in product(cells, repeat=2)
    )


def only_checks(times: Times | None = None) -> tuple[Check, ...]:
    """Return the checks that no further row is a multiple, a square law, or of constant share."""
    rows = _everything() if times is None else dict(times)

    def by_intervals(_: CheckContext) -> Finding:
        pairs = {frozenset(p) for p in permutations(rows, 2) if _multiple(rows, *p)}
        shares = {row for row in rows if _share(rows, row)}
        squares = {row for row in rows if _square(rows, row)}
        said = "two related pairs, three rows of constant share, two square laws, and no more"
        if (pairs, shares, squares) != (_RELATED, _SHARES, _SQUARES):
            return refutes(said, f"found {sorted(map(sorted, pairs))}, {shares}, {squares}")
        return supports("all_sizes", said, f"{said}, among {len(rows)} rows")

    def crosswise(_: CheckContext) -> Finding:
        found = for_every(
            permutations(rows, 2),
            lambda p: _crosswise(rows, *p) == (frozenset(p) in _RELATED),
            lambda p: f"{p[0]} and {p[1]}",
            f"all ordered pairs of {len(rows)} rows, two columns at a time",
            "up_to",
        )
        return found if len(rows) > 1 else inconclusive("pairs", "fewer than two rows")

    return (
        Check("intervals of rounding", Method.EXACT, by_intervals),
        Check("pairs crosswise", Method.EXHAUSTIVE, crosswise),
    )


def _falls(times: Times = UNSCHEDULED) -> Callable[[CheckContext], Finding]:
    return lambda _: for_every(
        list(pairwise(times["GradNorm"])),
        lambda pair: Fraction(pair[1][0]) < Fraction(pair[0][0]),
        str,
        "GradNorm's means from column to column",
        "all_sizes",
    )


def _falls_in_digits(_: CheckContext) -> Finding:
    return for_every(
        list(pairwise(UNSCHEDULED["GradNorm"])),
        lambda pair: int(pair[1][0].replace(".", "")) < int(pair[0][0].replace(".", "")),
        str,
        "GradNorm's means from column to column, on the digits",
        "up_to",
    )


_HERE = "on App. L, Table 4"
_ARITHMETIC = (
    "This states what the printed digits satisfy, not how they arose: a computed row, a model of "
    "the cost, or a measurement that happens to agree look the same in a table."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="TAB-4-FAMO",
        family="tables",
        title="FAMO's row is 0.95 times AdaTask's",
        statement=r"In Tables 2 and 4 every mean of FAMO is $0.95$ times AdaTask's, and every "
        r"deviation a tenth of the mean, to the last digit.",
        plain="At each K, FAMO's printed mean is 0.95 times AdaTask's printed mean, and its "
        "printed deviation a tenth of that, rounded to four places.",
        source=Source("songoku", _HERE),
        assumptions=(),
        used_for="how many independent measurements the tables hold",
        checks=famo_checks(),
        notes=_ARITHMETIC,
    ),
    Claim(
        id="TAB-4-FAIRGRAD",
        family="tables",
        title="FairGrad's row is a constant times K²",
        statement=r"In Tables 2 and 4 every mean of FairGrad is $cK^2$ with $c=0.42244157$ s, and "
        r"every deviation $15\%$ of the mean, to the last digit.",
        plain="At each K, FairGrad's printed mean is 0.42244157 K² seconds and its printed "
        "deviation 0.15 of that, rounded to four places.",
        source=Source("songoku", _HERE),
        assumptions=(),
        used_for="how many independent measurements the tables hold; 'increase steeply'",
        checks=fairgrad_checks(),
        notes=_ARITHMETIC,
    ),
    Claim(
        id="TAB-4-NASH",
        family="tables",
        title="Nash-MTL's row is 1.5 times FairGrad's",
        statement=r"In Tables 2 and 4 every mean of Nash-MTL is $1.5\,cK^2$ with FairGrad's $c$, "
        r"and every deviation a fifth of the mean, to the last digit.",
        plain="At each K, Nash-MTL's printed mean is 1.5 times 0.42244157 K² seconds and its "
        "printed deviation a fifth of that, rounded to four places.",
        source=Source("songoku", _HERE),
        assumptions=(),
        used_for="how many independent measurements the tables hold; 'increase steeply'",
        checks=nash_checks(),
        notes=_ARITHMETIC,
    ),
    Claim(
        id="TAB-4-ONLY",
        family="tables",
        title="no other row of Table 4 is a function of another",
        statement=r"Besides FAMO and AdaTask, and FairGrad and Nash-MTL, no two rows of Table 4 "
        r"have a constant ratio of means; besides FAMO, FairGrad and Nash-MTL no row has a "
        r"constant ratio of deviation to mean.",
        plain="Among the 21 rows of Table 4, within rounding, exactly two pairs have proportional "
        "means, exactly three rows a constant ratio of deviation to mean, exactly two are c K².",
        source=Source("songoku", _HERE),
        assumptions=(),
        used_for="that the relations above are not what any table of times shows",
        checks=only_checks(),
        notes=_ARITHMETIC,
    ),
    Claim(
        id="TAB-4-GRADNORM",
        family="tables",
        title="GradNorm's time falls as K grows",
        statement=r"In Tables 2 and 4 GradNorm's mean falls from each $K$ to the next.",
        plain="GradNorm's printed means at K = 3, 6, 16, 40 decrease.",
        source=Source("songoku", _HERE),
        assumptions=(),
        used_for="what else than K moves these times",
        checks=(
            Check("in fractions", Method.EXACT, _falls()),
            Check("on the digits", Method.EXHAUSTIVE, _falls_in_digits),
        ),
        notes="From 5.47 to 4.74 s, about the size of the printed deviations (0.6 to 0.9 s).",
    ),
)
