"""Show measurements as a table, Markdown, JSON, or a picture."""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]


class Column(NamedTuple):
    """A column of a table: its title, the key of its values in a row, and their format. Numbers are right-aligned."""

    title: str
    key: str
    written: Callable[[Any], str] = str


class Bars(NamedTuple):
    """A picture of the rows: horizontal bars of ``key``, on a logarithmic scale."""

    labels: tuple[str, ...]
    key: str
    title: str


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    parser.add_argument("--plot", metavar="FILE", help="also draw the results")


def present(rows: Sequence[Row], columns: Sequence[Column], bars: Bars, options: argparse.Namespace, group: str = "") -> None:
    """Print the rows according to ``options``, with a line between rows of different ``group``."""
    if options.json:
        print(json.dumps(rows, indent=2))
    elif options.markdown:
        print(_markdown(rows, columns))
    else:
        _table(rows, columns, group)
    if options.plot:
        _draw(rows, bars, options.plot)


def _cells(row: Row, columns: Sequence[Column]) -> list[str]:
    return ["" if row.get(c.key) is None else c.written(row[c.key]) for c in columns]


def _is_text(rows: Sequence[Row], column: Column) -> bool:
    return any(isinstance(row.get(column.key), str) for row in rows)


def _table(rows: Sequence[Row], columns: Sequence[Column], group: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in columns:
        table.add_column(column.title, justify="left" if _is_text(rows, column) else "right")
    for row, after in itertools.zip_longest(rows, rows[1:]):
        table.add_row(*_cells(row, columns), end_section=bool(group and after and after[group] != row[group]))
    Console().print(table)


def _markdown(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    rules = ["---" if _is_text(rows, c) else "---:" for c in columns]
    lines = [[c.title for c in columns], rules, *(_cells(row, columns) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _draw(rows: Sequence[Row], bars: Bars, path: str) -> None:
    from matplotlib import pyplot

    shown = [row for row in rows if row.get(bars.key)][::-1]
    figure, axes = pyplot.subplots(figsize=(7, 0.25 * len(shown) + 1), layout="constrained")
    axes.barh([" ".join(str(row[key]) for key in bars.labels) for row in shown], [row[bars.key] for row in shown])
    axes.set(xscale="log", xlabel=bars.title)
    figure.savefig(path)


def seconds(value: float) -> str:
    """Format a time in a suitable unit."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def mebibytes(value: float) -> str:
    return f"{value / 2**20:.0f} MiB"


def ratio(value: float) -> str:
    return f"{value:.3g}"
