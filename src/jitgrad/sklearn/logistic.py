"""Logistic regression as an estimator."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad import glm
from jitgrad.sklearn.classes import log_probabilities, most_likely, probabilities
from jitgrad.sklearn.data import classes_of, rows_of
from jitgrad.sklearn.linear import Linear, known, penalised, warn_of


class LogisticClassifier(ClassifierMixin, BaseEstimator):
    """Logistic regression of two or more classes, by maximum likelihood unless a penalty is asked for.

    It minimises ``log_loss + alpha * (l1_ratio * |coef|₁ + (1 - l1_ratio) / 2 * |coef|²)``, with the mean over rows as
    ``log_loss``. scikit-learn's ``LogisticRegression`` has a penalty by default: its ``C`` is ``1 / (alpha * n_samples)`` here.

    Parameters
    ----------
    alpha : float, default=0.0
        The strength of the penalty; 0 for maximum likelihood. Where a combination of the features tells the classes apart
        there is no maximum, which a ConvergenceWarning says: a penalty helps.
    l1_ratio : float, default=0.0
        How much of it is of absolute values, which set coefficients to zero: 0 for ridge, 1 for the lasso.
    fit_intercept : bool, default=True
        Whether to add constants, which are not penalised.
    tol : float, default=1e-9
        How large the last step may be, in standard errors; with a penalty, the largest violation of the conditions of the
        minimum beside the largest gradient without features.
    max_iter : int, default=10000
        The most steps; with a penalty, the most sweeps of coordinate descent.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes in their order.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        The coefficients: of two classes the log-odds of the second; of more one row for each, whose sum is zero.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        The constants.
    n_iter_ : int
        How many steps there were.
    fit_ : jitgrad.glm.Fit or None
        What statistics says of a fit without a penalty. Coefficients of more than two classes are against the first one there.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    See Also
    --------
    jitgrad.fit_table : The same of a table's columns, with odds ratios and tests.

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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The classes.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            Where there is only one class, or data do not fit together.
        """
        rows = rows_of(self, X, y, sample_weight).counted()
        self.classes_, positions = classes_of(rows)
        family = "binomial" if len(self.classes_) == 2 else "multinomial"
        self.fit_: glm.Fit | None = None
        if self.alpha:
            linear = penalised(self, rows._replace(y=positions), family)
        else:
            linear = self._most_likely(rows.x, positions, rows.weights, family)
        self.coef_, self.intercept_ = np.atleast_2d(linear.coefficients), np.atleast_1d(linear.intercept)
        if family == "multinomial":  # what is common to all classes changes no probability
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
        """The log-odds of the second of two classes, or the scores of more, whose softmax are the probabilities.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=np.float64)
        eta = x @ self.coef_.T + self.intercept_
        return eta[:, 0] if eta.shape[1] == 1 else eta

    def predict(self, X: Any) -> np.ndarray:
        """The most likely class of rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        return most_likely(self.classes_, scores)

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of the classes.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return probabilities(self.decision_function(X))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Their logarithms.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return log_probabilities(self.decision_function(X))
