"""Support for callbacks with batch methods: the model runs step by step, and they are called before and after each step."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from jitgrad.compat.keras.callbacks.callback import Callback
from jitgrad.models.stepping import as_metrics
from jitgrad.tape.tree import tree_leaves, tree_map, tree_pack

NAMES = {
    "train": ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}


def for_batches(callbacks: Sequence[Callback], kind: str) -> bool:
    """Return whether one of the callbacks defines a batch method for the "train", "test" or "predict" phase."""
    return any(
        name in vars(callback) or getattr(type(callback), name, None) is not getattr(Callback, name)
        for callback in callbacks
        for name in NAMES[kind]
    )


class Batches:
    """Counts batches, and calls the callbacks before and after each.

    Attributes
    ----------
    testing : bool
        Whether an evaluation is running.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks, self.testing = callbacks, False
        self._counts = dict.fromkeys(NAMES, 0)

    def begin(self, kind: str) -> None:
        """Restart the count."""
        self._counts[kind] = 0

    def test_begins(self) -> None:
        """Notify the callbacks that an evaluation begins, unless one is already running."""
        if not self.testing:
            self.testing = True
            self.begin("test")
            for callback in self.callbacks:
                callback.on_test_begin({})

    def test_ends(self, logs: dict[str, Any]) -> None:
        """Notify the callbacks that an evaluation has ended."""
        self.testing = False
        for callback in self.callbacks:
            callback.on_test_end(logs)

    def call(self, kind: str, step: Callable[[], Any], logs: Callable[[Any], dict[str, Any]]) -> Any:
        """Run a step with the callbacks' batch methods before and after it, and return its result."""
        batch = self._counts[kind]
        self._counts[kind] += 1
        for callback in self.callbacks:
            getattr(callback, f"on_{kind}_batch_begin")(batch, {})
        made = step()
        for callback in self.callbacks:
            getattr(callback, f"on_{kind}_batch_end")(batch, logs(made))
        return made


@contextmanager
def stepped(model: Any, batches: Batches, kinds: Sequence[str] = ("train", "test")) -> Iterator[None]:
    """Call the callbacks' batch methods before and after each step of the model within this context."""
    names = [f"{kind}_step" for kind in kinds if for_batches(batches.callbacks, kind)]
    before = {name: vars(model)[name] for name in names if name in vars(model)}
    for name in names:
        vars(model)[name] = functools.partial(_around, batches, name, getattr(model, name))
    try:
        yield
    finally:
        for name in names:
            del vars(model)[name]
        vars(model).update(before)


def predicted(predict: Callable[[Any], Any], inputs: Any, rows: int, size: int, callbacks: Sequence[Callback]) -> Any:
    """Return the predictions for all rows, batch by batch, with the callbacks called before and after each."""
    batches, parts = Batches(callbacks), []
    for first in range(0, rows, size):
        part = tree_map(operator.itemgetter(slice(first, first + size)), inputs)
        parts.append(batches.call("predict", functools.partial(predict, part), lambda made: {"outputs": made}))
    return tree_pack(parts[0], [np.concatenate(column) for column in zip(*map(tree_leaves, parts), strict=True)])


def _around(batches: Batches, name: str, step: Callable[[Any], Any], data: Any) -> Any:
    kind = name.removesuffix("_step")
    if kind == "test":
        batches.test_begins()
    return batches.call(kind, lambda: step(data), lambda made: dict(sorted(as_metrics(made, name).items())))
