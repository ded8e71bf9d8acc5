"""How well a fitted model of a table predicts its rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.pictures.canvas import BLUE, GREEN, ORANGE, Target, new_figure, plain, written
from jitgrad.pictures.history import draw_by_epoch
from jitgrad.pictures.predictions import confusion_width, draw_confusion
from jitgrad.pictures.residuals import draw_diagonal, draw_legend_above, draw_marks, draw_zero, limits, smooth_points
from jitgrad.training.fit import History

if TYPE_CHECKING:
    from jitgrad.tabular import TableFit

_LOOKS = {"train": (BLUE, "o"), "validation": (GREEN, "s"), "test": (ORANGE, "^")}


def table_fit(result: TableFit, path: Target = None) -> Any:
    """What a model of a table predicts, beside what there is.

    Of a regression the measured values and the residuals against the predicted ones, rows that were fitted and others in
    colours of their own; of one feature also the curve. Of classes the confusion matrix of the rows for testing, or, without
    any, of those that were fitted. Of gradient descent also the loss of each epoch.

    Args:
        result: what ``tabular.fit_table`` returned.
        path: of the picture.

    Raises ArgumentError for something else than a TableFit.
    """
    from jitgrad.tabular import TableFit

    if not isinstance(result, TableFit):
        raise ArgumentError(f"table_fit: {type(result).__name__} is no TableFit. Give what tabular.fit_table returned.")
    draws = [partial(_draw_confusion if result.model.classes else _draw_predictions, result)]
    if not result.model.classes and len(result.model.features) == 1:
        draws.insert(0, partial(_draw_curve, result))
    if result.history is not None:
        draws.append(partial(_draw_losses, result.history))
    height = max(5.0, 0.8 * confusion_width(len(result.model.classes)))
    figure = new_figure((20 / 3 if len(draws) == 1 else 5.0 * len(draws)) + 1.25 * (height - 5.0), height)
    for part, draw in zip(figure.subfigures(1, len(draws), squeeze=False)[0], draws, strict=True):
        draw(part)
    return written(figure, path)


def _draw_predictions(result: TableFit, figure: Any) -> None:
    """Measured values above, and residuals below, against what is predicted."""
    model, design = result.model, result.design
    predicted = model.predicted(design.x)
    finite = np.isfinite(predicted)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    for name, rows in _groups(result):
        rows = rows[finite[rows]]
        (color, marker), r2 = _LOOKS[name], model.scores[name]["r2"]
        label = name if r2 is None else f"{name}, R² {r2:.3f}"
        draw_marks(upper, predicted[rows], design.y[rows], label=label, color=color, marker=marker)
        draw_marks(lower, predicted[rows], (design.y - predicted)[rows], color=color, marker=marker)
    draw_diagonal(upper, predicted[finite])
    draw_legend_above(upper)
    upper.set_ylim(limits(design.y, predicted))
    draw_zero(lower, (design.y - predicted)[finite], design.y)
    target = plain(model.target.name)
    upper.set_ylabel(f"measured {target}")
    lower.set(ylabel="residual", xlabel=f"predicted {target}")
    figure.align_ylabels()


def _draw_curve(result: TableFit, figure: Any) -> None:
    """The only feature, the target, and what is predicted between."""
    model, design, axis = result.model, result.design, figure.subplots()
    x = design.x[:, 0]
    points = smooth_points(axis, x)
    curve = model.predicted(points[:, None])
    axis.plot(points, curve, color="0.2", linewidth=1.8, label="model")
    for name, rows in _groups(result):
        color, marker = _LOOKS[name]
        draw_marks(axis, x[rows], design.y[rows], label=name, color=color, marker=marker)
    draw_legend_above(axis)
    axis.set(xlabel=plain(model.features[0]), ylabel=plain(model.target.name), ylim=limits(design.y, curve))


def _draw_confusion(result: TableFit, figure: Any) -> None:
    """The confusion matrix of rows that were not fitted, if there are such."""
    name = "test" if "test" in result.model.scores else "train"
    scores, axis = result.model.scores[name], figure.subplots()
    draw_confusion(axis, np.array(scores["confusion"]), result.model.classes)
    axis.set_title(
        f"{plain(result.model.target.name)}: {scores['rows']} {name} rows, accuracy {scores['accuracy']:.3g}", fontsize=11
    )


def _draw_losses(history: History, figure: Any) -> None:
    """The loss by epoch, and that of validation; on a logarithmic axis where it fell far."""
    axis = figure.subplots()
    draw_by_epoch(axis, "loss", {"": history})
    axis.set_title("loss", fontsize=11)
    values = np.concatenate([line.get_ydata() for line in axis.lines])
    if values.min() > 0 and values.max() > 10 * values.min():
        axis.set_yscale("log")


def _groups(result: TableFit) -> Iterator[tuple[str, np.ndarray]]:
    """The rows that were fitted and the others, those that there are."""
    return ((name, rows) for name in _LOOKS if len(rows := result.rows[name]))
