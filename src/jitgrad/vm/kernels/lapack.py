"""Linear algebra by LAPACK, over a batch of square matrices. What has no solution is nan.

These are kernels for the instruction ``call``: ``kernel(A, table, t, d, s)`` finds its operands' offsets in the table, and
after them the batch and the sizes. LAPACK sees row-major matrices transposed.
"""

from __future__ import annotations

from numpy import log, nan, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import Routine, integer, number, rounded
from jitgrad.vm.compiler.types import kernel

factor = Routine("getrf", "iipip")
substitute = Routine("getrs", "ciipippi")
_cholesky_factor = Routine("potrf", "cipi")
_U, TRANSPOSED = uint64(ord("U")), uint64(ord("T"))


@rounded
def _solve(A, table, t, d, s):
    """a⁻¹·b by LU with partial pivoting. At ``s`` stand a, then b transposed, then the pivots."""
    a, b = table[t], table[t + uint64(2)]
    batch, n, k = table[t + uint64(4)], table[t + uint64(5)], table[t + uint64(6)]
    right, pivots = s + n * n, s + n * n + n * k
    for i in range(batch):
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        for r in range(n):
            for c in range(k):
                A[right + c * n + r] = A[b + (i * n + r) * k + c]
        info = factor(A, (n, n, s, n, pivots))
        if info == 0:
            substitute(A, (TRANSPOSED, n, k, s, n, pivots, right, n))
        for r in range(n):
            for c in range(k):
                A[d + (i * n + r) * k + c] = A[right + c * n + r] if info == 0 else nan


@rounded
def pivots_product(A, s, pivots, n):
    """The product of what is on the diagonal of factors at ``s``, its sign, and the logarithm of its size."""
    value, sign, size = number(A, 1.0), number(A, 1.0), number(A, 0.0)
    for j in range(n):
        x, direction = A[s + j * n + j], number(A, 1.0)
        if x < 0.0:
            direction = -1.0
        elif not x > 0.0:  # 0 or nan
            direction = x
        flipped = integer(A, pivots, j) != j + uint64(1)
        value *= -x if flipped else x
        sign *= -direction if flipped else direction
        size += log(abs(x))
    return value, sign, size


@rounded
def _determinant(A, table, t, d, s):
    """The determinants, their signs, and the logarithms of their sizes. At ``s`` stand a copy and the pivots."""
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    pivots = s + n * n
    for i in range(batch):
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        if n > uint64(0):
            factor(A, (n, n, s, n, pivots))
        A[d + i], A[d + batch + i], A[d + uint64(2) * batch + i] = pivots_product(A, s, pivots, n)


@rounded
def _cholesky(A, table, t, d, s):
    """The lower triangular l with l·lᵀ = a, of which the lower triangle is read."""
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    for i in range(batch):
        q = d + i * n * n
        for r in range(n):
            for c in range(n):
                A[q + r * n + c] = A[a + (i * n + r) * n + c] if c <= r else 0
        if _cholesky_factor(A, (_U, n, q, n)) != 0:
            for j in range(n * n):
                A[q + j] = nan


solve = Native(_solve, kernel)
determinant = Native(_determinant, kernel)
cholesky = Native(_cholesky, kernel)
