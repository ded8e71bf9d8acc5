"""The steps of a model, which a subclass may do in its own way; the names are Keras's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.layers.layer import Layer
from jitgrad.tape.gradient_tape import GradientTape

if TYPE_CHECKING:
    from jitgrad.models.costs import Compiled


class Steps(Layer):
    """What is done with a batch. A fit is native, and calls none of these but ``compute_loss``, unless they are overridden."""

    _running: dict[str, Any] | None = None

    if TYPE_CHECKING:

        @property
        def chosen(self) -> Compiled: ...

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """One step on a batch; returns metrics by name. Where it is overridden, ``fit`` calls it for each batch.

        A fit that does so is a loop in Python, many times slower than the native one.

        Args:
            data: ``(x, y)`` or ``(x, y, sample_weight)``, Tensors in their nesting.

        Returns:
            Numbers by name. ``fit`` reports their means over the rows of an epoch.

        Example:
            >>> class Own(Sequential):
            ...     def train_step(self, data):
            ...         x, y = data
            ...         with GradientTape() as tape:
            ...             loss = self.compute_loss(x, y, self(x, training=True))
            ...         chosen = self.trainable_variables
            ...         self.optimizer.apply_gradients(zip(tape.gradient(loss, chosen), chosen))
            ...         return {"loss": loss}
        """
        x, y, weight = _unpacked(data)
        with GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        chosen = self.trainable_variables
        self.chosen.optimizer.apply_gradients(zip(tape.gradient(loss, chosen), chosen, strict=True))
        return {"loss": loss, **self.compute_metrics(x, y, predicted, weight)}

    def test_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """The metrics of a batch that is evaluated. Where it is overridden, ``evaluate`` and ``fit`` call it.

        Arguments and result are ``train_step``'s.
        """
        x, y, weight = _unpacked(data)
        predicted = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        return {"loss": loss, **self.compute_metrics(x, y, predicted, weight)}

    def predict_step(self, data: Any) -> Any:
        """The results for a batch of inputs. Where it is overridden, ``predict`` calls it for each batch."""
        return self(data, training=False)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """The loss of a batch: what ``compile`` chose, and the layers' penalties. A fit stays native where it is overridden."""
        loss = self.chosen.total_loss(y, y_pred, sample_weight)
        for penalty in self.losses:
            loss = loss + penalty
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """The compiled metrics by name, over the batches since ``reset_metrics``. Where it is overridden, ``fit`` and
        ``evaluate`` go step by step in Python, as for ``train_step``."""
        running = {} if self._running is None else self._running
        chosen = self.chosen.metrics
        sums = self.chosen.sums(y, y_pred, sample_weight) if chosen else []
        for (name, _), made in zip(chosen, sums, strict=True):
            running[name] = running.get(name, 0.0) + np.asarray(made.detach(), np.float64)
        self._running = running
        return {name: value for name, value in self.metrics_so_far().items() if np.ndim(value) == 0}

    def batch_means(self, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Further numbers of a batch by name, of which a fit reports the means over the rows; a fit stays native with them."""
        return {}

    def reset_metrics(self) -> None:
        """Forget the batches that ``compute_metrics`` has seen."""
        self._running = None

    def metrics_so_far(self) -> dict[str, Any]:
        """The compiled metrics over the batches that ``compute_metrics`` has seen since ``reset_metrics``."""
        running = self._running or {}
        return {name: metric.result(running[name]) for name, metric in self.chosen.metrics if name in running}

    def has_own(self, *methods: str) -> bool:
        """Whether one of these is overridden."""
        return any(name in vars(self) or getattr(type(self), name) is not getattr(Steps, name) for name in methods)


def _unpacked(data: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    x, y, *weights = data
    return x, y, weights[0] if weights else None
