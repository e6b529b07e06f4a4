"""Send specimens through their suites: every fault has to be found, nothing correct refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from songoku_theory.testing.coloring_suite import ColoringOptions, ColoringSuite
from songoku_theory.testing.combiner_suite import check_combiner
from songoku_theory.testing.ema_suite import check_ema
from songoku_theory.testing.mutants.colorings import COLORINGS
from songoku_theory.testing.mutants.combiners import COMBINERS
from songoku_theory.testing.mutants.emas import EMAS
from songoku_theory.testing.mutants.model import Kind, Specimen, Trial
from songoku_theory.testing.mutants.rules import RULES
from songoku_theory.testing.mutants.schedulers import SCHEDULERS
from songoku_theory.testing.results import CheckResult, Status
from songoku_theory.testing.rule_suite import check_conflict_rule
from songoku_theory.testing.scheduler_suite import check_scheduler
from songoku_theory.testing.subjects import make_subject

__all__ = ["SPECIMENS", "run_mutants", "try_specimen"]

SPECIMENS: tuple[Specimen, ...] = (*COLORINGS, *RULES, *EMAS, *SCHEDULERS, *COMBINERS)
"""The whole zoo."""

_QUICK = ("hard", "disconnected", "gradients", "renamed", "small")
_SUITES: dict[Kind, Callable[..., list[CheckResult]]] = {
    Kind.RULE: check_conflict_rule,
    Kind.EMA: check_ema,
    Kind.SCHEDULER: check_scheduler,
    Kind.COMBINER: check_combiner,
}


def try_specimen(specimen: Specimen, thorough: bool = False) -> Trial:
    """Send one specimen through its suite.

    Parameters
    ----------
    specimen : Specimen
    thorough : bool, default False
        Also run a faulty colouring on the families of graphs after the first that finds the fault,
        and shrink what they find.

    Returns
    -------
    Trial

    Examples
    --------
    >>> late = next(s for s in SPECIMENS if s.name == "refresh one step late")
    >>> "refresh-on-time" in try_specimen(late).killed_by
    True
    """
    if specimen.kind is not Kind.COLORING:
        chosen = dict(specimen.options)
        if specimen.kind is Kind.SCHEDULER:
            chosen.setdefault("interpreters", False)  # two more a specimen, for one fault of all
        return Trial(specimen, tuple(_SUITES[specimen.kind](specimen.subject, **chosen)))
    options = dict(specimen.options)
    limit = float(options.get("time_limit", 10.0))
    subject = make_subject(specimen.subject, promises=options.get("promises", ()), time_limit=limit)
    suite = ColoringSuite(
        subject,
        ColoringOptions(time_limit=limit, families=options.get("families"), shrink=thorough),
    )
    return Trial(specimen, tuple(_first_finds(suite, specimen.faulty and not thorough)))


def _first_finds(suite: ColoringSuite, stop: bool) -> Iterator[CheckResult]:
    # The quickest first: most faults show on the hard graphs, in a tenth of the time.
    quick = [family for family in _QUICK if family in suite.families]
    for family in (*quick, *(f for f in suite.families if f not in quick)):
        results = suite.family(family)
        yield from results
        if stop and any(result.status is Status.FAIL for result in results):
            return


def run_mutants(
    kinds: Iterable[Kind] = tuple(Kind),
    thorough: bool = False,
    specimens: Sequence[Specimen] = SPECIMENS,
) -> Iterator[Trial]:
    """Try every specimen of some kinds, in order.

    Parameters
    ----------
    kinds : iterable of Kind
    thorough : bool
        See :func:`try_specimen`.
    specimens : sequence of Specimen, optional

    Yields
    ------
    Trial
    """
    wanted = set(kinds)
    for specimen in specimens:
        if specimen.kind in wanted:
            yield try_specimen(specimen, thorough)
