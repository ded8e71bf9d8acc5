"""Cotangents of an integration, step by step from the last one to the first.

A step is taken again, and then reversed. Steps begin at checkpoints, whose number is limited: whenever there are too many,
every second one is dropped. The steps between them are taken again, with checkpoints of their own, when the reverse pass gets
there. One such level suffices for a number of steps up to about the square of the number of checkpoints (Chen, Xu, Zhang and
Guestrin, "Training deep nets with sublinear memory cost", 2016); more steps have more levels.

The reversed Runge-Kutta step is that of Hager, "Runge-Kutta methods in optimal control and the transformed adjoint system",
Numer. Math. 87, 2000: derivatives are those of the computed solution for the steps taken. In an implicit step, each stage has a
system with the transpose of its own matrix 1 - γhJ (Sandu, "On the properties of Runge-Kutta discrete adjoints", 2006). The
iterations that computed the stages ended at ``newton.ACCURACY`` times the tolerance of a step. Cotangents are exact for the
stages that were found, so their relative errors are of this size: smaller than those of the sensitivities, which iterate, too.
The first stage of a step is the last one of the step before, and so are their cotangents, because its product with the Jacobian
would be large if the equations are stiff.
"""

from __future__ import annotations

from numpy import nan, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, call_execute, compiled, noinline, number
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.instructions import column
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.combine import combine
from jitgrad.vm.integrate.kernel import current, start, try_step
from jitgrad.vm.integrate.linear import substitute_transposed
from jitgrad.vm.integrate.newton import evaluate_jacobian, extra, factors, linearize, prepare
from jitgrad.vm.integrate.output import dense_weight, times, write_failure, write_statistics
from jitgrad.vm.integrate.stages import (
    LENGTH,
    ONE,
    ZERO,
    all_stages,
    assign,
    dense,
    nodes,
    parts,
    stage,
    vector,
    weights,
)  # fmt: skip
from jitgrad.vm.kernels.lanes import row

_RESULTS, _JACOBIAN, _PULL = column("integrate", "d"), column("integrate", "jacobian"), column("integrate", "events")
_TWO, _NUMBER = uint64(2), 0
"""Position of the number of the next time in a checkpoint."""


# The memory.


@compiled
def _vector(scratch, sizes, which):
    """Return a vector of the reverse pass."""
    return after(scratch, sizes[at.REVERSE_PLACE] + uint64(which) * sizes[at.STRIDE])


@compiled
def _cotangent(scratch, sizes, k):
    """Return the cotangent of stage ``k``."""
    return _vector(scratch, sizes, uint64(at.COTANGENTS) + k)


@compiled
def _given(scratch, sizes):
    """Return the cotangents of the results."""
    return _vector(scratch, sizes, at.REVERSE_VECTORS)


@compiled
def _pulled(scratch, sizes):
    """Return the cotangents of the states and the constants that the body computes."""
    return after(_given(scratch, sizes), sizes[at.COUNT] * sizes[at.SIZE])


@compiled
def _checkpoint(scratch, sizes, k):
    """Return checkpoint ``k``."""
    first = after(_pulled(scratch, sizes), sizes[at.SIZE] + sizes[at.N_CONSTANTS])
    return after(first, k * (uint64(at.RTOL) + uint64(at.STORED) * sizes[at.STRIDE]))


@compiled
def _results(context, i, sizes):
    """Return the cotangents of the states, followed by those of the constants."""
    place = row(context.code, i)[_RESULTS] + sizes[at.COUNT] * sizes[at.SIZE] + uint64(at.RESULTS)
    return after(context.arena, place)


@noinline
def _add(to, factor, x, n):
    """Add a multiple of a vector."""
    for j in range(n):
        to[j] += factor * x[j]


# Checkpoints.


@noinline
def _save(scratch, sizes, k, time):
    """Save the state before a step, and the number of the next time, as checkpoint ``k``."""
    to = _checkpoint(scratch, sizes, k)
    assign(to, scratch, uint64(at.RTOL))
    assign(after(to, uint64(at.RTOL)), vector(scratch, sizes, at.LINEARIZED), uint64(at.STORED) * sizes[at.STRIDE])
    to[_NUMBER] = number(scratch, time)


@noinline
def _restore(context, i, scratch, sizes, tableau, k):
    """Restore checkpoint ``k``, and the Jacobian; return the number of the next time."""
    source = _checkpoint(scratch, sizes, k)
    assign(scratch, source, uint64(at.RTOL))
    assign(vector(scratch, sizes, at.LINEARIZED), after(source, uint64(at.RTOL)), uint64(at.STORED) * sizes[at.STRIDE])
    if scratch[at.IMPLICIT] > 0.0:
        own_sizes, _ = current(scratch, sizes, tableau)
        linearize(context, i, scratch, own_sizes)
    return uint64(source[_NUMBER])


@compiled
def _thin(scratch, sizes, count):
    """Drop every second checkpoint."""
    for k in range(ONE, (count + ONE) // _TWO):
        to, source = _checkpoint(scratch, sizes, k), _checkpoint(scratch, sizes, _TWO * k)
        assign(to, source, uint64(at.RTOL) + uint64(at.STORED) * sizes[at.STRIDE])


@noinline
def _take(context, i, scratch, sizes, tableau, first):
    """Take a step, after attempts that are rejected; return the number of the first time after it."""
    k, error, accepted = first, number(scratch, 0.0), scratch[at.ACCEPTED]
    while scratch[at.ACCEPTED] == accepted and scratch[at.STATUS] == 0.0:
        k, error = try_step(context, i, scratch, sizes, tableau, k, error)
    return k


@noinline
def _forward(context, i, scratch, sizes, tableau):
    """Integrate, with checkpoints in one half of their memory or more; return their number."""
    k, apart, count, most = start(context, i, scratch, sizes, tableau), ONE, ZERO, sizes[at.MOST_CHECKPOINTS] // _TWO
    due = number(scratch, 0.0)
    while k < sizes[at.COUNT] and scratch[at.STATUS] == 0.0:
        if scratch[at.ACCEPTED] == due and count == most:
            _thin(scratch, sizes, count)
            count = (count + ONE) // _TWO
            apart *= _TWO
            due = number(scratch, count * apart)
        if scratch[at.ACCEPTED] == due:
            _save(scratch, sizes, count, k)
            count += ONE
            due += number(scratch, apart)
        k = _take(context, i, scratch, sizes, tableau, k)
    write_failure(context, i, scratch, sizes, k)
    write_statistics(context, i, scratch, sizes)
    return count


@noinline
def _fill(context, i, scratch, sizes, tableau, count, last):
    """Take steps after the last checkpoint again, up to step number ``last``; return the number of checkpoints with new ones.

    If all of these steps do not find room for a checkpoint, half of the room remains for the steps between the new ones.
    """
    k = _restore(context, i, scratch, sizes, tableau, count - ONE)
    gap, room = last - uint64(scratch[at.ACCEPTED]), sizes[at.MOST_CHECKPOINTS] - count
    wanted = gap if gap <= room else (room + ONE) // _TWO
    apart = (gap + wanted - ONE) // wanted
    for group in range(gap // apart):
        for step in range(apart):
            k = _take(context, i, scratch, sizes, tableau, k)
        _save(scratch, sizes, count + group, k)
    return count + gap // apart


# The reverse pass.


@noinline
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
def _pull_outputs(context, i, scratch, sizes, tableau, first, last):
    """Pull the cotangents at times within the step back to its stages and its state."""
    n, count, h, degree = sizes[at.SIZE], all_stages(sizes), scratch[at.STEP], sizes[at.DEGREE]
    given, coefficients, wanted = _vector(scratch, sizes, at.WEIGHT), dense(tableau, sizes), times(context, i)
    for k in range(first, last):
        if wanted[k] != scratch[at.UNTIL]:
            _gather(scratch, sizes, k)
            _add(_vector(scratch, sizes, at.ADJOINT), number(scratch, 1.0), given, n)
            x = (wanted[k] - scratch[at.NOW]) / h
            for j in range(count):
                weight = dense_weight(after(coefficients, j * degree), degree, x)
                _add(_cotangent(scratch, sizes, j), h * weight, given, n)


@noinline
def _pull(context, i, scratch, time):
    """Pull the weights back to the states and the constants, at a time and at the vector ARGUMENT."""
    f = row(context.code, i)
    scratch[at.TIME] = time
    begin = i + ONE + f[LENGTH] + f[_JACOBIAN]
    call_execute(context, begin, begin + f[_PULL])


@noinline
def _solve_rows(scratch, sizes, x):
    """Solve systems with the transpose of M in place, for the controlled states and for each row of the dependent ones."""
    states, n, one, count = after(sizes, uint64(at.WORDS)), sizes[at.CONTROLLED], extra(scratch, sizes), sizes[at.N_CONTROLLED]
    a, pivots = factors(scratch, sizes)
    for group in range(sizes[at.N_STATES] // count):
        rows, size = ZERO, ZERO
        for s in range(count):
            if states[s] > ZERO:
                rows = states[group * count + s] // states[s]
        for r in range(rows):
            for back in range(_TWO):
                place, element = x, ZERO
                for s in range(count):
                    size = states[s]
                    for j in range(size):
                        if back == ZERO:
                            one[element + j] = place[r * size + j]
                        else:
                            place[r * size + j] = one[element + j]
                    element += size
                    place = after(place, rows * size)
                if back == ZERO:
                    substitute_transposed(a, pivots, one, n)
        x = after(x, rows * n)


@noinline
def _solve(context, i, scratch, sizes, gamma, given, time):
    """Compute the weights that solve a system with the transpose of 1 - γ h F, where F is the Jacobian of all states.

    F has the Jacobian of the controlled states in its diagonal, one for each row of the dependent states, and zeros above. The
    diagonal alone gives the solution for the last dependent states, and one group more with each correction.
    """
    n, change, pulled = sizes[at.SIZE], scratch[at.STEP] * gamma, _pulled(scratch, sizes)
    weight, rest = _vector(scratch, sizes, at.WEIGHT), vector(scratch, sizes, at.PROPOSED)
    evaluate_jacobian(context, i, scratch, time)
    assign(weight, given, n)
    if not prepare(scratch, sizes, gamma):  # the stage has no derivative
        for j in range(n):
            weight[j] = nan
        return
    _solve_rows(scratch, sizes, weight)
    for group in range(sizes[at.N_STATES] // sizes[at.N_CONTROLLED] - ONE):
        _pull(context, i, scratch, time)
        for j in range(n):
            rest[j] = given[j] - weight[j] + change * pulled[j]
        _solve_rows(scratch, sizes, rest)
        _add(weight, number(scratch, 1.0), rest, n)


@noinline
def _pull_stage(context, i, scratch, sizes, tableau, k):
    """Pull the cotangent of stage ``k`` back to the stages before it, the state and the constants."""
    h, n, given, cotangent = scratch[at.STEP], sizes[at.SIZE], weights(tableau, sizes, k), _cotangent(scratch, sizes, k)
    argument, state, time = vector(scratch, sizes, at.ARGUMENT), vector(scratch, sizes, at.STATE), scratch[at.NOW]
    combine(argument, state, stage(scratch, sizes, ZERO), given, k + ONE, h, sizes[at.STRIDE])
    time += h * nodes(tableau)[k]
    if given[k] != 0.0:
        _solve(context, i, scratch, sizes, given[k], cotangent, time)
    else:
        assign(_vector(scratch, sizes, at.WEIGHT), cotangent, n)
    _pull(context, i, scratch, time)
    pulled = _pulled(scratch, sizes)
    _add(_vector(scratch, sizes, at.ADJOINT), number(scratch, 1.0), pulled, n)
    for j in range(k):
        _add(_cotangent(scratch, sizes, j), h * given[j], pulled, n)
    _add(after(_results(context, i, sizes), n), number(scratch, 1.0), after(pulled, n), sizes[at.N_CONSTANTS])


@noinline
def _reverse(context, i, scratch, sizes, tableau, first, last):
    """Pull ADJOINT, and the cotangent of stage 0 of the next step, back through a step.

    The numbers of the times within the step are first ≤ k < last.
    """
    adjoint, wanted, n, end = _vector(scratch, sizes, at.ADJOINT), times(context, i), sizes[at.SIZE], sizes[at.STAGES]
    count, final, h = end + ONE, weights(tableau, sizes, end), scratch[at.STEP]
    for k in range(first, last):
        if wanted[k] == scratch[at.UNTIL]:
            _gather(scratch, sizes, k)
            _add(adjoint, number(scratch, 1.0), _vector(scratch, sizes, at.WEIGHT), n)
        else:
            count = all_stages(sizes)
    assign(_cotangent(scratch, sizes, end), _cotangent(scratch, sizes, ZERO), n)
    for k in range(count):
        one = _cotangent(scratch, sizes, k)
        if k != end:
            for j in range(n):
                one[j] = 0.0
        if k <= end:
            _add(one, h * final[k], adjoint, n)
    _pull_outputs(context, i, scratch, sizes, tableau, first, last)
    for back in range(count - ONE):
        _pull_stage(context, i, scratch, sizes, tableau, count - ONE - back)


@noinline
def _reverse_step(context, i, scratch, sizes, tableau, checkpoint, last):
    """Take a step again and reverse it; return the number of its first time, where ``last`` is after its times."""
    first = _restore(context, i, scratch, sizes, tableau, checkpoint)
    _take(context, i, scratch, sizes, tableau, first)
    source = _checkpoint(scratch, sizes, checkpoint)
    scratch[at.NOW] = source[at.NOW]
    stored = after(source, uint64(at.RTOL) + sizes[at.STRIDE])
    assign(vector(scratch, sizes, at.STATE), stored, _TWO * sizes[at.STRIDE])
    own_sizes, own_tableau = current(scratch, sizes, tableau)
    _reverse(context, i, scratch, own_sizes, own_tableau, first, last)
    return first


@compiled
def _adjoint(context, i):
    """Integrate, and pull the cotangents of the values back to the initial states and the constants."""
    scratch, sizes, tableau = parts(context, i)
    n, results, adjoint = sizes[at.SIZE], _results(context, i, sizes), _vector(scratch, sizes, at.ADJOINT)
    for j in range(n):
        adjoint[j], _cotangent(scratch, sizes, ZERO)[j] = 0.0, 0.0
    for j in range(n + sizes[at.N_CONSTANTS]):
        results[j] = 0.0
    count, last = _forward(context, i, scratch, sizes, tableau), sizes[at.COUNT]
    failed, steps = scratch[at.STATUS] != 0.0, uint64(scratch[at.ACCEPTED])
    remaining = ZERO if failed else steps
    while remaining > ZERO:
        if uint64(_checkpoint(scratch, sizes, count - ONE)[at.ACCEPTED]) + ONE < remaining:
            count = _fill(context, i, scratch, sizes, tableau, count, remaining - ONE)
        else:
            count -= ONE
            remaining -= ONE
            last = _reverse_step(context, i, scratch, sizes, tableau, count, last)
    if steps > ZERO and not failed:
        _pull_stage(context, i, scratch, sizes, tableau, ZERO)
    for k in range(last):
        _gather(scratch, sizes, k)
        _add(adjoint, number(scratch, 1.0), _vector(scratch, sizes, at.WEIGHT), n)
    for j in range(n):
        results[j] = adjoint[j]
    if failed:
        for j in range(n + sizes[at.N_CONSTANTS]):
            results[j] = nan


def _arguments(element: Number) -> tuple[Type, ...]:
    return Records(ContextDescriptor, element), UINT64


adjoint = Native(_adjoint, _arguments)
