"""Explicit Runge-Kutta methods with an embedded error estimate and dense output.

The last stage is the derivative at the end of the step, so it is the first stage of the next step. Source: Hairer, Nørsett and
Wanner, "Solving Ordinary Differential Equations I", 2nd edition, 1993, sections II.4 to II.6.
"""

from __future__ import annotations

from numpy import isfinite, sqrt, uint64

from jitgrad.vm.compiler.language import after, compiled, noinline, number
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.combine import combine, weighted
from jitgrad.vm.integrate.control import check_stiffness, first_step, limit_step, next_step
from jitgrad.vm.integrate.events import begin_events, extend, find_events
from jitgrad.vm.integrate.output import (
    clear_steps,
    interpolate,
    reached,
    times,
    write,
    write_step,
)  # fmt: skip
from jitgrad.vm.integrate.stages import (
    ONE,
    ZERO,
    all_stages,
    assign,
    dense,
    estimates,
    evaluate,
    evaluate_stage,
    larger,
    norm,
    stage,
    tolerance,
    vector,
    weights,
)  # fmt: skip


@compiled
def _step(context, i, scratch, sizes, tableau):
    """Compute the stages of a step, and the state that it proposes."""
    last, argument = sizes[at.STAGES], vector(scratch, sizes, at.ARGUMENT)
    for k in range(ONE, last):
        evaluate_stage(context, i, scratch, sizes, tableau, k)
    state, proposed = vector(scratch, sizes, at.STATE), vector(scratch, sizes, at.PROPOSED)
    final, h = weights(tableau, sizes, last), scratch[at.STEP]
    combine(proposed, state, stage(scratch, sizes, ZERO), final, last, h, sizes[at.STRIDE])
    before = number(scratch, 0.0)
    for j in range(sizes[at.CONTROLLED]):
        before += (proposed[j] - argument[j]) ** 2
    assign(argument, proposed, sizes[at.STRIDE])
    evaluate(context, i, scratch, sizes, scratch[at.UNTIL], last)
    return before


@compiled
def _error(scratch, sizes, tableau):
    """Return the norm of the error estimate relative to the tolerance.

    A second estimate, of lower order, makes the first one reliable (Hairer's DOP853).
    """
    largest = _largest(scratch, sizes, estimates(tableau, sizes))
    h = abs(scratch[at.STEP])
    if sizes[at.ESTIMATES] == ONE:
        return h * largest
    return h * of_both(largest, _largest(scratch, sizes, after(estimates(tableau, sizes), all_stages(sizes))))


@compiled
def of_both(largest, lower):
    """Return the error per size of the step from both estimates."""
    both = sqrt(largest * largest + 0.01 * lower * lower)
    return largest * largest / both if both > 0.0 else both


@compiled
def _largest(scratch, sizes, estimate):
    """Return the norm of an error estimate per size of the step."""
    state, proposed, part = (
        vector(scratch, sizes, at.STATE),
        vector(scratch, sizes, at.PROPOSED),
        vector(scratch, sizes, at.DERIVATIVE),
    )
    weighted(part, stage(scratch, sizes, ZERO), estimate, sizes[at.STAGES] + ONE, sizes[at.STRIDE])
    largest = number(scratch, 0.0)
    for j in range(sizes[at.CONTROLLED]):
        largest = larger(largest, abs(part[j] / tolerance(scratch, sizes, j, state[j], proposed[j])))
    return largest


@noinline
def finish(context, i, scratch, sizes, tableau, first):
    """Find the events of an accepted step, and write the states at the times within it.

    Returns the number of the first time after the step, which ends early at an event that stops the integration.
    """
    k, wanted, extended = first, times(context, i), False
    if sizes[at.N_EVENTS] != ZERO:
        extended = find_events(context, i, scratch, sizes, tableau)
    while k < sizes[at.COUNT] and reached(wanted[k], scratch, scratch[at.UNTIL]):
        if wanted[k] == scratch[at.UNTIL]:
            write(context, i, sizes, k, vector(scratch, sizes, at.PROPOSED))
        else:
            if not extended:
                extended = True
                extend(context, i, scratch, sizes, tableau)
            x, to = (wanted[k] - scratch[at.NOW]) / scratch[at.STEP], vector(scratch, sizes, at.ARGUMENT)
            interpolate(to, scratch, sizes, dense(tableau, sizes), x)
            write(context, i, sizes, k, to)
        k += ONE
    write_step(context, i, scratch, sizes)
    return k


@compiled
def advance(scratch, sizes):
    """Accept the step."""
    assign(vector(scratch, sizes, at.STATE), vector(scratch, sizes, at.PROPOSED), sizes[at.STRIDE])
    assign(stage(scratch, sizes, ZERO), stage(scratch, sizes, sizes[at.STAGES]), sizes[at.STRIDE])
    scratch[at.NOW] = scratch[at.UNTIL]


@compiled
def begin_header(scratch, tableau, wanted, count):
    """Set the numbers at the beginning of the scratch memory, and check the times."""
    for slot in range(uint64(at.STEP), uint64(at.RTOL)):
        scratch[slot] = 0.0
    scratch[at.ERROR], scratch[at.SHARE] = 1e-4, tableau[at.PART]
    scratch[at.END] = wanted[count - ONE]
    backward, before = scratch[at.END] < scratch[at.NOW], scratch[at.NOW]
    for k in range(count):
        if wanted[k] > before if backward else wanted[k] < before:
            scratch[at.STATUS] = number(scratch, at.UNSORTED)
        before = wanted[k]


@noinline
def begin(context, i, scratch, sizes, tableau):
    """Evaluate the first stage and choose the first step; return the number of the first time after the start."""
    count, wanted = sizes[at.COUNT], times(context, i)
    begin_header(scratch, tableau, wanted, count)
    k, state = ZERO, vector(scratch, sizes, at.STATE)
    if sizes[at.N_EVENTS] != ZERO:
        begin_events(context, i, scratch, sizes)
    clear_steps(context, i, sizes)
    while k < count and wanted[k] == scratch[at.NOW]:
        write(context, i, sizes, k, state)
        k += ONE
    if k == count:
        return k
    assign(vector(scratch, sizes, at.ARGUMENT), state, sizes[at.STRIDE])
    evaluate(context, i, scratch, sizes, scratch[at.NOW], ZERO)
    scratch[at.NEXT] = first_step(context, i, scratch, sizes, tableau)
    if not isfinite(norm(scratch, sizes, stage(scratch, sizes, ZERO))):
        scratch[at.STATUS] = number(scratch, at.NOT_FINITE)
    return k


@compiled
def explicit_step(context, i, scratch, sizes, tableau, first, before):
    """Try a step after one with the error ``before``. Return the number of the first time after it, and its error."""
    limit_step(scratch, before)
    if scratch[at.STATUS] != 0.0:
        return first, before
    k, distance = first, _step(context, i, scratch, sizes, tableau)
    error = _error(scratch, sizes, tableau)
    accepted = error <= 1.0
    next_step(scratch, tableau, error, accepted)
    if accepted:
        check_stiffness(scratch, sizes, tableau, distance)
        k = finish(context, i, scratch, sizes, tableau, k)
        advance(scratch, sizes)
        scratch[at.ACCEPTED] += 1.0
    else:
        scratch[at.REJECTED] += 1.0
    scratch[at.AFTER_REJECTION] = number(scratch, not accepted)
    return k, error
