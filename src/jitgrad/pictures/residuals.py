"""Elements shared by the pictures of all fits: measured values, model values and residuals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.pictures.scales import scale_of

_MANY = 500
"""More points than this get small marks; above ten times as many, vector files contain them as an image."""
_POINTS = 300
_ROUNDING = 1e-12
"""Relative differences below this are rounding errors."""


def draw_marks(
    axis: Any,
    x: np.ndarray,
    y: np.ndarray,
    sigma: np.ndarray | None = None,
    label: str = "",
    color: str = "0.2",
    marker: str = "o",
) -> None:
    """Draw a point per row, smaller and fainter if there are many, with error bars if sigma is given."""
    few, faint = len(x) <= _MANY, math.sqrt(_MANY / len(x))
    shape = {"linestyle": "", "marker": marker, "color": color, "markeredgewidth": 0}
    look = {
        "markersize": 4.5 if few else 2.5, "alpha": min(0.8, max(0.8 * faint, 0.04)), "rasterized": len(x) > 10 * _MANY,
        "zorder": 1.8,
    }  # fmt: skip
    if sigma is None:
        axis.plot(x, y, **shape, **look)
    else:
        axis.errorbar(x, y, sigma, elinewidth=1 if few else 0.5, **shape, **look)
    if label:
        axis.plot([], [], **shape, markersize=4.5, label=label)  # opaque in the legend


def draw_diagonal(axis: Any, fitted: np.ndarray, color: str = "0.4", label: str | None = None) -> None:
    """Draw the line on which measured and fitted values are equal."""
    ends = fitted.min(), fitted.max()
    axis.plot(ends, ends, color=color, linewidth=1.5, label=label)


def smooth_points(axis: Any, x: np.ndarray) -> np.ndarray:
    """Return points over the range of ``x`` at which a curve looks smooth, and set the scale of the axis."""
    scale = scale_of(x)
    scale.set(axis)
    return scale.points(float(x.min()), float(x.max()), _POINTS)


def draw_legend_above(axis: Any) -> None:
    """Draw the legend above the axes, so that it does not cover data."""
    labels = axis.get_legend_handles_labels()[1]
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "borderaxespad": 0.2, "frameon": False}
    axis.legend(**place, ncols=len(labels), fontsize=9, columnspacing=1.2, handletextpad=0.5)


def draw_zero(axis: Any, residuals: np.ndarray, values: np.ndarray) -> None:
    """Draw a zero line in the middle of the residuals, with limits wide enough that rounding errors look like zero."""
    largest, size = float(np.abs(residuals).max()), float(np.abs(values).max()) or 1.0
    half = 1.15 * largest if largest > _ROUNDING * size else 0.1 * size
    axis.axhline(0, color="0.4", linewidth=1, zorder=1.7)
    axis.set_ylim(-half, half)


def limits(values: np.ndarray, beside: np.ndarray) -> tuple[float, float]:
    """Return limits that show ``values`` on at least half of the axis, and as much of ``beside`` as possible."""
    low, high = float(values.min()), float(values.max())
    size = max(abs(low), abs(high)) or 1.0
    if high - low <= _ROUNDING * size:
        return low - 0.1 * size, high + 0.1 * size
    beside = np.clip(beside[np.isfinite(beside)], 1.5 * low - 0.5 * high, 1.5 * high - 0.5 * low)
    low, high = min(low, beside.min()), max(high, beside.max())
    return low - 0.05 * (high - low), high + 0.05 * (high - low)
