"""The stages of implicit methods, by simplified Newton iterations with one matrix for all stages.

The matrix is M = 1 - γ h J with the Jacobian J of the controlled states. The equations of the dependent states are linear in
these states with the same Jacobian, so M serves for them too. Both iterate until they have converged, dependent states relative
to their own size, so that tangents are those of the solution. One iteration of dependent states never suffices: it uses the
predicted controlled states, and the rate of convergence does not measure their error. The first change of dependent states says
nothing about the rate of convergence either, so the first rate is that of the controlled states. Source: Hairer and Wanner,
"Solving Ordinary Differential Equations II", 2nd edition, 1996, section IV.8.
"""

from __future__ import annotations

from numpy import inf, uint64

from jitgrad.vm.compiler.language import after, call_execute, compiled, noinline, number
from jitgrad.vm.instructions import column
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.combine import combine
from jitgrad.vm.integrate.linear import factorize, substitute
from jitgrad.vm.integrate.stages import (
    LENGTH,
    ONE,
    ZERO,
    all_stages,
    assign,
    call,
    larger,
    stage,
    tolerance,
    vector,
)
from jitgrad.vm.kernels.lanes import row

_JACOBIAN = column("integrate", "jacobian")
MOST_ITERATIONS = 8
ACCURACY = 0.005
"""Error of the iterations relative to the largest error of a step."""
ROUNDING = 0.1
"""Changes below this are accepted if they do not decrease any further, because they are rounding errors."""
LEAST_RELATIVE = 1e-9
"""Smallest relative tolerance of dependent states."""
SLOW = 0.02
"""Rate of convergence above which the Jacobian is computed again."""


@compiled
def extra(scratch, sizes):
    """Return the memory of the implicit methods, which follows the stages."""
    return after(stage(scratch, sizes, all_stages(sizes)), uint64(at.MOST_STAGES))


@compiled
def matrix(scratch, sizes):
    """Return the Jacobian of the controlled states."""
    return after(extra(scratch, sizes), uint64(at.MORE_VECTORS) * sizes[at.STRIDE])


@compiled
def factors(scratch, sizes):
    """Return the LU factors of M, and its pivots, which follow."""
    n = sizes[at.CONTROLLED]
    place = after(matrix(scratch, sizes), n * n)
    return place, after(place, n * n)


@noinline
def evaluate_jacobian(context, i, scratch, time):
    """Compute the Jacobian at a time and at the vector ARGUMENT."""
    scratch[at.TIME], scratch[at.FACTORED] = time, 0.0
    f = row(context.code, i)
    start = i + ONE + f[LENGTH]
    call_execute(context, start, start + f[_JACOBIAN])


@compiled
def linearize(context, i, scratch, sizes):
    """Compute the Jacobian at the vector LINEARIZED, and at its time."""
    assign(vector(scratch, sizes, at.ARGUMENT), vector(scratch, sizes, at.LINEARIZED), sizes[at.STRIDE])
    evaluate_jacobian(context, i, scratch, scratch[at.LINEARIZED_AT])


@noinline
def compute_jacobian(context, i, scratch, sizes):
    """Compute the Jacobian at the state."""
    assign(vector(scratch, sizes, at.LINEARIZED), vector(scratch, sizes, at.STATE), sizes[at.STRIDE])
    scratch[at.LINEARIZED_AT] = scratch[at.NOW]
    linearize(context, i, scratch, sizes)
    scratch[at.JACOBIANS] += 1.0
    scratch[at.FRESH], scratch[at.RATE] = 1.0, 1.0


@noinline
def prepare(scratch, sizes, gamma):
    """Factorize M for the current step, unless it is known; return whether it is regular."""
    h = scratch[at.STEP]
    if scratch[at.FACTORED] == h:
        return True
    n, jacobian = sizes[at.CONTROLLED], matrix(scratch, sizes)
    a, pivots = factors(scratch, sizes)
    for k in range(n * n):
        a[k] = -gamma * h * jacobian[k]
    for j in range(n):
        a[j * n + j] += 1.0
    scratch[at.FACTORIZATIONS] += 1.0
    scratch[at.FACTORED] = h
    return factorize(a, pivots, n)


@compiled
def correct(scratch, sizes, x):
    """Solve a system with M for the controlled states of a vector, in place."""
    a, pivots = factors(scratch, sizes)
    substitute(a, pivots, x, sizes[at.CONTROLLED])


@noinline
def _correct_dependent(scratch, sizes, x, argument, change):
    """Solve systems with M for the dependent states of a vector, in place, and return their largest relative change.

    Dependent states are groups of states like the controlled ones, each with one or more rows. The change of a row is
    ``change`` times its elements. Its size is relative to the tolerances of the controlled states.
    """
    states, n, one = after(sizes, uint64(at.WORDS)), sizes[at.CONTROLLED], extra(scratch, sizes)
    first, place, largest, reference = ZERO, n, number(scratch, 0.0), vector(scratch, sizes, at.STATE)
    count = sizes[at.N_CONTROLLED]
    a, pivots = factors(scratch, sizes)
    first += count
    while first < sizes[at.N_STATES]:
        rows = ZERO
        for s in range(count):
            if states[s] > ZERO:
                rows = states[first + s] // states[s]
        for r in range(rows):
            element, begin = ZERO, place
            for s in range(count):
                size = states[s]
                for j in range(size):
                    one[element + j] = x[begin + r * size + j]
                element += size
                begin += rows * size
            substitute(a, pivots, one, n)
            moved, whole, element, begin = number(scratch, 0.0), number(scratch, 0.0), ZERO, place
            for s in range(count):
                size = states[s]
                for j in range(size):
                    k, e = begin + r * size + j, element + j
                    x[k] = one[e]
                    within = tolerance(scratch, sizes, e, reference[e], reference[e])
                    moved = larger(moved, abs(change * one[e] / within))
                    whole = max(whole, abs((argument[k] + change * one[e]) / within))
                element += size
                begin += rows * size
            if moved != 0.0:
                largest = larger(largest, moved / whole)
        for s in range(count):
            place += states[first + s]
        first += count
    return largest


@noinline
def solve_stage(context, i, scratch, sizes, weights, predictor, k, time, gamma):
    """Compute stage ``k``; return whether the iterations converged. Record their worst rate of convergence."""
    h, count, stride, n = scratch[at.STEP], sizes[at.SIZE], sizes[at.STRIDE], sizes[at.CONTROLLED]
    state, first, found = vector(scratch, sizes, at.STATE), stage(scratch, sizes, ZERO), stage(scratch, sizes, k)
    argument, slope = vector(scratch, sizes, at.ARGUMENT), vector(scratch, sizes, at.DERIVATIVE)
    base, change = after(extra(scratch, sizes), stride), h * gamma
    combine(base, state, first, weights, k, h, stride)
    for j in range(stride):
        argument[j] = 0.0
    combine(found, argument, first, predictor, k, number(scratch, 1.0), stride)
    rate = max(scratch[at.RATE], 1e-16) ** 0.8
    before, relative = number(scratch, 0.0), max(scratch[at.RTOL], LEAST_RELATIVE)
    for iteration in range(uint64(MOST_ITERATIONS)):
        for j in range(count):
            argument[j] = base[j] + change * found[j]
        call(context, i, scratch, time)
        for j in range(count):
            slope[j] -= found[j]
        correct(scratch, sizes, slope)
        own = number(scratch, 0.0)
        for j in range(n):
            own = larger(own, abs(change * slope[j] / tolerance(scratch, sizes, j, state[j], argument[j])))
        size = own
        if count > n:
            size = larger(size, _correct_dependent(scratch, sizes, slope, argument, change) / relative)
        if not size < inf:
            scratch[at.WORST] = inf
            return False
        for j in range(count):
            found[j] += slope[j]
        if iteration > ZERO:
            now = own if iteration == ONE else size
            theta = now / before
            if theta >= 1.0 and size <= ROUNDING:
                scratch[at.WORST] = max(scratch[at.WORST], theta)
                return True
            if theta < 1.0 or now > ROUNDING:
                scratch[at.WORST] = max(scratch[at.WORST], theta)
                rate = theta / (1.0 - theta)
            if not rate >= 0.0:
                return False
        if rate * size <= ACCURACY and (iteration > ZERO or count == n):
            scratch[at.RATE] = rate
            return True
        before = own if iteration == ZERO else size
    return False
