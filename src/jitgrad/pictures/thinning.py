"""Deterministic thinning of very many points, and a smooth line through all of them."""

from __future__ import annotations

import numpy as np

MOST = 1500
"""The largest number of points in a picture."""
_EXTREME = 250
"""The number of the most extreme points among them. The remaining points are evenly spaced."""
_SPAN = 0.5
"""The fraction of the points that each local fit uses."""
_PLACES = 40
_ROWS = 20_000
"""The largest number of points from which a smooth is computed, evenly spaced in x."""


def shown(size: np.ndarray, most: int = MOST) -> np.ndarray:
    """Return the indices of the points that are drawn: the points with the largest ``size``, and others evenly spaced.

    Parameters
    ----------
    size : ndarray, shape (n,)
        A measure of importance, such as the residuals, by absolute value.
    most : int, optional
        The largest number of points.

    Returns
    -------
    ndarray of int64, at most ``most``
        The indices, in order.
    """
    if len(size) <= most:
        return np.arange(len(size))
    extreme = np.argpartition(-np.abs(size), _EXTREME)[:_EXTREME]
    spaced = np.linspace(0, len(size) - 1, most - _EXTREME).round().astype(np.int64)
    return np.unique(np.concatenate([extreme, spaced]))


def smooth(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a local linear smooth, with tricube weights of the nearest half of the points.

    It is empty if x has fewer than five distinct values. Cleveland, "Robust locally weighted regression and smoothing
    scatterplots", 1979, without the robust iterations.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        The points.

    Returns
    -------
    x, y : ndarray, shape (k,)
        The line, k at most 40.
    """
    order = np.argsort(x, kind="stable")
    if len(order) > _ROWS:
        order = order[np.linspace(0, len(order) - 1, _ROWS).round().astype(np.int64)]
    x, y = x[order], y[order]
    places = np.unique(np.quantile(x, np.linspace(0, 1, _PLACES)))
    if len(places) < 5:
        return np.zeros(0), np.zeros(0)
    near = max(int(_SPAN * len(x)), 3)
    made = np.empty(len(places))
    for k, place in enumerate(places):
        distance = np.abs(x - place)
        reach = max(float(np.partition(distance, near - 1)[near - 1]), 0.05 * (x[-1] - x[0]))
        weight = (1 - np.minimum(distance / (1.0001 * reach), 1) ** 3) ** 3
        total = weight.sum()
        mean_x, mean_y = weight @ x / total, weight @ y / total
        spread = weight @ (x - mean_x) ** 2
        slope = weight @ ((x - mean_x) * (y - mean_y)) / spread if spread > 1e-9 * total * reach**2 else 0.0
        made[k] = mean_y + slope * (place - mean_x)
    return places, made
