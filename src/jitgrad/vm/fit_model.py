"""A model and its Jacobian, computed by blocks of rows for the native least squares (``least_squares.py``).

One block is computed at a time, and all that is needed to go on with the next stands in the plan and in the room.
"""

from __future__ import annotations

from numba import carray
from numpy import inf, int64, isfinite, uint64

from jitgrad.vm import fit_plan as plan
from jitgrad.vm.jit import call_execute, inline, noinline, pointer
from jitgrad.vm.kernels import qr
from jitgrad.vm.kernels.robust import counted, scales
from jitgrad.vm.kernels.tiles import pointer_to

ZERO, ONE, TWO = uint64(0), uint64(1), uint64(2)
ROUNDED = 2.0**-50
"""Of a number that is rounded some times."""


# Where things stand.


@inline
def vector(P, which):
    return uint64(plan.ROOM_HEAD) + uint64(which) * P[plan.N]


@inline
def triangle(P):
    """R of the scaled columns that may move; a damped copy follows."""
    return uint64(plan.ROOM_HEAD) + uint64(plan.VECTORS) * P[plan.N]


@inline
def column(P, k):
    """A column of the Jacobian; number N is the residual, N + 1 the weights of the rows."""
    n = P[plan.N]
    return triangle(P) + TWO * n * n + k * P[plan.LEADING]


@inline
def _result(P, k):
    """Where the plan has the place and the stride of the model, k = 0, and of derivative k - 1."""
    return uint64(plan.HEAD) + uint64(3) * P[plan.N] + TWO * k


@inline
def move(P, W, to, source):
    """Copy a vector."""
    for k in range(P[plan.N]):
        W[to + k] = W[source + k]


# Computing.


@inline
def ask(P, W, what, place, phase):
    """Have something computed for the parameters that stand in the vector ``place``; then comes ``phase``."""
    P[plan.WORK], P[plan.PLACE], P[plan.DONE], P[plan.PHASE] = uint64(what), vector(P, place), ZERO, uint64(phase)
    W[plan.TOTAL] = 0.0


@inline
def go_to(P, phase):
    """Go to a phase at once."""
    P[plan.WORK], P[plan.PHASE] = uint64(plan.NOTHING), uint64(phase)


@inline
def end_fit(P, W, status):
    W[plan.STATUS] = float(status)
    go_to(P, plan.ENDED)


@inline
def _blocks(P):
    return (P[plan.COUNT] + P[plan.BLOCK] - ONE) // P[plan.BLOCK]


@inline
def load(P, A, floats, block):
    """Put a block of rows in place, the last one in those that are left over. Returns how many there are."""
    size = P[plan.BLOCK]
    first, count = P[plan.FIRST] + block * size, min(size, P[plan.COUNT] - block * size)
    at = _result(P, P[plan.N] + ONE)
    for c in range(P[plan.COLUMNS]):
        data, slot = carray(pointer(P[at + TWO * c], floats), 1), P[at + TWO * c + ONE]
        for i in range(count):
            A[slot + i] = data[first + i]
        for i in range(count, size):
            A[slot + i] = data[first + count - ONE]
    return count


@noinline
def _run(P, W, A, context, start, stop):
    """Run a part of the Program on the block that is next. Returns its first row and how many it has."""
    block = P[plan.DONE]
    if block == ZERO:
        for k in range(P[plan.N]):
            A[P[uint64(plan.HEAD) + k]] = W[P[plan.PLACE] + k]
    count = P[plan.COUNT] if P[plan.COUNT] <= P[plan.BLOCK] else load(P, A, pointer_to(A, ZERO), block)
    call_execute(context, start, stop)
    return P[plan.FIRST] + block * P[plan.BLOCK], count


@noinline
def compute(P, W, A, context):
    """Compute the next block of what was asked for; whether that was the last one.

    Then the cost of the parameters is NEW, inf where the model is not finite; of the derivatives FINITE says whether all are.
    """
    one_block = P[plan.COUNT] <= P[plan.BLOCK]
    if P[plan.WORK] == uint64(plan.DERIVATIVES):
        first, count = _run(P, W, A, context, P[plan.VALUE_STOP] if one_block else ZERO, P[plan.STOP])
        _triangulate(P, W, A, first, count)
    else:
        first, count = _run(P, W, A, context, ZERO, P[plan.VALUE_STOP])
        W[plan.TOTAL] += _cost(P, W, A, first, count)
    P[plan.DONE] += ONE
    if P[plan.DONE] < _blocks(P):
        return False
    if P[plan.WORK] == uint64(plan.DERIVATIVES):
        W[plan.JACOBIANS] += 1.0
        P[plan.FINITE] = uint64(_normalise(P, W))
        return True
    W[plan.NEW] = 0.5 * W[plan.TOTAL] if isfinite(W[plan.TOTAL]) else inf
    if P[plan.WORK] == uint64(plan.VALUE):
        W[plan.VALUES] += 1.0
        return True
    P[plan.FINITE], P[plan.WORK], P[plan.DONE] = ZERO, uint64(plan.DERIVATIVES), ZERO
    return W[plan.NEW] == inf


@inline
def _residuals(P, W, A, first, count):
    """Write (model - y) · weight of a block's rows behind the columns."""
    floats = pointer_to(A, ZERO)
    y, weights = carray(pointer(P[plan.Y], floats), 1), carray(pointer(P[plan.WEIGHTS], floats), 1)
    slot, stride, to = P[_result(P, ZERO)], P[_result(P, ZERO) + ONE], column(P, P[plan.N] + ONE)
    if stride == ONE:
        for i in range(count):
            W[to + i] = (A[slot + i] - y[first + i]) * weights[first + i]
    else:
        value = A[slot]
        for i in range(count):
            W[to + i] = (value - y[first + i]) * weights[first + i]
    return to


@inline
def _cost(P, W, A, first, count):
    """Twice the cost of a block's rows."""
    r, kind, scale = _residuals(P, W, A, first, count), int64(P[plan.LOSS]), W[plan.SCALE]
    if kind == plan.LINEAR_LOSS:
        return qr.dot(W, r, r, count)
    total = 0.0
    for i in range(count):
        z = W[r + i] / scale
        total += counted(kind, z * z) * scale * scale
    return total


@inline
def _weigh(W, to, A, slot, stride, weight, count):
    """Write a derivative times the weights of the rows."""
    if stride == ONE:
        for i in range(count):
            W[to + i] = A[slot + i] * W[weight + i]
    else:
        value = A[slot]
        for i in range(count):
            W[to + i] = value * W[weight + i]


@inline
def _write_rows(P, W, A, base, first, count):
    """Write a block's rows of the Jacobian and of the residual from row ``base`` on."""
    n, weights = P[plan.N], carray(pointer(P[plan.WEIGHTS], pointer_to(A, ZERO)), 1)
    kind, scale, residual = int64(P[plan.LOSS]), W[plan.SCALE], column(P, n) + base
    weight = _residuals(P, W, A, first, count)
    for i in range(count):
        W[residual + i], W[weight + i] = W[weight + i], weights[first + i]
    if kind != plan.LINEAR_LOSS:
        for i in range(count):
            z = W[residual + i] / scale
            of_residual, of_row = scales(kind, z * z)
            W[residual + i] *= of_residual
            W[weight + i] *= of_row
    for k in range(n):
        slot, stride = P[_result(P, k + ONE)], P[_result(P, k + ONE) + ONE]
        _weigh(W, column(P, k) + base, A, slot, stride, weight, count)


@inline
def _triangulate(P, W, A, first, count):
    """Turn a block's rows of the Jacobian and of the residual into the triangle of those before.

    The columns then hold R, and that of the residual Qᵀ·residual.
    """
    cols = P[plan.N] + ONE
    base = cols if P[plan.DONE] > ZERO else ZERO
    _write_rows(P, W, A, base, first, count)
    for k in range(cols):
        for i in range(base + count, cols):
            W[column(P, k) + i] = 0.0
    qr.triangulate(W, column(P, ZERO), max(base + count, cols), cols, P[plan.LEADING])


@inline
def _normalise(P, W):
    """Scale the columns of R to norm one, and note their norms; whether all are finite."""
    n, finite = P[plan.N], True
    for k in range(n):
        at = column(P, k)
        norm = qr.norm(W, at, k + ONE)
        W[vector(P, plan.NORM) + k] = norm
        finite = finite and norm < inf
        if norm > 0.0:
            for i in range(k + ONE):
                W[at + i] /= norm
    W[plan.RESIDUAL] = qr.norm(W, column(P, n), n + ONE)
    return finite and W[plan.RESIDUAL] < inf


@inline
def rounding(P, W, A):
    """A cost that is nothing but rounding errors of the response."""
    floats, total = pointer_to(A, ZERO), 0.0
    y, weights = carray(pointer(P[plan.Y], floats), 1), carray(pointer(P[plan.WEIGHTS], floats), 1)
    kind, scale = int64(P[plan.LOSS]), W[plan.SCALE]
    for i in range(P[plan.FIRST], P[plan.FIRST] + P[plan.COUNT]):
        total += counted(kind, (ROUNDED * y[i] * weights[i] / scale) ** 2)
    return 0.5 * total * scale * scale
