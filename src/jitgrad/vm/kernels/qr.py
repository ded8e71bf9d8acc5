"""Orthogonal factors of small and of tall matrices, column by column. Places are offsets into one array ``W``.

Golub and Van Loan, "Matrix Computations", 5.1 to 5.4; the damped systems as in Moré, "The Levenberg-Marquardt algorithm:
implementation and theory", 1978.
"""

from __future__ import annotations

from numpy import sqrt, uint64

from jitgrad.vm.jit import inline, noinline, reduction

SINGULAR = 1e-14
"""A diagonal element that is smaller, beside the largest, counts as none."""
LIGHT = 1e-3
"""An element that is smaller, beside its column, is of a light row."""


@reduction
def dot(W, a, b, n):
    """The sum of products of n elements."""
    total = 0.0
    for k in range(n):
        total += W[a + k] * W[b + k]
    return total


@noinline
def norm(W, a, n):
    """The Euclidean norm of n elements, also where their squares are too large or too small for floats."""
    square, largest = dot(W, a, a, n), 0.0
    if 1e-280 < square < 1e300:
        return sqrt(square)
    for k in range(n):
        largest = max(largest, abs(W[a + k]))
    if largest == 0.0:
        return sqrt(square)  # 0 or nan
    square = 0.0
    for k in range(n):
        square += (W[a + k] / largest) ** 2
    return largest * sqrt(square)


@inline
def _largest(W, a, n):
    """The place of the largest of n elements."""
    found = a
    for k in range(n):
        if abs(W[a + k]) > abs(W[found]):
            found = a + k
    return found


@inline
def _add(W, d, a, n, factor):
    for k in range(n):
        W[d + k] += factor * W[a + k]


@noinline
def _reflect(W, a, n, ld, others):
    """Turn the n elements at ``a`` into one, and the ``others`` columns after it, ``ld`` further each, with it.

    Below it stands what is no longer needed. A first element that is small beside the column changes places with the largest:
    digits of a light row would be lost in heavy ones (Cox and Higham, "Stability of Householder QR factorization for weighted
    least squares problems", 1998).
    """
    size = norm(W, a, n)
    if size < 1e-307:
        return
    if abs(W[a]) < LIGHT * size:
        heaviest = _largest(W, a, n)
        for k in range(others + uint64(1)):
            W[a + k * ld], W[heaviest + k * ld] = W[heaviest + k * ld], W[a + k * ld]
    turned = -size if W[a] > 0.0 else size
    factor, scale = 1.0 - W[a] / turned, 1.0 / (W[a] - turned)
    for i in range(uint64(1), n):
        W[a + i] *= scale
    W[a] = 1.0
    q = a
    for k in range(others):
        q += ld
        _add(W, q, a, n, -factor * dot(W, a, q, n))
    W[a] = turned


@inline
def triangulate(W, a, rows, cols, ld):
    """R of a matrix of at least as many rows as columns, in place: zeros below its diagonal, down to row ``cols``."""
    one = uint64(1)
    for j in range(cols):
        _reflect(W, a + j * ld + j, rows - j, ld, cols - j - one)
    for j in range(cols):
        for i in range(j + one, cols):
            W[a + j * ld + i] = 0.0


@inline
def triangulate_pivoted(W, a, rows, cols, ld, P, order):
    """The same with the largest remaining column next, as P notes at ``order``; turns a column more. Returns the rank."""
    zero, first = uint64(0), 0.0
    for j in range(cols):
        P[order + j] = j
    for j in range(min(rows, cols)):
        best, largest = j, -1.0
        for k in range(j, cols):
            size = dot(W, a + k * ld + j, a + k * ld + j, rows - j)
            if size > largest:
                best, largest = k, size
        P[order + j], P[order + best] = P[order + best], P[order + j]
        for i in range(rows):
            W[a + j * ld + i], W[a + best * ld + i] = W[a + best * ld + i], W[a + j * ld + i]
        _reflect(W, a + j * ld + j, rows - j, ld, cols - j)
        turned = abs(W[a + j * ld + j])
        if j == zero:
            first = turned
        if not turned > SINGULAR * first:
            return j
    return min(rows, cols)


@inline
def solve_upper(W, a, ld, right, z, n):
    """z with R·z = right, for the n × n upper triangle at ``a``."""
    one = uint64(1)
    for back in range(n):
        j = n - one - back
        total = W[right + j]
        for k in range(j + one, n):
            total -= W[a + k * ld + j] * W[z + k]
        W[z + j] = total / W[a + j * ld + j]


@inline
def solve_lower(W, a, ld, z, n):
    """Rᵀ·u = z, u over z."""
    for j in range(n):
        total = W[z + j]
        for k in range(j):
            total -= W[a + j * ld + k] * W[z + k]
        W[z + j] = total / W[a + j * ld + j]


@inline
def damp(W, a, ld, right, damping, scales, b, left, row, n):
    """The triangle of R over damping · diag(scales), at ``b``, and the right side of it, at ``left``: by Givens rotations."""
    one = uint64(1)
    for k in range(n):
        W[left + k] = W[right + k]
        for j in range(k + one):
            W[b + k * ld + j] = W[a + k * ld + j]
    for j in range(n):
        for k in range(n):
            W[row + k] = 0.0
        W[row + j], below = damping * W[scales + j], 0.0
        for i in range(j, n):
            x, y = W[b + i * ld + i], W[row + i]
            if y == 0.0:
                continue
            size = sqrt(x * x + y * y)
            c, s = x / size, y / size
            for k in range(i, n):
                u, v = W[b + k * ld + i], W[row + k]
                W[b + k * ld + i], W[row + k] = c * u + s * v, c * v - s * u
            u = W[left + i]
            W[left + i], below = c * u + s * below, c * below - s * u
