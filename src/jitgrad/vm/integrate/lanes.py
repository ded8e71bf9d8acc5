"""The kernel of many rows: explicit steps of several rows side by side, in lanes, each with its own time and step size.

The right-hand side is computed for all lanes by one run of its instructions, and vectors have the lanes as their last axis. A
lane whose row has ended takes the next row. Lanes are independent, so the result of a row does not depend on its lane or on the
other rows. If the method is "auto", a row whose equations are stiff is integrated again, by itself.
"""

from __future__ import annotations

from numpy import copysign, isfinite, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, call_execute, compiled, noinline, number
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.combine import combine_lanes, weighted_lanes
from jitgrad.vm.integrate.control import STIFF_STEPS, count_stiffness, estimated_step, limit_step, next_step, small_step
from jitgrad.vm.integrate.explicit import begin_header, of_both
from jitgrad.vm.integrate.lane_memory import (
    LANES,
    header,
    integrate_alone,
    lane_stage,
    lane_vector,
    length,
    load_row,
    row_times,
    rows_of,
    values,
    write_between,
    write_end,
    write_lane,
)  # fmt: skip
from jitgrad.vm.integrate.output import reached
from jitgrad.vm.integrate.stages import LENGTH, ONE, ZERO, all_stages, assign, estimates, larger, nodes, parts, weights
from jitgrad.vm.kernels.lanes import row

_SWITCHING = uint64(at.SWITCHING_KIND)


@compiled
def _evaluate(context, i, scratch, sizes, k):
    """Compute stage ``k`` as the right-hand side at the times and arguments of the lanes."""
    _call(context, i)
    assign(lane_stage(scratch, sizes, k), lane_vector(scratch, sizes, at.DERIVATIVE), length(sizes))


@compiled
def _call(context, i):
    """Compute the right-hand side."""
    start = i + ONE
    call_execute(context, start, start + row(context.code, i)[LENGTH])


@compiled
def _evaluate_stage(context, i, scratch, sizes, tableau, k):
    """Compute stage ``k`` from the stages before it."""
    h, now, time = (
        values(scratch, sizes, at.LANE_STEP),
        values(scratch, sizes, at.LANE_NOW),
        values(scratch, sizes, at.LANE_TIME),
    )
    state, argument = lane_vector(scratch, sizes, at.STATE), lane_vector(scratch, sizes, at.ARGUMENT)
    combine_lanes(argument, state, lane_stage(scratch, sizes, ZERO), weights(tableau, sizes, k), k, h, length(sizes))
    node = nodes(tableau)[k]
    for lane in range(LANES):
        time[lane] = now[lane] + h[lane] * node
    _evaluate(context, i, scratch, sizes, k)


# The beginning of a row.


@compiled
def _norm(scratch, sizes, lane, x):
    """Return the maximum of the controlled elements of a lane, relative to the tolerance at the state; nan for nan."""
    largest, state, own = number(scratch, 0.0), lane_vector(scratch, sizes, at.STATE), header(scratch, sizes, lane)
    for j in range(sizes[at.CONTROLLED]):
        k = j * LANES + lane
        largest = larger(largest, abs(x[k] / _tolerance(scratch, own, j, state[k], state[k])))
    return largest


@compiled
def _tolerance(scratch, own, j, first, second):
    """Return the largest error of element ``j`` in a step between two values."""
    return own[at.SHARE] * (scratch[uint64(at.HEADER) + j] + scratch[at.RTOL] * max(abs(first), abs(second)))


@noinline
def _take_rows(context, i, scratch, sizes, tableau, first):
    """Give rows to idle lanes. Return the next row, the number of lanes with a row, and the number of those that begin."""
    state, row_of, time = (
        values(scratch, sizes, at.LANE_STATE),
        values(scratch, sizes, at.LANE_ROW),
        values(scratch, sizes, at.LANE_FIRST),
    )
    r, busy, begun, vector = first, ZERO, ZERO, lane_vector(scratch, sizes, at.STATE)
    for lane in range(LANES):
        while state[lane] == 0.0 and r < rows_of(sizes)[at.ROWS]:
            wanted, own, k = row_times(context, i, sizes, r), header(scratch, sizes, lane), ZERO
            load_row(context, i, scratch, sizes, tableau, lane, r)
            begin_header(own, tableau, wanted, sizes[at.COUNT])
            while k < sizes[at.COUNT] and wanted[k] == own[at.NOW]:
                write_lane(context, i, sizes, r, k, vector, lane)
                k += ONE
            if k == sizes[at.COUNT]:
                write_end(context, i, scratch, sizes, r, k, lane)
            else:
                state[lane], row_of[lane], time[lane] = number(state, at.BEGINNING), number(state, r), number(state, k)
                begun += ONE
            r += ONE
        if state[lane] != 0.0:
            busy += ONE
    return r, busy, begun


@noinline
def _begin(context, i, scratch, sizes, tableau):
    """Evaluate the first stage of the lanes that begin, and choose their first steps."""
    state, time, step = (
        values(scratch, sizes, at.LANE_STATE),
        values(scratch, sizes, at.LANE_TIME),
        values(scratch, sizes, at.LANE_STEP),
    )
    y, slope, argument = (
        lane_vector(scratch, sizes, at.STATE),
        lane_stage(scratch, sizes, ZERO),
        lane_vector(scratch, sizes, at.ARGUMENT),
    )
    made, estimated = lane_vector(scratch, sizes, at.DERIVATIVE), scratch[at.FIRST_STEP] <= 0.0
    for lane in range(LANES):
        if state[lane] == at.BEGINNING:
            time[lane] = header(scratch, sizes, lane)[at.NOW]
            for j in range(sizes[at.SIZE]):
                argument[j * LANES + lane] = y[j * LANES + lane]
    _call(context, i)
    for lane in range(LANES):
        if state[lane] == at.BEGINNING:
            own = header(scratch, sizes, lane)
            for j in range(sizes[at.SIZE]):
                slope[j * LANES + lane] = made[j * LANES + lane]
            own[at.EVALUATIONS] += 1.0
            step[lane] = _small_step(scratch, sizes, own, lane)
            if estimated:
                for j in range(sizes[at.SIZE]):
                    argument[j * LANES + lane] = y[j * LANES + lane] + step[lane] * slope[j * LANES + lane]
                time[lane] = own[at.NOW] + step[lane]
    if estimated:
        _call(context, i)
    for lane in range(LANES):
        if state[lane] == at.BEGINNING:
            _finish_beginning(scratch, sizes, tableau, lane, estimated)
            state[lane] = number(state, at.RUNNING)


@compiled
def _limit(own):
    """Return the longest first step."""
    return min(abs(own[at.END] - own[at.NOW]), own[at.MAX_STEP])


@compiled
def _small_step(scratch, sizes, own, lane):
    """Return the step that is given, or a small one, for which the derivative is evaluated again."""
    span = own[at.END] - own[at.NOW]
    if own[at.FIRST_STEP] > 0.0:
        return copysign(min(own[at.FIRST_STEP], _limit(own)), span)
    size = _norm(scratch, sizes, lane, lane_vector(scratch, sizes, at.STATE))
    h = small_step(size, _norm(scratch, sizes, lane, lane_stage(scratch, sizes, ZERO)))
    return copysign(min(h, _limit(own)), span)


@compiled
def _finish_beginning(scratch, sizes, tableau, lane, estimated):
    """Choose the first step from the derivative at the start, and that after a small step."""
    own, h, slope = header(scratch, sizes, lane), values(scratch, sizes, at.LANE_STEP)[lane], lane_stage(scratch, sizes, ZERO)
    speed = _norm(scratch, sizes, lane, slope)
    own[at.NEXT] = h
    if estimated:
        other, change = lane_vector(scratch, sizes, at.DERIVATIVE), lane_vector(scratch, sizes, at.PROPOSED)
        for j in range(sizes[at.CONTROLLED]):
            change[j * LANES + lane] = other[j * LANES + lane] - slope[j * LANES + lane]
        fastest = max(speed, _norm(scratch, sizes, lane, change) / abs(h))
        own[at.NEXT] = copysign(min(estimated_step(tableau, fastest, abs(h)), _limit(own)), own[at.END] - own[at.NOW])
        own[at.EVALUATIONS] += 1.0
    if not isfinite(speed):
        own[at.STATUS] = number(own, at.NOT_FINITE)
    values(scratch, sizes, at.LANE_ERROR)[lane] = 0.0


# Steps.


@noinline
def _prepare(context, i, scratch, sizes):
    """Choose the steps of the lanes. A row whose integration cannot continue ends."""
    state, error = values(scratch, sizes, at.LANE_STATE), values(scratch, sizes, at.LANE_ERROR)
    now, step, first = (
        values(scratch, sizes, at.LANE_NOW),
        values(scratch, sizes, at.LANE_STEP),
        values(scratch, sizes, at.LANE_FIRST),
    )
    for lane in range(LANES):
        own = header(scratch, sizes, lane)
        step[lane] = 0.0
        if state[lane] != 0.0:
            if own[at.STATUS] == 0.0:
                limit_step(own, error[lane])
            if own[at.STATUS] != 0.0:
                write_end(
                    context, i, scratch, sizes, uint64(values(scratch, sizes, at.LANE_ROW)[lane]), uint64(first[lane]), lane
                )
                state[lane] = 0.0
            else:
                now[lane], step[lane] = own[at.NOW], own[at.STEP]


@noinline
def _try(context, i, scratch, sizes, tableau):
    """Compute the stages of a step of all lanes, the states that it proposes, its errors, and signs of stiffness."""
    last, n, time = sizes[at.STAGES], length(sizes), values(scratch, sizes, at.LANE_TIME)
    for k in range(ONE, last):
        _evaluate_stage(context, i, scratch, sizes, tableau, k)
    argument, proposed, h = (
        lane_vector(scratch, sizes, at.ARGUMENT),
        lane_vector(scratch, sizes, at.PROPOSED),
        values(scratch, sizes, at.LANE_STEP),
    )
    state, stages = lane_vector(scratch, sizes, at.STATE), lane_stage(scratch, sizes, ZERO)
    combine_lanes(proposed, state, stages, weights(tableau, sizes, last), last, h, n)
    _distance(values(scratch, sizes, at.LANE_DISTANCE), proposed, argument, sizes)
    assign(argument, proposed, n)
    for lane in range(LANES):
        time[lane] = header(scratch, sizes, lane)[at.UNTIL]
    _evaluate(context, i, scratch, sizes, last)
    slopes = values(scratch, sizes, at.LANE_SLOPES)
    _distance(slopes, lane_stage(scratch, sizes, last), lane_stage(scratch, sizes, last - ONE), sizes)
    _largest(scratch, sizes, estimates(tableau, sizes), values(scratch, sizes, at.LANE_LARGEST))
    if sizes[at.ESTIMATES] != ONE:
        lower = after(estimates(tableau, sizes), all_stages(sizes))
        _largest(scratch, sizes, lower, values(scratch, sizes, at.LANE_LOWER))


@compiled
def _distance(to, a, b, sizes):
    """Compute the squared distances between the controlled elements of two vectors."""
    for lane in range(LANES):
        to[lane] = 0.0
    for j in range(sizes[at.CONTROLLED]):
        for lane in range(LANES):
            to[lane] += (a[j * LANES + lane] - b[j * LANES + lane]) ** 2


@compiled
def _largest(scratch, sizes, estimate, to):
    """Compute the norms of an error estimate per size of the step."""
    state, proposed, part = (
        lane_vector(scratch, sizes, at.STATE),
        lane_vector(scratch, sizes, at.PROPOSED),
        lane_vector(scratch, sizes, at.DERIVATIVE),
    )
    weighted_lanes(part, lane_stage(scratch, sizes, ZERO), estimate, sizes[at.STAGES] + ONE, length(sizes))
    own = header(scratch, sizes, ZERO)
    for lane in range(LANES):
        to[lane] = 0.0
    for j in range(sizes[at.CONTROLLED]):
        for lane in range(LANES):
            k = j * LANES + lane
            to[lane] = larger(to[lane], abs(part[k] / _tolerance(scratch, own, j, state[k], proposed[k])))


@noinline
def _decide(context, i, scratch, sizes, tableau):
    """Accept or reject the steps of the lanes, and choose the next ones. Return whether results lie within a step."""
    state, accepted, errors = (
        values(scratch, sizes, at.LANE_STATE),
        values(scratch, sizes, at.LANE_ACCEPTED),
        values(scratch, sizes, at.LANE_ERROR),
    )
    largest, lower = values(scratch, sizes, at.LANE_LARGEST), values(scratch, sizes, at.LANE_LOWER)
    distance, slopes = values(scratch, sizes, at.LANE_DISTANCE), values(scratch, sizes, at.LANE_SLOPES)
    inside = False
    for lane in range(LANES):
        accepted[lane] = 0.0
        if state[lane] != 0.0:
            own = header(scratch, sizes, lane)
            error = largest[lane] if sizes[at.ESTIMATES] == ONE else of_both(largest[lane], lower[lane])
            error = abs(own[at.STEP]) * error
            own[at.EVALUATIONS] += number(own, sizes[at.STAGES])
            next_step(own, tableau, error, error <= 1.0)
            errors[lane] = error
            if error <= 1.0:
                accepted[lane] = 1.0
                count_stiffness(own, tableau, distance[lane], slopes[lane])
                inside = _lies_inside(context, i, scratch, sizes, lane) or inside
                own[at.ACCEPTED] += 1.0
            else:
                own[at.REJECTED] += 1.0
            own[at.AFTER_REJECTION] = 1.0 - accepted[lane]
    return inside


@compiled
def _lies_inside(context, i, scratch, sizes, lane):
    """Return whether a result of a lane lies within its step, for which the continuous extension is needed."""
    own, k = header(scratch, sizes, lane), uint64(values(scratch, sizes, at.LANE_FIRST)[lane])
    wanted = row_times(context, i, sizes, uint64(values(scratch, sizes, at.LANE_ROW)[lane]))
    if wanted[k] != own[at.UNTIL] and reached(wanted[k], own, own[at.UNTIL]):
        own[at.EVALUATIONS] += number(own, sizes[at.EXTRA])
        return True
    return False


@noinline
def _write(context, i, scratch, sizes, tableau, lane):
    """Write the states of a lane at the times within its step. Return the number of the first time after it."""
    own, k = header(scratch, sizes, lane), uint64(values(scratch, sizes, at.LANE_FIRST)[lane])
    r = uint64(values(scratch, sizes, at.LANE_ROW)[lane])
    wanted = row_times(context, i, sizes, r)
    while k < sizes[at.COUNT] and reached(wanted[k], own, own[at.UNTIL]):
        if wanted[k] == own[at.UNTIL]:
            write_lane(context, i, sizes, r, k, lane_vector(scratch, sizes, at.PROPOSED), lane)
        else:
            x = (wanted[k] - own[at.NOW]) / own[at.STEP]
            write_between(context, i, scratch, sizes, tableau, r, k, lane, x)
        k += ONE
    return k


@noinline
def _finish(context, i, scratch, sizes, tableau, inside):
    """Write the results of the accepted steps, and end the rows that are done or stiff."""
    state, accepted, first = (
        values(scratch, sizes, at.LANE_STATE),
        values(scratch, sizes, at.LANE_ACCEPTED),
        values(scratch, sizes, at.LANE_FIRST),
    )
    if inside:
        for k in range(sizes[at.STAGES] + ONE, all_stages(sizes)):
            _evaluate_stage(context, i, scratch, sizes, tableau, k)
    for lane in range(LANES):
        if accepted[lane] != 0.0:
            own, r = header(scratch, sizes, lane), uint64(values(scratch, sizes, at.LANE_ROW)[lane])
            k = _write(context, i, scratch, sizes, tableau, lane)
            first[lane], own[at.NOW] = number(first, k), own[at.UNTIL]
            if k == sizes[at.COUNT]:
                write_end(context, i, scratch, sizes, r, k, lane)
                state[lane] = 0.0
            elif sizes[at.KIND] == _SWITCHING and own[at.STIFF] >= STIFF_STEPS:
                integrate_alone(context, i, scratch, sizes, r)
                state[lane] = 0.0
    _advance(lane_vector(scratch, sizes, at.STATE), lane_vector(scratch, sizes, at.PROPOSED), accepted, sizes)
    _advance(lane_stage(scratch, sizes, ZERO), lane_stage(scratch, sizes, sizes[at.STAGES]), accepted, sizes)


@compiled
def _advance(to, source, accepted, sizes):
    """Copy the elements of the lanes whose step is accepted."""
    for j in range(sizes[at.SIZE]):
        for lane in range(LANES):
            k = j * LANES + lane
            x = source[k] if accepted[lane] != 0.0 else to[k]
            to[k] = x


def _integrate_rows(context, i):
    """Integrate all rows."""
    scratch, sizes, tableau = parts(context, i)
    state = values(scratch, sizes, at.LANE_STATE)
    for lane in range(LANES):
        state[lane] = 0.0
    r, busy, begun = _take_rows(context, i, scratch, sizes, tableau, ZERO)
    while busy != ZERO:
        if begun != ZERO:
            _begin(context, i, scratch, sizes, tableau)
        _prepare(context, i, scratch, sizes)
        _try(context, i, scratch, sizes, tableau)
        inside = _decide(context, i, scratch, sizes, tableau)
        _finish(context, i, scratch, sizes, tableau, inside)
        r, busy, begun = _take_rows(context, i, scratch, sizes, tableau, r)


def _arguments(element: Number) -> tuple[Type, ...]:
    return Records(ContextDescriptor, element), UINT64


integrate_rows = Native(_integrate_rows, _arguments)
