"""Metrics: what is told about a model beside its loss: sums over rows, which the native loop gathers, and their meaning.

``metric(target, prediction, sample_weight)`` gives its value for arrays. Names are Keras's, meanings of scores scikit-learn's.
"""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad import losses
from jitgrad.arguments import Described, by_name, count, number
from jitgrad.errors import ArgumentError, DataError, ShapeError
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import argmax, mean, sum
from jitgrad.functions.shapes import concatenate, expand_dims, reshape, stack, transpose
from jitgrad.losses import aligned, alike, classes_of
from jitgrad.ops.elementwise import equal, greater, greater_equal, less, square, where
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import checked
from jitgrad.tape.variable import WeakVariable


class Metric(Described, ABC):
    """Base class."""

    name: str

    @abstractmethod
    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        """What is summed over batches, of one axis: of rows of targets and predictions, and a weight a row."""

    def prepare(self, target: np.ndarray) -> None:
        """See the targets, or the first batch of them, before the sums are computed."""

    @abstractmethod
    def result(self, sums: np.ndarray) -> Any:
        """The metric, a float or an array, from the sums over all batches, float64."""

    def __call__(self, target: Any, prediction: Any, sample_weight: Any = None) -> Any:
        """The metric of arrays."""
        predicted = as_tensor(prediction)
        self.prepare(np.asarray(target))
        rows = predicted.shape[0]
        weight = as_tensor(np.ones(rows) if sample_weight is None else sample_weight)
        if weight.shape != (rows,):
            raise ShapeError(f"{self.name}: sample_weight has shape {weight.shape} for {rows} rows. Give one a row.")
        return self.result(np.asarray(self.sums(as_tensor(target), predicted, weight), np.float64))


class Mean(Metric):
    """The weighted mean over rows of a function of a target and a prediction that returns a number a row, as a loss's."""

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        self.function = function
        self.name = name or losses.name_of(function)

    def by_row(self, target: Tensor, prediction: Tensor) -> Tensor:
        """The numbers of the rows."""
        made = as_tensor(losses.by_row_of(self.function)(aligned(target, prediction), prediction))
        if not made.ndim:
            raise ArgumentError(f"The metric {self.name} returns one number for all rows. Return one a row.")
        return mean(reshape(made, (made.shape[0], -1)), -1)

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        return stack([sum(self.by_row(target, prediction) * weight), sum(weight)])

    def result(self, sums: np.ndarray) -> Any:
        return _ratio(sums[0], sums[1])


class RootMeanSquaredError(Mean):
    """The root of the mean of squared errors."""

    def __init__(self, name: str = "rmse") -> None:
        super().__init__(losses.mean_squared_error, name)

    def result(self, sums: np.ndarray) -> Any:
        return math.sqrt(super().result(sums))


class _Hits(Mean):
    """The part of the rows for which something is true."""

    def __init__(self, name: str) -> None:
        super().__init__(self.hits, name)

    @abstractmethod
    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Whether it is true, for each row or element."""


class BinaryAccuracy(_Hits):
    """The part of targets 0 and 1 on whose side of ``threshold`` the prediction is."""

    def __init__(self, threshold: float = 0.5, name: str = "binary_accuracy") -> None:
        super().__init__(name)
        self.threshold = number("threshold", threshold)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        alike(self.name, target, prediction)
        return equal(greater(prediction, self.threshold), greater(target, 0.5)) * 1.0


class CategoricalAccuracy(_Hits):
    """The part of rows whose largest prediction is where the largest target is."""

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        alike(self.name, target, prediction)
        return equal(argmax(target, -1), argmax(prediction, -1)) * 1.0


class SparseCategoricalAccuracy(_Hits):
    """The part of rows whose largest prediction is that of the class, an integer from 0 on."""

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        return equal(_classes(self.name, target, prediction), argmax(prediction, -1)) * 1.0


class Accuracy(_Hits):
    """Binary, categorical or sparse categorical accuracy, as the shapes of targets and predictions ask for."""

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        kinds: dict[str, _Hits] = {
            "binary": BinaryAccuracy(),
            "sparse": SparseCategoricalAccuracy(),
            "categorical": CategoricalAccuracy(),
        }
        return kinds[_kind(target, prediction)].hits(target, prediction)


class SparseTopKCategoricalAccuracy(_Hits):
    """The part of rows in which fewer than ``k`` classes have a larger prediction than the class, an integer from 0 on."""

    def __init__(self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy") -> None:
        super().__init__(name)
        self.k = count("k", k)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        own = sum(prediction * _one_hot(_classes(self.name, target, prediction), prediction.shape[-1]), -1, keepdims=True)
        return (sum(greater(prediction, own), -1) < self.k) * 1.0


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """The same where targets have a number for each class."""

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy") -> None:
        super().__init__(k, name)

    def hits(self, target: Tensor, prediction: Tensor) -> Tensor:
        alike(self.name, target, prediction)
        return super().hits(argmax(target, -1), prediction)


class ConfusionMatrix(Metric):
    """How many rows of each class, down, were taken for each class, across.

    One number a row is class 1 above ``threshold``, 0.5 by default; of several the largest tells the class.
    """

    def __init__(self, threshold: float | None = None, name: str = "confusion_matrix") -> None:
        self.threshold, self.name = None if threshold is None else number("threshold", threshold), name

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        if _kind(target, prediction) == "binary":
            n, pairs = 2, ((target, 0.5), (prediction, 0.5 if self.threshold is None else self.threshold))
            true, taken = (_one_hot(greater(reshape(x, (x.size,)), at), n) for x, at in pairs)
        elif self.threshold is not None:
            raise ArgumentError(
                f"{self.name}: threshold is {self.threshold}, and of predictions of shape {prediction.shape} the largest in a "
                f"row tells its class. Leave threshold out, or give one number a row."
            )
        else:
            n = prediction.shape[-1]
            hot = target.shape == prediction.shape
            known = _largest(self.name, target) if hot else _classes(self.name, target, prediction)
            true, taken = _one_hot(known, n) + expand_dims(known * 0.0, -1), _one_hot(argmax(prediction, -1), n)
        if true.ndim != 2:
            raise ShapeError(f"{self.name}: predictions have shape {prediction.shape}. Give one row of numbers an example.")
        return reshape(matmul(transpose(true), taken * expand_dims(weight, -1)), (n * n,))

    def result(self, sums: np.ndarray) -> Any:
        n = math.isqrt(len(sums))
        return sums.reshape(n, n)


class _Score(ConfusionMatrix):
    """A number of a confusion matrix for each class, and their average.

    Args:
        average: by default the score of class 1 where there are two classes, else "macro", the mean over the classes that
            occur. "weighted" weighs them by their rows, "micro" counts all of them together.
        threshold: see ConfusionMatrix.
    """

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = None) -> None:
        super().__init__(threshold, name or type(self).__name__.lower())
        if average not in (None, "macro", "weighted", "micro"):
            raise ArgumentError(f"average is {average!r}. Use 'macro', 'weighted' or 'micro', or leave it out.")
        self.average = average

    def result(self, sums: np.ndarray) -> Any:
        matrix = super().result(sums)
        hits, taken, true = matrix.diagonal(), matrix.sum(0), matrix.sum(1)
        if self.average == "micro":
            return float(self.score(hits.sum(), taken.sum(), true.sum()))
        scores = self.score(hits, taken, true)
        if self.average is None and len(scores) == 2:
            return float(scores[1])
        if self.average == "weighted":
            return _ratio(float(scores @ true), float(true.sum()))
        there = taken + true != 0  # and nan
        return _ratio(float(scores[there].sum()), there.sum())

    @staticmethod
    @abstractmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        """Of the numbers of rows that were right, taken for the class, and of the class."""


class Precision(_Score):
    """Of the rows taken for a class, the part that is of it; 0 where there are none."""

    @staticmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        return hits / np.maximum(taken, 1e-300)


class Recall(_Score):
    """Of the rows of a class, the part that was taken for it; 0 where there are none."""

    @staticmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        return hits / np.maximum(true, 1e-300)


class F1(_Score):
    """The harmonic mean of precision and recall."""

    @staticmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        return 2 * hits / np.maximum(taken + true, 1e-300)


class AUC(Metric):
    """The area under the receiver's operating curve of targets 0 and 1, from the curve at so many thresholds.

    Predictions are probabilities, one a row or of two classes; where one is not from 0 to 1 the area is nan. Half of the
    thresholds are spread over 0 to 1, half over the logits from -16 to 16, and between two the curve is a straight line.
    Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982.
    """

    def __init__(self, thresholds: int = 200, name: str = "auc") -> None:
        self.thresholds, self.name = count("thresholds", thresholds, 4), name
        half = self.thresholds // 2
        logits = np.linspace(-16, 16, self.thresholds - half)
        self._at = np.sort(np.concatenate([np.linspace(0, 1, half), 1 / (1 + np.exp(-logits))]))

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        if prediction.ndim == 2 and prediction.shape[1] == 2:
            target = _largest(self.name, target) if target.shape == prediction.shape else target
            prediction = prediction[:, 1]
        if prediction.size != prediction.shape[0]:
            raise ShapeError(f"auc: predictions have shape {prediction.shape}. Give one number a row, or two classes.")
        rows = prediction.size
        p = reshape(prediction, (rows, 1))
        above = greater_equal(p, self._at) * 1.0
        positive = greater(reshape(target, (rows,)), 0.5) * weight
        found = matmul(stack([positive, weight - positive]), above)
        outside = sum(less(p, 0.0)) + sum(greater(p, 1.0))
        return concatenate([reshape(found, (2 * self.thresholds,)), stack([sum(positive), sum(weight), outside])])

    def result(self, sums: np.ndarray) -> Any:
        *_, positives, total, outside = sums
        if outside:
            return math.nan
        hits, alarms = sums[:-3].reshape(2, -1)
        x, y = (np.append(np.insert(a, 0, n), 0.0) for a, n in ((alarms, total - positives), (hits, positives)))
        return _ratio(float(np.sum((x[:-1] - x[1:]) * (y[:-1] + y[1:]) / 2)), positives * (total - positives))


class R2(Metric):
    """The part of the targets' variance that is explained, the mean over the columns; nan where they do not vary.

    Targets are summed less a number near their mean, so that what they have in common costs no digits.
    """

    def __init__(self, name: str = "r2") -> None:
        self.name = name
        self._near = WeakVariable(0.0, "near")

    def prepare(self, target: np.ndarray) -> None:
        self._near.store(np.mean(target))

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        y = aligned(target, prediction)
        alike(self.name, y, prediction)
        y, p = (reshape(x, (x.shape[0], -1)) for x in (y, prediction))
        w, near = reshape(weight, (1, -1)), y - self._near
        parts = [matmul(w, x) for x in (y * 0.0 + 1.0, near, square(near), square(y - p))]
        return reshape(concatenate(parts, -1), (-1,))

    def result(self, sums: np.ndarray) -> Any:
        n, total, squares, errors = sums.reshape(4, -1)
        spread = squares - total**2 / n
        return float(np.mean(np.where(spread > 0, 1 - errors / np.where(spread > 0, spread, 1), np.nan)))


METRICS: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy, "acc": Accuracy, "binary_accuracy": BinaryAccuracy, "categorical_accuracy": CategoricalAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy, "top_k_categorical_accuracy": TopKCategoricalAccuracy,
    "sparse_top_k_categorical_accuracy": SparseTopKCategoricalAccuracy, "precision": Precision, "recall": Recall, "f1": F1,
    "auc": AUC, "r2": R2, "rmse": RootMeanSquaredError, "confusion_matrix": ConfusionMatrix,
}  # fmt: skip
_BY_NAME = METRICS | {name: functools.partial(Mean, loss) for name, loss in losses.LOSSES.items()}


def get(metric: Any) -> Metric:
    """A metric by name or that of a loss, or a metric itself, or a function of target and prediction that gives a number a row.

    Raises ArgumentError for an unknown name.
    """
    if isinstance(metric, type) and issubclass(metric, Metric):
        metric = metric()
    if isinstance(metric, Metric):
        return metric
    if callable(metric):
        return Mean(metric)
    made = by_name("metric", metric, _BY_NAME)()
    made.name = metric
    return made


def _kind(target: Tensor, prediction: Tensor) -> str:
    """Which kind of classification: "binary", "categorical" or "sparse"."""
    if prediction.ndim < 2 or prediction.shape[-1] == 1:
        return "binary"
    return "categorical" if target.shape == prediction.shape else "sparse"


def _classes(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """One class a row. Raises DataError for a number that is none."""
    classes = classes_of(name, target, prediction)
    told: Tensor = losses.meaningful("sparse_categorical_crossentropy", classes, prediction, classes)
    return told


def _largest(name: str, target: Tensor) -> Tensor:
    """The class of each row of targets with a number for each class: that of the largest.

    Raises DataError for a row with several that are equally large, where it is known; else its class is nan.
    """
    classes = argmax(target, -1) * 1.0
    if checked(target, functools.partial(_check_one_largest, name), "The target"):
        return classes
    return where(greater(_times_largest(target), 1), math.nan, classes)


def _times_largest(target: Any) -> Any:
    """How often the largest number of each row is in it."""
    return np.sum(np.equal(target, np.max(target, axis=-1, keepdims=True)), axis=-1)


def _check_one_largest(metric: str, name: str, target: np.ndarray) -> None:
    rows = np.argwhere(_times_largest(target) > 1)
    if len(rows):
        raise DataError(
            f"{name} has several classes in row {rows[0][0]}, and {metric} counts one class a row. "
            f"Give one class a row, or compute the metric for each column."
        )


def _one_hot(classes: Tensor, n: int) -> Tensor:
    return equal(expand_dims(classes, -1), np.arange(n)) * 1.0


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan
