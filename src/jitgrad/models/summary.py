"""A table of the layers of a model."""

from __future__ import annotations

from typing import Any

from jitgrad import html
from jitgrad.errors import ArgumentError, printable
from jitgrad.ops import Shape

_COLUMNS = ("layer", "kind", "result", "weights")


def summary(model: Any) -> str:
    """Print the layers with their output shapes and numbers of weights, and return the table as text.

    Raises ArgumentError if the model is not built, because the shapes are then unknown.
    """
    from rich.console import Console
    from rich.table import Table

    check_built(model)
    table = Table(title=printable(_title(model)), title_justify="left")
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name == "weights" else "left")
    for row in _layers(model):
        table.add_row(*map(printable, row))
    table.add_section()
    for row in _totals(model):
        table.add_row(*row)
    console = Console(record=True, width=100, markup=False, force_jupyter=False)
    console.print(table)
    return console.export_text()


def summary_html(model: Any) -> str:
    """Return the table for a notebook, or a sentence if the model is not built."""
    if not _is_built(model):
        said = html.sentence("It is not built, so its shapes are unknown. Call it on an input, or begin with an Input.")
        return html.fragment(html.heading(_title(model)), said)
    return html.fragment(html.table(_COLUMNS, [*_layers(model), *_totals(model)], _title(model), texts=(1, 2)))


def _title(model: Any) -> str:
    return f"{type(model).__name__} {model.name}"


def _layers(model: Any) -> list[list[str]]:
    """Return a row for each layer."""
    return [
        [layer.name, type(layer).__name__, with_rows(layer.output_shape), f"{sum(v.size for v in layer.variables):,}"]
        for layer in model.layers
    ]


def _totals(model: Any) -> list[list[str]]:
    """Return the number of weights and the number of trainable weights."""
    counts = {"total": model.variables, "trainable": model.trainable_variables}
    return [[name, "", "", f"{sum(v.size for v in variables):,}"] for name, variables in counts.items()]


def _is_built(model: Any) -> bool:
    return model.example is not None or any(layer.output_shape is not None for layer in model.layers)


def check_built(model: Any) -> None:
    """Raise ArgumentError if the model was never called."""
    if not _is_built(model):
        raise ArgumentError(
            f"Model {model.name!r} is not built, so its shapes are unknown. Call it on an input, or begin with an Input."
        )


def with_rows(shape: Shape | None) -> str:
    """Return a shape with None for the rows, or a dash if there is no shape or several."""
    return "–" if shape is None else f"({', '.join(['None', *map(str, shape)])})"
