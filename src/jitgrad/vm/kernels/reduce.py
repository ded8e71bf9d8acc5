"""Reductions over the middle axis of an operand of shape (outer, reduced, inner).

Long sums are computed in blocks, which are added in pairs, pairs of pairs, and so on, so the rounding error grows with the
logarithm of the length (Higham, "The accuracy of floating point summation", 1993). A binary counter does this in one pass: bit
i of the number of blocks so far is set if a sum of 2ⁱ blocks waits for its partner.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy import uint64

from jitgrad.vm.compiler.emitter import VECTOR_BYTES, Emitter, Value, word
from jitgrad.vm.compiler.language import Room, after, compiled, elementwise, emitted, itemsize, noinline, number

BLOCK = 64 * VECTOR_BYTES
"""Elements of a block of one sum. Vectors of any width add the same number of elements in each lane."""
_BLOCK_ROWS = 64
_LEVELS = 40  # more than the number of bits of the number of blocks in an arena
_PANEL_BYTES = 1024  # of the columns that are added in one pass
_sums, _panels = Room(_LEVELS * 64), Room(_LEVELS * _PANEL_BYTES)


_CHAINS = 4  # independent accumulators, which hide the latency of additions


@emitted(result="element")
def sum_block(emit: Emitter, a: Any, _b: Any, n: Any) -> Any:
    """Sum n elements at ``a``."""
    return _emit_sum(emit, n, (a,), lambda x: x)


@emitted(result="element")
def dot_block(emit: Emitter, a: Any, b: Any, n: Any) -> Any:
    """Sum the products of n elements at ``a`` and ``b``."""
    return _emit_sum(emit, n, (a, b), lambda x, y: x * y)


def _emit_sum(emit: Emitter, n: Any, places: tuple[Any, ...], term: Callable[..., Value]) -> Any:
    """Emit a sum of n terms. The order of additions is explicit, not left to LLVM, and is the same on every machine."""
    builder = emit.builder
    with builder.goto_entry_block():
        chains = [builder.alloca(emit.vector) for _ in range(_CHAINS)]
    for chain in chains:
        builder.store(emit.zero, chain)

    def add(k: Any, chain: Any, mask: Any = None) -> None:
        made = term(*(Value(emit, emit.load(emit.at(place, k), mask)) for place in places))
        builder.store((Value(emit, builder.load(chain)) + made).code, chain)

    def add_all(k: Any) -> None:
        for c, chain in enumerate(chains):
            add(builder.add(k, word(c * emit.lanes)), chain)

    many, whole = (builder.and_(n, word(2**64 - count * emit.lanes)) for count in (_CHAINS, 1))
    emit.loop(many, _CHAINS * emit.lanes, add_all)
    emit.loop(whole, emit.lanes, lambda k: add(k, chains[0]), start=many)
    with builder.if_then(builder.icmp_unsigned("<", whole, n)):
        add(whole, chains[0], emit.mask(builder.sub(n, whole)))
    sums = [Value(emit, builder.load(chain)) for chain in chains]
    return emit.sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3])).code


@compiled
def _carry(S, blocks, x):
    """Add the sum ``x`` of another block to those of the ``blocks`` before, which wait at S."""
    one, level = uint64(1), uint64(0)
    while blocks >> level & one:
        x = S[level] + x
        level += one
    S[level] = x


@compiled
def _total(S, blocks):
    """Return the sum of all waiting sums."""
    one, level = uint64(1), uint64(0)
    total = number(S, 0)
    while blocks >> level:
        if blocks >> level & one:
            total = S[level] + total
        level += one
    return total


@compiled
def _by_blocks(A, a, b, n, add):
    """Apply ``add`` to n elements block by block."""
    block, blocks = uint64(BLOCK), uint64(0)
    if n <= block:
        return add(after(A, a), after(A, b), n)
    S = _sums(A)
    for k in range(uint64(0), n, block):
        _carry(S, blocks, add(after(A, a + k), after(A, b + k), min(block, n - k)))
        blocks += uint64(1)
    return _total(S, blocks)


@compiled
def dot(A, d, a, b, n):
    A[d] = _by_blocks(A, a, b, n, dot_block)


@compiled
def _add_rows(S, s, A, a, rows, apart, n):
    """Sum rows of n elements, ``apart`` from one another, to S[s …], four at a time."""
    one, two, three, four = uint64(1), uint64(2), uint64(3), uint64(4)
    odd = rows % four
    if odd == uint64(0) and rows > odd:
        for k in range(n):
            p = a + k
            S[s + k] = (A[p] + A[p + apart]) + (A[p + two * apart] + A[p + three * apart])
        odd = four
    else:
        for k in range(n):
            S[s + k] = A[a + k] if odd > uint64(0) else number(A, 0)
        for r in range(one, odd):
            for k in range(n):
                S[s + k] += A[a + r * apart + k]
    for r in range(odd, rows, four):
        for k in range(n):
            p = a + r * apart + k
            S[s + k] += (A[p] + A[p + apart]) + (A[p + two * apart] + A[p + three * apart])


@compiled
def _add_panel(S, size, A, a, rows, apart, n):
    """Sum many rows of n ≤ ``size`` elements to S[0 …]. Waiting sums of length ``size`` follow it."""
    block, blocks, one = uint64(_BLOCK_ROWS), uint64(0), uint64(1)
    for r in range(uint64(0), rows, block):
        _add_rows(S, uint64(0), A, a + r * apart, min(block, rows - r), apart, n)
        left, place = blocks, size
        while left & one:
            for k in range(n):
                S[k] = S[place + k] + S[k]
            left, place = left >> one, place + size
        for k in range(n):
            S[place + k] = S[k]
        blocks += one
    left, place = blocks, size
    for k in range(n):
        S[k] = 0.0
    while left:
        if left & one:
            for k in range(n):
                S[k] = S[place + k] + S[k]
        left, place = left >> one, place + size


@compiled
def _sum_rows(A, d, a, rows, n):
    """Sum rows of n elements. Several short rows are added as one long row that runs along the vectors."""
    size, one, nothing = uint64(_PANEL_BYTES) // itemsize(A), uint64(1), uint64(0)
    together = max(size // n, one)
    if rows <= uint64(_BLOCK_ROWS) or rows < together + together:
        _add_rows(A, d, A, a, rows, n, n)
        return
    S = _panels(A)
    if together == one:
        for j in range(nothing, n, size):
            columns = min(size, n - j)
            _add_panel(S, size, A, a + j, rows, n, columns)
            for k in range(columns):
                A[d + j + k] = S[k]
        return
    left = rows % together
    _add_panel(S, size, A, a, rows // together, together * n, together * n)
    while together > one:
        half = (together + one) >> one
        for k in range((together - half) * n):
            S[k] += S[half * n + k]
        together = half
    _add_rows(A, d, A, a + (rows - left) * n, left, n, n)
    for k in range(n):
        A[d + k] += S[k]


@compiled
def sum_axis(A, d, a, outer, reduced, inner):
    if inner == uint64(1):
        for o in range(outer):
            p = a + o * reduced
            A[d + o] = _by_blocks(A, p, p, reduced, sum_block)
        return
    for o in range(outer):
        _sum_rows(A, d + o * inner, a + o * reduced * inner, reduced, inner)


@compiled
def _extreme(A, d, a, outer, n, better):
    """Find the extreme of rows of n elements, with four accumulators to hide the latency of comparisons."""
    one, two, three, four = uint64(1), uint64(2), uint64(3), uint64(4)
    for o in range(outer):
        p = a + o * n
        v = A[p]
        first = one
        if n >= four:
            w, x, y = A[p + one], A[p + two], A[p + three]
            first = n - n % four
            for k in range(four, first, four):
                v, w = better(v, A[p + k]), better(w, A[p + k + one])
                x, y = better(x, A[p + k + two]), better(y, A[p + k + three])
            v = better(better(v, w), better(x, y))
        for k in range(first, n):
            v = better(v, A[p + k])
        A[d + o] = v


@elementwise
def _larger(x, y):
    return x if x >= y or x != x else y


@elementwise
def _smaller(x, y):
    return x if x <= y or x != x else y


@compiled
def _extreme_axis(A, d, a, outer, reduced, inner, better):
    if inner == uint64(1):
        _extreme(A, d, a, outer, reduced, better)
        return
    for o in range(outer):
        q = d + o * inner
        p = a + o * reduced * inner
        for k in range(inner):
            A[q + k] = A[p + k]
        for r in range(uint64(1), reduced):
            p += inner
            for k in range(inner):
                A[q + k] = better(A[q + k], A[p + k])


@noinline
def max_axis(A, d, a, outer, reduced, inner):
    _extreme_axis(A, d, a, outer, reduced, inner, _larger)


@noinline
def min_axis(A, d, a, outer, reduced, inner):
    _extreme_axis(A, d, a, outer, reduced, inner, _smaller)


@noinline
def cumsum(A, d, a, outer, n, inner, reverse):
    """Compute cumulative sums along the middle axis, from the end if ``reverse``."""
    one = uint64(1)
    for o in range(outer):
        for r in range(n):
            at = n - one - r if reverse else r
            q, p = d + (o * n + at) * inner, a + (o * n + at) * inner
            before = q + inner if reverse else q - inner
            for k in range(inner):
                A[q + k] = A[p + k] if r == uint64(0) else A[before + k] + A[p + k]
