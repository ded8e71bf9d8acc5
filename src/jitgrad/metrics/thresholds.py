"""What is counted of targets 0 and 1, element by element, for predictions above one threshold or many; names are Keras's."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import count, in_unit_interval, number
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.extremes import max
from jitgrad.functions.joining import concatenate, stack
from jitgrad.functions.products import matmul
from jitgrad.functions.rearranging import repeat
from jitgrad.functions.reductions import sum
from jitgrad.functions.selection import top_k
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.losses import aligned, alike
from jitgrad.metrics.metric import Metric
from jitgrad.ops.elementwise import abs, equal, greater, greater_equal
from jitgrad.tape.tensor import Tensor


class Counts(NamedTuple):
    """How many elements are taken for 1 and are it, are not it, and so on: arrays of one for each threshold."""

    true_positives: np.ndarray
    false_positives: np.ndarray
    true_negatives: np.ndarray
    false_negatives: np.ndarray


class _Counted(Metric):
    """A number made of ``Counts``.

    Args:
        thresholds: one or several, whose results are then an array; 0.5 by default, or with ``top_k`` none.
        top_k: whether an element must be among so many largest of its row to be taken for 1.
        class_id: the column that is counted alone.
    """

    def __init__(
        self, name: str, thresholds: float | Sequence[float] | None, top_k: int | None = None, class_id: int | None = None
    ) -> None:
        self.name = name
        self.top_k = None if top_k is None else count("top_k", top_k)
        self.class_id = None if class_id is None else count("class_id", class_id, 0)
        least = 0.5 if top_k is None else -np.inf
        given = [least] if thresholds is None else np.ravel(thresholds).tolist()
        self.thresholds = np.array([number("a threshold", x) if thresholds is not None else x for x in given])
        self._is_one = thresholds is None or np.ndim(thresholds) == 0

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        target = aligned(target, prediction)
        alike(self.name, target, prediction)
        if self.top_k is not None:
            _, places = top_k(prediction, self.top_k)
            chosen = sum(equal(expand_dims(places, -1), np.arange(prediction.shape[-1])) * 1.0, -2)
            prediction = prediction - (1.0 - chosen) * 1e10
        if self.class_id is not None:
            if prediction.ndim < 2 or self.class_id >= prediction.shape[-1]:
                raise ShapeError(
                    f"{self.name}: class_id is {self.class_id}, and predictions have shape {prediction.shape}. Give another."
                )
            target, prediction = target[..., self.class_id], prediction[..., self.class_id]
        return counted(target, prediction, weight, np.maximum(self.thresholds, -1e9))

    def result(self, sums: np.ndarray) -> Any:
        found = self.of(counts_of(sums))
        return float(found[0]) if self._is_one else found

    @abstractmethod
    def of(self, counts: Counts) -> np.ndarray:
        """The metric for each threshold."""


def counted(target: Tensor, prediction: Tensor, weight: Tensor, thresholds: np.ndarray) -> Tensor:
    """Sums that ``counts_of`` makes Counts of; the weights are the rows'."""
    n = prediction.size
    weights = repeat(weight, n // prediction.shape[0], 0) if n else weight
    above = greater(reshape(prediction, (n, 1)), thresholds) * 1.0
    positive = greater(reshape(target, (n,)), 0.5) * weights
    found = matmul(stack([positive, weights - positive]), above)
    return concatenate([reshape(found, (2 * len(thresholds),)), stack([sum(positive), sum(weights)])])


def counts_of(sums: np.ndarray) -> Counts:
    """Sums of ``counted``."""
    *_, positives, total = sums
    hits, alarms = sums[:-2].reshape(2, -1)
    return Counts(hits, alarms, total - positives - alarms, positives - hits)


def parts(part: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Parts of what they and a rest are together; 0 where that is nothing."""
    whole = part + rest
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


class TruePositives(_Counted):
    """How many elements of target 1 have a prediction above the threshold, see ``thresholds``."""

    field = "true_positives"

    def __init__(self, thresholds: float | Sequence[float] | None = None, name: str | None = None) -> None:
        super().__init__(name or self.field, thresholds)

    def of(self, counts: Counts) -> np.ndarray:
        found: np.ndarray = getattr(counts, self.field)
        return found


class FalsePositives(TruePositives):
    """How many elements of target 0 have a prediction above the threshold."""

    field = "false_positives"


class TrueNegatives(TruePositives):
    """How many elements of target 0 have none."""

    field = "true_negatives"


class FalseNegatives(TruePositives):
    """How many elements of target 1 have none."""

    field = "false_negatives"


class ElementPrecision(_Counted):
    """Of the elements that are taken for 1, the part that is it; 0 where there are none. ``Precision`` is that of rows.

    Arguments are those of ``thresholds``: thresholds, top_k, class_id.
    """

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, top_k: int | None = None, class_id: int | None = None,
        name: str = "precision",
    ) -> None:  # fmt: skip
        super().__init__(name, thresholds, top_k, class_id)

    def of(self, counts: Counts) -> np.ndarray:
        return parts(counts.true_positives, counts.false_positives)


class ElementRecall(_Counted):
    """Of the elements that are 1, the part that is taken for it; 0 where there are none. ``Recall`` is that of rows.

    Arguments are ElementPrecision's.
    """

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, top_k: int | None = None, class_id: int | None = None,
        name: str = "recall",
    ) -> None:  # fmt: skip
        super().__init__(name, thresholds, top_k, class_id)

    def of(self, counts: Counts) -> np.ndarray:
        return parts(counts.true_positives, counts.false_negatives)


class _Best(_Counted):
    """The largest of one number over even thresholds from 0 to 1 where another is at least a value; 0 where it is nowhere."""

    def __init__(self, name: str, value: float, num_thresholds: int, class_id: int | None) -> None:
        self.num_thresholds = count("num_thresholds", num_thresholds)
        super().__init__(name, [0.5] if num_thresholds == 1 else np.linspace(0, 1, num_thresholds).tolist(), None, class_id)
        self.value = value if value == 1 else in_unit_interval("the value", value)

    def result(self, sums: np.ndarray) -> Any:
        wanted, bound = self.both(counts_of(sums))
        fits = bound >= self.value
        return float(wanted[fits].max()) if fits.any() else 0.0

    def of(self, counts: Counts) -> np.ndarray:
        return self.both(counts)[0]

    @abstractmethod
    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        """What is to be large, and what has the bound."""


def _recall(counts: Counts) -> np.ndarray:
    return parts(counts.true_positives, counts.false_negatives)


def _specificity(counts: Counts) -> np.ndarray:
    return parts(counts.true_negatives, counts.false_positives)


def _precision(counts: Counts) -> np.ndarray:
    return parts(counts.true_positives, counts.false_positives)


class SensitivityAtSpecificity(_Best):
    """The largest sensitivity (recall) where the specificity, the part of 0 that is taken for it, is at least so large."""

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str = "sensitivity_at_specificity",
    ) -> None:  # fmt: skip
        super().__init__(name, specificity, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        return _recall(counts), _specificity(counts)


class SpecificityAtSensitivity(_Best):
    """The largest specificity where the sensitivity is at least so large."""

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str = "specificity_at_sensitivity",
    ) -> None:  # fmt: skip
        super().__init__(name, sensitivity, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        return _specificity(counts), _recall(counts)


class PrecisionAtRecall(_Best):
    """The largest precision where the recall is at least so large."""

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str = "precision_at_recall"
    ) -> None:
        super().__init__(name, recall, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        return _precision(counts), _recall(counts)


class RecallAtPrecision(_Best):
    """The largest recall where the precision is at least so large."""

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str = "recall_at_precision"
    ) -> None:
        super().__init__(name, precision, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        return _recall(counts), _precision(counts)


class FBeta(Metric):
    """For each column of targets 0 and 1, (1 + β²)·precision·recall / (β²·precision + recall), as Keras has it.

    Args:
        average: None for an array of a score for each column; "macro" for their mean, "weighted" for that by how many are 1,
            "micro" to count all together.
        beta: β: how many times as much as precision recall counts.
        threshold: predictions above it are taken for 1; by default the largest of each row.
    """

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None, name: str = "fbeta_score"
    ) -> None:
        if average not in (None, "macro", "weighted", "micro"):
            raise ArgumentError(f"average is {average!r}. Use 'macro', 'weighted' or 'micro', or leave it out.")
        self.average, self.name, self.beta = average, name, number("beta", beta)
        self.threshold = None if threshold is None else number("threshold", threshold)

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        alike(self.name, target, prediction)
        if prediction.ndim != 2:
            raise ShapeError(f"{self.name}: predictions have shape {prediction.shape}. Give a row of columns an example.")
        if self.threshold is None:
            top = max(prediction, -1, keepdims=True)
            taken = greater_equal(prediction, top) * greater(abs(prediction), 1e-9) * 1.0
        else:
            taken = greater(prediction, self.threshold) * 1.0
        weights = expand_dims(weight, -1)
        return reshape(stack([sum(x * weights, 0) for x in (target * taken, taken, target * 1.0)]), (-1,))

    def result(self, sums: np.ndarray) -> Any:
        hits, taken, true = sums.reshape(3, -1)
        if self.average == "micro":
            hits, taken, true = hits.sum(), taken.sum(), true.sum()
        precision, recall = hits / (taken + _TINY), hits / (true + _TINY)
        scores = precision * recall / (self.beta**2 * precision + recall + _TINY) * (1 + self.beta**2)
        if self.average == "weighted":
            return float(scores @ (true / (true.sum() + _TINY)))
        return scores if self.average is None else float(scores.mean())


_TINY = 1e-7  # what Keras keeps divisions from failing with
