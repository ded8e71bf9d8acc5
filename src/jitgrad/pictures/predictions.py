"""Predicted values and classes against true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.pictures.canvas import Target, panels, plain, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.typing import ArrayLike

_MOST_NUMBERS = 30
"""The largest number of classes for which the counts are written."""


def predicted(true: ArrayLike, prediction: ArrayLike, path: Target = None, name: str = "value") -> Figure:
    """Draw predicted against true values, with the line of equality.

    Parameters
    ----------
    true : array_like, shape (n,)
        The true values.
    prediction : array_like, shape (n,)
        The predicted values.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.
    name : str, default "value"
        The name of the quantity, for the labels of the axes.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ShapeError
        If the lengths differ, or there are no values.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = jg.pictures.predicted([1.0, 2.0, 3.0], [1.1, 1.9, 3.2], name="mpg")
    >>> figure.axes[0].get_ylabel()
    'predicted mpg'
    """
    x, y = np.asarray(true).ravel(), np.asarray(prediction).ravel()
    if x.size != y.size or not x.size:
        raise ShapeError(
            f"predicted: there are {x.size} true values and {y.size} predictions. Give the same number of both, at least one."
        )
    figure, (axis,) = panels(1)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    axis.plot(ends, ends, color="0.6", linewidth=1)
    axis.scatter(x, y, s=10, alpha=0.6)
    axis.set(xlabel=f"true {plain(name)}", ylabel=f"predicted {plain(name)}", aspect="equal")
    return written(figure, path)


def confusion(matrix: ArrayLike, names: Sequence[str] | None = None, path: Target = None) -> Figure:
    """Draw a confusion matrix with its counts, true classes in rows and predicted classes in columns.

    Colors show the fraction of each true class.

    Parameters
    ----------
    matrix : array_like, shape (classes, classes)
        The counts, as returned by the metric ``confusion_matrix``.
    names : sequence of str, optional
        The names of the classes. By default, their numbers.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ShapeError
        If the matrix is not square, or the number of names differs from the number of classes.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> figure = jg.pictures.confusion([[13, 1], [2, 9]], ["benign", "malignant"])
    >>> figure.axes[0].get_xlabel()
    'predicted'
    """
    values = np.asarray(matrix)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        raise ShapeError(f"confusion: shape {values.shape} is not square. Give a matrix as from the metric confusion_matrix.")
    labels = [str(i) for i in range(len(values))] if names is None else list(names)
    if len(labels) != len(values):
        raise ShapeError(f"confusion: there are {len(labels)} names for {len(values)} classes. Give one name per class.")
    figure, (axis,) = panels(1, confusion_width(len(values)))
    draw_confusion(axis, values, labels)
    return written(figure, path)


def confusion_width(classes: int) -> float:
    """Return the width in inches at which the counts are legible with this many classes."""
    return 1.5 + 0.5 * min(classes, _MOST_NUMBERS)


def draw_confusion(axis: Any, values: np.ndarray, labels: Sequence[str]) -> None:
    """Draw a confusion matrix. With very many classes, it has no counts and only some of the labels."""
    axis.imshow(values / np.maximum(values.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(values if len(values) <= _MOST_NUMBERS else []):
        for j, value in enumerate(row):
            color = "white" if value > 0.5 * row.sum() else "0.1"  # on the cell, regardless of the page color
            axis.text(j, i, f"{value:g}", ha="center", va="center", color=color)
    axis.set(xlabel="predicted", ylabel="true")
    named = range(0, len(labels), -(-len(labels) // _MOST_NUMBERS))
    names = [plain(labels[k], 20) for k in named]
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 3 else {}
    axis.set_xticks(named, names, **turned)
    axis.set_yticks(named, names)
