"""Constraints on weights: the norms of vectors along an axis are moved into an interval."""

from __future__ import annotations

from numpy import sqrt, uint64

from jitgrad.vm.compiler.language import noinline, number


@noinline
def bound_norms(A, p, h, outer, reduced, inner):
    """Scale the vectors along an axis toward norms between ``low`` and ``high``, by the fraction ``rate`` of the way."""
    low, high, rate, epsilon = A[h], A[h + uint64(1)], A[h + uint64(2)], A[h + uint64(3)]
    one = number(A, 1)
    for i in range(outer):
        for j in range(inner):
            first = p + i * reduced * inner + j
            total = number(A, 0)
            for k in range(reduced):
                total += A[first + k * inner] * A[first + k * inner]
            norm = sqrt(total)
            wanted = rate * min(max(norm, low), high) + (one - rate) * norm
            factor = wanted / (norm + epsilon)
            for k in range(reduced):
                A[first + k * inner] *= factor
