"""What ``compile`` chose, and from it the traced costs of a model: its loss, with what its metrics sum."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitgrad import losses, metrics, optimizers
from jitgrad.errors import ArgumentError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import reshape
from jitgrad.losses.loss import is_own
from jitgrad.losses.loss import weighted as weighted_loss
from jitgrad.metrics import Metric
from jitgrad.optimizers import Optimizer
from jitgrad.tape.function import Function, function
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_leaves_as, tree_map, tree_pack
from jitgrad.training.data_pass import PassMetrics


@dataclass(frozen=True)
class Compiled:
    """What ``compile`` was given, and what it made of it.

    Attributes:
        arguments: as given, by name; of the optimizer the object.
        optimizer: the optimizer.
        loss: a function of a target and a prediction, or several for several outputs.
        plain, weighted: metrics without and with sample weights.
    """

    arguments: dict[str, Any]
    optimizer: Optimizer
    loss: Any
    plain: list[Metric]
    weighted: list[Metric]
    costs: dict[Any, ModelCost] = field(default_factory=dict)

    def __reduce__(self) -> Any:
        """Without what was traced, which knows the model's Variables."""
        return Compiled, (self.arguments, self.optimizer, self.loss, self.plain, self.weighted)

    @functools.cached_property
    def metrics(self) -> list[tuple[str, Metric]]:
        """All metrics by names that differ."""
        named: dict[str, Metric] = {}
        for metric in [*self.plain, *self.weighted]:
            names = itertools.chain([metric.name], (f"{metric.name}_{i}" for i in itertools.count(1)))
            named[next(name for name in names if name not in named and name not in ("loss", "learning_rate"))] = metric
        return list(named.items())

    def prepare(self, target: np.ndarray) -> None:
        """Let the metrics see the targets."""
        for metric in (*self.plain, *self.weighted):
            metric.prepare(target)

    def takes_all(self, predicted: Any) -> bool:
        """Whether the loss is a user's own, which gets several outputs as they are."""
        return callable(self.loss) and not is_own(self.loss) and len(tree_leaves(predicted)) > 1

    def losses_for(self, predicted: Any) -> list[Callable[..., Any]]:
        """A loss for each output. Raises ArgumentError where they are nested otherwise."""
        outputs = tree_leaves(predicted)
        if callable(self.loss):
            return [self.loss] * len(outputs)
        each = tree_leaves_as(predicted, self.loss, "loss")
        for loss in each:
            if not callable(loss):
                raise ArgumentError(f"The loss of one output is a {type(loss).__name__}. Give one loss for each output.")
        return each

    def total_loss(self, y: Any, predicted: Any, weight: Any) -> Any:
        """The losses of all outputs together."""
        if self.takes_all(predicted):
            return weighted_loss(self.loss, y, predicted, weight)
        parts = zip(self.losses_for(predicted), tree_leaves_as(predicted, y, "y"), tree_leaves(predicted), strict=True)
        return functools.reduce(operator.add, [weighted_loss(loss, t, output, weight) for loss, t, output in parts])

    def sums(self, y: Any, predicted: Any, weight: Any) -> list[Tensor]:
        """What each metric sums over these rows, in the order of ``metrics``."""
        targets, outputs = tree_leaves(y), tree_leaves(predicted)
        if len(outputs) != 1 or len(targets) != 1:
            raise ArgumentError(
                f"Metrics are for models of one output, and this has {len(outputs)}. "
                f"Leave them out, and compute them from predict()."
            )
        ones = as_tensor(np.ones(outputs[0].shape[0]))
        plain = [metric.sums(targets[0], outputs[0], ones) for metric in self.plain]
        weighted = [metric.sums(targets[0], outputs[0], ones if weight is None else weight) for metric in self.weighted]
        return [*plain, *weighted]


class ModelCost:
    """The cost of a model on batches of one nesting.

    Attributes:
        function: of a batch's arrays; the loss, the sums of all metrics in a row, and those of the model's ``batch_means``.
        sizes: how many numbers each metric sums, known when it has been traced.
        means: the names of the model's ``batch_means``, known when it has been traced.
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
        """The loss and the metrics by name, a row an epoch."""
        made = {f"{prefix}loss": found.losses[epochs].copy()}
        starts = np.cumsum([0, *self.sizes])
        for (name, metric), start, size in zip(self.compiled.metrics, starts, self.sizes, strict=False):
            made[prefix + name] = np.array([metric.result(row[start : start + size]) for row in found.sums[epochs]])
        for name, totals in zip(self.means, found.sums[epochs, sum(self.sizes) : -1].T, strict=True):
            made[prefix + name] = totals / found.sums[epochs, -1]
        return made


def compiled(optimizer: Any, loss: Any, plain: Any, weighted: Any) -> Compiled:
    """Names looked up. Raises ArgumentError for an unknown one."""
    chosen = optimizers.get(optimizer)
    arguments = {"optimizer": chosen, "loss": loss, "metrics": plain, "weighted_metrics": weighted}
    return Compiled(arguments, chosen, tree_map(losses.get, loss), _metrics(plain), _metrics(weighted))


def _metrics(given: Any) -> list[Metric]:
    """Metrics by name or as they are, one or several."""
    if isinstance(given, dict):
        raise ArgumentError(f"The metrics are a dict of {list(given)}, and are for models of one output. Give a list.")
    return [metrics.get(x) for x in (given if isinstance(given, (list, tuple)) else [] if given is None else [given])]
