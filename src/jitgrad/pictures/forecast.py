"""A series with its predictions and forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import BLUE, ORANGE, Target, new_figure, plain, written
from jitgrad.timeseries import TimeSeriesFit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_TO_COME = 4
"""The default number of forecasts is at most the length of the series divided by this."""


def forecast(fit: TimeSeriesFit, steps: int | None = None, path: Target = None, name: str = "y", level: float = 0.95) -> Figure:
    """Draw a series, its one-step predictions, and forecasts with their prediction intervals.

    For a GARCH model, a second panel shows the conditional standard deviation and its forecasts.

    Parameters
    ----------
    fit : TimeSeriesFit
        The result of a function of `jitgrad.timeseries`.
    steps : int, optional
        The number of forecasts. By default, 12, or a quarter of the series if it is short.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.
    name : str, default "y"
        The name of the series.
    level : float, default 0.95
        The probability of the prediction intervals.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If `fit` is not a TimeSeriesFit, or `steps` or `level` is invalid.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> oil = [446.66, 454.47, 455.66, 423.63, 456.27, 440.59, 425.33, 485.15, 506.05, 526.79, 514.27, 494.21]
    >>> figure = jg.pictures.forecast(jg.timeseries.exponential_smoothing(oil), steps=3, name="oil")
    >>> figure.axes[0].get_ylabel(), len(figure.axes[0].lines)
    ('oil', 3)
    """
    if not isinstance(fit, TimeSeriesFit):
        raise ArgumentError(
            f"forecast: expected a TimeSeriesFit, got {type(fit).__name__}. Pass the result of a fit by jitgrad.timeseries."
        )
    n = len(fit.y)
    made = fit.forecast(min(12, max(1, n // MOST_TO_COME)) if steps is None else steps, level)
    deviations = None if isinstance(fit.variance, float) else np.sqrt(fit.variance)
    figure = new_figure(7.5, 3.6 if deviations is None else 5.4)
    axes = figure.subplots(1 if deviations is None else 2, 1, squeeze=False, sharex=True)[:, 0]
    time, later = np.arange(1, n + 1), np.arange(n + 1, n + 1 + len(made.mean))
    axes[0].plot(time, fit.y, color="0.35", linewidth=1, marker="." if n <= 200 else "", label=plain(name))
    axes[0].plot(time, fit.fitted, color=BLUE, linewidth=1, label="prediction of each row from the rows before it")
    axes[0].plot(later, made.mean, color=ORANGE, marker="." if len(later) <= 50 else "", label="forecast")
    axes[0].fill_between(later, made.low, made.high, color=ORANGE, alpha=0.25, linewidth=0, label=f"{100 * level:g}% interval")
    axes[0].set(ylabel=plain(name), title=fit.title)
    axes[0].legend(fontsize=8)
    if deviations is not None:
        axes[1].plot(time, deviations, color=BLUE, linewidth=1)
        axes[1].plot(later, made.stderr, color=ORANGE)
        axes[1].set_ylabel("standard deviation")
    axes[-1].set_xlabel("row")
    return written(figure, path)
