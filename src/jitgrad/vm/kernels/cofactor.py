"""Cofactors of a batch of square matrices: the derivative of the determinant, whether or not there is an inverse."""

from __future__ import annotations

from numpy import nan, sqrt, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import epsilon, number, rounded
from jitgrad.vm.compiler.types import kernel
from jitgrad.vm.kernels.decompositions import ALL, BLOCK, decompose, fill, finite
from jitgrad.vm.kernels.lapack import TRANSPOSED, factor, pivots_product, substitute


@rounded
def _cofactor(A, table, t, d, s):
    """det(a)·a⁻ᵀ; where a is nearly singular by a = u·s·vᵀ, as det(u)·det(v)·u·(products of all s but one)·vᵀ.

    At ``s`` stand a copy, pivots, the singular vectors and values, and room for floats and for integers.
    """
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    pivots = s + n * n
    left, right, values = pivots + n, pivots + n + n * n, pivots + n + uint64(2) * n * n
    work, floats = values + n, uint64(5) * n * n + (uint64(10) + uint64(2) * BLOCK) * n
    nearly = sqrt(epsilon(A))
    for i in range(batch):
        q = d + i * n * n
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        factor(A, (n, n, s, n, pivots))
        least, most = abs(A[s]), abs(A[s])
        for j in range(n):
            least, most = min(least, abs(A[s + j * n + j])), max(most, abs(A[s + j * n + j]))
        if least > nearly * most:
            fill(A, q, n * n, number(A, 0.0))
            for j in range(n):
                A[q + j * n + j] = 1
            substitute(A, (TRANSPOSED, n, n, s, n, pivots, q, n))
            value, _sign, _size = pivots_product(A, s, pivots, n)
            for j in range(n * n):
                A[q + j] *= value
            continue
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        info = 1
        if finite(A, s, n * n):
            info = decompose(A, (ALL, n, n, s, n, values, left, n, right, n, work, floats, work + floats))
        if info != 0:
            fill(A, q, n * n, number(A, nan))
            continue
        fill(A, q, n * n, number(A, 0.0))
        for k in range(n):
            others = number(A, 1.0)
            for j in range(n):
                others *= A[values + j] if j != k else number(A, 1.0)
            for r in range(n):
                for c in range(n):
                    A[q + r * n + c] += A[right + r * n + k] * others * A[left + k * n + c]
        factor(A, (n, n, left, n, pivots))
        _value, sign, _size = pivots_product(A, left, pivots, n)
        factor(A, (n, n, right, n, pivots))
        _value, other, _size = pivots_product(A, right, pivots, n)
        sign *= other
        for j in range(n * n):
            A[q + j] *= sign


cofactor = Native(_cofactor, kernel)
