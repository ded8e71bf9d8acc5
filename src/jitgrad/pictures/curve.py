"""A fitted curve with its data, its bands and its residuals."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import BLUE, GREEN, ORANGE, Target, new_figure, plain, written
from jitgrad.pictures.lines import Line, axis_of, lines_of
from jitgrad.pictures.residuals import draw_diagonal, draw_legend_above, draw_marks, draw_zero, limits, smooth_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS = (BLUE, ORANGE, GREEN, "#CC79A7")
"""The colors of observed quantities."""
MOST_EFFECTS = 4
"""The largest number of columns along which a curve is drawn."""
EFFECT = 3.4
"""The width of the panel of each column, in inches."""
_LONGEST = 70
"""The largest number of characters of a title."""


def curve_fit(
    result: CurveFit,
    path: Target = None,
    name: str = "y",
    level: float = 0.95,
    x_name: str | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the data, the fitted curve with its bands, and the residuals.

    The inner band is the confidence band of the curve; the outer one is the prediction band of a new measurement, which is
    omitted if sigma varies among measurements. Residuals are in units of sigma if the fit used sigma. The x axis is
    logarithmic if the data span more than three decades and would be crowded on a linear axis. With zeros among them, it is
    linear up to the smallest positive value.

    For a model of several columns, the measured values and the residuals are drawn against the fitted values. Next to them, the
    curve is drawn along each column, with the other columns at their medians. The points there are partial residuals.

    Parameters
    ----------
    result : CurveFit
        The result of `jitgrad.curve_fit`.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.
    name : str, default "y"
        The name of the response.
    level : float, default 0.95
        The confidence level of the bands.
    x_name : str, optional
        The label of the x axis. By default, the name of the column.
    title : str, optional
        The title. By default, the formula if it is short.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If `result` is not a CurveFit, or `level` is not in [0, 1).
    MissingError
        If matplotlib is not installed.

    See Also
    --------
    jitgrad.curvefit.CurveFit.band : The bands as numbers.
    group_fits : The fits of many groups on one page.

    Examples
    --------
    >>> x = np.array([0.02, 0.06, 0.11, 0.22, 0.56, 1.10])
    >>> fit = jg.curve_fit("vmax * x / (km + x)", x, [76, 97, 123, 159, 191, 207])
    >>> figure = jg.pictures.curve_fit(fit, "fit.png", name="rate", x_name="concentration")
    >>> figure.axes[1].get_xlabel()
    'concentration'
    """
    if not isinstance(result, CurveFit):
        raise ArgumentError(
            f"curve_fit: expected a CurveFit, got {type(result).__name__}. Pass the result of jitgrad.curve_fit."
        )
    effects = effects_of(result)
    figure = new_figure(20 / 3 + EFFECT * len(effects), 5)
    left, *right = figure.subfigures(1, 2, width_ratios=(20 / 3, EFFECT * len(effects))) if effects else [figure]
    draw_curve_fit(left, result, name, level, x_name)
    if effects:
        draw_effects(right[0], result, effects, name, level)
    figure.suptitle(_title(result, name) if title is None else plain(title, _LONGEST), fontsize=11)
    return written(figure, path)


def effects_of(result: CurveFit) -> list[str]:
    """Return the columns along which the curve of a model of several columns is drawn."""
    columns = [name for name, column in result.x.items() if np.shape(column) == result.y.shape]
    return columns[:MOST_EFFECTS] if len(columns) == len(result.x) > 1 and result.by_rows else []


def draw_curve_fit(figure: Any, result: CurveFit, name: str, level: float = 0.95, x_name: str | None = None) -> None:
    """Draw the data and the curve, or observed against fitted values, with the residuals below."""
    label = axis_of(result)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    if label is not None:
        x = result.x[label]
        drawn = _draw_curve(upper, result, level)
        upper.set_ylabel(plain(name))
        lower.set_xlabel(plain((x_name if len(result.x) == 1 else None) or label or "x"))
    else:
        x = drawn = result.predict()
        draw_diagonal(upper, x, BLUE, "fit")
        upper.set_ylabel(f"measured {plain(name)}")
        lower.set_xlabel(f"fitted {plain(name)}")
    _draw_data(upper, lower, x, result, drawn)
    figure.align_ylabels()


def _draw_data(upper: Any, lower: Any, x: np.ndarray, result: CurveFit, drawn: np.ndarray) -> None:
    """Draw the measured values and the residuals."""
    y, sigma = result.y, result.sigma
    unit = 1.0 if sigma is None else sigma
    spread = 0.0 if sigma is None or result.curve.log else sigma
    _draw_marks(upper, x, result)
    drawn = np.append(drawn, _draw_outliers(upper, result))
    draw_legend_above(upper)
    upper.set_ylim(limits(np.concatenate([y - spread, y + spread]), drawn))
    draw_marks(lower, x, result.residuals / unit)
    draw_zero(lower, result.residuals / unit, y / unit)
    what = "log residual" if result.curve.log else "residual"
    lower.set_ylabel(what if sigma is None else f"{what} / σ")


def _draw_marks(axis: Any, x: np.ndarray, result: CurveFit) -> None:
    """Draw the measured values, with a color for each observed quantity."""
    lines = list(lines_of(result, lambda x: x[:1])) if axis_of(result) is not None else []
    bars = None if result.curve.log else result.sigma
    if len(lines) < 2:
        draw_marks(axis, x, result.y, bars, label="data")
        return
    for line, color in zip(lines, cycle(COLORS)):
        draw_marks(axis, x[line.rows], result.y[line.rows], None if bars is None else bars[line.rows], color=color)


def _draw_outliers(axis: Any, result: CurveFit) -> np.ndarray:
    """Draw the rows that were excluded, and return their y."""
    left_out = result.outliers
    if left_out is None or not len(left_out.rows):
        return np.empty(0)
    name = axis_of(result)
    x = result.predict(left_out.columns) if name is None else left_out.columns[list(result.x).index(name)]
    axis.plot(x, left_out.y, linestyle="", marker="x", color=ORANGE, markersize=6, label="outlier")
    return left_out.y


def _draw_curve(axis: Any, result: CurveFit, level: float) -> np.ndarray:
    """Draw the curve, or one for each observed quantity, with bands. Return every y that is drawn."""
    lines = list(lines_of(result, lambda x: smooth_points(axis, x)))
    return np.concatenate([_draw_line(axis, line, result, level, color) for line, color in zip(lines, cycle(COLORS))])


def _draw_line(axis: Any, line: Line, result: CurveFit, level: float, color: str = BLUE) -> np.ndarray:
    """Draw a line with its bands. Return every y that is drawn."""
    curve, said = line.predict(), f"{100 * level:g}%"
    axis.plot(line.x, curve, color=color, linewidth=1.8, label=plain(line.label) or "fit")
    drawn = [curve]
    bands = [(line.band(level), 0.35, f"{said} confidence")]
    one = 1.0 if result.sigma is None else result.sigma[0]
    if result.sigma is None or (result.sigma == one).all():
        bands.append((line.band(level, True, one), 0.12, f"{said} prediction"))
    for (low, high), alpha, label in bands:
        if np.isfinite([low, high]).all():
            shown = None if line.label else label
            axis.fill_between(line.x, low, high, color=color, alpha=alpha, linewidth=0, label=shown)
            axis.plot(line.x, np.column_stack([low, high]), color=color, alpha=0.5, linewidth=0.6)
            drawn += [low, high]
    return np.concatenate(drawn)


def draw_effects(figure: Any, result: CurveFit, names: list[str], y_name: str, level: float) -> None:
    """Draw the curve along each of the columns, with its bands and the partial residuals."""
    medians = {name: float(np.sort(column)[(len(column) - 1) // 2]) for name, column in result.x.items()}
    axes = figure.subplots(1, len(names), squeeze=False)[0]
    for axis, name in zip(axes, names, strict=True):
        x = result.x[name]
        points = smooth_points(axis, x)
        along = [points if other == name else np.full(len(points), medians[other]) for other in result.x]
        line = Line("", np.ones(len(x), bool), points, result, along, np.arange(len(points)))
        drawn = _draw_line(axis, line, result, level)
        at = result.predict([x if other == name else np.full(len(x), medians[other]) for other in result.x])
        draw_marks(axis, x, at + result.residuals)
        others = ", ".join(f"{plain(other)} = {medians[other]:.4g}" for other in result.x if other != name)
        axis.set(xlabel=plain(name), ylim=limits(at + result.residuals, drawn))
        axis.set_title(plain(f"at {others}", 40), fontsize=9, color="0.4")
    axes[0].set_ylabel(plain(y_name))
    figure.suptitle("along each column, with the others at their medians", fontsize=10, color="0.3")


def _title(result: CurveFit, name: str) -> str:
    """Return the formula if it is short, else ""."""
    model = result.curve.model
    text = model._equation(name) if isinstance(model, TextModel) else ""
    return plain(text, _LONGEST) if len(text) <= _LONGEST else ""
