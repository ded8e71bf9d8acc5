"""Cofactors of a batch of square matrices: the derivative of the determinant, whether or not there is an inverse."""

from __future__ import annotations

from numba import carray
from numpy import finfo, int32, nan, sqrt, uint64

from jitgrad.vm.jit import Native, kernel_signature
from jitgrad.vm.kernels.decompositions import ALL, BLOCK, decompose, fill, finite
from jitgrad.vm.kernels.lapack import TRANSPOSED, factor, pivots_product, substitute


def _cofactor(arena, table_pointer, t, d, s):
    """det(a)·a⁻ᵀ; where a is nearly singular by a = u·s·vᵀ, as det(u)·det(v)·u·(products of all s but one)·vᵀ.

    At ``s`` stand a copy, pivots, the singular vectors and values, and room for floats and for integers.
    """
    table, A = carray(table_pointer, 1), carray(arena, 1)
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    pivots = s + n * n
    left, right, values = pivots + n, pivots + n + n * n, pivots + n + uint64(2) * n * n
    work, floats = values + n, uint64(5) * n * n + (uint64(10) + uint64(2) * BLOCK) * n
    nearly = sqrt(finfo(A.dtype).eps)
    for i in range(batch):
        q = d + i * n * n
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        factor(arena, (n, n, s, n, pivots))
        least, most = abs(A[s]), abs(A[s])
        for j in range(n):
            least, most = min(least, abs(A[s + j * n + j])), max(most, abs(A[s + j * n + j]))
        if least > nearly * most:
            fill(A, q, n * n, 0)
            for j in range(n):
                A[q + j * n + j] = 1
            substitute(arena, (TRANSPOSED, n, n, s, n, pivots, q, n))
            value = pivots_product(arena, s, pivots, n)[0]
            for j in range(n * n):
                A[q + j] *= value
            continue
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        info = int32(1)
        if finite(A, s, n * n):
            info = decompose(arena, (ALL, n, n, s, n, values, left, n, right, n, work, floats, work + floats))
        if info != int32(0):
            fill(A, q, n * n, nan)
            continue
        fill(A, q, n * n, 0)
        for k in range(n):
            others = A.dtype.type(1)
            for j in range(n):
                others *= A[values + j] if j != k else A.dtype.type(1)
            for r in range(n):
                for c in range(n):
                    A[q + r * n + c] += A[right + r * n + k] * others * A[left + k * n + c]
        factor(arena, (n, n, left, n, pivots))
        sign = pivots_product(arena, left, pivots, n)[1]
        factor(arena, (n, n, right, n, pivots))
        sign *= pivots_product(arena, right, pivots, n)[1]
        for j in range(n * n):
            A[q + j] *= sign


cofactor = Native(_cofactor, kernel_signature)
