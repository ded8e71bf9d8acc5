"""A multilayer perceptron for classification."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin

from jitgrad.sklearn.classes import log_probabilities, most_likely, probabilities
from jitgrad.sklearn.data import Rows, classes_of, positions_in
from jitgrad.sklearn.network import Network
from jitgrad.typing import ArrayLike


class NetworkClassifier(ClassifierMixin, Network):
    """Multilayer perceptron for classification, trained with cross-entropy loss.

    The parameters and their defaults follow scikit-learn's ``MLPClassifier``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        The widths of the hidden layers.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        The activation of the hidden layers.
    solver : str or jitgrad.optimizers.Optimizer, default="adam"
        The name of an optimizer in `jitgrad.optimizers`, such as "adam", "sgd" or "adamw", or an optimizer with its own
        learning rate.
    alpha : float, default=0.0001
        The strength of the L2 penalty ``alpha / 2 * sum(w**2)`` on the kernels, relative to the sum of the losses of a batch.
    batch_size : int or "auto", default="auto"
        The number of rows per step; "auto" is ``min(200, n_samples)``.
    learning_rate_init : float, default=0.001
        The learning rate of a solver given by name.
    max_iter : int, default=200
        Maximum number of epochs.
    shuffle : bool, default=True
        Whether to shuffle the rows in each epoch.
    random_state : int, RandomState or None, default=None
        Determines the initial weights, the order of rows and the validation split. The same int gives bit-identical results for
        any number of threads and processes.
    tol : float, default=0.0001
        The decrease of the loss that counts as an improvement.
    verbose : bool or int, default=False
        Whether to show progress: 1 for a bar, 2 for one line per epoch.
    warm_start : bool, default=False
        Whether `fit` starts from the weights of the previous call.
    early_stopping : bool, default=False
        Whether to hold out rows, stop when their loss no longer decreases, and restore the weights of the best epoch.
    validation_fraction : float, default=0.1
        The fraction of rows to hold out for early stopping.
    n_iter_no_change : int, default=10
        Stop after this many epochs without improvement.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted classes.
    coefs_, intercepts_ : list of ndarray
        The kernel and the bias of each layer.
    loss_curve_ : list of float
        The loss of each epoch, including the penalty.
    loss_, best_loss_ : float
        The loss of the last epoch, and the smallest loss.
    validation_loss_curve_ : list of float or None
        The loss of the held-out rows after each epoch; None without early stopping.
    n_iter_ : int
        The number of epochs.
    n_layers_, n_outputs_ : int
        The number of layers, including the input layer, and the number of outputs.
    out_activation_ : str
        The activation of the output layer.
    n_features_in_ : int
        The number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        The names of the features seen during `fit`. Only defined if X has column names that are all strings.

    See Also
    --------
    NetworkRegressor : Multilayer perceptron for regression.
    jitgrad.Sequential : Networks with arbitrary layers.

    Notes
    -----
    Standardize the features before fitting. Weights are initialized as in `jitgrad.layers.Dense`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from jitgrad.sklearn import NetworkClassifier
    >>> x, y = load_iris(return_X_y=True)
    >>> network = NetworkClassifier((16,), max_iter=300, learning_rate_init=0.01, tol=0, random_state=0)
    >>> make_pipeline(StandardScaler(), network).fit(x, y).score(x, y) > 0.96
    True
    """

    def partial_fit(
        self, X: Any, y: ArrayLike, classes: ArrayLike | None = None, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train for one more epoch, with the current weights and optimizer state.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,)
            The classes of the rows.
        classes : array-like of shape (n_classes,), default=None
            All classes, for the first call. By default, the classes in ``y``.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. By default, all are 1.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, not hasattr(self, "coefs_"), classes, steps=True)

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

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the log-odds of the second of two classes, or one score per class.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            The outputs of the last layer, before its activation.
        """
        made = self._outputs(X)
        return made[:, 0] if made.shape[1] == 1 else made

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

    def _targets(self, rows: Rows, classes: Any, fresh: bool) -> tuple[np.ndarray, str, int, str]:
        if fresh and classes is not None:
            self.classes_ = np.unique(classes)
        if not fresh or classes is not None:
            positions = positions_in(self.classes_, rows.y)
        else:
            self.classes_, positions = classes_of(rows)
        if len(self.classes_) == 2:
            return positions[:, None], "binary", 1, "logistic"
        return positions, "classes", len(self.classes_), "softmax"
