"""The base class of multilayer perceptrons."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from jitgrad.arguments import MAX_SEED, by_name, count, nonnegative
from jitgrad.callbacks import EarlyStopping
from jitgrad.errors import ArgumentError
from jitgrad.optimizers import Optimizer
from jitgrad.sklearn.data import Rows, rows_of
from jitgrad.sklearn.perceptron import ACTIVATIONS, Settings, Weights, first_weights, fit, outputs
from jitgrad.typing import ArrayLike

FLOATS = [np.float64, np.float32]
"""Supported dtypes of X. Others are converted to the first."""


class Network(BaseEstimator, ABC):
    """The base class of multilayer perceptrons. Subclasses document parameters and attributes."""

    _checks: ClassVar[dict[str, Any]] = {}
    """Additional checks for ``rows_of``."""

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 0.0001,
        verbose: bool | int = False,
        warm_start: bool = False,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change

    @abstractmethod
    def _targets(self, rows: Rows, classes: Any, fresh: bool) -> tuple[np.ndarray, str, int, str]:
        """Return the targets, the name of the loss, the number of outputs and the output activation."""

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The features. float32 data are fitted in float32, which is twice as fast, and all other data in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
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
            If the data are invalid, or, for a classifier, there is only one class.
        FitError
            If the loss becomes nan or infinite.
        """
        return self._fit(X, y, sample_weight, fresh=not (self.warm_start and hasattr(self, "coefs_")))

    def _fit(self, X: Any, y: Any, sample_weight: Any, fresh: bool, classes: Any = None, steps: bool = False) -> Self:
        rows = self._rows(X, y, sample_weight, fresh)
        targets, loss, n_outputs, out_activation = self._targets(rows, classes, fresh)
        rows = rows._replace(y=targets)
        if fresh:
            self._seed = int(check_random_state(self.random_state).randint(min(MAX_SEED, 2**31 - 1)))
        start = self._start([rows.x.shape[1], *_sizes(self.hidden_layer_sizes), n_outputs], rows.x.dtype, fresh, steps)
        settings = self._settings(loss, 1 if steps else count("max_iter", self.max_iter))
        held_out, callbacks = None, []
        if not steps:
            if self.early_stopping:
                rows, held_out = self._split(rows)
            callbacks = [self._stopping()]
        weights, history = fit(start, rows, held_out, settings, callbacks)
        self.coefs_, self.intercepts_, self._state, self._epochs = (
            weights.kernels,
            weights.biases,
            weights.state,
            weights.epochs,
        )
        losses = history.history
        earlier: list[float] = self.loss_curve_ if steps and not fresh else []
        self.loss_curve_: list[float] = [*earlier, *losses["loss"]]
        self.validation_loss_curve_ = losses.get("val_loss")
        self.n_iter_ = len(self.loss_curve_)
        self.loss_, self.best_loss_ = self.loss_curve_[-1], min(self.loss_curve_)
        self.n_layers_, self.n_outputs_, self.out_activation_ = len(weights.kernels) + 1, n_outputs, out_activation
        if callbacks and callbacks[0].stopped_epoch is None and self.tol > 0:
            warnings.warn(
                f"The loss is still decreasing after {self.max_iter} epochs. Increase max_iter or learning_rate_init.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def _rows(self, X: Any, y: Any, sample_weight: Any, fresh: bool) -> Rows:
        return rows_of(self, X, y, sample_weight, reset=fresh, dtype=FLOATS, **self._checks).counted()

    def _settings(self, loss: str, epochs: int) -> Settings:
        by_name("activation", self.activation, ACTIVATIONS)
        return Settings(
            self.activation, loss, self.solver, self.learning_rate_init, nonnegative("alpha", self.alpha), self.batch_size,
            epochs, bool(self.shuffle), self._seed, self.verbose or 0,
        )  # fmt: skip

    def _start(self, sizes: list[int], dtype: np.dtype[Any], fresh: bool, steps: bool) -> Weights:
        """Return the initial weights."""
        if fresh:
            return first_weights(sizes, dtype, self._seed)
        known = [len(self.coefs_[0]), *map(len, self.intercepts_)]
        if known != sizes:
            raise ArgumentError(
                f"The layer sizes changed from {known} to {sizes}. Keep hidden_layer_sizes and the number of outputs, or set "
                f"warm_start=False."
            )
        return self._weights(self._state if steps else None)

    def _weights(self, state: Any = None) -> Weights:
        return Weights(self.coefs_, self.intercepts_, state, self._epochs)

    def _split(self, rows: Rows) -> tuple[Rows, Rows]:
        """Split the rows into training and validation rows."""
        stratify = rows.y if is_classifier(self) else None
        kept, held = train_test_split(
            np.arange(len(rows.x)), test_size=self.validation_fraction, random_state=self._seed, stratify=stratify
        )
        return rows.part(kept), rows.part(held)

    def _stopping(self) -> EarlyStopping:
        patience = count("n_iter_no_change", self.n_iter_no_change)
        monitor = "val_loss" if self.early_stopping else "loss"
        return EarlyStopping(monitor, self.tol, patience, "min", restore_best_weights=bool(self.early_stopping))

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        x = validate_data(self, X, reset=False, dtype=FLOATS)
        return outputs(self._weights(), self.activation, x)


def _sizes(given: Any) -> list[int]:
    """Return the widths of the hidden layers. A number stands for one layer."""
    sizes = list(given) if hasattr(given, "__iter__") else [given]
    return [count("a size in hidden_layer_sizes", size) for size in sizes]
