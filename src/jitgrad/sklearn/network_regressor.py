"""A multilayer perceptron for regression."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin

from jitgrad.sklearn.data import Rows
from jitgrad.sklearn.network import Network
from jitgrad.typing import ArrayLike


class NetworkRegressor(RegressorMixin, Network):
    """Multilayer perceptron for regression, trained with half the squared error as loss.

    The parameters and their defaults follow scikit-learn's ``MLPRegressor``.

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
    NetworkClassifier : Multilayer perceptron for classification.
    jitgrad.Sequential : Networks with arbitrary layers.

    Notes
    -----
    Standardize the features before fitting. Weights are initialized as in `jitgrad.layers.Dense`.

    Examples
    --------
    >>> from jitgrad.sklearn import NetworkRegressor
    >>> x = np.linspace(-1, 1, 100)[:, None]
    >>> model = NetworkRegressor((16,), max_iter=500, learning_rate_init=0.01, random_state=0).fit(x, x[:, 0] ** 2)
    >>> model.score(x, x[:, 0] ** 2) > 0.99
    True
    """

    _checks: ClassVar[dict[str, Any]] = {"multi_output": True, "y_numeric": True}

    def partial_fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train for one more epoch, with the current weights and optimizer state.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights. By default, all are 1.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, fresh=not hasattr(self, "coefs_"), steps=True)

    def predict(self, X: Any) -> np.ndarray:
        """Predict the target.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions.
        """
        made = self._outputs(X)
        return made[:, 0] if self._flat else made

    def _targets(self, rows: Rows, classes: Any, fresh: bool) -> tuple[np.ndarray, str, int, str]:
        self._flat = rows.y.ndim == 1
        y = rows.y[:, None] if self._flat else rows.y
        return y.astype(rows.x.dtype, copy=False), "squared_error", y.shape[1], "identity"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
