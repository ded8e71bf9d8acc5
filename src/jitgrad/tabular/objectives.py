"""What gradient descent makes smaller: minus a likelihood, of numbers, counts or classes.

A family goes with its canonical link, in the units of the fit: numbers are standardised, and counts divided by their mean.
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
    """What is made of a target for gradient descent. ``rows`` are rows of the table, ``outputs`` the columns of results."""

    @abstractmethod
    def scale(self, y: np.ndarray) -> tuple[float, float]:
        """Center and spread: a result r of a fit stands for η = r · spread + center."""

    @abstractmethod
    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        """Targets (rows, outputs) for the results of a fit, from the target in the units of the table (rows,)."""

    @abstractmethod
    def loss(self, target: Any, result: Any) -> Tensor:
        """The mean over rows of minus the likelihood, up to constants."""

    @abstractmethod
    def constant(self, target: np.ndarray) -> np.ndarray:
        """The results (outputs,) of the best model without features."""

    @abstractmethod
    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        """The logarithm of the likelihood, up to factors and terms that do not depend on the result."""


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
    """Counts, whose logarithm of the mean is linear."""

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
    """Classes, whose logarithms of probabilities are linear up to a common term."""

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
    """That of a model by its name; of a network by whether there are classes."""
    return Classes(classes) if classes else Counts() if model == "poisson" else Numbers()


def log_softmax(results: np.ndarray) -> np.ndarray:
    """The logarithms of the probabilities of classes (rows, classes), without overflow."""
    shifted = results - results.max(1, keepdims=True)
    made: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return made
