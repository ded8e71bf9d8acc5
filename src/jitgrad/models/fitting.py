"""Fitting, evaluating and stepping a model: its data, costs and callbacks, and the native loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.callbacks import Callback
from jitgrad.errors import DataError
from jitgrad.models.callback_runner import CallbackRunner, earlier_fit, go_on, row_of
from jitgrad.models.data import Dataset, as_data
from jitgrad.models.sources import FitArguments, TrainingData, begun, evaluation_pass, prepare, validation
from jitgrad.models.stepping import StepLoop, as_metrics, as_step_data, in_memory, tested
from jitgrad.training.data_pass import PassMetrics
from jitgrad.training.epochs import Loop, evaluate_pass, run
from jitgrad.training.fit import History, make_pass, make_seed
from jitgrad.training.rows import Batches

OWN_STEPS = ("train_step", "test_step", "compute_metrics")
"""A model that overrides one of these methods is fitted step by step in Python."""


def fit(model: Any, data: tuple[Any, ...], validation_data: Any, callbacks: Sequence[Callback], given: FitArguments) -> History:
    """Run ``Model.fit``."""
    chosen = model.chosen
    epochs, first = count("epochs", given.epochs), count("initial_epoch", given.initial_epoch, 0)
    earlier = earlier_fit(callbacks)
    if earlier is None:
        seed = make_seed(given.seed)
    else:
        first, seed = int(earlier["fit"]["epoch"]), int(earlier["fit"]["seed"])
    source = TrainingData(model, data, given, seed)
    held_out = source.held_out if validation_data is None else validation(model, validation_data)
    signature = [0, 0] if source.streamed else [len(source.rows.arrays[0]), given.batch_size or 0]
    runner = CallbackRunner(model, callbacks, signature, seed, first)
    model.stop_training = False
    for callback in callbacks:
        callback.model = model
        callback.on_train_begin(first)
    if earlier is not None:
        go_on(runner, earlier)
    if model.has_own(*OWN_STEPS):
        return _fit_by_steps(model, source, held_out, runner, epochs, given)
    training = source.training(chosen.optimizer)
    evaluation, evaluation_cost = (None, None) if held_out is None else evaluation_pass(model, held_out)
    runner.costs = source.cost, evaluation_cost
    with (
        training.step.executable.context() as context,
        model.progress(first, epochs, given.verbose, runner.metrics_of) as report,
    ):
        loop = source.loop(context, training, evaluation, max(epochs, first), first)
        runner.begin(loop, epochs)
        if callbacks:
            loop.reload()
        seconds = 0.0
        if first < epochs and not model.stop_training:
            seconds = run(loop, epochs, report, runner if callbacks else None, runner.after_step)
        model.optimizer.finalize_variable_values(model.trainable_variables)
        runner.end(loop)
    return runner.history(loop, seconds)


def _fit_by_steps(
    model: Any, source: TrainingData, held_out: Dataset | None, runner: CallbackRunner, epochs: int, given: FitArguments
) -> History:
    """Fit a model that overrides a step, in a Python loop."""
    validation_batches = None if held_out is None else in_memory(held_out, model.evaluation_rows)
    with model.progress(runner.first, epochs, given.verbose, runner.metrics_of) as report:
        loop: Any = StepLoop(model, source.batches(), validation_batches, max(epochs, runner.first), runner.first)
        runner.costs = loop.training, loop.evaluation
        runner.begin(loop, epochs)
        seconds = 0.0
        if runner.first < epochs and not model.stop_training:
            seconds = run(loop, epochs, report, runner if runner.callbacks else None, runner.after_step)
        model.optimizer.finalize_variable_values(model.trainable_variables)
        runner.end(loop)
    return runner.history(loop, seconds)


def step(model: Any, rows: Dataset) -> dict[str, Any]:
    """Run ``Model.train_on_batch``: one step on all rows. Returns the metrics from before the step."""
    chosen = model.chosen
    model.fitted_columns = rows.columns
    prepare(model, rows)
    if model.has_own("train_step", "compute_metrics"):
        model.reset_metrics()
        return dict(as_metrics(model.train_step(as_step_data(rows.nest, rows.arrays)), "train_step"))
    cost = model.cost(rows.nest, training=True)
    batches = Batches(rows.arrays, len(rows.arrays[0]), names=rows.names)
    pass_ = make_pass(cost.function, batches, rows.levels, chosen.optimizer)
    with pass_.step.executable.context() as context:
        loop = Loop(context, pass_, None, 1)
        run(loop, 1)
    return row_of(cost.metrics(loop.training, slice(0, 1)))


def evaluate(model: Any, x: Any, y: Any, sample_weight: Any, batch_size: int) -> dict[str, Any]:
    """Run ``Model.evaluate``: return the metrics on rows, or on batches from an iterator."""
    size = count("batch_size", batch_size)
    if model.has_own("test_step", "compute_metrics"):
        return dict(_tested(model, x, y, sample_weight, size))
    if y is not None:
        pass_, cost = evaluation_pass(model, as_data(x, y, sample_weight, known=model.fitted_columns), size)
        return row_of(cost.metrics(evaluate_pass(pass_), slice(0, 1)))
    losses, sums, seen = np.zeros(1), np.zeros((1, 0)), 0
    for rows in begun(x, model):
        n = len(rows.arrays[0])
        pass_, cost = evaluation_pass(model, rows, n)
        found = evaluate_pass(pass_)
        losses += found.losses * n
        sums = sums + found.sums if sums.size else found.sums
        seen += n
    if not seen:
        raise DataError("There are no batches to evaluate. Give at least one.")
    return row_of(cost.metrics(PassMetrics(losses / seen, sums), slice(0, 1)))


def _tested(model: Any, x: Any, y: Any, sample_weight: Any, size: int) -> dict[str, float]:
    """Return the metrics of a model that overrides ``test_step``."""
    if y is not None:
        rows = as_data(x, y, sample_weight, known=model.fitted_columns)
        prepare(model, rows)
        return tested(model, in_memory(rows, size)(0))
    given = ((len(rows.arrays[0]), as_step_data(rows.nest, rows.arrays)) for rows in begun(x, model))
    found = tested(model, given)
    if not found:
        raise DataError("There are no batches to evaluate. Give at least one.")
    return found
