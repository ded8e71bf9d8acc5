"""How a model is fitted, evaluated and stepped: data, costs and callbacks brought together with the native loop."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from jitgrad import random
from jitgrad.arguments import count, in_unit_interval
from jitgrad.callbacks import Callback
from jitgrad.errors import ArgumentError, DataError, ShapeError
from jitgrad.models.costs import ModelCost
from jitgrad.models.data import Rows, as_data
from jitgrad.saving.model import restore
from jitgrad.tape.evaluate import machine_for
from jitgrad.tape.function import placeholder
from jitgrad.tape.structure import flatten, pack_as
from jitgrad.training.fit import History, make_batches, make_pass, make_seed
from jitgrad.training.loop import Loop, Pass, look, run
from jitgrad.training.progress import progress
from jitgrad.training.rows import Batches
from jitgrad.training.stream import StreamLoop

LOOK_ROWS = 256
"""Rows a step of what is only looked at."""


class Settings(NamedTuple):
    """How to fit, see ``Model.fit``."""

    batch_size: int | None
    epochs: int
    verbose: bool | int | str | None
    validation_split: float
    shuffle: bool
    initial_epoch: int
    seed: int | None


def fit(model: Any, data: tuple[Any, ...], validation: Any, callbacks: Sequence[Callback], settings: Settings) -> History:
    """``Model.fit``."""
    chosen = model.chosen
    epochs, first = count("epochs", settings.epochs), count("initial_epoch", settings.initial_epoch, 0)
    model.stop_training = False
    for callback in callbacks:
        callback.model = model
    earlier = _restore(model, callbacks)
    if earlier is not None:
        first = int(earlier["epoch"])
    seed = make_seed(settings.seed) if earlier is None else int(earlier["seed"])
    source = _Source(model, data, settings, seed)
    looked = source.held_out if validation is None else _validation(validation)
    training = source.training(chosen.optimizer)
    looking = None if looked is None else _looking(model, looked)
    watch = _Watch(model, callbacks, source.cost, None if looking is None else looking[1], first, seed, earlier)
    if earlier is not None:
        random.set_state(earlier["random"])
    with machine_for(training.step.program) as machine, progress(first, epochs, settings.verbose, watch.figures_of) as report:
        loop = source.loop(machine, training, None if looking is None else looking[0], epochs, first)
        for callback in callbacks:
            callback.fit_state = functools.partial(watch.state, loop)
        watch.begin()
        if callbacks:
            loop.reload()
        seconds = 0.0
        if first < epochs and not model.stop_training:
            seconds = run(loop, epochs, report, watch.between if callbacks else None, watch.after_step)
        watch.end(loop)
    return watch.history(loop, seconds)


def step(model: Any, rows: Rows) -> dict[str, Any]:
    """``Model.train_on_batch``: one step on all rows; the figures before it."""
    chosen = model.chosen
    _check_targets(model, rows)
    cost = model.cost(rows.nest, training=True)
    batches = Batches(rows.arrays, len(rows.arrays[0]), names=rows.names)
    way = make_pass(cost.function, batches, rows.ranks, chosen.optimizer)
    with machine_for(way.step.program) as machine:
        loop = Loop(machine, way, None, 1)
        run(loop, 1)
    return first_of(cost.figures(loop.training, slice(0, 1)))


def evaluate(model: Any, x: Any, y: Any, sample_weight: Any, batch_size: int) -> dict[str, Any]:
    """``Model.evaluate``: the figures on rows, or on batches one after the other."""
    size = count("batch_size", batch_size)
    if y is not None:
        way, cost = _looking(model, as_data(x, y, sample_weight), size)
        return first_of(cost.figures(look(way), slice(0, 1)))
    total: Any = None
    seen = 0
    for rows in _each(x):
        way, cost = _looking(model, rows, len(rows.arrays[0]))
        found, n = look(way), len(rows.arrays[0])
        weighed = found._replace(losses=found.losses * n)
        total = weighed if total is None else type(found)(*[a + b for a, b in zip(total, weighed, strict=True)])
        seen += n
    if total is None:
        raise DataError("There are no batches to evaluate. Give at least one.")
    figures = total._replace(losses=total.losses / seen)
    return first_of(cost.figures(figures, slice(0, 1)))


def first_of(figures: dict[str, np.ndarray]) -> dict[str, Any]:
    """Those of the first epoch: floats, or arrays."""
    return {name: values[0].item() if values.ndim == 1 else values[0] for name, values in figures.items()}


class _Source:
    """Where the rows to fit to come from: memory, or batches one after the other."""

    def __init__(self, model: Any, data: tuple[Any, ...], settings: Settings, seed: int) -> None:
        x, y, sample_weight, class_weight = data
        self.model, self.held_out, self.streamed = model, None, y is None
        if self.streamed:
            if sample_weight is not None or class_weight is not None or settings.validation_split:
                raise ArgumentError(
                    "Weights and validation_split are for rows in memory. Give batches of (x, y, sample_weight), and "
                    "validation_data."
                )
            self.batches = x
            rows = next(_each(x), None)
            if rows is None:
                raise DataError("There are no batches to fit to. Give at least one.")
        else:
            rows, self.held_out = _split(as_data(x, y, sample_weight, class_weight), settings.validation_split)
        _check_targets(model, rows)
        self.rows, self.settings, self.seed = rows, settings, seed
        self.cost: ModelCost = model.cost(rows.nest, training=True)

    def training(self, optimizer: Any) -> Pass:
        """The pass that is fitted; of batches one after the other, its first."""
        size = None if self.streamed else self.settings.batch_size
        batches = make_batches(self.rows.arrays, self.rows.names, size, self.settings.shuffle, self.seed)
        return make_pass(self.cost.function, batches, self.rows.ranks, optimizer)

    def loop(self, machine: Any, training: Pass, looking: Pass | None, epochs: int, first: int) -> Loop:
        """The loop over it."""
        if not self.streamed:
            return Loop(machine, training, looking, epochs, first)
        optimizer = self.model.chosen.optimizer

        def make(batch: Batches) -> Any:
            return make_pass(self.cost.function, batch, self.rows.ranks, optimizer, training.step.chosen).step

        return StreamLoop(machine, training, looking, epochs, first, self._each_batch, make)

    def _each_batch(self) -> Iterator[Batches]:
        for rows in _each(self.batches):
            if rows.nest != self.rows.nest:
                raise DataError(f"{rows.names[0]} is nested otherwise than that of the first batch. Nest all batches alike.")
            _check_targets(self.model, rows)
            yield Batches(rows.arrays, len(rows.arrays[0]), names=rows.names)


class _Watch:
    """What happens between the epochs of a fit, and what is known of it at its end."""

    def __init__(
        self, model: Any, callbacks: Sequence[Callback], cost: ModelCost, look_cost: ModelCost | None, first: int, seed: int,
        earlier: dict[str, Any] | None,
    ) -> None:  # fmt: skip
        self.model, self.callbacks, self.cost, self.look_cost = model, callbacks, cost, look_cost
        self.first, self.seed = first, seed
        self.earlier: dict[str, np.ndarray] = {} if earlier is None else dict(earlier["history"])
        self.rates: list[float] = []
        by_step = [c for c in callbacks if type(c).on_train_batch_end is not Callback.on_train_batch_end]
        self.after_step = functools.partial(self._after_step, by_step) if by_step else None

    def begin(self) -> None:
        for callback in self.callbacks:
            callback.on_train_begin(self.first)
        self._begin_epoch(self.first)

    def between(self, loop: Loop) -> bool:
        """After an epoch; whether to go on."""
        epoch = loop.epoch - 1
        self.rates.append(self.model.optimizer.learning_rate)
        logs = self._logs(loop, epoch)
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, logs)
        if not self.model.stop_training and loop.epoch < len(loop.training.losses):
            self._begin_epoch(loop.epoch)
        return not self.model.stop_training

    def end(self, loop: Loop) -> None:
        logs = self._logs(loop, loop.epoch - 1) if loop.epoch > self.first else {}
        for callback in self.callbacks:
            callback.on_train_end(logs)

    def state(self, loop: Loop) -> dict[str, Any]:
        """All that a fit needs to go on after the present epoch, beside the model and its optimizer."""
        return {
            "epoch": loop.epoch,
            "seed": self.seed,
            "random": random.get_state(),
            "history": self._figures(loop),
            "callbacks": [[type(c).__name__, c.get_state()] for c in self.callbacks],
        }

    def history(self, loop: Loop, seconds: float) -> History:
        figures = self._figures(loop)
        loss = figures.pop("loss")
        return History(loss, seconds, figures, loop.epoch - len(loss))

    def figures_of(self, loop: Loop, epoch: int) -> dict[str, Any]:
        """The figures of an epoch by name."""
        return first_of(self._of(loop, slice(epoch, epoch + 1)))

    def _figures(self, loop: Loop) -> dict[str, np.ndarray]:
        """All figures of this fit, and of the one it goes on with, by name, a row an epoch."""
        made = self._of(loop, slice(self.first, loop.epoch))
        if self.callbacks:
            made["learning_rate"] = np.array(self.rates)
        if not self.earlier:
            return made
        return {name: np.concatenate([self.earlier[name], values]) for name, values in made.items() if name in self.earlier}

    def _of(self, loop: Loop, epochs: slice) -> dict[str, np.ndarray]:
        made = self.cost.figures(loop.training, epochs)
        if self.look_cost is not None and loop.looking is not None:
            made |= self.look_cost.figures(loop.looking, epochs, "val_")
        return made

    def _logs(self, loop: Loop, epoch: int) -> dict[str, Any]:
        return {**self.figures_of(loop, epoch), "learning_rate": self.model.optimizer.learning_rate}

    def _begin_epoch(self, epoch: int) -> None:
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch)

    def _after_step(self, callbacks: Sequence[Callback], loop: Loop) -> None:
        for callback in callbacks:
            callback.on_train_batch_end(loop.epoch, {"loss": loop.step_loss})


def _restore(model: Any, callbacks: Sequence[Callback]) -> dict[str, Any] | None:
    """Give the model, its optimizer and the callbacks the state of an earlier fit, if a callback has one."""
    found = next((document for document in (c.restored() for c in callbacks) if document is not None), None)
    if found is None:
        return None
    fit: dict[str, Any] = found["fit"]
    try:
        restore(model, found)
        model.optimizer.set_state(found["compiled"]["state"], model.variables)
    except (ArgumentError, ShapeError) as error:
        raise DataError(f"The earlier fit was of another model: {error} Remove its file, or give another path.") from error
    if [name for name, _ in fit["callbacks"]] != [type(c).__name__ for c in callbacks]:
        raise DataError(f"The earlier fit had the callbacks {[n for n, _ in fit['callbacks']]}. Give the same ones.")
    for callback, (_, state) in zip(callbacks, fit["callbacks"], strict=True):
        callback.set_state(state)
    return fit


def _looking(model: Any, rows: Rows, size: int = LOOK_ROWS) -> tuple[Pass, ModelCost]:
    _check_targets(model, rows)
    cost = model.cost(rows.nest, training=False)
    batches = Batches(rows.arrays, size, names=rows.names)
    return make_pass(cost.function, batches, rows.ranks, None), cost


def _validation(given: Any) -> Rows:
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise ArgumentError("validation_data is no (x, y) or (x, y, sample_weight). Give two or three of them in a tuple.")
    return as_data(*given, of="validation ")


def _split(rows: Rows, part: float) -> tuple[Rows, Rows | None]:
    """The rows to fit to and, from the end, those to look at."""
    if in_unit_interval("validation_split", part) == 0:
        return rows, None
    n = len(rows.arrays[0])
    at = int(n * (1 - part))
    if not 0 < at < n:
        raise ArgumentError(f"validation_split {part} leaves {at} of {n} rows to fit to. Give another one, or more rows.")
    return rows.part(slice(at)), rows.part(slice(at, None))


def _check_targets(model: Any, rows: Rows) -> None:
    """Build the model if need be, and raise where the loss has no meaning for the targets."""
    if model.output_shape is None:
        predicted = model(pack_as(rows.nest[0], [a[:1] for a in rows.arrays[: len(flatten(rows.nest[0]))]]))
    else:
        predicted = placeholder((1, *model.output_shape))
    model.chosen.check_targets(rows.targets, predicted)


def _each(batches: Any) -> Iterator[Rows]:
    """The batches of an iterable, or of a function that returns an iterator, checked."""
    for number, batch in enumerate(batches() if callable(batches) else batches):
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
            raise DataError(
                f"Batch {number} is a {type(batch).__name__}, no (x, y) or (x, y, sample_weight). "
                f"Give y, or an iterable of such batches."
            )
        yield as_data(*batch, of=f"Batch {number}: ")


@contextmanager
def unseen() -> Iterator[tuple[Callable[..., Any] | None, None]]:
    """In the place of a bar that is not shown."""
    yield None, None
