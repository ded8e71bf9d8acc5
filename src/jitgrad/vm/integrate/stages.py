"""Vectors and stages of an integration, and evaluations of the right-hand side."""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.language import after, call_execute, compiled, number
from jitgrad.vm.instructions import column
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.combine import collect, combine
from jitgrad.vm.kernels.lanes import row

ZERO, ONE = uint64(0), uint64(1)
_SCRATCH, _TABLE, _TABLEAU = column("integrate", "s"), column("integrate", "t"), column("integrate", "tableau")
LENGTH = column("integrate", "length")


@compiled
def parts(context, i):
    """Return the scratch memory, the sizes and the tableau of the integration at instruction ``i``."""
    f = row(context.code, i)
    return after(context.arena, f[_SCRATCH]), after(context.table, f[_TABLE]), after(context.arena, f[_TABLEAU])


@compiled
def vector(scratch, sizes, which):
    """Return a vector of the scratch memory."""
    return after(scratch, uint64(at.HEADER) + uint64(which) * sizes[at.STRIDE])


@compiled
def stage(scratch, sizes, k):
    """Return stage ``k``: a derivative of the state."""
    return after(scratch, uint64(at.HEADER) + (uint64(at.STAGE) + k) * sizes[at.STRIDE])


@compiled
def all_stages(sizes):
    """Return the number of stages, with the derivative at the end of the step and the stages for dense output."""
    return sizes[at.STAGES] + ONE + sizes[at.EXTRA]


@compiled
def assign(to, source, n):
    """Copy n elements."""
    for k in range(n):
        to[k] = source[k]


@compiled
def call(context, i, scratch, time):
    """Compute the vector DERIVATIVE, the right-hand side at a time and at the vector ARGUMENT."""
    scratch[at.TIME] = time
    start = i + ONE
    call_execute(context, start, start + row(context.code, i)[LENGTH])
    scratch[at.EVALUATIONS] += 1.0


@compiled
def evaluate(context, i, scratch, sizes, time, k):
    """Compute stage ``k`` as the right-hand side at a time and at the vector ARGUMENT."""
    call(context, i, scratch, time)
    collect(stage(scratch, sizes, k), vector(scratch, sizes, at.DERIVATIVE), sizes[at.STRIDE])


@compiled
def larger(a, b):
    """Return the larger number, or nan if one is nan."""
    return b if not b <= a else a


@compiled
def tolerance(scratch, sizes, j, first, second):
    """Return the largest error of element ``j`` in a step between two values."""
    return scratch[at.SHARE] * (vector(scratch, sizes, at.ATOL)[j] + scratch[at.RTOL] * max(abs(first), abs(second)))


@compiled
def norm(scratch, sizes, x):
    """Return the maximum of the controlled elements of a vector, relative to the tolerance at the state; nan for nan."""
    largest, state = number(scratch, 0.0), vector(scratch, sizes, at.STATE)
    for j in range(sizes[at.CONTROLLED]):
        largest = larger(largest, abs(x[j] / tolerance(scratch, sizes, j, state[j], state[j])))
    return largest


@compiled
def nodes(tableau):
    """Return the fraction of the step at which each stage is evaluated."""
    return after(tableau, uint64(at.CONTROL))


@compiled
def weights(tableau, sizes, k):
    """Return the weights of the stages that give the argument of stage ``k``."""
    count = all_stages(sizes)
    return after(nodes(tableau), count * (ONE + k))


@compiled
def estimates(tableau, sizes):
    """Return the weights of the error estimates."""
    return weights(tableau, sizes, all_stages(sizes))


@compiled
def dense(tableau, sizes):
    """Return the coefficients of the continuous extension."""
    return after(estimates(tableau, sizes), sizes[at.ESTIMATES] * all_stages(sizes))


@compiled
def evaluate_stage(context, i, scratch, sizes, tableau, k):
    """Compute stage ``k`` from the stages before it."""
    h = scratch[at.STEP]
    state, first, given = vector(scratch, sizes, at.STATE), stage(scratch, sizes, ZERO), weights(tableau, sizes, k)
    combine(vector(scratch, sizes, at.ARGUMENT), state, first, given, k, h, sizes[at.STRIDE])
    evaluate(context, i, scratch, sizes, scratch[at.NOW] + h * nodes(tableau)[k], k)
