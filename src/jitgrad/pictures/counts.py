"""Observed against expected counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.pictures.canvas import BLUE, ORANGE

_BARS = 40
"""The largest number of bars. With more counts, several share a bar."""


def draw_rootogram(
    axis: Any, y: np.ndarray, weights: np.ndarray | None, below: Callable[[float], np.ndarray], name: str
) -> None:
    """Draw a hanging rootogram: square roots of observed frequencies as bars that hang from the expected ones.

    A bar that ends above 0 marks a count that is rarer than expected. A bar that ends below 0 marks a more frequent count.
    Kleiber and Zeileis, "Visualizing count data regressions using rootograms", 2016.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    y : ndarray, shape (n,)
        The counts.
    weights : ndarray, shape (n,), optional
        Frequency weights.
    below : callable
        Takes a count; returns, for each row, the probability of at most this count.
    name : str
        The name of the counted quantity.
    """
    weights = np.ones(len(y)) if weights is None else weights
    low, high = int(y.min()), int(y.max())
    step = max(1, -(-(high + 1 - low) // _BARS))
    edges = np.arange(low, high + step + 1, step)
    chances = [float(weights @ below(edge - 1.0)) for edge in edges]
    expected = np.maximum(np.diff(chances), 0)
    observed = np.histogram(y, edges - 0.5, weights=weights)[0]
    middle = (edges[:-1] + edges[1:] - 1) / 2
    roots = np.sqrt(expected)
    axis.bar(middle, np.sqrt(observed), 0.85 * step, bottom=roots - np.sqrt(observed), color=BLUE, alpha=0.75, linewidth=0)
    axis.plot(middle, roots, "o-", color=ORANGE, markersize=3.5, linewidth=1.4)
    axis.axhline(0, color="0.5", linewidth=1)
    axis.set(xlabel=name if step == 1 else f"{name}, {step} counts per bar", ylabel="√rows")
    axis.xaxis.get_major_locator().set_params(integer=True)
