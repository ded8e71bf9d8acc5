"""Callbacks that change the learning rate between epochs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

from jitgrad.arguments import count, positive
from jitgrad.callbacks.callback import Callback, Logs
from jitgrad.callbacks.monitor import Monitor
from jitgrad.errors import ArgumentError


class ReduceLROnPlateau(Monitor):
    """Reduce the learning rate when a metric no longer improves.

    Parameters
    ----------
    monitor : str, default "val_loss"
        Name of the metric to monitor. Names that begin with ``val_`` require validation data.
    factor : float, default 0.1
        Factor by which the learning rate is multiplied, between 0 and 1.
    patience : int, default 10
        Number of epochs without improvement after which the learning rate is reduced.
    mode : {"auto", "min", "max"}, default "auto"
        Whether the metric should decrease or increase. With "auto", accuracies and scores should increase,
        all other metrics should decrease.
    min_delta : float, default 1e-4
        Smallest change that counts as an improvement.
    cooldown : int, default 0
        Number of epochs after a reduction that are ignored.
    min_lr : float, default 0.0
        Lower bound of the learning rate.

    See Also
    --------
    EarlyStopping : Ends the fit instead.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile(jg.optimizers.SGD(0.5), "mse")
    >>> plateau = jg.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=5)
    >>> history = model.fit(x, 2.0 * x, epochs=100, callbacks=plateau, seed=0)
    >>> bool(history.metrics["learning_rate"][-1] < 0.5)
    True
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: Literal["auto", "min", "max"] = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ArgumentError(f"factor is {factor}. Give a number between 0 and 1.")
        self.factor, self.patience, self.cooldown = factor, count("patience", patience, 0), count("cooldown", cooldown, 0)
        self.min_lr = float(min_lr)

    def on_train_begin(self, first: int) -> None:
        """Reset the count of epochs.

        Parameters
        ----------
        first : int
            Number of the first epoch, starting with 0.
        """
        super().on_train_begin(first)
        self.wait = self.resting = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Compare the metric with the best so far, and reduce the learning rate if `patience` is exhausted.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float or ndarray
            Metrics of the epoch by name, including ``learning_rate``.
        """
        better = self.improved(self.value(logs))
        if self.resting:
            self.resting -= 1
            self.wait = 0
        if better:
            self.wait = 0
        elif not self.resting:
            self.wait += 1
            optimizer = self.model.optimizer
            if self.wait >= max(self.patience, 1) and optimizer.learning_rate > self.min_lr:
                optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
                self.resting, self.wait = self.cooldown, 0

    def get_state(self) -> dict[str, Any]:
        """Return the best value and the counts of epochs.

        Returns
        -------
        dict
            State, in nested dicts and lists of numbers, strings and arrays.
        """
        return super().get_state() | {"wait": self.wait, "resting": self.resting}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state.

        Parameters
        ----------
        state : dict
            State that `get_state` returned.
        """
        super().set_state(state)
        self.wait, self.resting = int(state["wait"]), int(state["resting"])


class LearningRateScheduler(Callback):
    """Set the learning rate before each epoch.

    Parameters
    ----------
    schedule : callable
        ``schedule(epoch)`` or ``schedule(epoch, learning_rate)`` returns the new learning rate, positive.
        `epoch` starts with 0, and `learning_rate` is the current one.

    See Also
    --------
    jitgrad.optimizers.schedules : Schedules by step, which run natively without a callback.

    Examples
    --------
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile(jg.optimizers.SGD(0.1), "mse")
    >>> halve = jg.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=halve)
    >>> np.round(history.metrics["learning_rate"], 4)
    array([0.1  , 0.05 , 0.025])
    """

    def __init__(self, schedule: Callable[[int], float] | Callable[[int, float], float]) -> None:
        self.schedule: Callable[..., float] = schedule
        self._arguments = len(inspect.signature(schedule).parameters)

    def on_epoch_begin(self, epoch: int) -> None:
        """Set the learning rate.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        """
        optimizer = self.model.optimizer
        rate = self.schedule(*(epoch, optimizer.learning_rate)[: self._arguments])
        optimizer.learning_rate = positive("the schedule's learning rate", rate)
