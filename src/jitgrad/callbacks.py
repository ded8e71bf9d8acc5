"""Callbacks: what is done between the epochs of a model's fit. The names are Keras's.

A fit without callbacks runs all epochs natively; with some it returns to Python after each epoch, which costs some 0.1 ms, or
after as many as they say (``Callback.ahead``); with one that has ``on_train_batch_end``, after each step.
"""

from __future__ import annotations

import inspect
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jitgrad.arguments import count, number, positive
from jitgrad.errors import ArgumentError, DataError, OptionError, near_name
from jitgrad.files import write_whole
from jitgrad.saving import archive
from jitgrad.saving.model import save_model, save_weights

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
]


Logs = Mapping[str, Any]


class Callback:
    """Base class; override what you need. ``self.model`` is the model, whose weights are up to date and may be changed.

    Set ``self.model.stop_training`` to end the fit after the epoch. ``logs`` has the epoch's metrics by name.
    """

    model: Any
    shares_model = True
    """Whether it looks at the model, or changes more of it than ``stop_training``. Where no callback does, the weights stay in
    the native loop from epoch to epoch."""
    fit_state: Callable[[], dict[str, Any]]
    """Of the fit: what is needed to go on after the present epoch."""

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles: without the fit that is on its way."""
        return {key: value for key, value in vars(self).items() if key != "fit_state"}

    def on_train_begin(self, first: int) -> None:
        """Before epoch ``first``, the first one of this fit."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before an epoch, counted from 0."""

    def on_train_batch_end(self, epoch: int, logs: Logs) -> None:
        """After each step, with the loss of its batch: a fit with this runs step by step, many times slower."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch and the evaluation of its validation data."""

    def after_epoch(self, epoch: int, logs: Logs) -> None:
        """After all callbacks have seen the epoch's end: the time to save."""

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch, with its metrics."""

    def ahead(self) -> int:
        """How many epochs may be done before it has to be told of them, where no callback shares the model."""
        return 1

    def get_state(self) -> dict[str, Any]:
        """What this callback remembers between epochs, as nested dicts of numbers, texts, arrays and lists of them."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Remember what ``get_state`` returned."""

    def restored(self) -> dict[str, Any] | None:
        """The state of an earlier fit to go on with, if there is one."""
        return None


class _Monitor(Callback):
    """Follows one figure: has it become better?"""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"mode is {mode!r}. Use 'min', 'max' or 'auto'.")
        self.monitor, self.min_delta = monitor, abs(min_delta)
        upwards = ("accuracy", "acc", "auc", "precision", "recall", "f1", "r2")
        plain = re.sub(r"_\d+$", "", monitor)
        self._sign = -1.0 if mode == "max" or (mode == "auto" and plain.endswith(upwards)) else 1.0
        self.on_train_begin(0)

    def on_train_begin(self, first: int) -> None:
        self.best = math.inf * self._sign

    def value(self, logs: Logs) -> float:
        """The figure. Raises ArgumentError where there is none of this name."""
        if self.monitor not in logs:
            raise ArgumentError(
                f"{type(self).__name__} is to monitor {self.monitor!r}.{near_name(self.monitor, logs)} "
                f"There are {', '.join(logs)}; give validation data for those that begin with val_."
            )
        return float(logs[self.monitor])

    def improved(self, value: float) -> bool:
        """Whether ``value`` is better than the best so far, which it then becomes."""
        better = self.is_better(value, self.best)
        if better:
            self.best = value
        return better

    def is_better(self, value: float, than: float) -> bool:
        """Whether ``value`` is better than another, by more than ``min_delta``."""
        return self._sign * value < self._sign * than - self.min_delta

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best = float(state["best"])


class EarlyStopping(_Monitor):
    """Ends a fit when a figure does not become better any more.

    Args:
        monitor: the figure's name.
        min_delta: by how much it must be better to count.
        patience: after how many epochs without.
        mode: "min" or "max"; "auto" for "max" of accuracies and scores.
        restore_best_weights: whether the model gets the weights of its best epoch at the end.
        start_from_epoch: the first epoch that counts.
        baseline: an epoch that is no better than this does not count as one that became better.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
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
        super().on_train_begin(first)
        self.wait = 0
        self.stopped_epoch: int | None = None
        self._weights: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
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
        return max(1, self.patience - self.wait)

    def on_train_end(self, logs: Logs) -> None:
        if self._weights:
            self.model.set_weights(self._weights)

    def get_state(self) -> dict[str, Any]:
        return super().get_state() | {"wait": self.wait, "stopped": self.stopped_epoch, "weights": self._weights}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        stopped = state["stopped"]
        self.wait, self.stopped_epoch = int(state["wait"]), None if stopped is None else int(stopped)
        self._weights = [np.asarray(weight) for weight in state["weights"]]
        if self._weights:
            self.model.check_weights(self._weights)


class ReduceLROnPlateau(_Monitor):
    """Multiplies the learning rate by ``factor`` when a figure does not become better for ``patience`` epochs.

    Args:
        monitor, mode, min_delta: see EarlyStopping.
        factor: below 1.
        patience: after how many epochs without.
        cooldown: epochs after a change that do not count.
        min_lr: the learning rate does not go below it.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
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
        super().on_train_begin(first)
        self.wait = self.resting = 0

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
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
        return super().get_state() | {"wait": self.wait, "resting": self.resting}

    def set_state(self, state: dict[str, Any]) -> None:
        super().set_state(state)
        self.wait, self.resting = int(state["wait"]), int(state["resting"])


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch: ``schedule(epoch, learning_rate)``, or of the epoch alone, is the new one.

    A schedule of steps (``optimizers.schedules``) needs no callback and stays native.
    """

    def __init__(self, schedule: Callable[..., float]) -> None:
        self.schedule = schedule
        self._arguments = len(inspect.signature(schedule).parameters)

    def on_epoch_begin(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        rate = self.schedule(*(epoch, optimizer.learning_rate)[: self._arguments])
        optimizer.learning_rate = positive("the schedule's learning rate", rate)


class CSVLogger(Callback):
    """Writes a row of metrics for each epoch. A fit that resumes an earlier one keeps its rows."""

    shares_model = False

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.path, self.separator, self.append = Path(filename), separator, append
        self._columns: list[str] = []

    def on_train_begin(self, first: int) -> None:
        self._columns = []
        kept = self._kept(first) if (self.append or first) and self.path.exists() else []
        write_whole(self.path, "".join(f"{line}\n" for line in kept).encode())

    def _kept(self, first: int) -> list[str]:
        """The header and the rows of the epochs before ``first``, all if that is 0. Raises DataError for another file."""
        try:
            header, *rows = self.path.read_text("utf-8").splitlines() or [""]
            self._columns = header.split(self.separator)[1:]
            whole = [row for row in rows if row.count(self.separator) == len(self._columns)]  # a killed process may leave half
            while whole and first and int(whole[-1].split(self.separator)[0]) >= first:
                del whole[-1]  # of epochs that are done again
        except ValueError as error:
            raise DataError(f"{self.path} is no log of a fit: {error}. Give another path, or remove it.") from error
        return [header, *whole]

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        with self.path.open("a") as file:
            if not self._columns:
                self._columns = [name for name, value in logs.items() if np.ndim(value) == 0]
                file.write(self.separator.join(["epoch", *self._columns]) + "\n")
            file.write(self.separator.join([str(epoch), *(repr(float(logs[name])) for name in self._columns)]) + "\n")


class ModelCheckpoint(_Monitor):
    """Saves the model after epochs, whole or not at all.

    Args:
        filepath: where to; may have ``{epoch}``, counted from 1, and metrics, as ``{val_loss:.3f}``.
        monitor, mode: the figure that tells which model is best.
        save_best_only: whether to save only where it has become better.
        save_weights_only: whether to save weights alone, for ``load_weights``.
        every: how many epochs there are between.
        initial_value_threshold: what the first figure must be better than, to be the best.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        every: int = 1,
        initial_value_threshold: float | None = None,
    ) -> None:
        self._threshold = (
            None if initial_value_threshold is None else number("initial_value_threshold", initial_value_threshold)
        )
        super().__init__(monitor, mode, 0.0)
        self.filepath, self.every = os.fspath(filepath), count("every", every)
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only

    def on_train_begin(self, first: int) -> None:
        super().on_train_begin(first)
        if self._threshold is not None:
            self.best = self._threshold

    def after_epoch(self, epoch: int, logs: Logs) -> None:
        if (epoch + 1) % self.every or (self.save_best_only and not self.improved(self.value(logs))):
            return
        try:
            path = self.filepath.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError, ValueError) as error:
            raise ArgumentError(
                f"filepath {self.filepath!r} has {error}, and there are epoch, {', '.join(logs)}. Use these, as {{epoch:02d}}."
            ) from None
        if self.save_weights_only:
            save_weights(self.model, path)
        else:
            save_model(self.model, path, self.fit_state())


class BackupAndRestore(Callback):
    """Lets a fit that was stopped, or killed, go on where it was: run the same program again.

    After epochs it saves the model, its optimizer, the state of the other callbacks and of the random numbers, and the metrics
    so far. A fit that finds the file begins with all that, and ends as one that ran through, to the bit.

    Args:
        path: of the file; one that a ModelCheckpoint wrote in the same fit does, too.
        every: how many epochs there are between.
        delete: whether the file is removed when the fit has ended; otherwise, running it again returns at once.
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1, delete: bool = False) -> None:
        self.path, self.every, self.delete = Path(path), count("every", every), delete

    def restored(self) -> dict[str, Any] | None:
        if not self.path.exists():
            return None
        document = archive.read(self.path)
        fit = document.get("fit") if isinstance(document, dict) else None
        fit = fit if isinstance(fit, dict) else {}
        needed = {"epoch", "seed", "history", "random", "callbacks", "signature", "stopped"}
        if not needed <= fit.keys() or not all(type(fit[name]) is int and fit[name] >= 0 for name in ("epoch", "seed")):
            raise DataError(f"{self.path} was not written by a fit that can go on. Give another path, or remove it.")
        return document

    def after_epoch(self, epoch: int, logs: Logs) -> None:
        if (epoch + 1) % self.every == 0 or self.model.stop_training:
            save_model(self.model, self.path, self.fit_state())

    def on_train_end(self, logs: Logs) -> None:
        if self.delete:
            self.path.unlink(missing_ok=True)


class LambdaCallback(Callback):
    """Calls functions in place of the methods of their names, with the same arguments; others are not called.

    One for ``on_train_batch_end`` makes the fit go step by step.
    """

    def __init__(self, **functions: Callable[..., None]) -> None:
        known = [name for name in vars(Callback) if name.startswith(("on_", "after_"))]
        for name, function in functions.items():
            if name not in known:
                raise OptionError(
                    f"There is no callback method {name!r}.{near_name(name, known)} There are {', '.join(known)}."
                )
            if not callable(function):
                raise ArgumentError(f"{name} is {function!r}. Give a function.")
            setattr(self, name, function)
