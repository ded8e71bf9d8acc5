"""Nonlinear formulas of columns as an estimator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad.curvefit import MODELS, curve_fit, formula, named
from jitgrad.curvefit.estimates import Estimates
from jitgrad.errors import ArgumentError
from jitgrad.sklearn.data import rows_of

if TYPE_CHECKING:
    from jitgrad.curvefit.fit import LossName


class FormulaRegressor(RegressorMixin, BaseEstimator):
    """A formula of columns and parameters, fitted by nonlinear least squares with exact derivatives.

    Names in the formula that are no columns are its parameters. Columns are named by X, where it is a frame. Where X has no
    names, or the formula has none of them, columns are ``x1``, ``x2``, … in their order, and an only one is ``x`` as well.

    It is `jitgrad.curve_fit` as an estimator: arguments have the same names and meanings.

    Parameters
    ----------
    formula : str
        A formula such as ``"a * exp(-b * x) + c"``, or the name of one of ``jitgrad.curvefit.MODELS``, such as
        ``"michaelis_menten"``, for an X of one column. Names of any characters stand in backticks.
    p0 : dict or array-like, default=None
        Starting values, by name or in the order in which the formula has the parameters. By default the formula is fitted from
        many starts, and the best fit is kept.
    bounds : dict or tuple, default=None
        Pairs of limits by name, with None for no limit; or ``(low, high)``, each a number or one for each parameter.
    fixed : dict, default=None
        Values of parameters that are not fitted, by name.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}, default="linear"
        How residuals count: all but "linear" let large ones count less.
    f_scale : float, default=1.0
        The residual from which on they do.
    max_nfev : int, default=None
        Computations of the model at most; 2000 by default.

    Attributes
    ----------
    parameters_ : dict of str to float
        The parameters by name.
    estimates_ : jitgrad.curvefit.estimates.Estimates
        The parameters with their covariance, standard errors, ``table()`` and ``confidence_intervals()``.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    See Also
    --------
    jitgrad.curve_fit : The same in one call, with ``sigma``, functions, and gradient methods.

    Examples
    --------
    >>> import numpy as np
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
        p0: Any = None,
        bounds: Any = None,
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the parameters.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The columns.
        y : array-like of shape (n_samples,)
            The response.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row's squared residual; ``1 / sigma**2`` where standard deviations of y are known.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            For a formula that cannot be read, or data that do not fit together.
        """
        rows = rows_of(self, X, y, sample_weight, y_numeric=True, ensure_min_samples=2).counted()
        model = self._model()
        text = model if isinstance(model, str) else model.formula
        columns = self._columns(rows.x, formula(text).names)
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
        """What the formula says for rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The columns.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        return self.estimates_.predict(self._columns(x, self.estimates_.curve.columns))

    def band(self, X: Any, level: float = 0.95, prediction: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Limits of what the formula says, or of new measurements.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The columns.
        level : float, default=0.95
            The probability that they cover.
        prediction : bool, default=False
            Whether they are those of new measurements, which have the residual standard deviation.

        Returns
        -------
        low, high : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        return self.estimates_.band(self._columns(x, self.estimates_.curve.columns), level, prediction)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # it is as good as its formula
        return tags

    def _model(self) -> Any:
        """The formula's text, or a named model."""
        if not isinstance(self.formula, str):
            raise ArgumentError(f"The formula is {self.formula!r}. Give a string, such as 'a * exp(-b * x) + c'.")
        is_named = self.formula.partition(":")[0] in (*MODELS, "polynomial")
        return named(self.formula) if is_named else self.formula

    def _columns(self, x: np.ndarray, wanted: Any) -> dict[str, np.ndarray]:
        """The columns of X by the names that the formula has for them."""
        named_columns = dict(zip(getattr(self, "feature_names_in_", ()), x.T, strict=False))
        if not any(name in named_columns for name in wanted):
            named_columns = {f"x{number}": column for number, column in enumerate(x.T, 1)}
            if x.shape[1] == 1:
                named_columns["x"] = x[:, 0]
        return {name: np.ascontiguousarray(column) for name, column in named_columns.items() if name in set(wanted)}
