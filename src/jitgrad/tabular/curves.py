"""Fit curves to tables, and compare them."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from jitgrad.curvefit import MODELS, Comparison, CurveFit, NamedModel, compare, curve_fit, formula, named
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.ode import OdeModel
from jitgrad.errors import ArgumentError, DataError, FormulaError, enumerated, listed, near_name
from jitgrad.summary import Summary
from jitgrad.tabular.columns import whole_rows
from jitgrad.tabular.curve_model import CurveModel, coded_columns
from jitgrad.tabular.encoding import has_marks, numbers
from jitgrad.tabular.predictors import check_needed
from jitgrad.tabular.selection import check_not_empty
from jitgrad.tabular.settings import FAMILIES, PENALTIES
from jitgrad.tabular.settings import MODELS as OF_TABLES


@dataclass(frozen=True)
class CurveTableFit:
    """The result of `fit_curve`.

    Print it for a summary: estimates, fit statistics and how the fit ended.

    Parameters
    ----------
    model : CurveModel
        The fitted curve, which predicts other tables and can be saved.
    result : jitgrad.curvefit.CurveFit
        The result of `jitgrad.curve_fit`.
    dropped : int
        The number of rows dropped because of missing values.
    outliers : list of int or None
        The rows removed as outliers, numbered from 1; None if outliers were not removed.
    rows : ndarray of int
        The rows that were fitted, numbered from 0.
    options : dict
        The options passed to `jitgrad.curve_fit`.

    See Also
    --------
    fit_curve : Fit a curve to a table.

    Examples
    --------
    >>> import polars as pl
    >>> from jitgrad.tabular import fit_curve
    >>> table = pl.read_csv("data/puromycin.csv")
    >>> fit = fit_curve(table, "rate", "michaelis_menten", ["concentration"])
    >>> fit.result.success, len(fit.rows), fit.dropped
    (True, 23, 0)
    """

    model: CurveModel
    result: CurveFit
    dropped: int
    outliers: list[int] | None
    rows: np.ndarray
    options: dict[str, Any]

    def summary(self) -> Summary:
        """Return a summary of estimates, fit statistics and how the fit ended.

        Returns
        -------
        Summary
            The summary, which prints as text and displays as HTML in notebooks.
        """
        from jitgrad.tabular.summaries import of_curve

        return of_curve(self)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write an HTML report with estimates and diagnostics.

        Parameters
        ----------
        path : str or Path
            The file to write.
        """
        from jitgrad import reports

        reports.curve_report(self, path)


def fit_curve(
    frame: pl.DataFrame,
    target: str,
    model: str | OdeModel,
    features: Sequence[str] | None = None,
    *,
    sigma: str | None = None,
    p0: Mapping[str, float] | None = None,
    drop_missing: bool = True,
    start: CurveModel | None = None,
    **options: Any,
) -> CurveTableFit:
    """Fit a curve to a table: a formula of columns and parameters, a named curve, or differential equations.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    target : str
        The column to fit.
    model : str or jitgrad.curvefit.OdeModel
        A formula such as ``"a * exp(-k * t) + c"``, in which names that are not columns are parameters, the name of a curve
        in `jitgrad.curvefit.MODELS`, or differential equations, made by `jitgrad.curvefit.ode`.
    features : sequence of str, optional
        For a named curve, its columns in order. By default, the only other numeric column.
    sigma : str, optional
        The column of standard deviations of the target.
    p0 : mapping of str to float, optional
        Starting values by name. By default, they are found automatically.
    drop_missing : bool, default True
        Whether to drop rows with missing values, or raise DataError.
    start : CurveModel, optional
        A model whose parameters are the starting values of parameters that are not in ``p0``.
    **options : Any
        Other options of `jitgrad.curve_fit`, such as ``bounds``, ``fixed``, ``loss``, ``errors`` or ``absolute_sigma``.

    Returns
    -------
    CurveTableFit
        The fitted curve and the result of `jitgrad.curve_fit`.

    Raises
    ------
    DataError
        If a column does not exist, has no values or is constant, and as for `jitgrad.curve_fit`.
    FormulaError
        If the formula is invalid, contains the target or contains no column.
    ArgumentError or FitError
        As for `jitgrad.curve_fit`.

    See Also
    --------
    jitgrad.curve_fit : Fit a curve to arrays.
    compare_curves : Compare two curves.
    jitgrad.fit_table : Models that are linear in their parameters, with formulas of terms.

    Examples
    --------
    >>> import polars as pl
    >>> from jitgrad.tabular import fit_curve
    >>> table = pl.read_csv("data/puromycin.csv")
    >>> fit = fit_curve(table, "rate", "(v + d * treated) * concentration / (k + concentration)")
    >>> {name: round(value, 3) for name, value in fit.result.parameters.items()}
    {'v': 166.604, 'd': 42.026, 'k': 0.058}
    """
    check_needed(frame, [target])
    kind = model if isinstance(model, OdeModel) else _kind_of(model)
    if isinstance(kind, OdeModel):
        used = _columns_of_equations(frame, target, kind, features, sigma)
    else:
        used = _columns_of(frame, target, kind, str(model), features, sigma)
    names = list(dict.fromkeys([target, *used.values(), *([] if sigma is None else [sigma])]))
    for name in names:
        check_not_empty(frame[name])
    whole = whole_rows(frame.select(names), drop_missing)[0]
    text = kind.equations if isinstance(kind, NamedModel) else kind
    coded = coded_columns(whole, text, used)
    arrays = {name: numbers(coded[name]) for name in names}
    kept = ~np.isnan(arrays[target])
    columns = {name: arrays[column][kept] for name, column in used.items()}
    _check_varied(columns, used)
    given = {} if start is None else start.estimates.parameters
    parameters = curve_of(kind or model, columns, None, None).names
    if start is not None and not set(given) & set(parameters):
        raise DataError(
            f"The model to continue from has the parameters {', '.join(given)}, none of which this model has. "
            "Leave out the model to continue from."
        )
    starts = {k: v for k, v in given.items() if k in parameters} | dict(p0 or {}) or None
    uncertain = None if sigma is None else arrays[sigma][kept]
    labels = {name: whole[column].to_numpy()[kept] for name, column in used.items() if _has_labels(text, name)}
    result = curve_fit(kind or model, columns | labels, arrays[target][kept], starts, uncertain, **options)
    ranges = {name: (column, float(columns[name].min()), float(columns[name].max())) for name, column in used.items()}
    name = kind.name if isinstance(kind, NamedModel) else ""
    made = CurveModel(target, sigma or "", name, ranges, result, _figures(result), result.message)
    rows, outliers = np.flatnonzero(kept), None
    if result.outliers is not None:
        outliers, rows = (rows[result.outliers.rows] + 1).tolist(), np.delete(rows, result.outliers.rows)
    return CurveTableFit(made, result, int(np.sum(~kept)), outliers, rows, {"p0": starts} | options)


def compare_curves(
    frame: pl.DataFrame,
    target: str,
    models: tuple[str, str],
    features: Sequence[str] | None = None,
    *,
    sigma: str | None = None,
    drop_missing: bool = True,
    **options: Any,
) -> tuple[CurveTableFit, CurveTableFit, Comparison]:
    """Fit two curves to the same rows of a table and compare them.

    Only rows without missing values in any column of either model are used.

    Parameters
    ----------
    frame : polars.DataFrame
        The table.
    target : str
        The column to fit.
    models : tuple of (str, str)
        Two formulas or names of curves.
    features : sequence of str, optional
        For named curves, their columns in order. By default, the only other numeric column.
    sigma : str, optional
        The column of standard deviations of the target.
    drop_missing : bool, default True
        Whether to drop rows with missing values, or raise DataError.
    **options : Any
        Other options of `jitgrad.curve_fit`.

    Returns
    -------
    simple, complex : CurveTableFit
        The fits, the one with fewer parameters first.
    comparison : jitgrad.curvefit.Comparison
        The comparison of the fits; see `jitgrad.curvefit.compare`.

    Raises
    ------
    DataError, ArgumentError, FormulaError or FitError
        As for `fit_curve`.

    See Also
    --------
    fit_curve : Fit one curve.

    Examples
    --------
    >>> import polars as pl
    >>> from jitgrad.tabular import compare_curves
    >>> table = pl.read_csv("data/puromycin.csv")
    >>> both = "(v + d * treated) * concentration / (k + concentration)"
    >>> one = "v * concentration / (k + concentration)"
    >>> simple, larger, comparison = compare_curves(table, "rate", (both, one))
    >>> simple.model.formula, comparison.nested, comparison.test.p_value < 1e-4
    ('v * concentration / (k + concentration)', True, True)
    """
    used = {target, *([] if sigma is None else [sigma])}
    for model in models:
        check_needed(frame, [target])
        used |= set(_columns_of(frame, target, _kind_of(model), model, _features_of(model, features), sigma).values())
    whole, _ = whole_rows(frame.select([name for name in frame.columns if name in used]), drop_missing)
    given: dict[str, Any] = {"sigma": sigma, "drop_missing": drop_missing, **options}
    first, second = (fit_curve(whole, target, model, _features_of(model, features), **given) for model in models)
    comparison = compare(first.result, second.result)
    pair = (first, second) if comparison.simple is first.result else (second, first)
    return *pair, comparison


def _has_labels(model: Any, name: str) -> bool:
    """Return whether a column contains labels of observed quantities or of experiments."""
    return isinstance(model, OdeModel) and name in (model.arguments["which"], model.arguments["by"])


def _columns_of_equations(
    frame: pl.DataFrame, target: str, model: OdeModel, features: Sequence[str] | None, sigma: str | None
) -> dict[str, str]:
    """Return the columns of the table that equations use, which have the same names there."""
    if features is not None:
        raise ArgumentError("features is for named curves; equations name their columns themselves. Leave it out.")
    if sigma is not None:
        check_needed(frame, [sigma])
    bound = model._bound([name for name in frame.columns if name not in (target, sigma)])
    if target in model.names:
        raise FormulaError(f"The equations contain the target {target!r}. Rename the column, or the name in the equations.")
    return {name: name for name in frame.columns if name in bound.names or name in bound.constants}


def _kind_of(model: str) -> NamedModel | None:
    """Return a named curve, or None for a formula."""
    return named(model) if model in MODELS or model.startswith("polynomial") else None


def _features_of(model: str, features: Sequence[str] | None) -> Sequence[str] | None:
    """Return the features for a named curve, or None for a formula, which contains the names of its columns."""
    return features if _kind_of(model) is not None else None


def _columns_of(
    frame: pl.DataFrame, target: str, kind: Any, model: str, features: Sequence[str] | None, sigma: str | None
) -> dict[str, str]:
    """Return the column of the table for each variable of the formula."""
    if sigma is not None:
        check_needed(frame, [sigma])
    others = [name for name, dtype in frame.schema.items() if dtype.is_numeric() or dtype == pl.Null]
    others = [name for name in others if name not in (target, sigma)]
    if kind is None:
        made = formula(model)
        names = [name for name in [*made.names, *made.constants] if name in frame.columns]
        for name in names:
            check_not_empty(frame[name])
            if has_marks(frame[name]):
                numbers(frame[name])  # raises an error that explains what is ambiguous
            elif not (frame.schema[name].is_numeric() or frame.schema[name] == pl.Boolean):
                raise DataError(
                    f"Column {name!r} in the formula has type {frame.schema[name]}, but formulas need numbers. "
                    f"Convert the column, or rename the parameter if that is what is meant."
                )
        if features is not None and set(features) != set(names):
            raise ArgumentError("features is for named curves; a formula names its columns itself. Leave it out.")
        if target in names:
            raise FormulaError(f"The formula contains the target {target!r}. Write only the right side of the equation.")
        if not names:
            if model in PENALTIES:
                raise ArgumentError(f"{model!r} is a penalty, not a model. Pass it as {{argument}}.", argument="penalty")
            if model in FAMILIES:
                raise ArgumentError(
                    f"{{argument}} {model!r} is called {FAMILIES[model]!r} in jitgrad. Use that name.", argument="model"
                )
            near = near_name(model, [*OF_TABLES, *MODELS]) or near_name(model, frame.columns)
            what = (
                f"{model!r} is not the name of a model, and as a formula it"
                if model.isidentifier()
                else f"The formula {model!r}"
            )
            raise FormulaError(f"{what} contains none of the columns {listed(frame.columns)}.{near} Use at least one column.")
        return {name: name for name in names}
    chosen = others if features is None else list(features)
    check_needed(frame, chosen)
    if len(kind.columns) > 1:
        return kind.named_columns({name: name for name in chosen})
    if len(chosen) != 1:
        raise DataError(
            f"Curve {model!r} takes one column, but there {'are' if chosen else 'is'} {listed(chosen) or 'none'}. "
            f"Name one feature."
        )
    return {"x": chosen[0]}


def _check_varied(columns: Mapping[str, np.ndarray], names: Mapping[str, str]) -> None:
    """Raise DataError if all columns are constant, because then no curve can be fitted."""
    if columns and all(len(x) > 1 and (x == x[0]).all() for x in columns.values()):
        shown = enumerated(map(repr, names.values()))
        what = f"Column {shown} has" if len(names) == 1 else f"Columns {shown} have"
        raise DataError(f"{what} the same value in every row, so no curve can be fitted. Choose another column.")


def _figures(result: CurveFit) -> dict[str, float | None]:
    figures = {
        "rows": result.n_rows, "degrees_of_freedom": result.dof, "chi_square": result.chisqr,
        "reduced_chi_square": result.redchi, "residual_standard_error": math.sqrt(result.redchi), "r2": result.r2,
        "log_likelihood": result.log_likelihood, "aic": result.aic, "aicc": result.aicc, "bic": result.bic,
        "condition": result.condition,
    }  # fmt: skip
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
