"""The confusion matrix and scores computed from it."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, Literal, TypeAlias

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

Average: TypeAlias = Literal["macro", "weighted", "micro", "each"]
"""The ways to combine the scores of classes."""


class ConfusionMatrix(Metric):
    """Confusion matrix: the number of rows by true class (first axis) and predicted class (second axis).

    Parameters
    ----------
    threshold : float, optional
        Predictions above the threshold count as class 1 if there is one prediction per row. The default is 0.5. If there is
        one prediction per class, the largest determines the class, and `threshold` is not allowed.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    Examples
    --------
    >>> matrix = jg.metrics.ConfusionMatrix()
    >>> matrix([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.1])
    array([[2., 0.],
           [1., 1.]])
    """

    def __init__(self, threshold: float | None = None, name: str = "confusion_matrix") -> None:
        self.threshold, self.name = None if threshold is None else number("threshold", threshold), name

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        """Compute the elements of the confusion matrix of a batch.

        Parameters
        ----------
        target : Tensor, shape (rows, ...)
            True values of a batch.
        prediction : Tensor, shape (rows, ...)
            Predicted values of a batch.
        weight : Tensor, shape (rows,)
            Weight of each row.

        Returns
        -------
        Tensor, shape (n,)
            Sums over the rows of the batch, added up over batches.
        """
        if kind_of(target, prediction) == "binary":
            n, pairs = 2, ((target, 0.5), (prediction, 0.5 if self.threshold is None else self.threshold))
            true, taken = (one_hot(greater(reshape(x, (x.size,)), at), n) for x, at in pairs)
        elif self.threshold is not None:
            raise ArgumentError(
                f"{self.name}: threshold is {self.threshold}, but predictions have shape {prediction.shape}, so the largest "
                f"prediction of a row determines its class. Omit threshold, or give one number per row."
            )
        else:
            n = prediction.shape[-1]
            hot = target.shape == prediction.shape
            known = largest(self.name, target) if hot else known_classes(self.name, target, prediction)
            true, taken = one_hot(known, n) + expand_dims(known * 0.0, -1), one_hot(argmax(prediction, -1), n)
        if true.ndim != 2:
            raise ShapeError(f"{self.name}: predictions have shape {prediction.shape}. Give one row per example.")
        return reshape(matmul(transpose(true), taken * expand_dims(weight, -1)), (n * n,))

    def result(self, sums: np.ndarray) -> Any:
        """Return the confusion matrix.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        ndarray of float64, shape (classes, classes)
            Weighted numbers of rows; true classes along the first axis.
        """
        n = math.isqrt(len(sums))
        return sums.reshape(n, n)


class _Score(ConfusionMatrix):
    """Base class of scores that are computed from a confusion matrix for each class and averaged."""

    def __init__(
        self,
        average: Average | None = None,
        threshold: float | None = None,
        name: str | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(threshold, name or type(self).__name__.lower())
        if average not in (None, "macro", "weighted", "micro", "each"):
            raise ArgumentError(f"average is {average!r}. Use 'macro', 'weighted', 'micro' or 'each', or omit it.")
        if average is not None and class_id is not None:
            raise ArgumentError(f"{self.name}: average is {average!r} and class_id is {class_id}. Give only one of them.")
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
                raise ArgumentError(
                    f"{self.name}: class_id is {self.class_id}, and there are {len(scores)} classes. Give one of them."
                )
            return float(scores[self.class_id])
        if self.average is None and len(scores) == 2:
            return float(scores[1])
        if self.average == "weighted":
            return ratio(float(scores @ true), float(true.sum()))
        there = taken + true != 0  # a class whose score is nan counts as occurring
        return ratio(float(scores[there].sum()), there.sum())

    @staticmethod
    @abstractmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        """Return the score from the numbers of correct rows, predicted rows and true rows of each class."""


class Precision(_Score):
    """Precision: the fraction of the rows predicted to be in a class that are in it; 0 if there are none.

    Parameters
    ----------
    average : {"macro", "weighted", "micro", "each"}, optional
        How to combine the scores of the classes. By default, the score of class 1 if there are two classes, else
        "macro".

        - "macro": the mean over the classes that occur.
        - "weighted": the mean weighted by the number of rows of each class.
        - "micro": one score from the counts of all classes together.
        - "each": an array with the score of each class.
    threshold : float, optional
        Predictions above it count as class 1 if there is one prediction per row. The default is 0.5.
    name : str, optional
        Name of the metric in the history and the logs of a fit.
    class_id : int, optional
        Class whose score is returned instead of an average.

    Raises
    ------
    ArgumentError
        If `average` is unknown, or is combined with `class_id`.

    See Also
    --------
    Recall : The fraction of the rows of a class that are predicted to be in it.
    ElementPrecision : Counts elements instead of rows, as in Keras.

    Examples
    --------
    >>> jg.metrics.Precision()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    0.5
    """

    @staticmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        """Compute the precision of each class.

        Parameters
        ----------
        hits : array_like
            Number of correct rows of each class.
        taken : array_like
            Number of rows predicted to be of each class.
        true : array_like
            Number of rows of each class.

        Returns
        -------
        ndarray or float
            The score.
        """
        return hits / np.maximum(taken, 1e-300)


class Recall(_Score):
    """Recall: the fraction of the rows of a class that are predicted to be in it; 0 if there are none.

    Parameters
    ----------
    average : {"macro", "weighted", "micro", "each"}, optional
        How to combine the scores of the classes. By default, the score of class 1 if there are two classes, else
        "macro".

        - "macro": the mean over the classes that occur.
        - "weighted": the mean weighted by the number of rows of each class.
        - "micro": one score from the counts of all classes together.
        - "each": an array with the score of each class.
    threshold : float, optional
        Predictions above it count as class 1 if there is one prediction per row. The default is 0.5.
    name : str, optional
        Name of the metric in the history and the logs of a fit.
    class_id : int, optional
        Class whose score is returned instead of an average.

    Raises
    ------
    ArgumentError
        If `average` is unknown, or is combined with `class_id`.

    See Also
    --------
    Precision : The fraction of the rows predicted to be in a class that are in it.
    ElementRecall : Counts elements instead of rows, as in Keras.

    Examples
    --------
    >>> jg.metrics.Recall()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    0.5
    """

    @staticmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        """Compute the recall of each class.

        Parameters
        ----------
        hits : array_like
            Number of correct rows of each class.
        taken : array_like
            Number of rows predicted to be of each class.
        true : array_like
            Number of rows of each class.

        Returns
        -------
        ndarray or float
            The score.
        """
        return hits / np.maximum(true, 1e-300)


class F1(_Score):
    """F1 score: the harmonic mean of precision and recall.

    Parameters
    ----------
    average : {"macro", "weighted", "micro", "each"}, optional
        How to combine the scores of the classes. By default, the score of class 1 if there are two classes, else
        "macro".

        - "macro": the mean over the classes that occur.
        - "weighted": the mean weighted by the number of rows of each class.
        - "micro": one score from the counts of all classes together.
        - "each": an array with the score of each class.
    threshold : float, optional
        Predictions above it count as class 1 if there is one prediction per row. The default is 0.5.
    name : str, optional
        Name of the metric in the history and the logs of a fit.
    class_id : int, optional
        Class whose score is returned instead of an average.

    Raises
    ------
    ArgumentError
        If `average` is unknown, or is combined with `class_id`.

    See Also
    --------
    FBeta : Weighs recall and precision differently.

    Examples
    --------
    >>> jg.metrics.F1()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    0.5
    """

    @staticmethod
    def score(hits: Any, taken: Any, true: Any) -> Any:
        """Compute the F1 score of each class.

        Parameters
        ----------
        hits : array_like
            Number of correct rows of each class.
        taken : array_like
            Number of rows predicted to be of each class.
        true : array_like
            Number of rows of each class.

        Returns
        -------
        ndarray or float
            The score.
        """
        return 2 * hits / np.maximum(taken + true, 1e-300)
