"""The scale of gradient descent: features of mean 0 and standard deviation 1, for a linear model also without correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jitgrad.glm.coordinates import orthonormal


@dataclass(frozen=True)
class Scale:
    """From the units of the table to those of the fit, and back.

    Attributes:
        mean, std: float64 (features,), over the rows that were fitted; std is 1 for a constant column.
        rotation: float64 (features, inputs), from standardised features to uncorrelated ones of variance 1; its rows are 0
            for aliased features. None where the inputs are the standardised features: of networks and exact fits.
        center, spread: a result r of the fit stands for ``r · spread + center``, see ``Objective.scale``.
    """

    mean: np.ndarray
    std: np.ndarray
    rotation: np.ndarray | None = None
    center: float = 0.0
    spread: float = 1.0

    @property
    def width(self) -> int:
        """How many inputs the fit has."""
        return len(self.mean) if self.rotation is None else self.rotation.shape[1]

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Features (rows, features) as the inputs of the fit (rows, inputs)."""
        standard = (x - self.mean) / self.std
        return standard if self.rotation is None else standard @ self.rotation

    def coefficients(self, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
        """From the layer of a linear model to intercept and coefficients in the table's units, (1 + features, outputs)."""
        with np.errstate(over="ignore", invalid="ignore"):  # of an extreme unit
            slopes = (kernel if self.rotation is None else self.rotation @ kernel) / self.std[:, None] * self.spread
            return np.vstack([bias * self.spread + self.center - self.mean @ slopes, slopes])

    def layer(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The way back, without rotation: the kernel and the bias of an intercept and coefficients."""
        slopes = coefficients[1:]
        return slopes * self.std[:, None], coefficients[0] + self.mean @ slopes

    @property
    def aliased(self) -> np.ndarray:
        """Which features say nothing new beside those before them, boolean (features,)."""
        if self.rotation is None:
            return np.zeros(len(self.mean), bool)
        return np.logical_not(self.rotation.any(axis=1))


def make_scale(x: np.ndarray, decorrelate: bool = False, center: float = 0.0, spread: float = 1.0) -> Scale:
    """The scale of the features (rows, features) that are fitted.

    Decorrelated, gradient descent goes straight to the minimum of a linear model, however alike the features are.
    """
    varied = x.min(0) < x.max(0)
    mean, std = np.where(varied, x.mean(0), x[0]), np.where(varied, x.std(0), 1.0)  # a mean of equal numbers is rounded
    rotation = orthonormal(x, np.ones(len(x)), True)[1].back[1:, 1:] * std[:, None] if decorrelate else None
    return Scale(mean, std, rotation, center, spread)
