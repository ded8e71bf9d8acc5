"""Many small fits at once: a bundle of lanes, each with its own fit.

A lane runs the phases of its fit, see ``solve.py``, until it requests something. Requests of all lanes are served together: the
model and its derivatives by one run of a Program whose arrays have the lanes as their first axis, and the linear algebra of
steps in vectors across lanes (``lane_algebra.py``). A lane whose fit has ended takes the next one. Lanes are independent.

The triangle of a lane's Jacobian is computed from its Gram matrix, at a fifth of the cost of Householder reflections. Squaring
doubles the loss of digits by the condition number, so an ill-conditioned Jacobian is triangulated by reflections, as in a
single fit.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, call_execute, compiled, is_null, numbers
from jitgrad.vm.compiler.types import LANE_COUNT, UINT64, Records
from jitgrad.vm.kernels.gram import gram
from jitgrad.vm.least_squares import codes, steps
from jitgrad.vm.least_squares.lane_algebra import factor_lanes, step_lanes
from jitgrad.vm.least_squares.model import (
    ONE,
    ZERO,
    column,
    cost,
    derivative,
    go_to,
    has_value,
    normalise,
    place,
    repeat,
    triangulate,
    write_rows,
)
from jitgrad.vm.least_squares.problem import Problem
from jitgrad.vm.least_squares.solve import advance, begin
from jitgrad.vm.least_squares.systems import Bundle

EIGHT = uint64(LANE_COUNT)


@compiled
def _go_on(problem, bundle, stop):
    """Advance each lane until it requests the model. Requested steps are made for all lanes together."""
    stepping = True
    while stepping:
        stepping = False
        for i in range(bundle.n_lanes):
            work = bundle.lanes[i]
            while work.asked == codes.NOTHING and work.phase != codes.IDLE:
                if work.phase != codes.BEGINNING:
                    advance(problem, work)
                elif bundle.next == stop:
                    go_to(work, codes.IDLE)
                    bundle.busy -= ONE
                else:
                    work.fit = bundle.next
                    bundle.next += ONE
                    begin(problem, work)
            stepping = stepping or work.asked == codes.STEP
        if stepping:
            _step(problem, bundle)


@compiled
def _step(problem, bundle):
    """Make the steps that lanes request: across lanes if the Jacobian is well conditioned and no bound is active."""
    for s in range(bundle.n_lanes // EIGHT):
        system, some = bundle.systems[s], False
        for w in range(EIGHT):
            work = bundle.lanes[s * EIGHT + w]
            asks = work.asked == codes.STEP
            together = asks and numbers(system.good)[w] and steps.all_free(problem, work, steps.NEXT_TO)
            numbers(system.asks)[w] = together
            if together:
                some = True
                _give(problem, work, system, w)
            elif asks:
                steps.take_step(problem, work)
                work.asked = codes.NOTHING
        if some:
            step_lanes(system)
            for w in range(EIGHT):
                if numbers(system.asks)[w]:
                    _take(problem, bundle.lanes[s * EIGHT + w], system, w)


@compiled
def _give(problem, work, system, w):
    """Copy the data for the step of a lane to its system."""
    for k in range(problem.n):
        numbers(system.scales)[k * EIGHT + w] = work.scales[k]
    numbers(system.radius)[w], numbers(system.damping)[w] = work.within, work.damping


@compiled
def _take(problem, work, system, w):
    """Copy a lane's step from its system, unless it crosses a bound."""
    work.asked = codes.NOTHING
    for k in range(problem.n):
        step = numbers(system.step)[k * EIGHT + w]
        x = work.theta[k] + step
        if x < work.lower[k] or x > work.upper[k]:
            steps.take_step(problem, work)
            return
        work.step[k], work.trial[k] = step, x
    work.damping, work.full, work.stopped = numbers(system.damping)[w], True, False
    work.length = numbers(system.length)[w]
    work.slope, work.square = numbers(system.slope)[w], numbers(system.square)[w]


@compiled
def _compute_values(problem, bundle):
    """Compute the model for the lanes that request it."""
    for i in range(bundle.n_lanes):
        work = bundle.lanes[i]
        if work.asked == codes.VALUE or work.asked == codes.BOTH:
            place(problem, work)
    call_execute(bundle.context, ZERO, problem.value_stop)
    for i in range(bundle.n_lanes):
        work = bundle.lanes[i]
        if work.asked == codes.VALUE or work.asked == codes.BOTH:
            work.total = cost(problem, work, work.first, work.count)
            if has_value(work):
                work.asked = codes.NOTHING


@compiled
def _place_columns(problem, bundle, work):
    """Record the columns of a lane's Jacobian and residual: in place, unless they are weighted."""
    n = problem.n
    if problem.loss == codes.LINEAR_LOSS and is_null(problem.weights):
        for k in range(n):
            values = derivative(problem, work, k)
            if problem.outputs[k + ONE].stride == ZERO:
                repeat(column(problem, work, k), values, ZERO, work.count)
                values = column(problem, work, k)
            bundle.columns[k].data = values
        bundle.columns[n].data = work.row_weights
    else:
        write_rows(problem, work, ZERO, work.first, work.count)
        for k in range(n):
            bundle.columns[k].data = column(problem, work, k)
        bundle.columns[n].data = work.residuals


@compiled
def _compute_derivatives(problem, bundle):
    """Compute derivatives for the lanes that request them, at the point of the last model."""
    call_execute(bundle.context, problem.value_stop, problem.stop)
    for s in range(bundle.n_lanes // EIGHT):
        system, some = bundle.systems[s], False
        for w in range(EIGHT):
            work = bundle.lanes[s * EIGHT + w]
            asks = work.asked == codes.DERIVATIVES
            numbers(system.asks)[w] = asks
            if asks:
                some = True
                _place_columns(problem, bundle, work)
                gram(bundle.columns, work.count, problem.n + ONE, after(numbers(system.gram), w), EIGHT)
        if some:
            factor_lanes(system)
            for w in range(EIGHT):
                if numbers(system.asks)[w]:
                    _take_factor(problem, bundle.lanes[s * EIGHT + w], system, w)


@compiled
def _take_factor(problem, work, system, w):
    """Take the triangle of a lane's Jacobian from its system, or compute it by reflections if it is ill-conditioned."""
    n, place = problem.n, ZERO
    work.asked = codes.NOTHING
    work.njev += ONE
    if not numbers(system.good)[w]:
        triangulate(problem, work, work.first, work.count)
        work.finite = normalise(problem, work)
        return
    for k in range(n):
        at, norm = column(problem, work, k), numbers(system.norms)[k * EIGHT + w]
        for j in range(k + ONE):
            at[j] = numbers(system.factor)[place * EIGHT + w]
            place += ONE
        work.norms[k] = norm
        work.residuals[k] = numbers(system.right)[k * EIGHT + w]
        work.gradient[k] = numbers(system.gradient)[k * EIGHT + w]
    work.residuals[n] = 0.0
    work.residual, work.finite, work.fair = numbers(system.residual)[w], True, True


def _bundled_least_squares(problem, bundle, stop, most):
    """Continue with fits up to number ``stop``, for at most ``most`` evaluations of the model. Return their number."""
    done = ZERO
    while True:
        _go_on(problem, bundle, stop)
        if bundle.busy == ZERO or done == most:
            return done
        done += ONE
        _compute_values(problem, bundle)
        _go_on(problem, bundle, stop)
        _compute_derivatives(problem, bundle)


bundled_least_squares = Native(
    _bundled_least_squares, lambda element: (Records(Problem, element), Records(Bundle, element), UINT64, UINT64)
)
