"""Standard normals and chi variables from uniform words, with the same bits everywhere.

A recovery trial is little more than two hundred normals, so they decide how fast trials are.
Uniform 64-bit words become normals by Box and Muller's transform. Logarithm, sine
and cosine are polynomials in additions, multiplications and one division, each correctly rounded by
IEEE 754 and never fused: a compiled loop over four or eight numbers at a time gives the same bits
as numpy one operation at a time, on every machine. (The C library's functions promise neither.)

A chi-square variable with nu degrees of freedom is twice a Gamma(nu / 2), drawn by Marsaglia and
Tsang's rejection from one normal and one uniform.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from simulations.sampling.words import WordStream
from songoku_theory._numba import accelerated, compiled, numba_installed

__all__ = [
    "NORMALS_AT_ONCE",
    "WORDS_AT_ONCE",
    "chi",
    "chi_loop",
    "fill_chi",
    "fill_normals",
    "fill_normals_loop",
    "normals",
    "words_of",
]

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]

_ONE, _DROPPED = np.uint64(1), np.uint64(11)
_UNIT = 2.0**-53
_QUARTER_TURN = 1.5707963267948966
_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ROOT_TWO = 1.4142135623730951
_MANTISSA, _ZERO_EXPONENT = np.int64(0x000FFFFFFFFFFFFF), np.int64(0x3FF0000000000000)
_EXPONENT_AT, _BIAS = np.int64(52), np.int64(1023)

NORMALS_AT_ONCE, WORDS_AT_ONCE = 8, 11
_NONE, _WHOLE = np.uint64(0), np.uint64(2**53)

Formula = Callable[..., Any]


def _formula(function: Formula) -> Formula:
    """Let compiled code call a formula that numpy, without a compiler, evaluates on arrays."""
    if not numba_installed():
        return function
    inlined = importlib.import_module("numba.extending").register_jitable(inline="always")
    return cast(Formula, inlined(function))


@_formula
def _log(u: Any) -> Any:  # noqa: ANN401 - a float64 in compiled code, an array of them in numpy
    """Natural logarithm of positive normal numbers, to about one unit in the last place.

    Source
    ------
    The reduction and coefficients of fdlibm's ``e_log.c`` (Sun Microsystems, 1993).
    """
    bits = np.float64(u).view(np.int64)
    m = np.int64((bits & _MANTISSA) | _ZERO_EXPONENT).view(np.float64)
    e = ((bits >> _EXPONENT_AT) - _BIAS) * 1.0
    above = (m > _ROOT_TWO) * 1.0
    f = m * (1.0 - 0.5 * above) - 1.0
    e = e + above
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (
        3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01)
    )
    even = z * (
        6.666666666666735130e-01
        + w
        * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01))
    )
    half = 0.5 * f * f
    return e * _LN2_HIGH - ((half - (s * (half + (odd + even)) + e * _LN2_LOW)) - f)


@_formula
def _uniform(word: Any) -> Any:  # noqa: ANN401
    """A multiple of 2**-53 in (0, 1]: its logarithm is finite."""
    return ((word >> _DROPPED) + _ONE) * _UNIT


@_formula
def _gap(high: Any, low: Any, energy: Any) -> Any:  # noqa: ANN401
    """A radius whose square is a share of the energy: the gap between two sorted uniforms."""
    return np.sqrt(((high - low) * 1.0) * energy)


@_formula
def _on_circle(radius: Any, word: Any) -> Any:  # noqa: ANN401
    """A uniformly random point on a circle.

    The angle is uniform on a quarter circle around the first axis, from the word's upper 53 bits;
    its two lowest bits turn that quarter into one of the four.
    """
    x = ((word >> _DROPPED) * _UNIT - 0.5) * _QUARTER_TURN
    z = x * x
    sine = x + x * z * (
        -1.66666666666666324348e-01
        + z
        * (
            8.33333333332248946124e-03
            + z
            * (
                -1.98412698298579493134e-04
                + z
                * (
                    2.75573137070700676789e-06
                    + z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)
                )
            )
        )
    )
    cosine = (1.0 - 0.5 * z) + z * z * (
        4.16666666666666019037e-02
        + z
        * (
            -1.38888888888741095749e-03
            + z
            * (
                2.48015872894767294178e-05
                + z
                * (
                    -2.75573143513906633035e-07
                    + z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11)
                )
            )
        )
    )
    swapped = (word & _ONE) * 1.0
    kept = 1.0 - swapped
    along = radius * cosine * (1.0 - 2.0 * (((word >> _ONE) & _ONE) * 1.0))
    across = radius * sine
    # Products with 0 and 1 are exact, so this chooses and does not round.
    return along * kept + across * swapped, across * kept + along * swapped


@_formula
def _energy(first: Any, second: Any, third: Any, fourth: Any) -> Any:  # noqa: ANN401
    """The squared norm of eight normals, over 2**53: chi-square with 8 degrees, one logarithm."""
    product = (_uniform(first) * _uniform(second)) * (_uniform(third) * _uniform(fourth))
    return (-2.0 * _UNIT) * _log(product)


@compiled()
def fill_normals_loop(words: Words, out: Floats) -> None:
    """As `fill_normals`; the loop that is compiled."""
    n = out.size // NORMALS_AT_ONCE
    # Slices, because an index that might be negative keeps a loop from being vectorised.
    e0, e1, e2, e3 = words[:n], words[n : 2 * n], words[2 * n : 3 * n], words[3 * n : 4 * n]
    c0, c1, c2 = words[4 * n : 5 * n], words[5 * n : 6 * n], words[6 * n : 7 * n]
    a0, a1, a2, a3 = (
        words[7 * n : 8 * n],
        words[8 * n : 9 * n],
        words[9 * n : 10 * n],
        words[10 * n :],
    )
    x0, x1, x2, x3 = out[:n], out[n : 2 * n], out[2 * n : 3 * n], out[3 * n : 4 * n]
    x4, x5, x6, x7 = out[4 * n : 5 * n], out[5 * n : 6 * n], out[6 * n : 7 * n], out[7 * n :]
    for k in range(n):
        energy = _energy(e0[k], e1[k], e2[k], e3[k])
        u, v, w = c0[k] >> _DROPPED, c1[k] >> _DROPPED, c2[k] >> _DROPPED
        small, large = np.minimum(u, v), np.maximum(u, v)
        middle = np.maximum(small, w)
        least, most = np.minimum(small, w), np.maximum(large, middle)
        middle = np.minimum(large, middle)
        x, y = _on_circle(_gap(least, _NONE, energy), a0[k])
        x0[k] = x
        x1[k] = y
        x, y = _on_circle(_gap(middle, least, energy), a1[k])
        x2[k] = x
        x3[k] = y
        x, y = _on_circle(_gap(most, middle, energy), a2[k])
        x4[k] = x
        x5[k] = y
        x, y = _on_circle(_gap(_WHOLE, most, energy), a3[k])
        x6[k] = x
        x7[k] = y


def _fill_normals_numpy(words: Words, out: Floats) -> None:
    first, second, third, fourth, u, v, w, *angles = words.reshape(WORDS_AT_ONCE, -1)
    energy = _energy(first, second, third, fourth)
    cuts = np.sort(np.stack([u, v, w]) >> _DROPPED, axis=0)
    edges = np.concatenate([np.full_like(cuts[:1], _NONE), cuts, np.full_like(cuts[:1], _WHOLE)])
    into = out.reshape(NORMALS_AT_ONCE, -1)
    for pair, angle in enumerate(angles):
        radius = _gap(edges[pair + 1], edges[pair], energy)
        into[2 * pair], into[2 * pair + 1] = _on_circle(radius, angle)


@compiled()
def chi_loop(normal: Floats, words: Words, shapes: Floats, spreads: Floats, out: Floats) -> int:
    """Accept or reject each proposal; a rejected one is marked by -1. Returns how many are."""
    rejected = 0
    for row in range(out.shape[0]):
        shape, spread = shapes[row], spreads[row]
        x, word, found = normal[row], words[row], out[row]
        for n in range(found.size):
            cube = 1.0 + spread * x[n]
            cube = cube * cube * cube
            square = x[n] * x[n]
            sure = (_uniform(word[n]) < 1.0 - 0.0331 * (square * square)) & (cube > 0.0)
            found[n] = np.sqrt(2.0 * shape * cube) if sure else -1.0
        for n in range(found.size):
            if found[n] < 0.0:
                cube = 1.0 + spread * x[n]
                cube = cube * cube * cube
                square = x[n] * x[n]
                if cube > 0.0 and _log(_uniform(word[n])) < 0.5 * square + shape * (
                    1.0 - cube + _log(cube)
                ):
                    found[n] = np.sqrt(2.0 * shape * cube)
                else:
                    rejected += 1
    return rejected


def _chi_numpy(normal: Floats, words: Words, shapes: Floats, spreads: Floats, out: Floats) -> int:
    shape, spread = shapes[:, None], spreads[:, None]
    cube = 1.0 + spread * normal
    cube = cube * cube * cube
    positive = np.where(cube > 0.0, cube, 1.0)
    u = _uniform(words)
    square = normal * normal
    sure = u < 1.0 - 0.0331 * (square * square)
    likely = _log(u) < 0.5 * square + shape * (1.0 - positive + _log(positive))
    accepted = (cube > 0.0) & (sure | likely)
    out[:] = np.where(accepted, np.sqrt(2.0 * shape * positive), -1.0)
    return int((~accepted).sum())


def fill_normals(words: Words, out: Floats) -> None:
    """Turn words into standard normals.

    Parameters
    ----------
    words : ndarray of uint64, shape (11 n,)
    out : ndarray, shape (8 n,)
        Written.

    Source
    ------
    Box and Muller (1958) for each pair. The squared radii of four pairs are ``-2 ln`` of four
    uniforms: their sum is ``-2 ln`` of the product, and given the sum they divide it like the gaps
    that three sorted uniforms leave in [0, 1]. One logarithm serves eight normals.
    """
    (fill_normals_loop if accelerated() else _fill_normals_numpy)(words, out)


def _padded(count: int) -> int:
    """The next whole number of normals that are drawn at once."""
    return -(-count // NORMALS_AT_ONCE) * NORMALS_AT_ONCE


def words_of(count: int) -> int:
    """Return how many words `normals` takes for so many normals."""
    return _padded(count) // NORMALS_AT_ONCE * WORDS_AT_ONCE


def fill_chi(
    stream: WordStream, normal: Floats, words: Words, dofs: NDArray[np.int64], out: Floats
) -> None:
    """Draw chi variables (square roots of chi-squares), a row of `out` for each number of dofs.

    Parameters
    ----------
    stream : WordStream
        For new proposals in place of the few that are rejected.
    normal : ndarray, shape (C, lanes)
        Standard normals, one a variable.
    words : ndarray of uint64, shape (C, lanes)
        Uniform words, one a variable.
    dofs : ndarray of int, shape (C,)
        Degrees of freedom, all >= 1.
    out : ndarray, shape (C, lanes)
        Written.

    Source
    ------
    Marsaglia and Tsang (2000), exact for Gamma shapes of at least 1. One degree of freedom (shape
    1/2) needs no rejection: chi is the absolute value of a normal.
    """
    single = dofs == 1
    shapes = np.where(single, 1.0, 0.5 * dofs) - 1.0 / 3.0
    spreads = 1.0 / np.sqrt(9.0 * shapes)
    decide = chi_loop if accelerated() else _chi_numpy
    rejected = decide(normal, words, shapes, spreads, out)
    if single.any():
        out[single] = np.abs(normal[single])
    while rejected:
        row, lane = np.nonzero(out < 0.0)
        count = row.size
        if count == 0:
            return
        needed = words_of(count)
        fresh = stream.take(needed + count)
        normals, found = np.empty(_padded(count)), np.empty((count, 1))
        fill_normals(fresh[:needed], normals)
        proposal, uniform = normals[:count, None], fresh[needed:, None]
        rejected = decide(proposal, uniform, shapes[row], spreads[row], found)
        out[row, lane] = found[:, 0]


def normals(stream: WordStream, count: int) -> Floats:
    """Draw standard normals, shape (count,)."""
    out = np.empty(_padded(count))
    fill_normals(stream.take(words_of(count)), out)
    return out[:count]


def chi(stream: WordStream, dofs: NDArray[np.int64], lanes: int) -> Floats:
    """Draw chi variables, shape (C, lanes): row c has ``dofs[c]`` degrees of freedom.

    Parameters
    ----------
    stream : WordStream
    dofs : ndarray of int, shape (C,)
        All >= 1.
    lanes : int

    Returns
    -------
    ndarray, shape (C, lanes)

    Examples
    --------
    >>> import numpy as np
    >>> stream = WordStream(np.random.default_rng(0))
    >>> drawn = chi(stream, np.array([1, 10, 10**6]), 4000)
    >>> np.round((drawn**2).mean(axis=1) / [1, 10, 10**6], 1)
    array([1., 1., 1.])
    """
    size = (len(dofs), lanes)
    proposals = normals(stream, len(dofs) * lanes).reshape(size)
    words = stream.take(len(dofs) * lanes).reshape(size)
    out = np.empty(size)
    fill_chi(stream, proposals, words, np.asarray(dofs), out)
    return out
