"""How well predictions agree with a target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.metrics.curves import roc_auc

Scores = dict[str, Any]
"""By name: "rows", and of a regression "r2" (None where the target is constant), "rmse" and "mae" in its units; of classes
"accuracy", "log_loss", of two classes "auc" (the area under the receiver's operating curve, None where there is one class), and
"confusion", a row for each class and in it how many of its rows were predicted as each class. Rows with frequencies count as
often as these say."""


def rows_in(y: np.ndarray, frequency: np.ndarray | None) -> float:
    """How many rows there are: an int, unless frequencies are not whole."""
    n = float(len(y) if frequency is None else frequency.sum())
    return int(n) if n.is_integer() else n


def scores_of_numbers(
    y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None, frequency: np.ndarray | None = None
) -> Scores:
    """Scores of predicted means (rows,), of rows that count as much as ``weights`` and as often as ``frequency`` say."""
    rows, weights = rows_in(y, frequency), _product(weights, frequency)
    largest = float(max(np.abs(y).max(), np.abs(predicted).max()))
    size = math.ldexp(1.0, min(math.frexp(largest)[1], 1023))  # beside which no square is out of range
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
    """Scores of the probabilities (rows, classes), of positions of classes (rows,); rows count as ``scores_of_numbers`` has it.

    The confusion has numbers of rows, whatever their weights.
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
