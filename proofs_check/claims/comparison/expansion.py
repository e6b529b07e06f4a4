"""EXT-8: who is lower in F itself, scheduled or aggregated, to second order in the step size.

``x_sch - x_agg = eta^2 sum over p < q of DG_q G_p + O(eta^3)``: each group sees the steps before
it. So the difference in F is eta^2 times a slope of F, of either sign, and over a random order it
is (eta^2/2) <grad F, grad Phi>, Phi the sum of the groups' inner products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial
from types import ModuleType
from typing import Any

from proofs_check.claims.comparison._evidence import (
    GROUP_LIPSCHITZ,
    SMOOTH,
    STEP_SIZE,
    SUM,
    Expression,
    Step,
    algebra,
    identities,
    proof,
    replayed,
    searched,
    thinned,
)
from proofs_check.claims.comparison._families import (
    all_problems,
    line_problems,
    plane_problems,
    quadratic,
    read_problem,
)
from proofs_check.claims.comparison._problem import (
    Problem,
    aggregated,
    dot,
    scheduled,
    starts,
)
from proofs_check.claims.comparison._series import (
    apply,
    coefficient,
    gap_series,
    hessian,
    jacobian_sum,
    mean_gap_series,
    phi_slope,
    remainder_constant,
    slope,
)
from proofs_check.counterexamples import Replay, replayer
from proofs_check.methods.exact import for_every
from proofs_check.methods.symbolic import Identity
from proofs_check.model import Assumption, Check, CheckContext, Claim, Finding, Method, Source

__all__ = [
    "CLAIMS",
    "affine_problems",
    "gap",
    "mean_gap",
    "mean_remainder",
    "order_checks",
    "order_term",
    "random_order_checks",
    "random_term",
    "small_steps",
]

SIGN = "ext8_sign"

JACOBIANS = Assumption(
    "gradients with Lipschitz Jacobians",
    "each G_r is the gradient of a function (DG_r is symmetric) and DG_r is M_r-Lipschitz",
    lambda problem: all(
        matrix[i][j] == matrix[j][i]
        for matrix in problem.jacobians
        for i in range(problem.dim)
        for j in range(i)
    ),
)
SHARED = Assumption(
    "one Hessian",
    "all groups have the same Hessian A >= 0, G_r(u) = A u + b_r",
    lambda problem: problem.constant_hessian and len(set(problem.jacobians)) == 1,
)


def gap(problem: Problem, order: tuple[int, ...] | None = None) -> Fraction:
    """Return ``F(x_sch) - F(x_agg)``."""
    return problem.objective(scheduled(problem, order)) - problem.objective(aggregated(problem))


def _orders(problem: Problem) -> list[tuple[int, ...]]:
    return list(permutations(range(problem.size)))


def mean_gap(problem: Problem) -> Fraction:
    """Return the mean of the gap over all orders."""
    return sum((gap(problem, o) for o in _orders(problem)), Fraction(0)) / factorial(problem.size)


def mean_remainder(problem: Problem) -> Fraction:
    """Return the mean of the remainder's bound over all orders."""
    found = (remainder_constant(problem, o) for o in _orders(problem))
    return sum(found, Fraction(0)) / factorial(problem.size)


def order_term(problem: Problem, order: tuple[int, ...]) -> Fraction:
    """Return ``<grad F, sum over p < q of DG_q G_p>``."""
    return dot(problem.gradient(problem.start), jacobian_sum(problem, order))


def random_term(problem: Problem) -> Fraction:
    """Return ``<grad F, grad Phi> / 2``."""
    return dot(problem.gradient(problem.start), phi_slope(problem)) / 2


def _truncated(sympy: ModuleType, size: int, mean: bool) -> list[Identity]:
    """Affine groups in the plane, all entries symbols: the eta^2 coefficient of the gap.

    Phi is differentiated by sympy, not by the product rule.
    """
    u = sympy.Matrix(sympy.symbols("u v"))
    matrices, vectors = [], []
    for r in range(size):
        a, b, c, x, y = sympy.symbols(f"a{r} b{r} c{r} x{r} y{r}")
        matrices.append(sympy.Matrix([[a, b], [b, c]]))
        vectors.append(sympy.Matrix([x, y]))
    whole, grad = sum(matrices, sympy.zeros(2)), sum(vectors, sympy.zeros(2, 1))

    def second(order: Sequence[int]) -> Expression:
        """x_sch = eta first + eta^2 second + ..., by the recursion of eq. 43."""
        one, two = sympy.zeros(2, 1), sympy.zeros(2, 1)
        for r in order:
            one, two = one - vectors[r], two - matrices[r] * one
        f_sch = (grad.T * two)[0] + (one.T * whole * one)[0] / 2
        f_agg = (grad.T * whole * grad)[0] / 2
        return sympy.expand(f_sch - f_agg)

    if not mean:
        order = range(size)
        printed = sum(
            ((grad.T * matrices[q] * vectors[p])[0] for p, q in combinations(order, 2)), 0
        )
        return [(f"m = {size}, fixed order", second(order) - sympy.expand(printed), 0)]
    orders = list(permutations(range(size)))
    found = sum((second(order) for order in orders), sympy.Integer(0)) / len(orders)
    groups = [m * u + b for m, b in zip(matrices, vectors, strict=True)]
    phi = sum(((groups[p].T * groups[q])[0] for p, q in combinations(range(size), 2)), 0)
    at_zero = {u[0]: 0, u[1]: 0}
    along = sum(grad[i] * sympy.diff(phi, u[i]) for i in range(2)).subs(at_zero)
    return [(f"m = {size}, random order", sympy.expand(found - along / 2), 0)]


def _cubic_losses(sympy: ModuleType) -> list[Identity]:
    """Two groups on a line with quadratic gradients: the same coefficient, both orders' mean."""
    eta, u = sympy.symbols("eta u")
    size = 2
    groups = []
    for r in range(size):
        a, b, c = sympy.symbols(f"a{r} b{r} c{r}")
        groups.append(b + a * u + c * u**2)
    value = sympy.integrate(sum(groups), u)

    def cut(expression: Expression) -> Expression:
        polynomial = sympy.Poly(sympy.expand(expression), eta)
        return sum(polynomial.coeff_monomial(eta**k) * eta**k for k in range(3))

    def end(order: Sequence[int]) -> Expression:
        at = sympy.Integer(0)
        for r in order:
            at = cut(at - eta * groups[r].subs(u, at))
        return at

    mixed = -eta * sum(groups).subs(u, 0)
    orders = list(permutations(range(size)))
    mean = sum(cut(value.subs(u, end(o)) - value.subs(u, mixed)) for o in orders) / len(orders)
    phi = sum(groups[p] * groups[q] for p, q in combinations(range(size), 2))
    along = (sum(groups) * sympy.diff(phi, u)).subs(u, 0)
    return [("cubic losses, m = 2", sympy.expand(mean - eta**2 / 2 * along), 0)]


def affine_problems(context: CheckContext) -> Iterator[Problem]:
    """Yield quadratics with 2 to 4 groups, on a line and in the plane."""
    full = context.profile == "full"
    yield from line_problems(2, 1)
    yield from line_problems(3, 1)[:: 1 if full else 12]
    yield from plane_problems(context.seed + 3, 120 if full else 12)


def _series_check(name: str, holds: Callable[[Problem], bool], doc: str) -> Check:
    def run(context: CheckContext) -> Finding:
        return for_every(
            list(affine_problems(context)),
            holds,
            lambda problem: problem.name,
            "quadratics with 2 to 4 groups on a line and in the plane, every order, each gap as an "
            "exact polynomial in eta",
        )

    return Check(name, Method.EXACT, run, "quick", doc)


def order_checks(
    term: Callable[[Problem, tuple[int, ...]], Fraction] = order_term,
    remainder: Callable[[Problem, tuple[int, ...]], Fraction] = remainder_constant,
) -> tuple[Check, ...]:
    """Evidence for the expansion in a fixed order."""

    def coefficients(problem: Problem) -> bool:
        return all(
            [coefficient(gap_series(problem, order), k) for k in range(3)]
            == [0, 0, term(problem, order)]
            for order in _orders(problem)
        )

    def remains(problem: Problem) -> bool:
        return all(
            abs(gap(problem, order) - problem.eta**2 * term(problem, order))
            <= remainder(problem, order)
            for order in _orders(problem)
        )

    return (
        proof("F(x_sch) - F(x_agg) in a fixed order, with its remainder", _STEPS),
        _series_check("coefficients of eta", coefficients, "0, 0 and the claimed one."),
        searched(remains, problems=thinned, words=" with m <= 3, all orders"),
        identities(
            "symbols in the plane",
            lambda sympy: [*_truncated(sympy, 2, False), *_truncated(sympy, 3, False)],
            "the eta^2 coefficient for symmetric matrices that do not commute",
        ),
    )


def random_order_checks(
    term: Callable[[Problem], Fraction] = random_term,
    remainder: Callable[[Problem], Fraction] = mean_remainder,
) -> tuple[Check, ...]:
    """Evidence for the expansion over a uniformly random order."""

    def coefficients(problem: Problem) -> bool:
        series = mean_gap_series(problem)
        return [coefficient(series, k) for k in range(3)] == [0, 0, term(problem)]

    def remains(problem: Problem) -> bool:
        found = mean_gap(problem) - problem.eta**2 * term(problem)
        return abs(found) <= remainder(problem)

    return (
        proof(
            "the mean over all orders",
            (
                *_STEPS,
                Step(
                    "In a uniformly random order p comes before q with probability 1/2: the mean "
                    "of sum DG_q G_p is (1/2) sum over pairs of (DG_q G_p + DG_p G_q)."
                ),
                Step(
                    "grad <G_p, G_q> = DG_p^T G_q + DG_q^T G_p, and the Jacobians are symmetric: "
                    "that sum is grad Phi.",
                    algebra(lambda sympy: _truncated(sympy, 2, True)),
                ),
            ),
        ),
        _series_check("coefficients of eta", coefficients, "0, 0 and the claimed one."),
        searched(remains, problems=thinned, words=" with m <= 3, all orders"),
        identities(
            "symbols in the plane, and cubic losses",
            lambda sympy: [
                *_truncated(sympy, 2, True),
                *_truncated(sympy, 3, True),
                *_cubic_losses(sympy),
            ],
            "the eta^2 coefficient; Phi differentiated by sympy",
        ),
    )


_STEPS = (
    Step(
        "With D_r and e_r = L_r D_r of CMP-48-R: |x_{r-1} - x| <= D_r = O(eta) and "
        "|G_r(x_{r-1}) - G_r(x)| <= e_r = O(eta)."
    ),
    Step(
        "x_{q-1} - x = -eta sum over p < q of G_p(x) + a vector of norm at most eta sum over p < q "
        "of e_p; so G_q(x_{q-1}) - G_q(x) = -eta DG_q sum over p < q of G_p + r_q with |r_q| <= "
        "L_q eta (sum over p < q of e_p) + M_q D_q^2/2."
    ),
    Step(
        "y = x_sch - x_agg = -eta sum of G_q(x_{q-1}) - G_q(x) = eta^2 sum over p < q of DG_q G_p "
        "+ a vector of norm at most P = eta sum |r_q| = O(eta^3); |y| <= Y = eta sum e_q = "
        "O(eta^2).",
        algebra(lambda sympy: _truncated(sympy, 3, False)),
    ),
    Step(
        "F(x_sch) - F(x_agg) = <grad F(x_agg), y> + at most L Y^2/2, and |grad F(x_agg) - "
        "grad F(x)| <= L eta |grad F(x)|. The remainder is at most |grad F| P + eta L |grad F| Y + "
        "L Y^2/2 = O(eta^3)."
    ),
)


def sign_holds(problem: Problem) -> bool:
    """Is the sign decided, and right, wherever the second-order term exceeds the remainder?"""
    term, limit = problem.eta**2 * random_term(problem), mean_remainder(problem)
    if abs(term) <= limit:
        return True
    return (mean_gap(problem) > 0) == (term > 0) and mean_gap(problem) != 0


def small_steps(context: CheckContext) -> list[Problem]:
    """Return problems of all kinds whose steps are small enough for the second order to rule."""
    chosen = [p for p in all_problems(context.seed, False) if p.size < 4]
    return [
        replace(p, eta=p.eta / 40, name=f"{p.name}, eta/40")
        for p in chosen[:: 1 if context.profile == "full" else 4]
    ]


def _trivial_sign(sympy: ModuleType) -> list[Identity]:
    t, r = sympy.symbols("t r")
    return [("(t + r) t = t^2 + r t", (t + r) * t, t**2 + r * t)]


@replayer("comparison-sign")
def _replay_sign(data: Mapping[str, Any]) -> Replay:
    """<grad F, grad Phi> < 0, and over a random order scheduling ends higher at this eta."""
    problem = read_problem(data)
    term = 2 * random_term(problem)
    gaps = {order: gap(problem, order) for order in _orders(problem)}
    mean = mean_gap(problem)
    shown = ", ".join(f"{tuple(r + 1 for r in order)}: {value}" for order, value in gaps.items())
    return Replay(
        (
            problem.name,
            f"<grad F, grad Phi> = {term} < 0: to second order scheduling ends lower by "
            f"{-(problem.eta**2) * term / 2}",
            f"F(x_sch) - F(x_agg) by order: {shown}",
            f"So at eta = {problem.eta} <= 1/L the mean over the orders is {mean} > 0.",
        ),
        problem.eta * problem.smoothness <= 1 and term < 0 < mean,
    )


def _shared_exactly(context: CheckContext) -> Finding:
    """Same PSD matrix in every group, random vectors: the term and its sign."""
    found = []
    for problem in plane_problems(context.seed + 4, 40, convex=True):
        matrix = problem.jacobians[0]
        found.append(
            quadratic(
                [matrix] * problem.size,
                list(starts(problem)),
                1 / (problem.size * max(problem.lipschitz[0], Fraction(1))),
                problem.size * max(problem.lipschitz[0], Fraction(1)),
                [max(problem.lipschitz[0], Fraction(1))] * problem.size,
            )
        )

    def holds(problem: Problem) -> bool:
        grad = slope(problem)
        curved = dot(grad, apply(hessian(problem), grad))
        return 2 * random_term(problem) == Fraction(problem.size - 1, problem.size) * curved >= 0

    return for_every(found, holds, lambda p: p.name, "40 random shared Hessians in the plane")


def _shared_symbols(sympy: ModuleType) -> list[Identity]:
    found = []
    for size in (2, 3, 4):
        a, b, c = sympy.symbols("a b c")
        matrix = sympy.Matrix([[a, b], [b, c]])
        vectors = [sympy.Matrix(sympy.symbols(f"x{r} y{r}")) for r in range(size)]
        grad = sum(vectors, sympy.zeros(2, 1))
        phi = sum(
            (matrix * (vectors[p] + vectors[q]) for p, q in combinations(range(size), 2)),
            sympy.zeros(2, 1),
        )
        found.append(
            (
                f"m = {size}: <grad F, grad Phi> = (m - 1) <grad F, A grad F>",
                sympy.expand((grad.T * phi)[0]),
                sympy.expand((size - 1) * (grad.T * matrix * grad)[0]),
            )
        )
    return found


_BEYOND = "results beyond the paper, 8; on App. C"

CLAIMS: Sequence[Claim] = (
    Claim(
        id="EXT-8",
        family="comparison",
        title="When scheduling beats mixing: the random order's second-order term",
        statement=r"Over a uniformly random order of the classes, $F(x^{sch}) - F(x^{agg}) = "
        r"\frac{\eta^2}{2}\langle\nabla F,\nabla\Phi\rangle + O(\eta^3)$ in mean, with "
        r"$\Phi=\sum_{p<q}\langle G_p,G_q\rangle$.",
        plain="Over a uniformly random order the mean of F(x_sch) - F(x_agg) is (eta^2/2) <grad F, "
        "grad Phi> + a remainder of at most the mean of |grad F| P + eta L |grad F| Y + L Y^2/2.",
        source=Source("songoku", _BEYOND, ("43",)),
        assumptions=(SMOOTH, SUM, GROUP_LIPSCHITZ, JACOBIANS),
        used_for="Whether to schedule or to mix now.",
        checks=random_order_checks(),
        notes="Positive means that scheduling ends higher. The G_r have to be gradients: sums of "
        "task gradients with fixed weights are; PCGrad's or MGDA's directions are not, and then "
        "DG_p^T and DG_p differ. The remainder needs Lipschitz Jacobians; else it is o(eta^2).",
    ),
    Claim(
        id="EXT-8-ORDER",
        family="comparison",
        title="The second-order term of a fixed order",
        statement=r"$F(x^{sch}) - F(x^{agg}) = \eta^2\langle\nabla F,\sum_{p<q}DG_q\,G_p\rangle + "
        r"\rho$, $|\rho|\le \|\nabla F\|P+\eta L\|\nabla F\|Y+\frac{L}{2}Y^2$.",
        plain="In a fixed order F(x_sch) - F(x_agg) = eta^2 <grad F, sum over p < q of DG_q G_p> + "
        "a remainder with an explicit bound of order eta^3.",
        source=Source("songoku", _BEYOND, ("43",)),
        assumptions=(SMOOTH, SUM, GROUP_LIPSCHITZ, JACOBIANS),
        used_for="EXT-8; CMP-DROP-R.",
        checks=order_checks(),
        notes="For quadratics M_r = 0 and the bound is a polynomial in eta. Neither <G_p, G_q> nor "
        "I_pq is in it: conflict as such does not decide.",
    ),
    Claim(
        id="EXT-8-SHARED",
        family="comparison",
        title="With one convex Hessian, mixing wins to second order whatever the conflict",
        statement=r"If all groups have the Hessian $A\succeq0$, then $\langle\nabla F,\nabla\Phi"
        r"\rangle=\frac{m-1}{m}\langle\nabla F, H\nabla F\rangle\ge0$.",
        plain="If all groups share one Hessian A >= 0, <grad F, grad Phi> = ((m - 1)/m) <grad F, H "
        "grad F> >= 0, for all gradients b_r, conflicting or not.",
        source=Source("songoku", _BEYOND),
        assumptions=(SUM, SHARED),
        used_for="What conflict alone can't do: differences between the groups' curvatures decide.",
        checks=(
            proof(
                "one Hessian",
                (
                    Step("grad Phi = sum over pairs of A(G_p + G_q) = (m - 1) A grad F."),
                    Step("H = m A.", algebra(_shared_symbols)),
                ),
            ),
            Check("random ones", Method.EXACT, _shared_exactly, "quick", "Exact, in the plane."),
            identities("symbols", _shared_symbols, "m = 2, 3, 4 in the plane"),
        ),
    ),
    Claim(
        id="EXT-8-SIGN",
        family="comparison",
        title="The sign of <grad F, grad Phi> says whether to schedule, at every eta <= 1/L",
        statement=r"The sign of that inner product, measurable in training, says whether to "
        r"schedule now.",
        plain="If <grad F, grad Phi> < 0, then for every eta in (0, 1/L] the mean of F(x_sch) over "
        "the orders is lower than F(x_agg).",
        source=Source("songoku", _BEYOND),
        assumptions=(SMOOTH, SUM, STEP_SIZE),
        used_for="A rule for training.",
        checks=(replayed(SIGN),),
        reading="for the paper's range of step sizes, without a bound on the remainder",
        repaired_by="EXT-8-SIGN-R",
    ),
    Claim(
        id="EXT-8-SIGN-R",
        family="comparison",
        title="The sign decides once the term exceeds the remainder's bound",
        statement=r"If $\frac{\eta^2}{2}|\langle\nabla F,\nabla\Phi\rangle|$ exceeds the bound on "
        r"the remainder in EXT-8, then its sign is that of the mean of $F(x^{sch})-F(x^{agg})$; "
        r"if $\langle\nabla F,\nabla\Phi\rangle\ne0$ this holds for all small enough $\eta$.",
        plain="Where (eta^2/2)|<grad F, grad Phi>| is larger than EXT-8's bound on the remainder, "
        "its sign is the sign of the mean difference; for small enough eta it always is larger.",
        source=Source("songoku", "repair of " + _BEYOND),
        assumptions=(SMOOTH, SUM, GROUP_LIPSCHITZ, JACOBIANS),
        used_for="A rule with its range.",
        checks=(
            proof(
                "sign of a sum",
                (
                    Step("EXT-8: the mean is t + r with |r| <= the bound < |t|."),
                    Step("Then (t + r) t >= t^2 - |r||t| > 0.", algebra(_trivial_sign)),
                    Step("The bound is O(eta^3) and t is a multiple of eta^2."),
                ),
            ),
            searched(sign_holds, problems=small_steps, words=" with small steps"),
        ),
        repairs="EXT-8-SIGN",
    ),
)
