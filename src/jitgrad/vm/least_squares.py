"""Nonlinear least squares in native code: ``least_squares`` fits one model to many sets of rows, from a start each.

The method is Levenberg and Marquardt's in a trust region scaled by the columns of the Jacobian (Moré, "The
Levenberg-Marquardt algorithm: implementation and theory", 1978). A parameter at a bound from which the cost falls outwards only
stays there, and steps end at bounds. The Jacobian is triangulated by blocks of rows: no normal equations lose half of the
digits, and many rows need no more room than a block. When the cost has come to its minimum, undamped steps go on for as long
as they become shorter: the cost is flat to half of the digits there, the gradient is not.

Functions take P, the plan, W, the room to work in, and A, the arena of the Program; ``fit_plan.py`` says what stands where.
"""

from __future__ import annotations

from numba import carray, types
from numpy import inf, int64, isfinite, sqrt, uint64

from jitgrad.vm import fit_plan as plan
from jitgrad.vm.jit import Native, call_execute, device, nowhere, outlined, pointer
from jitgrad.vm.kernels import qr
from jitgrad.vm.kernels.robust import counted, scales
from jitgrad.vm.kernels.tiles import pointer_to

FIRST_RADIUS = 0.1
"""Of the first step, beside the parameters: larger ones end more often in other minima, or where the model is flat."""
ROUGHLY = 0.1
ACCEPTED = 1e-4
FULL_STEPS = 60
SHORTER = 0.8
RISE = 1e-7
SMALL = 1e-11
LONGEST = 4.0
EPSILON = 2.220446049250313e-16
ZERO, ONE, TWO = uint64(0), uint64(1), uint64(2)
FREE, LINEAR, ALL = range(3)


# Where things stand.


@device
def _vector(P, which):
    return uint64(plan.ROOM_HEAD) + uint64(which) * P[plan.N]


@device
def _triangle(P):
    """R of the scaled columns that may move; a damped copy follows."""
    return uint64(plan.ROOM_HEAD) + uint64(plan.VECTORS) * P[plan.N]


@device
def _column(P, k):
    """A column of the Jacobian; number N is the residual, N + 1 the weights of the rows."""
    n = P[plan.N]
    return _triangle(P) + TWO * n * n + k * P[plan.LEADING]


@device
def _result(P, k):
    """Where the plan has the place and the stride of the model, k = 0, and of derivative k - 1."""
    return uint64(plan.HEAD) + uint64(3) * P[plan.N] + TWO * k


# The model and its Jacobian.


@device
def _load(P, A, floats, block):
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


@device
def _blocks(P):
    return (P[plan.COUNT] + P[plan.BLOCK] - ONE) // P[plan.BLOCK]


@device
def _run(P, floats, start, stop):
    code, table = pointer(P[plan.CODE], pointer_to(P, ZERO)), pointer(P[plan.TABLE], pointer_to(P, ZERO))
    call_execute(P[plan.EXECUTE], code, table, floats, start, stop, ZERO, ZERO, ZERO, nowhere())


@device
def _residuals(W, A, P, y, weights, first, count):
    """Write (model - y) · weight of a block's rows behind the columns."""
    slot, stride, to = P[_result(P, ZERO)], P[_result(P, ZERO) + ONE], _column(P, P[plan.N] + ONE)
    if stride == ONE:
        for i in range(count):
            W[to + i] = (A[slot + i] - y[first + i]) * weights[first + i]
    else:
        value = A[slot]
        for i in range(count):
            W[to + i] = (value - y[first + i]) * weights[first + i]
    return to


@outlined
def _cost(P, W, A, place):
    """The cost at the parameters that stand at ``place``; inf where the model is not finite."""
    floats, n = pointer_to(A, ZERO), P[plan.N]
    for k in range(n):
        A[P[uint64(plan.HEAD) + k]] = W[place + k]
    y, weights = carray(pointer(P[plan.Y], floats), 1), carray(pointer(P[plan.WEIGHTS], floats), 1)
    kind, scale, total = int64(P[plan.LOSS]), W[plan.SCALE], 0.0
    for block in range(_blocks(P)):
        count = _load(P, A, floats, block) if P[plan.COUNT] > P[plan.BLOCK] else P[plan.COUNT]
        _run(P, floats, ZERO, P[plan.VALUE_STOP])
        r = _residuals(W, A, P, y, weights, P[plan.FIRST] + block * P[plan.BLOCK], count)
        if kind == plan.LINEAR_LOSS:
            total += qr.dot(W, r, r, count)
        else:
            for i in range(count):
                z = W[r + i] / scale
                total += counted(kind, z * z) * scale * scale
    W[plan.VALUES] += 1.0
    return 0.5 * total if isfinite(total) else inf


@device
def _weigh(W, to, A, slot, stride, weight, count):
    """Write a derivative times the weights of the rows."""
    if stride == ONE:
        for i in range(count):
            W[to + i] = A[slot + i] * W[weight + i]
    else:
        value = A[slot]
        for i in range(count):
            W[to + i] = value * W[weight + i]


@device
def _write_rows(P, W, A, base, first, count):
    """Write a block's rows of the Jacobian and of the residual from row ``base`` on."""
    floats, n = pointer_to(A, ZERO), P[plan.N]
    y, weights = carray(pointer(P[plan.Y], floats), 1), carray(pointer(P[plan.WEIGHTS], floats), 1)
    kind, scale, residual = int64(P[plan.LOSS]), W[plan.SCALE], _column(P, n) + base
    weight = _residuals(W, A, P, y, weights, first, count)
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
        _weigh(W, _column(P, k) + base, A, slot, stride, weight, count)


@outlined
def _jacobian(P, W, A):
    """Triangulate the Jacobian and the residual at the parameters whose cost was computed last; whether it is finite.

    Its columns then hold R, and that of the residual Qᵀ·residual.
    """
    floats, cols, start = pointer_to(A, ZERO), P[plan.N] + ONE, _column(P, ZERO)
    whole = P[plan.COUNT] <= P[plan.BLOCK]
    for block in range(_blocks(P)):
        count = P[plan.COUNT] if whole else _load(P, A, floats, block)
        _run(P, floats, P[plan.VALUE_STOP] if whole else ZERO, P[plan.STOP])
        base = cols if block > ZERO else ZERO
        _write_rows(P, W, A, base, P[plan.FIRST] + block * P[plan.BLOCK], count)
        for k in range(cols):
            for i in range(base + count, cols):
                W[_column(P, k) + i] = 0.0
        qr.triangulate(W, start, max(base + count, cols), cols, P[plan.LEADING])
    W[plan.JACOBIANS] += 1.0
    total = 0.0
    for k in range(cols):
        for i in range(k + ONE):
            total += abs(W[_column(P, k) + i])
    return isfinite(total)


@device
def _gradient(P, W):
    """The gradient of the cost; returns the largest cosine between the residual and a column that may move."""
    n, g, largest = P[plan.N], _vector(P, plan.G), 0.0
    q = _column(P, n)
    residual = sqrt(qr.dot(W, q, q, n + ONE))
    for k in range(n):
        column = _column(P, k)
        W[g + k] = qr.dot(W, column, q, k + ONE)
        size = sqrt(qr.dot(W, column, column, k + ONE))
        if _is_free(P, W, k) and size > 0.0 and residual > 0.0:
            largest = max(largest, abs(W[g + k]) / (size * residual))
    return largest


@device
def _is_free(P, W, k):
    """Whether a parameter may move: not at a bound from which the cost falls outwards only."""
    x, g = W[_vector(P, plan.THETA) + k], W[_vector(P, plan.G) + k]
    at_low, at_high = x <= W[_vector(P, plan.LOWER) + k], x >= W[_vector(P, plan.UPPER) + k]
    return not ((at_low and g >= 0.0) or (at_high and g <= 0.0))


@device
def _rescale(P, W):
    """The scale of a parameter is the largest norm that its column of the Jacobian had."""
    d = _vector(P, plan.D)
    for k in range(P[plan.N]):
        W[d + k] = max(W[d + k], sqrt(qr.dot(W, _column(P, k), _column(P, k), k + ONE)))


@device
def _scale(P, W, k):
    d = W[_vector(P, plan.D) + k]
    return d if d > 0.0 else 1.0


@device
def _size(P, W):
    """The norm of the scaled parameters."""
    total = 0.0
    for k in range(P[plan.N]):
        x = _scale(P, W, k) * W[_vector(P, plan.THETA) + k]
        total += x * x
    return sqrt(total)


# Steps.


@outlined
def _factor(P, W, which):
    """R of scaled columns, those of FREE, LINEAR or ALL parameters, with pivots. Returns how many they are, and their rank."""
    n, T, right, chosen = P[plan.N], _triangle(P), _vector(P, plan.RIGHT), _vector(P, plan.TURN)
    linear, order = uint64(plan.HEAD) + n, uint64(plan.HEAD) + TWO * n
    free = ZERO
    for k in range(n):
        W[right + k] = W[_column(P, n) + k]
        if which == ALL or (P[linear + k] != ZERO if which == LINEAR else _is_free(P, W, k)):
            W[chosen + free] = float(k)
            scale = 1.0 / _scale(P, W, k)
            for i in range(n):
                W[T + free * n + i] = W[_column(P, k) + i] * scale if i <= k else 0.0
            free += ONE
    rank = qr.triangulate_pivoted(W, T, n, free, n, right, P, order)
    for j in range(free):
        P[order + j] = uint64(W[chosen + P[order + j]])
    return free, rank


@device
def _full_step(P, W, free, rank):
    """Gauss and Newton's step of the scaled parameters; returns its norm."""
    z = _vector(P, plan.Z)
    for j in range(rank, free):
        W[z + j] = 0.0
    qr.solve_upper(W, _triangle(P), P[plan.N], _vector(P, plan.RIGHT), z, rank)
    return sqrt(qr.dot(W, z, z, free))


@device
def _damped_step(P, W, free, damping):
    """The same with damping."""
    n, z, left = P[plan.N], _vector(P, plan.Z), _vector(P, plan.LEFT)
    T, damped = _triangle(P), _triangle(P) + n * n
    qr.damp(W, T, n, _vector(P, plan.RIGHT), sqrt(damping), damped, left, _vector(P, plan.TURN), free)
    qr.solve_upper(W, damped, n, left, z, free)
    return sqrt(qr.dot(W, z, z, free))


@device
def _slope(P, W, T, free, norm):
    """‖R⁻ᵀ·z‖² / ‖z‖²: how fast damping shortens the step."""
    z, u = _vector(P, plan.Z), _vector(P, plan.U)
    for j in range(free):
        W[u + j] = W[z + j] / norm
    qr.solve_lower(W, T, P[plan.N], u, free)
    return qr.dot(W, u, u, free)


@outlined
def _step_within(P, W, free, rank, radius, damping):
    """A step of about the radius; returns its damping, 0 where the full step is short enough. Moré's iteration."""
    norm = _full_step(P, W, free, rank)
    if norm <= (1.0 + ROUGHLY) * radius:
        return 0.0
    n, T, low, total = P[plan.N], _triangle(P), 0.0, 0.0
    if rank == free:
        low = (norm - radius) / (radius * _slope(P, W, T, free, norm))
    for j in range(free):
        part = qr.dot(W, T + j * n, _vector(P, plan.RIGHT), j + ONE)
        total += part * part
    high = sqrt(total) / radius
    damping = min(max(damping, low), high)
    if damping == 0.0:
        damping = sqrt(total) / norm
    for _ in range(10):
        if damping == 0.0:
            damping = max(1e-300, 0.001 * high)
        before = norm - radius
        norm = _damped_step(P, W, free, damping)
        off = norm - radius
        if abs(off) <= ROUGHLY * radius or (low == 0.0 and off <= before and before < 0.0):
            break
        change = off / (radius * _slope(P, W, T + n * n, free, norm))
        if off > 0.0:
            low = max(low, damping)
        else:
            high = min(high, damping)
        damping = max(low, damping + change)
    return damping


@outlined
def _try_step(P, W, free):
    """Where the scaled step leads, within the bounds.

    Returns its scaled length, and what the linear model says of it: the slope of the cost along it, and the square of the
    change of the residual.
    """
    n, v, trial, change = P[plan.N], _vector(P, plan.V), _vector(P, plan.TRIAL), _vector(P, plan.U)
    order, length = uint64(plan.HEAD) + TWO * n, 0.0
    for k in range(n):
        W[v + k] = 0.0
    for j in range(free):
        W[v + P[order + j]] = -W[_vector(P, plan.Z) + j] / _scale(P, W, P[order + j])
    for k in range(n):
        x = W[_vector(P, plan.THETA) + k]
        W[trial + k] = min(max(x + W[v + k], W[_vector(P, plan.LOWER) + k]), W[_vector(P, plan.UPPER) + k])
        W[v + k] = W[trial + k] - x
        length += (W[v + k] * _scale(P, W, k)) ** 2
    for i in range(n):
        total = 0.0
        for k in range(i, n):
            total += W[_column(P, k) + i] * W[v + k]
        W[change + i] = total
    return sqrt(length), qr.dot(W, change, _column(P, n), n), qr.dot(W, change, change, n)


@device
def _move(P, W, to, source):
    for k in range(P[plan.N]):
        W[to + k] = W[source + k]


@device
def _new_radius(radius, damping, length, cost, new, slope, ratio):
    """The radius of the trust region and the damping after a step."""
    if ratio <= 0.25:
        fall = cost - new
        shrink = 0.5 if fall >= 0.0 else 0.5 * slope / (slope + fall)
        if not shrink >= 0.1 or 0.01 * new >= cost:
            shrink = 0.1
        return shrink * min(radius, 10.0 * length), damping / shrink
    if damping == 0.0 or ratio >= 0.75:
        return 2.0 * length, 0.5 * damping
    return radius, damping


# A fit.


@device
def _solve_linear(P, W, A, cost):
    """A full step of the parameters in which the model is linear, where the plan says there are any. Returns the cost."""
    asked, theta, trial = ZERO, _vector(P, plan.THETA), _vector(P, plan.TRIAL)
    for k in range(P[plan.N]):
        asked += P[uint64(plan.HEAD) + P[plan.N] + k]
    if asked == ZERO or not _jacobian(P, W, A):
        return cost
    _rescale(P, W)
    free, rank = _factor(P, W, LINEAR)
    _full_step(P, W, free, rank)
    _try_step(P, W, free)
    new = _cost(P, W, A, trial)
    if not new < cost:
        return _cost(P, W, A, theta)
    _move(P, W, theta, trial)
    return new


@device
def _descend(P, W, A, cost):
    """Steps in a trust region, down to the minimum to within the tolerances. Returns the cost and how it ended."""
    theta, trial, exact = _vector(P, plan.THETA), _vector(P, plan.TRIAL), _rounding(P, W, A)
    for k in range(P[plan.N]):
        W[_vector(P, plan.D) + k] = 0.0
    if not _jacobian(P, W, A):
        return cost, plan.NO_DERIVATIVE
    _rescale(P, W)
    radius, damping, accepted = FIRST_RADIUS * _size(P, W), 0.0, True
    if radius == 0.0:
        radius = FIRST_RADIUS * sqrt(2.0 * cost)
    free, rank, first = ZERO, ZERO, True
    while True:
        if accepted:
            if cost <= exact:
                return cost, plan.EXACT
            if _gradient(P, W) <= W[plan.GTOL]:
                return cost, plan.BY_GRADIENT
            free, rank = _factor(P, W, FREE)
        damping = _step_within(P, W, free, rank, radius, damping)
        length, slope, square = _try_step(P, W, free)
        new = _cost(P, W, A, trial)
        expected, fall = -slope - 0.5 * square, cost - new
        ratio = fall / expected if expected > 0.0 else 0.0
        radius, damping = _new_radius(min(radius, length) if first else radius, damping, length, cost, new, slope, ratio)
        flat = expected <= W[plan.FTOL] * cost and abs(fall) <= W[plan.FTOL] * cost and ratio <= 2.0
        accepted, first = fall > 0.0 and ratio >= ACCEPTED, False
        if accepted:
            _move(P, W, theta, trial)
            cost = new
            if not _jacobian(P, W, A):
                return cost, plan.NO_DERIVATIVE
            _rescale(P, W)
        if flat:
            return cost, plan.BY_COST
        if length <= W[plan.XTOL] * _size(P, W):
            return cost, plan.BY_STEP
        if W[plan.VALUES] >= W[plan.MOST]:
            return cost, plan.TOO_MANY


@device
def _rounding(P, W, A):
    """A cost that is nothing but rounding errors."""
    floats, total = pointer_to(A, ZERO), 0.0
    y, weights = carray(pointer(P[plan.Y], floats), 1), carray(pointer(P[plan.WEIGHTS], floats), 1)
    for i in range(P[plan.FIRST], P[plan.FIRST] + P[plan.COUNT]):
        total += (y[i] * weights[i]) ** 2
    return 0.5 * total * (4.0 * EPSILON) ** 2


@device
def _polish(P, W, A, cost):
    """Full steps for as long as each is shorter than the one before and the cost stays. Returns the cost.

    Where residuals are large such steps become shorter by a factor, slowly: it is estimated from two of them, and the next one
    is as long as all that would follow. (Anderson's acceleration of depth one; Walker and Ni, "Anderson acceleration for
    fixed-point iterations", 2011.) The Jacobian in the room is that at the parameters, before and after.
    """
    n, theta, trial, last, stretch = P[plan.N], _vector(P, plan.THETA), _vector(P, plan.TRIAL), inf, 1.0
    for _ in range(FULL_STEPS):
        _gradient(P, W)
        free, rank = _factor(P, W, FREE)
        if rank < free:
            break
        norm = _full_step(P, W, free, rank)
        if not norm < SHORTER * last:
            break
        _try_step(P, W, free)
        small = True
        for k in range(n):
            small = small and abs(W[_vector(P, plan.V) + k]) <= SMALL * abs(W[theta + k])
        stretch, last = _stretched(P, W, 0.0 if last == inf else stretch), norm
        new = _cost(P, W, A, trial)
        if not new <= cost * (1.0 + RISE):
            break
        _move(P, W, theta, trial)
        cost = new
        if not _jacobian(P, W, A) or small:
            break
    return cost


@device
def _stretched(P, W, before):
    """Stretch the step by what the last one says, which was stretched by ``before``, 0 if there was none. Returns by what."""
    v, last, product, square = _vector(P, plan.V), _vector(P, plan.LAST), 0.0, 0.0
    for k in range(P[plan.N]):
        d = _scale(P, W, k)
        product += d * W[v + k] * d * W[last + k]
        square += d * W[last + k] * d * W[last + k]
    stretch = 1.0
    if before > 0.0 and product < square:
        stretch = min(max(before / (1.0 - product / square), 0.5), LONGEST)
    _move(P, W, last, v)
    for k in range(P[plan.N]):
        x = W[_vector(P, plan.THETA) + k] + stretch * W[v + k]
        W[_vector(P, plan.TRIAL) + k] = min(max(x, W[_vector(P, plan.LOWER) + k]), W[_vector(P, plan.UPPER) + k])
    return stretch


@device
def _pivots(P, W):
    """The smallest beside the largest pivot of the Jacobian, its columns scaled to norm one: 0 where it is singular."""
    n, T = P[plan.N], _triangle(P)
    for k in range(n):
        W[_vector(P, plan.D) + k] = 0.0
    _rescale(P, W)
    _, rank = _factor(P, W, ALL)
    return abs(W[T + n * n - ONE]) / abs(W[T]) if rank == n else 0.0


@device
def _fit(P, W, A):
    """Fit the rows that the plan names, from the parameters in the room."""
    for k in range(plan.N_FIGURES):
        W[plan.FIRST_FIGURE + k] = 0.0
    if P[plan.COUNT] <= P[plan.BLOCK]:
        _load(P, A, pointer_to(A, ZERO), ZERO)
    cost, status, pivots = _cost(P, W, A, _vector(P, plan.THETA)), plan.NOT_FINITE, 0.0
    if cost < inf:
        for k in range(P[plan.N]):
            W[_vector(P, plan.D) + k] = 0.0
        cost = _solve_linear(P, W, A, cost)
        cost, status = _descend(P, W, A, cost)
        if status != plan.NO_DERIVATIVE and status != plan.TOO_MANY:
            cost = _polish(P, W, A, cost)
        pivots = _pivots(P, W)
    W[plan.COST], W[plan.STATUS], W[plan.PIVOTS] = cost, float(status), pivots


def _least_squares(plan_pointer, reals, first, stop):
    """The fits first ≤ i < stop of a plan. ``reals`` is the room."""
    P, W = carray(plan_pointer, 1), carray(reals, 1)
    n, A = P[plan.N], carray(pointer(P[plan.ARENA], reals), 1)
    rows, parameters = carray(pointer(P[plan.ROWS], plan_pointer), 1), carray(pointer(P[plan.PARAMETERS], reals), 1)
    figures, factors = carray(pointer(P[plan.FIGURES], reals), 1), carray(pointer(P[plan.FACTORS], reals), 1)
    for i in range(first, stop):
        theta = _vector(P, plan.THETA)
        P[plan.FIRST], P[plan.COUNT] = rows[TWO * i], rows[TWO * i + ONE]
        for k in range(n):
            W[theta + k] = parameters[i * n + k]
        _fit(P, W, A)
        for k in range(n):
            parameters[i * n + k] = W[theta + k]
            for j in range(n):
                factors[(i * n + j) * n + k] = W[_column(P, k) + j] if j <= k else 0.0
        for k in range(uint64(plan.N_FIGURES)):
            figures[i * uint64(plan.N_FIGURES) + k] = W[uint64(plan.FIRST_FIGURE) + k]


least_squares = Native(
    _least_squares,
    lambda dtype: (
        (types.CPointer(types.uint64), types.CPointer(dtype), types.uint64, types.uint64),
        types.void,
    ),
)
