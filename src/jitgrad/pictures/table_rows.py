"""The rows of a table with the predictions of a fitted model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.pictures.canvas import BLUE, GREEN, ORANGE, plain
from jitgrad.pictures.history import draw_by_epoch
from jitgrad.pictures.residuals import draw_diagonal, draw_legend_above, draw_marks, draw_zero, limits, smooth_points
from jitgrad.pictures.thinning import shown
from jitgrad.training.fit import History

if TYPE_CHECKING:
    from jitgrad.tabular import TableFit, TableModel

_LOOKS = {"train": (BLUE, "o"), "validation": (GREEN, "s"), "test": (ORANGE, "^")}


def draw_predictions(result: TableFit, figure: Any) -> None:
    """Draw measured values and residuals against predictions."""
    model, design = result.model, result.design
    predicted = model.predicted(design.x, design.offset)
    left = design.y - predicted
    finite = np.isfinite(predicted)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for name, rows in _groups(result):
        rows = rows[finite[rows]]
        rows = rows[shown(left[rows])]
        (color, marker), r2 = _LOOKS[name], model.scores[name]["r2"]
        label = name if r2 is None else f"{name}, R² {r2:.3f}"
        draw_marks(upper, predicted[rows], design.y[rows], label=label, color=color, marker=marker)
        draw_marks(lower, predicted[rows], left[rows], color=color, marker=marker)
    draw_diagonal(upper, predicted[finite])
    draw_legend_above(upper)
    upper.set_ylim(limits(design.y, predicted))
    draw_zero(lower, left[finite], design.y)
    target = plain(model.target.name)
    upper.set_ylabel(f"measured {target}")
    lower.set(ylabel="residual", xlabel=f"predicted {target}")
    figure.align_ylabels()


def draw_curve(result: TableFit, figure: Any) -> None:
    """Draw the single feature, the target and the predictions, with their bands."""
    model, design, axis = result.model, result.design, figure.subplots()
    x = design.x[:, 0]
    points = smooth_points(axis, x)
    curve = model.predicted(points[:, None])
    axis.plot(points, curve, color="0.2", linewidth=1.8, label="model")
    for kind, alpha in _bands(model):
        low, high = model.limits(points[:, None], None, kind)
        if np.isfinite([low, high]).all():
            axis.fill_between(points, low, high, color="0.4", alpha=alpha, linewidth=0)
    for name, rows in _groups(result):
        color, marker = _LOOKS[name]
        rows = rows[shown(design.y[rows] - design.y.mean())]
        draw_marks(axis, x[rows], design.y[rows], label=name, color=color, marker=marker)
    draw_legend_above(axis)
    axis.set(xlabel=plain(model.features[0]), ylabel=plain(model.target.name), ylim=limits(design.y, curve))


def _bands(model: TableModel) -> list[tuple[str, float]]:
    """Return the kinds of intervals that a model provides, and the opacity of their bands."""
    if model.inference is None:
        return []
    is_normal = model.family == "gaussian" and model.link == "identity"
    return [("confidence", 0.35), *([("prediction", 0.12)] if is_normal else [])]


def draw_losses(history: History, figure: Any) -> None:
    """Draw the training and validation loss by epoch, on a logarithmic axis if the loss fell by more than a factor of ten."""
    axis = figure.subplots()
    draw_by_epoch(axis, "loss", {"": history})
    axis.set(title="", ylabel="loss")
    values = np.concatenate([line.get_ydata() for line in axis.lines])
    if values.min() > 0 and values.max() > 10 * values.min():
        axis.set_yscale("log")


def _groups(result: TableFit) -> Iterator[tuple[str, np.ndarray]]:
    """Return the training, validation and test rows, if there are any."""
    return ((name, rows) for name in _LOOKS if len(rows := result.rows[name]))
