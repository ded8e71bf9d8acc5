"""Cofactors of a batch of square matrices, the derivative of the determinant, including singular matrices."""

from __future__ import annotations

from numpy import nan, sqrt, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import compiled, itemsize, number
from jitgrad.vm.kernels.decompositions import ALL, BLOCK, decompose, fill, finite
from jitgrad.vm.kernels.lapack import TRANSPOSED, factor, kernel_arguments, pivots_product, substitute


@compiled
def _cofactor(A, table, t, d, s):
    """Compute det(a)·a⁻ᵀ, for a nearly singular a = u·s·vᵀ as det(u)·det(v)·u·(products of all s but one)·vᵀ.

    At ``s`` there is space for a copy, pivots, the singular vectors and values, and for LAPACK's floats and integers.
    """
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    pivots = s + n * n
    left, right, values = pivots + n, pivots + n + n * n, pivots + n + uint64(2) * n * n
    work, floats = values + n, uint64(5) * n * n + (uint64(10) + uint64(2) * BLOCK) * n
    nearly = sqrt(number(A, 2.0**-23 if itemsize(A) == uint64(4) else 2.0**-52))
    for i in range(batch):
        q = d + i * n * n
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        factor(A, n, n, s, n, pivots)
        least, most = abs(A[s]), abs(A[s])
        for j in range(n):
            least, most = min(least, abs(A[s + j * n + j])), max(most, abs(A[s + j * n + j]))
        if least > nearly * most:
            fill(A, q, n * n, 0)
            for j in range(n):
                A[q + j * n + j] = 1
            substitute(A, TRANSPOSED, n, n, s, n, pivots, q, n)
            value, _, _ = pivots_product(A, s, pivots, n)
            for j in range(n * n):
                A[q + j] *= value
            continue
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        info = uint64(1)
        if finite(A, s, n * n):
            info = decompose(A, ALL, n, n, s, n, values, left, n, right, n, work, floats, work + floats)
        if info != uint64(0):
            fill(A, q, n * n, nan)
            continue
        fill(A, q, n * n, 0)
        for k in range(n):
            others = number(A, 1)
            for j in range(n):
                others *= A[values + j] if j != k else number(A, 1)
            for r in range(n):
                for c in range(n):
                    A[q + r * n + c] += A[right + r * n + k] * others * A[left + k * n + c]
        factor(A, n, n, left, n, pivots)
        _, sign, _ = pivots_product(A, left, pivots, n)
        factor(A, n, n, right, n, pivots)
        _, other, _ = pivots_product(A, right, pivots, n)
        sign *= other
        for j in range(n * n):
            A[q + j] *= sign


cofactor = Native(_cofactor, kernel_arguments)
