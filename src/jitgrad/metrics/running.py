"""Metrics over the batches of a loop of one's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.metrics.metric import Metric
from jitgrad.tape.tensor import as_tensor


class Running:
    """A metric over all batches since it was made or reset.

    Example:
        >>> accuracy = Running(Accuracy())
        >>> for x, y in batches:
        ...     accuracy.update_state(y, model(x))
        >>> accuracy.result()
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._sums: np.ndarray | None = None

    def update_state(self, target: Any, prediction: Any, sample_weight: Any = None) -> None:
        """See the rows of a batch. Raises ShapeError for other than a weight a row."""
        predicted = as_tensor(prediction)
        if self._sums is None:
            self.metric.prepare(np.asarray(target))
        rows = predicted.shape[0]
        weight = as_tensor(np.ones(rows) if sample_weight is None else sample_weight)
        if weight.shape != (rows,):
            raise ShapeError(f"{self.metric.name}: sample_weight has shape {weight.shape} for {rows} rows. Give one a row.")
        sums = np.asarray(self.metric.sums(as_tensor(target), predicted, weight).detach(), np.float64)
        self._sums = sums if self._sums is None else self._sums + sums

    def result(self) -> Any:
        """The metric of all rows seen; nan where there were none."""
        return np.nan if self._sums is None else self.metric.result(self._sums)

    def reset_state(self) -> None:
        """Forget what was seen."""
        self._sums = None


class RunningMean:
    """The weighted mean of numbers, as of the losses of batches; ``total`` is their sum."""

    def __init__(self) -> None:
        self.reset_state()

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """See a number, or an array of them with as many weights."""
        found = np.asarray(as_tensor(values).detach(), np.float64)
        weight = np.asarray(as_tensor(1.0 if sample_weight is None else sample_weight).detach(), np.float64)
        self.total += float(np.sum(found * weight))
        self._weight += float(np.sum(np.broadcast_to(weight, found.shape)))

    def result(self) -> float:
        """The mean of all numbers seen; nan where there were none."""
        return self.total / self._weight if self._weight else np.nan

    def reset_state(self) -> None:
        """Forget what was seen."""
        self.total = self._weight = 0.0
