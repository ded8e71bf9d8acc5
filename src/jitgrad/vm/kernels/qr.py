"""Orthogonal factors of small and tall matrices, column by column. A matrix is a pointer and the stride of its columns.

Golub and Van Loan, "Matrix Computations", 5.1 to 5.4; damped systems as in Moré, "The Levenberg-Marquardt algorithm:
implementation and theory", 1978.
"""

from __future__ import annotations

from numpy import sqrt, uint64

from jitgrad.vm.compiler.language import after, compiled
from jitgrad.vm.kernels.reduce import dot_block as dot

SINGULAR = 1e-14
"""A diagonal element below this fraction of the largest counts as zero."""
LIGHT = 1e-3
"""An element below this fraction of the norm of its column belongs to a light row."""


@compiled
def norm(a, n):
    """Return the Euclidean norm of n elements, even if their squares overflow or underflow."""
    square, largest = dot(a, a, n), 0.0
    if 1e-280 < square < 1e300:
        return sqrt(square)
    for k in range(n):
        largest = max(largest, abs(a[k]))
    if largest == 0.0:
        return sqrt(square)  # 0 or nan
    square = 0.0
    for k in range(n):
        square += (a[k] / largest) ** 2
    return largest * sqrt(square)


@compiled
def _largest(a, n):
    """Return the index of the largest of n elements."""
    found = uint64(0)
    for k in range(n):
        if abs(a[k]) > abs(a[found]):
            found = k
    return found


@compiled
def _add(d, a, n, factor):
    for k in range(n):
        d[k] += factor * a[k]


@compiled
def _swap(a, b, n, distance):
    """Swap n elements of two arrays, ``distance`` apart."""
    for k in range(n):
        a[k * distance], b[k * distance] = b[k * distance], a[k * distance]


@compiled
def _reflect(a, n, ld, others):
    """Reduce the n elements at ``a`` to one by a Householder reflection, and apply it to the next ``others`` columns.

    Columns are ``ld`` apart. The elements below the first are no longer needed. If the first element is small compared with the
    column, it is swapped with the largest one, because the digits of a light row would be lost in heavy ones (Cox and Higham,
    "Stability of Householder QR factorization for weighted least squares problems", 1998).
    """
    zero, one = uint64(0), uint64(1)
    size = norm(a, n)
    if size < 1e-307:
        return
    if abs(a[zero]) < LIGHT * size:
        _swap(a, after(a, _largest(a, n)), others + one, ld)
    turned = -size if a[zero] > 0.0 else size
    factor, scale = 1.0 - a[zero] / turned, 1.0 / (a[zero] - turned)
    for i in range(one, n):
        a[i] *= scale
    a[zero] = 1.0
    column = a
    for k in range(others):
        column = after(column, ld)
        _add(column, a, n, -factor * dot(a, column, n))
    a[zero] = turned


@compiled
def triangulate(a, rows, cols, ld):
    """Compute R of a matrix with rows ≥ columns in place, with zeros below the diagonal down to row ``cols``."""
    one = uint64(1)
    for j in range(cols):
        _reflect(after(a, j * ld + j), rows - j, ld, cols - j - one)
    for j in range(cols):
        for i in range(j + one, cols):
            a[j * ld + i] = 0.0


@compiled
def triangulate_pivoted(a, rows, cols, ld, order):
    """Compute R with column pivoting, as recorded in ``order``; one further column is transformed, too. Return the rank."""
    first, one = 0.0, uint64(1)
    for j in range(cols):
        order[j] = j
    for j in range(min(rows, cols)):
        best, largest = j, -1.0
        for k in range(j, cols):
            below = after(a, k * ld + j)
            size = dot(below, below, rows - j)
            if size > largest:
                best, largest = k, size
        order[j], order[best] = order[best], order[j]
        _swap(after(a, j * ld), after(a, best * ld), rows, one)
        _reflect(after(a, j * ld + j), rows - j, ld, cols - j)
        turned = abs(a[j * ld + j])
        if j == uint64(0):
            first = turned
        if not turned > SINGULAR * first:
            return j
    return min(rows, cols)


@compiled
def solve_upper(a, ld, right, z, n):
    """Solve R·z = right for z, with the n × n upper triangle at ``a``."""
    one = uint64(1)
    for back in range(n):
        j = n - one - back
        total = right[j]
        for k in range(j + one, n):
            total -= a[k * ld + j] * z[k]
        z[j] = total / a[j * ld + j]


@compiled
def solve_lower(a, ld, z, n):
    """Solve Rᵀ·u = z for u, in place."""
    for j in range(n):
        total = z[j]
        for k in range(j):
            total -= a[j * ld + k] * z[k]
        z[j] = total / a[j * ld + j]


@compiled
def damp(a, ld, right, damping, scales, damped, left, row, n):
    """Triangulate R over damping · diag(scales), with right-hand side ``left``, into ``damped``, by Givens rotations."""
    one = uint64(1)
    for k in range(n):
        left[k] = right[k]
        for j in range(k + one):
            damped[k * ld + j] = a[k * ld + j]
    for j in range(n):
        for k in range(n):
            row[k] = 0.0
        row[j], below = damping * scales[j], 0.0
        for i in range(j, n):
            x, y = damped[i * ld + i], row[i]
            if y == 0.0:
                continue
            size = sqrt(x * x + y * y)
            c, s = x / size, y / size
            for k in range(i, n):
                u, v = damped[k * ld + i], row[k]
                damped[k * ld + i], row[k] = c * u + s * v, c * v - s * u
            u = left[i]
            left[i], below = c * u + s * below, c * below - s * u
