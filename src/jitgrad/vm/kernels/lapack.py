"""Linear algebra by LAPACK, over a batch of square matrices. What has no solution is nan.

These are kernels for the instruction ``call``: ``kernel(arena, table, t, d, s)`` finds its operands' offsets in the table, and
after them the batch and the sizes. LAPACK sees row-major matrices transposed.
"""

from __future__ import annotations

from numba import carray
from numpy import abs, int32, log, nan, uint64

from jitgrad.vm.jit import Native, inline, kernel_signature, lapack

factor = lapack("getrf", "iipip")
substitute = lapack("getrs", "ciipippi")
_cholesky_factor = lapack("potrf", "cipi")
_U, TRANSPOSED = uint64(ord("U")), uint64(ord("T"))


def _solve(arena, table_pointer, t, d, s):
    """a⁻¹·b by LU with partial pivoting. At ``s`` stand a, then b transposed, then the pivots."""
    table, A = carray(table_pointer, 1), carray(arena, 1)
    a, b = table[t], table[t + uint64(2)]
    batch, n, k = table[t + uint64(4)], table[t + uint64(5)], table[t + uint64(6)]
    right, pivots = s + n * n, s + n * n + n * k
    for i in range(batch):
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        for r in range(n):
            for c in range(k):
                A[right + c * n + r] = A[b + (i * n + r) * k + c]
        info = factor(arena, (n, n, s, n, pivots))
        if info == int32(0):
            substitute(arena, (TRANSPOSED, n, k, s, n, pivots, right, n))
        for r in range(n):
            for c in range(k):
                A[d + (i * n + r) * k + c] = A[right + c * n + r] if info == int32(0) else nan


@inline
def pivots_product(arena, s, pivots, n):
    """The product of what is on the diagonal of factors at ``s``, its sign, and the logarithm of its size."""
    A, words = carray(arena, 1), carray(arena, 1).view(int32)
    per = uint64(A.itemsize // 4)
    value, sign, size = A.dtype.type(1), A.dtype.type(1), A.dtype.type(0)
    for j in range(n):
        x = A[s + j * n + j]
        flipped = uint64(words[pivots * per + j]) != j + uint64(1)
        value *= -x if flipped else x
        sign *= (-1 if flipped else 1) * (1 if x > 0 else (-1 if x < 0 else x))
        size += log(abs(x))
    return value, sign, size


def _determinant(arena, table_pointer, t, d, s):
    """The determinants, their signs, and the logarithms of their sizes. At ``s`` stand a copy and the pivots."""
    table, A = carray(table_pointer, 1), carray(arena, 1)
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    pivots = s + n * n
    for i in range(batch):
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        if n:
            factor(arena, (n, n, s, n, pivots))
        A[d + i], A[d + batch + i], A[d + uint64(2) * batch + i] = pivots_product(arena, s, pivots, n)


def _cholesky(arena, table_pointer, t, d, s):
    """The lower triangular l with l·lᵀ = a, of which the lower triangle is read."""
    table, A = carray(table_pointer, 1), carray(arena, 1)
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    for i in range(batch):
        q = d + i * n * n
        for r in range(n):
            for c in range(n):
                A[q + r * n + c] = A[a + (i * n + r) * n + c] if c <= r else 0
        if _cholesky_factor(arena, (_U, n, q, n)) != int32(0):
            for j in range(n * n):
                A[q + j] = nan


solve = Native(_solve, kernel_signature)
determinant = Native(_determinant, kernel_signature)
cholesky = Native(_cholesky, kernel_signature)
