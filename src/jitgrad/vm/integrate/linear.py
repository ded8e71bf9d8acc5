"""Dense linear systems by LU with partial pivoting, for matrices that are too small for LAPACK's overhead."""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.language import noinline, number

ONE = uint64(1)


@noinline
def factorize(a, pivots, n):
    """Factorize a matrix of n rows in place, with the reciprocals of U's diagonal; return whether all of them are finite."""
    for j in range(n):
        best, largest = j, abs(a[j * n + j])
        for i in range(j + ONE, n):
            if abs(a[i * n + j]) > largest:
                best, largest = i, abs(a[i * n + j])
        pivots[j] = number(pivots, best)
        if not largest > 0.0:
            return False
        if best != j:
            for k in range(n):
                a[j * n + k], a[best * n + k] = a[best * n + k], a[j * n + k]
        inverse = 1.0 / a[j * n + j]
        a[j * n + j] = inverse
        for i in range(j + ONE, n):
            factor = a[i * n + j] * inverse
            a[i * n + j] = factor
            if factor != 0.0:
                for k in range(j + ONE, n):
                    a[i * n + k] -= factor * a[j * n + k]
    return True


@noinline
def substitute(a, pivots, x, n):
    """Solve the system of a factorized matrix in place."""
    for j in range(n):
        other = uint64(pivots[j])
        x[j], x[other] = x[other], x[j]
    for i in range(ONE, n):
        total = x[i]
        for k in range(i):
            total -= a[i * n + k] * x[k]
        x[i] = total
    for back in range(n):
        i = n - ONE - back
        total = x[i]
        for k in range(i + ONE, n):
            total -= a[i * n + k] * x[k]
        x[i] = total * a[i * n + i]


@noinline
def substitute_transposed(a, pivots, x, n):
    """Solve the system of the transpose of a factorized matrix in place."""
    for i in range(n):
        total = x[i]
        for k in range(i):
            total -= a[k * n + i] * x[k]
        x[i] = total * a[i * n + i]
    for back in range(n):
        i = n - ONE - back
        total = x[i]
        for k in range(i + ONE, n):
            total -= a[k * n + i] * x[k]
        x[i] = total
    for back in range(n):
        j = n - ONE - back
        other = uint64(pivots[j])
        x[j], x[other] = x[other], x[j]
