"""Generalized linear models as an estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad import glm
from jitgrad.errors import DataError
from jitgrad.glm.families import FAMILIES, family_of
from jitgrad.glm.links import LINKS
from jitgrad.glm.ridge_by_scoring import ridge
from jitgrad.glm.rows import Mean, as_rows
from jitgrad.sklearn.data import row_numbers, rows_of
from jitgrad.sklearn.linear import known, warn_of
from jitgrad.typing import ArrayLike


class GLMRegressor(RegressorMixin, BaseEstimator):
    """Generalized linear model, fitted by maximum likelihood or with a ridge penalty.

    The coefficients minimize::

        deviance / (2 * sum(sample_weight)) + alpha / 2 * sum(coef_**2)

    as in scikit-learn's ``PoissonRegressor`` and ``GammaRegressor``. Without a penalty, the fit agrees with R's ``glm``.

    Parameters
    ----------
    family : str, default="gaussian"
        The distribution of y: "gaussian", "binomial" (y are proportions), "poisson", "gamma", "inverse_gaussian",
        "negative_binomial", "quasi_poisson" or "quasi_binomial".
    link : str, default=None
        The link function: "identity", "log", "logit", "probit", "cloglog", "cauchit", "inverse", "inverse_squared" or "sqrt".
        The default is R's default for the family: "identity" for "gaussian", "logit" for proportions, "log" for counts,
        "inverse" for "gamma" and "inverse_squared" for "inverse_gaussian". scikit-learn's ``GammaRegressor`` uses "log".
    alpha : float, default=0.0
        The strength of the ridge penalty; 0 for maximum likelihood.
    fit_intercept : bool, default=True
        Whether to fit an intercept, which is not penalized.
    theta : float, default=None
        The parameter of "negative_binomial", with variance ``mu + mu**2 / theta``. By default, it is estimated, which is not
        possible with a penalty.
    tol : float, default=1e-10
        Convergence tolerance: the fit stops when a step is smaller than ``tol`` standard errors.
    max_iter : int, default=100
        Maximum number of iterations.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The coefficients; 0 for aliased features.
    intercept_ : float
        The intercept.
    n_iter_ : int
        The number of iterations.
    theta_ : float or None
        The parameter of "negative_binomial", given or estimated.
    fit_ : jitgrad.glm.Fit or None
        The unpenalized fit, with covariance, likelihood, deviance, AIC and BIC. None if there is a penalty.
    n_features_in_ : int
        The number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the features seen during `fit`. Only defined if X has column names that are all strings.

    See Also
    --------
    LogisticClassifier : Logistic regression for classification.
    ElasticNetRegressor : Lasso and elastic net.
    jitgrad.fit_table : Fits of tables with columns of any type, with standard errors, tests and a report.

    Notes
    -----
    Sample weights are precision weights, as in R's ``glm``: the variance of a row is divided by its weight.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, *Generalized Linear Models*, 2nd ed., Chapman and Hall, 1989.

    Examples
    --------
    >>> from jitgrad.sklearn import GLMRegressor
    >>> model = GLMRegressor("poisson").fit([[0], [1], [2], [3]], [1, 3, 4, 8])
    >>> model.coef_.round(4), round(model.intercept_, 4)
    (array([0.6051]), 0.2607)
    >>> model.predict([[4]]).round(2)
    array([14.6])
    """

    def __init__(
        self,
        family: str = "gaussian",
        link: str | None = None,
        *,
        alpha: float = 0.0,
        fit_intercept: bool = True,
        theta: float | None = None,
        tol: float = 1e-10,
        max_iter: int = 100,
    ) -> None:
        self.family = family
        self.link = link
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.theta = theta
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, offset: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. By default, all are 1.
        offset : array-like of shape (n_samples,), default=None
            A term added to the linear predictor, such as the logarithm of an exposure.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If the family does not allow a value of y, or the data are invalid.
        """
        rows = rows_of(self, X, y, sample_weight, y_numeric=True, offset=offset).counted()
        given: dict[str, Any] = {
            "intercept": self.fit_intercept, "offset": rows.offset, "weights": rows.weights, "theta": self.theta,
            "tol": self.tol, "max_iter": self.max_iter,
        }  # fmt: skip
        self.fit_: glm.Fit | None = None
        self.theta_ = self.theta
        if self.alpha:
            penalised = ridge(rows.x, rows.y, self.family, self.link, alpha=self.alpha, **given)
            warn_of(penalised)
            coefficients, self.n_iter_ = penalised.coefficients, penalised.n_iter
        else:
            self.fit_ = glm.fit(rows.x, rows.y, self.family, self.link, **given)
            warn_of(self.fit_)
            coefficients, self.n_iter_ = known(self.fit_.coefficients[:, 0]), self.fit_.n_iter
            self.theta_ = None if np.isnan(self.fit_.theta) else self.fit_.theta
        self.coef_, self.intercept_ = coefficients[1:], float(coefficients[0])
        return self

    def predict(self, X: Any, offset: ArrayLike | None = None) -> np.ndarray:
        """Predict the mean.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        offset : array-like of shape (n_samples,), default=None
            A term added to the linear predictor.

        Returns
        -------
        ndarray of shape (n_samples,)
            The predicted means.
        """
        return self._mean(X, offset).value

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, offset: ArrayLike | None = None) -> float:
        """Return D², the fraction of deviance explained, which is R² for "gaussian".

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. By default, all are 1.
        offset : array-like of shape (n_samples,), default=None
            A term added to the linear predictor.

        Returns
        -------
        float
            The score, at most 1. Predicting the mean of y scores 0.
        """
        mean = self._mean(X, offset)
        rows = as_rows(np.asarray(y, np.float64), weights=row_numbers("sample_weight", sample_weight, mean.value))
        family = family_of(self.family, self.theta_)
        needs, allowed = family.targets(rows.y)
        if not allowed.all():
            raise DataError(f"y has {rows.y[allowed.argmin()]:g}, but family {self.family!r} needs {needs}. Correct y.")
        constant = np.full(len(rows.y), np.average(rows.y, weights=rows.prior))
        return 1 - family.deviance(rows, mean) / family.deviance(rows, Mean(constant, 1 - constant))

    def _mean(self, X: Any, offset: Any) -> Mean:
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        eta = x @ self.coef_ + self.intercept_
        if offset is not None:
            eta = eta + row_numbers("offset", offset, x)
        link = LINKS[self.link or FAMILIES[self.family].link]
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return Mean(link.inverse(eta), link.rest(eta))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        family = FAMILIES.get(self.family) if isinstance(self.family, str) else None
        tags.target_tags.positive_only = family is not None and family.positive
        return tags
