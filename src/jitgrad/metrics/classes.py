"""What is counted by classes: the confusion matrix, and scores made of it."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from jitgrad.arguments import count, number
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.extremes import argmax
from jitgrad.functions.products import matmul
from jitgrad.functions.shapes import expand_dims, reshape, transpose
from jitgrad.metrics.metric import Metric, ratio
from jitgrad.metrics.targets import kind_of, known_classes, largest, one_hot
from jitgrad.ops.elementwise import greater
from jitgrad.tape.tensor import Tensor


class ConfusionMatrix(Metric):
    """How many rows of each class, down, were taken for each class, across.

    One number a row is class 1 above ``threshold``, 0.5 by default; of several the largest tells the class.
    """

    def __init__(self, threshold: float | None = None, name: str = "confusion_matrix") -> None:
        self.threshold, self.name = None if threshold is None else number("threshold", threshold), name

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        if kind_of(target, prediction) == "binary":
            n, pairs = 2, ((target, 0.5), (prediction, 0.5 if self.threshold is None else self.threshold))
            true, taken = (one_hot(greater(reshape(x, (x.size,)), at), n) for x, at in pairs)
        elif self.threshold is not None:
            raise ArgumentError(
                f"{self.name}: threshold is {self.threshold}, and of predictions of shape {prediction.shape} the largest in a "
                f"row tells its class. Leave threshold out, or give one number a row."
            )
        else:
            n = prediction.shape[-1]
            hot = target.shape == prediction.shape
            known = largest(self.name, target) if hot else known_classes(self.name, target, prediction)
            true, taken = one_hot(known, n) + expand_dims(known * 0.0, -1), one_hot(argmax(prediction, -1), n)
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
            occur. "weighted" weighs them by their rows, "micro" counts all of them together. "each": an array of the scores.
        class_id: the class whose score it is, instead of an average.
        threshold: see ConfusionMatrix.
    """

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str | None = None, class_id: int | None = None
    ) -> None:
        super().__init__(threshold, name or type(self).__name__.lower())
        if average not in (None, "macro", "weighted", "micro", "each"):
            raise ArgumentError(f"average is {average!r}. Use 'macro', 'weighted', 'micro' or 'each', or leave it out.")
        if average is not None and class_id is not None:
            raise ArgumentError(f"{self.name}: average is {average!r} and class_id {class_id}. Give one of them.")
        self.average, self.class_id = average, None if class_id is None else count("class_id", class_id, 0)

    def result(self, sums: np.ndarray) -> Any:
        matrix = super().result(sums)
        hits, taken, true = matrix.diagonal(), matrix.sum(0), matrix.sum(1)
        if self.average == "micro":
            return float(self.score(hits.sum(), taken.sum(), true.sum()))
        scores = self.score(hits, taken, true)
        if self.average == "each":
            return scores
        if self.class_id is not None:
            if self.class_id >= len(scores):
                raise ArgumentError(f"{self.name}: class_id is {self.class_id}, and there are {len(scores)} classes. Give one.")
            return float(scores[self.class_id])
        if self.average is None and len(scores) == 2:
            return float(scores[1])
        if self.average == "weighted":
            return ratio(float(scores @ true), float(true.sum()))
        there = taken + true != 0  # and nan
        return ratio(float(scores[there].sum()), there.sum())

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
