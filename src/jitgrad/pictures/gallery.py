"""Classified images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.pictures.canvas import Target, new_figure, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.typing import ArrayLike


def images(
    pictures: ArrayLike,
    chances: ArrayLike,
    labels: ArrayLike,
    names: Sequence[str] | None = None,
    columns: int = 3,
    path: Target = None,
) -> Figure:
    """Draw images with their predicted classes and bars of the probabilities.

    The true class is blue. A predicted class that is wrong is red.

    Parameters
    ----------
    pictures : array_like, shape (n, height, width)
        The grayscale images.
    chances : array_like, shape (n, classes)
        The predicted probabilities, as returned by ``predict``.
    labels : array_like of int, shape (n,)
        The true classes.
    names : sequence of str, optional
        The names of the classes. By default, their numbers.
    columns : int, default 3
        The number of images per row.
    path : str or PathLike, optional
        Where to write the picture. The extension, such as .png, .svg or .pdf, determines the format.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ShapeError
        If the shapes do not match, or a label is out of range.
    MissingError
        If matplotlib is not installed.

    Examples
    --------
    >>> shades = np.random.default_rng(0).random((2, 8, 8))
    >>> figure = jg.pictures.images(shades, [[0.9, 0.1], [0.4, 0.6]], [0, 0], ["cat", "dog"], columns=2)
    >>> figure.axes[2].get_xlabel()
    'dog 60% (cat)'
    """
    shown, chances, labels = np.asarray(pictures), np.asarray(chances), np.asarray(labels)
    if shown.ndim != 3 or chances.ndim != 2 or not 0 < len(shown) == len(chances) == len(labels):
        raise ShapeError(
            f"images: shapes {shown.shape}, {chances.shape} and {labels.shape} do not match. "
            f"Give (n, height, width), (n, classes) and (n,)."
        )
    titles = [str(i) for i in range(chances.shape[1])] if names is None else list(names)
    if len(titles) != chances.shape[1] or labels.min() < 0 or labels.max() >= len(titles):
        raise ShapeError(
            f"images: there are {chances.shape[1]} classes, {len(titles)} names, and labels from {labels.min()} to "
            f"{labels.max()}. Give one name per class, and labels from 0 to the number of classes - 1."
        )
    rows = math.ceil(len(shown) / columns)
    figure = new_figure(4 * columns, 2 * rows)
    axes = figure.subplots(rows, 2 * columns, squeeze=False)
    for left, right in axes.reshape(-1, 2)[len(shown) :]:
        left.axis("off")
        right.axis("off")
    for (left, right), picture, row, label in zip(axes.reshape(-1, 2), shown, chances, labels, strict=False):
        best = int(row.argmax())
        color = "tab:blue" if best == label else "tab:red"
        left.imshow(picture, cmap="binary")
        left.set(xticks=[], yticks=[])
        left.set_xlabel(f"{titles[best]} {row[best]:.0%} ({titles[int(label)]})", color=color, fontsize=9)
        bars = right.bar(range(len(row)), row, color="0.75")
        bars[best].set_color("tab:red")
        bars[int(label)].set_color("tab:blue")
        right.set(ylim=(0, 1), yticks=[])
        right.set_xticks(range(len(row)), range(len(row)), fontsize=7)
    return written(figure, path)
