"""Steps: from the triangle of a Jacobian to where a step leads.

The columns of the triangle have norm one: what is singular does not depend on units. A parameter at a bound from which the cost
falls outwards only stays there, and one that a step would take beyond goes to its bound, for which the others make up.
"""

from __future__ import annotations

from numpy import sqrt, uint64, where

from jitgrad.vm.compiler.language import after, compiled
from jitgrad.vm.kernels import qr
from jitgrad.vm.least_squares.model import ONE, ZERO, column, move

MOST_SHRUNK = 1e50
"""A scale beside the norm of its column, at most, so that squares are floats."""
ROUGHLY = 0.1
"""How far a step's length is from the radius."""
NEXT_TO = 1e-8
"""How far from its bound a parameter is taken for one at it: what that changes beside the residual."""
FREELY = 1e-6
"""The scale of parameters that follow the others: hardly any, so that they are damped by nothing."""
FREE, INSIDE, LINEAR, ALL = range(4)


@compiled
def largest_cosine(problem, work, next_to):
    """Of the residual and a column that may move; ``next_to`` as for ``_is_free``."""
    largest = 0.0
    for k in range(problem.n):
        if _is_free(problem, work, k, next_to):
            largest = max(largest, abs(work.gradient[k]))
    return largest / work.residual if largest > 0.0 else 0.0


@compiled
def _is_free(problem, work, k, next_to):
    """Whether a parameter may move: not at a bound, or next to it, from which the cost falls outwards only.

    A bound is next to it where to go there changes ``next_to`` of the residual at most, as the column says. Where the model is
    flat, that is so of bounds that are far.
    """
    x, g, norm = work.theta[k], work.gradient[k], work.norms[k]
    above, below = x - work.lower[k], work.upper[k] - x
    if g == 0.0:
        return above > 0.0 and below > 0.0
    room = where(g > 0.0, above, below)  # no branch: no processor predicts the signs of gradients
    return room > 0.0 and not norm * room <= next_to * work.residual


@compiled
def all_free(problem, work, next_to):
    """Whether all parameters may move; ``next_to`` as for ``_is_free``."""
    free = ZERO
    while free < problem.n and _is_free(problem, work, free, next_to):
        free += ONE
    return free == problem.n


@compiled
def rescale(problem, work, kept):
    """The scale of a parameter is the norm of its column of the Jacobian; of what it was before, ``kept`` stays at least."""
    for k in range(problem.n):
        work.scales[k] = max(kept * work.scales[k], work.norms[k])
        if work.follows and problem.linear[k] != ZERO:
            work.scales[k] = FREELY * work.norms[k]


@compiled
def scaled_norm(problem, work, scales, x):
    """The norm of a vector, scaled."""
    square = 0.0
    for k in range(problem.n):
        work.scratch[k] = scales[k] * x[k]
        square += work.scratch[k] * work.scratch[k]
    return sqrt(square) if 1e-280 < square < 1e300 else qr.norm(work.scratch, problem.n)


@compiled
def hold(problem, work, which):
    """Begin a step: parameters that are FREE, INSIDE their bounds, LINEAR or ALL may move.

    The others are held where they are, or at the bound next to it.
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
    """R of the columns that may move, with pivots, and the residual after the steps of those that are held.

    Returns how many columns they are, and their rank.
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
    """The norm of the step, scaled."""
    total = 0.0
    for j in range(free):
        total += (work.ratios[j] * work.scaled[j]) ** 2
    return sqrt(total)


@compiled
def full_step(problem, work, free, rank):
    """Gauss and Newton's step of the normalised parameters; returns its length."""
    for j in range(rank, free):
        work.scaled[j] = 0.0
    qr.solve_upper(work.triangle, problem.n, work.right, work.scaled, rank)
    return _step_length(work, free)


@compiled
def _damped_step(problem, work, free, damping):
    """The same with damping."""
    n, damped, right = problem.n, work.damped, work.damped_right
    qr.damp(work.triangle, n, work.right, sqrt(damping), work.ratios, damped, right, work.scratch, free)
    qr.solve_upper(damped, n, right, work.scaled, free)
    return _step_length(work, free)


@compiled
def _slope(problem, work, T, free, length):
    """‖R⁻ᵀ·D²·z‖² / ‖D·z‖²: how fast damping shortens the step."""
    u, ratios = work.scratch, work.ratios
    for j in range(free):
        u[j] = ratios[j] * (ratios[j] * work.scaled[j] / length)
    qr.solve_lower(T, problem.n, u, free)
    return qr.dot(u, u, free)


@compiled
def _step_within(problem, work, free, rank, radius, damping):
    """A step of about the radius; returns its damping, 0 where the full step is short enough. Moré's iteration."""
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
    """Note where the step leads; what would leave the bounds is held at them. Whether there was any."""
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
    """A step within the radius and the bounds. Where it would leave bounds, it goes to them, and the rest makes up for that.

    Returns its damping, whether the columns that move have full rank, and whether it was stopped at bounds.
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
    """What the linear model says of the step: the slope of the cost along it, and the square of the change of the residual."""
    n, change = problem.n, work.scratch
    for i in range(n):
        total = 0.0
        for k in range(i, n):
            total += column(problem, work, k)[i] * (work.norms[k] * work.step[k])
        change[i] = total
    return qr.dot(change, work.residuals, n), qr.dot(change, change, n)


@compiled
def take_step(problem, work):
    """Make the step that was asked for, and note what it says."""
    work.damping, work.full, work.stopped = make_step(problem, work, FREE, work.within, work.damping)
    note_step(problem, work)


@compiled
def note_step(problem, work):
    """Note the length of the step, and what the linear model says of it."""
    work.length = scaled_norm(problem, work, work.scales, work.step)
    work.slope, work.square = forecast(problem, work)


@compiled
def exchange(problem, work):
    """Exchange the parameters and the trial."""
    theta, trial = work.theta, work.trial
    for k in range(problem.n):
        theta[k], trial[k] = trial[k], theta[k]
