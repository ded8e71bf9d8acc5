"""Finite differences of a function of a few numbers that returns one number per row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

ArrayFunction = Callable[[np.ndarray], np.ndarray]

_EPSILON = float(np.finfo(float).eps)
SCHEMES = {"3-point": _EPSILON ** (1 / 3), "2-point": _EPSILON ** (1 / 2), "cs": 1e-20}
"""SciPy's schemes (central differences, forward differences and complex steps) with their relative steps."""

TOO_LARGE = {"3-point": 1e-4, "2-point": 1e-6}
"""The relative change of the function above which the step is too long."""
TOO_SMALL = 1e-10
"""The relative change that is lost in rounding error."""
FACTOR, TRIES = 100.0, 12
"""The factor by which a step is then changed, and the maximum number of changes."""


def jacobian(f: ArrayFunction, at: np.ndarray, value: np.ndarray, scheme: str, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the derivatives of ``f`` with respect to each argument, (rows, n); nan if they cannot be determined.

    A step is a fraction of the argument. If the function does not change (as may happen near 0) or changes too much, another
    step is tried, so that the units of an argument do not matter.

    Parameters
    ----------
    f : callable
        Takes (n,), complex for the scheme "cs", and returns (rows,).
    at : ndarray, shape (n,)
        The point.
    value : ndarray, shape (rows,)
        The value of ``f`` there.
    scheme : str
        A key of ``SCHEMES``.
    low, high : ndarray, shape (n,)
        The bounds within which ``f`` may be called.
    """
    columns = [_column(f, at, k, value, scheme, low[k], high[k]) for k in range(len(at))]
    return np.stack(columns, axis=1) if columns else np.empty((len(value), 0))


def _column(f: ArrayFunction, at: np.ndarray, k: int, value: np.ndarray, scheme: str, low: float, high: float) -> np.ndarray:
    size = abs(float(at[k])) or 1.0
    if scheme == "cs":
        step = SCHEMES[scheme] * size
        return np.asarray(f(_moved(at, k, 1j * step))).imag / step
    largest = FACTOR**2 * max(size, 1.0)
    for _ in range(TRIES):
        slope, change, rows = _slope(f, at, k, value, scheme, SCHEMES[scheme] * size, low, high)
        if not np.isfinite(slope).all() or change > TOO_LARGE[scheme]:
            size /= FACTOR
        elif rows < TOO_SMALL and size < largest:
            size *= FACTOR if rows > 0 else FACTOR**2
        else:
            break
    return slope


def _slope(
    f: ArrayFunction, at: np.ndarray, k: int, value: np.ndarray, scheme: str, step: float, low: float, high: float
) -> tuple[np.ndarray, float, float]:
    """Return the derivative with respect to one argument for one step, and the relative changes of ``f``.

    The changes are for all rows together, and for the row with the largest change.

    Near a bound, or if ``f`` is not finite on one side, both points are on the other side.
    """
    points: list[tuple[float, Any]]
    step = min(step, (high - low) / 4)
    ahead = f(_moved(at, k, step)) if at[k] + step <= high else None
    forward = ahead is not None and bool(np.isfinite(ahead).all())
    if scheme == "2-point" and forward:
        points = [(_step(at, k, step), ahead)]
    else:
        behind = f(_moved(at, k, -step)) if at[k] - step >= low else None
        backward = behind is not None and bool(np.isfinite(behind).all())
        if forward and backward:
            points = [(_step(at, k, step), ahead), (_step(at, k, -step), behind)]
        else:
            side = step if forward or not backward else -step
            near = ahead if side > 0 else behind
            if near is None:
                return np.full(value.shape, np.nan), 0.0, 0.0
            points = [(_step(at, k, side), near)]
            if scheme == "3-point":
                points.append((_step(at, k, 2 * side), f(_moved(at, k, 2 * side))))
    with np.errstate(all="ignore"):
        return _through(points, value), *_change(value, points[0][1])


def _through(points: list[tuple[float, Any]], value: np.ndarray) -> np.ndarray:
    """Return the slope at 0 of the line or parabola through ``value`` and one or two other points."""
    (h, first), *others = points
    slope = (first - value) / h
    for d, second in others:
        slope = slope * (-d / (h - d)) + (second - value) / d * (h / (h - d))
    return np.asarray(slope)


def _moved(at: np.ndarray, k: int, step: complex) -> np.ndarray:
    moved = at.astype(np.result_type(at, type(step)))
    moved[k] += step
    return moved


def _step(at: np.ndarray, k: int, step: float) -> float:
    """Return the step after rounding."""
    return float((at[k] + step) - at[k]) or step


def _change(value: np.ndarray, moved: np.ndarray) -> tuple[float, float]:
    """Return the relative change from ``value`` to ``moved``: of the norm, and in the row with the largest change."""
    size, difference = np.abs(value) + np.abs(moved), np.abs(moved - value)
    largest = float(size.max(initial=0.0))
    if largest == 0:
        return 0.0, 0.0
    rows = difference[size > 0] / size[size > 0]
    return float(np.linalg.norm(difference / largest) / np.linalg.norm(size / largest)), float(rows.max(initial=0.0))
