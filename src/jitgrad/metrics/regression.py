"""Metrics for regression."""

from __future__ import annotations

import numpy as np

from jitgrad.functions.joining import concatenate
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.losses.loss import aligned, alike
from jitgrad.metrics.metric import Mean, Metric
from jitgrad.ops.elementwise import maximum, sqrt, square
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import WeakVariable


class CosineSimilarity(Mean):
    """Mean cosine similarity of targets and predictions along the last axis.

    Parameters
    ----------
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    Examples
    --------
    >>> round(jg.metrics.CosineSimilarity()([[1.0, 0.0]], [[3.0, 4.0]]), 3)
    0.6
    """

    def __init__(self, name: str = "cosine") -> None:
        super().__init__(self.cosine, name)

    def cosine(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Compute the cosine similarity of each row.

        Parameters
        ----------
        target : Tensor, shape (rows, ..., n)
            True vectors.
        prediction : Tensor, shape (rows, ..., n)
            Predicted vectors.

        Returns
        -------
        Tensor, shape (rows, ...)
            Cosines of the angles.
        """
        alike(self.name, target, prediction)
        lengths = sqrt(maximum(sum(square(target), -1) * sum(square(prediction), -1), 1e-24))
        return sum(target * prediction, -1) / lengths


class R2(Metric):
    """Coefficient of determination R², averaged over the columns of the targets.

    Parameters
    ----------
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    Notes
    -----
    ``1 - Σ(y - p)² / Σ(y - mean(y))²`` for each column; nan if the targets are constant. To avoid cancellation, an
    approximate mean is subtracted from the targets before they are summed.

    Examples
    --------
    >>> round(jg.metrics.R2()([1.0, 2.0, 3.0], [1.1, 1.9, 3.2]), 3)
    0.97
    """

    def __init__(self, name: str = "r2") -> None:
        self.name = name
        self._near = WeakVariable(0.0, "near")

    def prepare(self, target: np.ndarray) -> None:
        """Choose the shift from the targets.

        Parameters
        ----------
        target : ndarray
            Targets.
        """
        self._near.store(np.mean(target))

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        """Sum weights, shifted targets, their squares and squared errors of each column.

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
        y = aligned(target, prediction)
        alike(self.name, y, prediction)
        y, p = (reshape(x, (x.shape[0], -1)) for x in (y, prediction))
        w, near = reshape(weight, (1, -1)), y - self._near
        parts = [matmul(w, x) for x in (y * 0.0 + 1.0, near, square(near), square(y - p))]
        return reshape(concatenate(parts, -1), (-1,))

    def result(self, sums: np.ndarray) -> float:
        """Compute R² of each column and the average.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        float
            Mean R² of the columns.
        """
        n, total, squares, errors = sums.reshape(4, -1)
        spread = squares - total**2 / n
        return float(np.mean(np.where(spread > 0, 1 - errors / np.where(spread > 0, spread, 1), np.nan)))
