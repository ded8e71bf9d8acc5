"""How a model is fitted, evaluated and stepped: data, costs and callbacks brought together with the native loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.callbacks import Callback
from jitgrad.errors import DataError
from jitgrad.models.data import Rows, as_data
from jitgrad.models.sources import LOOK_ROWS, Settings, Source, begun, looking_at, prepare, validation
from jitgrad.models.stepping import StepLoop, as_figures, as_step_data, in_memory, tested
from jitgrad.models.watch import Watch, earlier_fit, first_of, go_on
from jitgrad.training.fit import History, make_pass, make_seed
from jitgrad.training.loop import Loop, evaluate_pass, run
from jitgrad.training.passes import PassMetrics
from jitgrad.training.progress import progress
from jitgrad.training.rows import Batches

OWN_STEPS = ("train_step", "test_step", "compute_metrics")
"""A model that overrides one of these is fitted step by step in Python."""


def fit(model: Any, data: tuple[Any, ...], looked_at: Any, callbacks: Sequence[Callback], settings: Settings) -> History:
    """``Model.fit``."""
    chosen = model.chosen
    epochs, first = count("epochs", settings.epochs), count("initial_epoch", settings.initial_epoch, 0)
    earlier = earlier_fit(callbacks)
    if earlier is None:
        seed = make_seed(settings.seed)
    else:
        first, seed = int(earlier["fit"]["epoch"]), int(earlier["fit"]["seed"])
    source = Source(model, data, settings, seed)
    held_out = source.held_out if looked_at is None else validation(model, looked_at)
    form = [0, 0] if source.streamed else [len(source.rows.arrays[0]), settings.batch_size or 0]
    watch = Watch(model, callbacks, form, seed, first)
    model.stop_training = False
    for callback in callbacks:
        callback.model = model
        callback.on_train_begin(first)
    if earlier is not None:
        go_on(watch, earlier)
    if model.has_own(*OWN_STEPS):
        return _fit_by_steps(model, source, held_out, watch, epochs, settings)
    training = source.training(chosen.optimizer)
    looking, look_cost = (None, None) if held_out is None else looking_at(model, held_out)
    watch.costs = source.cost, look_cost
    with training.step.executable.context() as context, progress(first, epochs, settings.verbose, watch.figures_of) as report:
        loop = source.loop(context, training, looking, max(epochs, first), first)
        watch.begin(loop, epochs)
        if callbacks:
            loop.reload()
        seconds = 0.0
        if first < epochs and not model.stop_training:
            seconds = run(loop, epochs, report, watch.between if callbacks else None, watch.after_step)
        watch.end(loop)
    return watch.history(loop, seconds)


def _fit_by_steps(model: Any, source: Source, held_out: Rows | None, watch: Watch, epochs: int, settings: Settings) -> History:
    """The fit of a model that has a step of its own: a loop in Python."""
    looked_at = None if held_out is None else in_memory(held_out, LOOK_ROWS)
    with progress(watch.first, epochs, settings.verbose, watch.figures_of) as report:
        loop: Any = StepLoop(model, source.batches(), looked_at, max(epochs, watch.first), watch.first)
        watch.costs = loop.training, loop.evaluation
        watch.begin(loop, epochs)
        seconds = 0.0
        if watch.first < epochs and not model.stop_training:
            seconds = run(loop, epochs, report, watch.between if watch.callbacks else None, watch.after_step)
        watch.end(loop)
    return watch.history(loop, seconds)


def step(model: Any, rows: Rows) -> dict[str, Any]:
    """``Model.train_on_batch``: one step on all rows; the figures before it."""
    chosen = model.chosen
    model.fitted_columns = rows.columns
    prepare(model, rows)
    if model.has_own("train_step", "compute_metrics"):
        model.reset_metrics()
        return dict(as_figures(model.train_step(as_step_data(rows.nest, rows.arrays)), "train_step"))
    cost = model.cost(rows.nest, training=True)
    batches = Batches(rows.arrays, len(rows.arrays[0]), names=rows.names)
    pass_ = make_pass(cost.function, batches, rows.levels, chosen.optimizer)
    with pass_.step.executable.context() as context:
        loop = Loop(context, pass_, None, 1)
        run(loop, 1)
    return first_of(cost.figures(loop.training, slice(0, 1)))


def evaluate(model: Any, x: Any, y: Any, sample_weight: Any, batch_size: int) -> dict[str, Any]:
    """``Model.evaluate``: the figures on rows, or on batches one after the other."""
    size = count("batch_size", batch_size)
    if model.has_own("test_step", "compute_metrics"):
        return dict(_tested(model, x, y, sample_weight, size))
    if y is not None:
        pass_, cost = looking_at(model, as_data(x, y, sample_weight, known=model.fitted_columns), size)
        return first_of(cost.figures(evaluate_pass(pass_), slice(0, 1)))
    losses, sums, seen = np.zeros(1), np.zeros((1, 0)), 0
    for rows in begun(x, model):
        n = len(rows.arrays[0])
        pass_, cost = looking_at(model, rows, n)
        found = evaluate_pass(pass_)
        losses += found.losses * n
        sums = sums + found.sums if sums.size else found.sums
        seen += n
    if not seen:
        raise DataError("There are no batches to evaluate. Give at least one.")
    return first_of(cost.figures(PassMetrics(losses / seen, sums), slice(0, 1)))


def _tested(model: Any, x: Any, y: Any, sample_weight: Any, size: int) -> dict[str, float]:
    """The figures of a ``test_step`` of the model's own."""
    if y is not None:
        rows = as_data(x, y, sample_weight, known=model.fitted_columns)
        prepare(model, rows)
        return tested(model, in_memory(rows, size)(0))
    given = ((len(rows.arrays[0]), as_step_data(rows.nest, rows.arrays)) for rows in begun(x, model))
    found = tested(model, given)
    if not found:
        raise DataError("There are no batches to evaluate. Give at least one.")
    return found
