"""What ``compile`` was given, as the library takes it, and as Keras's own objects for those who step by themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.keras import losses, metrics
from jitgrad.compat.keras.metrics.metric import Mean, Metric
from jitgrad.functions.reductions import sum
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_map


class CompileMetrics(Metric):
    """The compiled metrics, as one of a model's ``metrics``."""

    def __init__(self, found: list[Metric]) -> None:
        super().__init__(name="compile_metrics")
        self.metrics = found

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """See more rows."""
        for metric in self.metrics:
            metric.update_state(y_true, y_pred)

    def result(self) -> dict[str, Any]:
        """The values by name."""
        return {metric.name: metric.result() for metric in self.metrics}

    def reset_state(self) -> None:
        """Forget what was seen."""
        for metric in self.metrics:
            metric.reset_state()


class Compiled:
    """What ``compile`` was given.

    Attributes:
        arguments: by name, as they are saved.
        in_python: whether a metric is a user's own, so that a fit goes step by step in Python.
    """

    def __init__(
        self, optimizer: Any, loss: Any, loss_weights: Any, plain: Any, weighted: Any, as_outputs: Callable[[Any], Any]
    ) -> None:
        self.optimizer, self.loss_weights = optimizer, loss_weights
        self.arguments = {
            "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": plain, "weighted_metrics": weighted,
        }  # fmt: skip
        loss, plain, weighted, loss_weights = (as_outputs(given) for given in (loss, plain, weighted, loss_weights))
        self._loss, self._plain, self._weighted = loss, metrics.made(plain, loss), metrics.made(weighted, loss)
        found = [metric for metric in tree_leaves([self._plain, self._weighted]) if metric is not None]
        self.in_python = any(metric.native() is None for metric in found)
        self.loss_tracker = Mean(name="loss")
        self._kept = CompileMetrics(found)

    @property
    def tracked(self) -> list[Metric]:
        """The metrics that a model has of it."""
        return [self.loss_tracker, self._kept] if self._kept.metrics else [self.loss_tracker]

    def give(self, compile: Callable[..., None]) -> None:
        """Compile the library's model."""
        loss = tree_map(lambda x: no_loss if x is None else losses.native(x), self._loss)
        if self.in_python:
            compile(self.optimizer, loss)
            return
        native = [tree_map(lambda m: None if m is None else m.native(), given) for given in (self._plain, self._weighted)]
        compile(self.optimizer, loss, native[0] or None, native[1] or None)

    def update_state(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Let the compiled metrics see more rows."""
        if self._kept.metrics:
            self._kept.update_state(y, y_pred, sample_weight)


def no_loss(target: Any, prediction: Any) -> Tensor:
    """The loss of a model that was compiled without one, which has penalties or a ``train_step`` of its own."""
    return as_tensor(sum(tree_leaves(prediction)[0]) * 0.0)
