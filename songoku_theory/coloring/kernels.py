"""Bitset loops of the colouring, written out for numba.

Row i of `bits` holds task i's neighbours, 64 a word, lowest bit first, and zeros past the end. Each
function answers exactly what plain code elsewhere answers, named there. Without numba these are
plain (slow) Python functions, and nothing calls them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from songoku_theory._numba import compiled, numba_installed

__all__ = ["by_degree", "first_fit_bits", "is_proper_bits", "is_simple", "packed"]

Bits = NDArray[np.uint64]
Word = Callable[[NDArray[np.uint8], int], np.uint64]


def _plain_word(entries: NDArray[np.uint8], start: int) -> np.uint64:
    """Say which of 64 entries are not zero, as bits."""
    return cast(
        np.uint64,
        np.packbits(entries[start : start + 64], bitorder="little").view(np.uint64)[0],
    )


def _compiled_word() -> Word:
    """Return the same as one comparison of 64 bytes, which numba can't be brought to write."""
    ir = importlib.import_module("llvmlite.ir")
    types = importlib.import_module("numba").types

    def word(context: object, entries: object, start: object) -> tuple[Any, Any]:
        def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
            array = target.make_array(signature.args[0])(target, builder, values[0])
            bytes64 = ir.VectorType(ir.IntType(8), 64)
            place = builder.bitcast(builder.gep(array.data, [values[1]]), bytes64.as_pointer())
            loaded = builder.load(place, align=1)
            flags = builder.icmp_unsigned("!=", loaded, ir.Constant(bytes64, [0] * 64))
            return builder.bitcast(flags, ir.IntType(64))

        return types.uint64(entries, types.int64), generate

    return cast(Word, importlib.import_module("numba.extending").intrinsic(word))


_word: Word = _compiled_word() if numba_installed() else _plain_word


@compiled()
def packed(entries: NDArray[np.uint8], size: int) -> Bits:
    """Pack a boolean matrix, given as its size * size bytes; as ``adjacency_bitsets``."""
    whole = size // 64
    bits = np.zeros((size, (size + 63) // 64), dtype=np.uint64)
    for i in range(size):
        for w in range(whole):
            bits[i, w] = _word(entries, i * size + 64 * w)
        for j in range(64 * whole, size):
            if entries[i * size + j]:
                bits[i, whole] |= np.uint64(1) << np.uint64(j & 63)
    return bits


@compiled()
def is_simple(bits: Bits) -> bool:
    """Say whether the graph is symmetric and has no self-loops; as ``check_adjacency`` requires.

    The rows of each strip of 64 are transposed in blocks of 64 x 64 bits, all blocks of the strip
    side by side, by exchanging ever smaller halves.
    """
    size, words = bits.shape
    one = np.uint64(1)
    for i in range(size):
        if (bits[i, i >> 6] >> np.uint64(i & 63)) & one:
            return False
    strip = np.empty(64 * (words + 1), dtype=np.uint64)
    for band in range(words):
        used = words - band  # earlier bands have compared the columns before
        wide = used | 1  # an even length, of 64 words say, puts too much on one line of the cache
        height = min(64, size - 64 * band)
        for r in range(height):
            for w in range(used):
                strip[r * wide + w] = bits[64 * band + r, band + w]
        strip[height * wide :] = np.uint64(0)
        mask = np.uint64(0x00000000FFFFFFFF)
        half = 32
        while half:
            shift, reach = np.uint64(half), half * wide
            for top in range(0, 64 * wide, 2 * reach):
                upper, lower = strip[top : top + reach], strip[top + reach : top + 2 * reach]
                for k in range(reach):
                    swap = ((upper[k] >> shift) ^ lower[k]) & mask
                    upper[k] ^= swap << shift
                    lower[k] ^= swap
            half >>= 1
            mask ^= mask << np.uint64(half)
        different = np.uint64(0)
        for w in range(used):
            first = 64 * (band + w)
            for r in range(min(64, size - first)):
                different |= strip[r * wide + w] ^ bits[first + r, band]
        if different:
            return False
    return True


@compiled()
def by_degree(bits: Bits) -> NDArray[np.int64]:
    """Return the tasks by falling degree, ties by task index; as ``welsh_powell`` sorts them."""
    size, words = bits.shape
    degrees = np.zeros(size, dtype=np.int64)
    for i in range(size):
        total = np.uint64(0)
        for w in range(words):
            # Bits counted in twos, fours and eights; the compiler knows it as one instruction.
            x = bits[i, w]
            x -= (x >> np.uint64(1)) & np.uint64(0x5555555555555555)
            fours = (x >> np.uint64(2)) & np.uint64(0x3333333333333333)
            x = (x & np.uint64(0x3333333333333333)) + fours
            x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            total += (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
        degrees[i] = np.int64(total)
    place = np.zeros(size + 1, dtype=np.int64)  # where the tasks of each degree begin
    for i in range(size):
        place[size - degrees[i]] += 1
    total_before = 0
    for d in range(size + 1):
        place[d], total_before = total_before, total_before + place[d]
    order = np.empty(size, dtype=np.int64)
    for i in range(size):
        d = size - degrees[i]
        order[place[d]] = i
        place[d] += 1
    return order


@compiled()
def first_fit_bits(bits: Bits, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """First-fit colours of the tasks in the given order; as ``greedy.first_fit``.

    Two classes at a time: a task gets colour c exactly when no task before it in the order that has
    got colour c is its neighbour, and it has none of the colours below c.
    """
    size, words = bits.shape
    colors = np.empty(size, dtype=np.int64)
    left = order.astype(np.int32)
    lower = np.zeros(words, dtype=np.uint64)  # neighbours of the tasks of colour `chosen`
    upper = np.zeros(words, dtype=np.uint64)  # of those of the next one
    one = np.uint64(1)
    count, chosen = size, 0
    while count:
        lower[:] = np.uint64(0)
        upper[:] = np.uint64(0)
        kept = 0
        for position in range(count):
            task = left[position]
            word, place = task >> 6, np.uint64(task & 63)
            left[kept] = task
            not_lower = (lower[word] >> place) & one
            if not_lower & (upper[word] >> place):
                kept += 1
            elif not_lower:
                colors[task] = chosen + 1
                for w in range(words):
                    upper[w] |= bits[task, w]
            else:
                colors[task] = chosen
                for w in range(words):
                    lower[w] |= bits[task, w]
        count = kept
        chosen += 2
    return colors


@compiled()
def is_proper_bits(bits: Bits, colors: NDArray[np.int64], count: int) -> bool:
    """Say whether no two neighbours have the same of `count` colours; as ``is_proper``."""
    size, words = bits.shape
    members = np.zeros((count, words), dtype=np.uint64)
    for i in range(size):
        members[colors[i], i >> 6] |= np.uint64(1) << np.uint64(i & 63)
    for i in range(size):
        shared = np.uint64(0)
        for w in range(words):
            shared |= bits[i, w] & members[colors[i], w]
        if shared:
            return False
    return True
