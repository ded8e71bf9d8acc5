"""What a model's result says of the target, and how likely that makes it.

McCullagh and Nelder, "Generalized linear models", 1989. A family goes with its canonical link, so that the likelihood of
targets t by results η has the derivative t − μ(η), and its second derivative does not depend on t. ``rows`` below are rows of
the table, ``outputs`` the columns of results.
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

RELATIVE = 1e-9
"""Beside the largest part of a direction, what is smaller counts as nothing."""


class Family(ABC):
    """A distribution of the target, with the link that makes results of a model its means.

    Attributes:
        reference: how many outputs, the first ones, are left out by Newton's method because only differences to them count.
    """

    reference = 0

    @abstractmethod
    def scale(self, y: np.ndarray) -> tuple[float, float]:
        """Center and spread: a result r of a fit stands for η = r · spread + center."""

    @abstractmethod
    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        """Targets (rows, outputs) for the results of a fit, from the target in the units of the table (rows,)."""

    @abstractmethod
    def loss(self, target: Any, result: Any) -> Tensor:
        """The mean over rows of what gradient descent makes smaller: minus the likelihood, up to constants."""

    @abstractmethod
    def predicted(self, eta: np.ndarray) -> np.ndarray:
        """The means (rows,), or the probabilities of the classes (rows, classes), of η (rows, outputs)."""

    @abstractmethod
    def constant(self, target: np.ndarray) -> np.ndarray:
        """The results (outputs,) of the best model without features, of targets of a fit without the reference."""

    # For Newton's method, of targets and results of a fit without the reference.

    @abstractmethod
    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        """The logarithm of the likelihood, up to factors and terms that do not depend on the result."""

    @abstractmethod
    def mean(self, result: np.ndarray) -> np.ndarray:
        """μ (rows, outputs)."""

    @abstractmethod
    def curvature(self, mean: np.ndarray, a: int, b: int) -> np.ndarray:
        """∂μ/∂η, of output a by output b, (rows,)."""

    def unbounded(self, target: np.ndarray, direction: np.ndarray) -> str:
        """In words what is told without error, if the likelihood grows without end along a direction of η; empty if not.

        Albert and Anderson, "On the existence of maximum likelihood estimates in logistic regression models", 1984.
        """
        return ""


class Gaussian(Family):
    """Numbers with normal errors: least squares."""

    def scale(self, y: np.ndarray) -> tuple[float, float]:
        return float(y.mean()), float(y.std()) if y.min() < y.max() else 1.0

    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        return ((y - center) / spread)[:, None]

    def loss(self, target: Any, result: Any) -> Tensor:
        return losses.mean_squared_error(target, result)

    def predicted(self, eta: np.ndarray) -> np.ndarray:
        return eta[:, 0]

    def constant(self, target: np.ndarray) -> np.ndarray:
        return target.mean(0)

    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        return -0.5 * float(np.sum((target - result) ** 2))

    def mean(self, result: np.ndarray) -> np.ndarray:
        return result

    def curvature(self, mean: np.ndarray, a: int, b: int) -> np.ndarray:
        return np.ones(len(mean))


class Poisson(Family):
    """Counts, whose logarithm of the mean is linear."""

    def scale(self, y: np.ndarray) -> tuple[float, float]:
        if not y.any():
            raise DataError("The rows that are fitted have no count above 0. Give more rows, or another seed for the split.")
        return float(np.log(y.mean())), 1.0

    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        return y[:, None] / np.exp(center)

    def loss(self, target: Any, result: Any) -> Tensor:
        return mean(exp(result) - target * result)

    def predicted(self, eta: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):  # far outside the table that was fitted
            return np.exp(eta[:, 0])

    def constant(self, target: np.ndarray) -> np.ndarray:
        return np.log(target.mean(0))

    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        with np.errstate(over="ignore"):
            return float(np.sum(target * result - np.exp(result)))

    def mean(self, result: np.ndarray) -> np.ndarray:
        return np.exp(result)

    def curvature(self, mean: np.ndarray, a: int, b: int) -> np.ndarray:
        return mean[:, 0]

    def unbounded(self, target: np.ndarray, direction: np.ndarray) -> str:
        lost = np.where(target > 0, np.abs(direction), direction)
        return "some counts of 0" if lost.max() < RELATIVE * np.abs(direction).max() else ""


class Multinomial(Family):
    """Classes, whose logarithms of probabilities are linear up to a common term."""

    reference = 1

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = list(classes)

    def scale(self, y: np.ndarray) -> tuple[float, float]:
        return 0.0, 1.0

    def targets(self, y: np.ndarray, center: float, spread: float) -> np.ndarray:
        return np.eye(len(self.classes))[y.astype(np.int64)]

    def loss(self, target: Any, result: Any) -> Tensor:
        return CROSS_ENTROPY(target, result)

    def predicted(self, eta: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):  # far outside the table that was fitted
            return np.exp(log_softmax(eta))

    def constant(self, target: np.ndarray) -> np.ndarray:
        parts = _whole_targets(target).mean(0)
        return np.log(parts[1:] / parts[0])

    def likelihood(self, target: np.ndarray, result: np.ndarray) -> float:
        return float(np.sum(_whole_targets(target) * log_softmax(_whole(result))))

    def mean(self, result: np.ndarray) -> np.ndarray:
        return np.exp(log_softmax(_whole(result)))[:, 1:]

    def curvature(self, mean: np.ndarray, a: int, b: int) -> np.ndarray:
        return mean[:, a] * (float(a == b) - mean[:, b])

    def unbounded(self, target: np.ndarray, direction: np.ndarray) -> str:
        own, whole = _whole_targets(target) > 0, _whole(direction)
        other = np.where(own, -np.inf, whole).max(1)
        margin = whole[own] - other
        least = RELATIVE * np.ptp(whole, axis=1).max()
        if margin.min() <= -least:
            return ""
        told = [name for name, rows in zip(self.classes, own.T, strict=True) if margin[rows].min() > least]
        if len(told) == len(self.classes):
            return "the classes"
        return " and ".join(told) or "the classes of some rows"


CROSS_ENTROPY = functools.partial(losses.categorical_crossentropy, from_logits=True)


def family_of(model: str, classes: Sequence[str]) -> Family:
    """The family of a model by its name; of a network by whether there are classes."""
    if classes:
        return Multinomial(classes)
    return Poisson() if model == "poisson" else Gaussian()


def log_softmax(results: np.ndarray) -> np.ndarray:
    """The logarithms of the probabilities of classes (rows, classes), without overflow."""
    shifted = results - results.max(1, keepdims=True)
    made: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return made


def _whole(result: np.ndarray) -> np.ndarray:
    """With the result of the reference class, which is 0."""
    return np.column_stack([np.zeros(len(result)), result])


def _whole_targets(target: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - target.sum(1), target])
