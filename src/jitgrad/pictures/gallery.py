"""Pictures that were classified."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.pictures.canvas import Target, new_figure, written


def images(
    pictures: Any, chances: Any, labels: Any, names: Sequence[str] | None = None, columns: int = 3, path: Target = None
) -> Any:
    """Pictures with their predicted labels, and beside each the bar of its probabilities: blue for right, red for wrong.

    Args:
        pictures: (n, height, width).
        chances: (n, classes), as ``predict`` returns them.
        labels: (n,), the true classes.
        names: of the classes.
        columns: how many stand beside each other.
        path: of the picture.

    Raises ShapeError where they do not fit together.
    """
    shown, chances, labels = np.asarray(pictures), np.asarray(chances), np.asarray(labels)
    if shown.ndim != 3 or chances.ndim != 2 or not 0 < len(shown) == len(chances) == len(labels):
        raise ShapeError(
            f"images: shapes {shown.shape}, {chances.shape} and {labels.shape} do not fit together. "
            f"Give (n, height, width), (n, classes) and (n,)."
        )
    titles = [str(i) for i in range(chances.shape[1])] if names is None else list(names)
    if len(titles) != chances.shape[1] or labels.min() < 0 or labels.max() >= len(titles):
        raise ShapeError(
            f"images: there are {chances.shape[1]} classes, {len(titles)} names, and labels from {labels.min()} to "
            f"{labels.max()}. Give a name a class, and labels below their number."
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
