"""The end of a fit: full steps while they improve the fit, and the decision whether it converged.

Near a minimum, the cost is flat to half of its digits, but the gradient is not. Undamped steps, which depend on the gradient,
determine the remaining digits. However the steps ended, a fit converged only if its last Jacobian confirms it, see
``conclude``.
"""

from __future__ import annotations

from numpy import inf, sqrt, uint64

from jitgrad.vm.compiler.language import compiled
from jitgrad.vm.kernels import qr
from jitgrad.vm.least_squares import codes, steps
from jitgrad.vm.least_squares.model import ONE, ZERO, ask, ask_for_step, column, end_fit, go_to
from jitgrad.vm.least_squares.trust_region import PATIENCE

FULL_STEPS, SHORTER = 60, 0.8
"""Maximum number of undamped steps at the end, and the factor by which each must be shorter than the previous one."""
RISE, LED_ON = 1e-12, 1e-6
"""Allowed increase of the cost by a step besides its rounding errors, and decrease that counts as progress, both relative."""
SMALL = 1e-11
"""A step below this fraction of the parameters is the last one."""
SHORTEST, LONGEST = 0.03, 4.0
"""Bounds of the factor by which a full step is stretched."""
BACK, MOST_OVERSHOT = -0.9, 20.0
"""Maximum cosine between a step and the last one if it leads back, and maximum ratio of their lengths in this case."""
RIGHT_ANGLE = 10.0
"""Maximum cosine, in units of √FTOL, at which a residual counts as orthogonal to the columns.

At a cosine of √FTOL, full steps would lower the cost by a fraction FTOL.
"""
EPSILON = 2.0**-52
DETERMINED = 1e-12
"""Pivots below this fraction of the largest are considered rounding errors."""
PROBE, BENDS = 1e-3, 1e-12
"""Length of a probe relative to each parameter, also its maximum relative effect on the cost; and the minimum effect."""


@compiled
def polish(problem, work):
    """Try a full step.

    Full steps continue for as long as each is shorter than the previous one and the cost stays equal up to rounding. If
    residuals are large, such steps shrink slowly, by a constant factor, or they overshoot and the next one leads back. The
    factor is estimated from two steps, and the next step is stretched to the sum of all that would follow. (Anderson
    acceleration of depth one; Walker and Ni, "Anderson acceleration for fixed-point iterations", 2011.) The Jacobian is
    computed at the current parameters, both before and after the step.
    """
    work.follows = False
    steps.rescale(problem, work, 0.0)
    ask_for_step(work, inf, 0.0, codes.STEPPED_FULLY)


@compiled
def stepped_fully(problem, work):
    """Evaluate the full step if it is shorter than the last one or leads back, and is longer than the required precision."""
    last, small, precise, along = work.last_length, True, problem.xtol > SMALL, 0.0
    for k in range(problem.n):
        step, x = abs(work.step[k]), abs(work.theta[k])
        small, precise = small and step <= SMALL * x, precise and step <= problem.xtol * x
    enough = problem.ftol > LED_ON and -work.slope - 0.5 * work.square <= problem.ftol * work.cost
    if last < inf:
        along = _along_last(problem, work)
    overshot = along < 0.0 and along * last < BACK * work.length and work.length < MOST_OVERSHOT * last
    helps = work.full and (work.length < SHORTER * last or overshot) and not (precise or enough)
    if not helps or work.nfev >= problem.max_nfev:
        go_to(work, codes.CONCLUDING)
        return
    work.short = small
    work.stretch = _stretched(problem, work, 0.0 if last == inf else work.stretch, along)
    ask(work, codes.VALUE, work.trial, codes.TRIED_FULLY)


@compiled
def _along_last(problem, work):
    """Return the component of this full step along the last one, relative to the last one; negative if that one overshot."""
    product, square = 0.0, 0.0
    for k in range(problem.n):
        d = work.scales[k]
        product += d * work.step[k] * d * work.last_step[k]
        square += d * work.last_step[k] * d * work.last_step[k]
    return product / square if square > 0.0 else 1.0


@compiled
def _stretched(problem, work, before, along):
    """Stretch the step and return the factor, estimated from the last step and its factor ``before`` (0 if there is none)."""
    stretch = min(max(before / (1.0 - along), SHORTEST), LONGEST) if before > 0.0 and along < 1.0 else 1.0
    for k in range(problem.n):
        x = work.theta[k] + stretch * work.step[k]
        work.last_step[k] = work.step[k]
        work.trial[k] = min(max(x, work.lower[k]), work.upper[k])
    return stretch


@compiled
def _noise(problem, work):
    """Return the norm of the rounding errors of the response and the parameters in a residual."""
    size = steps.scaled_norm(problem, work, work.norms, work.theta)
    return sqrt(2.0 * work.exact_cost) + 8.0 * EPSILON * size


@compiled
def judge_fully(problem, work):
    """Accept the full step unless the cost increases."""
    cost, work.last_length = work.cost, work.length
    if work.new_cost <= cost * (1.0 + RISE) + sqrt(2.0 * cost) * _noise(problem, work):
        work.led_to = work.new_cost
        steps.exchange(problem, work)
        ask(work, codes.DERIVATIVES, work.theta, codes.THERE_FULLY)
    else:
        go_to(work, codes.CONCLUDING)


@compiled
def arrive_fully(problem, work):
    """Accept the point if its derivatives are finite."""
    if not work.finite:
        steps.exchange(problem, work)
        ask(work, codes.BOTH, work.theta, codes.CONCLUDING)
        return
    work.cost = work.led_to
    work.full_turns += ONE
    go_to(work, codes.CONCLUDING if work.short or work.full_turns == uint64(FULL_STEPS) else codes.POLISHING)


@compiled
def conclude(problem, work):
    """End the fit if the Jacobian at the parameters confirms a minimum.

    Otherwise continue: from scratch if the steps so far made progress, or by probing the curvature of the cost.
    """
    cosine, status = steps.largest_cosine(problem, work, 0.0), work.status
    if work.cost <= work.exact_cost:
        end_fit(work, codes.EXACT)
        return
    most = 1.0 - max(LED_ON, problem.ftol)
    led_on, left = work.cost < most * work.reached_cost, work.nfev < problem.max_nfev
    right = cosine <= problem.gtol or _is_at_right_angles(problem, work)
    if right and (not led_on or not left):
        end_fit(work, codes.BY_GRADIENT if status in (codes.TOO_MANY, codes.EXACT) else status)
    elif not left:
        end_fit(work, codes.TOO_MANY)
    elif led_on or work.cost < most * work.begun_cost:
        go_to(work, codes.DESCENDING)
    else:
        _probe(problem, work)


@compiled
def _beyond(work, x, pivot):
    """Return the square of the part of a component of the residual along the columns that exceeds rounding errors."""
    beyond = max(abs(x) - 8.0 * EPSILON / pivot * work.residual, 0.0)
    return beyond * beyond


@compiled
def _is_at_right_angles(problem, work):
    """Return whether the residual is orthogonal to the columns of the free parameters, or the full step is short.

    Rounding errors of the response and the parameters, and nearly dependent directions, are disregarded.
    """
    n, T, square, most = problem.n, work.triangle, 0.0, RIGHT_ANGLE * sqrt(problem.ftol) * work.residual + _noise(problem, work)
    if work.fair and steps.all_free(problem, work, 0.0):
        for j in range(n):
            square += _beyond(work, work.residuals[j], abs(column(problem, work, j)[j]))
        if sqrt(square) <= most:
            return True
        square = 0.0
    steps.hold(problem, work, steps.INSIDE)
    free, rank = steps.factor(problem, work)
    size = steps.scaled_norm(problem, work, work.norms, work.theta)
    for j in range(rank):
        pivot = abs(T[j * n + j]) / abs(T[ZERO])
        if pivot > DETERMINED:
            square += _beyond(work, work.right[j], pivot)
    if sqrt(square) <= most:
        return True
    steps.full_step(problem, work, free, rank)
    return rank == free and sqrt(qr.dot(work.scaled, work.scaled, free)) <= problem.xtol * size


@compiled
def _probe(problem, work):
    """Probe whether the cost is convex along the full step and its minimum along it is not lower.

    This is the case in minima where the Jacobian is singular or nearly so, which angles cannot distinguish from a valley.
    """
    step, share = work.step, 1.0
    steps.rescale(problem, work, 0.0)
    _, _full, stopped = steps.make_step(problem, work, steps.FREE, inf, 0.0)
    for k in range(problem.n):
        if step[k] != 0.0:
            share = min(share, PROBE * abs(work.theta[k] / step[k]))
    if stopped or not share > 0.0:
        _give_up(problem, work)
        return
    for k in range(problem.n):
        step[k] *= share
        work.trial[k] = work.theta[k] + step[k]
    work.slope, _ = steps.forecast(problem, work)
    ask(work, codes.VALUE, work.trial, codes.PROBED)


@compiled
def probed(problem, work):
    """Evaluate the probe: the cost along the step is cost + slope · t + bend · t²."""
    cost, slope = work.cost, work.slope
    bend = work.new_cost - cost - slope
    lowest = RIGHT_ANGLE * RIGHT_ANGLE * problem.ftol * cost
    if BENDS * cost < bend < PROBE * cost and slope * slope <= 4.0 * bend * lowest:  # a minimum
        end_fit(work, work.status)
    else:
        _give_up(problem, work)


@compiled
def _give_up(problem, work):
    """If no step lowers the cost, start solving for the linear parameters after each step, or end if this is already done."""
    if work.turns < uint64(PATIENCE) and ZERO < problem.n_linear < problem.n:
        work.turns = uint64(PATIENCE)
        go_to(work, codes.DESCENDING)
    else:
        end_fit(work, codes.STUCK)
