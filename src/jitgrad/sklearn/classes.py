"""Class predictions from scores: log-odds for two classes, or one score per class."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax


def most_likely(classes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the most likely class of each row."""
    made: np.ndarray = classes[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]
    return made


def probabilities(scores: np.ndarray) -> np.ndarray:
    """Return the class probabilities (rows, classes)."""
    made: np.ndarray = np.column_stack([expit(-scores), expit(scores)]) if scores.ndim == 1 else softmax(scores, axis=1)
    return made


def log_probabilities(scores: np.ndarray) -> np.ndarray:
    """Return the log-probabilities of the classes, accurate even for probabilities near 0 and 1."""
    if scores.ndim == 1:
        return np.column_stack([log_expit(-scores), log_expit(scores)])
    made: np.ndarray = log_softmax(scores, axis=1)
    return made
