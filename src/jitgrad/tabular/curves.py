"""Curves of a table: a formula of its columns fitted to a target column, and kept in a file."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import polars as pl

from jitgrad.curvefit import MODELS, Comparison, CurveFit, NamedModel, compare, curve_fit, formula, named
from jitgrad.curvefit.curve import Curve, curve_of
from jitgrad.curvefit.estimates import Estimates
from jitgrad.errors import ArgumentError, DataError, FormulaError, listed, near_name
from jitgrad.saving import archive
from jitgrad.saving.model import UNFIT
from jitgrad.saving.typed import check_types
from jitgrad.summary import Summary
from jitgrad.tabular.columns import whole_rows
from jitgrad.tabular.encoding import has_marks, numbers
from jitgrad.tabular.predictors import check_needed
from jitgrad.tabular.scores import Scores, scores_of_numbers
from jitgrad.tabular.selection import check_not_empty
from jitgrad.tabular.settings import FAMILIES, PENALTIES
from jitgrad.tabular.settings import MODELS as OF_TABLES

CURVE_VERSION = 1


class _Kept(TypedDict):
    """What a file has of a model."""

    target: str
    sigma: str
    name: str
    columns: dict[str, tuple[str, float, float]]
    formula: str
    names: list[str]
    values: np.ndarray
    free: list[int]
    factor: np.ndarray
    scale: float
    dof: float
    figures: dict[str, float | None]
    status: str


@dataclass(frozen=True)
class CurveModel:
    """A fitted formula.

    Attributes:
        target: the name of the target column.
        sigma: the name of the column of standard deviations; empty where there was none.
        name: of the named model that the formula is; empty where it is none.
        columns: the table's name for each column of the formula, and its lowest and highest value.
        estimates: the parameters.
        figures: how well it fits: "rows", "degrees_of_freedom", "chi_square", "reduced_chi_square",
            "residual_standard_error" (its root), "r2", "log_likelihood", "aic", "aicc", "bic" and "condition"; None where not
            defined.
        status: how the fit ended, in words.
    """

    target: str
    sigma: str
    name: str
    columns: dict[str, tuple[str, float, float]]
    estimates: Estimates
    figures: dict[str, float | None] = field(default_factory=dict)
    status: str = ""

    @property
    def formula(self) -> str:
        """The formula as text."""
        return str(self.estimates.curve.model.text)

    def predict_frame(self, frame: pl.DataFrame, level: float | None = None) -> pl.DataFrame:
        """A column ``prediction``, null where a value is missing; with ``level`` also ``low`` and ``high``, between which a new
        measurement lies with that probability.

        Raises DataError where a column is missing, or none of numbers.
        """
        x = self._columns(frame)
        complete = ~np.isnan(np.array(x)).any(0)
        made = np.full((1 if level is None else 3, frame.height), np.nan)
        if complete.any():
            rows = [column[complete] for column in x]
            made[0, complete] = self.estimates.predict(rows)
            if level is not None:
                sigma = self._sigma(frame)[complete] if self.sigma else None
                made[1:, complete] = self.estimates.band(rows, level, prediction=True, sigma=sigma)
        return pl.DataFrame(dict(zip(("prediction", "low", "high"), made, strict=False))).fill_nan(None)

    def inverse_frame(self, frame: pl.DataFrame, level: float = 0.95, replicates: float = 1) -> pl.DataFrame:
        """Where the curve has the values in the column of the target: a column named as that of x, ``_low`` and ``_high`` after
        the name for its limits, and ``solutions``, in how many places within the range of the data that were fitted it has the
        value; null where there is none, or more than one.

        Raises DataError where the target or sigma is missing, and ArgumentError as ``Estimates.inverse``.
        """
        check_needed(frame, [self.target])
        y = numbers(frame[self.target])
        known, (name, low, high) = ~np.isnan(y), next(iter(self.columns.values()))
        sigma = self._sigma(frame)[known] if self.sigma and replicates < math.inf else None
        found = self.estimates.inverse(y[known], (low, high), level, replicates, sigma)
        made = np.full((4, frame.height), np.nan)
        made[:, known] = found.x, found.low, found.high, found.solutions
        columns = dict(zip((name, f"{name}_low", f"{name}_high", "solutions"), made, strict=True))
        return pl.DataFrame(columns).fill_nan(None).with_columns(pl.col("solutions").cast(pl.Int64))

    def evaluate(self, frame: pl.DataFrame) -> Scores:
        """The scores on the rows that have every value.

        Raises DataError as ``predict_frame``, where the target is missing, and where no row is whole.
        """
        names = [self.target, *(name for name, *_ in self.columns.values())]
        check_needed(frame, names)
        whole = whole_rows(frame.select(names), drop_missing=True)[0]
        y, x = numbers(whole[self.target]), self._columns(whole)
        used = ~np.isnan(y)
        return scores_of_numbers(y[used], self.estimates.predict([column[used] for column in x]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, whole or not at all: numbers and JSON, never code. Raises OSError as ``open``."""
        estimates = self.estimates
        kept = {
            "target": self.target, "sigma": self.sigma, "name": self.name,
            "columns": {k: list(v) for k, v in self.columns.items()},
            "formula": self.formula, "names": estimates.names, "values": estimates.values, "free": list(estimates.free),
            "factor": estimates.factor, "scale": estimates.scale, "dof": estimates.student_dof,
            "figures": self.figures, "status": self.status,
        }  # fmt: skip
        archive.write(path, {"kind": "curve", "version": CURVE_VERSION, "model": kept})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CurveModel:
        """The model of a file that ``save`` wrote; it predicts the same to the bit.

        Raises DataError for a file that is not there, damaged, of something else, or of a newer version of jitgrad.
        """
        model = archive.read_kind(path, "curve", CURVE_VERSION)
        try:
            check_types(model, _Kept, "model")
            curve = Curve(formula(model["formula"]), model["names"], list(model["columns"]))
            p, n = len(curve.names), len(model["free"])
            if model["values"].shape != (p,) or model["factor"].shape != (n, n) or not set(model["free"]) <= set(range(p)):
                raise DataError("its parameters are inconsistent")
            if not model["scale"] >= 0:
                raise DataError("its scale is negative")
            if set(curve.names) | set(curve.columns) != set(curve.model.names):
                raise DataError("its names do not match its formula")
            estimates = Estimates(curve, model["values"], model["free"], model["factor"], model["scale"], model["dof"])
            columns = {k: (v[0], v[1], v[2]) for k, v in model["columns"].items()}
            return cls(model["target"], model["sigma"], model["name"], columns, estimates, model["figures"], model["status"])
        except UNFIT as error:
            said = str(error).removesuffix(".")
            raise DataError(f"{path} cannot be loaded: {said}. Save the model again.") from error

    def _sigma(self, frame: pl.DataFrame) -> np.ndarray:
        """The standard deviations of new measurements."""
        check_needed(frame, [self.sigma])
        return numbers(frame[self.sigma])

    def _columns(self, frame: pl.DataFrame) -> list[np.ndarray]:
        names = [self.columns[name][0] for name in self.estimates.curve.columns]
        check_needed(frame, names)
        return [numbers(frame[name]) for name in names]


@dataclass(frozen=True)
class CurveTableFit:
    """A formula fitted to a table.

    Attributes:
        model: what came out.
        result: of ``curve_fit``.
        dropped: how many rows were left out because they miss a value.
        outliers: the rows of the table that were left out as outliers, counted from 1; None where they were not looked for.
        rows: int64, which rows of the table were fitted, counted from 0.
        options: what ``curve_fit`` was given beside model and data.
    """

    model: CurveModel
    result: CurveFit
    dropped: int
    outliers: list[int] | None
    rows: np.ndarray
    options: dict[str, Any]

    def summary(self) -> Summary:
        """What the command prints: estimates, figures and how the fit ended."""
        from jitgrad.tabular.summaries import of_curve

        return of_curve(self)

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write one page of HTML with estimates and diagnostics."""
        from jitgrad import reports

        reports.curve_report(self, path)


def fit_curve(
    frame: pl.DataFrame,
    target: str,
    model: str,
    features: Sequence[str] | None = None,
    *,
    sigma: str | None = None,
    p0: Mapping[str, float] | None = None,
    drop_missing: bool = True,
    start: CurveModel | None = None,
    **options: Any,
) -> CurveTableFit:
    """Fit a formula of columns to a target column.

    Args:
        frame: the table.
        target: the name of the column to fit.
        model: the formula, or the name of a curve of ``curvefit.MODELS``.
        features: of a named curve its one column; by default the only other column of numbers.
        sigma: the name of a column of standard deviations.
        p0: starting values by name.
        drop_missing: whether rows that miss a value are left out; otherwise they are an error.
        start: a model whose parameters are the starting values that p0 leaves out.
        options: further ones of ``curve_fit``.

    Raises:
        DataError: for columns that are not there, have nothing in them, or are constant, and as ``curve_fit``.
        ArgumentError, FormulaError, FitError: as ``curve_fit``.
    """
    check_needed(frame, [target])
    kind = _kind_of(model)
    used = _columns_of(frame, target, kind, model, features, sigma)
    names = list(dict.fromkeys([target, *used.values(), *([] if sigma is None else [sigma])]))
    for name in names:
        check_not_empty(frame[name])
    whole = whole_rows(frame.select(names), drop_missing)[0]
    arrays = {name: numbers(whole[name]) for name in names}
    kept = ~np.isnan(arrays[target])
    columns = {name: arrays[column][kept] for name, column in used.items()}
    _check_varied(columns, used)
    given = {} if start is None else start.estimates.parameters
    parameters = curve_of(kind or model, columns, None, None).names
    if start is not None and not set(given) & set(parameters):
        raise DataError(
            f"The model to continue from has the parameters {', '.join(given)}, none of which this model has. Leave it out."
        )
    starts = {k: v for k, v in given.items() if k in parameters} | dict(p0 or {}) or None
    uncertain = None if sigma is None else arrays[sigma][kept]
    result = curve_fit(kind or model, columns, arrays[target][kept], starts, uncertain, **options)
    ranges = {name: (column, float(columns[name].min()), float(columns[name].max())) for name, column in used.items()}
    made = CurveModel(target, sigma or "", "" if kind is None else model, ranges, result, _figures(result), result.message)
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
    """Fit two formulas, or curves by name, to the rows that have all values of both, and compare them: the fit of the one with
    fewer parameters, that of the other, and what ``curvefit.compare`` says. Arguments and errors are those of ``fit_curve``."""
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


def _kind_of(model: str) -> NamedModel | None:
    """A curve by its name; None for a formula."""
    return named(model) if model in MODELS or model.startswith("polynomial") else None


def _features_of(model: str, features: Sequence[str] | None) -> Sequence[str] | None:
    """Features as named curves take them; a formula has its own."""
    return features if _kind_of(model) is not None else None


def _columns_of(
    frame: pl.DataFrame, target: str, kind: Any, model: str, features: Sequence[str] | None, sigma: str | None
) -> dict[str, str]:
    """The table's name for each column of the formula."""
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
    if len(chosen) != 1:
        raise DataError(
            f"Curve {model!r} takes one column, but there {'are' if chosen else 'is'} {listed(chosen) or 'none'}. "
            f"Name one feature."
        )
    return {"x": chosen[0]}


def _check_varied(columns: Mapping[str, np.ndarray], names: Mapping[str, str]) -> None:
    """Raise DataError where all columns are constant: no curve can be told from one point."""
    if columns and all(len(x) > 1 and (x == x[0]).all() for x in columns.values()):
        shown = " and ".join(repr(name) for name in names.values())
        raise DataError(f"Column {shown} has the same value in every row, so no curve can be fitted. Choose another column.")


def _figures(result: CurveFit) -> dict[str, float | None]:
    figures = {
        "rows": result.n_rows, "degrees_of_freedom": result.dof, "chi_square": result.chisqr,
        "reduced_chi_square": result.redchi, "residual_standard_error": math.sqrt(result.redchi), "r2": result.r2,
        "log_likelihood": result.log_likelihood, "aic": result.aic, "aicc": result.aicc, "bic": result.bic,
        "condition": result.condition,
    }  # fmt: skip
    return {name: value if math.isfinite(value) else None for name, value in figures.items()}
