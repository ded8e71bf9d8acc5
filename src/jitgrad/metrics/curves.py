"""Areas under curves of a threshold: from many thresholds, as sums over rows, and exactly, from all scores."""

from __future__ import annotations

import math
from typing import Any

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


class AUC(Metric):
    """The area under a curve of targets 0 and 1, from the curve at so many thresholds; ``roc_auc`` is exact.

    Hanley and McNeil, "The meaning and use of the area under a ROC curve", 1982; of precision over recall with the
    interpolation of Davis and Goadrich, "The relationship between precision-recall and ROC curves", 2006.

    Args:
        thresholds: how many. Half of them are spread over 0 to 1, half over the logits from -16 to 16.
        curve: "ROC", or "PR" for precision over recall.
        from_logits: whether predictions are any numbers, whose sigmoid counts; by default they are probabilities, and where one
            is not from 0 to 1 the area is nan.
        even: whether it is Keras's to the digit: all thresholds are spread over 0 to 1, and of targets in several columns each
            element counts.
        summation: what the curve is between two thresholds: "interpolation", or its lower ("minoring") or upper end
            ("majoring").

    Predictions are one a row, or of two classes.
    """

    def __init__(
        self, thresholds: int = 200, name: str = "auc", curve: str = "ROC", from_logits: bool = False, even: bool = False,
        summation: str = "interpolation",
    ) -> None:  # fmt: skip
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
        if self._flattened and prediction.ndim == 2 and target.shape == prediction.shape:
            weight = repeat(weight, prediction.shape[1])
            target, prediction = reshape(target, (-1,)), reshape(prediction, (-1,))
        if prediction.ndim == 2 and prediction.shape[1] == 2:
            target = largest(self.name, target) if target.shape == prediction.shape else target
            prediction = prediction[:, 1]
        if prediction.size != prediction.shape[0]:
            raise ShapeError(f"auc: predictions have shape {prediction.shape}. Give one number a row, or two classes.")
        p = sigmoid(prediction) if self.from_logits else prediction
        outside = sum(less(p, 0.0)) + sum(greater(p, 1.0))
        return concatenate([counted(target, p, weight, self._at), reshape(outside, (1,))])

    def result(self, sums: np.ndarray) -> Any:
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


def roc_auc(target: Any, score: Any, sample_weight: Any = None) -> float:
    """The area under the receiver's operating curve, exactly: any scores, of targets 0 and 1, one a row.

    It is the probability that a row of target 1 has a higher score than one of 0, where equal ones count half. nan where there
    are not both targets.
    """
    hits, alarms = _steps(target, score, sample_weight)
    return ratio(float(np.sum(np.diff(alarms, prepend=0.0) * (hits + np.append(0.0, hits[:-1])) / 2)), hits[-1] * alarms[-1])


def average_precision(target: Any, score: Any, sample_weight: Any = None) -> float:
    """The mean of precision over recall as it grows, exactly, without interpolation: of any scores, see ``roc_auc``."""
    hits, alarms = _steps(target, score, sample_weight)
    return ratio(float(np.sum(np.diff(hits, prepend=0.0) * parts(hits, alarms))), hits[-1])


def _steps(target: Any, score: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """How much of target 1, and of 0, has at least a score: for all scores that there are, the highest first.

    Raises ShapeError or DataError for what is not one target and one finite score a row.
    """
    y, s = np.ravel(np.asarray(target)), np.ravel(np.asarray(score, np.float64))
    w = np.ones(len(s)) if sample_weight is None else np.ravel(np.asarray(sample_weight, np.float64))
    if not len(y) == len(s) == len(w) or not len(s):
        raise ShapeError(f"There are {len(y)} targets, {len(s)} scores and {len(w)} weights. Give one each a row.")
    if not np.isfinite(s).all() or not np.isin(y, (0, 1)).all():
        raise DataError("The scores have nan or inf, or the targets are not 0 and 1. Correct them.")
    order = np.argsort(-s, kind="stable")
    last = np.append(np.flatnonzero(np.diff(s[order])), len(s) - 1)
    hits, alarms = (np.cumsum(w[order] * part)[last] for part in (y[order] == 1, y[order] == 0))
    return hits, alarms
