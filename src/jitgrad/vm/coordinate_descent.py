"""Coordinate descent on a quadratic function with an elastic-net penalty, which minimizes over one coefficient at a time.

    ½ (b − b₀)ᵀ H (b − b₀) − g₀ᵀ (b − b₀) + Σ lassoⱼ |bⱼ| + ½ Σ ridgeⱼ bⱼ²,    H = AᵀA

Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via coordinate descent", 2010, describe two
ways to update slopes, and each is a function here. ``descend_gram`` stores all slopes, and a changed coefficient requires a row
of H (covariance updates). ``descend_columns`` stores A (b − b₀), and each coefficient requires a column of A (naive updates).
The latter is faster if there are more coefficients than rows.
"""

from __future__ import annotations

from numpy import copysign, uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import after, compiled
from jitgrad.vm.compiler.types import UINT64, Records
from jitgrad.vm.kernels.reduce import dot_block
from jitgrad.vm.penalty import Penalised

_NONE, _ONE = uint64(0), uint64(1)


@compiled
def _step(problem, j, slope):
    """Return the change of a coefficient to its minimum; the function falls by ``slope`` per unit, without its penalty."""
    before, curvature = problem.coefficients[j], problem.curvature[j]
    pull, stiffness = slope + curvature * before, curvature + problem.ridge[j]
    over = abs(pull) - problem.lasso[j]
    if stiffness <= 0.0:
        return 0.0
    return (copysign(over, pull) / stiffness if over > 0.0 else 0.0) - before


@compiled
def _by_gram(problem, j):
    """Minimize over a coefficient by the slopes at all coefficients. Return its change."""
    slopes, step = problem.gradient, _step(problem, j, problem.gradient[j])
    if step != 0.0:
        row = after(problem.matrix, j * problem.leading)
        for k in range(problem.n):
            slopes[k] -= step * row[k]
    return step


@compiled
def _by_columns(problem, j):
    """Minimize over a coefficient by its column and A (b − b₀). Return its change."""
    column, fitted = after(problem.matrix, j * problem.leading), problem.fitted
    step = _step(problem, j, problem.gradient[j] - dot_block(column, fitted, problem.rows))
    if step != 0.0:
        for i in range(problem.rows):
            fitted[i] += step * column[i]
    return step


@compiled
def _descend(problem, most, improve):
    """Sweep over all coefficients, then over the nonzero ones until they converge, for at most ``most`` sweeps.

    Return the number of sweeps.
    """
    active, count = problem.active, problem.n
    for sweep in range(most):
        largest, left = 0.0, _NONE
        for place in range(count):
            j = place if sweep == _NONE else active[place]
            step = improve(problem, j)
            problem.coefficients[j] += step
            largest = max(largest, abs(step) * (problem.curvature[j] + problem.ridge[j]))
            if problem.coefficients[j] != 0.0:
                active[left] = j
                left += _ONE
        count = left
        problem.change = largest
        if largest <= problem.tolerance:
            return sweep + _ONE
    return most


def _descend_gram(problem, most):
    return _descend(problem, most, _by_gram)


def _descend_columns(problem, most):
    return _descend(problem, most, _by_columns)


descend_gram = Native(_descend_gram, lambda element: (Records(Penalised, element), UINT64))
descend_columns = Native(_descend_columns, lambda element: (Records(Penalised, element), UINT64))
