"""Counts of elements with predictions above one or several thresholds, for targets 0 and 1. The names follow Keras."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import count, number
from jitgrad.errors import ShapeError
from jitgrad.functions.joining import concatenate, stack
from jitgrad.functions.products import matmul
from jitgrad.functions.rearranging import repeat
from jitgrad.functions.reductions import sum
from jitgrad.functions.selection import top_k
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.losses.loss import aligned, alike
from jitgrad.metrics.metric import Metric
from jitgrad.ops.elementwise import equal, greater
from jitgrad.tape.tensor import Tensor


class Counts(NamedTuple):
    """Weighted numbers of true and false positives and negatives, one for each threshold."""

    true_positives: np.ndarray
    false_positives: np.ndarray
    true_negatives: np.ndarray
    false_negatives: np.ndarray


class Counted(Metric):
    """Base class of metrics that are computed from Counts.

    ``thresholds`` is one number, or several whose results form an array; ``top_k`` restricts class 1 to the
    largest predictions of each row; ``class_id`` selects a column.
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
        """Count the elements of a batch.

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
        target = aligned(target, prediction)
        alike(self.name, target, prediction)
        if self.top_k is not None:
            _, places = top_k(prediction, self.top_k)
            chosen = sum(equal(expand_dims(places, -1), np.arange(prediction.shape[-1])) * 1.0, -2)
            prediction = prediction - (1.0 - chosen) * 1e10
        if self.class_id is not None:
            if prediction.ndim < 2 or self.class_id >= prediction.shape[-1]:
                raise ShapeError(
                    f"{self.name}: class_id is {self.class_id}, and predictions have shape {prediction.shape}. "
                    "Give a column that exists."
                )
            target, prediction = target[..., self.class_id], prediction[..., self.class_id]
        return counted(target, prediction, weight, np.maximum(self.thresholds, -1e9))

    def result(self, sums: np.ndarray) -> Any:
        """Compute the metric from the counts.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        float or ndarray
            The metric; an array if there are several thresholds.
        """
        found = self.of(counts_of(sums))
        return float(found[0]) if self._is_one else found

    @abstractmethod
    def of(self, counts: Counts) -> np.ndarray:
        """Compute the metric for each threshold.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        ndarray, shape (n_thresholds,)
            The metric for each threshold.
        """


def counted(target: Tensor, prediction: Tensor, weight: Tensor, thresholds: np.ndarray) -> Tensor:
    """Return sums from which ``counts_of`` computes Counts. There is one weight per row."""
    n = prediction.size
    weights = repeat(weight, n // prediction.shape[0], 0) if n else weight
    above = greater(reshape(prediction, (n, 1)), thresholds) * 1.0
    positive = greater(reshape(target, (n,)), 0.5) * weights
    found = matmul(stack([positive, weights - positive]), above)
    return concatenate([reshape(found, (2 * len(thresholds),)), stack([sum(positive), sum(weights)])])


def counts_of(sums: np.ndarray) -> Counts:
    """Return the Counts for sums that ``counted`` computed."""
    *_, positives, total = sums
    hits, alarms = sums[:-2].reshape(2, -1)
    return Counts(hits, alarms, total - positives - alarms, positives - hits)


def parts(part: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Divide by the sum of both arguments; 0 if the sum is 0."""
    whole = part + rest
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


class TruePositives(Counted):
    """Number of elements with target 1 and a prediction above the threshold.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold count as class 1. With a sequence, the result is an array. The default is 0.5.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    FalsePositives : Elements with target 0 and a prediction above the threshold.

    Examples
    --------
    >>> jg.metrics.TruePositives()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    1.0
    """

    field = "true_positives"

    def __init__(self, thresholds: float | Sequence[float] | None = None, name: str | None = None) -> None:
        super().__init__(name or self.field, thresholds)

    def of(self, counts: Counts) -> np.ndarray:
        """Select the counts.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        ndarray
            The metric for each threshold.
        """
        found: np.ndarray = getattr(counts, self.field)
        return found


class FalsePositives(TruePositives):
    """Number of elements with target 0 and a prediction above the threshold.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold count as class 1. With a sequence, the result is an array. The default is 0.5.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    TruePositives : Elements with target 1 and a prediction above the threshold.

    Examples
    --------
    >>> jg.metrics.FalsePositives()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    1.0
    """

    field = "false_positives"


class TrueNegatives(TruePositives):
    """Number of elements with target 0 and a prediction not above the threshold.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold count as class 1. With a sequence, the result is an array. The default is 0.5.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    FalseNegatives : Elements with target 1 and a prediction not above the threshold.

    Examples
    --------
    >>> jg.metrics.TrueNegatives()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    1.0
    """

    field = "true_negatives"


class FalseNegatives(TruePositives):
    """Number of elements with target 1 and a prediction not above the threshold.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold count as class 1. With a sequence, the result is an array. The default is 0.5.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    TrueNegatives : Elements with target 0 and a prediction not above the threshold.

    Examples
    --------
    >>> jg.metrics.FalseNegatives()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    1.0
    """

    field = "false_negatives"


class ElementPrecision(Counted):
    """Precision of elements, as in Keras: the fraction of elements predicted as 1 that are 1; 0 if there are none.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold count as class 1. With a sequence, the result is an array. The default is 0.5,
        or no threshold if `top_k` is given.
    top_k : int, optional
        Number of largest predictions of each row that may count as class 1.
    class_id : int, optional
        Column for which the metric is computed. By default, all elements count.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    Precision : Counts rows by class, as in scikit-learn.

    Examples
    --------
    >>> jg.metrics.ElementPrecision()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    0.5
    """

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, top_k: int | None = None, class_id: int | None = None,
        name: str = "precision",
    ) -> None:  # fmt: skip
        super().__init__(name, thresholds, top_k, class_id)

    def of(self, counts: Counts) -> np.ndarray:
        """Compute the precision.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        ndarray
            The metric for each threshold.
        """
        return parts(counts.true_positives, counts.false_positives)


class ElementRecall(Counted):
    """Recall of elements, as in Keras: the fraction of elements with target 1 that are predicted as 1; 0 if there
    are none.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        Predictions above a threshold count as class 1. With a sequence, the result is an array. The default is 0.5,
        or no threshold if `top_k` is given.
    top_k : int, optional
        Number of largest predictions of each row that may count as class 1.
    class_id : int, optional
        Column for which the metric is computed. By default, all elements count.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    Recall : Counts rows by class, as in scikit-learn.

    Examples
    --------
    >>> jg.metrics.ElementRecall()([0, 1, 1, 0], [0.2, 0.9, 0.4, 0.7])
    0.5
    """

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, top_k: int | None = None, class_id: int | None = None,
        name: str = "recall",
    ) -> None:  # fmt: skip
        super().__init__(name, thresholds, top_k, class_id)

    def of(self, counts: Counts) -> np.ndarray:
        """Compute the recall.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        ndarray
            The metric for each threshold.
        """
        return parts(counts.true_positives, counts.false_negatives)
