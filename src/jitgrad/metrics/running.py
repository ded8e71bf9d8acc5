"""Metrics that accumulate over the batches of a custom loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.metrics.metric import Metric
from jitgrad.tape.tensor import as_tensor
from jitgrad.typing import ArrayLike


class Running:
    """A metric accumulated over batches, for custom training loops.

    Parameters
    ----------
    metric : Metric
        The metric to compute.

    See Also
    --------
    RunningMean : Mean of numbers, such as the losses of batches.

    Examples
    --------
    >>> accuracy = jg.metrics.Running(jg.metrics.Accuracy())
    >>> accuracy.update_state([0, 1], [0.2, 0.9])
    >>> accuracy.update_state([1, 0], [0.4, 0.1])
    >>> accuracy.result()
    0.75
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._sums: np.ndarray | None = None

    def update_state(self, target: ArrayLike, prediction: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add the rows of a batch.

        Parameters
        ----------
        target : array_like, shape (rows, ...)
            True values.
        prediction : array_like, shape (rows, ...)
            Predicted values.
        sample_weight : array_like, shape (rows,), optional
            Weight of each row.

        Raises
        ------
        ShapeError
            If there is not one weight per row.
        """
        predicted = as_tensor(prediction)
        if self._sums is None:
            self.metric.prepare(np.asarray(target))
        rows = predicted.shape[0]
        weight = as_tensor(np.ones(rows) if sample_weight is None else sample_weight)
        if weight.shape != (rows,):
            raise ShapeError(
                f"{self.metric.name}: sample_weight has shape {weight.shape} for {rows} rows. Give one weight per row."
            )
        sums = np.asarray(self.metric.sums(as_tensor(target), predicted, weight).detach(), np.float64)
        self._sums = sums if self._sums is None else self._sums + sums

    def result(self) -> Any:
        """Return the metric of all rows since the last reset.

        Returns
        -------
        float or ndarray
            The metric; nan if there were no rows.
        """
        return np.nan if self._sums is None else self.metric.result(self._sums)

    def reset_state(self) -> None:
        """Discard all rows."""
        self._sums = None


class RunningMean:
    """Weighted mean of numbers accumulated over batches, such as the losses of a custom loop.

    Attributes
    ----------
    total : float
        Weighted sum of the numbers.

    See Also
    --------
    Running : Accumulates a metric of targets and predictions.

    Examples
    --------
    >>> mean = jg.metrics.RunningMean()
    >>> mean.update_state(0.5, sample_weight=32)
    >>> mean.update_state(0.7, sample_weight=8)
    >>> round(mean.result(), 3)
    0.54
    """

    def __init__(self) -> None:
        self.reset_state()

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add a number, or an array of numbers.

        Parameters
        ----------
        values : array_like
            The numbers.
        sample_weight : array_like, optional
            Weights, broadcast to `values`; by default 1.
        """
        found = np.asarray(as_tensor(values).detach(), np.float64)
        weight = np.asarray(as_tensor(1.0 if sample_weight is None else sample_weight).detach(), np.float64)
        self.total += float(np.sum(found * weight))
        self._weight += float(np.sum(np.broadcast_to(weight, found.shape)))

    def result(self) -> float:
        """Return the mean of all numbers since the last reset.

        Returns
        -------
        float
            The mean; nan if there were no numbers.
        """
        return self.total / self._weight if self._weight else np.nan

    def reset_state(self) -> None:
        """Discard all numbers."""
        self.total = self._weight = 0.0
