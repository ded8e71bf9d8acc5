"""Decompositions by LAPACK, over a batch of matrices, as in ``lapack.py``. If a decomposition fails, its results are nan.

The results of a kernel are adjacent at ``d``, each with the batch as its first axis. LAPACK works on column-major copies at
``s``, which are followed by its workspaces of floats and integers.
"""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import compiled, number
from jitgrad.vm.kernels.lapack import kernel_arguments, routine

_eigen = routine("syevd", "ccipippipi")
decompose = routine("gesdd", "ciipippipipip")
_reflectors = routine("geqrf", "iipippi")
_orthonormal = routine("orgqr", "iiipippi")
_L, _V, ALL, _S = uint64(ord("L")), uint64(ord("V")), uint64(ord("A")), uint64(ord("S"))
BLOCK = uint64(32)
"""Columns of a block of LAPACK's blocked algorithms, which determine the size of their workspace."""


@compiled
def _turn(A, d, a, rows, columns):
    """Transpose the row-major matrix at ``a`` to column-major order at ``d``."""
    for r in range(rows):
        for c in range(columns):
            A[d + c * rows + r] = A[a + r * columns + c]


@compiled
def fill(A, d, n, value):
    for j in range(n):
        A[d + j] = number(A, value)


@compiled
def finite(A, s, n):
    """Return whether all numbers are finite. LAPACK does not check, and may not terminate for infinite ones."""
    total = number(A, 0)
    for j in range(n):
        total += A[s + j] * 0
    return total == 0


@compiled
def _eigh(A, table, t, d, s):
    """Compute eigenvalues and eigenvectors of symmetric matrices from their lower triangles."""
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    floats, integers = uint64(2) * n * n + uint64(6) * n + uint64(1), uint64(5) * n + uint64(3)
    work = s + n * n
    for i in range(batch):
        w, v = d + i * n, d + batch * n + i * n * n
        _turn(A, s, a + i * n * n, n, n)
        info = uint64(1)
        if finite(A, s, n * n):
            info = _eigen(A, _V, _L, n, s, n, w, work, floats, work + floats, integers)
        if info == uint64(0):
            _turn(A, v, s, n, n)
        else:
            fill(A, w, n, nan)
            fill(A, v, n * n, nan)


@compiled
def _svd(A, table, t, d, s):
    """Compute left singular vectors, singular values and right singular vectors; with ``full``, complete bases of vectors."""
    a, batch, m, n = table[t], table[t + uint64(2)], table[t + uint64(3)], table[t + uint64(4)]
    full = table[t + uint64(5)] != uint64(0)
    k = min(m, n)
    p, q = (m, n) if full else (k, k)
    left, right = s + m * n, s + m * n + m * p
    work = right + q * n
    floats = uint64(5) * k * k + uint64(10) * k + BLOCK * (m + n)
    for i in range(batch):
        u, values, vh = d + i * m * p, d + batch * m * p + i * k, d + batch * (m * p + k) + i * q * n
        _turn(A, s, a + i * m * n, m, n)
        info = uint64(0)
        if k and finite(A, s, m * n):
            job = ALL if full else _S
            info = decompose(A, job, m, n, s, m, values, left, m, right, q, work, floats, work + floats)
        elif k:
            info = uint64(1)
        else:  # an arbitrary basis
            fill(A, left, m * p, 0)
            fill(A, right, q * n, 0)
            for j in range(m):
                A[left + j * m + j] = 1
            for j in range(n):
                A[right + j * n + j] = 1
        if info == uint64(0):
            _turn(A, u, left, p, m)
            _turn(A, vh, right, n, q)
        else:
            fill(A, u, m * p, nan)
            fill(A, values, k, nan)
            fill(A, vh, q * n, nan)


@compiled
def _pinv(A, table, t, d, s):
    """Compute pseudo-inverses, ignoring singular values up to a fraction of the largest."""
    a, rcond = table[t], A[table[t + uint64(2)]]
    batch, m, n = table[t + uint64(4)], table[t + uint64(5)], table[t + uint64(6)]
    k = min(m, n)
    left, right = s + m * n, s + m * n + m * k
    values = right + k * n
    work = values + k
    floats = uint64(5) * k * k + uint64(10) * k + BLOCK * (m + n)
    for i in range(batch):
        q, info = d + i * n * m, uint64(0)
        _turn(A, s, a + i * m * n, m, n)
        if k and finite(A, s, m * n):
            info = decompose(A, _S, m, n, s, m, values, left, m, right, k, work, floats, work + floats)
        elif k:
            info = uint64(1)
        fill(A, q, n * m, 0 if info == uint64(0) else nan)
        for j in range(k):
            if info == uint64(0) and A[values + j] > rcond * A[values]:
                for r in range(n):
                    factor = A[right + r * k + j] / A[values + j]
                    for c in range(m):
                        A[q + r * m + c] += factor * A[left + j * m + c]


@compiled
def _qr(A, table, t, d, s):
    """Compute orthonormal columns and an upper triangle of matrices with no more columns than rows."""
    a, batch, m, n = table[t], table[t + uint64(2)], table[t + uint64(3)], table[t + uint64(4)]
    factors = s + m * n
    work, floats = factors + n, BLOCK * n
    for i in range(batch):
        q, triangle = d + i * m * n, d + batch * m * n + i * n * n
        _turn(A, s, a + i * m * n, m, n)
        _reflectors(A, m, n, s, m, factors, work, floats)
        for r in range(n):
            for c in range(n):
                A[triangle + r * n + c] = A[s + c * m + r] if r <= c else 0
        _orthonormal(A, m, n, n, s, m, factors, work, floats)
        _turn(A, q, s, n, m)


eigh = Native(_eigh, kernel_arguments)
svd = Native(_svd, kernel_arguments)
pinv = Native(_pinv, kernel_arguments)
qr = Native(_qr, kernel_arguments)
