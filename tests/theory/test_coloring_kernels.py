"""The compiled bitset loops answer exactly what the plain code answers. Needs numba (dev extra)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from songoku_theory import coloring as col
from songoku_theory._numba import accelerated, numba_installed, use_numba
from songoku_theory.coloring import adjacency as module
from songoku_theory.coloring.kernels import (
    by_degree,
    first_fit_bits,
    is_proper_bits,
    is_simple,
    packed,
)
from songoku_theory.errors import InvalidInputError

Adjacency = NDArray[np.bool_]
Bits = NDArray[np.uint64]
SIZES = (150, 191, 192, 193, 255, 256, 257, 300, 448, 511, 512, 513, 600)


@pytest.fixture(autouse=True)
def switched_on() -> Iterator[None]:
    """Whatever SONGOKU_NUMBA says: these tests are about the compiled code."""
    with use_numba(True):
        yield


def random_graph(size: int, density: float, rng: np.random.Generator) -> Adjacency:
    upper = np.triu(rng.random((size, size)) < density, 1)
    return upper | upper.T


def bits_of(matrix: Adjacency) -> Bits:
    return packed(np.ascontiguousarray(matrix).reshape(-1).view(np.uint8), len(matrix))


def plainly(function: Callable[..., object], *arguments: object) -> list[int]:
    with use_numba(False):
        return np.asarray(function(*arguments)).tolist()


@pytest.mark.parametrize("size", SIZES)
def test_heuristics_give_the_same_colors_with_and_without_numba(size: int) -> None:
    rng = np.random.default_rng(size)
    for density in (0.0, 0.01, 0.1, 0.5, 0.9, 1.0):
        matrix = random_graph(size, density, rng)
        order = rng.permutation(size)
        assert col.welsh_powell(matrix).tolist() == plainly(col.welsh_powell, matrix)
        assert col.first_fit(matrix, order).tolist() == plainly(col.first_fit, matrix, order)
        assert col.smallest_last(matrix).tolist() == plainly(col.smallest_last, matrix)


@given(data=st.data())
def test_kernels_agree_with_plain_code_on_any_graph(
    data: st.DataObject, graphs: Callable[..., st.SearchStrategy[Adjacency]]
) -> None:
    """Copies side by side and complements bring the graphs across the borders of words."""
    base = data.draw(graphs(max_nodes=12))
    copies = data.draw(st.integers(1, 14))
    matrix = np.kron(np.eye(copies, dtype=bool), base)
    if data.draw(st.booleans()):
        matrix = ~matrix & ~np.eye(len(matrix), dtype=bool)
    bits = bits_of(matrix)
    assert is_simple(bits)
    expected_order = np.argsort(-matrix.sum(axis=1), kind="stable").tolist()
    assert by_degree(bits).tolist() == expected_order
    order = np.array(data.draw(st.permutations(range(len(matrix)))), dtype=np.int64)
    assert first_fit_bits(bits, order).tolist() == plainly(col.first_fit, matrix, order)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 128, 200])
def test_packing_is_that_of_the_plain_bitsets(size: int) -> None:
    matrix = random_graph(size, 0.4, np.random.default_rng(size))
    rows = [int.from_bytes(row.tobytes(), "little") for row in bits_of(matrix)]
    assert rows == col.adjacency_bitsets(matrix)


def test_any_byte_that_is_not_zero_is_an_edge() -> None:
    """A boolean view of other bytes is rare, but numpy allows it."""
    matrix = random_graph(200, 0.3, np.random.default_rng(0))
    odd = np.where(matrix, np.uint8(6), np.uint8(0)).view(np.bool_)
    assert col.welsh_powell(odd).tolist() == col.welsh_powell(matrix).tolist()


@pytest.mark.parametrize("size", [128, 130, 192, 257])
def test_a_single_bit_that_has_no_mirror_is_found_and_named(size: int) -> None:
    rng = np.random.default_rng(size)
    matrix = random_graph(size, 0.2, rng)
    for _ in range(300):
        i, j = (int(x) for x in rng.choice(size, 2, replace=False))
        matrix[i, j] ^= True
        with pytest.raises(InvalidInputError, match="symmetric") as compiled_error:
            col.check_adjacency(matrix)
        with use_numba(False), pytest.raises(InvalidInputError) as plain_error:
            col.check_adjacency(matrix)
        assert str(compiled_error.value) == str(plain_error.value)
        matrix[i, j] ^= True
    col.check_adjacency(matrix)


def test_every_self_loop_is_found_and_named() -> None:
    matrix = random_graph(150, 0.2, np.random.default_rng(1))
    for i in range(150):
        matrix[i, i] = True
        with pytest.raises(InvalidInputError, match=rf"self-loops; found one at task {i}\."):
            col.check_adjacency(matrix)
        matrix[i, i] = False


@pytest.mark.parametrize("wanted", [True, False])
def test_a_clash_in_a_large_coloring_is_found_and_named(wanted: bool) -> None:
    matrix = random_graph(200, 0.1, np.random.default_rng(2))
    colors = col.welsh_powell(matrix)
    bits = bits_of(matrix)
    assert is_proper_bits(bits, colors, int(colors.max()) + 1)
    for i, j in np.argwhere(np.triu(matrix, 1))[::40]:
        wrong = colors.copy()
        wrong[j] = wrong[i]
        if np.unique(wrong).size <= wrong.max():
            continue
        assert not is_proper_bits(bits, wrong, int(wrong.max()) + 1)
        found = wrong.tolist()
        with use_numba(wanted), pytest.raises(InvalidInputError, match="is not proper: tasks"):
            col.color(matrix, lambda _, answer=found: answer)


def test_matrices_in_any_layout_are_read_alike() -> None:
    matrix = random_graph(260, 0.2, np.random.default_rng(3))
    expected = col.welsh_powell(matrix[::2, ::2].copy()).tolist()
    assert col.welsh_powell(matrix[::2, ::2]).tolist() == expected
    assert col.welsh_powell(np.asfortranarray(matrix[::2, ::2])).tolist() == expected
    assert col.welsh_powell(matrix[::2, ::2].astype(np.int64)).tolist() == expected


def compare(matrix: Adjacency) -> None:
    order = np.random.default_rng(4).permutation(len(matrix))
    assert col.welsh_powell(matrix).tolist() == plainly(col.welsh_powell, matrix)
    assert col.first_fit(matrix, order).tolist() == plainly(col.first_fit, matrix, order)


@pytest.mark.parametrize("fault", ["last word", "last task", "ties", "order"])
def test_planted_faults_in_the_kernels_die(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """A row's last word forgotten, a task left out, ties the other way, the order ignored."""
    matrix = random_graph(200, 0.1, np.random.default_rng(4))
    compare(matrix)
    kernels = module.kernels()

    def forgets_last_word(bits: Bits, order: NDArray[np.int64]) -> NDArray[np.int64]:
        bits = bits.copy()
        bits[:, -1] = 0
        return np.asarray(first_fit_bits(bits, order))

    def forgets_last_task(bits: Bits, order: NDArray[np.int64]) -> NDArray[np.int64]:
        bits = bits.copy()
        bits[:, -1] &= ~(np.uint64(1) << np.uint64((len(bits) - 1) & 63))
        return np.asarray(first_fit_bits(bits, order))

    def later_first(bits: Bits) -> NDArray[np.int64]:
        degrees = np.bitwise_count(bits).sum(axis=1).astype(np.int64)
        return np.lexsort((-np.arange(len(bits)), -degrees))

    def any_order(bits: Bits, order: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(first_fit_bits(bits, np.sort(order)))

    name, faulty = {
        "last word": ("first_fit_bits", forgets_last_word),
        "last task": ("first_fit_bits", forgets_last_task),
        "ties": ("by_degree", later_first),
        "order": ("first_fit_bits", any_order),
    }[fault]
    monkeypatch.setattr(kernels, name, faulty)
    with pytest.raises(AssertionError):
        compare(matrix)


def test_small_graphs_and_the_switch_leave_numba_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> object:
        raise AssertionError("the compiled kernels were asked for")

    monkeypatch.setattr(module, "kernels", refuse)
    monkeypatch.setattr(module, "numba_loaded", lambda: False)
    small = random_graph(module.COMPILED_FROM - 1, 0.1, np.random.default_rng(5))
    large = random_graph(module.COMPILED_FROM, 0.1, np.random.default_rng(5))
    assert module.check_adjacency_bits(small)[1] is None
    with use_numba(False):
        assert not accelerated()
        assert module.check_adjacency_bits(large)[1] is None
    with pytest.raises(AssertionError, match="asked for"):
        module.check_adjacency_bits(large)


def test_without_numba_the_kernels_are_plain_functions_with_the_same_answers() -> None:
    code = (
        "import sys\n"
        "sys.modules['numba'] = None\n"
        "import numpy as np\n"
        "from songoku_theory import _numba\n"
        "_numba.numba_installed.cache_clear()\n"
        "_numba.importlib.util.find_spec = lambda name: None\n"
        "from songoku_theory.coloring import kernels, welsh_powell\n"
        "upper = np.triu(np.random.default_rng(6).random((140, 140)) < 0.2, 1)\n"
        "matrix = upper | upper.T\n"
        "bits = kernels.packed(matrix.reshape(-1).view(np.uint8), 140)\n"
        "assert not _numba.accelerated()\n"
        "assert kernels.is_simple(bits)\n"
        "assert kernels.packed.__class__.__name__ == 'function'\n"
        "own = kernels.first_fit_bits(bits, kernels.by_degree(bits))\n"
        "assert own.tolist() == welsh_powell(matrix).tolist()\n"
        "assert kernels.is_proper_bits(bits, own, int(own.max()) + 1)\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize(("value", "expected"), [("0", "False"), ("1", "True")])
def test_the_environment_switches(value: str, expected: str) -> None:
    assert numba_installed()
    outcome = subprocess.run(
        [sys.executable, "-c", "from songoku_theory import _numba; print(_numba.accelerated())"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "SONGOKU_NUMBA": value},
    )
    assert outcome.stdout.strip() == expected, outcome.stderr
