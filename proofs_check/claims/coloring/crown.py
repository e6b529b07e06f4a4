"""EXT-6, second half: crown graphs, where first-fit in a bad order is as bad as its bound allows.

The crown on ``a_1, b_1, ..., a_n, b_n`` has ``a_i ~ b_j`` for ``i != j``. Two classes are enough
(all a, all b), yet first-fit in the order ``a_1, b_1, a_2, b_2, ...`` gives ``a_i`` and ``b_i``
colour ``i``. All degrees are ``n - 1``, so Welsh-Powell with ties by index does the same when
the tasks happen to be numbered in that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from proofs_check.claims.coloring._evidence import (
    Z3,
    Obligation,
    Step,
    look,
    proof,
    solver,
    z3_proves,
)
from proofs_check.claims.coloring._gradients import conflict_graph
from proofs_check.claims.coloring._graphs import (
    chromatic_number,
    crown,
    first_fit,
    largest_first,
    max_degree,
    number_of_colors,
)
from proofs_check.model import CheckContext, Claim, Method, Source

__all__ = ["CLAIMS", "crown_gradients"]

TAUS = tuple(
    Fraction(p, q) for p, q in ((0, 1), (1, 10), (1, 4), (1, 2), (2, 3), (9, 10), (99, 100))
)


def crown_scale(tau: Fraction) -> Fraction:
    """Return a rational s with ``tau/(1-tau) < s^2 <= (1+tau)/(1-tau)``, smallest terms first.

    Examples
    --------
    >>> str(crown_scale(Fraction(1, 4))), str(crown_scale(Fraction(9, 10)))
    ('1', '4')
    """
    low, high = tau / (1 - tau), (1 + tau) / (1 - tau)
    denominator = 1
    while True:
        numerator = 1
        while Fraction(numerator, denominator) ** 2 <= high:
            if Fraction(numerator, denominator) ** 2 > low:
                return Fraction(numerator, denominator)
            numerator += 1
        denominator += 1


def crown_gradients(n: int, tau: Fraction) -> tuple[tuple[Fraction, ...], ...]:
    """Return rational gradients ``a_1, b_1, ..., a_n, b_n`` whose conflict graph is the crown.

    ``a_i = (s, e_i)`` and ``b_i = (-s, e_i)`` in dimension ``n + 1``.
    """
    s = crown_scale(tau)
    vectors = []
    for i in range(n):
        unit = tuple(Fraction(i == j) for j in range(n))
        vectors += [(s, *unit), (-s, *unit)]
    return tuple(vectors)


def _cases(context: CheckContext) -> Iterator[tuple[int, Fraction]]:
    del context
    for n in range(2, 8):
        for tau in TAUS:
            yield n, tau


def _is_as_claimed(case: tuple[int, Fraction]) -> bool:
    n, tau = case
    graph = conflict_graph(crown_gradients(n, tau), tau)
    return (
        graph == crown(n)
        and number_of_colors(first_fit(graph, range(2 * n))) == n
        and number_of_colors(largest_first(graph)) == n
        and max_degree(graph) == n - 1
        and (n > 4 or chromatic_number(graph) == 2)
    )


def _networkx_agrees(n: int) -> bool:
    """The same by networkx: its own generator, greedy colouring and bipartiteness test."""
    import networkx as nx

    graph = nx.complete_bipartite_graph(n, n)
    graph.remove_edges_from([(i, n + i) for i in range(n)])
    order = [task for i in range(n) for task in (i, n + i)]
    bad = nx.greedy_color(graph, strategy=lambda graph, colors: order)
    good = nx.greedy_color(graph, strategy=lambda graph, colors: sorted(graph))
    return (
        nx.is_bipartite(graph)
        and graph.number_of_edges() > 0
        and len(set(bad.values())) == n
        and len(set(good.values())) == 2
        and max(dict(graph.degree).values()) == n - 1
    )


def _cosines(z3: Z3) -> list[Obligation]:
    """For every tau there is an s, and for it the edges are those of the crown."""
    tau, x = z3.Reals("tau x")
    admissible = [tau >= 0, tau < 1, x * (1 - tau) > tau, x * (1 - tau) <= 1 + tau, x >= 0]
    return [
        # inner products: a_i.b_j = -x + [i = j], a_i.a_k = x; squared norms x + 1, all equal
        Obligation("a_i and b_j conflict", admissible, x > tau * (x + 1)),
        Obligation("a_i and b_i don't", admissible, x - 1 <= tau * (x + 1)),
        Obligation("a_i and a_k don't", admissible, -x <= tau * (x + 1)),
        Obligation(
            "the interval for s^2 has a positive length",
            [tau >= 0, tau < 1, x * (1 - tau) == 1 + tau],
            x * (1 - tau) > tau,
        ),
    ]


def _induction(z3: Z3) -> list[Obligation]:
    """When pair k comes, pairs 1..k-1 having colours 1..k-1: both tasks of pair k get k."""
    k, i, free = z3.Ints("k i free")
    # colours taken for a_k are those of b_i, i < k: exactly 1..k-1; the same for b_k
    taken = z3.And(free >= 1, free <= k - 1)
    return [
        Obligation("k is free", [k >= 1, i >= 1, i < k], i != k),
        Obligation("nothing smaller is free", [k >= 1, free >= 1, free < k], taken),
    ]


EXT_6_CROWN = Claim(
    id="EXT-6-CROWN",
    family="coloring",
    title="Crown graphs: n colours where 2 suffice, and gradients that make them",
    statement=r"For every $n\ge 2$ and $\tau\in[0,1)$ there are $2n$ rational gradients whose "
    r"conflict graph is the crown $S_n^0$; first-fit in the order $a_1,b_1,a_2,b_2,\ldots$ "
    r"(Welsh-Powell with ties by index) uses exactly $n=\Delta+1$ colors, while $\chi=2$.",
    plain="For every n >= 2 and tau in [0, 1), 2n gradients exist whose conflict graph is the "
    "crown; first-fit in the order a1 b1 a2 b2 ... uses n = Delta + 1 colours where 2 suffice.",
    source=Source("songoku", "results beyond the paper, 6; on section 4.3 and App. H"),
    assumptions=(),
    used_for="The bound Delta + 1 is attained by Welsh-Powell even where two classes would do, at "
    "every threshold tau: no geometric restriction on the gradients rescues it.",
    checks=(
        proof(
            "first-fit needs n colours on a crown that gradients realise, and 2 suffice",
            (
                Step(
                    "Let a_i = (s, e_i), b_i = (-s, e_i). All squared norms are s^2 + 1; "
                    "a_i.b_j = -s^2 for i != j, a_i.b_i = 1 - s^2, a_i.a_k = b_i.b_k = s^2."
                ),
                Step(
                    "So the conflict graph is the crown iff tau/(1-tau) < s^2 <= "
                    "(1+tau)/(1-tau); this interval has rational squares in it, for every tau "
                    "in [0, 1).",
                    z3_proves(_cosines),
                ),
                Step(
                    "In the order a_1, b_1, a_2, ... both tasks of pair k get colour k, by "
                    "induction: the coloured neighbours of a_k are b_1..b_(k-1), with colours "
                    "1..k-1, and those of b_k are a_1..a_(k-1), with the same.",
                    z3_proves(_induction),
                ),
                Step(
                    "All degrees are n - 1 = Delta, so this is an order of non-increasing degree."
                ),
                Step("The a's and the b's are independent and n >= 2 gives an edge: chi = 2."),
            ),
        ),
        look(
            "exact gradients",
            _cases,
            _is_as_claimed,
            lambda case: f"n = {case[0]}, tau = {case[1]}",
            f"n = 2..7, tau in {{{', '.join(str(tau) for tau in TAUS)}}}",
            doc="Conflict graph of the rational gradients, colours of first-fit, chi for n <= 4.",
            method=Method.EXACT,
            kind="instances",
        ),
        look(
            "by networkx",
            lambda context: range(2, 13),
            _networkx_agrees,
            lambda n: f"n = {n}",
            "n = 2..12",
            doc="networkx's own generator, greedy_color and is_bipartite.",
            method=Method.SEARCH,
            kind="instances",
        ),
        solver(
            "which tau",
            _cosines,
            "for every tau in [0, 1) an s exists for which exactly the crown's pairs conflict",
            doc="The four inequalities on the cosines, over the reals.",
            kind="instances",
        ),
    ),
    notes="n = 2 is the degenerate case in which 2 colours are needed anyway. Small crowns: n = 3 "
    "is the 6-cycle, with K = 6.",
)

CLAIMS = (EXT_6_CROWN,)
