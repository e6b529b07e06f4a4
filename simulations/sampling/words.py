"""Uniform 64-bit words, hundreds of streams side by side.

A numpy generator gives one word at a time, in 2 to 3 ns; with normals at 2 ns apiece that would be
half of a recovery trial. Here xoshiro256++ runs on many lanes at once, a vector instruction for
eight of them, and takes its state from the numpy generator that the caller passes in: everything
drawn is still a function of that generator alone. Integer arithmetic has no rounding, so compiled
code and numpy give the same words.

Each lane starts from 256 bits of its own. Of 512 lanes with 2**50 words each, two overlap with a
probability below ``512**2 * 2**51 / 2**256 < 2**-186``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import accelerated, compiled

__all__ = ["LANES", "WordStream", "fill_words_loop"]

Words = NDArray[np.uint64]

LANES = 512
"""Streams side by side; part of the meaning of a seed."""

_17, _23, _41, _45, _19 = (np.uint64(k) for k in (17, 23, 41, 45, 19))


@compiled()
def fill_words_loop(s0: Words, s1: Words, s2: Words, s3: Words, out: Words) -> None:
    for step in range(out.shape[0]):
        row = out[step]
        for k in range(row.size):
            total = s0[k] + s3[k]
            row[k] = ((total << _23) | (total >> _41)) + s0[k]
            shifted = s1[k] << _17
            c = s2[k] ^ s0[k]
            d = s3[k] ^ s1[k]
            s1[k] ^= c
            s0[k] ^= d
            s2[k] = c ^ shifted
            s3[k] = (d << _45) | (d >> _19)


def _fill_numpy(s0: Words, s1: Words, s2: Words, s3: Words, out: Words) -> None:
    for row in out:
        total = s0 + s3
        row[:] = ((total << _23) | (total >> _41)) + s0
        shifted = s1 << _17
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3[:] = (s3 << _45) | (s3 >> _19)


class WordStream:
    """An endless stream of uniform words that starts from a numpy generator.

    Parameters
    ----------
    rng : numpy.random.Generator
        Gives 2,048 words of state and is not used afterwards.

    Source
    ------
    Blackman and Vigna (2021), xoshiro256++; each of the 512 lanes is one generator.

    Examples
    --------
    >>> import numpy as np
    >>> first, second = (WordStream(np.random.default_rng(7)) for _ in range(2))
    >>> bool((first.take(1000) == second.take(1000)).all()), first.take(3).shape
    (True, (3,))
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._state: Words = rng.bit_generator.random_raw(4 * LANES).reshape(4, LANES)

    @classmethod
    def of_state(cls, state: Words) -> WordStream:
        """Start every lane from a given state, shape (4, 512); for tests against the reference."""
        stream = cls.__new__(cls)
        stream._state = np.array(state, dtype=np.uint64)
        return stream

    @property
    def state(self) -> Words:
        """The state of all lanes, shape (4, 512); compiled loops move it on."""
        return self._state

    def take(self, count: int) -> Words:
        """Return the next words, shape (count,); whole steps of all lanes are drawn."""
        out = np.empty((-(-count // LANES), LANES), dtype=np.uint64)
        fill = fill_words_loop if accelerated() else _fill_numpy
        s0, s1, s2, s3 = self._state
        fill(s0, s1, s2, s3, out)
        return out.reshape(-1)[:count]
