"""What every metric is, and those that are means over rows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad import losses
from jitgrad.arguments import Described
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import stack
from jitgrad.functions.reductions import mean, sum
from jitgrad.functions.shapes import reshape
from jitgrad.losses import aligned
from jitgrad.tape.tensor import Tensor, as_tensor


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
        return ratio(sums[0], sums[1])


class RootMeanSquaredError(Mean):
    """The root of the mean of squared errors."""

    def __init__(self, name: str = "rmse") -> None:
        super().__init__(losses.mean_squared_error, name)

    def result(self, sums: np.ndarray) -> Any:
        return math.sqrt(super().result(sums))


def ratio(part: float, whole: float) -> float:
    """A part of a whole; nan where there is none."""
    return float(part / whole) if whole else math.nan
