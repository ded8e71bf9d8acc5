"""Fits of models that override ``train_step`` or ``test_step``, with a Python loop and one call per batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.models.data import Dataset
from jitgrad.tape.tensor import as_tensor
from jitgrad.tape.tree import tree_map, tree_pack
from jitgrad.tape.variable import Variable
from jitgrad.training.epochs import CHUNK_SECONDS
from jitgrad.training.rows import Batches
from jitgrad.training.stream import begun_epoch

StepData = tuple[Any, ...]
"""The argument of a step: inputs, targets and optional weights of the rows, as Tensors in their nesting."""


class StepMetrics:
    """The metrics that the steps returned, by name: the mean over the rows of each epoch, or the value of a compiled metric."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.losses = np.full(epochs, np.nan)
        self.others: dict[str, np.ndarray] = {}

    def put(self, epoch: int, found: dict[str, float]) -> None:
        """Store the metrics of an epoch."""
        for name, value in found.items():
            to = self.losses if name == "loss" else self.others.setdefault(name, np.full(self.epochs, np.nan))
            to[epoch] = value

    def metrics(self, _: Any, epochs: slice, prefix: str = "") -> dict[str, np.ndarray]:
        """Return the loss and the other metrics by name, like ``ModelCost.metrics``."""
        named = {"loss": self.losses, **self.others}
        return {prefix + name: values[epochs].copy() for name, values in named.items()}


class Totals:
    """Metrics of steps, accumulated."""

    def __init__(self, model: Any) -> None:
        self._model, self._rows = model, 0
        self._sums: dict[str, float] = {}
        model.reset_metrics()

    def add(self, made: Any, rows: int, step: str) -> dict[str, float]:
        """Add the metrics that a step returned, and return them as numbers. Raises ArgumentError for any other result."""
        found = as_metrics(made, step)
        for name, value in found.items():
            self._sums[name] = self._sums.get(name, 0.0) + value * rows
        self._rows += rows
        return found

    def means(self) -> dict[str, float]:
        """Return the means over all rows so far."""
        running = self._model.metrics_so_far()
        return {name: running.get(name, total / self._rows) for name, total in self._sums.items()}


def as_metrics(made: Any, step: str) -> dict[str, float]:
    """Return the metrics that a step returned as numbers by name. Raises ArgumentError for anything but a dict of numbers."""
    if not isinstance(made, dict) or not made:
        raise ArgumentError(f"{step} returned {made!r}. Return a dict of metrics, for example {{'loss': loss}}.")
    found = {}
    for name, value in made.items():
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)
        if array.size != 1 or array.dtype.kind not in "biuf":
            raise ArgumentError(f"{step} returned {value!r} for {name!r}. Return one number for each name.")
        found[str(name)] = float(array.reshape(()))
    return found


def in_memory(rows: Dataset, size: int | None, seed: int | None = None) -> Callable[[int], Iterator[tuple[int, StepData]]]:
    """Return the batches of an epoch with their numbers of rows. With a seed, their order is random for each epoch."""
    n = len(rows.arrays[0])
    step = n if size is None else size

    def batches(epoch: int) -> Iterator[tuple[int, StepData]]:
        order = None if seed is None else np.random.default_rng((seed, epoch)).permutation(n)
        for first in range(0, n, step):
            places: Any = slice(first, first + step) if order is None else order[first : first + step]
            yield min(step, n - first), as_step_data(rows.nest, [array[places] for array in rows.arrays])

    return batches


def streamed(nest: Any, begin: Callable[[], Iterator[Batches]]) -> Callable[[int], Iterator[tuple[int, StepData]]]:
    """Return the batches of an epoch from an iterator. Raises DataError if there are none."""

    def batches(epoch: int) -> Iterator[tuple[int, StepData]]:
        found = begin()
        yield from ((len(batch.arrays[0]), as_step_data(nest, list(batch.arrays))) for batch in begun_epoch(found, epoch))

    return batches


def as_step_data(nest: Any, arrays: list[np.ndarray]) -> StepData:
    """Return arrays in the form that a step expects."""
    made: StepData = tree_map(as_tensor, tree_pack(nest, arrays))
    return made


def tested(model: Any, batches: Iterator[tuple[int, StepData]]) -> dict[str, float]:
    """Return the metrics of a model's ``test_step`` on batches."""
    totals = Totals(model)
    for rows, data in batches:
        totals.add(model.test_step(data), rows, "test_step")
    return totals.means()


class StepLoop:
    """A loop with the interface of ``training.epochs.Loop`` whose chunks call ``train_step``.

    Parameters
    ----------
    model : Model
        A model that overrides a step.
    batches : callable
        Returns the batches of an epoch.
    validation_batches : callable or None
        Returns the batches to evaluate after each epoch.
    epochs, first : int
        Numbers of the last epoch and the first epoch.
    """

    is_evaluating = False
    not_finite = False

    def __init__(
        self,
        model: Any,
        batches: Callable[[int], Iterator[tuple[int, StepData]]],
        validation_batches: Callable[[int], Iterator[tuple[int, StepData]]] | None,
        epochs: int,
        first: int,
    ) -> None:
        self._model, self._batches, self._validation = model, batches, validation_batches
        self._left: Iterator[tuple[int, StepData]]
        self._taken: tuple[int, StepData] | None = None
        self.epoch = first
        self.step_epoch, self.step_loss = first, np.nan
        self.training = StepMetrics(epochs)
        self.evaluation = None if validation_batches is None else StepMetrics(epochs)
        self.state = np.zeros(0)  # a Loop's state is in the arena

    @property
    def done(self) -> float:
        return float(self.epoch)

    def store(self) -> None:
        """Do nothing: the Variables already have their values."""

    def reload(self) -> None:
        """Do nothing: the Variables already have their values."""

    def chunk(self, epochs: int, most: int | None = None) -> bool:
        """Run some steps. A step whose result is not finite is undone."""
        end = time.perf_counter() + CHUNK_SECONDS
        steps = 0
        while self.epoch < epochs and not self.not_finite and time.perf_counter() < end and steps != most:
            self._step()
            steps += 1
        return not self.not_finite

    def _step(self) -> None:
        if self._taken is None:
            self._left, self._totals = self._batches(self.epoch), Totals(self._model)
            self._taken = next(self._left)
        rows, data = self._taken
        before = _values(self._model)
        found = self._totals.add(self._model.train_step(data), rows, "train_step")
        self.step_epoch, self.step_loss = self.epoch, found.get("loss", np.nan)
        if not np.isfinite(found.get("loss", 0.0)) or not all(np.isfinite(value).all() for _, value in _values(self._model)):
            self.not_finite = True
            for variable, value in before:
                variable.store(value)
            return
        self._taken = next(self._left, None)  # taken in advance to detect the end of an epoch
        if self._taken is None:
            self._end_epoch()

    def _end_epoch(self) -> None:
        self.training.put(self.epoch, self._totals.means())
        if self.evaluation is not None and self._validation is not None:
            self.evaluation.put(self.epoch, tested(self._model, self._validation(0)))
        self.epoch += 1


def _values(model: Any) -> Sequence[tuple[Variable, np.ndarray]]:
    """Return the Variables of a model and its optimizer with their values, which are never changed in place."""
    return [(v, v.leaf.value) for v in (*model.variables, *model.optimizer.variables)]
