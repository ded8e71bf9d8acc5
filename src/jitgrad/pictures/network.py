"""A network as a diagram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jitgrad.models.connections import connections
from jitgrad.models.summary import check_built, with_rows
from jitgrad.pictures.canvas import Target, new_figure, written

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from jitgrad.models import Model


def plot_model(model: Model, to_file: Target = "model.png", show_shapes: bool = True) -> Figure:
    """Draw the layers of a model as boxes, connected by arrows, with their output shapes.

    Parameters
    ----------
    model : Model
        A built model. Its connections are found by calling it with rows of zeros.
    to_file : str, PathLike or None, default "model.png"
        Where to write the picture; None to write no file.
    show_shapes : bool, default True
        Whether to show the output shapes, with None for the number of rows.

    Returns
    -------
    matplotlib.figure.Figure
        The picture.

    Raises
    ------
    ArgumentError
        If the model is not built yet.
    MissingError
        If matplotlib is not installed.

    See Also
    --------
    jitgrad.Model.summary : Print the layers as a table.

    Examples
    --------
    >>> model = jg.Sequential([jg.layers.Dense(4, activation="relu", name="hidden"), jg.layers.Dense(1, name="output")])
    >>> _ = model(np.zeros((1, 3)))
    >>> figure = jg.pictures.plot_model(model, None)
    >>> [text.get_text().split(":")[0] for text in figure.axes[0].texts if ":" in text.get_text()][-1]
    'output'
    """
    check_built(model)
    boxes, edges = connections(model)
    level = _levels(len(boxes), edges)
    widths = [level.count(k) for k in range(max(level) + 1)]
    place = {i: (level[: i + 1].count(level[i]) - (widths[level[i]] + 1) / 2, -level[i]) for i in range(len(boxes))}
    figure = new_figure(3.2 * max(widths), 0.9 * len(widths))
    axis = figure.subplots()
    for start, end in edges:
        (x0, y0), (x1, y1) = place[start], place[end]
        bend = 0 if y0 - y1 == 1 else 0.3 if x0 <= x1 else -0.3  # curve around the boxes in between
        arrow = {"arrowstyle": "-|>", "color": "0.3", "connectionstyle": f"arc3,rad={bend}"}
        axis.annotate("", (x1, y1 + 0.25), (x0, y0 - 0.25), arrowprops=arrow)
    for i, box in enumerate(boxes):
        text = f"{box.name}: {box.kind}" + (f"\n{with_rows(box.shape)}" if show_shapes else "")
        style = {"boxstyle": "round,pad=0.4", "facecolor": "white" if box.kind == "input" else "aliceblue", "edgecolor": "0.3"}
        axis.text(*place[i], text, ha="center", va="center", fontsize=9, bbox=style)
    axis.set(xlim=(-max(widths) / 2, max(widths) / 2), ylim=(-len(widths) + 0.5, 0.5))
    axis.axis("off")
    return written(figure, to_file)


def _levels(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the level of each box: one below the lowest box that feeds it. Boxes follow the boxes that feed them."""
    level = [0] * count
    for start, end in sorted(edges, key=lambda edge: edge[1]):
        level[end] = max(level[end], level[start] + 1)
    return level
