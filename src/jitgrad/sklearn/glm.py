"""Generalised linear models as estimators."""

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


class GLMRegressor(RegressorMixin, BaseEstimator):
    """A generalised linear model, fitted by maximum likelihood, or with a ridge penalty.

    It minimises ``deviance / (2 * sum(sample_weight)) + alpha / 2 * sum(coef_**2)``, as scikit-learn's ``PoissonRegressor`` and
    ``GammaRegressor`` do. Without a penalty it is what R's ``glm`` fits, with all digits.

    Parameters
    ----------
    family : str, default="gaussian"
        The distribution of y: "gaussian", "binomial" (y are proportions), "poisson", "gamma", "inverse_gaussian",
        "negative_binomial", "quasi_poisson" or "quasi_binomial".
    link : str, default=None
        What of the mean is linear: "identity", "log", "logit", "probit", "cloglog", "cauchit", "inverse", "inverse_squared" or
        "sqrt".
        By default the family's own: "identity" of "gaussian", "logit" of proportions, "log" of counts, "inverse" of "gamma" and
        "inverse_squared" of "inverse_gaussian", as in R. scikit-learn's ``GammaRegressor`` has ``link="log"``.
    alpha : float, default=0.0
        The strength of the penalty; 0 for maximum likelihood.
    fit_intercept : bool, default=True
        Whether to add a constant, which is not penalised.
    theta : float, default=None
        Of "negative_binomial", whose variance is ``mu + mu**2 / theta``; by default it is estimated, which a penalty does not
        allow.
    tol : float, default=1e-10
        How large the last step may be, in standard errors.
    max_iter : int, default=100
        The most steps.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        The coefficients, in units of X; 0 of a column that is a combination of those before it.
    intercept_ : float
        The constant.
    n_iter_ : int
        How many steps there were.
    theta_ : float or None
        Of "negative_binomial", given or estimated.
    fit_ : jitgrad.glm.Fit or None
        What statistics says of a fit without a penalty: covariance, likelihoods, deviances, AIC and BIC.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    See Also
    --------
    jitgrad.fit_table : Tables of any columns, with standard errors, tests and a report.
    LogisticClassifier : Classes.

    Notes
    -----
    Weights are those of R's ``glm``: the variance of a row is divided by its weight. Coefficients are those of a fit where each
    row is there so many times.

    References
    ----------
    McCullagh and Nelder, "Generalized linear models", 1989.

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

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit to rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target, as the family has it.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row.
        offset : array-like of shape (n_samples,), default=None
            What is added to the linear predictor, such as the logarithm of an exposure.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            For a target that the family cannot have, or data that do not fit together.
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

    def predict(self, X: Any, offset: Any = None) -> np.ndarray:
        """The mean of rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        offset : array-like of shape (n_samples,), default=None
            What is added to the linear predictor.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._mean(X, offset).value

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """D², the part of the deviance of a constant mean that is explained; R² of "gaussian".

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row.
        offset : array-like of shape (n_samples,), default=None
            What is added to the linear predictor.

        Returns
        -------
        float
            At most 1; 0 for the mean of y.
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
