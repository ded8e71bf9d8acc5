"""Predicted numbers and classes beside the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.pictures.canvas import Target, panels, plain, written

_MOST_NUMBERS = 30
"""So many classes have their numbers in a confusion matrix."""


def predicted(true: Any, prediction: Any, path: Target = None, name: str = "value") -> Any:
    """Predicted numbers against the true ones, with the line on which they would be equal.

    Raises ShapeError where there are not as many of each.
    """
    x, y = np.ravel(true), np.ravel(prediction)
    if x.size != y.size or not x.size:
        raise ShapeError(f"predicted: there are {x.size} true numbers and {y.size} predictions. Give as many of each.")
    figure, (axis,) = panels(1)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    axis.plot(ends, ends, color="0.6", linewidth=1)
    axis.scatter(x, y, s=10, alpha=0.6)
    axis.set(xlabel=f"true {plain(name)}", ylabel=f"predicted {plain(name)}", aspect="equal")
    return written(figure, path)


def confusion(matrix: Any, names: Sequence[str] | None = None, path: Target = None) -> Any:
    """A confusion matrix, true classes down and predicted ones across, with its numbers.

    Raises ShapeError for what is no square matrix, or has not a name for each class.
    """
    values = np.asarray(matrix)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        raise ShapeError(f"confusion: shape {values.shape} is no square matrix. Give the metric confusion_matrix.")
    labels = [str(i) for i in range(len(values))] if names is None else list(names)
    if len(labels) != len(values):
        raise ShapeError(f"confusion: there are {len(labels)} names for {len(values)} classes. Give one a class.")
    figure, (axis,) = panels(1, confusion_width(len(values)))
    draw_confusion(axis, values, labels)
    return written(figure, path)


def confusion_width(classes: int) -> float:
    """Inches in which the numbers of so many classes are read."""
    return 1.5 + 0.5 * min(classes, _MOST_NUMBERS)


def draw_confusion(axis: Any, values: np.ndarray, labels: Sequence[str]) -> None:
    """A confusion matrix; of very many classes without numbers, and with some of the labels."""
    axis.imshow(values / np.maximum(values.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(values if len(values) <= _MOST_NUMBERS else []):
        for j, value in enumerate(row):
            color = "white" if value > 0.5 * row.sum() else "0.1"  # on the cell, whatever the page is
            axis.text(j, i, f"{value:g}", ha="center", va="center", color=color)
    axis.set(xlabel="predicted", ylabel="true")
    named = range(0, len(labels), -(-len(labels) // _MOST_NUMBERS))
    names = [plain(labels[k], 20) for k in named]
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 3 else {}
    axis.set_xticks(named, names, **turned)
    axis.set_yticks(named, names)
