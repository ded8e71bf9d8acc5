"""Ridge, lasso and elastic net estimators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad.errors import ArgumentError
from jitgrad.glm import cross_validated
from jitgrad.sklearn.data import rows_of
from jitgrad.sklearn.linear import penalised
from jitgrad.typing import ArrayLike


class _LinearRegressor(RegressorMixin, BaseEstimator):
    """Base class of linear regressors, with ``predict``."""

    coef_: np.ndarray
    intercept_: float

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,)
            The predicted means.
        """
        check_is_fitted(self)
        x: np.ndarray = validate_data(self, X, reset=False, dtype=np.float64)
        return x @ self.coef_ + self.intercept_


class ElasticNetRegressor(_LinearRegressor):
    """Linear regression with an elastic-net penalty.

    The coefficients minimize::

        sum((y - mean)**2) / (2 * n_samples) + alpha * (l1_ratio * sum(abs(coef_)) + (1 - l1_ratio) / 2 * sum(coef_**2))

    as in scikit-learn's ``ElasticNet``. Convergence is checked by the optimality conditions of all features.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength of the penalty, above 0. For an unpenalized fit, use GLMRegressor.
    l1_ratio : float, default=0.5
        The lasso share of the penalty: 0 for ridge, 1 for the lasso, which sets some coefficients to 0.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalized.
    tol : float, default=1e-9
        The largest allowed violation of the optimality conditions, relative to the largest gradient of the null model.
    max_iter : int, default=10000
        Maximum number of coordinate descent sweeps.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The coefficients.
    intercept_ : float
        The intercept.
    n_iter_ : int
        The number of coordinate descent sweeps.
    n_features_in_ : int
        The number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the features seen during `fit`. Only defined if X has column names that are all strings.

    See Also
    --------
    ElasticNetRegressorCV : Elastic net whose penalty is chosen by cross-validation.
    GLMRegressor : Ridge regression for other distributions of the target.
    jitgrad.glm.path : Fits for all penalties at once, including counts and classes.

    References
    ----------
    .. [1] J. Friedman, T. Hastie and R. Tibshirani, "Regularization paths for generalized linear models via coordinate
       descent", *J. Statist. Software* 33(1), 2010.

    Examples
    --------
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

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. By default, all are 1.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If the penalty is not positive, or the data are invalid.
        """
        rows = rows_of(self, X, y, sample_weight, y_numeric=True).counted()
        self.coef_, self.intercept_, self.n_iter_ = penalised(self, rows, "gaussian")
        return self


class ElasticNetRegressorCV(_LinearRegressor):
    """Elastic net with a penalty chosen by cross-validation, like scikit-learn's ``ElasticNetCV``.

    Parameters
    ----------
    l1_ratio : float or sequence of float, default=0.5
        The lasso share of the penalty. If several values are given, the one with the smallest cross-validated error is chosen.
    alphas : int or sequence of float, default=100
        The penalties, or the number of geometrically spaced penalties. The largest of these is the smallest penalty for which
        all coefficients are 0.
    eps : float, default=0.001
        The ratio of the smallest to the largest penalty.
    cv : int, splitter or iterable, default=None
        The cross-validation splitter, which must hold out each row exactly once. None stands for five folds.
    rule : {"min", "1se"}, default="min"
        Choose the penalty with the smallest mean squared error, or the largest penalty within one standard error of it.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalized.
    tol : float, default=1e-9
        The largest allowed violation of the optimality conditions, relative to the largest gradient of the null model.
    max_iter : int, default=10000
        Maximum number of coordinate descent sweeps per penalty.

    Attributes
    ----------
    alpha_ : float
        The chosen penalty.
    l1_ratio_ : float
        The chosen lasso share.
    alphas_ : ndarray of shape (n_alphas,)
        The penalties for ``l1_ratio_``, in decreasing order.
    mse_path_, standard_error_ : ndarray of shape (n_alphas,)
        The mean squared error of held-out rows for each penalty, and its standard error.
    coef_ : ndarray of shape (n_features,)
        The coefficients fitted to all rows with the chosen penalty.
    intercept_ : float
        The intercept.
    n_iter_ : int
        The number of coordinate descent sweeps for the chosen penalty, starting from the solution for the previous one.
    n_features_in_ : int
        The number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the features seen during `fit`. Only defined if X has column names that are all strings.

    See Also
    --------
    ElasticNetRegressor : Elastic net with a given penalty.
    jitgrad.glm.cross_validated : Cross-validation that also supports counts and classes.

    Examples
    --------
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
        l1_ratio: float | Sequence[float] = 0.5,
        alphas: int | ArrayLike = 100,
        eps: float = 1e-3,
        cv: Any = None,
        rule: Literal["min", "1se"] = "min",
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

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Choose a penalty by cross-validation, and fit the model to all rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, which also apply to held-out rows.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a row is not held out exactly once, or the data are invalid.
        """
        rows = rows_of(self, X, y, sample_weight, y_numeric=True)
        n_alphas, alphas = (int(self.alphas), None) if isinstance(self.alphas, (int, np.integer)) else (1, self.alphas)
        found = [
            cross_validated(
                rows.x,
                rows.y,
                cv=_folds(self.cv, rows.x, rows.y),
                rule=self.rule,
                l1_ratio=ratio,
                alphas=alphas,
                n_alphas=n_alphas,
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
    """Return the fold of each row. Raises ArgumentError if a row is not held out exactly once."""
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
