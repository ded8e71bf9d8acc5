"""A model as boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.models.connections import connections
from jitgrad.models.summary import check_built, with_rows
from jitgrad.pictures.canvas import Target, new_figure, written


def plot_model(model: Any, to_file: Target = "model.png", show_shapes: bool = True) -> Any:
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
    figure = new_figure(3.2 * max(widths), 0.9 * len(widths))
    axis = figure.subplots()
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
    return written(figure, to_file)


def _levels(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """How far down each box stands: one below the lowest that feeds it. Boxes come after what feeds them."""
    level = [0] * count
    for start, end in sorted(edges, key=lambda edge: edge[1]):
        level[end] = max(level[end], level[start] + 1)
    return level
