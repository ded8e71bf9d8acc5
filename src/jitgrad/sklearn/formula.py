"""Nonlinear least squares with formulas as an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad.curvefit import MODELS, curve_fit, formula, named
from jitgrad.curvefit.estimates import Estimates
from jitgrad.curvefit.fit import LossName
from jitgrad.curvefit.given import Bounds
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError
from jitgrad.sklearn.data import rows_of
from jitgrad.typing import ArrayLike

if TYPE_CHECKING:
    from jitgrad.curvefit.fit import LossName


class FormulaRegressor(RegressorMixin, BaseEstimator):
    """Nonlinear least squares with a formula of columns and parameters.

    Names in the formula that are not columns are parameters. If X is a DataFrame, its column names are used. If X has no names,
    or the formula uses none of them, the columns are named ``x1``, ``x2``, … in order, and a single column is also named ``x``.
    The parameters of the estimator correspond to the arguments of `jitgrad.curve_fit`.

    Parameters
    ----------
    formula : str, Formula or OdeModel
        A formula such as ``"a * exp(-b * x) + c"``, or, for a single column, the name of a curve in `jitgrad.curvefit.MODELS`,
        such as "michaelis_menten". Names with special characters are written in backticks.
        Or differential equations by `jitgrad.curvefit.ode`; rows may be in any order of times.
    p0 : dict or array-like, default=None
        Starting values, by name or in the order of the parameters in the formula. By default, the fit starts from many points
        and the best minimum is kept.
    bounds : dict or tuple, default=None
        Pairs of limits by name, with None for no limit; or ``(low, high)``, each a number or one number per parameter.
    fixed : dict, default=None
        Values of parameters to hold fixed, by name.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}, default="linear"
        The loss function. All except "linear" are robust: they reduce the weight of large residuals.
    f_scale : float, default=1.0
        The size of residuals above which a robust loss reduces their weight.
    max_nfev : int, default=None
        Maximum number of function evaluations. None stands for 2000.

    Attributes
    ----------
    parameters_ : dict of str to float
        The parameters by name.
    estimates_ : jitgrad.curvefit.estimates.Estimates
        The parameters with their covariance, standard errors, ``table()`` and ``confidence_intervals()``.
    n_features_in_ : int
        The number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the features seen during `fit`. Only defined if X has column names that are all strings.

    See Also
    --------
    jitgrad.curve_fit : The corresponding function, which also supports ``sigma``, Python functions and gradient methods.
    jitgrad.tabular.fit_curve : Fit a formula to a table.

    Examples
    --------
    >>> from jitgrad.sklearn import FormulaRegressor
    >>> x = np.linspace(0, 4, 50)
    >>> y = 2.5 * np.exp(-1.5 * x) + 0.5
    >>> model = FormulaRegressor("a * exp(-b * x) + c").fit(x[:, None], y)
    >>> {name: round(value, 6) for name, value in model.parameters_.items()}
    {'a': 2.5, 'b': 1.5, 'c': 0.5}
    >>> model.predict([[0.0], [100.0]]).round(6)
    array([3. , 0.5])
    """

    def __init__(
        self,
        formula: str,
        *,
        p0: ArrayLike | Mapping[str, float] | None = None,
        bounds: Bounds | None = None,
        fixed: Mapping[str, float] | None = None,
        loss: LossName = "linear",
        f_scale: float = 1.0,
        max_nfev: int | None = None,
    ) -> None:
        self.formula = formula
        self.p0 = p0
        self.bounds = bounds
        self.fixed = fixed
        self.loss = loss
        self.f_scale = f_scale
        self.max_nfev = max_nfev

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the parameters.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the squared residuals, such as ``1 / sigma**2`` for known standard deviations. By default, all are 1.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If the formula or the data are invalid.
        """
        rows = rows_of(self, X, y, sample_weight, y_numeric=True, ensure_min_samples=2).counted()
        model = self._model()
        text = formula(model) if isinstance(model, str) else model.text_model if isinstance(model, NamedModel) else model
        names = text._bound(self._names(rows.x)).names
        columns = self._columns(rows.x, names)
        result = curve_fit(
            model,
            columns,
            rows.y.astype(np.float64),
            p0=self.p0,
            sigma=None if rows.weights is None else 1 / np.sqrt(rows.weights),
            bounds=self.bounds,
            fixed=self.fixed,
            loss=self.loss,
            f_scale=self.f_scale,
            max_nfev=self.max_nfev,
        )
        self.estimates_ = Estimates(result.curve, result.values, result.free, result.factor, result.scale, result.student_dof)
        self.parameters_ = result.parameters
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Evaluate the formula.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,)
            The predictions.
        """
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        return self.estimates_.predict(self._columns(x, self.estimates_.curve.columns))

    def band(self, X: Any, level: float = 0.95, prediction: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return limits of confidence or prediction intervals.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        level : float, default=0.95
            The level of the intervals.
        prediction : bool, default=False
            Whether to return prediction intervals for new measurements, which include the residual standard deviation.

        Returns
        -------
        low, high : ndarray of shape (n_samples,)
            The limits.
        """
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        return self.estimates_.band(self._columns(x, self.estimates_.curve.columns), level, prediction)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # the score depends on the formula
        return tags

    def _model(self) -> Any:
        """Return the formula as text, a named model, or differential equations."""
        if isinstance(self.formula, TextModel):
            return self.formula
        if not isinstance(self.formula, str):
            raise ArgumentError(f"The formula is {self.formula!r}. Give a string, such as 'a * exp(-b * x) + c'.")
        is_named = self.formula.partition(":")[0] in (*MODELS, "polynomial")
        return named(self.formula) if is_named else self.formula

    def _names(self, x: np.ndarray) -> list[str]:
        """Return the names of the columns of X, by default x1, x2, …, or x."""
        unnamed = ["x"] if x.shape[1] == 1 else [f"x{number}" for number in range(1, 1 + x.shape[1])]
        return [str(name) for name in getattr(self, "feature_names_in_", unnamed)]

    def _columns(self, x: np.ndarray, wanted: Any) -> dict[str, np.ndarray]:
        """Return the columns of X by their names in the formula."""
        named_columns = dict(zip(getattr(self, "feature_names_in_", ()), x.T, strict=False))
        if not any(name in named_columns for name in wanted):
            named_columns = {f"x{number}": column for number, column in enumerate(x.T, 1)}
            if x.shape[1] == 1:
                named_columns["x"] = x[:, 0]
        return {name: np.ascontiguousarray(column) for name, column in named_columns.items() if name in set(wanted)}
