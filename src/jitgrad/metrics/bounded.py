"""The best value of a metric over the thresholds at which another metric is at least a given value. The names follow Keras."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from jitgrad.arguments import count, in_unit_interval
from jitgrad.metrics.thresholds import Counted, Counts, counts_of, parts


class _Best(Counted):
    """The largest value of a metric over the thresholds at which another metric is at least ``value``; 0 if there are none."""

    def __init__(self, name: str, value: float, num_thresholds: int, class_id: int | None) -> None:
        self.num_thresholds = count("num_thresholds", num_thresholds)
        super().__init__(name, [0.5] if num_thresholds == 1 else np.linspace(0, 1, num_thresholds).tolist(), None, class_id)
        self.value = value if value == 1 else in_unit_interval("the bound", value)

    def result(self, sums: np.ndarray) -> Any:
        wanted, bound = self.both(counts_of(sums))
        fits = bound >= self.value
        return float(wanted[fits].max()) if fits.any() else 0.0

    def of(self, counts: Counts) -> np.ndarray:
        """Compute the figure to maximize.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        ndarray, shape (n_thresholds,)
            The metric for each threshold.
        """
        return self.both(counts)[0]

    @abstractmethod
    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        """Return the metric to maximize and the metric with a lower bound."""


def _recall(counts: Counts) -> np.ndarray:
    return parts(counts.true_positives, counts.false_negatives)


def _specificity(counts: Counts) -> np.ndarray:
    return parts(counts.true_negatives, counts.false_positives)


def _precision(counts: Counts) -> np.ndarray:
    return parts(counts.true_positives, counts.false_positives)


class SensitivityAtSpecificity(_Best):
    """Largest sensitivity (recall) over thresholds at which the specificity is at least a given value.

    Parameters
    ----------
    specificity : float
        Lower bound of the specificity, the fraction of targets 0 predicted as 0; between 0 and 1.
    num_thresholds : int, default 200
        Number of thresholds, evenly spaced from 0 to 1.
    class_id : int, optional
        Column for which the metric is computed. By default, all elements count.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    SpecificityAtSensitivity : The metric with the roles exchanged.

    Examples
    --------
    >>> metric = jg.metrics.SensitivityAtSpecificity(0.5)
    >>> metric([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8])
    1.0
    """

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str = "sensitivity_at_specificity",
    ) -> None:  # fmt: skip
        super().__init__(name, specificity, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        """Compute sensitivity and specificity.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        tuple of ndarray
            The metric to maximize and the metric with a lower bound, for each threshold.
        """
        return _recall(counts), _specificity(counts)


class SpecificityAtSensitivity(_Best):
    """Largest specificity over thresholds at which the sensitivity (recall) is at least a given value.

    Parameters
    ----------
    sensitivity : float
        Lower bound of the sensitivity, between 0 and 1.
    num_thresholds : int, default 200
        Number of thresholds, evenly spaced from 0 to 1.
    class_id : int, optional
        Column for which the metric is computed. By default, all elements count.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    SensitivityAtSpecificity : The metric with the roles exchanged.

    Examples
    --------
    >>> metric = jg.metrics.SpecificityAtSensitivity(0.5)
    >>> metric([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8])
    1.0
    """

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None,
        name: str = "specificity_at_sensitivity",
    ) -> None:  # fmt: skip
        super().__init__(name, sensitivity, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        """Compute specificity and sensitivity.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        tuple of ndarray
            The metric to maximize and the metric with a lower bound, for each threshold.
        """
        return _specificity(counts), _recall(counts)


class PrecisionAtRecall(_Best):
    """Largest precision over thresholds at which the recall is at least a given value.

    Parameters
    ----------
    recall : float
        Lower bound of the recall, between 0 and 1.
    num_thresholds : int, default 200
        Number of thresholds, evenly spaced from 0 to 1.
    class_id : int, optional
        Column for which the metric is computed. By default, all elements count.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    RecallAtPrecision : The metric with the roles exchanged.

    Examples
    --------
    >>> metric = jg.metrics.PrecisionAtRecall(0.5)
    >>> metric([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8])
    1.0
    """

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str = "precision_at_recall"
    ) -> None:
        super().__init__(name, recall, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        """Compute precision and recall.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        tuple of ndarray
            The metric to maximize and the metric with a lower bound, for each threshold.
        """
        return _precision(counts), _recall(counts)


class RecallAtPrecision(_Best):
    """Largest recall over thresholds at which the precision is at least a given value.

    Parameters
    ----------
    precision : float
        Lower bound of the precision, between 0 and 1.
    num_thresholds : int, default 200
        Number of thresholds, evenly spaced from 0 to 1.
    class_id : int, optional
        Column for which the metric is computed. By default, all elements count.
    name : str, optional
        Name of the metric in the history and the logs of a fit.

    See Also
    --------
    PrecisionAtRecall : The metric with the roles exchanged.

    Examples
    --------
    >>> metric = jg.metrics.RecallAtPrecision(0.9)
    >>> metric([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8])
    0.5
    """

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str = "recall_at_precision"
    ) -> None:
        super().__init__(name, precision, num_thresholds, class_id)

    def both(self, counts: Counts) -> tuple[np.ndarray, np.ndarray]:
        """Compute recall and precision.

        Parameters
        ----------
        counts : Counts
            Counts for each threshold.

        Returns
        -------
        tuple of ndarray
            The metric to maximize and the metric with a lower bound, for each threshold.
        """
        return _recall(counts), _precision(counts)
