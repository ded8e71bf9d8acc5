"""Events: times at which a function of the state crosses zero, found on the continuous extension of a step."""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.language import after, call_execute, compiled, number
from jitgrad.vm.instructions import column
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.output import event_times, interpolate
from jitgrad.vm.integrate.stages import LENGTH, ONE, ZERO, all_stages, assign, dense, evaluate_stage, vector
from jitgrad.vm.kernels.lanes import row

_JACOBIAN, _EVENTS = column("integrate", "jacobian"), column("integrate", "events")
_NO_ROOT, _MOST_ITERATIONS = 2.0, 100
_WIDTH = 2.0**-50
"""Relative width of the bracket of a root."""


@compiled
def _numbers(scratch, sizes, which):
    """Return numbers of the events."""
    return after(scratch, sizes[at.EVENTS_PLACE] + uint64(which) * sizes[at.N_EVENTS])


@compiled
def _direction(sizes, e):
    """Return the sign of the slopes of the wanted crossings: 0 for both, 1 for rising, 2 for falling values."""
    return sizes[uint64(at.WORDS) + sizes[at.N_STATES] + e]


@compiled
def _terminal(sizes, e):
    """Return the number of crossings that stop the integration; 0 if it does not stop."""
    return sizes[uint64(at.WORDS) + sizes[at.N_STATES] + sizes[at.N_EVENTS] + e]


@compiled
def _evaluate(context, i, scratch, time):
    """Compute the values of the events at a time and at the vector ARGUMENT."""
    f = row(context.code, i)
    scratch[at.TIME] = time
    start = i + ONE + f[LENGTH] + f[_JACOBIAN]
    call_execute(context, start, start + f[_EVENTS])


@compiled
def begin_events(context, i, scratch, sizes):
    """Evaluate the events at the start."""
    n, times = sizes[at.N_EVENTS], event_times(context, i, sizes)
    assign(vector(scratch, sizes, at.ARGUMENT), vector(scratch, sizes, at.STATE), sizes[at.STRIDE])
    _evaluate(context, i, scratch, scratch[at.NOW])
    assign(_numbers(scratch, sizes, at.EVENT_BEFORE), _numbers(scratch, sizes, at.EVENT_VALUE), n)
    for e in range(n):
        _numbers(scratch, sizes, at.EVENT_COUNT)[e] = 0.0
    for k in range(n * sizes[at.MOST_EVENTS]):
        times[k] = nan


@compiled
def extend(context, i, scratch, sizes, tableau):
    """Compute the stages that only the continuous extension uses."""
    for k in range(sizes[at.STAGES] + ONE, all_stages(sizes)):
        evaluate_stage(context, i, scratch, sizes, tableau, k)


@compiled
def _crosses(sizes, e, before, now):
    """Return whether an event crosses zero in a wanted direction. A value that begins at zero does not."""
    direction = _direction(sizes, e)
    rises, falls = before < 0.0 and now >= 0.0, before > 0.0 and now <= 0.0
    return (rises and direction != uint64(2)) or (falls and direction != ONE)


@compiled
def _root(context, i, scratch, sizes, tableau, e):
    """Return the fraction of the step at which an event crosses zero, by the Illinois method with bisections."""
    a, b = number(scratch, 0.0), number(scratch, 1.0)
    below, above = _numbers(scratch, sizes, at.EVENT_BEFORE)[e], _numbers(scratch, sizes, at.EVENT_AFTER)[e]
    sign = above if above != 0.0 else -below
    to, iteration = vector(scratch, sizes, at.ARGUMENT), ZERO
    while iteration < uint64(_MOST_ITERATIONS) and abs(b - a) > _WIDTH and above != 0.0:
        iteration += ONE
        x = 0.5 * (a + b) if iteration % uint64(4) == ZERO else b - above * (b - a) / (above - below)
        if not (a < x < b):
            x = 0.5 * (a + b)
        interpolate(to, scratch, sizes, dense(tableau, sizes), x)
        _evaluate(context, i, scratch, scratch[at.NOW] + x * scratch[at.STEP])
        value = _numbers(scratch, sizes, at.EVENT_VALUE)[e]
        if value * sign >= 0.0:
            b, above, below = x, value, 0.5 * below
        else:
            a, below, above = x, value, 0.5 * above
    return b


@compiled
def find_events(context, i, scratch, sizes, tableau):
    """Find the events of an accepted step; return whether the stages of the continuous extension were computed.

    If an event stops the integration, the step ends there.
    """
    n, found, stop = sizes[at.N_EVENTS], False, number(scratch, _NO_ROOT)
    before, values = _numbers(scratch, sizes, at.EVENT_BEFORE), _numbers(scratch, sizes, at.EVENT_AFTER)
    roots, counts = _numbers(scratch, sizes, at.EVENT_ROOT), _numbers(scratch, sizes, at.EVENT_COUNT)
    assign(vector(scratch, sizes, at.ARGUMENT), vector(scratch, sizes, at.PROPOSED), sizes[at.STRIDE])
    _evaluate(context, i, scratch, scratch[at.UNTIL])
    assign(values, _numbers(scratch, sizes, at.EVENT_VALUE), n)
    for e in range(n):
        roots[e] = _NO_ROOT
        if _crosses(sizes, e, before[e], values[e]):
            if not found:
                extend(context, i, scratch, sizes, tableau)
            found = True
            roots[e] = _root(context, i, scratch, sizes, tableau, e)
            if _terminal(sizes, e) != ZERO and counts[e] + 1.0 >= number(scratch, _terminal(sizes, e)):
                stop = min(stop, roots[e])
    if found:
        _record(context, i, scratch, sizes, stop)
    if stop < 1.0:
        interpolate(vector(scratch, sizes, at.PROPOSED), scratch, sizes, dense(tableau, sizes), stop)
        scratch[at.UNTIL] = scratch[at.NOW] + stop * scratch[at.STEP]
    if stop <= 1.0:
        scratch[at.STATUS] = number(scratch, at.STOPPED)
    assign(before, values, n)
    return found


@compiled
def _record(context, i, scratch, sizes, stop):
    """Write the times of the events of a step that are not after ``stop``, as far as there is room."""
    roots, counts = _numbers(scratch, sizes, at.EVENT_ROOT), _numbers(scratch, sizes, at.EVENT_COUNT)
    times, most = event_times(context, i, sizes), sizes[at.MOST_EVENTS]
    for e in range(sizes[at.N_EVENTS]):
        if roots[e] <= min(stop, 1.0):
            k = uint64(counts[e])
            if k < most:
                times[e * most + k] = scratch[at.NOW] + roots[e] * scratch[at.STEP]
            counts[e] += 1.0
