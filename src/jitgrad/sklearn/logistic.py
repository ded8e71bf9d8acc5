"""Logistic regression as an estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad import glm
from jitgrad.sklearn.classes import log_probabilities, most_likely, probabilities
from jitgrad.sklearn.data import classes_of, rows_of
from jitgrad.sklearn.linear import Family, Linear, known, penalised, warn_of
from jitgrad.typing import ArrayLike


class LogisticClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression for two or more classes, unpenalized by default.

    The coefficients minimize::

        log_loss + alpha * (l1_ratio * sum(abs(coef_)) + (1 - l1_ratio) / 2 * sum(coef_**2))

    where ``log_loss`` is the mean over rows. The parameter ``C`` of scikit-learn's ``LogisticRegression``, which is penalized
    by default, corresponds to ``alpha = 1 / (C * n_samples)``.

    Parameters
    ----------
    alpha : float, default=0.0
        The strength of the penalty; 0 for maximum likelihood. If the classes are perfectly separated, the maximum-likelihood
        estimates are infinite and a ConvergenceWarning is issued; use a penalty in that case.
    l1_ratio : float, default=0.0
        The lasso share of the penalty: 0 for ridge, 1 for the lasso, which sets some coefficients to 0.
    fit_intercept : bool, default=True
        Whether to fit intercepts, which are not penalized.
    tol : float, default=1e-9
        Convergence tolerance: the size of the last step in standard errors or, with a penalty, the largest violation of the
        optimality conditions, relative to the largest gradient of the null model.
    max_iter : int, default=10000
        Maximum number of iterations or, with a penalty, of coordinate descent sweeps.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted classes.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The coefficients: for two classes, of the log-odds of the second class; for more, one row per class, which sum to 0.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The intercepts.
    n_iter_ : int
        The number of iterations.
    fit_ : jitgrad.glm.Fit or None
        The unpenalized fit, whose coefficients are log-odds against the first class. None if there is a penalty.
    n_features_in_ : int
        The number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the features seen during `fit`. Only defined if X has column names that are all strings.

    See Also
    --------
    GLMRegressor : Regression for other distributions of the target.
    jitgrad.fit_table : Fits of tables with columns of any type, with odds ratios and tests.

    Examples
    --------
    >>> from jitgrad.sklearn import LogisticClassifier
    >>> model = LogisticClassifier().fit([[0], [1], [2], [3]], ["no", "yes", "no", "yes"])
    >>> model.coef_.round(4), model.intercept_.round(4)
    (array([[0.9082]]), array([-1.3623]))
    >>> model.predict([[0.5], [4]])
    array(['no', 'yes'], dtype='<U3')
    """

    def __init__(
        self,
        alpha: float = 0.0,
        *,
        l1_ratio: float = 0.0,
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
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. By default, all are 1.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If there is only one class, or the data are invalid.
        """
        rows = rows_of(self, X, y, sample_weight).counted()
        self.classes_, positions = classes_of(rows)
        family: Family = "binomial" if len(self.classes_) == 2 else "multinomial"
        self.fit_: glm.Fit | None = None
        if self.alpha:
            linear = penalised(self, rows._replace(y=positions), family)
        else:
            linear = self._most_likely(rows.x, positions, rows.weights, family)
        self.coef_, self.intercept_ = np.atleast_2d(linear.coefficients), np.atleast_1d(linear.intercept)
        if family == "multinomial":  # a constant common to all classes does not affect probabilities
            self.intercept_ = self.intercept_ - self.intercept_.mean()
        self.n_iter_ = linear.n_iter
        return self

    def _most_likely(self, x: np.ndarray, positions: np.ndarray, weights: Any, family: str) -> Linear:
        names = [str(name) for name in self.classes_]
        made = glm.fit(
            x,
            positions,
            family,
            intercept=self.fit_intercept,
            weights=weights,
            classes=names if family == "multinomial" else None,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        warn_of(made)
        self.fit_ = made
        coefficients = known(made.coefficients).T
        if family == "multinomial":
            coefficients = np.vstack([np.zeros(coefficients.shape[1]), coefficients])
            coefficients -= coefficients.mean(axis=0)
        return Linear(coefficients[:, 1:], coefficients[:, 0], made.n_iter)

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the log-odds of the second of two classes, or one score per class.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            The scores. For more than two classes, their softmax gives the probabilities.
        """
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        eta = x @ self.coef_.T + self.intercept_
        return eta[:, 0] if eta.shape[1] == 1 else eta

    def predict(self, X: Any) -> np.ndarray:
        """Predict the most likely class.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,)
            The predicted classes.
        """
        scores = self.decision_function(X)
        return most_likely(self.classes_, scores)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The probability of each class, in the order of ``classes_``.
        """
        return probabilities(self.decision_function(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict class log-probabilities.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            The log-probability of each class, in the order of ``classes_``.
        """
        return log_probabilities(self.decision_function(X))
