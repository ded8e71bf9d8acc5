"""Steps of a fit in a trust region, down to its minimum to within the tolerances (``least_squares.py``).

Where many steps did not come to an end, the fit is in a curved valley. Parameters in which the model is linear then follow the
others: no step damps them, and where it leads they are solved for (variable projection; Golub and Pereyra, 1973, in the form of
Ruhe and Wedin, 1980). That straightens most valleys.
"""

from __future__ import annotations

from numpy import inf, sqrt, uint64

from jitgrad.vm import fit_plan as plan
from jitgrad.vm.fit_model import ONE, ZERO, ask, end_fit, go_to, move, rounding, vector
from jitgrad.vm.fit_steps import (
    FREE,
    LINEAR,
    NEXT_TO,
    exchange,
    forecast,
    gradient,
    how_many_linear,
    is_linear,
    largest_cosine,
    rescale,
    scaled_norm,
    step,
)  # fmt: skip
from jitgrad.vm.jit import inline

FIRST_RADIUS, LEAST_RADIUS = 0.1, 1e-2
"""Of the first step, beside the parameters: larger ones end more often in other minima, or where the model is flat. And, for
parameters that start next to zero, beside the residual."""
ACCEPTED = 1e-4
"""Of the fall of the cost that the linear model foretells, what a step has to bring."""
PATIENCE = 200
"""How many steps are tried before linear parameters follow the others."""


@inline
def started(P, W, A):
    W[plan.COST] = W[plan.NEW]
    if not W[plan.COST] < inf:
        end_fit(P, W, plan.NOT_FINITE)
        return
    W[plan.EXACT_COST] = rounding(P, W, A)
    solves = P[plan.SOLVES] != ZERO and how_many_linear(P) > ZERO and W[plan.VALUES] < W[plan.MOST]
    ask(P, W, plan.DERIVATIVES, plan.THETA, plan.SOLVING if solves else plan.DESCENDING)


@inline
def solve_linear(P, W):
    """A full step of the parameters in which the model is linear."""
    if P[plan.FINITE] == ZERO:
        end_fit(P, W, plan.NO_DERIVATIVE)
        return
    rescale(P, W, 0.0)
    step(P, W, LINEAR, inf, 0.0)
    ask(P, W, plan.VALUE, plan.TRIAL, plan.SOLVED)


@inline
def solved(P, W):
    if W[plan.NEW] < W[plan.COST]:
        exchange(P, W)
        W[plan.COST] = W[plan.NEW]
        ask(P, W, plan.DERIVATIVES, plan.THETA, plan.DESCENDING)
    else:
        ask(P, W, plan.BOTH, plan.THETA, plan.DESCENDING)


# Steps in a trust region, down to the minimum to within the tolerances.


@inline
def descend(P, W):
    """Begin them, as if there had been none."""
    if P[plan.FINITE] == ZERO:
        end_fit(P, W, plan.NO_DERIVATIVE)
        return
    rescale(P, W, 0.0)
    far = FIRST_RADIUS * scaled_norm(P, W, vector(P, plan.D), vector(P, plan.THETA))
    W[plan.RADIUS], W[plan.DAMPING] = max(far, LEAST_RADIUS * sqrt(2.0 * W[plan.COST])), 0.0
    W[plan.BEGUN], P[plan.ACCEPTED], P[plan.FIRST_STEP] = W[plan.COST], ONE, ONE
    go_to(P, plan.TRYING)


@inline
def try_step(P, W):
    """Try a step from where the Jacobian in the room is that at the parameters."""
    theta, v, norm = vector(P, plan.THETA), vector(P, plan.V), vector(P, plan.NORM)
    if P[plan.ACCEPTED] != ZERO:
        gradient(P, W)
        cosine = largest_cosine(P, W, NEXT_TO)
        if W[plan.COST] <= W[plan.EXACT_COST] or cosine <= W[plan.GTOL]:
            _settle(P, W, plan.EXACT if W[plan.COST] <= W[plan.EXACT_COST] else plan.BY_GRADIENT)
            return
    if W[plan.VALUES] >= W[plan.MOST]:
        _settle(P, W, plan.TOO_MANY)
        return
    if P[plan.TURNS] == uint64(PATIENCE):
        P[plan.FOLLOWS] = uint64(ZERO < how_many_linear(P) < P[plan.N])
        rescale(P, W, 1.0)
    P[plan.TURNS] += ONE
    damping, _, stopped = step(P, W, FREE, W[plan.RADIUS], W[plan.DAMPING])
    slope, square = forecast(P, W)
    W[plan.DAMPING], W[plan.LENGTH] = damping, scaled_norm(P, W, vector(P, plan.D), v)
    W[plan.SLOPE], W[plan.EXPECTED] = slope, -slope - 0.5 * square
    P[plan.SHORT] = uint64(scaled_norm(P, W, norm, v) <= W[plan.XTOL] * scaled_norm(P, W, norm, theta))
    P[plan.STOPPED] = uint64(stopped)
    if P[plan.FOLLOWS] == ZERO:
        ask(P, W, plan.VALUE, plan.TRIAL, plan.TRIED)
    else:
        _look_where_it_leads(P, W)


@inline
def _look_where_it_leads(P, W):
    """Have the Jacobian computed at the trial, its linear parameters 0: what is then solved for has all of its digits."""
    theta, trial = vector(P, plan.THETA), vector(P, plan.TRIAL)
    move(P, W, vector(P, plan.SAVED), theta)
    for k in range(P[plan.N]):
        x = 0.0 if is_linear(P, k) else W[trial + k]
        W[theta + k] = min(max(x, W[vector(P, plan.LOWER) + k]), W[vector(P, plan.UPPER) + k])
    W[plan.VALUES] += 1.0
    ask(P, W, plan.BOTH, plan.THETA, plan.FOLLOWED)


@inline
def follow(P, W):
    """Solve for the linear parameters of the trial. The parameters are those before again, and their Jacobian is not there."""
    finite = P[plan.FINITE] != ZERO
    if finite:
        step(P, W, LINEAR, inf, 0.0)
    move(P, W, vector(P, plan.THETA), vector(P, plan.SAVED))
    W[plan.NEW] = inf
    if finite and W[plan.VALUES] < W[plan.MOST]:
        ask(P, W, plan.VALUE, plan.TRIAL, plan.TRIED)
    else:
        go_to(P, plan.TRIED)


@inline
def judge(P, W):
    """Go to the trial, or stay."""
    cost, new, expected = W[plan.COST], W[plan.NEW], W[plan.EXPECTED]
    fall = cost - new
    ratio = fall / expected if expected > 0.0 else 0.0
    flat = expected <= W[plan.FTOL] * cost and abs(fall) <= W[plan.FTOL] * cost and ratio <= 2.0
    flat = flat and P[plan.STOPPED] == ZERO and not (W[plan.DAMPING] > 0.0 and ratio >= 0.75)
    accepted = fall > 0.0 and ratio >= ACCEPTED
    W[plan.LED_TO], W[plan.GAIN], P[plan.FLAT], P[plan.ACCEPTED] = new, ratio, uint64(flat), uint64(accepted)
    if accepted:
        exchange(P, W)
        ask(P, W, plan.DERIVATIVES, plan.THETA, plan.THERE)
    elif P[plan.FOLLOWS] != ZERO:
        ask(P, W, plan.BOTH, plan.THETA, plan.GOING_ON)
    else:
        go_to(P, plan.GOING_ON)


@inline
def arrive(P, W):
    """Stay at the trial if the derivatives are finite there."""
    if P[plan.FINITE] != ZERO:
        go_to(P, plan.GOING_ON)
    else:
        exchange(P, W)
        W[plan.LED_TO], W[plan.GAIN], P[plan.ACCEPTED] = inf, 0.0, ZERO
        ask(P, W, plan.BOTH, plan.THETA, plan.GOING_ON)


@inline
def go_on(P, W):
    """After a step: the next, or the end."""
    if P[plan.FIRST_STEP] != ZERO:
        W[plan.RADIUS], P[plan.FIRST_STEP] = min(W[plan.RADIUS], W[plan.LENGTH]), ZERO
    _resize(P, W)
    if P[plan.ACCEPTED] != ZERO:
        rescale(P, W, sqrt(W[plan.LED_TO] / W[plan.COST]))
        W[plan.COST] = W[plan.LED_TO]
    if P[plan.FLAT] != ZERO:
        _settle(P, W, plan.BY_COST)
    elif P[plan.SHORT] != ZERO:
        _settle(P, W, plan.BY_STEP)
    else:
        go_to(P, plan.TRYING)


@inline
def _settle(P, W, status):
    """End the steps in the trust region."""
    W[plan.STATUS], W[plan.REACHED], W[plan.LAST_LENGTH] = float(status), W[plan.COST], inf
    P[plan.FULL_TURNS] = ZERO
    go_to(P, plan.POLISHING if W[plan.VALUES] < W[plan.MOST] else plan.CONCLUDING)


@inline
def _resize(P, W):
    """The radius of the trust region and the damping after a step."""
    cost, new, slope, ratio = W[plan.COST], W[plan.LED_TO], W[plan.SLOPE], W[plan.GAIN]
    if ratio <= 0.25:
        fall = cost - new
        shrink = 0.5 if fall >= 0.0 else 0.5 * slope / (slope + fall)
        if not shrink >= 0.1 or 0.01 * new >= cost:
            shrink = 0.1
        W[plan.RADIUS] = shrink * min(W[plan.RADIUS], 10.0 * W[plan.LENGTH])
        W[plan.DAMPING] /= shrink
    elif W[plan.DAMPING] == 0.0 or ratio >= 0.75:
        W[plan.RADIUS] = 2.0 * W[plan.LENGTH]
        W[plan.DAMPING] *= 0.5
