"""Explicit Runge-Kutta methods with an embedded error estimate and dense output.

The last stage is the derivative at the end of the step, so it is the first stage of the next step. Source: Hairer, Nørsett and
Wanner, "Solving Ordinary Differential Equations I", 2nd edition, 1993, sections II.4 to II.6.
"""

from __future__ import annotations

from numpy import isfinite, sqrt, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, compiled, number
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.control import check_stiffness, first_step, limit_step, next_step
from jitgrad.vm.integrate.output import interpolate, reached, times, write, write_failure, write_statistics
from jitgrad.vm.integrate.stages import (
    ONE,
    ZERO,
    all_stages,
    assign,
    combine,
    evaluate,
    larger,
    norm,
    parts,
    stage,
    tolerance,
    vector,
)  # fmt: skip


@compiled
def _nodes(tableau):
    """Return the fraction of the step at which each stage is evaluated."""
    return after(tableau, uint64(at.CONTROL))


@compiled
def _weights(tableau, sizes, k):
    """Return the weights of the stages that give the argument of stage ``k``."""
    count = all_stages(sizes)
    return after(_nodes(tableau), count * (ONE + k))


@compiled
def _estimates(tableau, sizes):
    """Return the weights of the error estimates."""
    return _weights(tableau, sizes, all_stages(sizes))


@compiled
def _dense(tableau, sizes):
    """Return the coefficients of the continuous extension."""
    return after(_estimates(tableau, sizes), sizes[at.ESTIMATES] * all_stages(sizes))


@compiled
def _evaluate_stage(context, i, scratch, sizes, tableau, k):
    """Compute stage ``k`` from the stages before it."""
    h = scratch[at.STEP]
    state, first, weights = vector(scratch, sizes, at.STATE), stage(scratch, sizes, ZERO), _weights(tableau, sizes, k)
    combine(vector(scratch, sizes, at.ARGUMENT), state, first, weights, k, h, sizes[at.STRIDE])
    evaluate(context, i, scratch, sizes, scratch[at.NOW] + h * _nodes(tableau)[k], k)


@compiled
def _step(context, i, scratch, sizes, tableau):
    """Compute the stages of a step, and the state that it proposes."""
    last, argument = sizes[at.STAGES], vector(scratch, sizes, at.ARGUMENT)
    for k in range(ONE, last):
        _evaluate_stage(context, i, scratch, sizes, tableau, k)
    state, proposed = vector(scratch, sizes, at.STATE), vector(scratch, sizes, at.PROPOSED)
    weights, h = _weights(tableau, sizes, last), scratch[at.STEP]
    combine(proposed, state, stage(scratch, sizes, ZERO), weights, last, h, sizes[at.STRIDE])
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
    n, count, weights = sizes[at.CONTROLLED], sizes[at.STAGES] + ONE, _estimates(tableau, sizes)
    state, proposed, first = vector(scratch, sizes, at.STATE), vector(scratch, sizes, at.PROPOSED), stage(scratch, sizes, ZERO)
    total, lower, stride = number(scratch, 0.0), number(scratch, 0.0), sizes[at.STRIDE]
    for j in range(n):
        within, part = tolerance(scratch, sizes, j, state[j], proposed[j]), number(scratch, 0.0)
        for k in range(count):
            part += weights[k] * first[k * stride + j]
        total = larger(total, abs(part / within))
        if sizes[at.ESTIMATES] == uint64(2):
            part, second = number(scratch, 0.0), after(weights, all_stages(sizes))
            for k in range(count):
                part += second[k] * first[k * stride + j]
            lower = larger(lower, abs(part / within))
    h = abs(scratch[at.STEP])
    if sizes[at.ESTIMATES] == uint64(2):
        both = sqrt(total * total + 0.01 * lower * lower)
        return h * total * total / both if both > 0.0 else h * both
    return h * total


@compiled
def _write_times(context, i, scratch, sizes, tableau, first):
    """Write the states at the times within the step; return the number of the first time after it."""
    k, wanted, end = first, times(context, i), scratch[at.UNTIL]
    extended = False
    while k < sizes[at.COUNT] and reached(wanted[k], scratch, end):
        if wanted[k] == end:
            write(context, i, sizes, k, vector(scratch, sizes, at.PROPOSED))
        else:
            if not extended:
                extended = True
                for more in range(sizes[at.STAGES] + ONE, all_stages(sizes)):
                    _evaluate_stage(context, i, scratch, sizes, tableau, more)
            x, to = (wanted[k] - scratch[at.NOW]) / scratch[at.STEP], vector(scratch, sizes, at.ARGUMENT)
            interpolate(to, scratch, sizes, _dense(tableau, sizes), x)
            write(context, i, sizes, k, to)
        k += ONE
    return k


@compiled
def _advance(scratch, sizes):
    """Accept the step."""
    assign(vector(scratch, sizes, at.STATE), vector(scratch, sizes, at.PROPOSED), sizes[at.STRIDE])
    assign(stage(scratch, sizes, ZERO), stage(scratch, sizes, sizes[at.STAGES]), sizes[at.STRIDE])
    scratch[at.NOW] = scratch[at.UNTIL]


@compiled
def _begin(context, i, scratch, sizes, tableau):
    """Evaluate the first stage and choose the first step; return the number of the first time after the start."""
    count, wanted = sizes[at.COUNT], times(context, i)
    for slot in range(uint64(at.STEP), uint64(at.RTOL)):
        scratch[slot] = 0.0
    scratch[at.ERROR] = 1e-4
    scratch[at.END] = wanted[count - ONE]
    backward, before = scratch[at.END] < scratch[at.NOW], scratch[at.NOW]
    for k in range(count):
        if wanted[k] > before if backward else wanted[k] < before:
            scratch[at.STATUS] = number(scratch, at.UNSORTED)
        before = wanted[k]
    k, state = ZERO, vector(scratch, sizes, at.STATE)
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
def _explicit(context, i):
    """Integrate by the explicit method of the tableau."""
    scratch, sizes, tableau = parts(context, i)
    k = _begin(context, i, scratch, sizes, tableau)
    error = number(scratch, 0.0)
    while k < sizes[at.COUNT] and scratch[at.STATUS] == 0.0:
        limit_step(scratch, error)
        if scratch[at.STATUS] == 0.0:
            before = _step(context, i, scratch, sizes, tableau)
            error = _error(scratch, sizes, tableau)
            accepted = error <= 1.0
            next_step(scratch, tableau, error, accepted)
            if accepted:
                check_stiffness(scratch, sizes, tableau, before)
                k = _write_times(context, i, scratch, sizes, tableau, k)
                _advance(scratch, sizes)
                scratch[at.ACCEPTED] += 1.0
            else:
                scratch[at.REJECTED] += 1.0
            scratch[at.AFTER_REJECTION] = number(scratch, not accepted)
    write_failure(context, i, scratch, sizes, k)
    write_statistics(context, i, scratch, sizes)


def _arguments(element: Number) -> tuple[Type, ...]:
    return Records(ContextDescriptor, element), UINT64


explicit = Native(_explicit, _arguments)
