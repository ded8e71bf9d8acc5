"""Residual diagnostics of the mean, the distribution and the variance of a model, and of influential rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.pictures.canvas import BLUE, ORANGE
from jitgrad.pictures.thinning import MOST, shown, smooth

_FEW = 500
"""Up to this number of points, marks are large."""
_LABELLED = 3
"""The number of labeled rows, the most extreme ones."""
_CONTOURS = (0.5, 1.0)
"""The Cook's distances of the lines. Cook and Weisberg, "Residuals and Influence in Regression", 1982."""


def draw_residuals(axis: Any, fitted: np.ndarray, residuals: np.ndarray, rows: np.ndarray, kind: str, x_name: str) -> None:
    """Draw residuals against fitted values with a smooth line, which is flat if the mean is modeled correctly.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    fitted, residuals : ndarray, shape (n,)
        The points.
    rows : ndarray of int, shape (n,)
        The row numbers in the table, from 1, for the labels of the largest residuals.
    kind, x_name : str
        The kind of residuals, and the label of the x axis.
    """
    _draw_points(axis, fitted, residuals, residuals)
    axis.axhline(0, color="0.5", linewidth=1, zorder=1.7)
    axis.plot(*smooth(fitted, residuals), color=ORANGE, linewidth=1.6)
    _label(axis, fitted, residuals, residuals, rows)
    axis.set(xlabel=x_name, ylabel=f"{kind} residual")


def draw_spread(axis: Any, fitted: np.ndarray, residuals: np.ndarray, kind: str, x_name: str) -> None:
    """Draw square roots of absolute residuals against fitted values. The line is flat if the variance is constant."""
    roots = np.sqrt(np.abs(residuals))
    _draw_points(axis, fitted, roots, roots)
    axis.plot(*smooth(fitted, roots), color=ORANGE, linewidth=1.6)
    axis.set(xlabel=x_name, ylabel=f"√|{kind} residual|")
    axis.set_ylim(bottom=0)


def draw_quantiles(axis: Any, residuals: np.ndarray, rows: np.ndarray, kind: str) -> None:
    """Draw sorted residuals against normal quantiles, with the line of equality.

    The band contains 95% of the points at each quantile if the residuals are a sample of the standard normal distribution. It
    follows from the beta distribution of order statistics.
    """
    from scipy.special import betaincinv, ndtri

    n = len(residuals)
    order = np.argsort(residuals, kind="stable")
    expected = ndtri((np.arange(1, n + 1) - 0.5) / n)
    seen = shown(np.abs(expected) if n > MOST else expected)
    ranks = seen + 1.0
    low, high = (ndtri(betaincinv(ranks, n + 1 - ranks, share)) for share in (0.025, 0.975))
    axis.fill_between(expected[seen], low, high, color="0.5", alpha=0.25, linewidth=0)
    axis.plot(expected[seen], expected[seen], color="0.5", linewidth=1)
    _draw_marks(axis, expected[seen], residuals[order][seen])
    sorted_residuals = residuals[order]
    _label(axis, expected, sorted_residuals, sorted_residuals - expected, rows[order])
    axis.set(xlabel="normal quantile", ylabel=f"{kind} residual")


def draw_leverage(
    axis: Any, leverage: np.ndarray, residuals: np.ndarray, distance: np.ndarray, estimates: int, rows: np.ndarray
) -> None:
    """Draw standardized residuals against leverages, with lines of constant Cook's distance.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    leverage, residuals, distance : ndarray, shape (n,)
        Hat values, standardized Pearson residuals and Cook's distances.
    estimates : int
        The number of coefficients.
    rows : ndarray of int, shape (n,)
        The row numbers in the table.
    """
    known = np.isfinite(residuals) & np.isfinite(distance)
    leverage, residuals, distance, rows = leverage[known], residuals[known], distance[known], rows[known]
    if not len(rows):
        axis.text(0.5, 0.5, "no row has a residual", transform=axis.transAxes, ha="center", va="center")
        return
    _draw_points(axis, leverage, residuals, distance)
    _label(axis, leverage, residuals, distance, rows)
    most, (low, high) = 1.1 * float(leverage.max()), axis.get_ylim()
    h = np.linspace(max(most / 200, 1e-9), min(most, 0.999), 200)
    for contour in _CONTOURS:
        edge = np.sqrt(contour * estimates * (1 - h) / h)
        for sign in (1, -1):
            axis.plot(h, sign * edge, "--", color="0.5", linewidth=0.9)
        if edge[-1] < high:
            axis.annotate(f"{contour:g}", (h[-1], edge[-1]), fontsize=8, ha="right", va="bottom", color="0.4")
    axis.set(xlim=(0, most), ylim=(low, high), xlabel="leverage", ylabel="standardized Pearson residual")


def _draw_points(axis: Any, x: np.ndarray, y: np.ndarray, size: np.ndarray) -> None:
    seen = shown(size)
    _draw_marks(axis, x[seen], y[seen])


def _draw_marks(axis: Any, x: np.ndarray, y: np.ndarray) -> None:
    """Draw large marks, because there are never many of them."""
    look = {"markersize": 4.5, "alpha": 0.8} if len(x) <= _FEW else {"markersize": 3.0, "alpha": 0.55}
    axis.plot(x, y, "o", color=BLUE, markeredgewidth=0, zorder=1.8, **look)


def _label(axis: Any, x: np.ndarray, y: np.ndarray, size: np.ndarray, rows: np.ndarray) -> None:
    """Label the largest points with their row numbers, unless the labels would overlap."""
    taken: list[tuple[float, float]] = []
    wide, high = np.ptp(x) or 1.0, np.ptp(y) or 1.0
    for k in np.argsort(-np.abs(size), kind="stable")[:_LABELLED].tolist():
        place = (x[k] - x.min()) / wide, (y[k] - y.min()) / high
        if all(abs(place[0] - a) > 0.12 or abs(place[1] - b) > 0.07 for a, b in taken):
            taken.append(place)
            right = place[0] > 0.5
            offset, side = ((-5, 0), "right") if right else ((5, 0), "left")
            axis.annotate(str(rows[k]), (x[k], y[k]), offset, textcoords="offset points", fontsize=8, ha=side, va="center")
