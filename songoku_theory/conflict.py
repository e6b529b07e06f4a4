"""From gradients to the conflict graph: one sign, one tie rule, one zero-norm policy.

``rho_ij = -cos(g_i, g_j)``; an edge where ``rho_ij > tau``, strictly (eq. 4, 5 and 10), that is
where the cosine lies below ``-tau``. A pair exactly at the threshold is *not* an edge, so tau = 1
is the empty graph (section 4.4.2). A task without a direction (zero norm, or norm below the floor
of Assumption 4) has no edges.

One flipped edge can recolour half of the graph, so a pair whose cosine lies within rounding of
-tau is decided again from the gradients themselves, in exact rational arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songoku_theory.coloring.adjacency import check_adjacency
from songoku_theory.errors import InvalidInputError
from songoku_theory.linalg import cosines, gram
from songoku_theory.validation import check_gradients, check_norm_floor, check_tau

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "ConflictGraph",
    "conflict_adjacency_batch",
    "conflict_graph",
    "conflict_graph_from_gram",
    "exceeds_threshold",
    "interference",
]


@dataclass(frozen=True, slots=True, eq=False)
class ConflictGraph:
    """Which pairs of tasks must not be updated together.

    Attributes
    ----------
    adjacency : ndarray of bool, shape (K, K)
        Symmetric, no self-loops.
    included : ndarray of bool, shape (K,)
        False for a task left out because it has no direction; it has no edges.
    tau : float
        The threshold that made the graph.

    Raises
    ------
    InvalidInputError
        When the adjacency is not one of a simple graph, or a left-out task has an edge.
    """

    adjacency: NDArray[np.bool_]
    included: NDArray[np.bool_]
    tau: float

    def __post_init__(self) -> None:
        adjacency = check_adjacency(self.adjacency)
        included = np.asarray(self.included, dtype=np.bool_)
        check_tau(self.tau)
        if included.shape != (adjacency.shape[0],):
            raise InvalidInputError(
                f"included should have shape ({adjacency.shape[0]},); found {included.shape}."
            )
        if adjacency[~included].any():
            raise InvalidInputError("a task that is left out of the graph should have no edges.")
        adjacency = adjacency.copy()
        adjacency.setflags(write=False)
        object.__setattr__(self, "adjacency", adjacency)
        object.__setattr__(self, "included", included)

    @property
    def num_tasks(self) -> int:
        """K."""
        return int(self.adjacency.shape[0])

    @property
    def degrees(self) -> NDArray[np.int64]:
        """Number of conflicts of each task, shape (K,)."""
        return np.asarray(self.adjacency.sum(axis=1), dtype=np.int64)

    @property
    def max_degree(self) -> int:
        """Delta, the largest number of conflicts of any task."""
        return int(self.degrees.max())

    def edges(self) -> tuple[tuple[int, int], ...]:
        """Return the conflicting pairs ``(i, j)`` with ``i < j``, in order."""
        upper = np.argwhere(np.triu(self.adjacency, 1))
        return tuple((int(i), int(j)) for i, j in upper)

    def to_networkx(self) -> nx.Graph:
        """Return the graph as a ``networkx.Graph`` on nodes ``0..K-1``."""
        import networkx as nx

        graph = nx.Graph()
        graph.add_nodes_from(range(self.num_tasks))
        graph.add_edges_from(self.edges())
        return graph


def interference(vectors: ArrayLike, norm_floor: float = 0.0) -> NDArray[np.float64]:
    """Return the interference coefficients ``rho_ij = -cos(g_i, g_j)``.

    Parameters
    ----------
    vectors : array_like, shape (K, d)
    norm_floor : float, default 0
        Tasks below it have ``rho = 0`` with every other task.

    Returns
    -------
    ndarray, shape (K, K)
        In [-1, 1]; -1 on the diagonal.

    Raises
    ------
    InvalidInputError
        When a gradient is not finite.

    Source
    ------
    SON-GOKU, eq. 4; eq. 9 with the second norm as in eq. 4.

    Examples
    --------
    >>> interference([[1, 0], [-3, 4]])
    array([[-1. ,  0.6],
           [ 0.6, -1. ]])
    """
    return -cosines(gram(vectors), norm_floor).values


def exceeds_threshold(first: ArrayLike, second: ArrayLike, tau: float | Fraction) -> bool:
    """Decide ``-cos(first, second) > tau`` exactly.

    Compares squares of rationals, so no rounding enters; a float `tau` counts at its exact binary
    value and a ``Fraction`` at its own.

    Parameters
    ----------
    first, second : array_like, shape (d,)
        Finite, not zero.
    tau : float or Fraction
        In [0, 1].

    Returns
    -------
    bool

    Raises
    ------
    InvalidInputError
        When a vector is zero or not finite, or tau is out of range.

    Examples
    --------
    >>> from fractions import Fraction
    >>> exceeds_threshold([5, 0], [-3, 4], Fraction(3, 5))  # exactly at the threshold
    False
    >>> exceeds_threshold([5, 0], [-3, 4], Fraction(599, 1000))
    True
    """
    check_tau(tau)
    a = _as_integers(first)
    b = _as_integers(second)
    if not any(a) or not any(b):
        raise InvalidInputError("a zero vector has no cosine; leave the task out of the graph.")
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    if dot >= 0:
        return False  # rho <= 0 <= tau
    squares = sum(x * x for x in a) * sum(y * y for y in b)
    return Fraction(dot * dot) > Fraction(tau) ** 2 * squares


def _as_integers(vector: ArrayLike) -> list[int]:
    """Scale a float vector by a power of two to whole numbers, exactly; cosines do not change."""
    values = np.asarray(vector, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InvalidInputError(f"expected a finite vector; found shape {values.shape}.")
    mantissas, exponents = np.frexp(values)
    # A 53-bit mantissa times 2**53 is whole; shift all to the smallest exponent in use.
    whole = (mantissas * 2.0**53).astype(np.int64)
    lowest = int(exponents[whole != 0].min()) if whole.any() else 0
    return [int(m) << (int(e) - lowest) if m else 0 for m, e in zip(whole, exponents, strict=True)]


def conflict_graph(vectors: ArrayLike, tau: float, norm_floor: float = 0.0) -> ConflictGraph:
    """Build the conflict graph of K gradients (usually their EMAs at a refresh).

    Parameters
    ----------
    vectors : array_like, shape (K, d)
        float32 or float64; finite.
    tau : float
        In [0, 1].
    norm_floor : float, default 0
        nu of Assumption 4.

    Returns
    -------
    ConflictGraph

    Raises
    ------
    InvalidInputError
        When a gradient is not finite, or `tau` or `norm_floor` is out of range.

    Source
    ------
    SON-GOKU, eq. 5 and 10; Assumption 4.

    Differs from
    ------------
    The sentence after eq. 10 agrees ("cosine similarity less than -tau"). A rule
    ``cos < tau``, seen in public code for this method, is another graph unless tau = 0.

    Examples
    --------
    >>> conflict_graph([[1, 0], [-1, 0.1], [0, 1]], tau=0.2).edges()
    ((0, 1),)
    """
    matrix = check_gradients(vectors)
    return conflict_graph_from_gram(gram(matrix), tau, norm_floor, vectors=matrix)


def conflict_graph_from_gram(
    gram_matrix: ArrayLike,
    tau: float,
    norm_floor: float = 0.0,
    vectors: ArrayLike | None = None,
    rounding: float | None = None,
) -> ConflictGraph:
    """Build the conflict graph from inner products alone.

    Parameters
    ----------
    gram_matrix : array_like, shape (K, K)
    tau : float
        In [0, 1].
    norm_floor : float, default 0
    vectors : array_like, shape (K, d), optional
        When given, pairs within rounding of the threshold are decided exactly from them.
    rounding : float, optional
        How far the given cosines may be from the exact ones. By default a bound for inner
        products accumulated in float64, or in float32 when that is the dtype of the matrix.

    Returns
    -------
    ConflictGraph

    Raises
    ------
    InvalidInputError
        When the matrix is not a Gram matrix, or `tau` or `norm_floor` is out of range.

    Examples
    --------
    >>> conflict_graph_from_gram([[1, -0.6], [-0.6, 1]], tau=0.5).max_degree
    1
    """
    check_tau(tau)
    check_norm_floor(norm_floor)
    single = np.asarray(gram_matrix).dtype == np.float32
    measured = cosines(gram_matrix, norm_floor)
    rho = -measured.values
    adjacency = rho > tau
    np.fill_diagonal(adjacency, False)
    adjacency[~measured.included, :] = False
    adjacency[:, ~measured.included] = False
    if vectors is not None:
        matrix = check_gradients(vectors)
        if matrix.shape[0] != adjacency.shape[0]:
            raise InvalidInputError(
                f"vectors should have one row a task ({adjacency.shape[0]}); found "
                f"{matrix.shape[0]}."
            )
        unit = float(np.finfo(np.float32 if single else np.float64).eps)
        band = _rounding_bound(matrix.shape[1], unit) if rounding is None else rounding
        both = measured.included[:, None] & measured.included[None, :]
        close = np.triu((np.abs(rho - tau) <= band) & both, 1)
        for i, j in np.argwhere(close):
            adjacency[i, j] = adjacency[j, i] = exceeds_threshold(matrix[i], matrix[j], tau)
    return ConflictGraph(adjacency, measured.included, float(tau))


def _rounding_bound(dim: int, unit: float) -> float:
    """A bound on the rounding of a computed cosine.

    ``|fl(x.y) - x.y| <= d u |x|.|y| <= d u ||x|| ||y||`` (Higham, 2002, section 3.1), once for the
    product and once each for the two norms; the rest is a few roundings more.
    """
    return min(1.0, (2.0 * dim + 8.0) * unit)


def conflict_adjacency_batch(grams: ArrayLike, tau: float) -> NDArray[np.bool_]:
    """Threshold many Gram matrices at once, for simulations.

    Does not recheck pairs near the threshold: under continuous noise a tie has probability 0.

    Parameters
    ----------
    grams : array_like, shape (N, K, K)
    tau : float
        In [0, 1].

    Returns
    -------
    ndarray of bool, shape (N, K, K)

    Raises
    ------
    InvalidInputError
        When the shape is wrong, an entry is not finite, or `tau` is out of range.

    Examples
    --------
    >>> conflict_adjacency_batch([[[1, -0.6], [-0.6, 1]]], tau=0.5)[0, 0].tolist()
    [False, True]
    """
    check_tau(tau)
    matrices = np.asarray(grams, dtype=np.float64)
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise InvalidInputError(f"grams should have shape (N, K, K); found {matrices.shape}.")
    if not np.isfinite(matrices).all():
        raise InvalidInputError("grams should be finite; found a NaN or an infinity.")
    norms = np.sqrt(np.clip(np.diagonal(matrices, axis1=1, axis2=2), 0.0, None))
    # -G_ij > tau |g_i| |g_j| is the rule without a division; a zero norm gives 0 > 0, no edge.
    bound = tau * norms[:, :, None] * norms[:, None, :]
    adjacency = -matrices > bound
    diagonal = np.arange(matrices.shape[1])
    adjacency[:, diagonal, diagonal] = False
    return np.asarray(adjacency, dtype=np.bool_)
