"""What every callback is, and how the library's fit calls several of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jitgrad import callbacks as library


class Callback:
    """Base class: a subclass overrides what it needs. ``self.model`` is the model, ``self.params`` has "epochs" and "steps".

    A fit whose callbacks have something for each batch runs step by step, slower than the native loop.
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}

    _model: Any = None

    @property
    def model(self) -> Any:
        """The model that is fitted."""
        return self._model

    def set_model(self, model: Any) -> None:
        """Called before a fit."""
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before a fit."""
        self.params = params

    def on_train_begin(self, logs: Any = None) -> None:
        """Before a fit."""

    def on_train_end(self, logs: Any = None) -> None:
        """After a fit."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch, with its metrics."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """As ``on_train_batch_begin``."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """As ``on_train_batch_end``."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of a fit."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of a fit, with its loss."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After an evaluation, with its metrics."""

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch of a prediction."""


class History(Callback):
    """The metrics of each epoch: what ``fit`` returns.

    Attributes
    ----------
    epoch : list of int
        The numbers of the epochs.
    history : dict of str to list of float
        The metrics by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


BATCHES = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")


def overrides(callback: Callback, names: Sequence[str]) -> bool:
    """Whether a callback has something of its own under one of these names."""
    return any(name in vars(callback) or getattr(type(callback), name) is not getattr(Callback, name) for name in names)


class Bridge(library.Callback):
    """Calls Keras's callbacks where the library calls its own.

    Parameters
    ----------
    callbacks : sequence of Callback
        In their order.
    history : History
        What gets the metrics after them.
    in_order : callable
        Of the library's metrics of an epoch, Keras's.
    header : callable
        Called before each epoch, behind the callbacks.
    """

    def __init__(
        self, callbacks: Sequence[Callback], history: History, in_order: Callable[[Mapping[str, Any]], dict[str, Any]],
        header: Callable[[int], None],
    ) -> None:  # fmt: skip
        self.callbacks, self.history, self._in_order, self._header = callbacks, history, in_order, header

    def on_train_begin(self, first: int) -> None:
        for callback in self.callbacks:
            callback.on_train_begin({})

    def on_epoch_begin(self, epoch: int) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, {})
        self._header(epoch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any]) -> None:
        found = self._in_order({name: value for name, value in logs.items() if name != "learning_rate"})
        if any(name.startswith("val_") for name in found):
            for callback in self.callbacks:
                callback.on_test_begin({})
                callback.on_test_end({name[4:]: value for name, value in found.items() if name.startswith("val_")})
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, found)
        self.history.on_epoch_end(epoch, found)

    def on_train_end(self, logs: Mapping[str, Any]) -> None:
        found = self._in_order({name: value for name, value in logs.items() if name != "learning_rate"})
        for callback in self.callbacks:
            callback.on_train_end(found)


class BatchBridge(Bridge):
    """The same where a callback has something for each batch."""

    _batch = 0

    def on_epoch_begin(self, epoch: int) -> None:
        super().on_epoch_begin(epoch)
        self._batch = 0
        self._begin()

    def on_train_batch_end(self, epoch: int, logs: Mapping[str, Any]) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_end(self._batch, dict(logs))
        self._batch += 1
        if self._batch < (self.history.params.get("steps") or 0):
            self._begin()

    def _begin(self) -> None:
        for callback in self.callbacks:
            callback.on_train_batch_begin(self._batch, {})


def bridge(callbacks: Sequence[Callback], history: History, in_order: Any, header: Callable[[int], None]) -> Bridge:
    """What the library's fit is given for Keras's callbacks."""
    kind = BatchBridge if any(overrides(callback, BATCHES) for callback in callbacks) else Bridge
    return kind(callbacks, history, in_order, header)
