"""Keras's built-in callbacks, which delegate their decisions to the library's callbacks of the same names."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad import callbacks as library
from jitgrad.compat.keras.border import plain_number
from jitgrad.compat.keras.callbacks.callback import Callback
from jitgrad.errors import ArgumentError


class Delegate(Callback):
    """A callback of the library with Keras's interface."""

    plain: Any

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        self.plain.model = model

    def on_train_begin(self, logs: Any = None) -> None:
        self.plain.on_train_begin(0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.plain.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.plain.on_epoch_end(epoch, logs or {})

    def on_train_end(self, logs: Any = None) -> None:
        self.plain.on_train_end(logs or {})


class EarlyStopping(Delegate):
    """End a fit when a metric no longer improves."""

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0, mode: Any = "auto",
        baseline: float | None = None, restore_best_weights: bool = False, start_from_epoch: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.monitor, self.patience, self.verbose, self.baseline = monitor, patience, verbose, baseline
        self.restore_best_weights, self._best_epoch = restore_best_weights, 0
        self.plain = library.EarlyStopping(monitor, min_delta, patience, mode, restore_best_weights, start_from_epoch, baseline)

    @property
    def best(self) -> float:
        """The best value so far."""
        return float(self.plain.best)

    @property
    def wait(self) -> int:
        """The number of epochs since the best value."""
        return int(self.plain.wait)

    @property
    def stopped_epoch(self) -> int:
        """The epoch after which the fit ended early, or 0."""
        return self.plain.stopped_epoch or 0

    @property
    def best_epoch(self) -> int:
        """The epoch of the best value; the first one is 0."""
        return self._best_epoch

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        if self.plain.wait == 0:
            self._best_epoch = epoch

    def on_train_end(self, logs: Any = None) -> None:
        if self.verbose and self.stopped_epoch:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.verbose and self.restore_best_weights:
            print(f"Restoring model weights from the end of the best epoch: {self._best_epoch + 1}.")
        super().on_train_end(logs)


class _Rates(Delegate):
    """Base class of callbacks that change the learning rate and report it among the metrics."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        found = {} if logs is None else logs
        before = float(self.model.optimizer.learning_rate)
        super().on_epoch_end(epoch, found)
        found["learning_rate"] = before


class ReduceLROnPlateau(_Rates):
    """Multiply the learning rate by ``factor`` when a metric no longer improves."""

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0, mode: Any = "auto",
        min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.monitor, self.factor, self.patience, self.verbose, self.min_lr = monitor, factor, patience, verbose, min_lr
        self.plain = library.ReduceLROnPlateau(monitor, factor, patience, mode, min_delta, cooldown, min_lr)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        before = float(self.model.optimizer.learning_rate)
        super().on_epoch_end(epoch, logs)
        now = float(self.model.optimizer.learning_rate)
        if self.verbose and now != before:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {now}.")


class LearningRateScheduler(_Rates):
    """Set the learning rate before each epoch to ``schedule(epoch, lr)`` or ``schedule(epoch)``."""

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose
        self.plain = library.LearningRateScheduler(self._rate)
        self._set = 0.0

    def _rate(self, epoch: int, rate: Any) -> float:
        """Return the learning rate of the schedule, which takes the epoch and the current rate, or the epoch alone."""
        arguments = len(inspect.signature(self.schedule).parameters)
        self._set = float(plain_number(self.schedule(*(epoch, float(rate))[:arguments])))
        return self._set

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch, logs)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {self._set}.")


class CSVLogger(Delegate):
    """Write a row of metrics for each epoch."""

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.plain = library.CSVLogger(filename, separator, append)


class ModelCheckpoint(Callback):
    """Save the model at intervals, or whenever a metric improves."""

    def __init__(
        self, filepath: Any, monitor: str = "val_loss", verbose: int = 0, save_best_only: bool = False,
        save_weights_only: bool = False, mode: Any = "auto", save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ArgumentError(f"save_freq is {save_freq!r}. Use 'epoch', or a number of steps.")
        self.filepath, self.monitor, self.verbose = os.fspath(filepath), monitor, verbose
        self.save_best_only, self.save_weights_only, self.save_freq = save_best_only, save_weights_only, save_freq
        self._mode, self._threshold = mode, initial_value_threshold
        self._follow = library.ModelCheckpoint(self.filepath, monitor, save_best_only, save_weights_only, mode)
        self._every = 1

    @property
    def best(self) -> float:
        """The best value so far."""
        return float(self._follow.best)

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        if self.save_freq == "epoch":
            return
        steps = params.get("steps")
        if not steps or self.save_freq % steps:
            raise ArgumentError(
                f"ModelCheckpoint: save_freq is {self.save_freq}, but an epoch has {steps or 'an unknown number of'} steps. "
                f"Give 'epoch', or a multiple of the steps."
            )
        self._every = self.save_freq // steps

    def on_train_begin(self, logs: Any = None) -> None:
        self._follow.on_train_begin(0)
        if self._threshold is not None:
            self._follow.best = float(self._threshold)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if (epoch + 1) % self._every:
            return
        found = logs or {}
        before = self._follow.best
        try:
            path = self.filepath.format(epoch=epoch + 1, **found)
        except (KeyError, IndexError, ValueError) as error:
            known = ", ".join(found)
            raise ArgumentError(
                f"filepath {self.filepath!r} contains {error}, but the fields are epoch, {known}. Use only these fields."
            ) from None
        if self.save_best_only and not self._follow.improved(self._follow.value(found)):
            self._say(epoch, f"{self.monitor} did not improve from {before:.5f}")
            return
        if self.save_best_only:
            self._say(epoch, f"{self.monitor} improved from {before:.5f} to {self._follow.best:.5f}, saving model to {path}")
        else:
            self._say(epoch, f"saving model to {path}")
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)

    def _say(self, epoch: int, what: str) -> None:
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: {what}")


class LambdaCallback(Callback):
    """A callback that calls functions."""

    def __init__(
        self, on_epoch_begin: Any = None, on_epoch_end: Any = None, on_train_begin: Any = None, on_train_end: Any = None,
        on_train_batch_begin: Any = None, on_train_batch_end: Any = None, on_batch_begin: Any = None, on_batch_end: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        given = {name: value for name, value in locals().items() if name.startswith("on_") and value is not None}
        for name, function in {**given, **kwargs}.items():
            setattr(self, name, function)


class TerminateOnNaN(Callback):
    """End a fit whose loss becomes nan or infinite; without this callback, such a fit raises FitError."""

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            self.model.stop_training = True


class ProgbarLogger(Callback):
    """Print lines of progress. It has no effect, because ``fit`` prints them anyway."""
