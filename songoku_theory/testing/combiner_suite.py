"""The conformance suite for combiners."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from songoku_theory.combine import PROMISES, get_combiner
from songoku_theory.errors import InvalidInputError
from songoku_theory.testing.combiner_checks import GRAM_CHECKS
from songoku_theory.testing.combiner_subject import (
    CombinerSubject,
    GramFunction,
    promises_of_combiner,
)
from songoku_theory.testing.combiner_upkeep import UPKEEP_CHECKS
from songoku_theory.testing.loss_checks import LOSS_CHECKS
from songoku_theory.testing.named import run_checks, settle_promises
from songoku_theory.testing.results import CheckResult
from songoku_theory.testing.subjects import load_object

__all__ = ["COMBINER_PROMISES", "check_combiner", "make_combiner"]

COMBINER_PROMISES: dict[str, str] = {
    **PROMISES,
    "same-as-reference": "the weights of the combiner given as reference",
    "options-used": "every variant with other options gives other weights somewhere",
    "learns": "weights change with what was seen",
}
"""What a combiner can be held to: the promises of ``songoku_theory.combine`` and three more."""


def make_combiner(target: Any) -> Any:  # noqa: ANN401 - names, classes, objects and functions
    """Return a combiner for a registered name, ``module:name``, a class, an object or a function.

    A function gets the Gram matrix of the active tasks and returns their weights.

    Raises
    ------
    InvalidInputError
        When it is none of these.
    UnknownNameError
        When no combiner has that name.

    Examples
    --------
    >>> make_combiner("mgda")
    MGDA()
    """
    found = target
    if isinstance(target, str):
        found = load_object(target) if ":" in target else get_combiner(target)
    if inspect.isclass(found):
        found = found()
    if callable(getattr(found, "combine", None)) and callable(getattr(found, "init", None)):
        return found
    if callable(found):
        return GramFunction(found)
    raise InvalidInputError(
        f"expected a combiner (an object with init and combine), a function from a Gram matrix to "
        f"weights, or a name of either; found {type(found).__name__}."
    )


def check_combiner(
    target: Any,  # noqa: ANN401 - names, classes, objects and functions
    *,
    promises: Iterable[str] = (),
    space: Literal["gram", "loss"] | None = None,
    reference: Any = None,  # noqa: ANN401
    variants: Sequence[Any] = (),
    expected_failures: Mapping[str, str] | None = None,
    time_limit: float = 60.0,
    isolate: bool = True,
    start_method: Literal["fork", "spawn"] | None = None,
) -> list[CheckResult]:
    """Run every check that a combiner's promises call for.

    Parameters
    ----------
    target : object, class, function or str
        Something with ``init`` and ``combine`` as in ``songoku_theory.combine``, a class of such,
        a function from the Gram matrix of the active tasks to their weights, or the name of either.
    promises : iterable of str, optional
        By default those that it is registered with, or ``deterministic``,
        ``permutation-equivariant`` and ``scale-equivariant``. Names alone replace these; ``+name``
        adds one and ``no-name`` takes one away. Valid: the keys of ``COMBINER_PROMISES``.
    space : {"gram", "loss"}, optional
        By default as registered; otherwise ``"loss"`` for an object that says whether it
        ``needs_gradient_norms``, and ``"gram"`` for the rest.
    reference : object, optional
        A combiner (Gram space) that it should agree with, e.g. the inner combiner of a wrapper.
    variants : sequence, optional
        The same combiner with other options, each of which should make a difference.
    expected_failures : mapping from name to reason, optional
    time_limit : float, default 60
        Seconds for one check.
    isolate : bool, default True
    start_method : {"fork", "spawn"}, optional
        How the child is started; ``"spawn"`` where the combiner uses threads of its own.

    Returns
    -------
    list of CheckResult

    Raises
    ------
    InvalidInputError
        When it is no combiner, or a reference or variants are given for one that weighs losses.
    UnknownNameError
        When a name, a promise or an expected failure is unknown.

    Examples
    --------
    >>> from songoku_theory.testing import succeeded
    >>> succeeded(check_combiner("mgda"))
    True
    >>> by_index = lambda gram: [1.0 + k for k in range(len(gram))]
    >>> [r.check for r in check_combiner(by_index) if not r.ok]
    ['permutation-equivariant', 'many-tasks-renamed']
    """
    rule = make_combiner(target)
    declared, registered = promises_of_combiner(rule)
    where = space or registered or ("loss" if hasattr(rule, "needs_gradient_norms") else "gram")
    if where == "loss" and (reference is not None or variants):
        raise InvalidInputError("reference and variants are for combiners in Gram space.")
    kept = settle_promises(promises, declared, COMBINER_PROMISES)
    kept |= {"same-as-reference"} if reference is not None else set()
    kept |= {"options-used"} if variants else set()
    return run_checks(
        CombinerSubject(rule, where, reference, tuple(variants)),
        (*GRAM_CHECKS, *UPKEEP_CHECKS) if where == "gram" else LOSS_CHECKS,
        kept,
        expected_failures=expected_failures,
        time_limit=time_limit,
        isolate=isolate,
        start_method=start_method,
    )
