"""A forest plot of estimates with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.pictures.canvas import BLUE, plain

MOST = 25
"""The largest number of estimates. With more, the ones that are farthest from 0 in standard errors are drawn."""


def draw_estimates(axis: Any, names: Sequence[str], estimate: np.ndarray, low: np.ndarray, high: np.ndarray, unit: str) -> int:
    """Draw a point and a bar for each estimate that has an interval, and return their number.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    names : sequence of str
        The names of the estimates.
    estimate, low, high : ndarray, shape (n,)
        The estimates and the limits of their intervals.
    unit : str
        The label of the axis.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(estimate) / (high - low)
    known = np.flatnonzero(np.isfinite(size))
    chosen = np.sort(known[np.argsort(-size[known], kind="stable")[:MOST]])
    place = -np.arange(len(chosen))
    bars = [(estimate - low)[chosen].tolist(), (high - estimate)[chosen].tolist()]
    axis.axvline(0, color="0.5", linewidth=1, zorder=1.7)
    # as lists: matplotlib 3.10 converts the first array of a list, which may have one element, to a number
    axis.errorbar(estimate[chosen], place, xerr=bars, fmt="o", color=BLUE, markersize=4.5, linewidth=1.4)
    axis.set_yticks(place, [plain(names[k], 24) for k in chosen], fontsize=8.5)
    axis.set(xlabel=unit, ylim=(-len(chosen) + 0.3, 0.7))
    axis.tick_params(axis="y", length=0)
    return len(chosen)


def estimates_height(count: int) -> float:
    """Return the height in inches of a figure with this many estimates."""
    return max(2.2, 0.9 + 0.22 * min(count, MOST))
