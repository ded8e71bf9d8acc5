"""A fitted curve with its data, how certain it is, and what it leaves."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.result import CurveFit
from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import BLUE, ORANGE, Target, new_figure, plain, written
from jitgrad.pictures.residuals import draw_diagonal, draw_legend_above, draw_marks, draw_zero, limits, smooth_points

MOST_EFFECTS = 4
"""Columns along which a curve of several is drawn."""
EFFECT = 3.4
"""Inches of a panel for that."""
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
    measurements differ in sigma. Residuals are in units of sigma where that was given. The x axis goes by decades over more
    than three of them, where otherwise half of the data would stand in its first thirtieth; where there are zeros, evenly up to
    the smallest number. Of a model of several columns the measured values and the residuals are drawn against the fitted ones,
    and beside them the curve along each column, with its bands, where the others have their medians; there the points are the
    residuals around the curve.

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
    effects = effects_of(result)
    figure = new_figure(20 / 3 + EFFECT * len(effects), 5)
    left, *right = figure.subfigures(1, 2, width_ratios=(20 / 3, EFFECT * len(effects))) if effects else [figure]
    draw_curve_fit(left, result, name, level, x_name)
    if effects:
        draw_effects(right[0], result, effects, name, level)
    figure.suptitle(_title(result, name) if title is None else plain(title, _LONGEST), fontsize=11)
    return written(figure, path)


def effects_of(result: CurveFit) -> list[str]:
    """The columns along which the curve of a model of several is drawn."""
    columns = [name for name, column in result.x.items() if np.shape(column) == result.y.shape]
    return columns[:MOST_EFFECTS] if len(columns) == len(result.x) > 1 and result.by_rows else []


def draw_curve_fit(figure: Any, result: CurveFit, name: str, level: float = 0.95, x_name: str | None = None) -> None:
    """Data and the curve, or of several columns measured and fitted values, and the residuals below."""
    label, x = next(iter(result.x.items()))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
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
    return _draw_along(axis, result, points, [points], level)


def _draw_along(axis: Any, result: CurveFit, points: np.ndarray, columns: list[np.ndarray], level: float) -> np.ndarray:
    """What the model says of columns, with its bands, along the points of an axis; returns every y that is drawn."""
    curve, said = result.predict(columns), f"{100 * level:g} %"
    axis.plot(points, curve, color=BLUE, linewidth=1.8, label="fit")
    drawn = [curve]
    bands = [(result.band(columns, level), 0.35, f"{said} confidence")]
    one = 1.0 if result.sigma is None else result.sigma[0]
    if result.sigma is None or (result.sigma == one).all():
        bands.append((result.band(columns, level, prediction=True, sigma=one), 0.12, f"{said} prediction"))
    for (low, high), alpha, label in bands:
        if np.isfinite([low, high]).all():
            axis.fill_between(points, low, high, color=BLUE, alpha=alpha, linewidth=0, label=label)
            axis.plot(points, np.column_stack([low, high]), color=BLUE, alpha=0.5, linewidth=0.6)
            drawn += [low, high]
    return np.concatenate(drawn)


def draw_effects(figure: Any, result: CurveFit, names: list[str], y_name: str, level: float) -> None:
    """The curve along each of these columns, with its bands, and the residuals around it."""
    medians = {name: float(np.sort(column)[(len(column) - 1) // 2]) for name, column in result.x.items()}
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, name in zip(axes, names, strict=True):
        x = result.x[name]
        points = smooth_points(axis, x)
        along = [points if other == name else np.full(len(points), medians[other]) for other in result.x]
        drawn = _draw_along(axis, result, points, along, level)
        at = result.predict([x if other == name else np.full(len(x), medians[other]) for other in result.x])
        draw_marks(axis, x, at + result.residuals)
        others = ", ".join(f"{plain(other)} = {medians[other]:.4g}" for other in result.x if other != name)
        axis.set(xlabel=plain(name), ylim=limits(at + result.residuals, drawn))
        axis.set_title(plain(f"at {others}", 40), fontsize=9, color="0.4")
    axes[0].set_ylabel(plain(y_name))
    figure.suptitle("along each column, the others at their medians", fontsize=10, color="0.3")


def _title(result: CurveFit, name: str) -> str:
    """The formula, where there is one and it is short."""
    model = result.curve.model
    text = f"{name} = {' '.join(model.text.split())}" if isinstance(model, Formula) else ""
    return plain(text, _LONGEST) if len(text) <= _LONGEST else ""
