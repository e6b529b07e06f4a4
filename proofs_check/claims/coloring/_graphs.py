"""Small graphs as bit masks, written for the ledger alone.

Differs from
    :mod:`songoku_theory.coloring`: nothing here is shared with it, so that a slip in the
    library can't prove a claim about itself. Plain integers, no arrays, no speed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import combinations, permutations

__all__ = [
    "Graph",
    "atlas",
    "chromatic_number",
    "class_by_class",
    "classes_of",
    "complete_multipartite",
    "crown",
    "edges_of",
    "first_fit",
    "from_edges",
    "grundy_number",
    "independent",
    "is_proper",
    "labelled_graphs",
    "largest_first",
    "largest_first_order",
    "max_degree",
    "number_of_colors",
    "proper_colorings",
    "relabel",
    "set_partitions",
]

Graph = tuple[int, ...]
"""Entry ``i`` is the set of tasks that conflict with task ``i``, bit ``j`` for task ``j``."""

Colors = tuple[int, ...]
"""Entry ``i`` is the colour of task ``i``, from 0."""


def from_edges(num_tasks: int, edges: Sequence[Sequence[int]]) -> Graph:
    """Build a graph from its edges.

    Examples
    --------
    >>> from_edges(3, [(0, 1)])
    (2, 1, 0)
    """
    masks = [0] * num_tasks
    for i, j in edges:
        masks[i] |= 1 << j
        masks[j] |= 1 << i
    return tuple(masks)


def edges_of(graph: Graph) -> tuple[tuple[int, int], ...]:
    """Return the edges ``(i, j)`` with ``i < j``, in order."""
    return tuple((i, j) for i, j in combinations(range(len(graph)), 2) if graph[i] >> j & 1)


def max_degree(graph: Graph) -> int:
    """Return Delta, the largest number of conflicts of a task."""
    return max(mask.bit_count() for mask in graph)


def relabel(graph: Graph, new_name: Sequence[int]) -> Graph:
    """Return the same graph with task ``i`` called ``new_name[i]``."""
    return from_edges(len(graph), [(new_name[i], new_name[j]) for i, j in edges_of(graph)])


def labelled_graphs(num_tasks: int) -> Iterator[Graph]:
    """Yield every graph on tasks ``0..n-1``: ``2^(n(n-1)/2)`` of them, fewest bits first."""
    pairs = list(combinations(range(num_tasks), 2))
    for code in range(1 << len(pairs)):
        yield from_edges(num_tasks, [pair for bit, pair in enumerate(pairs) if code >> bit & 1])


@cache
def atlas(num_tasks: int) -> tuple[Graph, ...]:
    """Return one graph of each isomorphism class with ``num_tasks <= 7`` tasks.

    They come from the atlas of Read and Wilson that networkx ships; a test counts them and
    their labellings.
    """
    from networkx.generators.atlas import graph_atlas_g

    return tuple(
        from_edges(num_tasks, list(graph.edges))
        for graph in graph_atlas_g()
        if graph.number_of_nodes() == num_tasks
    )


def first_fit(graph: Graph, order: Sequence[int]) -> Colors:
    """Give each task, in this order, the smallest colour that no neighbour has yet.

    Examples
    --------
    >>> first_fit(from_edges(4, [(0, 1), (1, 2), (2, 3)]), [0, 3, 1, 2])
    (0, 1, 2, 0)
    """
    members: list[int] = []
    colors = [0] * len(graph)
    for task in order:
        neighbours = graph[task]
        color = 0
        while color < len(members) and neighbours & members[color]:
            color += 1
        if color == len(members):
            members.append(0)
        members[color] |= 1 << task
        colors[task] = color
    return tuple(colors)


def largest_first_order(graph: Graph) -> list[int]:
    """Return the tasks in non-increasing degree, ties by index (footnote 1)."""
    return sorted(range(len(graph)), key=lambda task: (-graph[task].bit_count(), task))


def largest_first(graph: Graph) -> Colors:
    """Colour by first-fit in non-increasing degree, ties by index: the paper's Welsh-Powell."""
    return first_fit(graph, largest_first_order(graph))


def class_by_class(graph: Graph, order: Sequence[int]) -> Colors:
    """Colour as Welsh and Powell wrote it in 1967: one whole class after the other.

    Scan the uncoloured tasks in this order and give the current colour to each that has no
    neighbour with it; then begin the next colour.
    """
    colors = [-1] * len(graph)
    waiting = list(order)
    color = 0
    while waiting:
        members = 0
        for task in waiting:
            if not graph[task] & members:
                members |= 1 << task
                colors[task] = color
        waiting = [task for task in waiting if colors[task] < 0]
        color += 1
    return tuple(colors)


def number_of_colors(colors: Sequence[int]) -> int:
    """Return how many different colours occur."""
    return len(set(colors))


def classes_of(colors: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the tasks of each colour ``0..max``; a colour nobody has gives an empty class."""
    return tuple(
        tuple(task for task, found in enumerate(colors) if found == color)
        for color in range(max(colors) + 1)
    )


def is_proper(graph: Graph, colors: Sequence[int]) -> bool:
    """Say whether no edge joins two tasks of one colour."""
    return all(colors[i] != colors[j] for i, j in edges_of(graph))


def independent(graph: Graph, members: int) -> bool:
    """Say whether the tasks in the bit mask ``members`` have no edge among themselves."""
    return all(not graph[i] & members for i in range(len(graph)) if members >> i & 1)


def _best_over_partitions(graph: Graph, allowed: Callable[[int, int], bool], most: bool) -> int:
    """Fewest (or most) classes when ``allowed(first class, what it is cut from)``."""

    @cache
    def best(rest: int) -> int:
        if not rest:
            return 0
        found = -1
        part = rest
        while part:
            if allowed(part, rest):
                here = 1 + best(rest & ~part)
                if found < 0 or (here > found if most else here < found):
                    found = here
            part = (part - 1) & rest
        return found

    return best((1 << len(graph)) - 1)


def chromatic_number(graph: Graph) -> int:
    """Return the smallest number of independent classes, by recursion over all subsets.

    Examples
    --------
    >>> chromatic_number(from_edges(5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]))
    3
    """
    lone = {mask: independent(graph, mask) for mask in range(1 << len(graph))}

    def allowed(part: int, rest: int) -> bool:
        # the class of the lowest task comes first: each partition is met once
        return bool(part & rest & -rest) and lone[part]

    return _best_over_partitions(graph, allowed, most=False)


def grundy_number(graph: Graph) -> int:
    """Return the most colours that first-fit uses in any order.

    First-fit's classes are: a maximal independent set, a maximal independent set of what is
    left, and so on; and every such sequence comes from an order (class after class). So the
    worst case over all orders is a recursion over subsets, with no order in it.

    Examples
    --------
    >>> grundy_number(from_edges(4, [(0, 1), (1, 2), (2, 3)]))
    3
    """
    lone = {mask: independent(graph, mask) for mask in range(1 << len(graph))}

    def allowed(part: int, rest: int) -> bool:
        if not lone[part]:
            return False
        left = rest & ~part
        return all(graph[i] & part for i in range(len(graph)) if left >> i & 1)

    return _best_over_partitions(graph, allowed, most=True)


def set_partitions(num_tasks: int) -> Iterator[Colors]:
    """Yield every partition of the tasks into non-empty parts, as the part of each task."""

    def extend(prefix: Colors) -> Iterator[Colors]:
        if len(prefix) == num_tasks:
            yield prefix
            return
        for part in range(max(prefix, default=-1) + 2):
            yield from extend((*prefix, part))

    return extend(())


def complete_multipartite(part_of: Sequence[int]) -> Graph:
    """Return the graph in which two tasks conflict iff their parts differ (model (B))."""
    tasks = range(len(part_of))
    return from_edges(
        len(part_of), [(i, j) for i, j in combinations(tasks, 2) if part_of[i] != part_of[j]]
    )


def crown(n: int) -> Graph:
    """Return the crown on ``a_1, b_1, a_2, b_2, ..., a_n, b_n``: ``a_i ~ b_j`` iff ``i != j``."""
    return from_edges(2 * n, [(2 * i, 2 * j + 1) for i in range(n) for j in range(n) if i != j])


def proper_colorings(graph: Graph, colors: int) -> Iterator[Colors]:
    """Yield every proper colouring with colours ``0..colors-1`` (not all need occur)."""

    def extend(prefix: Colors) -> Iterator[Colors]:
        task = len(prefix)
        if task == len(graph):
            yield prefix
            return
        taken = {prefix[i] for i in range(task) if graph[task] >> i & 1}
        for color in range(colors):
            if color not in taken:
                yield from extend((*prefix, color))

    return extend(())


def orders(num_tasks: int) -> Iterator[tuple[int, ...]]:
    """Yield every order of the tasks."""
    return permutations(range(num_tasks))
