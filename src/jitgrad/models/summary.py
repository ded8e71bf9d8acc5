"""A model's layers as a table."""

from __future__ import annotations

from typing import Any

from jitgrad.errors import ArgumentError, printable
from jitgrad.ops import Shape


def summary(model: Any) -> str:
    """Print the layers with their results' shapes and numbers of weights; returns the table as text.

    Raises ArgumentError where the model was not called yet, so that shapes are not known.
    """
    from rich.console import Console
    from rich.table import Table

    check_built(model)
    table = Table(title=printable(f"{type(model).__name__} {model.name}"), title_justify="left")
    for name in ("layer", "kind", "result"):
        table.add_column(name)
    table.add_column("weights", justify="right")
    for layer in model.layers:
        table.add_row(
            printable(layer.name),
            type(layer).__name__,
            with_rows(layer.output_shape),
            f"{sum(v.size for v in layer.variables):,}",
        )
    table.add_section()
    total, trainable = sum(v.size for v in model.variables), sum(v.size for v in model.trainable_variables)
    table.add_row("total", "", "", f"{total:,}")
    table.add_row("trainable", "", "", f"{trainable:,}")
    console = Console(record=True, width=100, markup=False)
    console.print(table)
    return console.export_text()


def check_built(model: Any) -> None:
    """Raise ArgumentError where the model was never called."""
    if model.example is None and not any(layer.output_shape is not None for layer in model.layers):
        raise ArgumentError(
            f"Model {model.name!r} is not built, so its shapes are not known. Call it on an input, or begin with an Input."
        )


def with_rows(shape: Shape | None) -> str:
    """A shape with None for the rows; a dash where there is none, or several."""
    return "–" if shape is None else f"({', '.join(['None', *map(str, shape)])})"
