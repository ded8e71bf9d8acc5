"""Losses of families with their canonical links for penalized fits: half the deviance of each row.

All are functions of eta, the linear predictor (rows, outputs), and finite for finite eta.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

FLAT = 1e-10
"""Minimum curvature of a row. For probabilities near 0 the curvature vanishes, and Newton steps would be unbounded."""


class Loss(ABC):
    """The loss for targets y (rows,): numbers, proportions, counts or class numbers."""

    quadratic = False

    def __init__(self, y: np.ndarray) -> None:
        self.y = y
        self.outputs = 1

    @staticmethod
    @abstractmethod
    def mean(eta: np.ndarray) -> np.ndarray:
        """Return the means (rows, outputs)."""

    @abstractmethod
    def deviance(self, eta: np.ndarray) -> np.ndarray:
        """Return the deviance of each row."""

    def residual(self, eta: np.ndarray) -> np.ndarray:
        """Return the negative derivative of the loss of each row with respect to eta, (rows, outputs)."""
        found: np.ndarray = self.y[:, None] - self.mean(eta)
        return found

    @abstractmethod
    def root(self, eta: np.ndarray) -> np.ndarray:
        """Return a factor B of the second derivative BᵀB of each row, (outputs, outputs, rows)."""


class Gaussian(Loss):
    """Squared differences."""

    quadratic = True

    @staticmethod
    def mean(eta: np.ndarray) -> np.ndarray:
        return eta

    def deviance(self, eta: np.ndarray) -> np.ndarray:
        squares: np.ndarray = (self.y - eta[:, 0]) ** 2
        return squares

    def root(self, eta: np.ndarray) -> np.ndarray:
        return np.ones((1, 1, len(eta)))


class Binomial(Loss):
    """Proportions of successes, with log-odds eta."""

    @staticmethod
    def mean(eta: np.ndarray) -> np.ndarray:
        made: np.ndarray = np.exp(-np.logaddexp(0, -eta))
        return made

    def deviance(self, eta: np.ndarray) -> np.ndarray:
        y, e = self.y, eta[:, 0]
        made: np.ndarray = 2 * (y * np.logaddexp(0, -e) + (1 - y) * np.logaddexp(0, e) + _times_log(y) + _times_log(1 - y))
        return made

    def root(self, eta: np.ndarray) -> np.ndarray:
        made: np.ndarray = np.sqrt(np.maximum(self.mean(eta) * self.mean(-eta), FLAT)).T[None]
        return made


class Poisson(Loss):
    """Counts, with log-mean eta."""

    @staticmethod
    def mean(eta: np.ndarray) -> np.ndarray:
        made: np.ndarray = np.exp(np.minimum(eta, 700))
        return made

    def deviance(self, eta: np.ndarray) -> np.ndarray:
        made: np.ndarray = 2 * (self.mean(eta)[:, 0] - self.y * eta[:, 0] + _times_log(self.y) - self.y)
        return made

    def root(self, eta: np.ndarray) -> np.ndarray:
        made: np.ndarray = np.sqrt(np.maximum(self.mean(eta), FLAT)).T[None]
        return made


class Multinomial(Loss):
    """Class numbers, with the softmax of eta as probabilities."""

    def __init__(self, y: np.ndarray) -> None:
        super().__init__(y)
        self.outputs = int(y.max()) + 1
        self._is_own = np.eye(self.outputs)[y]

    @staticmethod
    def mean(eta: np.ndarray) -> np.ndarray:
        made: np.ndarray = np.exp(eta - np.logaddexp.reduce(eta, axis=1)[:, None])
        return made

    def deviance(self, eta: np.ndarray) -> np.ndarray:
        own = np.take_along_axis(eta, self.y[:, None], axis=1)[:, 0]
        made: np.ndarray = 2 * (np.logaddexp.reduce(eta, axis=1) - own)
        return made

    def residual(self, eta: np.ndarray) -> np.ndarray:
        made: np.ndarray = self._is_own - self.mean(eta)
        return made

    def root(self, eta: np.ndarray) -> np.ndarray:
        p = self.mean(eta).T  # the factor of diag(p) − p pᵀ is diag(√p) − √p pᵀ, because (√p)ᵀ √p = 1
        roots = np.sqrt(np.maximum(p, FLAT))
        made: np.ndarray = np.eye(self.outputs)[:, :, None] * roots[:, None] - roots[:, None] * p[None]
        return made


def _times_log(y: np.ndarray) -> np.ndarray:
    """Return y · log y, which is 0 at 0."""
    made: np.ndarray = y * np.log(np.where(y > 0, y, 1))
    return made


LOSSES: dict[str, type[Loss]] = {
    "gaussian": Gaussian,
    "binomial": Binomial,
    "poisson": Poisson,
    "multinomial": Multinomial,
}
