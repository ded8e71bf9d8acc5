"""The report of a fitted curve."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from jitgrad import html
from jitgrad.curvefit import curve_fit
from jitgrad.curvefit.ode import OdeModel, ode
from jitgrad.pictures.canvas import plain
from jitgrad.pictures.curve import draw_curve_fit, draw_effects, effects_of
from jitgrad.pictures.diagnostics import draw_quantiles, draw_residuals, draw_spread
from jitgrad.pictures.lines import axis_of
from jitgrad.pictures.panels import Panel, on_axes
from jitgrad.reports.page import Target, how, pictures, rows_said, write
from jitgrad.summary import number

if TYPE_CHECKING:
    from jitgrad.tabular import CurveTableFit


def curve_report(fitted: CurveTableFit, path: Target, command: str = "") -> None:
    """Write a report on a curve that was fitted to a table as an HTML page.

    Parameters
    ----------
    fitted : CurveTableFit
        The result of `jitgrad.tabular.fit_curve`.
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
    >>> import polars as pl
    >>> table = pl.DataFrame({"dose": [0.5, 1.0, 2.0, 4.0, 8.0], "rate": [0.61, 0.98, 1.52, 2.01, 2.38]})
    >>> fit = jg.tabular.fit_curve(table, "rate", "vmax * dose / (km + dose)")
    >>> jg.reports.curve_report(fit, "fit.html")
    """
    summary = fitted.summary()
    parts = [
        html.section("", summary.as_html()),
        html.section("Plots", pictures(list(_panels(fitted)), fitted.result.n_rows)),
        html.section("Columns", _columns(fitted)),
        html.section("Reproducing this fit", how(command, _call(fitted))),
    ]
    write(path, html.page(summary.title, *parts))


def _panels(fitted: CurveTableFit) -> Iterator[Panel]:
    """Yield the curve and its residual diagnostics."""
    result, name = fitted.result, fitted.model.target
    x_name = next(iter(fitted.model.columns.values()))[0]
    several = axis_of(result) is None
    said = "Measured against fitted values."
    if not several:
        said = "The data, and the curve with its 95% confidence and prediction bands; below, the residuals."
    yield Panel("The fit", said, partial(draw_curve_fit, result=result, name=name, x_name=x_name), 4.2)
    for column in effects_of(result):
        yield Panel(
            f"Along {column}",
            "The curve along one column, with its bands and the partial residuals; the other columns are at their medians.",
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
        "Standardized residuals against fitted values. The line is a local average: where it departs from 0, the curve misses "
        "a trend. The largest residuals are labeled with their row numbers.",
        on_axes(draw_residuals, mean, residuals, rows, "standardized", of),
    )
    yield Panel(
        "Normal quantiles",
        "Sorted residuals against quantiles of the normal distribution. The band is a pointwise 95% band for normal errors.",
        on_axes(draw_quantiles, residuals, rows, "standardized"),
    )
    yield Panel(
        "Spread",
        "The square root of the absolute residuals against fitted values. If the line rises or falls, the variance is not "
        "constant: give sigma.",
        on_axes(draw_spread, mean, residuals, "standardized", of),
    )


def _columns(fitted: CurveTableFit) -> str:
    """Return a table of the ranges of the columns in the rows that were used."""
    model, y = fitted.model, fitted.result.y
    rows = [[name, column, f"{number(low)} … {number(high)}"] for name, (column, low, high) in model.columns.items()]
    rows.append(["", model.target, f"{number(float(y.min()))} … {number(float(y.max()))}"])
    return html.sentence(rows_said(len(y), fitted.dropped)) + html.table(
        ["variable", "column", "values in these rows"], rows, texts=(1, 2)
    )


def _ode(model: OdeModel) -> str:
    """Return the Python call that makes differential equations."""
    defaults = inspect.signature(ode).parameters
    given = [f"{name}={value!r}" for name, value in model.arguments.items() if value != defaults[name].default]
    return f"jg.curvefit.ode({', '.join(given)})"


def _call(fitted: CurveTableFit) -> str:
    """Return the Python call that makes the same fit."""
    model, defaults = fitted.model, inspect.signature(curve_fit).parameters
    columns = ", ".join(f"{name!r}: frame[{column!r}]" for name, (column, _, _) in model.columns.items())
    curve = model.estimates.curve.model
    written = _ode(curve) if isinstance(curve, OdeModel) else repr(model.name or model.formula)
    arguments = [written, f"{{{columns}}}", f"frame[{model.target!r}]"]
    arguments += [f"sigma=frame[{model.sigma!r}]"] if model.sigma else []
    arguments += [f"{name}={value!r}" for name, value in fitted.options.items() if value != defaults[name].default]
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return f"import jitgrad as jg\n\nresult = jg.curve_fit(\n{lines})"
