"""Objectives of gradient descent: negative log-likelihoods of numbers, counts and classes.

Families have their canonical link, in scaled units: numbers are standardized, and counts divided by their mean.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad import losses
from jitgrad.errors import DataError
from jitgrad.functions.reductions import mean
from jitgrad.ops.elementwise import exp
from jitgrad.tape.tensor import Tensor


class Objective(ABC):
    """An objective of gradient descent."""

    @abstractmethod
    def scale(self, y: np.ndarray) -> tuple[float, float]:
        """Return center and spread. A result r of the fit stands for η = r · spread + center."""

    @abstractmethod
    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        """Convert the target (n,) to scaled targets (n, outputs)."""

    @abstractmethod
    def loss(self, target: Any, result: Any) -> Tensor:
        """Return the mean negative log-likelihood, up to constants."""

    @abstractmethod
    def constant(self, target: np.ndarray) -> np.ndarray:
        """Return the results (outputs,) of the best constant model."""

    @abstractmethod
    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        """Return the log-likelihood, up to factors and terms that do not depend on the result."""


class Numbers(Objective):
    """Numbers with normal errors: least squares."""

    def scale(self, y: np.ndarray) -> tuple[float, float]:
        return float(y.mean()), float(y.std()) if y.min() < y.max() else 1.0

    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        return ((y - center) / spread)[:, None]

    def loss(self, target: Any, result: Any) -> Tensor:
        return losses.mean_squared_error(target, result)

    def constant(self, target: np.ndarray) -> np.ndarray:
        return target.mean(0)

    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        return -0.5 * float(np.sum((target - result) ** 2))


class Counts(Objective):
    """Counts with a log link."""

    def scale(self, y: np.ndarray) -> tuple[float, float]:
        if not y.any():
            raise DataError("All counts in the training rows are 0. Use more rows, or another seed for the split.")
        return float(np.log(y.mean())), 1.0

    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        return y[:, None] / np.exp(center)

    def loss(self, target: Any, result: Any) -> Tensor:
        return mean(exp(result) - target * result)

    def constant(self, target: np.ndarray) -> np.ndarray:
        return np.log(target.mean(0))

    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        with np.errstate(over="ignore"):
            return float(np.sum(target * result - np.exp(result)))


class Classes(Objective):
    """Classes with a softmax link."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.count = len(classes)

    def scale(self, y: np.ndarray) -> tuple[float, float]:
        return 0.0, 1.0

    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        return np.eye(self.count)[y.astype(np.int64)]

    def loss(self, target: Any, result: Any) -> Tensor:
        return CROSS_ENTROPY(target, result)

    def constant(self, target: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.log(target.mean(0))

    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        own = np.take_along_axis(log_softmax(result), target.argmax(1)[:, None], 1)
        return float(own.sum())


CROSS_ENTROPY = functools.partial(losses.categorical_crossentropy, from_logits=True)


def objective_of(model: str, classes: Sequence[str]) -> Objective:
    """Return the objective of a model by name."""
    return Classes(classes) if classes else Counts() if model == "poisson" else Numbers()


def log_softmax(results: np.ndarray) -> np.ndarray:
    """Return the log-probabilities of classes (n, classes), without overflow."""
    shifted = results - results.max(1, keepdims=True)
    made: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return made
