"""Classes: the logarithms of their probabilities are linear, up to a common term."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jitgrad.glm.families import RELATIVE, Rows
from jitgrad.glm.newton import NEARLY, Point


@dataclass(frozen=True)
class Multinomial:
    """Classes, of which the first is the reference: η of the others is the logarithm of how much more likely they are."""

    n_classes: int
    name = "multinomial"
    dispersion_known = True
    extra = 0
    has_likelihood = True

    def probabilities(self, eta: np.ndarray) -> np.ndarray:
        """Of the classes (rows, classes), of linear predictors (rows, classes - 1)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.exp(log_probabilities(eta))


def log_probabilities(eta: np.ndarray) -> np.ndarray:
    """The logarithms of the probabilities of classes (rows, classes), without overflow."""
    whole = with_reference(eta)
    shifted = whole - whole.max(1, keepdims=True)
    made: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return made


def with_reference(eta: np.ndarray) -> np.ndarray:
    """With the linear predictor of the first class, which is 0."""
    return np.column_stack([np.zeros(len(eta)), eta])


class Classes:
    """A likelihood to maximise, see ``newton.Problem``. Coefficients are those of one class after those of another.

    Args:
        names: of the classes, for what is said of them.
        inputs: (rows, p).
        rows: whose targets are positions of classes.
    """

    nearly = NEARLY
    is_canonical = True

    def __init__(self, names: Sequence[str], inputs: np.ndarray, rows: Rows) -> None:
        self.names, self.inputs, self.rows, self.outputs = names, inputs, rows, len(names) - 1
        self.n = rows.n
        self.own = rows.y.astype(np.int64)
        self.is_own = np.eye(len(names), dtype=bool)[self.own]

    def at(self, coefficients: np.ndarray) -> Point:
        """What is known at some coefficients."""
        eta = self.eta(coefficients)
        logarithms, total = log_probabilities(eta), self.rows.total
        parts = np.exp(logarithms)[:, 1:]
        score = self.inputs.T @ ((self.is_own[:, 1:] - parts) * total[:, None])
        outputs = range(self.outputs)
        information = np.block([[self._between(parts, a, b) for b in outputs] for a in outputs])
        deviance = -2 * float(np.sum(total * logarithms[np.arange(len(total)), self.own]))
        size = float(np.sum(total[:, None] * parts * (1 - parts) * eta**2))
        return Point(coefficients, deviance, score.T.ravel(), information, size, np.nan)

    def _between(self, parts: np.ndarray, a: int, b: int) -> np.ndarray:
        """The information of one output's coefficients with another's."""
        weights = self.rows.total * parts[:, a] * (float(a == b) - parts[:, b])
        made: np.ndarray = self.inputs.T @ (self.inputs * weights[:, None])
        return made

    def eta(self, coefficients: np.ndarray) -> np.ndarray:
        """Linear predictors (rows, classes - 1)."""
        made: np.ndarray = self.inputs @ coefficients.reshape(self.outputs, -1).T
        return made

    def start(self) -> Point:
        """All classes alike."""
        return self.at(np.zeros(self.outputs * self.inputs.shape[1]))

    def dispersion(self, deviance: float) -> float:
        """The multinomial has none of its own."""
        return 1.0

    def unbounded(self, coefficients: np.ndarray) -> str:
        """Albert and Anderson, "On the existence of maximum likelihood estimates in logistic regression models", 1984."""
        whole = with_reference(self.eta(coefficients))
        other = np.where(self.is_own, -np.inf, whole).max(1)
        margin = whole[self.is_own] - other
        least = RELATIVE * np.ptp(whole, axis=1).max()
        if least == 0 or margin.min() <= -least:
            return ""
        told = [name for name, rows in zip(self.names, self.is_own.T, strict=True) if rows.any() and margin[rows].min() > least]
        if len(told) == len(self.names):
            return "the classes"
        return " and ".join(told) or "the classes of some rows"
