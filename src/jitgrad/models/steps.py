"""The steps of a model, which a subclass may override. Names are Keras's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.layers.layer import Layer
from jitgrad.tape.gradient_tape import GradientTape

if TYPE_CHECKING:
    from jitgrad.models.costs import Compiled


class Steps(Layer):
    """The computations on a batch. A fit runs natively and calls only ``compute_loss``, unless another method is overridden."""

    _running: dict[str, Any] | None = None

    if TYPE_CHECKING:

        @property
        def chosen(self) -> Compiled: ...

    def train_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """Run one step on a batch. If it is overridden, ``fit`` calls it for each batch.

        Such a fit is a Python loop, which is many times slower than the native one.

        Parameters
        ----------
        data : tuple
            ``(x, y)`` or ``(x, y, sample_weight)``, with Tensors in the nesting of the data passed to `fit`.

        Returns
        -------
        dict of str to Tensor
            Metrics by name. A fit reports their means over the rows of an epoch.

        Examples
        --------
        >>> class Custom(jg.Sequential):
        ...     def train_step(self, data):
        ...         x, y = data
        ...         with jg.GradientTape() as tape:
        ...             loss = self.compute_loss(x, y, self(x, training=True))
        ...         weights = self.trainable_variables
        ...         self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        ...         return {"loss": loss}
        >>> model = Custom([jg.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> model.fit(np.ones((4, 2)), np.ones(4), epochs=3).epochs
        3
        """
        x, y, weight = _unpacked(data)
        with GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        chosen = self.trainable_variables
        self.chosen.optimizer.apply_gradients(zip(tape.gradient(loss, chosen), chosen, strict=True), cost=loss)
        return {"loss": loss, **self.compute_metrics(x, y, predicted, weight)}

    def test_step(self, data: tuple[Any, ...]) -> dict[str, Any]:
        """Evaluate a batch. If it is overridden, ``evaluate`` and ``fit`` call it for each batch.

        Parameters
        ----------
        data : tuple
            ``(x, y)`` or ``(x, y, sample_weight)``, with Tensors in the nesting of the data passed to `fit`.

        Returns
        -------
        dict of str to Tensor
            Metrics by name. A fit reports their means over the rows of an epoch.
        """
        x, y, weight = _unpacked(data)
        predicted = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        return {"loss": loss, **self.compute_metrics(x, y, predicted, weight)}

    def predict_step(self, data: Any) -> Any:
        """Compute the outputs for a batch. If it is overridden, ``predict`` calls it for each batch.

        Parameters
        ----------
        data : Tensor, or list or dict of Tensor
            Inputs of the batch.

        Returns
        -------
        Tensor, or list or dict of Tensor
            Outputs.
        """
        return self(data, training=False)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Compute the loss of a batch: the compiled loss plus the penalties of the layers.

        A subclass may override this method, and its fit stays native.

        Parameters
        ----------
        x : Tensor, or list or dict of Tensor
            Inputs of the batch.
        y : Tensor, or list or dict of Tensor
            Targets of the batch.
        y_pred : Tensor, or list or dict of Tensor
            Outputs of the model.
        sample_weight : Tensor, shape (rows,), optional
            Weight of each row.
        training : bool, default True
            Whether the loss is minimized.

        Returns
        -------
        Tensor
            The loss, a scalar.
        """
        loss = self.chosen.total_loss(y, y_pred, sample_weight)
        for penalty in self.losses:
            loss = loss + penalty
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Compute the compiled metrics over the batches since `reset_metrics`.

        If it is overridden, ``fit`` and ``evaluate`` call it for each batch, in a Python loop.

        Parameters
        ----------
        x : Tensor, or list or dict of Tensor
            Inputs of the batch.
        y : Tensor, or list or dict of Tensor
            Targets of the batch.
        y_pred : Tensor, or list or dict of Tensor
            Outputs of the model.
        sample_weight : Tensor, shape (rows,), optional
            Weight of each row.

        Returns
        -------
        dict of str to float
            Metrics by name.
        """
        running = {} if self._running is None else self._running
        chosen = self.chosen.metrics
        sums = self.chosen.sums(y, y_pred, sample_weight) if chosen else []
        for (name, _), made in zip(chosen, sums, strict=True):
            running[name] = running.get(name, 0.0) + np.asarray(made.detach(), np.float64)
        self._running = running
        return {name: value for name, value in self.metrics_so_far().items() if np.ndim(value) == 0}

    def batch_means(self, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Compute additional numbers of a batch. A fit reports their means over the rows, and stays native.

        Parameters
        ----------
        y : Tensor, or list or dict of Tensor
            Targets of the batch.
        y_pred : Tensor, or list or dict of Tensor
            Outputs of the model.
        sample_weight : Tensor, shape (rows,), optional
            Weight of each row.

        Returns
        -------
        dict of str to Tensor
            Scalars by name. By default, none.
        """
        return {}

    def reset_metrics(self) -> None:
        """Discard the batches that `compute_metrics` has accumulated."""
        self._running = None

    def metrics_so_far(self) -> dict[str, Any]:
        """Return the compiled metrics over the batches since `reset_metrics`.

        Returns
        -------
        dict of str to float or ndarray
            Metrics by name.
        """
        running = self._running or {}
        return {name: metric.result(running[name]) for name, metric in self.chosen.metrics if name in running}

    def has_own(self, *methods: str) -> bool:
        """Return whether one of these methods is overridden.

        Parameters
        ----------
        *methods : str
            Names of methods.

        Returns
        -------
        bool
            Whether one is overridden.
        """
        return any(name in vars(self) or getattr(type(self), name) is not getattr(Steps, name) for name in methods)


def _unpacked(data: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    x, y, *weights = data
    return x, y, weights[0] if weights else None
