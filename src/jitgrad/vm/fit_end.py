"""The end of a fit: full steps for as long as they help, and what may then be said (``least_squares.py``).

A cost is flat to half of its digits at its minimum, the gradient is not: undamped steps, which go by it, find the others.
However the steps ended, a fit says that it converged only where the last Jacobian does, see ``conclude``.
"""

from __future__ import annotations

from numpy import inf, sqrt, uint64

from jitgrad.vm import fit_plan as plan
from jitgrad.vm.fit_descent import PATIENCE
from jitgrad.vm.fit_model import ONE, ZERO, ask, end_fit, go_to, triangle, vector
from jitgrad.vm.fit_steps import (
    FREE,
    INSIDE,
    exchange,
    factor,
    forecast,
    full_step,
    gradient,
    hold,
    how_many_linear,
    largest_cosine,
    rescale,
    scaled_norm,
    step,
)  # fmt: skip
from jitgrad.vm.jit import inline
from jitgrad.vm.kernels import qr

FULL_STEPS, SHORTER = 60, 0.8
"""Undamped steps in the end, and how much shorter than the last each has to be."""
RISE, LED_ON = 1e-12, 1 - 1e-6
"""Of the cost with such a step, beside its rounding errors; and what is left of it after some that led on."""
SMALL = 1e-11
"""Of such a step beside the parameters: it is the last."""
LONGEST = 4.0
"""What a full step is stretched by, at most."""
RIGHT_ANGLE = 10.0
"""Cosine of a residual that is at right angles to the columns, beside the root of FTOL: full steps would lower the cost by
FTOL of it at a cosine of one such root."""
EPSILON = 2.0**-52
DETERMINED = 1e-12
"""A pivot beside the largest: what smaller ones say is rounding."""
PROBE, BENDS = 1e-3, 1e-12
"""A step that asks how the cost bends, beside each parameter, and how much of the cost it changes at most; and at least."""


# Full steps at the end.


@inline
def polish(P, W):
    """Try a full step. They go on for as long as each is shorter than the one before and the cost stays, to rounding.

    Where residuals are large such steps become shorter by a factor, slowly: it is estimated from two of them, and the next one
    is as long as all that would follow. (Anderson's acceleration of depth one; Walker and Ni, "Anderson acceleration for
    fixed-point iterations", 2011.) The Jacobian in the room is that at the parameters, before and after.
    """
    theta, v, last, small = vector(P, plan.THETA), vector(P, plan.V), W[plan.LAST_LENGTH], True
    gradient(P, W)
    P[plan.FOLLOWS] = ZERO
    rescale(P, W, 0.0)
    _, full, _stopped_at_bounds = step(P, W, FREE, inf, 0.0)
    W[plan.LENGTH] = scaled_norm(P, W, vector(P, plan.D), v)
    if not full or not W[plan.LENGTH] < SHORTER * last or W[plan.VALUES] >= W[plan.MOST]:
        go_to(P, plan.CONCLUDING)
        return
    for k in range(P[plan.N]):
        small = small and abs(W[v + k]) <= SMALL * abs(W[theta + k])
    P[plan.SHORT] = uint64(small)
    W[plan.STRETCH] = _stretched(P, W, 0.0 if last == inf else W[plan.STRETCH])
    ask(P, W, plan.VALUE, plan.TRIAL, plan.TRIED_FULLY)


@inline
def _stretched(P, W, before):
    """Stretch the step by what the last one says, which was stretched by ``before``, 0 if there was none. Returns by what."""
    v, last, product, square = vector(P, plan.V), vector(P, plan.LAST), 0.0, 0.0
    for k in range(P[plan.N]):
        d = W[vector(P, plan.D) + k]
        product += d * W[v + k] * d * W[last + k]
        square += d * W[last + k] * d * W[last + k]
    stretch = 1.0
    if before > 0.0 and product < square:
        stretch = min(max(before / (1.0 - product / square), 0.5), LONGEST)
    for k in range(P[plan.N]):
        W[last + k] = W[v + k]
        x = W[vector(P, plan.THETA) + k] + stretch * W[v + k]
        W[vector(P, plan.TRIAL) + k] = min(max(x, W[vector(P, plan.LOWER) + k]), W[vector(P, plan.UPPER) + k])
    return stretch


@inline
def _noise(P, W):
    """The norm of what rounding of the response and of the parameters makes of a residual."""
    size = scaled_norm(P, W, vector(P, plan.NORM), vector(P, plan.THETA))
    return sqrt(2.0 * W[plan.EXACT_COST]) + 8.0 * EPSILON * size


@inline
def judge_fully(P, W):
    """Go to where a full step led unless the cost rises."""
    cost, W[plan.LAST_LENGTH] = W[plan.COST], W[plan.LENGTH]
    if W[plan.NEW] <= cost * (1.0 + RISE) + sqrt(2.0 * cost) * _noise(P, W):
        W[plan.LED_TO] = W[plan.NEW]
        exchange(P, W)
        ask(P, W, plan.DERIVATIVES, plan.THETA, plan.THERE_FULLY)
    else:
        go_to(P, plan.CONCLUDING)


@inline
def arrive_fully(P, W):
    """Stay there if the derivatives are finite."""
    if P[plan.FINITE] == ZERO:
        exchange(P, W)
        ask(P, W, plan.BOTH, plan.THETA, plan.CONCLUDING)
        return
    W[plan.COST] = W[plan.LED_TO]
    P[plan.FULL_TURNS] += ONE
    go_to(P, plan.CONCLUDING if P[plan.SHORT] != ZERO or P[plan.FULL_TURNS] == uint64(FULL_STEPS) else plan.POLISHING)


# The end.


@inline
def conclude(P, W):
    """End the fit if the Jacobian in the room, that at the parameters, says that they are a minimum.

    Else go on from there: as if anew where the steps so far led down, or by a look at how the cost bends.
    """
    gradient(P, W)
    cosine, status = largest_cosine(P, W, 0.0), W[plan.STATUS]
    if W[plan.COST] <= W[plan.EXACT_COST]:
        end_fit(P, W, plan.EXACT)
        return
    led_on, left = W[plan.COST] < LED_ON * W[plan.REACHED], W[plan.VALUES] < W[plan.MOST]
    right = cosine <= W[plan.GTOL] or _is_at_right_angles(P, W)
    if right and (not led_on or not left):
        end_fit(P, W, plan.BY_GRADIENT if status == float(plan.TOO_MANY) or status == float(plan.EXACT) else uint64(status))
    elif not left:
        end_fit(P, W, plan.TOO_MANY)
    elif led_on or W[plan.COST] < LED_ON * W[plan.BEGUN]:
        go_to(P, plan.DESCENDING)
    else:
        _probe(P, W)


@inline
def _is_at_right_angles(P, W):
    """Whether the residual is at right angles to the columns of the parameters that may move, or what is left is rounding: that
    of the response, of the parameters, and in directions that the columns hardly have. Or the full step is short."""
    n, T, theta, norm, right = P[plan.N], triangle(P), vector(P, plan.THETA), vector(P, plan.NORM), vector(P, plan.RIGHT)
    hold(P, W, INSIDE)
    free, rank = factor(P, W)
    square, size, z = 0.0, scaled_norm(P, W, norm, theta), vector(P, plan.Z)
    for j in range(rank):
        pivot = abs(W[T + j * n + j]) / abs(W[T])
        if pivot > DETERMINED:
            beyond = max(abs(W[right + j]) - 8.0 * EPSILON / pivot * W[plan.RESIDUAL], 0.0)
            square += beyond * beyond
    if sqrt(square) <= RIGHT_ANGLE * sqrt(W[plan.FTOL]) * W[plan.RESIDUAL] + _noise(P, W):
        return True
    full_step(P, W, free, rank)
    return rank == free and sqrt(qr.dot(W, z, z, free)) <= W[plan.XTOL] * size


@inline
def _probe(P, W):
    """Look whether the cost bends up along the full step, so that its minimum along it is no lower.

    So it is in minima where the Jacobian is singular or nearly so, which no angle tells from a valley.
    """
    theta, v, trial, share = vector(P, plan.THETA), vector(P, plan.V), vector(P, plan.TRIAL), 1.0
    rescale(P, W, 0.0)
    _, _full, stopped = step(P, W, FREE, inf, 0.0)
    for k in range(P[plan.N]):
        if W[v + k] != 0.0:
            share = min(share, PROBE * abs(W[theta + k] / W[v + k]))
    if stopped or not share > 0.0:
        _give_up(P, W)
        return
    for k in range(P[plan.N]):
        W[v + k] *= share
        W[trial + k] = W[theta + k] + W[v + k]
    W[plan.SLOPE], _ = forecast(P, W)
    ask(P, W, plan.VALUE, plan.TRIAL, plan.PROBED)


@inline
def probed(P, W):
    """The cost along the step is cost + slope · t + bend · t²."""
    cost, slope = W[plan.COST], W[plan.SLOPE]
    bend = W[plan.NEW] - cost - slope
    lowest = RIGHT_ANGLE * RIGHT_ANGLE * W[plan.FTOL] * cost
    is_minimum = BENDS * cost < bend < PROBE * cost and slope * slope <= 4.0 * bend * lowest
    if is_minimum:
        end_fit(P, W, uint64(W[plan.STATUS]))
    else:
        _give_up(P, W)


@inline
def _give_up(P, W):
    """No step lowers the cost: let linear parameters follow the others if they did not yet, else end."""
    if P[plan.TURNS] < uint64(PATIENCE) and ZERO < how_many_linear(P) < P[plan.N]:
        P[plan.TURNS] = uint64(PATIENCE)
        go_to(P, plan.DESCENDING)
    else:
        end_fit(P, W, plan.STUCK)
