"""What section 7 of the paper claims of Table 1, asked of the runs that are stored."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simulations.training.table.columns import Column, paper_columns
from simulations.training.table.names import title_of
from simulations.training.table.plan import PAPER_BENCHMARKS
from simulations.training.table.scores import BenchTable
from simulations.training.table.statistics import LEVEL, estimate, paired_p

__all__ = [
    "CANNOT",
    "HOLDS",
    "HOLDS_NOT",
    "Answer",
    "Asked",
    "Unit",
    "all_of",
    "answers",
    "most_of",
]

HOLDS, HOLDS_NOT, CANNOT = "holds", "does not hold", "cannot be told"

SCHEDULERS = ("son_goku", "son_goku_gradnorm", "son_goku_adatask", "son_goku_pcgrad")
BASELINES = (
    "uniform", "gradnorm", "mgda", "pcgrad", "cagrad", "adatask", "famo", "fairgrad", "nash_mtl",
)  # fmt: skip
_ALPHA = 1 - LEVEL


@dataclass(frozen=True, slots=True)
class Answer:
    """A claim and what the runs say of it.

    Attributes
    ----------
    source : str
        Where the paper says it; "songoku" for a question of ours.
    statement : str
        As it is judged.
    verdict : {"holds", "does not hold", "cannot be told", "not asked"}
    words : str
        What that rests on.
    """

    source: str
    statement: str
    verdict: str
    words: str


@dataclass(frozen=True, slots=True)
class Unit:
    """One comparison that a claim makes.

    Attributes
    ----------
    name : str
    alternatives : tuple of tuple of float
        Differences, one a seed, positive where the claim is right; the claim needs one of them.
    """

    name: str
    alternatives: tuple[tuple[float, ...], ...]

    @property
    def leans(self) -> int:
        """1 where the mean difference of the best alternative favours the claim, 0 equal, -1."""
        best = max(sum(found) for found in self.alternatives)
        return (best > 0) - (best < 0)

    def surely_right(self, alpha: float, strict: bool) -> bool:
        """Some alternative's interval lies on the claim's side."""
        lows = [_ends(found, alpha / len(self.alternatives))[0] for found in self.alternatives]
        return any(low > 0 or (low == 0 and not strict) for low in lows)

    def surely_wrong(self, alpha: float) -> bool:
        """Every alternative's interval lies on the other side."""
        return all(_ends(found, alpha)[1] < 0 for found in self.alternatives)


def _ends(differences: Sequence[float], alpha: float) -> tuple[float, float]:
    """An interval's ends; the whole line where a t interval says nothing: one seed, no spread."""
    seen = estimate(differences, alpha)
    if seen is None or seen.low is None or seen.high is None or paired_p(differences) is None:
        return -math.inf, math.inf
    return seen.low, seen.high


def all_of(units: Sequence[Unit], missing: int = 0, strict: bool = True) -> tuple[str, str]:
    """Judge a claim that is made of every unit.

    It holds when each unit's interval lies on its side: no correction over units, because all of
    them have to, but one over a unit's alternatives. It does not hold when some unit's intervals
    all lie on the other side, corrected (Bonferroni) over units. Otherwise it can't be told.

    Parameters
    ----------
    units : sequence of Unit
    missing : int
        Comparisons that the claim makes as well and no stored run answers; with any it can't hold.
    strict : bool
        False for "match or exceed": differences that are all exactly 0 count as matched.

    Returns
    -------
    tuple of str
        Verdict and words.

    Examples
    --------
    >>> all_of([Unit("a", ((1.0, 1.1, 0.9),))])[0]
    'holds'
    """
    right = [unit for unit in units if unit.surely_right(_ALPHA, strict)]
    wrong = [unit for unit in units if unit.surely_wrong(_ALPHA / len(units))]
    verdict = CANNOT
    if wrong:
        verdict = HOLDS_NOT
    elif len(right) == len(units) and not missing:
        verdict = HOLDS
    return verdict, _words(units, missing, len(right), wrong)


def most_of(units: Sequence[Unit], missing: int = 0) -> tuple[str, str]:
    """Judge a claim that is made of more than half of the units.

    Intervals are corrected (Bonferroni) over all units. It holds when more than half of them lie on
    its side, does not hold when at least half lie on the other, and otherwise can't be told.

    Examples
    --------
    >>> most_of([Unit("a", ((1.0, -1.0, 0.5),))])[0]
    'cannot be told'
    """
    expected = len(units) + missing
    alpha = _ALPHA / expected
    right = [unit for unit in units if unit.surely_right(alpha, strict=True)]
    wrong = [unit for unit in units if unit.surely_wrong(alpha)]
    verdict = CANNOT
    if 2 * len(right) > expected:
        verdict = HOLDS
    elif 2 * len(wrong) >= expected:
        verdict = HOLDS_NOT
    return verdict, _words(units, missing, len(right), wrong)


def _words(units: Sequence[Unit], missing: int, right: int, wrong: Sequence[Unit]) -> str:
    leaning = [unit.leans for unit in units]
    text = (
        f"of {len(units)} comparison{'s' if len(units) > 1 else ''} the mean favours it in "
        f"{leaning.count(1)}, is equal in {leaning.count(0)}; the interval lies on its "
        f"side in {right}, on the other in {len(wrong)}"
    )
    if wrong:
        shown = ", ".join(unit.name for unit in wrong[:3])
        text += f" ({shown}{', ...' if len(wrong) > 3 else ''})"
    if missing:
        text += f"; {missing} more comparison{'s are' if missing > 1 else ' is'} not stored"
    return text


@dataclass(frozen=True, slots=True)
class Asked:
    """The comparisons that a claim makes: those with runs, and how many have none."""

    units: list[Unit]
    missing: int

    def __add__(self, other: Asked) -> Asked:
        return Asked(self.units + other.units, self.missing + other.missing)


@dataclass(frozen=True, slots=True)
class _Scores:
    """Test scores of all benchmarks at equal steps."""

    tables: Sequence[BenchTable]

    def columns(self, benchmarks: Sequence[str] = ()) -> Iterator[tuple[BenchTable, int, Column]]:
        for table in self.tables:
            if not benchmarks or table.benchmark in benchmarks:
                for index, column in enumerate(table.columns):
                    if column.paper is not None:  # section 7 speaks of the paper's columns alone
                        yield table, index, column

    def differences(
        self, table: BenchTable, index: int, one: str, other: str, factor: float = 1.0
    ) -> tuple[float, ...]:
        """Paired differences, positive where `one` is better than `factor` times `other`."""
        a, b = self.values(table, index, one), self.values(table, index, other)
        sign = table.columns[index].sign
        return tuple(sign * (a[seed] - factor * b[seed]) for seed in sorted(a) if seed in b)

    @staticmethod
    def values(table: BenchTable, index: int, method: str) -> Mapping[int, float]:
        line = table.method(method)
        return {} if line is None else line.at_steps[index].values

    def each(
        self, ones: Sequence[str], others: Sequence[str], benchmarks: Sequence[str], factor: float
    ) -> Asked:
        """The claim needs every one of `ones` to be better."""
        found = Asked([], 0)
        for one in ones:
            found += self.units((one,), others, benchmarks, factor)
        return found

    def units(
        self, ones: Sequence[str], others: Sequence[str], benchmarks: Sequence[str] = (),
        factor: float = 1.0,
    ) -> Asked:  # fmt: skip
        """One unit a column and `other`; the claim needs one of `ones` to be better there."""
        found: list[Unit] = []
        here = [table.benchmark for table in self.tables]
        wanted = benchmarks or PAPER_BENCHMARKS
        missing = len(others) * sum(paper_columns(name) for name in wanted if name not in here)
        for table, index, column in self.columns(benchmarks):
            for other in others:
                each = [
                    self.differences(table, index, one, other, factor)
                    for one in ones
                    if one != other
                ]
                if not all(each):  # without one alternative nothing can be said against the claim
                    missing += 1
                    continue
                who = f"{title_of(ones[0])} against " if len(ones) == 1 else ""
                name = f"{who}{title_of(other)} on {table.benchmark}, {column.title[:-2]}"
                found.append(Unit(name, tuple(each)))
        return Asked(found, missing)


def _answer(
    source: str, statement: str, asked: Asked, most: bool = False, strict: bool = True
) -> Answer:
    units, missing = asked.units, asked.missing
    if not units:
        return Answer(source, statement, "not asked", "the runs that it compares are not stored")
    verdict, words = most_of(units, missing) if most else all_of(units, missing, strict)
    return Answer(source, statement, verdict, words)


def answers(tables: Sequence[BenchTable]) -> list[Answer]:
    """Return what the stored runs say of section 7, and of two questions that it leaves open.

    Parameters
    ----------
    tables : sequence of BenchTable
        Test scores at equal steps are compared, in pairs of the same seed.
    """
    scores = _Scores(tables)
    classified = ("cifar10", "av_mnist", "mm_imdb")
    everyone = (
        *BASELINES, *SCHEDULERS, "static_one_shot", "single_step",
    )  # fmt: skip
    found = [
        _answer(
            "section 7",
            "In every column the best of SON-GOKU and its combinations matches or exceeds every "
            "baseline.",
            scores.units(SCHEDULERS, BASELINES),
            strict=False,
        ),
        _answer(
            "section 7.1",
            "SON-GOKU and its combinations improve on Uniform by at least 10 % (relative) on "
            "CIFAR-10.",
            scores.each(SCHEDULERS, ("uniform",), ("cifar10",), 1.10),
        ),
        _answer(
            "section 7.1",
            "SON-GOKU and its combinations improve on Uniform by 7 % (relative) on MM-IMDb.",
            scores.each(SCHEDULERS, ("uniform",), ("mm_imdb",), 1.07),
        ),
        _answer(
            "section 7.1",
            "SON-GOKU improves on Uniform in all of NYUv2's metrics.",
            scores.units(("son_goku",), ("uniform",), ("nyuv2",)),
        ),
        _answer(
            "section 7.2",
            "Static One-Shot is worse than SON-GOKU in most columns: recolouring matters.",
            scores.units(("son_goku",), ("static_one_shot",)),
            most=True,
        ),
        _answer(
            "section 7.2",
            "Single-Step is worse than SON-GOKU in every column: history matters.",
            scores.units(("son_goku",), ("single_step",)),
        ),
        _answer(
            "section 7.3.1",
            "AdaTask or SON-GOKU + AdaTask is best on CIFAR-10, AV-MNIST and MM-IMDb.",
            scores.units(
                ("adatask", "son_goku_adatask"),
                tuple(m for m in everyone if "adatask" not in m),
                classified,
            ),
        ),
        _answer(
            "section 7.3.1",
            "PCGrad or SON-GOKU + PCGrad is best on NYUv2.",
            scores.units(
                ("pcgrad", "son_goku_pcgrad"),
                tuple(m for m in everyone if "pcgrad" not in m),
                ("nyuv2",),
            ),
        ),
    ]
    for part, name in (("adatask", "AdaTask"), ("gradnorm", "GradNorm"), ("pcgrad", "PCGrad")):
        found.append(
            _answer(
                "section 7.3.2",
                f"SON-GOKU + {name} is better than SON-GOKU alone in most columns.",
                scores.units((f"son_goku_{part}",), ("son_goku",)),
                most=True,
            )
        )
        found.append(
            _answer(
                "section 7.3.2",
                f"SON-GOKU + {name} is better than {name} alone in most columns.",
                scores.units((f"son_goku_{part}",), (part,)),
                most=True,
            )
        )
    return found + _ours(scores)


def _ours(scores: _Scores) -> list[Answer]:
    """What a reader of Table 1 wants to know, and it does not show."""
    return [
        _answer(
            "songoku",
            "SON-GOKU is better than Uniform in most columns.",
            scores.units(("son_goku",), ("uniform",)),
            most=True,
        ),
        _answer(
            "songoku",
            "SON-GOKU is better than a sum with tuned weights in most columns.",
            scores.units(("son_goku",), ("scalarised",)),
            most=True,
        ),
        _answer(
            "songoku",
            "It is the colouring that helps: SON-GOKU is better than random groups, as many and as "
            "large, in most columns.",
            scores.units(("son_goku",), ("random_groups",)),
            most=True,
        ),
        _answer(
            "songoku",
            "It is the colouring that helps: SON-GOKU is better than oldest-first, which needs no "
            "colouring, in most columns.",
            scores.units(("son_goku",), ("oldest_first",)),
            most=True,
        ),
    ]
