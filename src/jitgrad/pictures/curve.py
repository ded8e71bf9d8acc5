"""A fitted curve with its data, how certain it is, and what it leaves."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.result import CurveFit
from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import BLUE, ORANGE, Target, new_figure, plain, written
from jitgrad.pictures.residuals import draw_diagonal, draw_legend_above, draw_marks, draw_zero, limits, smooth_points

_LONGEST = 70
"""Characters of a formula that is the title."""


def curve_fit(
    result: CurveFit,
    path: Target = None,
    name: str = "y",
    level: float = 0.95,
    x_name: str | None = None,
    title: str | None = None,
) -> Any:
    """Data and the curve that was fitted to them, with its bands, and the residuals below.

    The inner band holds the curve with a probability of ``level``, the outer one a new measurement; that is left out where
    measurements differ in sigma. Residuals are in units of sigma where that was given. The x axis is logarithmic over
    more than three decades, where otherwise half of the data would stand in its first thirtieth. Of a model of several columns
    the measured values and the residuals are drawn against the fitted ones.

    Args:
        result: what ``jitgrad.curve_fit`` returned.
        path: of the picture.
        name: of the response.
        level: of the bands.
        x_name: of the column of data; by default as the model has it.
        title: above the picture; by default the formula, where there is a short one.

    Raises ArgumentError for something else than a CurveFit, and for a level outside [0, 1).
    """
    if not isinstance(result, CurveFit):
        raise ArgumentError(f"curve_fit: {type(result).__name__} is no CurveFit. Give what jitgrad.curve_fit returned.")
    figure = new_figure(20 / 3, 5)
    draw_curve_fit(figure, result, name, level, x_name)
    figure.suptitle(_title(result, name) if title is None else plain(title, _LONGEST), fontsize=11)
    return written(figure, path)


def draw_curve_fit(figure: Any, result: CurveFit, name: str, level: float = 0.95, x_name: str | None = None) -> None:
    """The same on a figure or a part of one, without a title."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    label, x = next(iter(result.x.items()))
    if len(result.x) == 1 and np.ndim(x) == 1:
        drawn = _draw_curve(upper, result, x, level)
        upper.set_ylabel(plain(name))
        lower.set_xlabel(plain(x_name or label or "x"))
    else:
        x = drawn = result.predict()
        draw_diagonal(upper, x, BLUE, "fit")
        upper.set_ylabel(f"measured {plain(name)}")
        lower.set_xlabel(f"fitted {plain(name)}")
    _draw_data(upper, lower, x, result, drawn)
    figure.align_ylabels()


def _draw_data(upper: Any, lower: Any, x: np.ndarray, result: CurveFit, drawn: np.ndarray) -> None:
    """The measured values beside what is drawn already, and the residuals."""
    y, sigma = result.y, result.sigma
    spread, unit = (0.0, 1.0) if sigma is None else (sigma, sigma)
    draw_marks(upper, x, y, sigma, label="data")
    drawn = np.append(drawn, _draw_outliers(upper, result))
    draw_legend_above(upper)
    upper.set_ylim(limits(np.concatenate([y - spread, y + spread]), drawn))
    draw_marks(lower, x, result.residuals / unit)
    draw_zero(lower, result.residuals / unit, y / unit)
    lower.set_ylabel("residual" if sigma is None else "residual / σ")


def _draw_outliers(axis: Any, result: CurveFit) -> np.ndarray:
    """The rows that were left out; returns their y."""
    left_out = result.outliers
    if left_out is None or not len(left_out.rows):
        return np.empty(0)
    x = left_out.columns[0] if len(result.x) == 1 else result.predict(left_out.columns)
    axis.plot(x, left_out.y, linestyle="", marker="x", color=ORANGE, markersize=6, label="outlier")
    return left_out.y


def _draw_curve(axis: Any, result: CurveFit, x: np.ndarray, level: float) -> np.ndarray:
    """The curve and its bands; returns every y that is drawn."""
    points = smooth_points(axis, x) if result.by_rows else np.sort(x)
    curve, said = result.predict([points]), f"{100 * level:g} %"
    axis.plot(points, curve, color=BLUE, linewidth=1.8, label="fit")
    drawn = [curve]
    bands = [(result.band([points], level), 0.35, f"{said} confidence")]
    one = 1.0 if result.sigma is None else result.sigma[0]
    if result.sigma is None or (result.sigma == one).all():
        bands.append((result.band([points], level, prediction=True, sigma=one), 0.12, f"{said} prediction"))
    for (low, high), alpha, label in bands:
        if np.isfinite([low, high]).all():
            axis.fill_between(points, low, high, color=BLUE, alpha=alpha, linewidth=0, label=label)
            axis.plot(points, np.column_stack([low, high]), color=BLUE, alpha=0.5, linewidth=0.6)
            drawn += [low, high]
    return np.concatenate(drawn)


def _title(result: CurveFit, name: str) -> str:
    """The formula, where there is one and it is short."""
    model = result.curve.model
    text = f"{name} = {' '.join(model.text.split())}" if isinstance(model, Formula) else ""
    return plain(text, _LONGEST) if len(text) <= _LONGEST else ""
