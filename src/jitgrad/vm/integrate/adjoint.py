"""Cotangents of an integration by an explicit method, step by step from the last one to the first.

The steps are stored as checkpoints, from which the integration resumes. If there are too many steps, every second checkpoint is
dropped, and again, so that a segment of steps is computed once more for each checkpoint: the two levels of Chen, Xu, Zhang and
Guestrin, "Training deep nets with sublinear memory cost", 2016. The reversed Runge-Kutta step is that of Hager, "Runge-Kutta
methods in optimal control and the transformed adjoint system", Numer. Math. 87, 2000: derivatives are those of the computed
solution for the steps taken.
"""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, call_execute, compiled, number
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.instructions import column
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.events import extend
from jitgrad.vm.integrate.explicit import begin, explicit_step
from jitgrad.vm.integrate.output import dense_weight, times, write_failure, write_statistics
from jitgrad.vm.integrate.stages import (
    LENGTH,
    ONE,
    ZERO,
    all_stages,
    assign,
    combine,
    dense,
    evaluate,
    evaluate_stage,
    nodes,
    parts,
    stage,
    vector,
    weights,
)  # fmt: skip
from jitgrad.vm.kernels.lanes import row

_RESULTS, _PULL = column("integrate", "d"), column("integrate", "jacobian")
_TWO, _NUMBER = uint64(2), 0
"""Position of the number of the next time in a checkpoint."""


@compiled
def _sizes(sizes):
    """Return the sizes of the reverse pass, see ``layout``."""
    return after(sizes, uint64(at.WORDS) + sizes[at.N_STATES])


@compiled
def _vector(scratch, sizes, which):
    """Return a vector of the reverse pass."""
    return after(scratch, _sizes(sizes)[at.REVERSE_PLACE] + uint64(which) * sizes[at.STRIDE])


@compiled
def _cotangent(scratch, sizes, k):
    """Return the cotangent of stage ``k``."""
    return _vector(scratch, sizes, uint64(at.COTANGENTS) + k)


@compiled
def _given(scratch, sizes):
    """Return the cotangents of the results."""
    return _vector(scratch, sizes, uint64(at.COTANGENTS) + all_stages(sizes))


@compiled
def _pulled(scratch, sizes):
    """Return the cotangents of the states and the constants that the body computes."""
    return after(_given(scratch, sizes), sizes[at.COUNT] * sizes[at.SIZE])


@compiled
def _checkpoint(scratch, sizes, k):
    """Return checkpoint ``k``; those of a segment follow those of all steps."""
    first = after(_pulled(scratch, sizes), sizes[at.SIZE] + _sizes(sizes)[at.N_CONSTANTS])
    return after(first, k * (uint64(at.RTOL) + sizes[at.STRIDE]))


@compiled
def _results(context, i, sizes):
    """Return the cotangents of the states, followed by those of the constants."""
    place = row(context.code, i)[_RESULTS] + sizes[at.COUNT] * sizes[at.SIZE] + uint64(at.RESULTS)
    return after(context.arena, place)


@compiled
def _save(scratch, sizes, k, time):
    """Save the state before a step, and the number of the next time, as checkpoint ``k``."""
    to = _checkpoint(scratch, sizes, k)
    assign(to, scratch, uint64(at.RTOL))
    assign(after(to, uint64(at.RTOL)), vector(scratch, sizes, at.STATE), sizes[at.STRIDE])
    to[_NUMBER] = number(scratch, time)


@compiled
def _restore(context, i, scratch, sizes, k):
    """Restore checkpoint ``k`` and the first stage of its step; return the number of the next time."""
    source, state = _checkpoint(scratch, sizes, k), vector(scratch, sizes, at.STATE)
    assign(scratch, source, uint64(at.RTOL))
    assign(state, after(source, uint64(at.RTOL)), sizes[at.STRIDE])
    assign(vector(scratch, sizes, at.ARGUMENT), state, sizes[at.STRIDE])
    evaluate(context, i, scratch, sizes, scratch[at.NOW], ZERO)
    return uint64(source[_NUMBER])


@compiled
def _thin(scratch, sizes, count):
    """Drop every second checkpoint."""
    length = uint64(at.RTOL) + sizes[at.STRIDE]
    for k in range(ONE, count // _TWO):
        assign(_checkpoint(scratch, sizes, k), _checkpoint(scratch, sizes, _TWO * k), length)


@compiled
def _forward(context, i, scratch, sizes, tableau, first):
    """Integrate, with checkpoints; return the number of steps between them and the number of steps."""
    k, apart, step, due, most = first, ONE, ZERO, ZERO, _sizes(sizes)[at.MOST_CHECKPOINTS]
    error = number(scratch, 0.0)
    while k < sizes[at.COUNT] and scratch[at.STATUS] == 0.0:
        step = uint64(scratch[at.ACCEPTED])
        if step == due and step == most * apart:
            _thin(scratch, sizes, most)
            apart *= _TWO
        if step == due:
            _save(scratch, sizes, step // apart, k)
            due += apart
        k, error = explicit_step(context, i, scratch, sizes, tableau, k, error)
    write_failure(context, i, scratch, sizes, k)
    write_statistics(context, i, scratch, sizes)
    return apart, uint64(scratch[at.ACCEPTED])


@compiled
def _segment(context, i, scratch, sizes, tableau, checkpoint, first, last):
    """Take the steps first ≤ step < last again, from a checkpoint on, and save each of them."""
    k, most, error = _restore(context, i, scratch, sizes, checkpoint), _sizes(sizes)[at.MOST_CHECKPOINTS], number(scratch, 0.0)
    for step in range(first, last):
        _save(scratch, sizes, most + step - first, k)
        while uint64(scratch[at.ACCEPTED]) == step and scratch[at.STATUS] == 0.0:
            k, error = explicit_step(context, i, scratch, sizes, tableau, k, error)
        saved = _checkpoint(scratch, sizes, most + step - first)
        saved[at.STEP], saved[at.UNTIL] = scratch[at.STEP], scratch[at.UNTIL]


@compiled
def _gather(scratch, sizes, k):
    """Copy the cotangent of the states at time number ``k`` to the vector WEIGHT."""
    to, source, count, place = _vector(scratch, sizes, at.WEIGHT), _given(scratch, sizes), sizes[at.COUNT], ZERO
    for s in range(sizes[at.N_STATES]):
        size = sizes[uint64(at.WORDS) + s]
        for j in range(size):
            to[place + j] = source[k * size + j]
        place += size
        source = after(source, count * size)


@compiled
def _add(to, factor, x, n):
    """Add a multiple of a vector."""
    for j in range(n):
        to[j] += factor * x[j]


@compiled
def _pull_outputs(scratch, sizes, tableau, wanted, first, last):
    """Pull the cotangents at times within the step back to its stages and its state."""
    n, count, h, degree = sizes[at.SIZE], all_stages(sizes), scratch[at.STEP], sizes[at.DEGREE]
    given, coefficients = _vector(scratch, sizes, at.WEIGHT), dense(tableau, sizes)
    for k in range(first, last):
        if wanted[k] != scratch[at.UNTIL]:
            _gather(scratch, sizes, k)
            _add(_vector(scratch, sizes, at.ADJOINT), number(scratch, 1.0), given, n)
            x = (wanted[k] - scratch[at.NOW]) / h
            for j in range(count):
                weight = dense_weight(after(coefficients, j * degree), degree, x)
                _add(_cotangent(scratch, sizes, j), h * weight, given, n)


@compiled
def _pull_stage(context, i, scratch, sizes, tableau, k):
    """Pull the cotangent of stage ``k`` back to the stages before it, the state and the constants."""
    h, n, f = scratch[at.STEP], sizes[at.SIZE], row(context.code, i)
    argument, state, given = vector(scratch, sizes, at.ARGUMENT), vector(scratch, sizes, at.STATE), weights(tableau, sizes, k)
    combine(argument, state, stage(scratch, sizes, ZERO), given, k, h, sizes[at.STRIDE])
    assign(_vector(scratch, sizes, at.WEIGHT), _cotangent(scratch, sizes, k), n)
    scratch[at.TIME] = scratch[at.NOW] + h * nodes(tableau)[k]
    start = i + ONE + f[LENGTH]
    call_execute(context, start, start + f[_PULL])
    pulled = _pulled(scratch, sizes)
    _add(_vector(scratch, sizes, at.ADJOINT), number(scratch, 1.0), pulled, n)
    for j in range(k):
        _add(_cotangent(scratch, sizes, j), h * given[j], pulled, n)
    _add(after(_results(context, i, sizes), n), number(scratch, 1.0), after(pulled, n), _sizes(sizes)[at.N_CONSTANTS])


@compiled
def _reverse_step(context, i, scratch, sizes, tableau, checkpoint, last):
    """Pull the vector ADJOINT back through a step; return the number of its first time, where ``last`` is after its times."""
    first, wanted = _restore(context, i, scratch, sizes, checkpoint), times(context, i)
    adjoint = _vector(scratch, sizes, at.ADJOINT)
    n, count, inside, final = sizes[at.SIZE], sizes[at.STAGES], False, weights(tableau, sizes, sizes[at.STAGES])
    for k in range(first, last):
        if wanted[k] == scratch[at.UNTIL]:
            _gather(scratch, sizes, k)
            _add(adjoint, number(scratch, 1.0), _vector(scratch, sizes, at.WEIGHT), n)
        else:
            inside = True
    for k in range(ONE, count + ONE):
        evaluate_stage(context, i, scratch, sizes, tableau, k)
    if inside:
        extend(context, i, scratch, sizes, tableau)
        count = all_stages(sizes)
    for k in range(count):
        one = _cotangent(scratch, sizes, k)
        for j in range(n):
            one[j] = 0.0
        if k < sizes[at.STAGES]:
            _add(one, scratch[at.STEP] * final[k], adjoint, n)
    _pull_outputs(scratch, sizes, tableau, wanted, first, last)
    for back in range(count):
        _pull_stage(context, i, scratch, sizes, tableau, count - ONE - back)
    return first


@compiled
def _adjoint(context, i):
    """Integrate, and pull the cotangents of the values back to the initial states and the constants."""
    scratch, sizes, tableau = parts(context, i)
    n, results, adjoint = sizes[at.SIZE], _results(context, i, sizes), _vector(scratch, sizes, at.ADJOINT)
    for j in range(n):
        adjoint[j] = 0.0
    for j in range(n + _sizes(sizes)[at.N_CONSTANTS]):
        results[j] = 0.0
    begun = begin(context, i, scratch, sizes, tableau)
    apart, steps = _forward(context, i, scratch, sizes, tableau, begun)
    most, last = _sizes(sizes)[at.MOST_CHECKPOINTS], sizes[at.COUNT]
    if apart > most:
        scratch[at.STATUS] = number(scratch, at.TOO_MANY)
        write_statistics(context, i, scratch, sizes)
    failed = scratch[at.STATUS] != 0.0
    segments = ZERO if failed else (steps + apart - ONE) // apart
    for segment in range(segments):
        checkpoint = segments - ONE - segment
        first, end = checkpoint * apart, min(steps, (checkpoint + ONE) * apart)
        _segment(context, i, scratch, sizes, tableau, checkpoint, first, end)
        for back in range(end - first):
            last = _reverse_step(context, i, scratch, sizes, tableau, most + end - first - ONE - back, last)
    for k in range(last):
        _gather(scratch, sizes, k)
        _add(adjoint, number(scratch, 1.0), _vector(scratch, sizes, at.WEIGHT), n)
    for j in range(n):
        results[j] = adjoint[j]
    if failed:
        for j in range(n + _sizes(sizes)[at.N_CONSTANTS]):
            results[j] = nan


def _arguments(element: Number) -> tuple[Type, ...]:
    return Records(ContextDescriptor, element), UINT64


adjoint = Native(_adjoint, _arguments)
