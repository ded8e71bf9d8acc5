"""The base class of Keras's callbacks."""

from __future__ import annotations

from typing import Any


class Callback:
    """Base class. Subclasses override methods; ``self.model`` is the model, ``self.params`` has "epochs" and "steps".

    If a subclass defines batch methods, the model runs step by step, which is slower than the native loop.
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}

    _model: Any = None

    @property
    def model(self) -> Any:
        """The model being fitted."""
        return self._model

    def set_model(self, model: Any) -> None:
        """Called before a fit with the model."""
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called before a fit with the parameters."""
        self.params = params

    def on_train_begin(self, logs: Any = None) -> None:
        """Called before a fit."""

    def on_train_end(self, logs: Any = None) -> None:
        """Called after a fit."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Called before an epoch; the first one is 0."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called after an epoch, with its metrics."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Alias of ``on_train_batch_begin``."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Alias of ``on_train_batch_end``."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a batch of a fit."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a batch of a fit, with the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Called before an evaluation."""

    def on_test_end(self, logs: Any = None) -> None:
        """Called after an evaluation, with its metrics."""

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a batch of an evaluation, with the metrics so far."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Called before a prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """Called after a prediction."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Called before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Called after a batch of a prediction, with the batch's "outputs"."""


class History(Callback):
    """The metrics of each epoch, returned by ``fit``.

    Attributes
    ----------
    epoch : list of int
        The numbers of the epochs.
    history : dict of str to list of float
        The metrics by name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
