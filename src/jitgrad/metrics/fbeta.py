"""The F-beta score."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from jitgrad.arguments import number
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.extremes import max
from jitgrad.functions.joining import stack
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.losses.loss import alike
from jitgrad.metrics.metric import Metric
from jitgrad.ops.elementwise import abs, greater, greater_equal
from jitgrad.tape.tensor import Tensor


class FBeta(Metric):
    """F-beta score of each column of targets 0 and 1, as in Keras.

    Parameters
    ----------
    average : {"macro", "weighted", "micro"}, optional
        How to combine the scores of the columns: their mean, their mean weighted by the number of targets 1, or
        one score from all counts together. By default, the result is an array with the score of each column.
    beta : float, default 1.0
        Weight of recall relative to precision.
    threshold : float, optional
        Predictions above the threshold count as class 1. By default, the largest prediction of each row does.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    Raises
    ------
    ArgumentError
        If `average` is unknown.

    See Also
    --------
    F1 : The harmonic mean of precision and recall, which counts rows.

    Notes
    -----
    The score is ``(1 + β²)·precision·recall / (β²·precision + recall)``.

    Examples
    --------
    >>> score = jg.metrics.FBeta("macro", beta=2.0, threshold=0.5)
    >>> round(score([[1, 0], [1, 1]], [[0.9, 0.2], [0.4, 0.8]]), 3)
    0.778
    """

    def __init__(
        self,
        average: Literal["macro", "weighted", "micro"] | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
    ) -> None:
        if average not in (None, "macro", "weighted", "micro"):
            raise ArgumentError(f"average is {average!r}. Use 'macro', 'weighted' or 'micro', or omit it.")
        self.average, self.name, self.beta = average, name, number("beta", beta)
        self.threshold = None if threshold is None else number("threshold", threshold)

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        """Count correct, predicted and true elements of each column.

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
        alike(self.name, target, prediction)
        if prediction.ndim != 2:
            raise ShapeError(
                f"{self.name}: predictions have shape {prediction.shape}. Give one row per example, with one column per class."
            )
        if self.threshold is None:
            top = max(prediction, -1, keepdims=True)
            taken = greater_equal(prediction, top) * greater(abs(prediction), 1e-9) * 1.0
        else:
            taken = greater(prediction, self.threshold) * 1.0
        weights = expand_dims(weight, -1)
        return reshape(stack([sum(x * weights, 0) for x in (target * taken, taken, target * 1.0)]), (-1,))

    def result(self, sums: np.ndarray) -> Any:
        """Compute the scores and their average.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        float or ndarray
            The score, or the scores of the columns.
        """
        hits, taken, true = sums.reshape(3, -1)
        if self.average == "micro":
            hits, taken, true = hits.sum(), taken.sum(), true.sum()
        precision, recall = hits / (taken + _TINY), hits / (true + _TINY)
        scores = precision * recall / (self.beta**2 * precision + recall + _TINY) * (1 + self.beta**2)
        if self.average == "weighted":
            return float(scores @ (true / (true.sum() + _TINY)))
        return scores if self.average is None else float(scores.mean())


_TINY = 1e-7  # added to divisors, as in Keras
