"""The memory of integrations in lanes, and the results of their rows.

An element of a vector has LANES numbers. Each lane has a header, which is that of the scratch memory of one integration, so the
same functions control its steps.
"""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.language import after, call_execute, compiled, noinline, number
from jitgrad.vm.instructions import column
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.output import copy_statistics, dense_weight, times
from jitgrad.vm.integrate.stages import LENGTH, ONE, ZERO, all_stages, assign, dense
from jitgrad.vm.kernels.lanes import row

LANES = uint64(at.LANES)
_RESULTS, _SINGLE = column("integrate", "d"), column("integrate", "jacobian")


@compiled
def rows_of(sizes):
    """Return the sizes of the rows."""
    return after(sizes, uint64(at.WORDS) + sizes[at.N_STATES])


@compiled
def header(scratch, sizes, lane):
    """Return the header of a lane."""
    return after(scratch, rows_of(sizes)[at.HEADERS_PLACE] + lane * uint64(at.HEADER))


@compiled
def values(scratch, sizes, which):
    """Return a number for each lane."""
    return after(scratch, rows_of(sizes)[at.VALUES_PLACE] + uint64(which) * LANES)


@compiled
def length(sizes):
    """Return the number of elements of a vector."""
    return sizes[at.SIZE] * LANES


@compiled
def lane_vector(scratch, sizes, which):
    """Return a vector."""
    return after(scratch, rows_of(sizes)[at.VECTORS_PLACE] + uint64(which - at.ARGUMENT) * length(sizes))


@compiled
def lane_stage(scratch, sizes, k):
    """Return stage ``k``: a derivative of the state."""
    return after(lane_vector(scratch, sizes, at.STAGE), k * length(sizes))


@compiled
def row_times(context, i, sizes, r):
    """Return the times of a row."""
    return after(times(context, i), rows_of(sizes)[at.TIMES_APART] * r)


@compiled
def load_row(context, i, scratch, sizes, tableau, lane, r):
    """Begin row ``r`` in a lane."""
    rows, own, size = rows_of(sizes), header(scratch, sizes, lane), sizes[at.SIZE]
    record = after(scratch, rows[at.RECORDS_PLACE] + r * rows[at.RECORD_SIZE])
    state, constants = lane_vector(scratch, sizes, at.STATE), after(scratch, rows[at.CONSTANTS_PLACE])
    own[at.NOW] = record[0]
    for slot in range(uint64(at.RTOL), uint64(at.HEADER)):
        own[slot] = scratch[slot]
    for j in range(size):
        state[j * LANES + lane] = record[ONE + j]
    for j in range(rows[at.RECORD_SIZE] - ONE - size):
        constants[j * LANES + lane] = record[ONE + size + j]


# Results.


@noinline
def write_lane(context, i, sizes, r, k, source, lane):
    """Write the states of a lane as those of row ``r`` at its time number ``k``."""
    place, count, from_ = row(context.code, i)[_RESULTS], sizes[at.COUNT], lane
    for s in range(sizes[at.N_STATES]):
        size = sizes[uint64(at.WORDS) + s]
        to = after(context.arena, place + (r * count + k) * size)
        for j in range(size):
            to[j] = source[from_ + j * LANES]
        from_ += size * LANES
        place += rows_of(sizes)[at.ROWS] * count * size


@noinline
def write_between(context, i, scratch, sizes, tableau, r, k, lane, x):
    """Write the states at a fraction x of the step of a lane, by the method's continuous extension."""
    count, degree, stages = all_stages(sizes), sizes[at.DEGREE], lane_stage(scratch, sizes, ZERO)
    given, of = after(scratch, rows_of(sizes)[at.WEIGHTS_PLACE]), dense(tableau, sizes)
    h, state, to = values(scratch, sizes, at.LANE_STEP)[lane], lane_vector(scratch, sizes, at.STATE), lane
    for j in range(count):
        given[j] = dense_weight(after(of, j * degree), degree, x)
    argument = lane_vector(scratch, sizes, at.ARGUMENT)
    for e in range(sizes[at.SIZE]):
        total = number(scratch, 0.0)
        for j in range(count):
            total += given[j] * stages[j * length(sizes) + to]
        argument[to] = state[to] + h * total
        to += LANES
    write_lane(context, i, sizes, r, k, argument, lane)


@noinline
def write_end(context, i, scratch, sizes, r, first, lane):
    """Write nan for the times of row ``r`` from number ``first`` on, and its statistics."""
    rows, argument = rows_of(sizes), lane_vector(scratch, sizes, at.ARGUMENT)
    for j in range(sizes[at.SIZE]):
        argument[j * LANES + lane] = nan
    for k in range(first, sizes[at.COUNT]):
        write_lane(context, i, sizes, r, k, argument, lane)
    every = rows[at.ROWS] * sizes[at.COUNT] * sizes[at.SIZE]
    place = row(context.code, i)[_RESULTS] + every + r * uint64(at.RESULTS)
    copy_statistics(after(context.arena, place), header(scratch, sizes, lane))


@noinline
def integrate_alone(context, i, scratch, sizes, r):
    """Integrate row ``r`` by itself, by the instructions that follow the right-hand side."""
    rows, count, f = rows_of(sizes), sizes[at.COUNT], row(context.code, i)
    record = after(scratch, rows[at.RECORDS_PLACE] + r * rows[at.RECORD_SIZE])
    assign(after(scratch, rows[at.RECORD_PLACE]), record, rows[at.RECORD_SIZE])
    if rows[at.TIMES_APART] != ZERO:
        assign(after(scratch, rows[at.TIMES_PLACE]), row_times(context, i, sizes, r), count)
    start = i + ONE + f[LENGTH]
    call_execute(context, start, start + f[_SINGLE])
    made, place = after(scratch, rows[at.RESULTS_PLACE]), f[_RESULTS]
    for s in range(sizes[at.N_STATES]):
        size = count * sizes[uint64(at.WORDS) + s]
        assign(after(context.arena, place + r * size), made, size)
        made = after(made, size)
        place += rows[at.ROWS] * size
    assign(after(context.arena, place + r * uint64(at.RESULTS)), made, uint64(at.RESULTS))
