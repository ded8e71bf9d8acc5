"""Steps: from the triangle of a Jacobian to the end of a step.

The columns of the triangle have norm one, so singularity does not depend on units. A parameter at a bound is held if the cost
decreases only outward. A parameter that would cross its bound is set to the bound, and the others compensate for it.
"""

from __future__ import annotations

from numpy import sqrt, uint64, where

from jitgrad.vm.compiler.language import after, compiled
from jitgrad.vm.kernels import qr
from jitgrad.vm.least_squares.model import ONE, ZERO, column, move

MOST_SHRUNK = 1e50
"""Maximum scale relative to the norm of its column, for which squares do not overflow."""
ROUGHLY = 0.1
"""Relative tolerance of the length of a step with respect to the radius."""
NEXT_TO = 1e-8
"""A parameter counts as being at a bound if moving it there changes the residual by less than this fraction."""
FREELY = 1e-6
"""The scale of parameters that follow the others, so small that they are not damped."""
FREE, INSIDE, LINEAR, ALL = range(4)


@compiled
def largest_cosine(problem, work, next_to):
    """Return the largest cosine of the residual with a free column; ``next_to`` as for ``_is_free``."""
    largest = 0.0
    for k in range(problem.n):
        if _is_free(problem, work, k, next_to):
            largest = max(largest, abs(work.gradient[k]))
    return largest / work.residual if largest > 0.0 else 0.0


@compiled
def _is_free(problem, work, k, next_to):
    """Return whether a parameter is free: not at a bound, or next to it, with the cost decreasing only outward.

    It is next to a bound if moving it there changes the residual by at most ``next_to``, according to its column. Where the
    model is flat, this holds for distant bounds.
    """
    x, g, norm = work.theta[k], work.gradient[k], work.norms[k]
    above, below = x - work.lower[k], work.upper[k] - x
    if g == 0.0:
        return above > 0.0 and below > 0.0
    room = where(g > 0.0, above, below)  # no branch, because signs of gradients are unpredictable
    return room > 0.0 and not norm * room <= next_to * work.residual


@compiled
def all_free(problem, work, next_to):
    """Return whether all parameters are free; ``next_to`` as for ``_is_free``."""
    free = ZERO
    while free < problem.n and _is_free(problem, work, free, next_to):
        free += ONE
    return free == problem.n


@compiled
def rescale(problem, work, kept):
    """Set scales to the norms of the columns of the Jacobian, but at least to ``kept`` times their previous values."""
    for k in range(problem.n):
        work.scales[k] = max(kept * work.scales[k], work.norms[k])
        if work.follows and problem.linear[k] != ZERO:
            work.scales[k] = FREELY * work.norms[k]


@compiled
def scaled_norm(problem, work, scales, x):
    """Return the scaled norm of a vector."""
    square = 0.0
    for k in range(problem.n):
        work.scratch[k] = scales[k] * x[k]
        square += work.scratch[k] * work.scratch[k]
    return sqrt(square) if 1e-280 < square < 1e300 else qr.norm(work.scratch, problem.n)


@compiled
def hold(problem, work, which):
    """Begin a step in which the parameters that are FREE, INSIDE their bounds, LINEAR or ALL may move.

    The others are held at their values, or at the bound next to it.
    """
    for k in range(problem.n):
        next_to = NEXT_TO if which == FREE else 0.0
        moves = which == ALL or (problem.linear[k] != ZERO if which == LINEAR else _is_free(problem, work, k, next_to))
        x, g = work.theta[k], work.gradient[k]
        to = x
        if which == FREE and not moves and g != 0.0:
            to = work.lower[k] if g > 0.0 else work.upper[k]
        work.step[k], work.held[k], work.trial[k] = to - x, uint64(not moves), to


@compiled
def factor(problem, work):
    """Compute R of the free columns, with pivoting, and the residual after the steps of held parameters.

    Return the number of these columns, and their rank.
    """
    n, T, right, chosen, order, free = problem.n, work.triangle, work.right, work.chosen, work.order, ZERO
    move(right, work.residuals, n)
    for k in range(n):
        at = column(problem, work, k)
        if work.held[k] == ZERO:
            chosen[free] = k
            for i in range(n):
                T[free * n + i] = at[i] if i <= k else 0.0
            free += ONE
        else:
            for i in range(k + ONE):
                right[i] += at[i] * work.norms[k] * work.step[k]
    move(after(T, free * n), right, n)
    rank = qr.triangulate_pivoted(T, n, free, n, order)
    move(right, after(T, free * n), n)
    for j in range(free):
        k = chosen[order[j]]
        order[j] = k
        work.ratios[j] = min(work.scales[k] / work.norms[k], MOST_SHRUNK) if work.norms[k] > 0.0 else 1.0
    return free, rank


@compiled
def _step_length(work, free):
    """Return the scaled norm of the step."""
    total = 0.0
    for j in range(free):
        total += (work.ratios[j] * work.scaled[j]) ** 2
    return sqrt(total)


@compiled
def full_step(problem, work, free, rank):
    """Compute the Gauss-Newton step of the normalized parameters; return its length."""
    for j in range(rank, free):
        work.scaled[j] = 0.0
    qr.solve_upper(work.triangle, problem.n, work.right, work.scaled, rank)
    return _step_length(work, free)


@compiled
def _damped_step(problem, work, free, damping):
    """Compute the damped step."""
    n, damped, right = problem.n, work.damped, work.damped_right
    qr.damp(work.triangle, n, work.right, sqrt(damping), work.ratios, damped, right, work.scratch, free)
    qr.solve_upper(damped, n, right, work.scaled, free)
    return _step_length(work, free)


@compiled
def _slope(problem, work, T, free, length):
    """Return ‖R⁻ᵀ·D²·z‖² / ‖D·z‖²: the rate at which damping shortens the step."""
    u, ratios = work.scratch, work.ratios
    for j in range(free):
        u[j] = ratios[j] * (ratios[j] * work.scaled[j] / length)
    qr.solve_lower(T, problem.n, u, free)
    return qr.dot(u, u, free)


@compiled
def _step_within(problem, work, free, rank, radius, damping):
    """Compute a step of about the radius by Moré's iteration; return its damping, 0 if the full step is short enough."""
    length = full_step(problem, work, free, rank)
    if length <= (1.0 + ROUGHLY) * radius:
        return 0.0
    n, T, low, total = problem.n, work.triangle, 0.0, 0.0
    if rank == free:
        low = (length - radius) / (radius * _slope(problem, work, T, free, length))
    for j in range(free):
        total += (qr.dot(after(T, j * n), work.right, j + ONE) / work.ratios[j]) ** 2
    high = sqrt(total) / radius
    following = min(max(damping, low), high)
    if following == 0.0:
        following = sqrt(total) / length
    for _ in range(10):
        damping = following if following > 0.0 else max(1e-300, 0.001 * high)
        before = length - radius
        length = _damped_step(problem, work, free, damping)
        off = length - radius
        if abs(off) <= ROUGHLY * radius or (low == 0.0 and off <= before and before < 0.0):
            break
        change = off / (radius * _slope(problem, work, work.damped, free, length))
        if off > 0.0:
            low = max(low, damping)
        else:
            high = min(high, damping)
        following = max(low, damping + change)
    return damping


@compiled
def _stopped(problem, work, free):
    """Record the end of the step; hold parameters that would cross their bounds. Return whether there are any."""
    step, trial, stopped = work.step, work.trial, False
    for j in range(free):
        k = work.order[j]
        x, low, high = work.theta[k], work.lower[k], work.upper[k]
        step[k] = -work.scaled[j] / work.norms[k] if work.norms[k] > 0.0 else 0.0
        trial[k] = x + step[k]
        if trial[k] < low or trial[k] > high:
            trial[k] = low if trial[k] < low else high
            step[k], work.held[k] = trial[k] - x, ONE
            stopped = True
    return stopped


@compiled
def make_step(problem, work, which, radius, damping):
    """Compute a step within the radius and the bounds.

    Parameters that would cross their bounds are set to them, and the others compensate.

    Return its damping, whether the free columns have full rank, and whether it was stopped at bounds.
    """
    hold(problem, work, which)
    stopped = False
    while True:
        free, rank = factor(problem, work)
        damping = _step_within(problem, work, free, rank, radius, damping)
        if not _stopped(problem, work, free):
            return damping, rank == free, stopped
        stopped = True


@compiled
def forecast(problem, work):
    """Return the linear model's predictions for the step: slope of the cost, and squared change of the residual."""
    n, change = problem.n, work.scratch
    for i in range(n):
        total = 0.0
        for k in range(i, n):
            total += column(problem, work, k)[i] * (work.norms[k] * work.step[k])
        change[i] = total
    return qr.dot(change, work.residuals, n), qr.dot(change, change, n)


@compiled
def take_step(problem, work):
    """Make the requested step, and record its properties."""
    work.damping, work.full, work.stopped = make_step(problem, work, FREE, work.within, work.damping)
    note_step(problem, work)


@compiled
def note_step(problem, work):
    """Record the length of the step, and the predictions of the linear model."""
    work.length = scaled_norm(problem, work, work.scales, work.step)
    work.slope, work.square = forecast(problem, work)


@compiled
def exchange(problem, work):
    """Swap the parameters and the trial."""
    theta, trial = work.theta, work.trial
    for k in range(problem.n):
        theta[k], trial[k] = trial[k], theta[k]
