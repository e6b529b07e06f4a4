"""EXT-11: how many cosines it takes to find the groups of the multipartite model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations

from proofs_check.claims.coloring._graphs import complete_multipartite
from proofs_check.claims.coloring.chromatic import part_sizes, planted, same_partition
from proofs_check.claims.recovery._assumptions import MODEL_B
from proofs_check.claims.recovery._checks import Step, is_zero, look, ours, proof, some
from proofs_check.model import Check, CheckContext, Claim

__all__ = ["CLAIMS", "count_checks", "group_by_representatives", "most_comparisons"]

Bound = Callable[[int, int], int]
"""From K and m to a number of comparisons."""


def group_by_representatives(
    order: tuple[int, ...], conflict: Callable[[int, int], bool]
) -> tuple[tuple[int, ...], int]:
    """Compare each task with one representative of each group found so far; count comparisons.

    A task joins the first group whose representative it does not conflict with, else it opens a
    group. Returns the label of each task, and the number of comparisons.

    Examples
    --------
    >>> group_by_representatives((0, 1, 2), lambda i, j: i % 2 != j % 2)
    ((0, 1, 0), 2)
    """
    representatives: list[int] = []
    label = [0] * len(order)
    asked = 0
    for task in order:
        for group, other in enumerate(representatives):
            asked += 1
            if not conflict(task, other):
                label[task] = group
                break
        else:
            label[task] = len(representatives)
            representatives.append(task)
    return tuple(label), asked


def most_comparisons(tasks: int, groups: int) -> int:
    """Return K m - m(m+1)/2, the most comparisons in any order."""
    return tasks * groups - groups * (groups + 1) // 2


def _cases(context: CheckContext) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    for total in range(1, 8 if context.profile == "full" else 7):
        for sizes in part_sizes(total):
            for order in permutations(range(total)):
                yield sizes, order


def _run(case: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[bool, int]:
    sizes, order = case
    part_of = planted(sizes)
    graph = complete_multipartite(part_of)
    label, asked = group_by_representatives(order, lambda i, j: bool(graph[i] >> j & 1))
    return same_partition(part_of, label), asked


def count_checks(bound: Bound = lambda tasks, groups: tasks * groups) -> tuple[Check, ...]:
    """Return the checks that this many comparisons are enough, in every order."""
    return (
        look(
            "all part sizes, all orders",
            _cases,
            lambda case: _run(case)[0] and _run(case)[1] <= bound(len(case[1]), len(case[0])),
            lambda case: f"parts {case[0]}, order {case[1]}",
            lambda context: (
                "all complete multipartite graphs with at most "
                f"{7 if context.profile == 'full' else 6} tasks, all orders"
            ),
            doc="Runs the procedure and counts.",
        ),
        proof(
            "at most K m comparisons, and the groups are found",
            (
                Step(
                    "Invariant: representatives lie in different parts. A task conflicts with a "
                    "representative iff it is of another part, so it joins the group of its own "
                    "part if that has a representative, and else opens one."
                ),
                Step("So groups are parts, at most m representatives exist, one comparison each."),
                Step("K tasks with at most m comparisons each: at most K m."),
            ),
        ),
    )


def _attained(case: tuple[int, ...]) -> bool:
    """One task of each part first, then each rest; parts opened last have the most tasks left."""
    part_of = planted(case)
    tasks = range(len(part_of))
    firsts = [part_of.index(part) for part in range(len(case))]
    rest = [task for task in tasks if task not in firsts]
    _, asked = group_by_representatives(tuple(firsts + rest), lambda i, j: part_of[i] != part_of[j])
    return asked == most_comparisons(len(part_of), len(case))


def _count_algebra() -> bool:
    import sympy

    k, m = sympy.symbols("K m")
    opening = m * (m - 1) / 2
    saved = k * (k - 1) / 2 - (k * m - m * (m + 1) / 2)
    return is_zero(opening + (k - m) * m - (k * m - m * (m + 1) / 2)) and is_zero(
        saved - (k - m) * (k - m - 1) / 2
    )


_ON = "result 11 beyond the paper"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-11",
        family="recovery",
        title="K m comparisons recover the grouping",
        statement=r"Under the multipartite model $Km$ comparisons with one representative a group "
        r"recover the grouping.",
        plain="If the conflict graph is complete multipartite with m parts, comparing each task "
        "with one representative of each group found so far finds the parts with at most K m "
        "comparisons.",
        source=ours(_ON),
        assumptions=(MODEL_B,),
        used_for="Fewer cosines than K(K-1)/2 when m is small.",
        checks=count_checks(),
        reading="comparisons against the graph itself; with noise, the K m pairs that are asked "
        "have to be right, fewer than all pairs",
        notes="On a graph that is not complete multipartite the outcome depends on the order, and "
        "nothing warns: the pairs that would tell are not asked.",
    ),
    Claim(
        id="EXT-11-COUNT",
        family="recovery",
        title="The most comparisons are K m - m(m+1)/2",
        statement=r"In the worst order the procedure makes exactly $Km-m(m+1)/2$ comparisons; "
        r"this is at most $K(K-1)/2$, with equality iff $m\ge K-1$.",
        plain="K m - m(m+1)/2 comparisons are enough in every order and needed in some order when "
        "the last-opened part holds the rest; never more than all pairs.",
        source=ours(_ON),
        assumptions=(MODEL_B,),
        used_for="K m itself is never attained.",
        checks=(
            count_checks(most_comparisons)[0],
            proof(
                "count",
                (
                    Step("The task that opens group r is compared r - 1 times: m(m-1)/2 in all."),
                    Step("The other K - m tasks are compared at most m times each."),
                    Step(
                        "m(m-1)/2 + (K-m) m = K m - m(m+1)/2 = K(K-1)/2 - (K-m)(K-m-1)/2.",
                        _count_algebra,
                    ),
                ),
            ),
            some(
                "parts whose rest lies in the last",
                lambda _: [
                    (1,) * (m - 1) + (k - m + 1,) for k in range(1, 12) for m in range(1, k + 1)
                ],
                _attained,
                "K = 1 ... 11, every m: one task in each part but the last",
                doc="The count is attained.",
            ),
        ),
    ),
)
