"""Sources of the rows of a fit: memory, or batches from an iterator."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from jitgrad.arguments import count, in_unit_interval
from jitgrad.errors import ArgumentError, DataError
from jitgrad.models.costs import ModelCost
from jitgrad.models.data import Dataset, as_data
from jitgrad.models.stepping import StepData, in_memory, streamed
from jitgrad.tape.tree import tree_leaves, tree_leaves_as, tree_pack
from jitgrad.training.data_pass import Pass
from jitgrad.training.epochs import Loop
from jitgrad.training.fit import make_batches, make_pass
from jitgrad.training.rows import Batches
from jitgrad.training.stream import StreamLoop

EVALUATION_ROWS = 256
"""Rows per step of an evaluation."""


class FitArguments(NamedTuple):
    """Arguments of ``Model.fit``."""

    batch_size: int | None
    epochs: int
    verbose: bool | int | str | None
    validation_split: float
    shuffle: bool
    initial_epoch: int
    seed: int | None


class TrainingData:
    """The rows to which a model is fitted.

    Attributes
    ----------
    held_out : Dataset or None
        Rows that are held out for evaluation.
    rows : Dataset
        All rows, or the first batch.
    cost : ModelCost
        The model's cost on them.
    """

    def __init__(self, model: Any, data: tuple[Any, ...], settings: FitArguments, seed: int) -> None:
        x, y, sample_weight, class_weight = data
        self.model = model
        self.held_out: Dataset | None = None
        self.streamed = y is None
        if self.streamed:
            if sample_weight is not None or class_weight is not None or settings.validation_split:
                raise ArgumentError(
                    "Weights and validation_split require rows in memory. Give batches of (x, y, sample_weight), and "
                    "validation_data."
                )
            rows = self._begin(x)
        else:
            whole = as_data(x, y, sample_weight, class_weight, known=model.fitted_columns)
            rows, self.held_out = split(whole, settings.validation_split)
        model.fitted_columns = rows.columns
        prepare(model, rows)
        self.rows, self.settings, self.seed = rows, settings, seed
        self.cost: ModelCost = model.cost(rows.nest, training=True)

    def training(self, optimizer: Any) -> Pass:
        """Return the pass to fit; for batches from an iterator, the pass over the first batch."""
        size = None if self.streamed else self.settings.batch_size
        batches = make_batches(self.rows.arrays, self.rows.names, size, self.settings.shuffle, self.seed)
        return make_pass(self.cost.function, batches, self.rows.levels, optimizer)

    def batches(self) -> Callable[[int], Iterator[tuple[int, StepData]]]:
        """Return the batches of an epoch, for a model that overrides a step."""
        if self.streamed:
            return streamed(self.rows.nest, self._each_batch)
        size = None if self.settings.batch_size is None else count("batch_size", self.settings.batch_size)
        return in_memory(self.rows, size, self.seed if self.settings.shuffle else None)

    def loop(self, context: Any, training: Pass, evaluation: Pass | None, epochs: int, first: int) -> Loop:
        """Return the loop over the rows."""
        if not self.streamed:
            return Loop(context, training, evaluation, epochs, first)
        optimizer = self.model.optimizer

        def make(batch: Batches) -> Any:
            return make_pass(self.cost.function, batch, self.rows.levels, optimizer, training.step.chosen).step

        return StreamLoop(context, training, evaluation, epochs, first, self._each_batch, make)

    def _begin(self, batches: Any) -> Dataset:
        """Return the first batch, which determines the nesting. A one-time iterator yields it again in the first epoch."""
        each = begun(batches, self.model)
        first = next(each, None)
        if first is None:
            raise DataError("There are no batches to fit to. Give at least one.")
        once = not callable(batches) and iter(batches) is batches
        anew = (begun(batches, self.model) for _ in iter(int, 1))
        self._epochs = itertools.chain([itertools.chain([first], each)] if once else [], anew)
        return first

    def _each_batch(self) -> Iterator[Batches]:
        for rows in next(self._epochs):
            if rows.nest != self.rows.nest:
                raise DataError(
                    f"{rows.names[0]} is nested differently than in the first batch. Use the same nesting in all batches."
                )
            prepare(self.model, rows)
            arrays, names = (self._in_order(rows, values) for values in (rows.arrays, rows.names))
            yield Batches(arrays, len(arrays[0]), names=names)

    def _in_order(self, rows: Dataset, values: list[Any]) -> list[Any]:
        """Return a value for each array in the order of the first batch; dicts are matched by their keys."""
        return tree_leaves_as(self.rows.nest, tree_pack(rows.nest, values), "The batch")


def evaluation_pass(model: Any, rows: Dataset, size: int = EVALUATION_ROWS) -> tuple[Pass, ModelCost]:
    """Return the pass that evaluates rows, and its cost."""
    prepare(model, rows)
    cost = model.cost(rows.nest, training=False)
    batches = Batches(rows.arrays, size, names=rows.names)
    return make_pass(cost.function, batches, rows.levels, None), cost


def validation(model: Any, given: Any) -> Dataset:
    """Convert validation data to rows."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise ArgumentError("validation_data is not (x, y) or (x, y, sample_weight). Give such a tuple.")
    return as_data(*given, of="validation ", known=model.fitted_columns)


def split(rows: Dataset, part: float) -> tuple[Dataset, Dataset | None]:
    """Return the rows to fit to and, from the end, the rows to evaluate."""
    if in_unit_interval("validation_split", part) == 0:
        return rows, None
    n = len(rows.arrays[0])
    at = int(n * (1 - part))
    if not 0 < at < n:
        raise ArgumentError(f"validation_split {part} leaves {at} of {n} rows to fit to. Give another fraction, or more rows.")
    return rows.part(slice(at)), rows.part(slice(at, None))


def prepare(model: Any, rows: Dataset) -> None:
    """Build the model if necessary, and prepare the metrics for the targets."""
    n = len(tree_leaves(rows.nest[0]))
    if model.output_shape is None:
        model(tree_pack(rows.nest[0], [a[:1] for a in rows.arrays[:n]]))
    model.chosen.prepare(rows.arrays[n])


def begun(batches: Any, model: Any) -> Iterator[Dataset]:
    """Yield the checked batches of an iterable or of a function that returns an iterator, matched by name."""
    for number, batch in enumerate(batches() if callable(batches) else batches):
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise DataError(
                f"Batch {number} is a {type(batch).__name__}, not (x, y) or (x, y, sample_weight). "
                f"Give y, or an iterable of batches."
            )
        yield as_data(*batch, of=f"Batch {number}: ", known=model.fitted_columns)
