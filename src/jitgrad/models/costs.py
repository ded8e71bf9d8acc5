"""The choices made by ``compile``, and the traced costs of a model: its loss with the sums of its metrics."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from jitgrad import losses, metrics, optimizers
from jitgrad.errors import ArgumentError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import reshape
from jitgrad.losses.loss import LossFunction, is_own
from jitgrad.losses.loss import weighted as weighted_loss
from jitgrad.metrics import Metric
from jitgrad.optimizers import Optimizer
from jitgrad.tape.function import Function, function
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_leaves_as, tree_map, tree_pack
from jitgrad.training.data_pass import PassMetrics

OneLoss: TypeAlias = str | LossFunction
LossArgument: TypeAlias = OneLoss | Sequence[OneLoss] | Mapping[str, OneLoss]
"""A loss by name or as a function, or one for each output."""

OneMetric: TypeAlias = str | Metric | type[Metric] | LossFunction
MetricArgument: TypeAlias = OneMetric | Sequence[OneMetric] | None
"""Metrics by name or as objects, one or several."""


@dataclass(frozen=True)
class Compiled:
    """The arguments of ``compile``, and the objects to which they were converted.

    Attributes
    ----------
    arguments : dict
        Arguments by name; the optimizer as an object.
    optimizer : Optimizer
        The optimizer.
    loss : callable, or list or dict of callable
        A function of targets and predictions, or one for each of several outputs.
    plain, weighted : list of Metric
        Metrics without and with sample weights.
    """

    arguments: dict[str, Any]
    optimizer: Optimizer
    loss: Any
    plain: list[Metric]
    weighted: list[Metric]
    costs: dict[Any, ModelCost] = field(default_factory=dict)

    def __reduce__(self) -> Any:
        """Pickle without the traced costs, which refer to the model's Variables."""
        return Compiled, (self.arguments, self.optimizer, self.loss, self.plain, self.weighted)

    @functools.cached_property
    def metrics(self) -> list[tuple[str, Metric]]:
        """All metrics by unique names."""
        named: dict[str, Metric] = {}
        for metric in [*self.plain, *self.weighted]:
            names = itertools.chain([metric.name], (f"{metric.name}_{i}" for i in itertools.count(1)))
            named[next(name for name in names if name not in named and name not in ("loss", "learning_rate"))] = metric
        return list(named.items())

    def prepare(self, target: np.ndarray) -> None:
        """Pass the targets to ``prepare`` of each metric."""
        for metric in (*self.plain, *self.weighted):
            metric.prepare(target)

    def takes_all(self, predicted: Any) -> bool:
        """Return whether the loss is a user-defined function that takes several outputs together."""
        return callable(self.loss) and not is_own(self.loss) and len(tree_leaves(predicted)) > 1

    def losses_for(self, predicted: Any) -> list[Callable[..., Any]]:
        """Return a loss for each output. Raises ArgumentError if they are nested differently."""
        outputs = tree_leaves(predicted)
        if callable(self.loss):
            return [self.loss] * len(outputs)
        each = tree_leaves_as(predicted, self.loss, "loss")
        for loss in each:
            if not callable(loss):
                raise ArgumentError(f"The loss of one output is a {type(loss).__name__}. Give one loss per output.")
        return each

    def total_loss(self, y: Any, predicted: Any, weight: Any) -> Any:
        """Return the sum of the losses of all outputs."""
        if self.takes_all(predicted):
            return weighted_loss(self.loss, y, predicted, weight)
        parts = zip(self.losses_for(predicted), tree_leaves_as(predicted, y, "y"), tree_leaves(predicted), strict=True)
        return functools.reduce(operator.add, [weighted_loss(loss, t, output, weight) for loss, t, output in parts])

    def sums(self, y: Any, predicted: Any, weight: Any) -> list[Tensor]:
        """Return the sums of each metric over these rows, in the order of ``metrics``."""
        targets, outputs = tree_leaves(y), tree_leaves(predicted)
        if len(outputs) != 1 or len(targets) != 1:
            raise ArgumentError(
                f"Metrics require a model with one output, and this model has {len(outputs)}. "
                f"Omit them, and compute them from the results of predict()."
            )
        ones = as_tensor(np.ones(outputs[0].shape[0]))
        plain = [metric.sums(targets[0], outputs[0], ones) for metric in self.plain]
        weighted = [metric.sums(targets[0], outputs[0], ones if weight is None else weight) for metric in self.weighted]
        return [*plain, *weighted]


class ModelCost:
    """The cost of a model on batches with one nesting.

    Attributes
    ----------
    function : Function
        Function of the arrays of a batch. It returns the loss, followed by the sums of all metrics and of the
        model's ``batch_means``.
    sizes : list of int
        Number of sums of each metric, known once the function is traced.
    means : list of str
        Names of the model's ``batch_means``, known once the function is traced.
    """

    def __init__(self, model: Any, compiled: Compiled, nest: tuple[Any, ...], training: bool) -> None:
        self.model, self.compiled, self.nest, self.training = model, compiled, nest, training
        self.sizes: list[int] = []
        self.means: list[str] = []
        self.function: Function[..., Any] = function(lambda *batch: self._cost(batch))

    def _cost(self, batch: Sequence[Tensor]) -> Any:
        x, y, *weights = tree_pack(self.nest, list(batch))
        weight = weights[0] if weights else None
        predicted = self.model(x, training=self.training)
        loss = self.model.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        sums = self.compiled.sums(y, predicted, weight) if self.compiled.metrics else []
        self.sizes = [s.size for s in sums]
        means = self.model.batch_means(y, predicted, weight)
        self.means = list(means)
        if means:
            rows = float(tree_leaves(predicted)[0].shape[0])
            sums = [*sums, *(reshape(mean * rows, (1,)) for mean in means.values()), as_tensor(np.array([rows]))]
        return (loss, concatenate(sums)) if sums else loss

    def metrics(self, found: PassMetrics, epochs: slice, prefix: str = "") -> dict[str, np.ndarray]:
        """Return the loss and the metrics by name, with one row per epoch."""
        made = {f"{prefix}loss": found.losses[epochs].copy()}
        starts = np.cumsum([0, *self.sizes])
        for (name, metric), start, size in zip(self.compiled.metrics, starts, self.sizes, strict=False):
            made[prefix + name] = np.array([metric.result(row[start : start + size]) for row in found.sums[epochs]])
        for name, totals in zip(self.means, found.sums[epochs, sum(self.sizes) : -1].T, strict=True):
            made[prefix + name] = totals / found.sums[epochs, -1]
        return made


def compiled(optimizer: Any, loss: Any, plain: Any, weighted: Any) -> Compiled:
    """Look up names. Raises ArgumentError for an unknown name."""
    chosen = optimizers.get(optimizer)
    arguments = {"optimizer": chosen, "loss": loss, "metrics": plain, "weighted_metrics": weighted}
    return Compiled(arguments, chosen, tree_map(losses.get, loss), _metrics(plain), _metrics(weighted))


def _metrics(given: Any) -> list[Metric]:
    """Return the metrics, given by name or as objects, one or several."""
    if isinstance(given, dict):
        raise ArgumentError(
            f"The metrics are a dict of {list(given)}, but metrics require a model with one output. Give a list."
        )
    return [metrics.get(x) for x in (given if isinstance(given, (list, tuple)) else [] if given is None else [given])]
