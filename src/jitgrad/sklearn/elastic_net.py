"""Ridge, lasso and elastic net as estimators."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad.errors import ArgumentError
from jitgrad.glm import cross_validated
from jitgrad.sklearn.data import rows_of
from jitgrad.sklearn.linear import penalised


class _LinearRegressor(RegressorMixin, BaseEstimator):
    """What both predict with."""

    coef_: np.ndarray
    intercept_: float

    def predict(self, X: Any) -> np.ndarray:
        """The mean of rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        x: np.ndarray = validate_data(self, X, reset=False, dtype=np.float64)
        return x @ self.coef_ + self.intercept_


class ElasticNetRegressor(_LinearRegressor):
    """A linear model with a penalty of absolute values, of squares, or of both.

    It minimises ``sum((y - mean)**2) / (2 * n_samples) + alpha * (l1_ratio * |coef|₁ + (1 - l1_ratio) / 2 * |coef|²)``, as
    scikit-learn's ``ElasticNet`` does, and checks that it did, for every column.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength of the penalty, above 0; GLMRegressor is there for none.
    l1_ratio : float, default=0.5
        How much of it is of absolute values, which set coefficients to zero: 0 for ridge, 1 for the lasso.
    fit_intercept : bool, default=True
        Whether to add a constant, which is not penalised.
    tol : float, default=1e-9
        The largest violation of the conditions of the minimum, beside the largest gradient without features.
    max_iter : int, default=10000
        The most sweeps of coordinate descent.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The coefficients, in units of X.
    intercept_ : float
        The constant.
    n_iter_ : int
        How many sweeps there were.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    See Also
    --------
    ElasticNetRegressorCV : The penalty chosen by cross-validation.
    jitgrad.glm.path : All penalties at once, also of counts and classes.

    References
    ----------
    Friedman, Hastie and Tibshirani, "Regularization paths for generalized linear models via coordinate descent", 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad.sklearn import ElasticNetRegressor
    >>> x = np.random.default_rng(0).normal(size=(100, 20))
    >>> model = ElasticNetRegressor(alpha=0.1).fit(x, 3 * x[:, 3] - x[:, 5])
    >>> np.flatnonzero(model.coef_).tolist()
    [3, 5]
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        tol: float = 1e-9,
        max_iter: int = 10_000,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            For a penalty that is not positive, or data that do not fit together.
        """
        rows = rows_of(self, X, y, sample_weight, y_numeric=True).counted()
        self.coef_, self.intercept_, self.n_iter_ = penalised(self, rows, "gaussian")
        return self


class ElasticNetRegressorCV(_LinearRegressor):
    """The same with the penalty that cross-validation chooses, as scikit-learn's ``ElasticNetCV``.

    Parameters
    ----------
    l1_ratio : float or sequence of float, default=0.5
        How much of the penalty is of absolute values; of several the best is chosen.
    alphas : int or sequence of float, default=100
        The penalties, or how many: at even ratios, from the least with which all coefficients are 0 downwards.
    eps : float, default=0.001
        The smallest of them beside the largest.
    cv : int, splitter or iterable, default=None
        Folds, as everywhere in scikit-learn, each row in one of them; None for five.
    rule : {"min", "1se"}, default="min"
        Which penalty is chosen: that with the least mean squared error of held-out rows, or the largest one within a standard
        error of it.
    fit_intercept : bool, default=True
        Whether to add a constant, which is not penalised.
    tol : float, default=1e-9
        The largest violation of the conditions of the minimum, beside the largest gradient without features.
    max_iter : int, default=10000
        The most sweeps of coordinate descent for a penalty.

    Attributes
    ----------
    alpha_ : float
        The penalty that was chosen.
    l1_ratio_ : float
        The l1_ratio that was chosen.
    alphas_ : ndarray of shape (n_alphas,)
        The penalties, from the largest, for that.
    mse_path_, standard_error_ : ndarray of shape (n_alphas,)
        The mean squared error of held-out rows for each of them, and its standard error.
    coef_ : ndarray of shape (n_features,)
        The coefficients, in units of X.
    intercept_ : float
        The constant.
    n_iter_ : int
        How many sweeps the chosen penalty took, from the one before it.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    See Also
    --------
    ElasticNetRegressor : For a penalty that is known.
    jitgrad.glm.cross_validated : Also of counts and classes.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad.sklearn import ElasticNetRegressorCV
    >>> draw = np.random.default_rng(0)
    >>> x = draw.normal(size=(100, 20))
    >>> y = 3 * x[:, 3] - x[:, 5] + draw.normal(size=100)
    >>> model = ElasticNetRegressorCV(l1_ratio=[0.5, 1.0], rule="1se").fit(x, y)
    >>> model.l1_ratio_, np.flatnonzero(model.coef_).tolist()
    (1.0, [3, 5])
    """

    def __init__(
        self,
        *,
        l1_ratio: Any = 0.5,
        alphas: Any = 100,
        eps: float = 1e-3,
        cv: Any = None,
        rule: str = "min",
        fit_intercept: bool = True,
        tol: float = 1e-9,
        max_iter: int = 10_000,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.alphas = alphas
        self.eps = eps
        self.cv = cv
        self.rule = rule
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Choose a penalty, and fit to all rows with it.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row, of those that are held out, too.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            For folds that do not hold out each row once, or data that do not fit together.
        """
        rows = rows_of(self, X, y, sample_weight, y_numeric=True)
        counted = isinstance(self.alphas, (int, np.integer))
        found = [
            cross_validated(
                rows.x,
                rows.y,
                cv=_folds(self.cv, rows.x, rows.y),
                rule=self.rule,
                l1_ratio=ratio,
                alphas=None if counted else self.alphas,
                n_alphas=self.alphas if counted else 1,
                eps=self.eps,
                intercept=self.fit_intercept,
                standardize=False,
                weights=rows.weights,
                tol=self.tol,
                max_iter=self.max_iter,
            )
            for ratio in np.ravel(self.l1_ratio)
        ]
        best = min(found, key=lambda one: one.mean[one.minimum])
        self.alpha_, self.l1_ratio_, self.alphas_ = best.alpha, float(best.path.l1_ratio), best.path.alphas
        self.mse_path_, self.standard_error_ = best.mean, best.standard_error
        self.coef_, self.intercept_ = best.coefficients, float(best.intercept)
        self.n_iter_ = max(1, int(best.path.n_iter[best.chosen]))
        return self


def _folds(cv: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The fold of each row. Raises ArgumentError where one is held out twice, or never."""
    folds, seen = np.zeros(len(x), np.int64), np.zeros(len(x), np.int64)
    for number, (_, held) in enumerate(check_cv(cv).split(x, y)):
        folds[held] = number
        seen[held] += 1
    if not (seen == 1).all():
        row = int(np.argmax(seen != 1))
        raise ArgumentError(
            f"cv holds out row {row} {seen[row]} times. Use a splitter that holds out each row once, such as KFold."
        )
    return folds
