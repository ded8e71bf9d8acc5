"""Steps of a fit in a trust region, until the minimum is reached within the tolerances.

If many steps do not reach it, the fit is assumed to be in a curved valley. Linear parameters then follow the others: steps do
not damp them, and they are solved for at the end of each step (variable projection; Golub and Pereyra, 1973, in the form of
Ruhe and Wedin, 1980). This straightens most valleys.
"""

from __future__ import annotations

from numpy import inf, sqrt, uint64

from jitgrad.vm.compiler.language import compiled
from jitgrad.vm.least_squares import codes, steps
from jitgrad.vm.least_squares.model import ONE, ZERO, ask, ask_for_step, end_fit, go_to, move, rounding

FIRST_RADIUS, LEAST_RADIUS = 0.1, 1e-2
"""Radius of the first step relative to the parameters, and relative to the residual for parameters that start near zero.

Larger steps end more often in other minima, or where the model is flat.
"""
ACCEPTED = 1e-4
"""Minimum fraction of the predicted decrease of the cost for which a step is accepted."""
PATIENCE = 200
"""Number of steps after which linear parameters follow the others."""


@compiled
def started(problem, work):
    work.cost = work.new_cost
    if not work.cost < inf:
        end_fit(work, codes.NOT_FINITE)
        return
    work.exact_cost = rounding(problem, work)
    solves = problem.solves_linear and problem.n_linear > ZERO and work.nfev < problem.max_nfev
    ask(work, codes.DERIVATIVES, work.theta, codes.SOLVING if solves else codes.DESCENDING)


@compiled
def solve_linear(problem, work):
    """Make a full step of the linear parameters."""
    if not work.finite:
        end_fit(work, codes.NO_DERIVATIVE)
        return
    steps.rescale(problem, work, 0.0)
    steps.make_step(problem, work, steps.LINEAR, inf, 0.0)
    ask(work, codes.VALUE, work.trial, codes.SOLVED)


@compiled
def solved(problem, work):
    if work.new_cost < work.cost:
        steps.exchange(problem, work)
        work.cost = work.new_cost
        ask(work, codes.DERIVATIVES, work.theta, codes.DESCENDING)
    else:
        ask(work, codes.BOTH, work.theta, codes.DESCENDING)


@compiled
def descend(problem, work):
    """Begin the steps from scratch."""
    if not work.finite:
        end_fit(work, codes.NO_DERIVATIVE)
        return
    steps.rescale(problem, work, 0.0)
    far = FIRST_RADIUS * steps.scaled_norm(problem, work, work.scales, work.theta)
    work.radius, work.damping = max(far, LEAST_RADIUS * sqrt(2.0 * work.cost)), 0.0
    work.begun_cost, work.accepted, work.first_step = work.cost, True, True
    go_to(work, codes.TRYING)


@compiled
def try_step(problem, work):
    """Try a step from the parameters, where the Jacobian is known."""
    if work.accepted:
        cosine = steps.largest_cosine(problem, work, steps.NEXT_TO)
        if work.cost <= work.exact_cost or cosine <= problem.gtol:
            _end_steps(problem, work, codes.EXACT if work.cost <= work.exact_cost else codes.BY_GRADIENT)
            return
    if work.nfev >= problem.max_nfev:
        _end_steps(problem, work, codes.TOO_MANY)
        return
    if work.turns == uint64(PATIENCE):
        work.follows = ZERO < problem.n_linear < problem.n
        steps.rescale(problem, work, 1.0)
    work.turns += ONE
    ask_for_step(work, work.radius, work.damping, codes.STEPPED)


@compiled
def stepped(problem, work):
    """Evaluate the end of the step."""
    work.expected = -work.slope - 0.5 * work.square
    size = steps.scaled_norm(problem, work, work.norms, work.step)
    work.short = size <= problem.xtol * steps.scaled_norm(problem, work, work.norms, work.theta)
    if not work.follows:
        ask(work, codes.VALUE, work.trial, codes.TRIED)
    else:
        _look_where_it_leads(problem, work)


@compiled
def _look_where_it_leads(problem, work):
    """Request the Jacobian at the trial with linear parameters 0, so that they are solved for in full precision."""
    move(work.saved, work.theta, problem.n)
    for k in range(problem.n):
        x = 0.0 if problem.linear[k] != ZERO else work.trial[k]
        work.theta[k] = min(max(x, work.lower[k]), work.upper[k])
    work.nfev += ONE
    ask(work, codes.BOTH, work.theta, codes.FOLLOWED)


@compiled
def follow(problem, work):
    """Solve for the linear parameters of the trial. The parameters are restored, but their Jacobian is not available."""
    if work.finite:
        steps.make_step(problem, work, steps.LINEAR, inf, 0.0)
    move(work.theta, work.saved, problem.n)
    work.new_cost = inf
    if work.finite and work.nfev < problem.max_nfev:
        ask(work, codes.VALUE, work.trial, codes.TRIED)
    else:
        go_to(work, codes.TRIED)


@compiled
def judge(problem, work):
    """Accept the trial or reject it."""
    cost, new, expected = work.cost, work.new_cost, work.expected
    fall = cost - new
    ratio = fall / expected if expected > 0.0 else 0.0
    flat = expected <= problem.ftol * cost and abs(fall) <= problem.ftol * cost and ratio <= 2.0
    work.flat = flat and not work.stopped and not (work.damping > 0.0 and ratio >= 0.75)
    work.led_to, work.gain, work.accepted = new, ratio, fall > 0.0 and ratio >= ACCEPTED
    if work.accepted:
        steps.exchange(problem, work)
        ask(work, codes.DERIVATIVES, work.theta, codes.THERE)
    elif work.follows:
        ask(work, codes.BOTH, work.theta, codes.GOING_ON)
    else:
        go_to(work, codes.GOING_ON)


@compiled
def arrive(problem, work):
    """Accept the trial if its derivatives are finite."""
    if work.finite:
        go_to(work, codes.GOING_ON)
    else:
        steps.exchange(problem, work)
        work.led_to, work.gain, work.accepted = inf, 0.0, False
        ask(work, codes.BOTH, work.theta, codes.GOING_ON)


@compiled
def go_on(problem, work):
    """Continue after a step: with the next step, or the end."""
    if work.first_step:
        work.radius, work.first_step = min(work.radius, work.length), False
    _resize(work)
    if work.accepted:
        steps.rescale(problem, work, sqrt(work.led_to / work.cost))
        work.cost = work.led_to
    if work.flat:
        _end_steps(problem, work, codes.BY_COST)
    elif work.short:
        _end_steps(problem, work, codes.BY_STEP)
    else:
        go_to(work, codes.TRYING)


@compiled
def _end_steps(problem, work, status):
    """End the steps in the trust region."""
    work.status, work.reached_cost, work.last_length = status, work.cost, inf
    work.full_turns = ZERO
    go_to(work, codes.POLISHING if work.nfev < problem.max_nfev else codes.CONCLUDING)


@compiled
def _resize(work):
    """Update the radius of the trust region and the damping after a step."""
    cost, new, slope, ratio = work.cost, work.led_to, work.slope, work.gain
    if ratio <= 0.25:
        fall = cost - new
        shrink = 0.5 if fall >= 0.0 else 0.5 * slope / (slope + fall)
        if not shrink >= 0.1 or 0.01 * new >= cost:
            shrink = 0.1
        work.radius = shrink * min(work.radius, 10.0 * work.length)
        work.damping /= shrink
    elif work.damping == 0.0 or ratio >= 0.75:
        work.radius = 2.0 * work.length
        work.damping *= 0.5
