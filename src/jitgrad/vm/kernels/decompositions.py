"""Decompositions by LAPACK, over a batch of matrices, as in ``lapack.py``. Where there is none the results are nan.

The results of a kernel stand one after the other at ``d``, each with its batch in front. LAPACK works on copies at ``s``,
column by column, and after them has room for floats and for integers.
"""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import Routine, compiled, number, rounded
from jitgrad.vm.compiler.types import kernel

_eigen = Routine("syevd", "ccipippipi")
decompose = Routine("gesdd", "ciipippipipip")
_reflectors = Routine("geqrf", "iipippi")
_orthonormal = Routine("orgqr", "iiipippi")
_L, _V, ALL, _S = uint64(ord("L")), uint64(ord("V")), uint64(ord("A")), uint64(ord("S"))
BLOCK = uint64(32)
"""Columns that LAPACK's blocked algorithms work on at once, in this much room a column."""


@compiled
def _turn(A, d, a, rows, columns):
    """Write the matrix at ``a``, row by row, to ``d``, column by column."""
    for r in range(rows):
        for c in range(columns):
            A[d + c * rows + r] = A[a + r * columns + c]


@compiled
def fill(A, d, n, value):
    for j in range(n):
        A[d + j] = value


@compiled
def finite(A, s, n):
    """Whether numbers are all finite: LAPACK takes nan for a number, and may go on for ever with an infinite one."""
    total = number(A, 0.0)
    for j in range(n):
        total += A[s + j] * 0
    return total == 0.0


@rounded
def _eigh(A, table, t, d, s):
    """Eigenvalues and eigenvectors of symmetric matrices, of which the lower triangle is read."""
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    floats, integers = uint64(2) * n * n + uint64(6) * n + uint64(1), uint64(5) * n + uint64(3)
    work = s + n * n
    for i in range(batch):
        w, v = d + i * n, d + batch * n + i * n * n
        _turn(A, s, a + i * n * n, n, n)
        info = 1
        if finite(A, s, n * n):
            info = _eigen(A, (_V, _L, n, s, n, w, work, floats, work + floats, integers))
        if info == 0:
            _turn(A, v, s, n, n)
        else:
            fill(A, w, n, number(A, nan))
            fill(A, v, n * n, number(A, nan))


@rounded
def _svd(A, table, t, d, s):
    """Left singular vectors, singular values and right singular vectors; with ``full`` as many vectors as make a basis."""
    a, batch, m, n = table[t], table[t + uint64(2)], table[t + uint64(3)], table[t + uint64(4)]
    zero = uint64(0)
    full = table[t + uint64(5)] != zero
    k = min(m, n)
    p, q = m if full else k, n if full else k
    left, right = s + m * n, s + m * n + m * p
    work = right + q * n
    floats = uint64(5) * k * k + uint64(10) * k + BLOCK * (m + n)
    for i in range(batch):
        u, values, vh = d + i * m * p, d + batch * m * p + i * k, d + batch * (m * p + k) + i * q * n
        _turn(A, s, a + i * m * n, m, n)
        info = 0
        if k > zero and finite(A, s, m * n):
            job = ALL if full else _S
            info = decompose(A, (job, m, n, s, m, values, left, m, right, q, work, floats, work + floats))
        elif k > zero:
            info = 1
        else:  # any basis
            fill(A, left, m * p, number(A, 0.0))
            fill(A, right, q * n, number(A, 0.0))
            for j in range(m):
                A[left + j * m + j] = 1
            for j in range(n):
                A[right + j * n + j] = 1
        if info == 0:
            _turn(A, u, left, p, m)
            _turn(A, vh, right, n, q)
        else:
            fill(A, u, m * p, number(A, nan))
            fill(A, values, k, number(A, nan))
            fill(A, vh, q * n, number(A, nan))


@rounded
def _qr(A, table, t, d, s):
    """Orthonormal columns and an upper triangle, of matrices with no more columns than rows."""
    a, batch, m, n = table[t], table[t + uint64(2)], table[t + uint64(3)], table[t + uint64(4)]
    factors = s + m * n
    work, floats = factors + n, BLOCK * n
    for i in range(batch):
        q, triangle = d + i * m * n, d + batch * m * n + i * n * n
        _turn(A, s, a + i * m * n, m, n)
        _reflectors(A, (m, n, s, m, factors, work, floats))
        for r in range(n):
            for c in range(n):
                A[triangle + r * n + c] = A[s + c * m + r] if r <= c else 0
        _orthonormal(A, (m, n, n, s, m, factors, work, floats))
        _turn(A, q, s, n, m)


eigh = Native(_eigh, kernel)
svd = Native(_svd, kernel)
qr = Native(_qr, kernel)
