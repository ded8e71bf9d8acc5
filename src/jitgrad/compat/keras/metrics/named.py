"""Keras's metrics by name."""

from __future__ import annotations

import functools
from typing import Any

from jitgrad import losses as library_losses
from jitgrad import metrics as library
from jitgrad.compat.keras.border import as_plain, is_plain, wrap
from jitgrad.compat.keras.metrics.metric import Counted
from jitgrad.compat.keras.names import snake_case
from jitgrad.errors import ArgumentError
from jitgrad.ops.elementwise import equal


class OfLibrary(Counted):
    """A metric of the library."""

    def __init__(self, metric: library.Metric) -> None:
        super().__init__(metric.name)
        self._metric = metric

    def make(self) -> library.Metric:
        return self._metric


class ByShape(Counted):
    """ "accuracy" and "crossentropy" in ``compile``, whose kind depends on the shapes of targets and predictions."""

    def make(self) -> library.Metric:
        if self.name in ("accuracy", "acc"):
            return library.Accuracy()
        raise ArgumentError(f"The metric {self.name!r} is not supported. Give the name of a specific cross-entropy.")


class Accuracy(Counted):
    """Fraction of predictions that are equal to their targets."""

    def make(self) -> library.Metric:
        return library.Mean(_same, self.name)


def _same(target: Any, prediction: Any) -> Any:
    return equal(target, prediction) * 1.0


class BinaryAccuracy(Counted):
    """Fraction of targets 0 and 1 that are equal to the thresholded predictions."""

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(name, dtype)
        self.threshold = threshold

    def make(self) -> library.Metric:
        return library.BinaryAccuracy(self.threshold)


class CategoricalAccuracy(Counted):
    """Fraction of rows whose largest prediction is in the position of the largest target."""

    def make(self) -> library.Metric:
        return library.CategoricalAccuracy()


class SparseCategoricalAccuracy(Counted):
    """Fraction of rows whose largest prediction is in the position of the true class."""

    def make(self) -> library.Metric:
        return library.SparseCategoricalAccuracy()


class TopKCategoricalAccuracy(Counted):
    """Fraction of rows in which the class of the target is among the ``k`` largest predictions."""

    def __init__(self, k: int = 5, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.k = k

    def make(self) -> library.Metric:
        return library.TopKCategoricalAccuracy(self.k)


class SparseTopKCategoricalAccuracy(TopKCategoricalAccuracy):
    """Fraction of rows in which the true class is among the ``k`` largest predictions."""

    def make(self) -> library.Metric:
        return library.SparseTopKCategoricalAccuracy(self.k)


class RootMeanSquaredError(Counted):
    """Root mean squared error."""

    def make(self) -> library.Metric:
        return library.RootMeanSquaredError()


class _OfLoss(Counted):
    """Mean of a loss."""

    loss: Any

    def options(self) -> dict[str, Any]:
        """Return the library's arguments."""
        return {}

    def make(self) -> library.Metric:
        return library.Mean(functools.partial(type(self).loss, **self.options()), self.name)


class MeanSquaredError(_OfLoss):
    """Mean squared error."""

    loss = library_losses.mean_squared_error


class MeanAbsoluteError(_OfLoss):
    """Mean absolute error."""

    loss = library_losses.mean_absolute_error


class LogCoshError(_OfLoss):
    """Mean of log(cosh(error))."""

    loss = library_losses.log_cosh
    short = "logcosh"


class Poisson(_OfLoss):
    """Mean of ``y_pred - y_true * log(y_pred)``."""

    loss = library_losses.poisson


class KLDivergence(_OfLoss):
    """Kullback-Leibler divergence."""

    loss = library_losses.kl_divergence


class Hinge(_OfLoss):
    """Mean of ``max(1 - y_true * y_pred, 0)``."""

    loss = library_losses.hinge


class MeanAbsolutePercentageError(_OfLoss):
    """Mean absolute error in percent of the target."""

    loss = library_losses.mean_absolute_percentage_error


class MeanSquaredLogarithmicError(_OfLoss):
    """Mean squared difference of log(1 + y)."""

    loss = library_losses.mean_squared_logarithmic_error


class SquaredHinge(_OfLoss):
    """Mean of ``max(1 - y_true * y_pred, 0) ** 2``."""

    loss = library_losses.squared_hinge


class CategoricalHinge(_OfLoss):
    """Mean of ``max(neg - pos + 1, 0)``."""

    loss = library_losses.categorical_hinge


class BinaryCrossentropy(_OfLoss):
    """Cross-entropy of targets 0 and 1."""

    loss = library_losses.binary_crossentropy

    def __init__(
        self, name: str | None = None, dtype: Any = None, from_logits: bool = False, label_smoothing: float = 0, axis: int = -1
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing

    def options(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}


class CategoricalCrossentropy(BinaryCrossentropy):
    """Cross-entropy of targets with a probability for each class."""

    loss = library_losses.categorical_crossentropy


class SparseCategoricalCrossentropy(_OfLoss):
    """Cross-entropy of integer classes."""

    loss = library_losses.sparse_categorical_crossentropy

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.from_logits = from_logits
        if ignore_class is not None:
            raise ArgumentError(
                "SparseCategoricalCrossentropy: ignore_class is not supported. Set the sample_weight of these rows to 0."
            )

    def options(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits}


def _function(kind: Any) -> Any:
    """Return a function that computes a metric for each row."""

    def function(y_true: Any, y_pred: Any, **options: Any) -> Any:
        rows = kind(**options).make().hits(as_plain(y_true), as_plain(y_pred))
        return rows if is_plain((y_true, y_pred)) else wrap(rows)

    function.__name__ = function.__qualname__ = snake_case(kind.__name__)
    function.__doc__ = f"{kind.__doc__} Whether, for each row."
    return function


categorical_accuracy = _function(CategoricalAccuracy)
sparse_categorical_accuracy = _function(SparseCategoricalAccuracy)
top_k_categorical_accuracy = _function(TopKCategoricalAccuracy)
sparse_top_k_categorical_accuracy = _function(SparseTopKCategoricalAccuracy)
FUNCTIONS = {
    "categorical_accuracy": categorical_accuracy,
    "sparse_categorical_accuracy": sparse_categorical_accuracy,
    "top_k_categorical_accuracy": top_k_categorical_accuracy,
    "sparse_top_k_categorical_accuracy": sparse_top_k_categorical_accuracy,
}
CLASSES = [
    name for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, Counted) and value.__module__ == __name__
    and name not in ("OfLibrary", "ByShape", "_OfLoss")
]  # fmt: skip
__all__ = [*CLASSES, *FUNCTIONS]
