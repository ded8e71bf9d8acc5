"""Results of an integration: the states at the wanted times, by dense output, and what ended it."""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.language import after, compiled, noinline, number
from jitgrad.vm.instructions import column
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.combine import combine
from jitgrad.vm.integrate.stages import ONE, ZERO, all_stages, stage, vector
from jitgrad.vm.kernels.lanes import row

_RESULTS, _TIMES = column("integrate", "d"), column("integrate", "times")


@compiled
def times(context, i):
    """Return the times at which the states are wanted."""
    return after(context.arena, row(context.code, i)[_TIMES])


@noinline
def write(context, i, sizes, k, values):
    """Write the states at time number ``k``."""
    place, source, count = row(context.code, i)[_RESULTS], values, sizes[at.COUNT]
    for s in range(sizes[at.N_STATES]):
        size = sizes[uint64(at.WORDS) + s]
        to = after(context.arena, place + k * size)
        for j in range(size):
            to[j] = source[j]
        source = after(source, size)
        place += count * size


@compiled
def write_failure(context, i, scratch, sizes, first):
    """Write nan for the times from number ``first`` on."""
    empty = vector(scratch, sizes, at.ARGUMENT)
    for j in range(sizes[at.SIZE]):
        empty[j] = nan
    for k in range(first, sizes[at.COUNT]):
        write(context, i, sizes, k, empty)


@compiled
def write_statistics(context, i, scratch, sizes):
    """Write what ended the integration, and its counts."""
    f = row(context.code, i)
    copy_statistics(after(context.arena, f[_RESULTS] + sizes[at.COUNT] * sizes[at.SIZE]), scratch)


@compiled
def copy_statistics(to, scratch):
    """Write the statistics from the numbers at the beginning of the scratch memory."""
    to[at.STATUS_RESULT] = scratch[at.STATUS]
    to[at.EVALUATIONS_RESULT] = scratch[at.EVALUATIONS]
    to[at.ACCEPTED_RESULT] = scratch[at.ACCEPTED]
    to[at.REJECTED_RESULT] = scratch[at.REJECTED]
    to[at.JACOBIANS_RESULT] = scratch[at.JACOBIANS]
    to[at.FACTORIZATIONS_RESULT] = scratch[at.FACTORIZATIONS]
    to[at.TIME_RESULT] = scratch[at.NOW]
    to[at.STEP_RESULT] = scratch[at.STEP]
    to[at.STIFF_RESULT] = scratch[at.STIFF]


@compiled
def event_times(context, i, sizes):
    """Return the times of the events: MOST_EVENTS numbers for each, which are nan at first."""
    f = row(context.code, i)
    return after(context.arena, f[_RESULTS] + sizes[at.COUNT] * sizes[at.SIZE] + uint64(at.RESULTS))


@compiled
def _steps(context, i, sizes):
    """Return the ends of the accepted steps: RECORDED numbers, which are nan at first."""
    return after(event_times(context, i, sizes), sizes[at.N_EVENTS] * sizes[at.MOST_EVENTS])


@compiled
def clear_steps(context, i, sizes):
    """Clear the ends of the steps."""
    ends = _steps(context, i, sizes)
    for k in range(sizes[at.RECORDED]):
        ends[k] = nan


@compiled
def write_step(context, i, scratch, sizes):
    """Write the end of an accepted step, if there is room."""
    k = uint64(scratch[at.ACCEPTED])
    if k < sizes[at.RECORDED]:
        _steps(context, i, sizes)[k] = scratch[at.UNTIL]


@compiled
def reached(time, scratch, end):
    """Return whether a step that ends at ``end`` reaches a time."""
    return (time - end) * scratch[at.STEP] <= 0.0


@compiled
def dense_weight(powers, degree, x):
    """Return the weight of a stage in the continuous extension at a fraction x of the step."""
    total = number(powers, 0.0)
    for p in range(degree):
        total = (total + powers[degree - ONE - p]) * x
    return total


@noinline
def interpolate(to, scratch, sizes, dense, x):
    """Compute the state at a fraction x of the current step, by the method's continuous extension."""
    count, degree = all_stages(sizes), sizes[at.DEGREE]
    weights = stage(scratch, sizes, count)
    for j in range(count):
        weights[j] = dense_weight(after(dense, j * degree), degree, x)
    combine(
        to, vector(scratch, sizes, at.STATE), stage(scratch, sizes, ZERO), weights, count, scratch[at.STEP], sizes[at.STRIDE]
    )
