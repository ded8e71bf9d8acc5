"""Callbacks that monitor a metric: early stopping."""

from __future__ import annotations

import math
import re
from typing import Any, Literal

import numpy as np

from jitgrad.arguments import count, number
from jitgrad.callbacks.callback import Callback, Logs
from jitgrad.errors import ArgumentError, near_name


class Monitor(Callback):
    """Base class of callbacks that monitor whether a metric improves."""

    def __init__(self, monitor: str, mode: Literal["auto", "min", "max"], min_delta: float) -> None:
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"mode is {mode!r}. Use 'min', 'max' or 'auto'.")
        self.monitor, self.min_delta = monitor, abs(min_delta)
        upwards = ("accuracy", "acc", "auc", "precision", "recall", "f1", "r2")
        plain = re.sub(r"_\d+$", "", monitor)
        self._sign = -1.0 if mode == "max" or (mode == "auto" and plain.endswith(upwards)) else 1.0
        self.on_train_begin(0)

    def on_train_begin(self, first: int) -> None:
        """Called before the first epoch.

        Parameters
        ----------
        first : int
            Number of the first epoch, starting with 0.
        """
        self.best = math.inf * self._sign

    def value(self, logs: Logs) -> float:
        """Return the monitored metric.

        Parameters
        ----------
        logs : dict of str to float
            The metrics of an epoch.

        Returns
        -------
        float
            The metric.

        Raises
        ------
        ArgumentError
            If the metric does not exist.
        """
        if self.monitor not in logs:
            raise ArgumentError(
                f"{type(self).__name__} monitors {self.monitor!r}, which does not exist.{near_name(self.monitor, logs)} "
                f"The metrics are {', '.join(logs)}. Metrics that begin with val_ require validation data."
            )
        return float(logs[self.monitor])

    def improved(self, value: float) -> bool:
        """Return whether a value is better than the best so far, and store it if so.

        Parameters
        ----------
        value : float
            The metric of an epoch.

        Returns
        -------
        bool
            Whether the metric has improved.
        """
        better = self.is_better(value, self.best)
        if better:
            self.best = value
        return better

    def is_better(self, value: float, than: float) -> bool:
        """Return whether a value is better than another by more than ``min_delta``.

        Parameters
        ----------
        value : float
            The metric of an epoch.
        than : float
            The metric with which it is compared.

        Returns
        -------
        bool
            Whether `value` is better than `than`.
        """
        return self._sign * value < self._sign * than - self.min_delta

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = float(state["best"])


class EarlyStopping(Monitor):
    """End a fit when a metric no longer improves.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the metric to monitor. Names that begin with ``val_`` require validation data.
    min_delta : float, default 0.0
        Smallest change that counts as an improvement.
    patience : int, default 0
        Number of epochs without improvement after which the fit ends.
    mode : {"auto", "min", "max"}, default "auto"
        Whether the metric should decrease or increase. With "auto", accuracies and scores should increase,
        all other metrics should decrease.
    restore_best_weights : bool, default False
        Whether to restore the weights of the best epoch at the end of the fit.
    start_from_epoch : int, default 0
        Epochs before this one are ignored.
    baseline : float, optional
        An epoch counts as an improvement only if its metric is better than this.

    Attributes
    ----------
    best : float
        Best value of the metric.
    stopped_epoch : int or None
        Epoch after which the fit ended early.

    See Also
    --------
    ReduceLROnPlateau : Reduces the learning rate instead.
    ModelCheckpoint : Saves the best model to a file.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile(jg.optimizers.SGD(0.5), "mse")
    >>> stop = jg.callbacks.EarlyStopping("loss", min_delta=1e-4, patience=3, restore_best_weights=True)
    >>> history = model.fit(x, 2.0 * x, epochs=200, callbacks=stop, seed=0)
    >>> bool(history.epochs < 200)
    True
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: Literal["auto", "min", "max"] = "auto",
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
        baseline: float | None = None,
    ) -> None:
        self.baseline = None if baseline is None else number("baseline", baseline)
        super().__init__(monitor, mode, min_delta)
        self.patience = count("patience", patience, 0)
        self.restore_best_weights = self.shares_model = restore_best_weights
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, first: int) -> None:
        """Reset the count of epochs.

        Parameters
        ----------
        first : int
            Number of the first epoch, starting with 0.
        """
        super().on_train_begin(first)
        self.wait = 0
        self.stopped_epoch: int | None = None
        self._weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare the metric with the best so far, and end the fit if `patience` is exhausted.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float or ndarray
            Metrics of the epoch by name, including ``learning_rate``.
        """
        value = self.value(logs)
        if epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improved(value):
            if self.restore_best_weights:
                self._weights = self.model.get_weights()
            if self.baseline is None or self.is_better(value, self.baseline):
                self.wait = 0
                return
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def ahead(self) -> int:
        """Return the number of epochs until the fit can end.

        Returns
        -------
        int
            Number of epochs, at least 1.
        """
        return max(1, self.patience - self.wait)

    def on_train_end(self, logs: Logs) -> None:
        """Restore the weights of the best epoch, if requested.

        Parameters
        ----------
        logs : mapping of str to float or ndarray
            Metrics of the last epoch by name.
        """
        if self._weights:
            self.model.set_weights(self._weights)

    def get_state(self) -> dict[str, Any]:
        """Return the best value and its weights, and the number of epochs without improvement.

        Returns
        -------
        dict
            State, in nested dicts and lists of numbers, strings and arrays.
        """
        return super().get_state() | {"wait": self.wait, "stopped": self.stopped_epoch, "weights": self._weights}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state.

        Parameters
        ----------
        state : dict
            State that `get_state` returned.
        """
        super().set_state(state)
        stopped = state["stopped"]
        self.wait, self.stopped_epoch = int(state["wait"]), None if stopped is None else int(stopped)
        self._weights = [np.asarray(weight) for weight in state["weights"]]
        if self._weights:
            self.model.check_weights(self._weights)
