"""The arguments of ``compile``: in the library's form, and as Keras's objects for custom steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jitgrad.compat.keras import losses, metrics
from jitgrad.compat.keras.metrics.metric import Mean, Metric
from jitgrad.errors import ArgumentError
from jitgrad.functions.reductions import sum
from jitgrad.losses.loss import aligned, by_row_of, is_own
from jitgrad.losses.loss import weighted as weighted_loss
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.tree import tree_leaves, tree_leaves_as, tree_map, tree_pack


class Watched(NamedTuple):
    """A compiled metric: the output it belongs to, its name, and whether sample weights apply."""

    metric: Metric
    name: str
    output: int
    weighted: bool


class CompileMetrics(Metric):
    """The compiled metrics as a single entry of a model's ``metrics``."""

    def __init__(self, found: list[Watched]) -> None:
        super().__init__(name="compile_metrics")
        self.watched = found

    @property
    def metrics(self) -> list[Metric]:
        """The metrics."""
        return [each.metric for each in self.watched]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Update the metrics with rows."""
        targets, outputs = tree_leaves(y_true), tree_leaves(y_pred)
        for each in self.watched:
            weights = {"sample_weight": sample_weight} if each.weighted and sample_weight is not None else {}
            each.metric.update_state(targets[each.output], outputs[each.output], **weights)

    def result(self) -> dict[str, Any]:
        """Return the values by name."""
        return {each.name: each.metric.result() for each in self.watched}

    def reset_state(self) -> None:
        """Discard all rows."""
        for metric in self.metrics:
            metric.reset_state()


class Compiled:
    """The arguments of ``compile``.

    Attributes
    ----------
    arguments : dict
        Arguments by name, as they are saved.
    in_python : bool
        Whether a fit runs step by step in Python, because a metric is user-defined, or because several outputs have metrics.
    """

    def __init__(
        self, optimizer: Any, loss: Any, loss_weights: Any, plain: Any, weighted: Any, as_outputs: Callable[[Any], Any],
        names: list[str],
    ) -> None:  # fmt: skip
        self.optimizer = optimizer
        self.arguments = {
            "optimizer": optimizer, "loss": loss, "loss_weights": loss_weights, "metrics": plain, "weighted_metrics": weighted,
        }  # fmt: skip
        if len(names) > 1 and loss is not None and not isinstance(loss, (list, tuple, dict)):
            loss = dict.fromkeys(names, loss)
        self._loss = tree_map(lambda x: no_loss if x is None else losses.native(x), as_outputs(loss))
        self._loss_weights = as_outputs(loss_weights)
        if any(isinstance(weight, str) for weight in tree_leaves(loss_weights)):
            raise ArgumentError(
                f"loss_weights contains values that are not numbers: {loss_weights!r}. Pass metrics by name: metrics=[…]."
            )
        self._plain, self._weighted = (
            watched(as_outputs(given), names, rows_weigh) for given, rows_weigh in ((plain, False), (weighted, True))
        )
        found = [*self._plain, *self._weighted]
        self.in_python = any(each.metric.native() is None for each in found) or bool(found and len(names) > 1)
        self.loss_tracker = Mean(name="loss")
        self._output_trackers = []
        if len(names) > 1 and loss is not None:
            each = zip(names, tree_leaves(self._loss), strict=True)
            self._output_trackers = [None if f is no_loss else Mean(name=f"{name}_loss") for name, f in each]
        self._kept = CompileMetrics(found)

    @property
    def tracked(self) -> list[Metric]:
        """The metrics of a model."""
        own = [self.loss_tracker, self._kept] if self._kept.watched else [self.loss_tracker]
        return [*own, *(tracker for tracker in self._output_trackers if tracker is not None)]

    @property
    def names(self) -> list[str]:
        """The names of the metrics, in the order in which ``evaluate`` returns their values."""
        return [name for x in self.tracked for name in ([m.name for m in x.metrics] if x is self._kept else [x.name])]

    def give(self, compile: Callable[..., None]) -> None:
        """Compile the library's model."""
        loss = self._loss
        if self._loss_weights is not None:
            given = tree_leaves(self._loss_weights)
            loss = tree_pack(loss, [scaled(f, float(w)) for f, w in zip(tree_leaves(loss), given, strict=True)])
        if self.in_python:
            compile(self.optimizer, loss)
            return
        native = [[each.metric.native() for each in some] for some in (self._plain, self._weighted)]
        compile(self.optimizer, loss, native[0] or None, native[1] or None)

    def output_losses(self, y: Any, y_pred: Any, sample_weight: Any) -> dict[str, Any]:
        """Return the unweighted loss of each output of several, by the name under which it is reported."""
        trackers = self._output_trackers
        if not trackers:
            return {}
        parts = [trackers, tree_leaves(self._loss), tree_leaves_as(y_pred, y, "y"), tree_leaves(y_pred)]
        return {
            tracker.name: weighted_loss(loss, target, output, sample_weight)
            for tracker, loss, target, output in zip(*parts, strict=True)
            if tracker is not None
        }

    def track(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Update the losses of several outputs with rows."""
        found = self.output_losses(y, y_pred, sample_weight)
        for tracker in self._output_trackers:
            if tracker is not None:
                tracker.update_state(found[tracker.name], sample_weight=tree_leaves(y_pred)[0].shape[0])

    def update_state(self, y: Any, y_pred: Any, sample_weight: Any) -> None:
        """Update the compiled metrics with rows."""
        if self._kept.watched:
            self._kept.update_state(y, y_pred, sample_weight)


def watched(given: Any, names: list[str], weighted: bool) -> list[Watched]:
    """Return the metrics given to ``compile`` as a list; with several outputs, each name is prefixed with the output's name."""
    if len(names) < 2:
        if isinstance(given, (list, tuple)) and len(given) == 1 and isinstance(given[0], (list, tuple)):
            given = given[0]
        return [Watched(metric, metric.name, 0, weighted) for metric in tree_leaves(metrics.made(given))]
    each = list(given.values()) if isinstance(given, dict) else list(given or [])
    if each and len(each) != len(names):
        raise ArgumentError(
            f"metrics has {len(each)} entries for {len(names)} outputs. Give a list or dict with an entry for each output."
        )
    found = [(place, metric) for place, some in enumerate(each) for metric in tree_leaves(metrics.made(some))]
    return [Watched(metric, f"{names[place]}_{metric.name}", place, weighted) for place, metric in found]


def scaled(loss: Any, weight: float) -> Any:
    """Multiply a loss, either a number or a vector with one element per row, by a factor."""
    rows = by_row_of(loss)
    if not is_own(loss):
        return lambda target, prediction: loss(target, prediction) * weight
    return lambda target, prediction: rows(aligned(target, prediction), prediction) * weight


def no_loss(target: Any, prediction: Any) -> Tensor:
    """The loss of a model that is compiled without one, because it has penalties or a custom ``train_step``."""
    return as_tensor(sum(tree_leaves(prediction)[0]) * 0.0)
