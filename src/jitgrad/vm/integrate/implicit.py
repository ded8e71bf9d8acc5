"""Diagonally implicit Runge-Kutta methods for stiff equations, whose first stage is explicit and whose last is the solution.

Source: Hairer and Wanner, "Solving Ordinary Differential Equations II", 2nd edition, 1996, section IV.8: when the Jacobian and
the factors of the matrix are computed again, the error estimate multiplied by the inverse of the matrix, and the predictive
step size control (Gustafsson).
"""

from __future__ import annotations

from jitgrad.vm.compiler.language import after, compiled, number
from jitgrad.vm.integrate import layout as at
from jitgrad.vm.integrate.control import limit_step
from jitgrad.vm.integrate.explicit import advance, finish
from jitgrad.vm.integrate.newton import SLOW, compute_jacobian, correct, extra, prepare, solve_stage
from jitgrad.vm.integrate.stages import (
    ONE,
    ZERO,
    all_stages,
    dense,
    estimates,
    larger,
    nodes,
    stage,
    tolerance,
    vector,
    weights,
)  # fmt: skip

_KEPT = 1.2
"""Factor up to which the step is kept, and with it the factors of the matrix."""


@compiled
def _predictors(tableau, sizes):
    """Return the weights that predict each stage from the stages before it."""
    return after(dense(tableau, sizes), all_stages(sizes) * sizes[at.DEGREE])


@compiled
def _step(context, i, scratch, sizes, tableau):
    """Compute the stages of a step, and the state that it proposes; return whether all iterations converged."""
    count, h = all_stages(sizes), scratch[at.STEP]
    gamma, predictors = weights(tableau, sizes, ONE)[ONE], _predictors(tableau, sizes)
    scratch[at.WORST] = 0.0
    if not prepare(scratch, sizes, gamma):
        return False
    for k in range(ONE, count):
        time = scratch[at.NOW] + h * nodes(tableau)[k]
        if not solve_stage(
            context, i, scratch, sizes, weights(tableau, sizes, k), after(predictors, k * count), k, time, gamma
        ):
            return False
    proposed, base, last = vector(scratch, sizes, at.PROPOSED), after(extra(scratch, sizes), sizes[at.STRIDE]), count - ONE
    found = stage(scratch, sizes, last)
    for j in range(sizes[at.SIZE]):
        proposed[j] = base[j] + h * gamma * found[j]
    return True


@compiled
def _error(scratch, sizes, tableau):
    """Return the maximum of the error estimate relative to the tolerance."""
    n, count, estimate, stride = sizes[at.CONTROLLED], all_stages(sizes), estimates(tableau, sizes), sizes[at.STRIDE]
    state, proposed, first = vector(scratch, sizes, at.STATE), vector(scratch, sizes, at.PROPOSED), stage(scratch, sizes, ZERO)
    error, largest = extra(scratch, sizes), number(scratch, 0.0)
    for j in range(n):
        part = number(scratch, 0.0)
        for k in range(count):
            part += estimate[k] * first[k * stride + j]
        error[j] = part
    correct(scratch, sizes, error)
    for j in range(n):
        largest = larger(largest, abs(error[j] / tolerance(scratch, sizes, j, state[j], proposed[j])))
    return abs(scratch[at.STEP]) * largest


@compiled
def _factor(scratch, tableau, error):
    """Return the factor of the step after one with this error, predicted from the last two accepted steps."""
    exponent = tableau[at.ALPHA]
    size = max(error, 1e-10)
    factor = tableau[at.SAFETY] / size**exponent
    if scratch[at.STEP_BEFORE] != 0.0 and error <= 1.0:
        ratio = abs(scratch[at.STEP] / scratch[at.STEP_BEFORE])
        factor = min(factor, factor * ratio * (scratch[at.ERROR] / size) ** exponent)
    return max(tableau[at.SMALLEST], min(tableau[at.LARGEST], factor))


@compiled
def _fail(context, i, scratch, sizes):
    """Continue after iterations that did not converge: with the current Jacobian, or with a smaller step."""
    scratch[at.NEXT] = scratch[at.STEP]
    if scratch[at.FRESH] > 0.0:
        scratch[at.NEXT] = 0.5 * scratch[at.STEP]
        scratch[at.RATE] = 1.0
    else:
        compute_jacobian(context, i, scratch, sizes)
    scratch[at.REJECTED] += 1.0
    scratch[at.AFTER_REJECTION] = 1.0


@compiled
def _accept(context, i, scratch, sizes, tableau, error):
    """Accept the step, and prepare the next one."""
    factor = _factor(scratch, tableau, error)
    if scratch[at.AFTER_REJECTION] > 0.0:
        factor = min(factor, 1.0)
    scratch[at.ERROR], scratch[at.STEP_BEFORE] = max(error, 1e-2), scratch[at.STEP]
    advance(scratch, sizes)
    scratch[at.ACCEPTED] += 1.0
    scratch[at.AFTER_REJECTION] = 0.0
    if scratch[at.WORST] > SLOW:
        if scratch[at.NOW] != scratch[at.END]:
            compute_jacobian(context, i, scratch, sizes)
    else:
        scratch[at.FRESH] = 0.0
        if 1.0 <= factor <= _KEPT:
            factor = number(scratch, 1.0)
    scratch[at.NEXT] = factor * scratch[at.STEP]


@compiled
def _reject(context, i, scratch, sizes, tableau, error):
    """Reject the step."""
    scratch[at.NEXT] = min(_factor(scratch, tableau, error), 0.9) * scratch[at.STEP]
    scratch[at.REJECTED] += 1.0
    scratch[at.AFTER_REJECTION] = 1.0
    if scratch[at.WORST] > SLOW and scratch[at.FRESH] == 0.0:
        compute_jacobian(context, i, scratch, sizes)


@compiled
def implicit_step(context, i, scratch, sizes, tableau, first, before):
    """Try a step after one with the error ``before``. Return the number of the first time after it, and its error."""
    limit_step(scratch, before)
    if scratch[at.STATUS] != 0.0:
        return first, before
    if not _step(context, i, scratch, sizes, tableau):
        _fail(context, i, scratch, sizes)
        return first, scratch[at.WORST] + 1.0
    k, error = first, _error(scratch, sizes, tableau)
    if error <= 1.0:
        k = finish(context, i, scratch, sizes, tableau, k)
        _accept(context, i, scratch, sizes, tableau, error)
    else:
        _reject(context, i, scratch, sizes, tableau, error)
    return k, error
