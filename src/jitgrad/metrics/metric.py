"""The base class of metrics, and metrics that are means over rows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from jitgrad import losses
from jitgrad.arguments import Described
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import stack
from jitgrad.functions.reductions import mean, sum
from jitgrad.functions.shapes import reshape
from jitgrad.losses.loss import LossFunction, aligned, by_row_of, name_of
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


class Metric(Described, ABC):
    """Base class of metrics.

    A subclass has a ``name``, computes sums over the rows of a batch in ``sums`` and the metric from the sums
    over all batches in ``result``. It is saved as the arguments of its constructor.

    See Also
    --------
    Running : Computes a metric batch by batch in a custom loop.

    Examples
    --------
    The mean error as a metric:

    >>> class Bias(jg.metrics.Metric):
    ...     name = "bias"
    ...
    ...     def sums(self, target, prediction, weight):
    ...         return jg.stack([jg.sum((prediction - target) * weight), jg.sum(weight)])
    ...
    ...     def result(self, sums):
    ...         return float(sums[0] / sums[1])
    >>> Bias()([1.0, 2.0], [1.5, 3.0])
    0.75
    """

    name: str

    def __init__(self) -> None:
        pass

    @abstractmethod
    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        """Compute sums over the rows of a batch.

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

    def prepare(self, target: np.ndarray) -> None:
        """Inspect the targets, or the targets of the first batch, before sums are computed.

        Parameters
        ----------
        target : ndarray
            Targets.
        """

    @abstractmethod
    def result(self, sums: np.ndarray) -> Any:
        """Compute the metric.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        float or ndarray
            The metric.
        """

    def __call__(self, target: ArrayLike, prediction: ArrayLike, sample_weight: ArrayLike | None = None) -> Any:
        """Compute the metric of arrays.

        Parameters
        ----------
        target : array_like, shape (rows, ...)
            True values.
        prediction : array_like, shape (rows, ...)
            Predicted values.
        sample_weight : array_like, shape (rows,), optional
            Weight of each row.

        Returns
        -------
        float or ndarray
            The metric.
        """
        predicted = as_tensor(prediction)
        self.prepare(np.asarray(target))
        rows = predicted.shape[0]
        weight = as_tensor(np.ones(rows) if sample_weight is None else sample_weight)
        if weight.shape != (rows,):
            raise ShapeError(f"{self.name}: sample_weight has shape {weight.shape} for {rows} rows. Give one weight per row.")
        return self.result(np.asarray(self.sums(as_tensor(target), predicted, weight), np.float64))


class Mean(Metric):
    """Weighted mean over rows of a function of targets and predictions.

    Parameters
    ----------
    function : callable
        ``function(target, prediction)`` returns one number per row; or a loss, whose values for the rows are
        averaged.
    name : str, optional
        Name of the metric; by default the name of the function.

    Examples
    --------
    >>> largest_error = jg.metrics.Mean(lambda t, p: jg.max(jg.abs(p - t), -1), "largest_error")
    >>> largest_error([[1.0, 2.0], [3.0, 4.0]], [[1.5, 2.0], [3.0, 5.0]])
    0.75
    """

    def __init__(self, function: LossFunction, name: str | None = None) -> None:
        self.function = function
        self.name = name or name_of(function)

    def by_row(self, target: Tensor, prediction: Tensor) -> Tensor:
        """Compute the number for each row.

        Parameters
        ----------
        target : Tensor, shape (rows, ...)
            True values.
        prediction : Tensor, shape (rows, ...)
            Predicted values.

        Returns
        -------
        Tensor, shape (rows,)
            The function's results, averaged over all axes but the first.
        """
        made = as_tensor(by_row_of(self.function)(aligned(target, prediction), prediction))
        if not made.ndim:
            raise ArgumentError(f"The metric {self.name} returns one number for all rows. Return one number per row.")
        return mean(reshape(made, (made.shape[0], -1)), -1)

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        """Compute the weighted sum of the function and the sum of the weights.

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
        return stack([sum(self.by_row(target, prediction) * weight), sum(weight)])

    def result(self, sums: np.ndarray) -> float:
        """Divide the sum by the sum of the weights.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        float
            The mean; nan if the weights sum to 0.
        """
        return ratio(sums[0], sums[1])


class RootMeanSquaredError(Mean):
    """Root mean squared error, ``√(mean((prediction - target)²))``.

    Parameters
    ----------
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    Examples
    --------
    >>> round(jg.metrics.RootMeanSquaredError()([1.0, 2.0], [1.0, 4.0]), 4)
    1.4142
    """

    def __init__(self, name: str = "rmse") -> None:
        super().__init__(losses.mean_squared_error, name)

    def result(self, sums: np.ndarray) -> float:
        """Return the square root of the mean.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        float
            The root mean squared error.
        """
        return math.sqrt(super().result(sums))


def ratio(part: float, whole: float) -> float:
    """Divide, or return nan if the divisor is 0."""
    return float(part / whole) if whole else math.nan
