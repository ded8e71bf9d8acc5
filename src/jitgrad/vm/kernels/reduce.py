"""Reductions over the middle axis of an operand seen as (outer, reduced, inner)."""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.jit import device, reduction

# Long sums are added block by block, so that the rounding error grows with the number of blocks, not of elements.
BLOCK = 4096


@reduction
def _sum_block(A, a, n):
    total = A.dtype.type(0)
    for k in range(n):
        total += A[a + k]
    return total


@reduction
def _dot_block(A, a, b, n):
    total = A.dtype.type(0)
    for k in range(n):
        total += A[a + k] * A[b + k]
    return total


@device
def _sum(A, a, n):
    block = uint64(BLOCK)
    if n <= block:
        return _sum_block(A, a, n)
    total = A.dtype.type(0)
    k = uint64(0)
    while k < n:
        total += _sum_block(A, a + k, min(block, n - k))
        k += block
    return total


@device
def dot(A, d, a, b, n):
    block = uint64(BLOCK)
    if n <= block:
        A[d] = _dot_block(A, a, b, n)
        return
    total = A.dtype.type(0)
    k = uint64(0)
    while k < n:
        total += _dot_block(A, a + k, b + k, min(block, n - k))
        k += block
    A[d] = total


@device
def _sum_rows(A, d, a, rows, n):
    """The sum of rows of n, four at a time."""
    one, two, three, four = uint64(1), uint64(2), uint64(3), uint64(4)
    odd = rows % four
    if odd == uint64(0) and rows > odd:
        for k in range(n):
            p = a + k
            A[d + k] = (A[p] + A[p + n]) + (A[p + two * n] + A[p + three * n])
        odd = four
    else:
        for k in range(n):
            A[d + k] = A[a + k] if odd > uint64(0) else A.dtype.type(0)
        for r in range(one, odd):
            for k in range(n):
                A[d + k] += A[a + r * n + k]
    for r in range(odd, rows, four):
        for k in range(n):
            p = a + r * n + k
            A[d + k] += (A[p] + A[p + n]) + (A[p + two * n] + A[p + three * n])


@device
def sum_axis(A, d, a, outer, reduced, inner):
    if inner == uint64(1):
        for o in range(outer):
            A[d + o] = _sum(A, a + o * reduced, reduced)
        return
    for o in range(outer):
        _sum_rows(A, d + o * inner, a + o * reduced * inner, reduced, inner)


@device
def _extreme(A, d, a, outer, n, better):
    """Of rows of n, four chains at a time: one would wait for each comparison."""
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


@device
def _larger(x, y):
    return x if x >= y or x != x else y


@device
def _smaller(x, y):
    return x if x <= y or x != x else y


@device
def max_axis(A, d, a, outer, reduced, inner):
    if inner == uint64(1):
        _extreme(A, d, a, outer, reduced, _larger)
        return
    for o in range(outer):
        q = d + o * inner
        p = a + o * reduced * inner
        for k in range(inner):
            A[q + k] = A[p + k]
        for r in range(uint64(1), reduced):
            p += inner
            for k in range(inner):
                A[q + k] = _larger(A[q + k], A[p + k])


@device
def min_axis(A, d, a, outer, reduced, inner):
    if inner == uint64(1):
        _extreme(A, d, a, outer, reduced, _smaller)
        return
    for o in range(outer):
        q = d + o * inner
        p = a + o * reduced * inner
        for k in range(inner):
            A[q + k] = A[p + k]
        for r in range(uint64(1), reduced):
            p += inner
            for k in range(inner):
                A[q + k] = _smaller(A[q + k], A[p + k])


@device
def cumsum(A, d, a, outer, n, inner, reverse):
    """Sums along the middle axis up to each element, or with ``reverse`` from each on."""
    one = uint64(1)
    for o in range(outer):
        for r in range(n):
            at = n - one - r if reverse else r
            q, p = d + (o * n + at) * inner, a + (o * n + at) * inner
            before = q + inner if reverse else q - inner
            for k in range(inner):
                A[q + k] = A[p + k] if r == uint64(0) else A[before + k] + A[p + k]
