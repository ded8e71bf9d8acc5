"""Orthogonal factors of small and of tall matrices, column by column. Places are offsets into one array ``W``.

Golub and Van Loan, "Matrix Computations", 5.1 to 5.4; the damped systems as in Moré, "The Levenberg-Marquardt algorithm:
implementation and theory", 1978.
"""

from __future__ import annotations

from numpy import sqrt, uint64

from jitgrad.vm.jit import device, reduction

SINGULAR = 1e-14
"""A diagonal element that is smaller, beside the largest, counts as none."""


@reduction
def dot(W, a, b, n):
    """The sum of products of n elements."""
    total = 0.0
    for k in range(n):
        total += W[a + k] * W[b + k]
    return total


@device
def _add(W, d, a, n, factor):
    for k in range(n):
        W[d + k] += factor * W[a + k]


@device
def _reflect(W, a, n, ld, others):
    """Turn the n elements at ``a`` into one, and the ``others`` columns after it, ``ld`` further each, with it."""
    norm = sqrt(dot(W, a, a, n))
    if norm == 0.0:
        return
    turned = -norm if W[a] > 0.0 else norm
    W[a] -= turned
    scale = 1.0 / (turned * W[a])
    q = a
    for k in range(others):
        q += ld
        _add(W, q, a, n, scale * dot(W, a, q, n))
    W[a] = turned


@device
def triangulate(W, a, rows, cols, ld):
    """R of a matrix of at least as many rows as columns, in place: zeros below its diagonal, down to row ``cols``."""
    one = uint64(1)
    for j in range(cols):
        _reflect(W, a + j * ld + j, rows - j, ld, cols - j - one)
    for j in range(cols):
        for i in range(j + one, cols):
            W[a + j * ld + i] = 0.0


@device
def triangulate_pivoted(W, a, rows, cols, ld, right, P, order):
    """The same with the largest remaining column next, as P notes at ``order``; turns ``right`` too. Returns the rank."""
    zero, one = uint64(0), uint64(1)
    first = 0.0
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
        p, n = a + j * ld + j, rows - j
        x = W[p]
        _reflect(W, p, n, ld, cols - j - one)
        turned = W[p]
        if turned != 0.0:  # the right side, by the same reflection: its vector stands in the column but for its first element
            W[p] = x - turned
            _add(W, right + j, p, n, dot(W, p, right + j, n) / (turned * W[p]))
            W[p] = turned
        if j == zero:
            first = abs(turned)
        if not abs(turned) > SINGULAR * first:
            return j
    return min(rows, cols)


@device
def solve_upper(W, a, ld, right, z, n):
    """z with R·z = right, for the n × n upper triangle at ``a``."""
    one = uint64(1)
    for back in range(n):
        j = n - one - back
        total = W[right + j]
        for k in range(j + one, n):
            total -= W[a + k * ld + j] * W[z + k]
        W[z + j] = total / W[a + j * ld + j]


@device
def solve_lower(W, a, ld, z, n):
    """Rᵀ·u = z, u over z."""
    for j in range(n):
        total = W[z + j]
        for k in range(j):
            total -= W[a + j * ld + k] * W[z + k]
        W[z + j] = total / W[a + j * ld + j]


@device
def damp(W, a, ld, right, damping, b, left, row, n):
    """The triangle of R over √damping, at ``b``, and the right side that belongs to it, at ``left``: by Givens rotations."""
    one = uint64(1)
    for k in range(n):
        W[left + k] = W[right + k]
        for j in range(k + one):
            W[b + k * ld + j] = W[a + k * ld + j]
    for j in range(n):
        for k in range(n):
            W[row + k] = 0.0
        W[row + j], below = damping, 0.0
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
