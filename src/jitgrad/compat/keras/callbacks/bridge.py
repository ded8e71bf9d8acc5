"""The connection of Keras's callbacks to the library's fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jitgrad import callbacks as library
from jitgrad.compat.keras.callbacks.batches import Batches
from jitgrad.compat.keras.callbacks.callback import History


class Bridge(library.Callback):
    """Calls Keras's callbacks when the library calls its own.

    Parameters
    ----------
    batches : Batches
        The callbacks in their order.
    history : History
        The history, which receives the metrics after the callbacks.
    in_order : callable
        Converts the library's metrics of an epoch to Keras's.
    header : callable
        Called before each epoch, after the callbacks.
    """

    def __init__(
        self, batches: Batches, history: History, in_order: Callable[[Mapping[str, Any]], dict[str, Any]],
        header: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._batches, self.callbacks = batches, batches.callbacks
        self.history, self._in_order, self._header = history, in_order, header

    def on_train_begin(self, first: int) -> None:
        for callback in self.callbacks:
            callback.on_train_begin({})

    def on_epoch_begin(self, epoch: int) -> None:
        self._batches.begin("train")
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch, {})
        self._header(epoch)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any]) -> None:
        found = self._in_order({name: value for name, value in logs.items() if name != "learning_rate"})
        if any(name.startswith("val_") for name in found):
            self._batches.test_begins()
            self._batches.test_ends({name[4:]: value for name, value in found.items() if name.startswith("val_")})
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, found)
        self.history.on_epoch_end(epoch, found)

    def on_train_end(self, logs: Mapping[str, Any]) -> None:
        found = self._in_order({name: value for name, value in logs.items() if name != "learning_rate"})
        for callback in self.callbacks:
            callback.on_train_end(found)
