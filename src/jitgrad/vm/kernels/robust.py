"""Robust losses of residuals, as in ``scipy.optimize.least_squares``.

A residual r contributes scale² · ρ((r / scale)²). For the Gauss-Newton method, it and its row of the Jacobian are scaled
(Triggs, McLauchlan, Hartley and Fitzgibbon, "Bundle adjustment — a modern synthesis", 2000).
"""

from __future__ import annotations

from numpy import arctan, log1p, sqrt

from jitgrad.vm.compiler.language import elementwise
from jitgrad.vm.least_squares.codes import CAUCHY, HUBER, LINEAR_LOSS, SOFT_L1

_SMALLEST = 1e-8
"""Minimum weight of a row if the loss is concave: the residual is scaled by its inverse and must keep its digits."""


@elementwise
def counted(kind, z):
    """ρ(z)."""
    if kind == LINEAR_LOSS:
        return z
    if kind == SOFT_L1:
        return 2.0 * z / (sqrt(1.0 + z) + 1.0)
    if kind == HUBER:
        return z if z <= 1.0 else 2.0 * sqrt(z) - 1.0
    if kind == CAUCHY:
        return log1p(z)
    return arctan(z)


@elementwise
def _slopes(kind, z):
    """ρ′(z) and ρ″(z)."""
    if kind == SOFT_L1:
        t = 1.0 + z
        return 1.0 / sqrt(t), -0.5 / (t * sqrt(t))
    if kind == HUBER:
        if z <= 1.0:
            return 1.0, 0.0
        return 1.0 / sqrt(z), -0.5 / (z * sqrt(z))
    if kind == CAUCHY:
        t = 1.0 + z
        return 1.0 / t, -1.0 / (t * t)
    t = 1.0 + z * z
    return 1.0 / t, -2.0 * z / (t * t)


@elementwise
def scales(kind, z):
    """Return the factors of the residual and of its row of the Jacobian."""
    if kind == LINEAR_LOSS:
        return 1.0, 1.0
    slope, bend = _slopes(kind, z)
    row = sqrt(max(slope + 2.0 * bend * z, _SMALLEST))
    return slope / row, row
