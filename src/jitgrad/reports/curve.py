"""The report of a fitted curve."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from jitgrad import html
from jitgrad.curvefit import curve_fit
from jitgrad.pictures.canvas import plain
from jitgrad.pictures.curve import draw_curve_fit, draw_effects, effects_of
from jitgrad.pictures.diagnostics import draw_quantiles, draw_residuals, draw_spread
from jitgrad.pictures.panels import Panel, on_axes
from jitgrad.reports.page import Target, how, pictures, rows_said, write
from jitgrad.summary import number

if TYPE_CHECKING:
    from jitgrad.tabular import CurveTableFit


def curve_report(fitted: CurveTableFit, path: Target, command: str = "") -> None:
    """Write a page on a curve that was fitted to a table.

    Parameters
    ----------
    fitted : CurveTableFit
        What ``jitgrad.tabular.fit_curve`` returned.
    path : str or PathLike
        Of the page, such as "fit.html".
    command : str, optional
        The command that made the fit.

    Raises
    ------
    MissingError
        Where matplotlib is not installed.
    DataError
        Where the file cannot be written.
    """
    summary = fitted.summary()
    parts = [
        html.section("", summary.as_html()),
        html.section("Pictures", pictures(list(_panels(fitted)), fitted.result.n_rows)),
        html.section("Columns", _columns(fitted)),
        html.section("How to make it again", how(command, _call(fitted))),
    ]
    write(path, html.page(summary.title, *parts))


def _panels(fitted: CurveTableFit) -> Iterator[Panel]:
    """The curve, and what its residuals say."""
    result, name = fitted.result, fitted.model.target
    x_name = next(iter(fitted.model.columns.values()))[0]
    several = len(result.x) != 1
    said = "Measured values against fitted ones." if several else "The data and the curve, with the bands that hold the curve "
    said += "" if several else "and a new measurement with a probability of 95 %; below, the residuals."
    yield Panel("The fit", said, partial(draw_curve_fit, result=result, name=name, x_name=x_name), 4.2)
    for column in effects_of(result):
        yield Panel(
            f"Along {column}",
            "The curve along a column, with its bands, where the others have their medians, and the residuals around it.",
            partial(draw_effects, result=result, names=[column], y_name=name, level=0.95),
        )
    mean, residuals = result.predict(), result.residuals
    if result.sigma is not None:
        residuals = residuals / result.sigma
    if result.redchi > 0:
        residuals = residuals / math.sqrt(result.redchi)
    rows = fitted.rows + 1
    of = f"fitted {plain(name)}"
    yield Panel(
        "Residuals",
        "Residuals over their standard deviation against fitted values. The line is a local average: where it leaves 0, the "
        "curve misses a bend. The largest residuals have the numbers of their rows.",
        on_axes(draw_residuals, mean, residuals, rows, "standardised", of),
    )
    yield Panel(
        "Normal quantiles",
        "Sorted residuals against those of a normal distribution. If errors are normal, 95 % of the points at each place are "
        "within the band.",
        on_axes(draw_quantiles, residuals, rows, "standardised"),
    )
    yield Panel(
        "Spread",
        "The size of the residuals against fitted values. A line that rises or falls says that the spread changes: give sigma.",
        on_axes(draw_spread, mean, residuals, "standardised", of),
    )


def _columns(fitted: CurveTableFit) -> str:
    """What the columns of the formula have in the rows that were used."""
    model, y = fitted.model, fitted.result.y
    rows = [[name, column, f"{number(low)} … {number(high)}"] for name, (column, low, high) in model.columns.items()]
    rows.append(["", model.target, f"{number(float(y.min()))} … {number(float(y.max()))}"])
    return html.sentence(rows_said(len(y), fitted.dropped)) + html.table(
        ["in the formula", "column", "values in these rows"], rows, texts=(1, 2)
    )


def _call(fitted: CurveTableFit) -> str:
    """The call that makes the same fit of the same table."""
    model, defaults = fitted.model, inspect.signature(curve_fit).parameters
    columns = ", ".join(f"{name!r}: frame[{column!r}]" for name, (column, _, _) in model.columns.items())
    arguments = [repr(model.name or model.formula), f"{{{columns}}}", f"frame[{model.target!r}]"]
    arguments += [f"sigma=frame[{model.sigma!r}]"] if model.sigma else []
    arguments += [f"{name}={value!r}" for name, value in fitted.options.items() if value != defaults[name].default]
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return f"from jitgrad import curve_fit\n\nresult = curve_fit(\n{lines})"
