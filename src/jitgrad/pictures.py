"""Pictures of fits and models, drawn with matplotlib (``pip install 'jitgrad[plot]'``).

Each function returns a matplotlib Figure, and writes it to ``path`` where one is given; its ending says the kind (.png, .svg,
.pdf). No window is opened.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, MissingError, ShapeError
from jitgrad.models.connections import connections
from jitgrad.models.summary import check_built, with_rows
from jitgrad.training.fit import History

Path = str | os.PathLike[str] | None


def curves(history: Any, path: Path = None) -> Any:
    """The figures of a fit by epoch: a panel each, that of validation dashed beside that of training.

    Args:
        history: what ``fit`` returned, or several of them by name, which get a line each.
        path: of the picture.
    """
    histories = history if isinstance(history, Mapping) else {"": history}
    for given in histories.values():
        if not isinstance(given, History):
            raise ArgumentError(f"curves: {type(given).__name__} is no History. Give what fit returned, or several by name.")
    by_name = [(label, h.epoch, {k: v for k, v in h.history.items() if np.ndim(v) == 1}) for label, h in histories.items()]
    panels = list(dict.fromkeys(name.removeprefix("val_") for _, _, figures in by_name for name in figures))
    if not panels:
        raise ArgumentError("curves: there is no history. Give what fit returned.")
    figure, axes = _panels(len(panels))
    for axis, panel in zip(axes, panels, strict=True):
        for number, (label, epochs, figures) in enumerate(by_name):
            for name, style, suffix in ((panel, "-", ""), (f"val_{panel}", "--", "validation")):
                if name in figures:
                    said = " ".join(x for x in (label, suffix or ("training" if f"val_{panel}" in figures else "")) if x)
                    axis.plot(np.array(epochs) + 1, figures[name], style, color=f"C{number}", label=said or None)
        axis.set(xlabel="epoch", title=panel.replace("_", " "))
        axis.xaxis.get_major_locator().set_params(integer=True)
        if len(axis.get_legend_handles_labels()[1]):
            axis.legend()
    return _written(figure, path)


def predicted(true: Any, prediction: Any, path: Path = None, name: str = "value") -> Any:
    """Predicted numbers against the true ones, with the line on which they would be equal.

    Raises ShapeError where there are not as many of each.
    """
    x, y = np.ravel(true), np.ravel(prediction)
    if x.size != y.size or not x.size:
        raise ShapeError(f"predicted: there are {x.size} true numbers and {y.size} predictions. Give as many of each.")
    figure, (axis,) = _panels(1)
    ends = [min(x.min(), y.min()), max(x.max(), y.max())]
    axis.plot(ends, ends, color="0.6", linewidth=1)
    axis.scatter(x, y, s=10, alpha=0.6)
    axis.set(xlabel=f"true {name}", ylabel=f"predicted {name}", aspect="equal")
    return _written(figure, path)


def confusion(matrix: Any, names: Sequence[str] | None = None, path: Path = None) -> Any:
    """A confusion matrix, true classes down and predicted ones across, with its numbers.

    Raises ShapeError for what is no square matrix, or has not a name for each class.
    """
    values = np.asarray(matrix)
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not values.size:
        raise ShapeError(f"confusion: shape {values.shape} is no square matrix. Give the metric confusion_matrix.")
    labels = [str(i) for i in range(len(values))] if names is None else list(names)
    if len(labels) != len(values):
        raise ShapeError(f"confusion: there are {len(labels)} names for {len(values)} classes. Give one a class.")
    figure, (axis,) = _panels(1, 1.5 + 0.5 * len(values))
    axis.imshow(values / np.maximum(values.sum(1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            dark = value > 0.5 * row.sum()
            axis.text(j, i, f"{value:g}", ha="center", va="center", color="white" if dark else "black")
    axis.set(xlabel="predicted", ylabel="true")
    axis.set_xticks(range(len(labels)), labels, rotation=45 if max(map(len, labels)) > 3 else 0)
    axis.set_yticks(range(len(labels)), labels)
    return _written(figure, path)


def images(
    pictures: Any, chances: Any, labels: Any, names: Sequence[str] | None = None, columns: int = 3, path: Path = None
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
    plt = _matplotlib()
    rows = math.ceil(len(shown) / columns)
    figure, axes = plt.subplots(rows, 2 * columns, figsize=(4 * columns, 2 * rows), layout="constrained", squeeze=False)
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
    return _written(figure, path)


def plot_model(model: Any, to_file: Path = "model.png", show_shapes: bool = True) -> Any:
    """A model's layers as boxes, one above what it feeds, with the shapes of their results.

    Args:
        model: built; its layers' connections are found by calling it on rows of zeros.
        to_file: of the picture, .png or .svg; None to write none.
        show_shapes: whether shapes are shown, with None for the rows.

    Raises ArgumentError where the model was not called yet, so that shapes are not known.
    """
    check_built(model)
    boxes, edges = connections(model)
    level = _levels(len(boxes), edges)
    widths = [level.count(k) for k in range(max(level) + 1)]
    place = {i: (level[: i + 1].count(level[i]) - (widths[level[i]] + 1) / 2, -level[i]) for i in range(len(boxes))}
    plt = _matplotlib()
    figure, axis = plt.subplots(figsize=(3.2 * max(widths), 0.9 * len(widths)), layout="constrained")
    for start, end in edges:
        (x0, y0), (x1, y1) = place[start], place[end]
        bend = 0 if y0 - y1 == 1 else 0.3 if x0 <= x1 else -0.3  # around what stands between
        arrow = {"arrowstyle": "-|>", "color": "0.3", "connectionstyle": f"arc3,rad={bend}"}
        axis.annotate("", (x1, y1 + 0.25), (x0, y0 - 0.25), arrowprops=arrow)
    for i, box in enumerate(boxes):
        text = f"{box.name}: {box.kind}" + (f"\n{with_rows(box.shape)}" if show_shapes else "")
        style = {"boxstyle": "round,pad=0.4", "facecolor": "white" if box.kind == "input" else "aliceblue", "edgecolor": "0.3"}
        axis.text(*place[i], text, ha="center", va="center", fontsize=9, bbox=style)
    axis.set(xlim=(-max(widths) / 2, max(widths) / 2), ylim=(-len(widths) + 0.5, 0.5))
    axis.axis("off")
    return _written(figure, to_file)


def _levels(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """How far down each box stands: one below the lowest that feeds it. Boxes come after what feeds them."""
    level = [0] * count
    for start, end in sorted(edges, key=lambda edge: edge[1]):
        level[end] = max(level[end], level[start] + 1)
    return level


def _panels(count: int, width: float = 4.5) -> tuple[Any, list[Any]]:
    plt = _matplotlib()
    figure, axes = plt.subplots(1, count, figsize=(width * count, width * 0.8), layout="constrained", squeeze=False)
    return figure, list(axes[0])


def _written(figure: Any, path: Path) -> Any:
    if path is not None:
        kind = os.path.splitext(os.fspath(path))[1][1:].lower()
        if kind not in figure.canvas.get_supported_filetypes():
            raise ArgumentError(f"{os.fspath(path)} is to be a picture of no known kind. End its name in .png, .svg or .pdf.")
        figure.savefig(path, dpi=120)
    return figure


def _matplotlib() -> Any:
    """matplotlib's figures without its windows. Raises MissingError where it is not installed."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingError("Pictures need matplotlib, which is not installed. Run: pip install 'jitgrad[plot]'.") from error

    class Plain:
        """As pyplot, but nothing is kept."""

        @staticmethod
        def subplots(*args: Any, figsize: Any, layout: Any, **options: Any) -> tuple[Any, Any]:
            figure = Figure(figsize=figsize, layout=layout)
            FigureCanvasAgg(figure)
            return figure, figure.subplots(*args, **options)

    return Plain
