"""A multilayer perceptron for classes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin

from jitgrad.sklearn.classes import log_probabilities, most_likely, probabilities
from jitgrad.sklearn.data import Rows, classes_of, positions_in
from jitgrad.sklearn.network import Network


class NetworkClassifier(ClassifierMixin, Network):
    """A multilayer perceptron for classes, fitted by gradient descent on their cross-entropy.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(100,)
        The sizes of the hidden layers: ``--hidden`` of the command.
    activation : {"relu", "tanh", "logistic", "identity"}, default="relu"
        Of the hidden layers.
    solver : str or jitgrad.optimizers.Optimizer, default="adam"
        An optimizer, with its own learning rate, or the name of one: "adam", "sgd", "adamw", "rmsprop" and all others of
        ``jitgrad.optimizers``.
    alpha : float, default=0.0001
        The strength of the penalty ``alpha / 2 * sum(w**2)`` of kernels, beside the sum of a batch's losses.
    batch_size : int or "auto", default="auto"
        Rows a step; "auto" for 200 at most.
    learning_rate_init : float, default=0.001
        The learning rate of a solver by name: ``learning_rate`` of ``jitgrad.optimizers``.
    max_iter : int, default=200
        The most epochs: ``epochs`` of ``jitgrad.Model.fit``.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    random_state : int, RandomState or None, default=None
        Of the first weights, the order of rows, and the split of ``early_stopping``: ``seed`` elsewhere in jitgrad. The same
        number gives the same network to the bit, with any number of threads and processes.
    tol : float, default=0.0001
        By how much the loss must fall to count.
    verbose : bool or int, default=False
        1 for a bar, 2 for a line for each epoch.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last one.
    early_stopping : bool, default=False
        Whether part of the rows is held out, and the fit ends by their loss, with the weights of the best epoch.
    validation_fraction : float, default=0.1
        That part.
    n_iter_no_change : int, default=10
        After how many epochs without a smaller loss the fit ends: ``patience`` of ``jitgrad.callbacks.EarlyStopping``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes in their order.
    coefs_, intercepts_ : list of ndarray
        The kernel and the bias of each layer.
    loss_curve_ : list of float
        The loss of each epoch, with the penalty.
    loss_, best_loss_ : float
        The last and the least of them.
    validation_loss_curve_ : list of float or None
        That of the rows held out.
    n_iter_ : int
        How many epochs there were.
    n_layers_, n_outputs_ : int
        The numbers of layers, with that of inputs, and of outputs.
    out_activation_ : str
        What is made of the last layer.
    n_features_in_ : int
        The number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has some.

    Notes
    -----
    Arguments are those of scikit-learn's ``MLPClassifier``, with the same defaults. Inputs should be standardised, as for that.
    The first weights are those of ``jitgrad.layers.Dense``. Epochs run natively; between them the loss is looked at.

    See Also
    --------
    NetworkRegressor : Numbers.
    jitgrad.Sequential : Networks of any layers.

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

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch more, from the weights and the state of the optimizer as they are.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,)
            Targets.
        classes : array-like of shape (n_classes,), default=None
            All classes, in the first call; by default those of its rows.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row's loss.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, not hasattr(self, "coefs_"), classes, steps=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most likely class of rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        return most_likely(self.classes_, scores)

    def decision_function(self, X: Any) -> np.ndarray:
        """What the last layer makes of rows: the log-odds of the second of two classes, or a number for each of more.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        made = self._outputs(X)
        return made[:, 0] if made.shape[1] == 1 else made

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of the classes.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Inputs.

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
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
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
