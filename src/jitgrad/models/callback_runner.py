"""Calling callbacks between epochs, and resuming an earlier fit."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.callbacks import Callback
from jitgrad.errors import ArgumentError, DataError
from jitgrad.layers.noise import Noise
from jitgrad.layers.owned import all_owned
from jitgrad.models.costs import ModelCost
from jitgrad.saving.describe import describe
from jitgrad.saving.model import UNFIT, restore
from jitgrad.training.epochs import Loop
from jitgrad.training.fit import History


class CallbackRunner:
    """Calls the callbacks and collects the metrics.

    Parameters
    ----------
    model : Model
        The model that is fitted.
    callbacks : sequence of Callback
        Callbacks, called in this order.
    signature : list of int
        Number of rows and batch size, which must be the same when a fit is resumed.
    seed : int
        Seed of the shuffling.
    first : int
        Number of the first epoch.
    """

    def __init__(self, model: Any, callbacks: Sequence[Callback], signature: list[int], seed: int, first: int) -> None:
        self.model, self.callbacks, self.signature = model, callbacks, signature
        self.first, self.seed = first, seed
        self.costs: tuple[ModelCost, ModelCost | None]
        self.earlier: dict[str, np.ndarray] = {}
        self.rates: list[float] = []
        plain = Callback.on_train_batch_end
        by_step = [c for c in callbacks if getattr(c.on_train_batch_end, "__func__", None) is not plain]
        self.shares = model.optimizer.schedule is not None or any(c.shares_model for c in callbacks)
        self.after_step = functools.partial(self._after_step, by_step) if by_step else None

    def begin(self, loop: Loop, epochs: int) -> None:
        """Prepare the callbacks before the first epoch."""
        for callback in self.callbacks:
            callback.fit_state = functools.partial(self.state, loop)
        self._begin_epoch(self.first, epochs)

    def ahead(self) -> int:
        """Return the number of epochs until a callback must be called."""
        return 1 if self.shares else min(callback.ahead() for callback in self.callbacks)

    def __call__(self, loop: Loop) -> bool:
        """Call the callbacks after epochs; return whether to continue."""
        rate = self.model.optimizer.learning_rate
        told = self.first + len(self.rates)
        made = self._of(loop, slice(told, loop.epoch))
        for epoch in range(told, loop.epoch):
            self.rates.append(rate)
            logs = {**row_of(made, epoch - told), "learning_rate": rate}
            for callback in self.callbacks:
                callback.on_epoch_end(epoch, logs)
            for callback in self.callbacks:
                callback.after_epoch(epoch, logs)
            self._begin_epoch(epoch + 1, len(loop.training.losses))
        return not self.model.stop_training

    def end(self, loop: Loop) -> None:
        """Call the callbacks after the last epoch."""
        logs = self.metrics_of(loop, loop.epoch - 1) if loop.epoch > self.first else {}
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def state(self, loop: Loop) -> dict[str, Any]:
        """Return the state with which a fit resumes after the current epoch, without the model and its optimizer."""
        return {
            "epoch": loop.epoch,
            "stopped": self.model.stop_training,
            "signature": self.signature,
            "seed": self.seed,
            "random": random.get_state(),
            "sources": [source.get_state() for source in _sources(self.model)],
            "history": self._metrics(loop),
            "callbacks": [[type(c).__name__, c.get_state()] for c in self.callbacks],
        }

    def history(self, loop: Loop, seconds: float) -> History:
        """Return the metrics of all epochs."""
        metrics = self._metrics(loop)
        loss = metrics.pop("loss")
        return History(loss, seconds, metrics, loop.epoch - len(loss))

    def metrics_of(self, loop: Loop, epoch: int) -> dict[str, Any]:
        """Return the metrics of an epoch by name."""
        return row_of(self._of(loop, slice(epoch, epoch + 1)))

    def _metrics(self, loop: Loop) -> dict[str, np.ndarray]:
        """Return the metrics by name, with one row per epoch of this fit and of the fit that it resumes."""
        made = self._of(loop, slice(self.first, loop.epoch))
        if self.callbacks:
            made["learning_rate"] = np.array(self.rates)
        if not self.earlier:
            return made
        return {name: np.concatenate([self.earlier[name], values]) for name, values in made.items() if name in self.earlier}

    def _of(self, loop: Loop, epochs: slice) -> dict[str, np.ndarray]:
        cost, evaluated = self.costs
        made = cost.metrics(loop.training, epochs)
        return (
            made if evaluated is None or loop.evaluation is None else made | evaluated.metrics(loop.evaluation, epochs, "val_")
        )

    def _begin_epoch(self, epoch: int, epochs: int) -> None:
        if epoch < epochs and not self.model.stop_training:
            for callback in self.callbacks:
                callback.on_epoch_begin(epoch)

    def _after_step(self, callbacks: Sequence[Callback], loop: Loop) -> None:
        for callback in callbacks:
            callback.on_train_batch_end(loop.step_epoch, {"loss": loop.step_loss})


def row_of(metrics: dict[str, np.ndarray], row: int = 0) -> dict[str, Any]:
    """Return the metrics of one epoch, as floats or arrays."""
    return {name: values[row].item() if values.ndim == 1 else values[row] for name, values in metrics.items()}


MOST_BEFORE = 10**6
"""Largest number of epochs before the first epoch of a resumed fit."""


def earlier_fit(callbacks: Sequence[Callback]) -> dict[str, Any] | None:
    """Return the state of an earlier fit, if a callback has one."""
    return next((document for document in (c.restored() for c in callbacks) if document is not None), None)


def go_on(runner: CallbackRunner, found: dict[str, Any]) -> None:
    """Restore the model, its optimizer, the callbacks and the random numbers from an earlier fit.

    Raises DataError if it was a different fit.
    """
    model, fit = runner.model, found["fit"]
    try:
        restore(model, found)
        if found["compiled"]["arguments"]["optimizer"] != describe(model.optimizer):
            raise ArgumentError("The optimizer or its arguments differ.")
        if fit["signature"] != runner.signature:
            rows, size = fit["signature"]
            raise ArgumentError(
                f"The earlier fit had {rows} rows in batches of {size}, but this one has {runner.signature[0]} rows "
                f"in batches of {runner.signature[1]}."
            )
        if not 0 <= fit["epoch"] - len(fit["history"]["loss"]) <= MOST_BEFORE:
            raise ArgumentError(f"It is at epoch {fit['epoch']}, but has metrics for {len(fit['history']['loss'])} epochs.")
        model.optimizer.set_state(found["compiled"]["state"], model.variables)
        _set_states(runner.callbacks, fit["callbacks"])
        runner.earlier = {str(name): _column(values, len(fit["history"]["loss"])) for name, values in fit["history"].items()}
        random.set_state(fit["random"])
        for source, state in zip(_sources(model), fit.get("sources", []), strict=True):
            source.set_state(state)
        model.stop_training = bool(fit["stopped"])
    except UNFIT as error:
        said = str(error).removesuffix(".")
        raise DataError(f"The earlier fit was a different one: {said}. Remove its file, or give another path.") from error


def _sources(model: Any) -> list[random.Source]:
    """Return the random sources of layers that have their own seeds."""
    return [layer.source for layer in all_owned(model) if isinstance(layer, Noise) and layer.source is not None]


def _column(values: Any, epochs: int) -> np.ndarray:
    """Return the metrics of earlier epochs. Raises ArgumentError for anything else."""
    if not isinstance(values, np.ndarray) or not values.ndim or len(values) != epochs or values.dtype.kind not in "iuf":
        raise ArgumentError("Its metrics are not one number per epoch.")
    return values


def _set_states(callbacks: Sequence[Callback], states: list[Any]) -> None:
    """Restore the state of each callback from the stored callback of the same class, in order. New callbacks have no state."""
    left = list(callbacks)
    for name, state in states:
        match = next((c for c in left if type(c).__name__ == name), None)
        if match is None and state:
            raise ArgumentError(f"It had the callback {name}, which this fit does not have.")
        if match is not None:
            left.remove(match)
            match.set_state(state)
