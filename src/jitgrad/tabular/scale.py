"""Scaling for gradient descent: standardized features, which are also decorrelated for a linear model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitgrad.glm.coordinates import orthonormal


@dataclass(frozen=True)
class Scale:
    """The conversion between the units of the table and the units of the fit.

    Attributes
    ----------
    mean, std : ndarray, shape (features,)
        Mean and standard deviation of the training rows; std is 1 for constant columns.
    rotation : ndarray, shape (features, inputs), or None
        The matrix from standardized features to uncorrelated inputs of variance 1, with zero rows for aliased features. None
        for networks and exact fits, whose inputs are the standardized features.
    center, spread : float
        A result r of the fit stands for ``r · spread + center``; see ``Objective.scale``.
    """

    mean: np.ndarray
    std: np.ndarray
    rotation: np.ndarray | None = None
    center: float = 0.0
    spread: float = 1.0

    @property
    def width(self) -> int:
        """The number of inputs of the fit."""
        return len(self.mean) if self.rotation is None else self.rotation.shape[1]

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Convert features (n, features) to inputs of the fit (n, inputs)."""
        standard = (x - self.mean) / self.std
        return standard if self.rotation is None else standard @ self.rotation

    def coefficients(self, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """Convert the layer of a linear model to intercept and coefficients in the table's units, (1 + features, outputs)."""
        with np.errstate(over="ignore", invalid="ignore"):  # units may be extreme
            slopes = (kernel if self.rotation is None else self.rotation @ kernel) / self.std[:, None] * self.spread
            return np.vstack([bias * self.spread + self.center - self.mean @ slopes, slopes])

    def layer(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert intercept and coefficients to a kernel and a bias, without rotation."""
        slopes = coefficients[1:]
        return slopes * self.std[:, None], coefficients[0] + self.mean @ slopes

    @property
    def aliased(self) -> np.ndarray:
        """Whether each feature is a linear combination of preceding ones, bool array (features,)."""
        if self.rotation is None:
            return np.zeros(len(self.mean), bool)
        return np.logical_not(self.rotation.any(axis=1))


def make_scale(x: np.ndarray, decorrelate: bool = False, center: float = 0.0, spread: float = 1.0) -> Scale:
    """Return the scaling of training features (n, features).

    Decorrelated features let gradient descent converge directly to the minimum of a linear model for any collinearity.
    """
    varied = x.min(0) < x.max(0)
    mean, std = (
        np.where(varied, x.mean(0), x[0]),
        np.where(varied, x.std(0), 1.0),
    )  # avoid the rounding error of the mean of a constant column
    rotation = orthonormal(x, np.ones(len(x)), True)[1].back[1:, 1:] * std[:, None] if decorrelate else None
    return Scale(mean, std, rotation, center, spread)
