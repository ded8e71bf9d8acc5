"""The factor of the Jacobian, and steps, of eight fits at a time, a lane each: as in ``steps.py``, where nothing is held.

The factor is Cholesky's of the Gram matrix of columns of norm one. That squares the condition, so it counts only where the
columns are far from dependent: then it has all but three of the digits that an orthogonal factor has. Triangles are packed
column by column; of a diagonal its inverse is kept, by which solving multiplies.
"""

from __future__ import annotations

from numpy import sqrt, uint64, where

from jitgrad.vm.compiler.language import after, compiled, noinline, number
from jitgrad.vm.least_squares.model import ONE, ZERO
from jitgrad.vm.least_squares.steps import MOST_SHRUNK, ROUGHLY

LEAST_PIVOT = 0.03
"""Of columns of norm one, that the factor of the Gram matrix has its digits."""
LEAST_SQUARE, MOST_SQUARE = 1e-200, 1e200
"""Of norms, that what is made of them neither overflows nor vanishes."""
TWO = uint64(2)


@compiled
def _place(k):
    """Where column k of a packed triangle begins."""
    return k * (k + ONE) // TWO


@compiled
def _is_fair(square):
    return (square > LEAST_SQUARE) & (square < MOST_SQUARE)


@compiled
def _dot(x, y, n):
    total = number(x, 0)
    for k in range(n):
        total += x[k] * y[k]
    return total


@compiled
def _keep(asks, to, found, n):
    """Copy n numbers of the lanes that ask."""
    for k in range(n):
        to[k] = where(asks, found[k], to[k])


@compiled
def _normalise(system, asks):
    """The Gram matrix of columns of norm one, and the gradient; which lanes have norms for that."""
    n, gram, inverse, last = system.n, system.gram, system.scratch, _place(system.n)
    square = gram[last + n]
    fair = asks & _is_fair(square)
    system.residual[ZERO] = where(asks, sqrt(square), system.residual[ZERO])
    for k in range(n):
        at = after(gram, _place(k))
        fair = fair & _is_fair(at[k])
        norm = sqrt(at[k])
        system.norms[k] = where(asks, norm, system.norms[k])
        inverse[k] = 1.0 / norm
        for j in range(k):
            at[j] = where(asks, at[j] * (inverse[k] * inverse[j]), at[j])
        at[k] = where(asks, 1.0, at[k])
        system.gradient[k] = where(asks, gram[last + k] * inverse[k], system.gradient[k])
    return fair


@compiled
def _factor(gram, diagonal, R, inverse, n, fair):
    """Cholesky's factor of a Gram matrix with another diagonal; in which of the ``fair`` lanes no pivot is small."""
    for k in range(n):
        at, column = after(gram, _place(k)), after(R, _place(k))
        square = diagonal[k]
        for j in range(k):
            before = after(R, _place(j))
            x = (at[j] - _dot(before, column, j)) * inverse[j]
            column[j] = x
            square -= x * x
        pivot = sqrt(square)
        column[k], inverse[k] = pivot, 1.0 / pivot
        fair = fair & (pivot >= LEAST_PIVOT)
    return fair


@compiled
def _solve_lower(R, inverse, right, u, n):
    """u with Rᵀ·u = right; they may be one."""
    for k in range(n):
        u[k] = (right[k] - _dot(after(R, _place(k)), u, k)) * inverse[k]


@compiled
def _solve_upper(R, inverse, right, z, n):
    """z with R·z = right; they may be one."""
    for back in range(n):
        j = n - ONE - back
        total, at = right[j], _place(j) + j
        for k in range(j + ONE, n):
            at += k
            total -= R[at] * z[k]
        z[j] = total * inverse[j]


@noinline
def factor_lanes(system):
    """Norms, gradient and factor of the lanes that ask, from the Gram matrix of the Jacobian and the residual."""
    n, asks, R, inverse, right = system.n, system.asks[ZERO], system.damped, system.damped_inverse, system.scratch
    fair = _normalise(system, asks)
    for k in range(n):
        right[k] = 1.0
    fair = _factor(system.gram, right, R, inverse, n, fair)
    _solve_lower(R, inverse, system.gradient, right, n)
    _keep(asks, system.factor, R, _place(n))
    _keep(asks, system.inverse, inverse, n)
    _keep(asks, system.right, right, n)
    system.good[ZERO] = (asks & fair) | (~asks & system.good[ZERO])


@compiled
def _length(system, z):
    """The norm of a step, scaled."""
    total = number(z, 0)
    for k in range(system.n):
        total += (system.ratios[k] * z[k]) ** 2
    return sqrt(total)


@compiled
def _slope(system, R, inverse, z, length):
    """‖R⁻ᵀ·D²·z‖² / ‖D·z‖²: how fast damping shortens the step."""
    u, ratios = system.scratch, system.ratios
    for k in range(system.n):
        u[k] = ratios[k] * (ratios[k] * z[k] / length)
    _solve_lower(R, inverse, u, u, system.n)
    return _dot(u, u, system.n)


@compiled
def _damped_step(system, z, damping):
    """A step of the normalised parameters with damping; returns its length."""
    n, R, inverse, diagonal = system.n, system.damped, system.damped_inverse, system.scratch
    for k in range(n):
        diagonal[k] = 1.0 + damping * system.ratios[k] ** 2
    _factor(system.gram, diagonal, R, inverse, n, system.asks[ZERO])
    _solve_lower(R, inverse, system.gradient, z, n)
    _solve_upper(R, inverse, z, z, n)
    return _length(system, z)


@compiled
def _step_within(system):
    """The step of each lane that asks, of about its radius: Moré's iteration, in lanes until the last is done."""
    n, asks, radius, z, trial = system.n, system.asks[ZERO], system.radius[ZERO], system.scaled, system.trial
    _solve_upper(system.factor, system.inverse, system.right, trial, n)
    _keep(asks, z, trial, n)
    length = _length(system, trial)
    outside = asks & ~(length <= (1.0 + ROUGHLY) * radius)
    before = system.damping[ZERO]
    damping = where(asks, 0.0, before)
    if any(outside):
        low = (length - radius) / (radius * _slope(system, system.factor, system.inverse, trial, length))
        total = number(z, 0)
        for k in range(n):
            total += (system.gradient[k] / system.ratios[k]) ** 2
        high = sqrt(total) / radius
        following = min(max(before, low), high)
        following = where(following == 0.0, sqrt(total) / length, following)
        for _ in range(10):
            damping = where(outside, where(following > 0.0, following, max(1e-300, 0.001 * high)), damping)
            beyond = length - radius
            length = _damped_step(system, trial, damping)
            _keep(outside, z, trial, n)
            off = length - radius
            outside = outside & ~((abs(off) <= ROUGHLY * radius) | ((low == 0.0) & (off <= beyond) & (beyond < 0.0)))
            if not any(outside):
                break
            change = off / (radius * _slope(system, system.damped, system.damped_inverse, trial, length))
            low = where(off > 0.0, max(low, damping), low)
            high = where(off > 0.0, high, min(high, damping))
            following = max(low, damping + change)
    system.damping[ZERO] = damping


@compiled
def _forecast(system):
    """What the linear model says of the steps."""
    n, asks, z, R = system.n, system.asks[ZERO], system.scaled, system.factor
    length, square = number(z, 0), number(z, 0)
    for j in range(n):
        step = -z[j] / system.norms[j]
        system.step[j] = where(asks, step, system.step[j])
        length += (system.scales[j] * step) ** 2
        change, at = R[_place(j) + j] * z[j], _place(j) + j
        for k in range(j + ONE, n):
            at += k
            change += R[at] * z[k]
        square += change * change
    system.length[ZERO] = where(asks, sqrt(length), system.length[ZERO])
    system.size[ZERO] = where(asks, sqrt(_dot(z, z, n)), system.size[ZERO])
    system.slope[ZERO] = where(asks, -_dot(system.gradient, z, n), system.slope[ZERO])
    system.square[ZERO] = where(asks, square, system.square[ZERO])


@noinline
def step_lanes(system):
    """Steps within the radius of the lanes that ask, and what is said of them."""
    for k in range(system.n):
        system.ratios[k] = min(system.scales[k] / system.norms[k], MOST_SHRUNK)
    _step_within(system)
    _forecast(system)
