"""What the scores of classes mean: the log-odds of the second of two, or a number for each of more."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax


def most_likely(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The class of each row."""
    made: np.ndarray = classes[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]
    return made


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Of the classes (rows, classes)."""
    made: np.ndarray = np.column_stack([expit(-scores), expit(scores)]) if scores.ndim == 1 else softmax(scores, axis=1)
    return made


def log_probabilities(scores: np.ndarray) -> np.ndarray:
    """Their logarithms, exact where a probability is nearly 0 or 1."""
    if scores.ndim == 1:
        return np.column_stack([log_expit(-scores), log_expit(scores)])
    made: np.ndarray = log_softmax(scores, axis=1)
    return made
