"""Scores of predictions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.metrics.curves import roc_auc

Scores = dict[str, Any]
"""Scores by name.

Both kinds have "rows", counted by frequencies. A regression has "r2" (None for a constant target), and "rmse" and "mae" in the
units of the target. A classification has "accuracy", "log_loss", for two classes "auc" (the area under the ROC curve; None if
only one class occurs), and "confusion", with one row per true class and one column per predicted class.
"""


def rows_in(y: np.ndarray, frequency: np.ndarray | None) -> float:
    """Return the number of rows, as an int unless frequencies are fractional."""
    n = float(len(y) if frequency is None else frequency.sum())
    return int(n) if n.is_integer() else n


def scores_of_numbers(
    y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None, frequency: np.ndarray | None = None
) -> Scores:
    """Return the scores of predicted means (n,), weighted by ``weights`` and ``frequency``."""
    rows, weights = rows_in(y, frequency), _product(weights, frequency)
    largest = float(max(np.abs(y).max(), np.abs(predicted).max()))
    size = math.ldexp(1.0, min(math.frexp(largest)[1], 1023))  # with this scale, squares do not overflow
    y, errors = y / size, predicted / size - y / size
    squared = float(np.average(errors**2, weights=weights))
    total = float(np.average((y - np.average(y, weights=weights)) ** 2, weights=weights)) if y.min() < y.max() else 0.0
    return {
        "rows": rows,
        "r2": 1 - squared / total if total else None,
        "rmse": math.sqrt(squared) * size,
        "mae": float(np.average(np.abs(errors), weights=weights)) * size,
    }


def scores_of_classes(
    y: np.ndarray, probabilities: np.ndarray, weights: np.ndarray | None = None, frequency: np.ndarray | None = None
) -> Scores:
    """Return the scores of predicted probabilities (n, classes) for class numbers (n,), with weights and frequencies.

    The confusion matrix ignores weights.
    """
    rows, weights = rows_in(y, frequency), _product(weights, frequency)
    own, predicted = y.astype(np.int64), probabilities.argmax(1)
    whole = frequency is None or bool((frequency == np.round(frequency)).all())
    confusion = np.zeros((probabilities.shape[1],) * 2, np.int64 if whole else np.float64)
    np.add.at(confusion, (own, predicted), 1 if frequency is None else frequency.astype(confusion.dtype))
    smallest = np.finfo(np.float64).tiny
    losses = -np.log(np.maximum(probabilities[np.arange(len(y)), own], smallest))
    scores: Scores = {
        "rows": rows,
        "accuracy": float(np.average(predicted == own, weights=weights)),
        "log_loss": float(np.average(losses, weights=weights)),
    }
    if probabilities.shape[1] == 2:
        auc = roc_auc(own, probabilities[:, 1], weights)
        scores["auc"] = None if math.isnan(auc) else auc
    return scores | {"confusion": confusion.tolist()}


def _product(weights: np.ndarray | None, frequency: np.ndarray | None) -> np.ndarray | None:
    if weights is None or frequency is None:
        return frequency if weights is None else weights
    made: np.ndarray = weights * frequency
    return made
