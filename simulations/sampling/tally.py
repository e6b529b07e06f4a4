"""Compare estimated conflict graphs and groupings with the planted truth, many trials at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from simulations.generators.planted import PlantedTasks
from simulations.sampling.batched_coloring import welsh_powell_batch
from songoku_theory.conflict import conflict_adjacency_batch

__all__ = ["Tally", "component_labels", "debiased_grams", "recovered_partitions", "tally"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over trials; tallies add up.

    Attributes
    ----------
    trials : int
    graph_exact : int
        Trials whose estimated graph is the population graph.
    partition_exact : int
        Trials whose estimated grouping is the planted one, up to names.
    false_edges, missed_edges : int
        Edges too many and too few, over all trials.
    cosine_error : float
        Largest error of any pair's cosine, summed over trials.
    """

    trials: int = 0
    graph_exact: int = 0
    partition_exact: int = 0
    false_edges: int = 0
    missed_edges: int = 0
    cosine_error: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.trials + other.trials,
            self.graph_exact + other.graph_exact,
            self.partition_exact + other.partition_exact,
            self.false_edges + other.false_edges,
            self.missed_edges + other.missed_edges,
            self.cosine_error + other.cosine_error,
        )


def tally(grams: NDArray[np.float64], planted: PlantedTasks) -> Tally:
    """Judge a batch of estimates.

    Parameters
    ----------
    grams : ndarray, shape (N, K, K)
        Gram matrices of the EMAs.
    planted : PlantedTasks
        K >= 2.

    Returns
    -------
    Tally

    Source
    ------
    SON-GOKU, section B.5: eq. 33 (graph), Theorem 3 (components), Theorem 4 (colour classes).

    Differs from
    ------------
    Theorem 4 takes any *optimal* colouring. Grouping here is what the scheduler does, Welsh-Powell;
    on a complete multipartite graph the two agree, on a wrong estimate they need not.
    """
    truth = planted.graph.adjacency
    found = conflict_adjacency_batch(grams, planted.tau)
    upper = np.triu_indices(planted.num_tasks, 1)
    wrong_edges = found[:, upper[0], upper[1]] != truth[upper]
    too_many = wrong_edges & ~truth[upper]
    too_few = wrong_edges & truth[upper]
    norms = np.sqrt(np.diagonal(grams, axis1=1, axis2=2))
    norms = np.where(norms > 0.0, norms, np.inf)  # a task without a direction: cosine 0
    pairs = grams[:, upper[0], upper[1]]
    pairs = pairs / norms[:, upper[0]] / norms[:, upper[1]]
    errors = np.abs(pairs - planted.cosines[upper]).max(axis=1)
    return Tally(
        trials=int(grams.shape[0]),
        graph_exact=int((~wrong_edges.any(axis=1)).sum()),
        partition_exact=int(recovered_partitions(found, planted).sum()),
        false_edges=int(too_many.sum()),
        missed_edges=int(too_few.sum()),
        cosine_error=float(errors.sum()),
    )


def debiased_grams(
    grams: NDArray[np.float64], energies: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Subtract noise energies from the squared norms, as the debiased cosine does.

    Parameters
    ----------
    grams : ndarray, shape (N, K, K)
    energies : ndarray, shape (N, K)

    Returns
    -------
    ndarray, shape (N, K, K)
        A task whose squared norm is no larger than its energy has no direction: zeros.

    Examples
    --------
    >>> import numpy as np
    >>> debiased_grams(np.array([[[2.0, -1.0], [-1.0, 3.0]]]), np.array([[0.5, 4.0]])).tolist()
    [[[1.5, 0.0], [0.0, 0.0]]]
    """
    squares = np.diagonal(grams, axis1=1, axis2=2) - energies
    directed = squares > 0.0
    found = np.where(directed[:, :, None] & directed[:, None, :], grams, 0.0)
    place = np.arange(grams.shape[1])
    found[:, place, place] = np.where(directed, squares, 0.0)
    return found


def recovered_partitions(
    adjacencies: NDArray[np.bool_], planted: PlantedTasks
) -> NDArray[np.bool_]:
    """Say for each estimated graph whether its grouping is the planted one, up to names.

    Parameters
    ----------
    adjacencies : ndarray of bool, shape (N, K, K)
    planted : PlantedTasks
        The component model groups by connected components, the multipartite model by the classes
        of Welsh-Powell.

    Returns
    -------
    ndarray of bool, shape (N,)
    """
    together = planted.labels[:, None] == planted.labels[None, :]
    recovered = np.zeros(adjacencies.shape[0], dtype=np.bool_)
    # An edge inside a planted colour class, or between planted components, rules recovery out;
    # only the other graphs are worth the work.
    fatal = together if planted.model == "multipartite" else ~together
    hopeful = np.flatnonzero(~(adjacencies & fatal).any(axis=(1, 2)))
    if hopeful.size == 0:
        return recovered
    graphs = adjacencies[hopeful]
    labels = (
        welsh_powell_batch(graphs) if planted.model == "multipartite" else component_labels(graphs)
    )
    same = (labels[:, :, None] == labels[:, None, :]) == together
    recovered[hopeful] = same.all(axis=(1, 2))
    return recovered


def component_labels(adjacencies: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Label the connected components of many graphs, as one graph with N K vertices.

    Parameters
    ----------
    adjacencies : ndarray of bool, shape (N, K, K)

    Returns
    -------
    ndarray of int, shape (N, K)
        Equal within a graph iff connected; labels of different graphs differ.

    Examples
    --------
    >>> import numpy as np
    >>> path = np.array([[[0, 1, 0], [1, 0, 0], [0, 0, 0]]], dtype=bool)
    >>> component_labels(path).tolist()
    [[0, 0, 1]]
    """
    count, tasks, _ = adjacencies.shape
    graph, row, column = np.nonzero(adjacencies)
    ones = np.ones(graph.size, dtype=np.int8)
    joined = coo_array(
        (ones, (graph * tasks + row, graph * tasks + column)), shape=(count * tasks, count * tasks)
    )
    _, labels = connected_components(joined, directed=False)
    return np.asarray(labels, dtype=np.int64).reshape(count, tasks)
