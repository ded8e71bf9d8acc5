"""Steps of the native least squares (``least_squares.py``): from the triangle of a Jacobian to where a step leads.

The columns of the triangle have norm one: what is singular does not depend on units. A parameter at a bound from which the cost
falls outwards only stays there, and one that a step would take beyond goes to its bound, for which the others make up.
"""

from __future__ import annotations

from numpy import sqrt, uint64

from jitgrad.vm import fit_plan as plan
from jitgrad.vm.fit_model import ONE, TWO, ZERO, column, move, triangle, vector
from jitgrad.vm.jit import inline, noinline
from jitgrad.vm.kernels import qr

MOST_SHRUNK = 1e50
"""A scale beside the norm of its column, at most, so that squares are floats."""
ROUGHLY = 0.1
"""How far a step's length is from the radius."""
NEXT_TO = 1e-8
"""How far from its bound a parameter is taken for one at it: what that changes beside the residual."""
FREELY = 1e-6
"""The scale of parameters that follow the others: hardly any, so that they are damped by nothing."""
FREE, INSIDE, LINEAR, ALL = range(4)


@inline
def gradient(P, W):
    """The gradient of the cost by scaled parameters."""
    n, g = P[plan.N], vector(P, plan.G)
    q = column(P, n)
    for k in range(n):
        W[g + k] = qr.dot(W, column(P, k), q, k + ONE)


@inline
def largest_cosine(P, W, next_to):
    """Of the residual and a column that may move; ``next_to`` as for ``_is_free``."""
    largest = 0.0
    for k in range(P[plan.N]):
        if _is_free(P, W, k, next_to):
            largest = max(largest, abs(W[vector(P, plan.G) + k]))
    return largest / W[plan.RESIDUAL] if largest > 0.0 else 0.0


@inline
def _is_free(P, W, k, next_to):
    """Whether a parameter may move: not at a bound, or next to it, from which the cost falls outwards only.

    A bound is next to it where to go there changes ``next_to`` of the residual at most, as the column says. Where the model is
    flat, that is so of bounds that are far.
    """
    x, g, norm = W[vector(P, plan.THETA) + k], W[vector(P, plan.G) + k], W[vector(P, plan.NORM) + k]
    above, below = x - W[vector(P, plan.LOWER) + k], W[vector(P, plan.UPPER) + k] - x
    if (above <= 0.0 and g >= 0.0) or (below <= 0.0 and g <= 0.0):
        return False
    least = next_to * W[plan.RESIDUAL]
    return not ((g > 0.0 and norm * above <= least) or (g < 0.0 and norm * below <= least))


@inline
def is_linear(P, k):
    """Whether the model is linear in a parameter."""
    return P[uint64(plan.HEAD) + P[plan.N] + k] != ZERO


@inline
def how_many_linear(P):
    """In how many parameters it is."""
    linear = ZERO
    for k in range(P[plan.N]):
        linear += uint64(is_linear(P, k))
    return linear


@inline
def rescale(P, W, kept):
    """The scale of a parameter is the norm of its column of the Jacobian; of what it was before, ``kept`` stays at least."""
    d, norm = vector(P, plan.D), vector(P, plan.NORM)
    for k in range(P[plan.N]):
        W[d + k] = max(kept * W[d + k], W[norm + k])
        if P[plan.FOLLOWS] != ZERO and is_linear(P, k):
            W[d + k] = FREELY * W[norm + k]


@noinline
def scaled_norm(P, W, scales, x):
    """The norm of what stands at ``x``, scaled."""
    u = vector(P, plan.U)
    for k in range(P[plan.N]):
        W[u + k] = W[scales + k] * W[x + k]
    return qr.norm(W, u, P[plan.N])


@inline
def hold(P, W, which):
    """Begin a step: parameters that are FREE, INSIDE their bounds, LINEAR or ALL may move.

    The others are held where they are, or at the bound next to it.
    """
    v, held = vector(P, plan.V), vector(P, plan.HELD)
    for k in range(P[plan.N]):
        moves = which == ALL or (is_linear(P, k) if which == LINEAR else _is_free(P, W, k, NEXT_TO if which == FREE else 0.0))
        x, g = W[vector(P, plan.THETA) + k], W[vector(P, plan.G) + k]
        to = x
        if which == FREE and not moves and g != 0.0:
            to = W[vector(P, plan.LOWER if g > 0.0 else plan.UPPER) + k]
        W[v + k], W[held + k], W[vector(P, plan.TRIAL) + k] = to - x, 0.0 if moves else 1.0, to


@noinline
def factor(P, W):
    """R of the columns that may move, with pivots, and the residual after the steps of those that are held.

    Returns how many columns they are, and their rank.
    """
    n, T, right, chosen = P[plan.N], triangle(P), vector(P, plan.RIGHT), vector(P, plan.TURN)
    norm, order, free = vector(P, plan.NORM), uint64(plan.HEAD) + TWO * n, ZERO
    move(P, W, right, column(P, n))
    for k in range(n):
        at = column(P, k)
        if W[vector(P, plan.HELD) + k] == 0.0:
            W[chosen + free] = float(k)
            for i in range(n):
                W[T + free * n + i] = W[at + i] if i <= k else 0.0
            free += ONE
        else:
            for i in range(k + ONE):
                W[right + i] += W[at + i] * W[norm + k] * W[vector(P, plan.V) + k]
    move(P, W, T + free * n, right)  # the second triangle begins there where all may move
    rank = qr.triangulate_pivoted(W, T, n, free, n, P, order)
    move(P, W, right, T + free * n)
    for j in range(free):
        k = uint64(W[chosen + P[order + j]])
        ratio = min(W[vector(P, plan.D) + k] / W[norm + k], MOST_SHRUNK) if W[norm + k] > 0.0 else 1.0
        P[order + j], W[vector(P, plan.RATIO) + j] = k, ratio
    return free, rank


@inline
def _step_length(P, W, free):
    """The norm of the step, scaled."""
    total = 0.0
    for j in range(free):
        total += (W[vector(P, plan.RATIO) + j] * W[vector(P, plan.Z) + j]) ** 2
    return sqrt(total)


@inline
def full_step(P, W, free, rank):
    """Gauss and Newton's step of the normalised parameters; returns its length."""
    z = vector(P, plan.Z)
    for j in range(rank, free):
        W[z + j] = 0.0
    qr.solve_upper(W, triangle(P), P[plan.N], vector(P, plan.RIGHT), z, rank)
    return _step_length(P, W, free)


@inline
def _damped_step(P, W, free, damping):
    """The same with damping."""
    n, z, left, ratio = P[plan.N], vector(P, plan.Z), vector(P, plan.LEFT), vector(P, plan.RATIO)
    T, damped = triangle(P), triangle(P) + n * n
    qr.damp(W, T, n, vector(P, plan.RIGHT), sqrt(damping), ratio, damped, left, vector(P, plan.TURN), free)
    qr.solve_upper(W, damped, n, left, z, free)
    return _step_length(P, W, free)


@inline
def _slope(P, W, T, free, length):
    """‖R⁻ᵀ·D²·z‖² / ‖D·z‖²: how fast damping shortens the step."""
    z, u, ratio = vector(P, plan.Z), vector(P, plan.U), vector(P, plan.RATIO)
    for j in range(free):
        W[u + j] = W[ratio + j] * (W[ratio + j] * W[z + j] / length)
    qr.solve_lower(W, T, P[plan.N], u, free)
    return qr.dot(W, u, u, free)


@inline
def _step_within(P, W, free, rank, radius, damping):
    """A step of about the radius; returns its damping, 0 where the full step is short enough. Moré's iteration."""
    length = full_step(P, W, free, rank)
    if length <= (1.0 + ROUGHLY) * radius:
        return 0.0
    n, T, low, total = P[plan.N], triangle(P), 0.0, 0.0
    if rank == free:
        low = (length - radius) / (radius * _slope(P, W, T, free, length))
    for j in range(free):
        total += (qr.dot(W, T + j * n, vector(P, plan.RIGHT), j + ONE) / W[vector(P, plan.RATIO) + j]) ** 2
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


@inline
def _stopped(P, W, free):
    """Note where the step leads; what would leave the bounds is held at them. Whether there was any."""
    z, norm, v, trial = vector(P, plan.Z), vector(P, plan.NORM), vector(P, plan.V), vector(P, plan.TRIAL)
    order, stopped = uint64(plan.HEAD) + TWO * P[plan.N], False
    for j in range(free):
        k = P[order + j]
        x, low, high = W[vector(P, plan.THETA) + k], W[vector(P, plan.LOWER) + k], W[vector(P, plan.UPPER) + k]
        W[v + k] = -W[z + j] / W[norm + k] if W[norm + k] > 0.0 else 0.0
        W[trial + k] = x + W[v + k]
        if W[trial + k] < low or W[trial + k] > high:
            W[trial + k] = low if W[trial + k] < low else high
            W[v + k], W[vector(P, plan.HELD) + k] = W[trial + k] - x, 1.0
            stopped = True
    return stopped


@noinline
def step(P, W, which, radius, damping):
    """A step within the radius and the bounds. Where it would leave bounds, it goes to them, and the rest makes up for that.

    Returns its damping, whether the columns that move have full rank, and whether it was stopped at bounds.
    """
    hold(P, W, which)
    stopped = False
    while True:
        free, rank = factor(P, W)
        damping = _step_within(P, W, free, rank, radius, damping)
        if not _stopped(P, W, free):
            return damping, rank == free, stopped
        stopped = True


@inline
def forecast(P, W):
    """What the linear model says of the step: the slope of the cost along it, and the square of the change of the residual."""
    n, v, change = P[plan.N], vector(P, plan.V), vector(P, plan.U)
    for i in range(n):
        total = 0.0
        for k in range(i, n):
            total += W[column(P, k) + i] * (W[vector(P, plan.NORM) + k] * W[v + k])
        W[change + i] = total
    return qr.dot(W, change, column(P, n), n), qr.dot(W, change, change, n)


@inline
def exchange(P, W):
    """Exchange the parameters and the trial."""
    theta, trial = vector(P, plan.THETA), vector(P, plan.TRIAL)
    for k in range(P[plan.N]):
        W[theta + k], W[trial + k] = W[trial + k], W[theta + k]
