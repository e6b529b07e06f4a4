"""EXT-1: the exact law of the Gram matrix of EMAs under Gaussian noise, and a way to draw it.

The check compares two polynomials in independent random numbers, moment by moment, in integers: the
Gram matrix written out in K x d normals, and by Bartlett's triangle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from itertools import combinations_with_replacement, product

from proofs_check.claims.recovery._assumptions import GAUSSIAN, NO_DRIFT
from proofs_check.claims.recovery._checks import Step, ours, proof, run, some
from proofs_check.claims.recovery._stored import ALPHA, direct_equals_law
from proofs_check.methods.findings import inconclusive, supports
from proofs_check.model import Check, CheckContext, Claim, Finding, Method
from songoku_theory.errors import InvalidInputError

__all__ = ["CLAIMS", "bartlett_gram", "direct_gram", "law_checks", "moment"]

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, int]
Matrix = list[list[Polynomial]]
Degrees = Callable[[int, int], int]
"""Degrees of freedom of the squared diagonal entry of row i (from 0), given the n of the rest."""


def _plus(left: Polynomial, right: Polynomial) -> Polynomial:
    total = dict(left)
    for monomial, c in right.items():
        total[monomial] = total.get(monomial, 0) + c
    return total


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    total: Polynomial = {}
    for (a, x), (b, y) in product(left.items(), right.items()):
        powers = dict(a)
        for name, power in b:
            powers[name] = powers.get(name, 0) + power
        key = tuple(sorted(powers.items()))
        total[key] = total.get(key, 0) + x * y
    return total


def _gram(rows: list[list[Polynomial]]) -> Matrix:
    return [
        [reduce(_plus, (_times(a, b) for a, b in zip(u, v, strict=True)), {}) for v in rows]
        for u in rows
    ]


def _variable(name: str, scale: int, mean: int = 0) -> Polynomial:
    found: Polynomial = {((name, 1),): scale}
    return _plus(found, {(): mean}) if mean else found


def moment(polynomial: Polynomial) -> int:
    """Take the expectation: names ``z...`` are standard normal, ``chi<n>...`` chi with n degrees.

    Examples
    --------
    >>> moment({(("z1", 4),): 1}), moment({(("chi3_0", 4),): 1})
    (3, 15)
    """
    total = 0
    for monomial, c in polynomial.items():
        value = c
        for name, power in monomial:
            if name.startswith("chi"):
                if power % 2 and not any(n[0] == "z" and p % 2 for n, p in monomial):
                    raise InvalidInputError(
                        f"an odd power of a chi variable should come with an odd power of a "
                        f"normal; found {monomial!r}."
                    )
                degrees = int(name[3:].split("_")[0])
                value *= reduce(lambda a, k: a * (degrees + 2 * k), range(power // 2), 1)
            elif power % 2:
                value = 0
            else:
                value *= reduce(lambda a, k: a * k, range(1, power, 2), 1)
        total += value
    return total


def direct_gram(means: list[list[int]], scale: int, dim: int) -> Matrix:
    """Return the Gram matrix of M + s Z in K x d normals; the means fill the first axes."""
    rows = [
        [_variable(f"z{i}_{k}", scale, mean[k] if k < len(mean) else 0) for k in range(dim)]
        for i, mean in enumerate(means)
    ]
    return _gram(rows)


def bartlett_gram(
    means: list[list[int]], scale: int, dim: int, degrees: Degrees = lambda n, i: n - i
) -> Matrix:
    """Return (X + s Z)(X + s Z)^T + s² L L^T: r columns in the means' span, then the triangle."""
    rank = len(means[0])
    rest = dim - rank
    columns = min(len(means), rest)
    rows = []
    for i, mean in enumerate(means):
        row = [_variable(f"z{i}_{k}", scale, mean[k]) for k in range(rank)]
        for j in range(columns):
            if j < i:
                row.append(_variable(f"zl{i}_{j}", scale))
            elif j == i:
                row.append(_variable(f"chi{degrees(rest, i)}_{i}", scale))
            else:
                row.append({})
        rows.append(row)
    return _gram(rows)


def _same_moments(direct: Matrix, bartlett: Matrix, order: int) -> bool:
    entries = [(i, j) for i in range(len(direct)) for j in range(i, len(direct))]
    one: Polynomial = {(): 1}
    return all(
        moment(reduce(_times, (direct[i][j] for i, j in chosen), one))
        == moment(reduce(_times, (bartlett[i][j] for i, j in chosen), one))
        for size in range(1, order + 1)
        for chosen in combinations_with_replacement(entries, size)
    )


def law_checks(degrees: Degrees = lambda n, i: n - i) -> tuple[Check, ...]:
    """Return the checks of the law, with these degrees of freedom in the triangle."""

    def cases(context: CheckContext) -> Iterator[tuple[list[list[int]], int, int, int]]:
        yield [[2], [-1]], 1, 1, 3
        yield [[2], [-1]], 1, 2, 3
        yield [[2], [-1]], 2, 3, 3
        yield [[2, 0], [-1, 3]], 1, 3, 2
        yield [[2, 0], [-1, 3]], 1, 4, 2
        yield [[1], [-2], [1]], 1, 4, 2
        yield [[1], [-2], [1]], 1, 2, 2
        if context.profile == "full":
            yield [[2, 0], [-1, 3]], 1, 4, 3
            yield [[1], [-2], [1]], 1, 5, 2

    def holds(case: tuple[list[list[int]], int, int, int]) -> bool:
        means, scale, dim, order = case
        return _same_moments(
            direct_gram(means, scale, dim), bartlett_gram(means, scale, dim, degrees), order
        )

    def simulated(context: CheckContext) -> Finding:
        """EMAs of Gaussian gradients, step by step, against the law: five functionals."""
        import numpy as np
        from scipy.stats import ks_2samp

        rng = np.random.default_rng([context.seed, 11])
        tasks, dim, steps, trials, sigma = 3, 7, 5, 4000, 0.8
        means = np.array([[1.0, 0.5], [-0.5, 1.0], [0.2, -0.7]])
        weights = 0.7 ** np.arange(steps)
        weights /= weights.sum()
        wide = np.zeros((tasks, dim))
        wide[:, :2] = means
        noise = rng.standard_normal((trials, tasks, steps, dim))
        direct = wide + sigma * np.einsum("t,nktd->nkd", weights, noise)
        first = direct @ direct.transpose(0, 2, 1)
        rows = np.zeros((trials, tasks, 2 + tasks))
        rows[:, :, :2] = rng.standard_normal((trials, tasks, 2))
        for i in range(tasks):
            rows[:, i, 2 : 2 + i] = rng.standard_normal((trials, i))
            rows[:, i, 2 + i] = np.sqrt(rng.chisquare(degrees(dim - 2, i), trials))
        rows *= sigma * np.sqrt((weights**2).sum())
        rows[:, :, :2] += means
        second = rows @ rows.transpose(0, 2, 1)
        functionals = (
            lambda g: g[:, 0, 0],
            lambda g: g[:, 2, 2],
            lambda g: g[:, 0, 1] / np.sqrt(g[:, 0, 0] * g[:, 1, 1]),
            lambda g: g[:, 1, 2] / np.sqrt(g[:, 2, 2] * g[:, 1, 1]),
            np.linalg.det,
        )
        smallest = min(float(ks_2samp(f(first), f(second)).pvalue) for f in functionals)
        detail = (
            f"K = 3, d = 7, R = 5, {trials} EMAs and {trials} draws of the law: five two-sample "
            f"Kolmogorov-Smirnov tests, smallest p-value {smallest:.3f} (alpha = {ALPHA}/5)"
        )
        if smallest >= ALPHA / 5:
            return supports("interval", "five functionals of the Gram matrix", detail)
        return inconclusive("five functionals of the Gram matrix", detail)

    return (
        proof(
            "the EMAs are M + s Z, and their Gram matrix has the stated law",
            (
                Step(
                    "sum w_t (mu_i + xi_(i,t)) = mu_i + sum w_t xi_(i,t), as sum w_t = 1 "
                    "(EMA-18-SUM); independent Gaussians add up to N(0, sigma² sum w_t² I) = N(0, "
                    "s² I) (eq. 19); independent between tasks. Exact for every R and d."
                ),
                Step(
                    "Rows independent with covariance s² I_d and means mu_i: columns of M + s Z "
                    "are independent N(column of M, s² I_K), d of them. The sum of their outer "
                    "products is, by definition, noncentral Wishart with scale s² I_K, d degrees "
                    "of freedom and noncentrality M M^T/s²."
                ),
                Step(
                    "Drawing: let M have its rows in a span of r <= min(K, d) dimensions with "
                    "orthonormal basis F (d x r), X = M F. Z F and Z (I - F F^T) are uncorrelated, "
                    "so independent; Z F is a K x r standard normal matrix, and Z (I - F F^T) Z^T "
                    "has the law of Y Y^T, Y (K x (d-r)) standard normal."
                ),
                Step(
                    "Gram-Schmidt on the rows of Y: row i minus its projections on i earlier "
                    "directions has a length of chi with d-r-i degrees of freedom, its "
                    "coordinates on them are standard normal, all independent (Bartlett). So Y "
                    "Y^T = L L^T in law; for d-r < K the columns end after d-r."
                ),
            ),
        ),
        some(
            "all moments to order 2 or 3",
            cases,
            holds,
            "K = 2 and 3, d = 1 ... 5, ranks 1 and 2, every product of up to 2 or 3 entries",
            doc="Polynomials in normals and chi variables, expectations in integers.",
        ),
        run(
            "five functionals",
            Method.STATISTICAL,
            simulated,
            doc="n = 4000 a side, alpha = 0.001/5 each.",
        ),
        run(
            "stored sweeps, both ways",
            Method.STATISTICAL,
            direct_equals_law,
            doc="Settings run gradient by gradient and by the law; Fisher tests, alpha = 0.001.",
        ),
    )


def _numbers(tasks: int, rank: int, rest: int) -> int:
    columns = min(tasks, rest)
    return tasks * rank + sum(min(i + 1, columns) for i in range(tasks))


def _count_cases(context: CheckContext) -> Iterator[tuple[int, int, int]]:
    del context
    for tasks in range(1, 9):
        for dim in (1, 2, 5, 50, 10**7):
            for rank in range(min(tasks, dim) + 1):
                yield tasks, rank, dim


def _count_holds(case: tuple[int, int, int]) -> bool:
    tasks, rank, dim = case
    drawn = _numbers(tasks, rank, dim - rank)
    # multiplications of a K x (r + min(K, n)) matrix by its transpose
    products = tasks**2 * (rank + min(tasks, dim - rank))
    return 2 * drawn <= 2 * tasks * rank + tasks * (tasks + 1) and products <= 2 * tasks**3


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="EXT-1",
        family="recovery",
        title="The exact law of the Gram matrix",
        statement=r"With isotropic Gaussian noise independent across tasks, the EMA matrix is "
        r"$M+sZ$ exactly, and its Gram is noncentral Wishart with $K\times K$ scale $s^2I$ and "
        r"$d$ degrees of freedom.",
        plain="The windowed EMAs are M + s Z, s² = sigma²/n_eff, and their Gram matrix is "
        "noncentral Wishart(d, s² I, M M^T/s²); Bartlett's triangle draws it.",
        source=ours("result 1 beyond the paper, on eq. 17-19"),
        assumptions=(GAUSSIAN, NO_DRIFT),
        used_for="The experiment `recovery`, method law; EXT-3.",
        checks=law_checks(),
        notes="For d < K the Wishart law is singular; statement and sampler hold all the same. "
        "Carried buffers (eq. 8 without reset) have other weights: s² = sigma² sum w² there.",
    ),
    Claim(
        id="EXT-1-COST",
        family="recovery",
        title="A draw costs O(K³) whatever d and R are",
        statement=r"[...] any $d$, any $R$ in $O(K^3)$.",
        plain="A draw takes at most K r + K(K+1)/2 random numbers and 2 K³ multiplications, r <= "
        "K the rank of the means; d and R enter as numbers only.",
        source=ours("result 1 beyond the paper"),
        assumptions=(GAUSSIAN, NO_DRIFT),
        used_for="Sweeps at d in the millions.",
        checks=(
            proof(
                "count",
                (
                    Step("K r normals, and row i of the triangle has at most i + 1 entries."),
                    Step("One product of a K x (r + K) matrix with its transpose, r <= K: 2 K³."),
                    Step("s² is eq. 19's closed form in R; d only sets degrees of freedom."),
                ),
            ),
            some(
                "counts",
                _count_cases,
                _count_holds,
                "K = 1 ... 8, d up to 10^7, every rank",
                doc="Entries counted.",
            ),
        ),
        notes="Coordinates X of the means are found once, in O(K² d), or in O(K³) from their Gram.",
    ),
)
