"""A fitted curve of a table, which predicts other tables and can be saved."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import polars as pl

from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.estimates import Estimates
from jitgrad.curvefit.formula import formula
from jitgrad.curvefit.ode import OdeModel
from jitgrad.errors import DataError
from jitgrad.saving import archive
from jitgrad.saving.model import UNFIT
from jitgrad.saving.typed import check_types
from jitgrad.tabular.columns import whole_rows
from jitgrad.tabular.encoding import numbers
from jitgrad.tabular.predictors import check_needed
from jitgrad.tabular.scores import Scores, scores_of_numbers

CURVE_VERSION = 2
_NEW: dict[str, Any] = {"ode": None, "errors": "normal"}
"""The contents that files of version 1 do not have."""


class _Kept(TypedDict):
    """The contents of a file."""

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
    ode: dict[str, Any] | None
    errors: str


@dataclass(frozen=True)
class CurveModel:
    """A fitted curve, which predicts other tables and can be saved.

    It is the ``model`` of a `CurveTableFit`.

    Parameters
    ----------
    target : str
        The target column.
    sigma : str
        The column of standard deviations; empty if there is none.
    name : str
        The name of the curve; empty for a formula.
    columns : dict of str to (str, float, float)
        For each variable of the formula, the column of the table and its smallest and largest value.
    estimates : jitgrad.curvefit.estimates.Estimates
        The parameters with their covariance.
    figures : dict of str to float or None
        Fit statistics: "rows", "degrees_of_freedom", "chi_square", "reduced_chi_square", "residual_standard_error" (its square
        root), "r2", "log_likelihood", "aic", "aicc", "bic" and "condition", the condition number. None if undefined.
    status : str
        How the fit ended.

    See Also
    --------
    fit_curve : Fit a curve to a table.

    Examples
    --------
    >>> import polars as pl
    >>> from jitgrad.tabular import CurveModel, fit_curve
    >>> table = pl.read_csv("data/puromycin.csv")
    >>> fit_curve(table, "rate", "michaelis_menten", ["concentration"]).model.save("enzyme.jitgrad")
    >>> model = CurveModel.load("enzyme.jitgrad")
    >>> model.formula
    'vmax * x / (km + x)'
    >>> model.predict_frame(pl.DataFrame({"concentration": [0.5]}))["prediction"].round(1).to_list()
    [170.2]
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

    @property
    def written(self) -> str | OdeModel:
        """The model as `fit_curve` takes it: the formula as text, or differential equations."""
        model = self.estimates.curve.model
        return model if isinstance(model, OdeModel) else self.formula

    @property
    def errors(self) -> str:
        """The distribution of the errors, ``"normal"`` or ``"lognormal"``."""
        return "lognormal" if self.estimates.curve.log else "normal"

    @property
    def equation(self) -> str:
        """The formula or the equations, with the name of the target."""
        return str(self.estimates.curve.model._equation(self.target))

    def predict_frame(self, frame: pl.DataFrame, level: float | None = None) -> pl.DataFrame:
        """Predict the rows of a table.

        Parameters
        ----------
        frame : polars.DataFrame
            A table with the columns of the formula.
        level : float, optional
            The level of prediction intervals for new measurements. By default, they are not computed.

        Returns
        -------
        polars.DataFrame
            The column ``prediction``, and with a level ``low`` and ``high``. Rows with missing values have null.

        Raises
        ------
        DataError
            If a column does not exist or is not numeric.
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
        """Estimate x from measured values of the target (inverse prediction, or calibration).

        Parameters
        ----------
        frame : polars.DataFrame
            A table with the target column.
        level : float, default 0.95
            The level of the limits.
        replicates : float, default 1
            The number of measurements averaged in each value; inf for exact values.

        Returns
        -------
        polars.DataFrame
            A column with the name of x, its limits with the suffixes ``_low`` and ``_high``, and ``solutions``, the number of
            solutions within the fitted range. The other columns are null unless there is exactly one solution.

        Raises
        ------
        DataError
            If the target or sigma column does not exist.
        ArgumentError
            As for ``Estimates.inverse``.
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
        """Score the curve on a table that contains the target.

        Parameters
        ----------
        frame : polars.DataFrame
            The table. Rows with missing values are ignored.

        Returns
        -------
        dict
            The number of rows, "r2", "rmse" and "mae".

        Raises
        ------
        DataError
            If a column does not exist or is not numeric, or no row is complete.
        """
        names = [self.target, *(name for name, *_ in self.columns.values())]
        check_needed(frame, names)
        whole = whole_rows(frame.select(names), drop_missing=True)[0]
        y, x = numbers(whole[self.target]), self._columns(whole)
        used = ~np.isnan(y)
        return scores_of_numbers(y[used], self.estimates.predict([column[used] for column in x]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the model to a file of numbers and JSON. An existing file is replaced atomically.

        Parameters
        ----------
        path : str or Path
            The file to write.
        """
        estimates, model = self.estimates, self.estimates.curve.model
        kept = {
            "target": self.target, "sigma": self.sigma, "name": self.name,
            "columns": {k: list(v) for k, v in self.columns.items()},
            "formula": self.formula, "names": estimates.names, "values": estimates.values, "free": list(estimates.free),
            "factor": estimates.factor, "scale": estimates.scale, "dof": estimates.student_dof,
            "figures": self.figures, "status": self.status, "errors": self.errors,
            "ode": model.arguments if isinstance(model, OdeModel) else None,
        }  # fmt: skip
        archive.write(path, {"kind": "curve", "version": CURVE_VERSION, "model": kept})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> CurveModel:
        """Load a model from a file written by `save`.

        Parameters
        ----------
        path : str or Path
            The file to read.

        Returns
        -------
        CurveModel
            The model, which makes bit-identical predictions.

        Raises
        ------
        DataError
            If the file does not exist, is damaged or not a curve, or was written by a newer version of jitgrad.
        """
        model = _NEW | archive.read_kind(path, "curve", CURVE_VERSION)
        try:
            check_types(model, _Kept, "model")
            made = formula(model["formula"]) if model["ode"] is None else OdeModel(**model["ode"])
            curve = Curve(made, model["names"], list(model["columns"]), model["errors"] == "lognormal")
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
        """Return the standard deviations of new measurements."""
        check_needed(frame, [self.sigma])
        return numbers(frame[self.sigma])

    def _columns(self, frame: pl.DataFrame) -> list[np.ndarray]:
        names = [self.columns[name][0] for name in self.estimates.curve.columns]
        check_needed(frame, names)
        coded = coded_columns(frame, self.estimates.curve.model, {name: column for name, (column, *_) in self.columns.items()})
        return [numbers(coded[name]) for name in names]


def coded_columns(frame: pl.DataFrame, model: Any, columns: Mapping[str, str]) -> pl.DataFrame:
    """Return a table with numbers in place of the labels that differential equations take.

    ``columns`` has the column of the table for each variable.
    """
    if isinstance(model, OdeModel):
        for name, column in columns.items():
            frame = frame.with_columns(pl.Series(column, model._coded(name, frame[column])))
    return frame
