"""The factor of the Jacobian, and steps, of eight fits at once, one per lane: as in ``steps.py``, without active bounds.

The Gram matrix of columns of norm one is factored as L·D·Lᵀ, which needs no square roots. It squares the condition number, so
it is used only if the columns are far from dependent; then it loses at most three digits compared with an orthogonal factor.
Triangles are packed row by row, L's with an unused diagonal. D is stored as its inverse, by which solving multiplies.
"""

from __future__ import annotations

from numpy import sqrt, uint64, where

from jitgrad.vm.compiler.language import Room, after, elementwise, noinline, number, put
from jitgrad.vm.least_squares.model import ONE, ZERO, move
from jitgrad.vm.least_squares.steps import MOST_SHRUNK, ROUGHLY
from jitgrad.vm.least_squares.systems import MOST_PARAMETERS

LEAST_PIVOT = 0.03
"""Minimum pivot of R, whose columns have norm one, for which the factor of the Gram matrix is accurate enough."""
LEAST_SQUARE, MOST_SQUARE = 1e-200, 1e200
"""Range of squared norms in which their products neither overflow nor underflow."""
_vector, _triangle = Room(MOST_PARAMETERS * 64), Room(MOST_PARAMETERS * (MOST_PARAMETERS + 1) // 2 * 64)


@elementwise
def _row(triangle, k):
    """Return the pointer to a row of a packed triangle."""
    return after(triangle, k * (k + ONE) // uint64(2))


@elementwise
def _is_fair(square):
    return (square > LEAST_SQUARE) & (square < MOST_SQUARE)


@elementwise
def _less(x, a, b, n):
    """Return x minus the product of two vectors."""
    for k in range(n):
        x -= a[k] * b[k]
    return x


@elementwise
def _normalise(system, asks, gram):
    """Compute the Gram matrix of columns of norm one, norms and gradient; return the lanes in which the norms are valid."""
    n, last, by = system.n, _row(system.gram, system.n), _vector(gram)
    fair = _is_fair(last[n])
    put(system.residual, ZERO, asks, sqrt(last[n]))
    for k in range(n):
        raw, to = _row(system.gram, k), _row(gram, k)
        fair = fair & _is_fair(raw[k])
        norm = sqrt(raw[k])
        by[k], to[k] = 1.0 / norm, number(gram, 1)
        put(system.norms, k, asks, norm)
        put(system.gradient, k, asks, last[k] * by[k])
        for j in range(k):
            to[j] = raw[j] * (by[k] * by[j])
    return fair


@elementwise
def _factor(gram, D, L, inverse, n, fair):
    """Compute L, and D in the diagonal of the Gram matrix; return in which of the ``fair`` lanes no element of D is small."""
    row = _vector(gram)
    for k in range(n):
        at, to, pivot = _row(gram, k), _row(L, k), D[k]
        for j in range(k):
            x = _less(at[j], row, _row(L, j), j)
            row[j], to[j] = x, x * inverse[j]
            pivot -= x * (x * inverse[j])
        D[k], inverse[k] = pivot, 1.0 / pivot
        fair = fair & (pivot >= LEAST_PIVOT**2)
    return fair


@elementwise
def _solve_lower(L, u, n):
    """Solve L·u = right, in place."""
    for k in range(n):
        u[k] = _less(u[k], _row(L, k), u, k)


@elementwise
def _solve_upper(L, z, n):
    """Solve Lᵀ·z = right, in place."""
    for back in range(n):
        k = n - ONE - back
        total, at = z[k], k * (k + ONE) // uint64(2) + k
        for j in range(k + ONE, n):
            at += j
            total -= L[at] * z[j]
        z[k] = total


@noinline
def factor_lanes(system):
    """Compute norms, gradient and factor of the requesting lanes from the Gram matrix of the Jacobian and the residual."""
    n, asks, gram, L = system.n, system.asks[ZERO], _triangle(system.gram), _triangle(system.gram)
    D, inverse, u = _vector(system.gram), _vector(system.gram), _vector(system.gram)
    fair = _normalise(system, asks, gram)
    for k in range(n):
        D[k], u[k] = 1.0, system.gradient[k]
    put(system.good, ZERO, asks, _factor(gram, D, L, inverse, n, fair))
    _solve_lower(L, u, n)
    for k in range(n):
        D[k], u[k] = sqrt(D[k]), u[k] * inverse[k]
        put(system.inverse, k, asks, inverse[k])
        put(system.right, k, asks, u[k] * D[k])
    _solve_upper(L, u, n)
    for k in range(n):
        scaled, found, to, R = _row(system.gram, k), _row(L, k), _row(system.lower, k), _row(system.factor, k)
        put(system.full, k, asks, u[k])
        for j in range(k):
            put(scaled, j, asks, _row(gram, k)[j])
            put(to, j, asks, found[j])
            put(R, j, asks, found[j] * D[j])
        put(scaled, k, asks, 1.0)
        put(R, k, asks, D[k])


@elementwise
def _length(ratios, z, n):
    """Return the scaled norm of a step."""
    total = number(z, 0)
    for k in range(n):
        total += (ratios[k] * z[k]) ** 2
    return sqrt(total)


@elementwise
def _slope(L, inverse, ratios, z, length, n):
    """Return ‖R⁻ᵀ·S²·z‖² / ‖S·z‖² with the scales S: the rate at which damping shortens the step."""
    u, by, total = _vector(z), 1.0 / length, number(z, 0)
    for k in range(n):
        u[k] = ratios[k] * (ratios[k] * z[k] * by)
    _solve_lower(L, u, n)
    for k in range(n):
        total += u[k] ** 2 * inverse[k]
    return total


@elementwise
def _step_within(system, asks, ratios, z):
    """Damp the full step to about the radius in requesting lanes, by Moré's iteration, until the last lane is done.

    Return the damping.
    """
    n, trial, L, D, inverse = system.n, _vector(z), _triangle(z), _vector(z), _vector(z)
    radius, before = system.radius[ZERO], system.damping[ZERO]
    length = _length(ratios, z, n)
    outside = asks & ~(length <= (1.0 + ROUGHLY) * radius)
    damping = number(z, 0)
    if not any(outside):
        return damping
    low = (length - radius) / (radius * _slope(system.lower, system.inverse, ratios, z, length, n))
    total = number(z, 0)
    for k in range(n):
        total += (system.gradient[k] / ratios[k]) ** 2
    high = sqrt(total) / radius
    following = min(max(before, low), high)
    following = where(following == 0.0, sqrt(total) / length, following)
    for _ in range(10):
        damping = where(outside, where(following > 0.0, following, max(1e-300, 0.001 * high)), damping)
        beyond = length - radius
        for k in range(n):
            D[k], trial[k] = 1.0 + damping * ratios[k] ** 2, system.gradient[k]
        _factor(system.gram, D, L, inverse, n, outside)
        _solve_lower(L, trial, n)
        for k in range(n):
            trial[k] *= inverse[k]
        _solve_upper(L, trial, n)
        for k in range(n):
            z[k] = where(outside, trial[k], z[k])
        length = _length(ratios, trial, n)
        off = length - radius
        outside = outside & ~((abs(off) <= ROUGHLY * radius) | ((low == 0.0) & (off <= beyond) & (beyond < 0.0)))
        if not any(outside):
            break
        change = off / (radius * _slope(L, inverse, ratios, trial, length, n))
        low = where(off > 0.0, max(low, damping), low)
        high = where(off > 0.0, high, min(high, damping))
        following = max(low, damping + change)
    return damping


@noinline
def step_lanes(system):
    """Compute steps within the radius for the requesting lanes, and the predictions of the linear model."""
    n, asks, z, ratios, by = system.n, system.asks[ZERO], _vector(system.full), _vector(system.full), _vector(system.full)
    move(z, system.full, n)
    for k in range(n):
        by[k] = 1.0 / system.norms[k]
        ratios[k] = min(system.scales[k] * by[k], MOST_SHRUNK)
    put(system.damping, ZERO, asks, _step_within(system, asks, ratios, z))
    length, slope, square = number(z, 0), number(z, 0), number(z, 0)
    for j in range(n):
        step, change, at = -z[j] * by[j], number(z, 0), j * (j + ONE) // uint64(2) + j
        for k in range(j, n):
            change += system.factor[at] * z[k]
            at += k + ONE
        length += (system.scales[j] * step) ** 2
        slope -= system.gradient[j] * z[j]
        square += change**2
        put(system.step, j, asks, step)
    put(system.length, ZERO, asks, sqrt(length))
    put(system.slope, ZERO, asks, slope)
    put(system.square, ZERO, asks, square)
