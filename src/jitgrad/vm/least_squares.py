"""Nonlinear least squares in native code: ``least_squares`` fits one model to many sets of rows, from a start each.

The method is Levenberg and Marquardt's in a trust region scaled by the columns of the Jacobian (Moré, "The
Levenberg-Marquardt algorithm: implementation and theory", 1978); a scale that a column had before is forgotten as the residual
falls. A parameter at a bound from which the cost falls outwards only stays there, and one that a step would take beyond goes to
its bound, for which the others make up. The Jacobian is triangulated by blocks of rows: no normal equations lose half of the
digits, and many rows need no more room than a block. Its columns are then scaled to norm one, so that what is singular does
not depend on units. When the cost has come to its minimum, undamped steps go on for as long as they become shorter: the cost is
flat to half of the digits there, the gradient is not.

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

FIRST_RADIUS, LEAST_RADIUS = 0.1, 1e-2
"""Of the first step, beside the parameters: larger ones end more often in other minima, or where the model is flat. And, for
parameters that start next to zero, beside the residual."""
MOST_SHRUNK = 1e50
"""A scale beside the norm of its column, at most, so that squares are floats."""
ROUGHLY = 0.1
"""How far a step's length is from the radius."""
ACCEPTED = 1e-4
"""Of the fall of the cost that the linear model foretells, what a step has to bring."""
FULL_STEPS, SHORTER = 60, 0.8
"""Undamped steps in the end, and how much shorter than the last each has to be."""
RISE, LED_ON = 1e-12, 1 - 1e-6
"""Of the cost with such a step, beside its rounding errors; and what is left of it after some that led on."""
NEXT_TO = 1e-8
"""How far from its bound a parameter is taken for one at it: what that changes beside the residual."""
SMALL = 1e-11
"""Of such a step beside the parameters: it is the last."""
LONGEST = 4.0
"""What a full step is stretched by, at most."""
ROUNDED = 2.0**-50
"""Of a number that is rounded some times."""
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
    return _normalise(P, W)


@device
def _normalise(P, W):
    """Scale the columns of R to norm one, and note their norms; whether all are finite."""
    n, finite = P[plan.N], True
    for k in range(n):
        column = _column(P, k)
        norm = qr.norm(W, column, k + ONE)
        W[_vector(P, plan.NORM) + k] = norm
        finite = finite and norm < inf
        if norm > 0.0:
            for i in range(k + ONE):
                W[column + i] /= norm
    W[plan.RESIDUAL] = qr.norm(W, _column(P, n), n + ONE)
    return finite and W[plan.RESIDUAL] < inf


@device
def _gradient(P, W):
    """The gradient of the cost by scaled parameters; returns the largest cosine of the residual and a column that may move."""
    n, g, largest = P[plan.N], _vector(P, plan.G), 0.0
    q = _column(P, n)
    for k in range(n):
        W[g + k] = qr.dot(W, _column(P, k), q, k + ONE)
        if _is_free(P, W, k):
            largest = max(largest, abs(W[g + k]))
    return largest / W[plan.RESIDUAL] if largest > 0.0 else 0.0


@device
def _is_free(P, W, k):
    """Whether a parameter may move: not at a bound, or next to it, from which the cost falls outwards only."""
    x, g, norm = W[_vector(P, plan.THETA) + k], W[_vector(P, plan.G) + k], W[_vector(P, plan.NORM) + k]
    above, below = x - W[_vector(P, plan.LOWER) + k], W[_vector(P, plan.UPPER) + k] - x
    if (above <= 0.0 and g >= 0.0) or (below <= 0.0 and g <= 0.0):
        return False
    next_to = NEXT_TO * W[plan.RESIDUAL]
    return not ((g > 0.0 and norm * above <= next_to) or (g < 0.0 and norm * below <= next_to))


@device
def _rescale(P, W, kept):
    """The scale of a parameter is the norm of its column of the Jacobian; of what it was before, ``kept`` stays at least."""
    d = _vector(P, plan.D)
    for k in range(P[plan.N]):
        W[d + k] = max(kept * W[d + k], W[_vector(P, plan.NORM) + k])


@outlined
def _length(P, W, scales, x):
    """The norm of what stands at ``x``, scaled."""
    u = _vector(P, plan.U)
    for k in range(P[plan.N]):
        W[u + k] = W[scales + k] * W[x + k]
    return qr.norm(W, u, P[plan.N])


# Steps.


@device
def _hold(P, W, which):
    """Begin a step: FREE, LINEAR or ALL parameters may move, the others are held where they are, or at the bound next to it."""
    v, held, linear = _vector(P, plan.V), _vector(P, plan.HELD), uint64(plan.HEAD) + P[plan.N]
    for k in range(P[plan.N]):
        moves = _is_free(P, W, k) if which == FREE else P[linear + k] != ZERO if which == LINEAR else True
        x, g = W[_vector(P, plan.THETA) + k], W[_vector(P, plan.G) + k]
        to = x
        if which == FREE and not moves and g != 0.0:
            to = W[_vector(P, plan.LOWER if g > 0.0 else plan.UPPER) + k]
        W[v + k], W[held + k], W[_vector(P, plan.TRIAL) + k] = to - x, 0.0 if moves else 1.0, to


@outlined
def _factor(P, W):
    """R of the columns that may move, with pivots, and the residual after the steps of those that are held.

    Returns how many columns they are, and their rank.
    """
    n, T, right, chosen = P[plan.N], _triangle(P), _vector(P, plan.RIGHT), _vector(P, plan.TURN)
    norm, order, free = _vector(P, plan.NORM), uint64(plan.HEAD) + TWO * n, ZERO
    _move(P, W, right, _column(P, n))
    for k in range(n):
        column = _column(P, k)
        if W[_vector(P, plan.HELD) + k] == 0.0:
            W[chosen + free] = float(k)
            for i in range(n):
                W[T + free * n + i] = W[column + i] if i <= k else 0.0
            free += ONE
        else:
            for i in range(k + ONE):
                W[right + i] += W[column + i] * W[norm + k] * W[_vector(P, plan.V) + k]
    _move(P, W, T + free * n, right)  # the second triangle begins there where all may move
    rank = qr.triangulate_pivoted(W, T, n, free, n, P, order)
    _move(P, W, right, T + free * n)
    for j in range(free):
        k = uint64(W[chosen + P[order + j]])
        ratio = min(W[_vector(P, plan.D) + k] / W[norm + k], MOST_SHRUNK) if W[norm + k] > 0.0 else 1.0
        P[order + j], W[_vector(P, plan.RATIO) + j] = k, ratio
    return free, rank


@device
def _step_length(P, W, free):
    """The norm of the step, scaled."""
    total = 0.0
    for j in range(free):
        total += (W[_vector(P, plan.RATIO) + j] * W[_vector(P, plan.Z) + j]) ** 2
    return sqrt(total)


@device
def _full_step(P, W, free, rank):
    """Gauss and Newton's step of the normalised parameters; returns its length."""
    z = _vector(P, plan.Z)
    for j in range(rank, free):
        W[z + j] = 0.0
    qr.solve_upper(W, _triangle(P), P[plan.N], _vector(P, plan.RIGHT), z, rank)
    return _step_length(P, W, free)


@device
def _damped_step(P, W, free, damping):
    """The same with damping."""
    n, z, left, ratio = P[plan.N], _vector(P, plan.Z), _vector(P, plan.LEFT), _vector(P, plan.RATIO)
    T, damped = _triangle(P), _triangle(P) + n * n
    qr.damp(W, T, n, _vector(P, plan.RIGHT), sqrt(damping), ratio, damped, left, _vector(P, plan.TURN), free)
    qr.solve_upper(W, damped, n, left, z, free)
    return _step_length(P, W, free)


@device
def _slope(P, W, T, free, length):
    """‖R⁻ᵀ·D²·z‖² / ‖D·z‖²: how fast damping shortens the step."""
    z, u, ratio = _vector(P, plan.Z), _vector(P, plan.U), _vector(P, plan.RATIO)
    for j in range(free):
        W[u + j] = W[ratio + j] * (W[ratio + j] * W[z + j] / length)
    qr.solve_lower(W, T, P[plan.N], u, free)
    return qr.dot(W, u, u, free)


@device
def _step_within(P, W, free, rank, radius, damping):
    """A step of about the radius; returns its damping, 0 where the full step is short enough. Moré's iteration."""
    length = _full_step(P, W, free, rank)
    if length <= (1.0 + ROUGHLY) * radius:
        return 0.0
    n, T, low, total = P[plan.N], _triangle(P), 0.0, 0.0
    if rank == free:
        low = (length - radius) / (radius * _slope(P, W, T, free, length))
    for j in range(free):
        total += (qr.dot(W, T + j * n, _vector(P, plan.RIGHT), j + ONE) / W[_vector(P, plan.RATIO) + j]) ** 2
    high = sqrt(total) / radius
    following = min(max(damping, low), high)
    if following == 0.0:
        following = sqrt(total) / length
    for _ in range(10):
        damping = following if following > 0.0 else max(1e-300, 0.001 * high)
        before = length - radius
        length = _damped_step(P, W, free, damping)
        off = length - radius
        if abs(off) <= ROUGHLY * radius or (low == 0.0 and off <= before and before < 0.0):
            break
        change = off / (radius * _slope(P, W, T + n * n, free, length))
        if off > 0.0:
            low = max(low, damping)
        else:
            high = min(high, damping)
        following = max(low, damping + change)
    return damping


@device
def _stopped(P, W, free):
    """Note where the step leads; what would leave the bounds is held at them. Whether there was any."""
    z, norm, v, trial = _vector(P, plan.Z), _vector(P, plan.NORM), _vector(P, plan.V), _vector(P, plan.TRIAL)
    order, stopped = uint64(plan.HEAD) + TWO * P[plan.N], False
    for j in range(free):
        k = P[order + j]
        x, low, high = W[_vector(P, plan.THETA) + k], W[_vector(P, plan.LOWER) + k], W[_vector(P, plan.UPPER) + k]
        W[v + k] = -W[z + j] / W[norm + k] if W[norm + k] > 0.0 else 0.0
        W[trial + k] = x + W[v + k]
        if W[trial + k] < low or W[trial + k] > high:
            W[trial + k] = low if W[trial + k] < low else high
            W[v + k], W[_vector(P, plan.HELD) + k] = W[trial + k] - x, 1.0
            stopped = True
    return stopped


@outlined
def _step(P, W, which, radius, damping):
    """A step within the radius and the bounds. Where it would leave bounds, it goes to them, and the rest makes up for that.

    Returns its damping, whether the columns that move have full rank, and whether it was stopped at bounds.
    """
    _hold(P, W, which)
    stopped = False
    while True:
        free, rank = _factor(P, W)
        damping = _step_within(P, W, free, rank, radius, damping)
        if not _stopped(P, W, free):
            return damping, rank == free, stopped
        stopped = True


@device
def _forecast(P, W):
    """What the linear model says of the step: the slope of the cost along it, and the square of the change of the residual."""
    n, v, change = P[plan.N], _vector(P, plan.V), _vector(P, plan.U)
    for i in range(n):
        total = 0.0
        for k in range(i, n):
            total += W[_column(P, k) + i] * (W[_vector(P, plan.NORM) + k] * W[v + k])
        W[change + i] = total
    return qr.dot(W, change, _column(P, n), n), qr.dot(W, change, change, n)


@device
def _move(P, W, to, source):
    for k in range(P[plan.N]):
        W[to + k] = W[source + k]


@device
def _exchange(P, W):
    """Exchange the parameters and the trial."""
    theta, trial = _vector(P, plan.THETA), _vector(P, plan.TRIAL)
    for k in range(P[plan.N]):
        W[theta + k], W[trial + k] = W[trial + k], W[theta + k]


@outlined
def _accept(P, W, A):
    """Go to the trial, whose cost was computed last, if the derivatives are finite there; whether that is so."""
    _exchange(P, W)
    if _jacobian(P, W, A):
        return True
    _exchange(P, W)
    _cost(P, W, A, _vector(P, plan.THETA))
    _jacobian(P, W, A)
    return False


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
    asked = ZERO
    for k in range(P[plan.N]):
        asked += P[uint64(plan.HEAD) + P[plan.N] + k]
    if asked == ZERO or not _jacobian(P, W, A):
        return cost
    _rescale(P, W, 0.0)
    _step(P, W, LINEAR, inf, 0.0)
    new = _cost(P, W, A, _vector(P, plan.TRIAL))
    if not new < cost:
        return _cost(P, W, A, _vector(P, plan.THETA))
    _exchange(P, W)
    return new


@device
def _descend(P, W, A, cost, exact):
    """Steps in a trust region, down to the minimum to within the tolerances. Returns the cost and how it ended."""
    theta, v, d, norm = _vector(P, plan.THETA), _vector(P, plan.V), _vector(P, plan.D), _vector(P, plan.NORM)
    damping, accepted, first = 0.0, True, True
    if not _jacobian(P, W, A):
        return cost, plan.NO_DERIVATIVE
    _rescale(P, W, 0.0)
    radius = max(FIRST_RADIUS * _length(P, W, d, theta), LEAST_RADIUS * sqrt(2.0 * cost))
    while True:
        if accepted:
            if cost <= exact:
                return cost, plan.EXACT
            if _gradient(P, W) <= W[plan.GTOL]:
                return cost, plan.BY_GRADIENT
        damping, _, stopped = _step(P, W, FREE, radius, damping)
        length, small = _length(P, W, d, v), _length(P, W, norm, v) <= W[plan.XTOL] * _length(P, W, norm, theta)
        slope, square = _forecast(P, W)
        new = _cost(P, W, A, _vector(P, plan.TRIAL))
        expected, fall = -slope - 0.5 * square, cost - new
        ratio = fall / expected if expected > 0.0 else 0.0
        accepted = fall > 0.0 and ratio >= ACCEPTED
        flat = expected <= W[plan.FTOL] * cost and abs(fall) <= W[plan.FTOL] * cost and ratio <= 2.0
        flat = flat and not stopped and not (damping > 0.0 and ratio >= 0.75)
        if accepted and not _accept(P, W, A):
            accepted, new, ratio = False, inf, 0.0
        radius, damping = _new_radius(min(radius, length) if first else radius, damping, length, cost, new, slope, ratio)
        first = False
        if accepted:
            _rescale(P, W, sqrt(new / cost))
            cost = new
        if flat:
            return cost, plan.BY_COST
        if small:
            return cost, plan.BY_STEP
        if W[plan.VALUES] >= W[plan.MOST]:
            return cost, plan.TOO_MANY


@device
def _rounding(P, W, A):
    """A cost that is nothing but rounding errors of the response."""
    floats, total = pointer_to(A, ZERO), 0.0
    y, weights = carray(pointer(P[plan.Y], floats), 1), carray(pointer(P[plan.WEIGHTS], floats), 1)
    kind, scale = int64(P[plan.LOSS]), W[plan.SCALE]
    for i in range(P[plan.FIRST], P[plan.FIRST] + P[plan.COUNT]):
        total += counted(kind, (ROUNDED * y[i] * weights[i] / scale) ** 2)
    return 0.5 * total * scale * scale


@device
def _polish(P, W, A, cost, exact):
    """Full steps for as long as each is shorter than the one before and the cost stays, to rounding. Returns the cost.

    Where residuals are large such steps become shorter by a factor, slowly: it is estimated from two of them, and the next one
    is as long as all that would follow. (Anderson's acceleration of depth one; Walker and Ni, "Anderson acceleration for
    fixed-point iterations", 2011.) The Jacobian in the room is that at the parameters, before and after.
    """
    theta, v, last, stretch = _vector(P, plan.THETA), _vector(P, plan.V), inf, 1.0
    for _ in range(FULL_STEPS):
        _gradient(P, W)
        _rescale(P, W, 0.0)
        _, full, _stopped_at_bounds = _step(P, W, FREE, inf, 0.0)
        length, small = _length(P, W, _vector(P, plan.D), v), True
        if not full or not length < SHORTER * last:
            break
        for k in range(P[plan.N]):
            small = small and abs(W[v + k]) <= SMALL * abs(W[theta + k])
        stretch = _stretched(P, W, 0.0 if last == inf else stretch)
        new, last = _cost(P, W, A, _vector(P, plan.TRIAL)), length
        if not new <= cost * (1.0 + RISE) + 2.0 * sqrt(cost * exact) or not _accept(P, W, A):
            break
        cost = new
        if small:
            break
    return cost


@device
def _stretched(P, W, before):
    """Stretch the step by what the last one says, which was stretched by ``before``, 0 if there was none. Returns by what."""
    v, last, product, square = _vector(P, plan.V), _vector(P, plan.LAST), 0.0, 0.0
    for k in range(P[plan.N]):
        d = W[_vector(P, plan.D) + k]
        product += d * W[v + k] * d * W[last + k]
        square += d * W[last + k] * d * W[last + k]
    stretch = 1.0
    if before > 0.0 and product < square:
        stretch = min(max(before / (1.0 - product / square), 0.5), LONGEST)
    for k in range(P[plan.N]):
        W[last + k] = W[v + k]
        x = W[_vector(P, plan.THETA) + k] + stretch * W[v + k]
        W[_vector(P, plan.TRIAL) + k] = min(max(x, W[_vector(P, plan.LOWER) + k]), W[_vector(P, plan.UPPER) + k])
    return stretch


@device
def _minimise(P, W, A, cost):
    """Down to the minimum, and polish; again where a full step led on, which it does off a plateau. Returns cost and status."""
    exact = _rounding(P, W, A)
    while True:
        reached, status = _descend(P, W, A, cost, exact)
        if status == plan.NO_DERIVATIVE or status == plan.TOO_MANY:
            return reached, status
        cost = _polish(P, W, A, reached, exact)
        if reached <= exact or cost >= LED_ON * reached:
            return cost, status
        cost = _cost(P, W, A, _vector(P, plan.THETA))


@device
def _pivots(P, W):
    """The smallest beside the largest pivot of the Jacobian, its columns scaled to norm one: 0 where it is singular."""
    n, T = P[plan.N], _triangle(P)
    _hold(P, W, ALL)
    _, rank = _factor(P, W)
    return abs(W[T + n * n - ONE]) / abs(W[T]) if n > ZERO and rank == n else 0.0


@device
def _fit(P, W, A):
    """Fit the rows that the plan names, from the parameters in the room."""
    for k in range(plan.N_FIGURES):
        W[plan.FIRST_FIGURE + k] = 0.0
    if P[plan.COUNT] <= P[plan.BLOCK]:
        _load(P, A, pointer_to(A, ZERO), ZERO)
    cost, status, pivots = _cost(P, W, A, _vector(P, plan.THETA)), plan.NOT_FINITE, 0.0
    if cost < inf:
        cost, status = _minimise(P, W, A, _solve_linear(P, W, A, cost))
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
                factors[(i * n + j) * n + k] = W[_column(P, k) + j] * W[_vector(P, plan.NORM) + k] if j <= k else 0.0
        for k in range(uint64(plan.N_FIGURES)):
            figures[i * uint64(plan.N_FIGURES) + k] = W[uint64(plan.FIRST_FIGURE) + k]


least_squares = Native(
    _least_squares,
    lambda dtype: (
        (types.CPointer(types.uint64), types.CPointer(dtype), types.uint64, types.uint64),
        types.void,
    ),
)
