"""Sorting and searching along the last axis of an operand of shape (outer, n)."""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.language import compiled, noinline, number


@noinline
def argmax(A, d, a, outer, n):
    """Find the first largest element, or the first nan."""
    for o in range(outer):
        p = a + o * n
        best, at = A[p], uint64(0)
        for k in range(uint64(1), n):
            x = A[p + k]
            larger = x if x > best or x != x else best  # selects instead of branches, which would be unpredictable
            at = at if larger == best or best != best else k
            best = larger
        A[d + o] = number(A, at)


@noinline
def argsort(A, d, a, s, outer, n):
    """Sort indices, stable, nan last: a bottom-up merge sort with space for one order at ``s``."""
    one = uint64(1)
    for o in range(outer):
        p, q = a + o * n, d + o * n
        for k in range(n):
            A[q + k] = number(A, k)
        width = one
        while width < n:
            low = uint64(0)
            while low < n:
                middle, high = min(low + width, n), min(low + width + width, n)
                _merge(A, p, q, s, low, middle, high)
                low = high
            for k in range(n):
                A[q + k] = A[s + k]
            width += width


@compiled
def _merge(A, p, q, s, low, middle, high):
    """Merge the orders in low … middle and middle … high at ``q`` into one at ``s``."""
    one = uint64(1)
    i, j = low, middle
    for k in range(low, high):
        if i < middle and j < high:
            x, y = A[p + uint64(A[q + i])], A[p + uint64(A[q + j])]
            right = y < x or (x != x and y == y)
        else:
            right = i == middle
        if right:
            A[s + k] = A[q + j]
            j += one
        else:
            A[s + k] = A[q + i]
            i += one
