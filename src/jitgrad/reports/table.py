"""The report of a fitted table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from jitgrad import html
from jitgrad.pictures.panels import panels_of
from jitgrad.reports.page import Target, how, pictures, rows_said, write
from jitgrad.summary import number

if TYPE_CHECKING:
    from jitgrad.tabular import TableFit
    from jitgrad.tabular.encoding import Column

_CATEGORIES = 8
"""The largest number of categories listed for a column, the most frequent ones."""


def table_report(result: TableFit, path: Target, command: str = "") -> None:
    """Write a report on a fitted table as an HTML page.

    Parameters
    ----------
    result : TableFit
        The result of `jitgrad.fit_table`.
    path : str or PathLike
        The file to write, such as ``"fit.html"``.
    command : str, optional
        The shell command that made the fit, shown in the report.

    Returns
    -------
    None
        The page is written to the file.

    Raises
    ------
    MissingError
        If matplotlib is not installed.
    DataError
        If the file cannot be written.

    Examples
    --------
    >>> table = {"hours": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "score": [52.0, 58.0, 61.0, 70.0, 72.0, 79.0]}
    >>> fit = jg.fit_table(table, "score", model="linear")
    >>> jg.reports.table_report(fit, "table.html")
    """
    summary = result.summary()
    parts = [
        html.section("", summary.as_html()),
        html.section("Plots", pictures(panels_of(result), len(result.design.y))),
        html.section("Columns", _columns(result)),
        html.section("Reproducing this fit", how(command, _call(result))),
    ]
    write(path, html.page(summary.title, *parts))


def _columns(result: TableFit) -> str:
    """Return a table of the columns of the model: their values in the rows that were used, and their features."""
    design, rows, place = result.design, [], 0
    of_columns = result.model.predictors.formula is None
    for column in result.model.columns:
        used = design.x[:, place : place + len(column.labels)] if of_columns else None
        place += len(column.labels)
        missing = f"{design.missing.get(column.name, 0):,}"
        rows.append([column.name, column.kind, _values(column, used), _features(column) if of_columns else "", missing])
    target = design.target
    if target.classes:
        values = _counted(target.classes, np.bincount(design.y.astype(np.int64), minlength=len(target.classes)))
    else:
        values = _range(float(design.y.min()), float(design.y.max()))
    rows.append([target.name, "target", values, "", f"{design.missing.get(target.name, 0):,}"])
    said = html.sentence(rows_said(len(design.y), design.dropped))
    table = html.table(["column", "kind", "values in these rows", "encoded as", "missing values"], rows, texts=(1, 2, 3))
    return said + table


def _range(low: float, high: float) -> str:
    return f"{number(low)} … {number(high)}"


def _values(column: Column, used: np.ndarray | None) -> str:
    """Return the range of a column, or its categories, with their counts if each has its own feature."""
    if column.kind == "date":
        return _days(column)
    if column.low is not None and column.high is not None:
        return _range(column.low, column.high)
    if used is not None and used.shape[1] == len(column.categories) - 1:
        counts = used.sum(0)
        return _counted(column.categories, np.concatenate([[len(used) - counts.sum()], counts]))
    shown = ", ".join(column.categories[:_CATEGORIES])
    more = len(column.categories) - _CATEGORIES
    return f"{shown} and {more} others" if more > 0 else shown


def _days(column: Column) -> str:
    """Return the first and the last day of a column of dates, or "" if it was split into parts."""
    if not column.first or column.low is None or column.high is None:
        return ""
    first = datetime.fromisoformat(column.first)
    return " … ".join(f"{first + timedelta(days=days):%Y-%m-%d}" for days in (column.low, column.high))


def _counted(names: Sequence[str], counts: np.ndarray) -> str:
    order = np.argsort(-counts, kind="stable")[:_CATEGORIES]
    chosen = np.sort(order) if len(counts) <= _CATEGORIES else order
    shown = [f"{names[k]} {counts[k]:.0f}" for k in chosen.tolist()]
    more = f" and {len(counts) - len(shown)} others" if len(counts) > len(shown) else ""
    return ", ".join(shown) + more


def _features(column: Column) -> str:
    """Return the features as which a column was encoded."""
    labels = column.labels
    if labels == [column.name]:
        return "days since the first date" if column.kind == "date" else "unchanged"
    if column.bins:
        return f"{len(labels)} hashed features"
    if column.parts:
        return ", ".join(part for part, _ in column.parts)
    if len(labels) == len(column.categories) - 1:
        return f"{len(labels)} indicators, reference {column.categories[0]}"
    return f"{len(labels)} indicators"


def _call(result: TableFit) -> str:
    """Return the call of ``fit_table`` that makes the same fit."""
    arguments = ["frame"]
    for name, value in result.call.items():
        said = "start" if name == "start" else repr(list(value) if name in ("features", "exclude") else value)
        arguments.append(said if name == "target" else f"{name}={said}")
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return f"import jitgrad as jg\n\nfit = jg.fit_table(\n{lines})"
