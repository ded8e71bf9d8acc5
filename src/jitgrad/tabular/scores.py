"""How well predictions agree with a target."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Scores = dict[str, Any]
"""By name: "rows", and of a regression "r2" (None where the target is constant), "rmse" and "mae" in its units; of classes
"accuracy", "log_loss" and "confusion", a row for each class and in it how many of its rows were predicted as each class."""


def scores_of_numbers(y: np.ndarray, predicted: np.ndarray) -> Scores:
    """Scores of predicted means (rows,)."""
    largest = float(max(np.abs(y).max(), np.abs(predicted).max()))
    size = math.ldexp(1.0, min(math.frexp(largest)[1], 1023))  # beside which no square is out of range
    y, errors = y / size, predicted / size - y / size
    total = squares_around_mean(y)
    return {
        "rows": len(y),
        "r2": 1 - float(np.sum(errors**2)) / total if total else None,
        "rmse": float(np.sqrt(np.mean(errors**2))) * size,
        "mae": float(np.mean(np.abs(errors))) * size,
    }


def squares_around_mean(y: np.ndarray) -> float:
    """The sum of squares around the mean, exactly 0 where all numbers are the same."""
    return float(np.sum((y - y.mean()) ** 2)) if y.min() < y.max() else 0.0


def scores_of_classes(y: np.ndarray, probabilities: np.ndarray) -> Scores:
    """Scores of the probabilities (rows, classes), of positions of classes (rows,)."""
    own, predicted = y.astype(np.int64), probabilities.argmax(1)
    confusion = np.zeros((probabilities.shape[1],) * 2, np.int64)
    np.add.at(confusion, (own, predicted), 1)
    smallest = np.finfo(np.float64).tiny
    return {
        "rows": len(y),
        "accuracy": float(np.mean(predicted == own)),
        "log_loss": float(-np.mean(np.log(np.maximum(probabilities[np.arange(len(y)), own], smallest)))),
        "confusion": confusion.tolist(),
    }
