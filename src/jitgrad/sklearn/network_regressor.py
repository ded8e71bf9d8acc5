"""A multilayer perceptron for numbers."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import RegressorMixin

from jitgrad.sklearn.data import Rows
from jitgrad.sklearn.network import Network


class NetworkRegressor(RegressorMixin, Network):
    """A multilayer perceptron for numbers, fitted by gradient descent on half the squared error.

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
    Arguments are those of scikit-learn's ``MLPRegressor``, with the same defaults. Inputs should be standardised, as for that.
    The first weights are those of ``jitgrad.layers.Dense``. Epochs run natively; between them the loss is looked at.

    See Also
    --------
    NetworkClassifier : Classes.
    jitgrad.Sequential : Networks of any layers.

    Examples
    --------
    >>> import numpy as np
    >>> from jitgrad.sklearn import NetworkRegressor
    >>> x = np.linspace(-1, 1, 100)[:, None]
    >>> model = NetworkRegressor((16,), max_iter=500, learning_rate_init=0.01, random_state=0).fit(x, x[:, 0] ** 2)
    >>> model.score(x, x[:, 0] ** 2) > 0.99
    True
    """

    _checks: ClassVar[dict[str, Any]] = {"multi_output": True, "y_numeric": True}

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch more, from the weights and the state of the optimizer as they are.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Inputs.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            A weight for each row's loss.

        Returns
        -------
        self
            The fitted estimator.
        """
        return self._fit(X, y, sample_weight, fresh=not hasattr(self, "coefs_"), steps=True)

    def predict(self, X: Any) -> np.ndarray:
        """What the network makes of rows.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
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
