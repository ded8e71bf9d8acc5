"""Multinomial logistic regression: the log-odds of each class against the first are linear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jitgrad.glm.families import RELATIVE
from jitgrad.glm.newton import NEARLY, Point
from jitgrad.glm.rows import Rows


@dataclass(frozen=True)
class Multinomial:
    """The multinomial family. η of each class except the first, the reference, is its log-odds against the first."""

    n_classes: int
    name = "multinomial"
    dispersion_known = True
    extra = 0
    has_likelihood = True

    def probabilities(self, eta: np.ndarray) -> np.ndarray:
        """Return the class probabilities (rows, classes) of linear predictors (rows, classes - 1)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.exp(log_probabilities(eta))


def log_probabilities(eta: np.ndarray) -> np.ndarray:
    """Return the log-probabilities of the classes (rows, classes), without overflow."""
    whole = with_reference(eta)
    shifted = whole - whole.max(1, keepdims=True)
    made: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return made


def with_reference(eta: np.ndarray) -> np.ndarray:
    """Prepend the linear predictor of the first class, which is 0."""
    return np.column_stack([np.zeros(len(eta)), eta])


def class_by_class(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities of the classes except the first, (classes - 1, rows), and the log-probability of the first.

    Linear predictors have shape (classes - 1, rows), as arrays or recorded Tensors. There is no overflow.
    """
    top = np.maximum(np.max(eta, axis=0), 0.0)
    parts = np.exp(eta - top)
    total = np.exp(-top) + np.sum(parts, axis=0)
    return parts / total, -(top + np.log(total))


def spread(parts: np.ndarray, a: int, b: int) -> np.ndarray:
    """Return the covariance of the indicators of classes a and b, (rows,)."""
    made: np.ndarray = parts[a] * (float(a == b) - parts[b])
    return made


class Classes:
    """A likelihood to maximize; see ``newton.Problem``. Coefficients are ordered class by class.

    Parameters
    ----------
    names : sequence of str
        The names of the classes, for messages.
    inputs : ndarray, shape (rows, p)
        The inputs.
    rows : Rows
        The rows, with class numbers as targets.
    """

    nearly = NEARLY
    is_canonical, is_foretold = True, False

    def __init__(self, names: Sequence[str], inputs: np.ndarray, rows: Rows) -> None:
        self.names, self.inputs, self.rows, self.n = names, inputs, rows, rows.n
        self.targets = indicators(rows.y, len(names))

    def at(self, coefficients: np.ndarray) -> Point:
        """Evaluate the likelihood at some coefficients."""
        eta, total, outputs = self.eta(coefficients), self.rows.total, range(len(self.targets))
        parts, first = class_by_class(eta)
        score = (total * (self.targets - parts)) @ self.inputs
        blocks = {
            (a, b): self.inputs.T @ (self.inputs * (total * spread(parts, a, b))[:, None]) for a in outputs for b in outputs[a:]
        }
        information = np.block([[blocks[min(a, b), max(a, b)] for b in outputs] for a in outputs])
        deviance = -2 * float(total @ (np.sum(self.targets * eta, axis=0) + first))
        size = float(np.sum(total * parts * (1 - parts) * eta**2))
        return Point(coefficients, deviance, score.ravel(), information, size, np.nan)

    def eta(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the linear predictors (classes - 1, rows)."""
        made: np.ndarray = coefficients.reshape(len(self.targets), -1) @ self.inputs.T
        return made

    def start(self) -> Point:
        """Return the point with equal class probabilities."""
        return self.at(np.zeros(len(self.targets) * self.inputs.shape[1]))

    def dispersion(self, deviance: float) -> float:
        """Return 1, the dispersion of the multinomial family."""
        return 1.0

    def unbounded(self, coefficients: np.ndarray) -> str:
        """See ``told_apart``."""
        return told_apart(self.names, self.rows.y, self.eta(coefficients).T)


def indicators(y: np.ndarray, n_classes: int) -> np.ndarray:
    """Return indicators of the classes except the first, (classes - 1, rows)."""
    return (y == np.arange(1, n_classes)[:, None]).astype(np.float64)


def told_apart(names: Sequence[str], y: np.ndarray, direction: np.ndarray) -> str:
    """Describe which classes are separated if the likelihood increases without bound along a direction; empty if it does not.

    Albert and Anderson, "On the existence of maximum likelihood estimates in logistic regression models", 1984.
    """
    whole = with_reference(direction)
    is_own = y[:, None] == np.arange(len(names))
    margin = whole[is_own] - np.where(is_own, -np.inf, whole).max(1)
    least = RELATIVE * np.ptp(whole, axis=1).max()
    if least == 0 or margin.min() <= -least:
        return ""
    told = [name for name, rows in zip(names, is_own.T, strict=True) if rows.any() and margin[rows].min() > least]
    if not told or len(told) == len(names):
        return f"the classes {'' if told else 'of some rows '}can be separated"
    return f"{' and '.join(told)} can be separated from the other classes"
