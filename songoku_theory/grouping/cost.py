"""What collecting affinities costs at one step: printed in the paper, and needed."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from songoku_theory.errors import InvalidInputError, unknown_name
from songoku_theory.validation import check_num_tasks

__all__ = ["Cost", "collected_every", "needed_cost", "printed_costs"]


@dataclass(frozen=True, slots=True)
class Cost:
    """Passes at one step: multiples of F, B and C of one task (Table 8).

    Attributes
    ----------
    forward, backward, parameter : Fraction
        Forward passes, backward passes, and parameter operations (one new set of parameters).
    """

    forward: Fraction
    backward: Fraction
    parameter: Fraction

    def __str__(self) -> str:
        """Write it as the paper does."""
        return f"{self.forward} F + {self.backward} B + {self.parameter} C"


def _cost(forward: Fraction | int, backward: Fraction | int, parameter: Fraction | int) -> Cost:
    return Cost(Fraction(forward), Fraction(backward), Fraction(parameter))


def printed_costs(num_tasks: int) -> dict[str, Cost]:
    """Return every cost that the paper prints, by method and place.

    Parameters
    ----------
    num_tasks : int
        n >= 1.

    Returns
    -------
    dict
        ``"ptg, 4.3"`` and ``"ptg, Table 9"`` differ: the paper prints two counts of the updates.

    Source
    ------
    PTG, section 4.3, Table 9, appendix E.2.

    Examples
    --------
    >>> for name, cost in printed_costs(9).items():
    ...     print(name, "|", cost)
    tag | 90 F + 9 B + 9 C
    ptg, 4.3 | 99 F + 9 B + 90 C
    ptg, Table 9 | 99 F + 9 B + 54 C
    ptg, sampling | 137/3 F + 9 B + 70/3 C
    """
    check_num_tasks(num_tasks)
    n = Fraction(num_tasks)
    return {
        "tag": _cost(n * n + n, n, n),
        "ptg, 4.3": _cost(n * n + 2 * n, n, n * n + n),
        "ptg, Table 9": _cost(n * n + 2 * n, n, n * (n + 3) / 2),
        "ptg, sampling": _cost((n * n + 6 * n + 2) / 3, n, (n + 1) * (n + 5) / 6),
    }


def needed_cost(method: str, num_tasks: int) -> Cost:
    """Return what the procedure needs at a step at which it collects.

    Parameters
    ----------
    method : {"tag", "ptg", "ptg_recorded_self", "ptg_sampling", "cosine", "ema_cosine", "hoa"}
        ``"ptg"``: eq. 3 for all i != j; {i, j} = {j, i}, so n (n + 1) / 2 different updates, n of
        them of single tasks, and n^2 losses after them. ``"ptg_recorded_self"``: with an update
        that counts a task twice on top, for its gain from itself. ``"ptg_sampling"``: the
        expectation of ``"ptg"`` for a uniformly drawn number of tasks. ``"cosine"``: the gradients.
        ``"ema_cosine"``: and one average a task. ``"hoa"``: a step of all single-task and all
        two-task networks, each with its own passes.
    num_tasks : int
        n >= 1.

    Returns
    -------
    Cost

    Raises
    ------
    UnknownNameError
        When the method is another one.

    Differs from
    ------------
    PTG, Table 9, which counts the pair {j, j} beside {j}, though they are one set: n updates and n
    forward passes more than eq. 3 needs.

    Examples
    --------
    >>> print(needed_cost("ptg", 9))
    90 F + 9 B + 45 C
    >>> print(needed_cost("tag", 9))
    90 F + 9 B + 9 C
    """
    check_num_tasks(num_tasks)
    n = Fraction(num_tasks)
    mean_square = (n + 1) * (2 * n + 1) / 6  # of T uniform on 1 to n
    known = {
        "tag": _cost(n + n * n, n, n),
        "ptg": _cost(n + n * n, n, n * (n + 1) / 2),
        "ptg_recorded_self": _cost(2 * n + n * n, n, n * (n + 3) / 2),
        "ptg_sampling": _cost(n + mean_square, n, (mean_square + (n + 1) / 2) / 2),
        "cosine": _cost(n, n, 0),
        "ema_cosine": _cost(n, n, n),
        "hoa": _cost(n * n, n * n, n + n * (n - 1) / 2),
    }
    if method not in known:
        raise unknown_name("method", method, known)
    return known[method]


def collected_every(cost: Cost, interval: int, num_tasks: int) -> Cost:
    """Return the average cost of a step where affinities are collected at one step in `interval`.

    The gradients of all tasks, n F + n B, are needed for training at every step.

    Source
    ------
    PTG, section 5.4, "Lazy Collection Strategy".

    Raises
    ------
    InvalidInputError
        When the interval is below 1.

    Examples
    --------
    >>> print(collected_every(needed_cost("ptg", 9), 10, 9))
    171/10 F + 9 B + 9/2 C
    """
    if interval < 1:
        raise InvalidInputError(f"interval should be at least 1 step; found {interval}.")
    n, share = Fraction(num_tasks), Fraction(1, interval)
    return Cost(
        n + (cost.forward - n) * share,
        n + (cost.backward - n) * share,
        cost.parameter * share,
    )
