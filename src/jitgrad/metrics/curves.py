"""Areas under ROC and precision-recall curves: approximate (from sums over rows) and exact (from all scores)."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from jitgrad.arguments import by_name, count
from jitgrad.errors import DataError, ShapeError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.rearranging import repeat
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.metrics.metric import Metric, ratio
from jitgrad.metrics.targets import largest
from jitgrad.metrics.thresholds import Counts, counted, counts_of, parts
from jitgrad.ops.elementwise import greater, less, sigmoid
from jitgrad.tape.tensor import Tensor
from jitgrad.typing import ArrayLike


class AUC(Metric):
    """Area under the ROC or precision-recall curve, approximated at a fixed number of thresholds.

    Predictions have one number per row, or one number for each of two classes. Targets are 0 and 1.

    Parameters
    ----------
    thresholds : int, default 200
        Number of thresholds, at least 4. Half of them are spread evenly over [0, 1], the other half over logits
        from -16 to 16.
    name : str, optional
        Name of the metric in the history and the logs of a fit.
    curve : {"ROC", "PR"}, default "ROC"
        The curve: true positive rate against false positive rate, or precision against recall.
    from_logits : bool, default False
        Whether predictions are logits. Otherwise they are probabilities, and the result is nan if one is
        outside [0, 1].
    even : bool, default False
        Whether to match Keras exactly: all thresholds are spread evenly over [0, 1], and each
        element of targets with several columns counts.
    summation : {"interpolation", "minoring", "majoring"}, default "interpolation"
        Height of the curve between two thresholds: the interpolated, the lower or the higher value.

    See Also
    --------
    roc_auc : The exact area, from all scores.
    average_precision : The exact average precision, from all scores.

    Notes
    -----
    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
    (ROC) curve", 1982. The precision-recall curve is interpolated as in Davis and Goadrich, "The
    relationship between precision-recall and ROC curves", 2006.

    Examples
    --------
    >>> auc = jg.metrics.AUC()
    >>> round(auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 2)
    0.75
    """

    def __init__(
        self,
        thresholds: int = 200,
        name: str = "auc",
        curve: Literal["ROC", "PR"] = "ROC",
        from_logits: bool = False,
        even: bool = False,
        summation: Literal["interpolation", "minoring", "majoring"] = "interpolation",
    ) -> None:
        self.thresholds, self.name = count("thresholds", thresholds, 4), name
        half = 0 if even else self.thresholds // 2
        logits = np.linspace(-16, 16, half)
        spread = np.linspace(0, 1, self.thresholds - half)
        spread[[0, -1]] = -1e-7, 1 + 1e-7
        self._at = np.sort(np.concatenate([spread, 1 / (1 + np.exp(-logits))]))
        self.from_logits, self._flattened = from_logits, even
        self._area = by_name("curve", curve, {"ROC": self._under_roc, "PR": self._under_precision})
        ends: dict[str, Any] = {"interpolation": None, "minoring": np.minimum, "majoring": np.maximum}
        self._end = by_name("summation", summation, ends)

    def sums(self, target: Tensor, prediction: Tensor, weight: Tensor) -> Tensor:
        """Count the predictions above each threshold, by target.

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
        if self._flattened and prediction.ndim == 2 and target.shape == prediction.shape:
            weight = repeat(weight, prediction.shape[1])
            target, prediction = reshape(target, (-1,)), reshape(prediction, (-1,))
        if prediction.ndim == 2 and prediction.shape[1] == 2:
            target = largest(self.name, target) if target.shape == prediction.shape else target
            prediction = prediction[:, 1]
        if prediction.size != prediction.shape[0]:
            raise ShapeError(f"auc: predictions have shape {prediction.shape}. Give one number per row, or two classes.")
        p = sigmoid(prediction) if self.from_logits else prediction
        outside = sum(less(p, 0.0)) + sum(greater(p, 1.0))
        return concatenate([counted(target, p, weight, self._at), reshape(outside, (1,))])

    def result(self, sums: np.ndarray) -> float:
        """Compute the area from the counts.

        Parameters
        ----------
        sums : ndarray of float64, shape (n,)
            Sums over all batches.

        Returns
        -------
        float
            The area; nan if one of the targets 0 and 1 does not occur.
        """
        return math.nan if sums[-1] else self._area(counts_of(sums[:-1]))

    def _under_roc(self, counts: Counts) -> float:
        positives, negatives = counts.true_positives + counts.false_negatives, counts.false_positives + counts.true_negatives
        if not positives[0] * negatives[0]:
            return math.nan
        return self._between(counts.false_positives / negatives, counts.true_positives / positives)

    def _under_precision(self, counts: Counts) -> float:
        hits = counts.true_positives
        positives = hits + counts.false_negatives
        if not positives[0]:
            return math.nan
        if self._end is not None:
            return self._between(hits / positives, parts(hits, counts.false_positives))
        taken = hits + counts.false_positives
        more, fewer = taken[:-1], taken[1:]
        gained = hits[:-1] - hits[1:]
        slope = np.divide(gained, more - fewer, out=np.zeros_like(gained), where=more > fewer)
        start = hits[1:] - slope * fewer
        growth = np.divide(more, fewer, out=np.ones_like(more), where=(more > 0) & (fewer > 0))
        return float(np.sum(slope * (gained + start * np.log(growth))) / positives[0])

    def _between(self, x: np.ndarray, y: np.ndarray) -> float:
        heights = (y[:-1] + y[1:]) / 2 if self._end is None else self._end(y[:-1], y[1:])
        return float(np.sum((x[:-1] - x[1:]) * heights))


def roc_auc(target: ArrayLike, score: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Compute the exact area under the ROC curve.

    Parameters
    ----------
    target : array_like, shape (rows,)
        Targets 0 and 1.
    score : array_like, shape (rows,)
        Scores, finite; higher for class 1. They need not be probabilities.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row.

    Returns
    -------
    float
        The area; nan if one of the targets does not occur.

    Raises
    ------
    ShapeError
        If the arguments do not have one number per row.
    DataError
        If scores are not finite, or targets are not 0 and 1.

    See Also
    --------
    AUC : An approximation that can be computed during a fit.

    Notes
    -----
    The area is the probability that a row of class 1 has a higher score than a row of class 0; equal scores
    count one half.

    Examples
    --------
    >>> jg.metrics.roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    hits, alarms = _steps(target, score, sample_weight)
    return ratio(float(np.sum(np.diff(alarms, prepend=0.0) * (hits + np.append(0.0, hits[:-1])) / 2)), hits[-1] * alarms[-1])


def average_precision(target: ArrayLike, score: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
    """Compute the exact average precision, the area under the precision-recall curve without interpolation.

    Parameters
    ----------
    target : array_like, shape (rows,)
        Targets 0 and 1.
    score : array_like, shape (rows,)
        Scores, finite; higher for class 1. They need not be probabilities.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row.

    Returns
    -------
    float
        The average precision; nan if there is no target 1.

    Raises
    ------
    ShapeError
        If the arguments do not have one number per row.
    DataError
        If scores are not finite, or targets are not 0 and 1.

    See Also
    --------
    roc_auc : Area under the ROC curve.

    Examples
    --------
    >>> round(jg.metrics.average_precision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 3)
    0.833
    """
    hits, alarms = _steps(target, score, sample_weight)
    return ratio(float(np.sum(np.diff(hits, prepend=0.0) * parts(hits, alarms))), hits[-1])


def _steps(target: Any, score: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the cumulative weights of targets 1 and 0 with at least each score, from the highest score down.

    Raises ShapeError or DataError unless there is one target and one finite score per row.
    """
    y, s = np.ravel(np.asarray(target)), np.ravel(np.asarray(score, np.float64))
    w = np.ones(len(s)) if sample_weight is None else np.ravel(np.asarray(sample_weight, np.float64))
    if not len(y) == len(s) == len(w) or not len(s):
        raise ShapeError(f"There are {len(y)} targets, {len(s)} scores and {len(w)} weights. Give one of each per row.")
    if not np.isfinite(s).all() or not np.isin(y, (0, 1)).all():
        raise DataError("The scores have nan or inf, or the targets are not 0 and 1. Correct them.")
    order = np.argsort(-s, kind="stable")
    last = np.append(np.flatnonzero(np.diff(s[order])), len(s) - 1)
    hits, alarms = (np.cumsum(w[order] * part)[last] for part in (y[order] == 1, y[order] == 0))
    return hits, alarms
