"""The scale of a fit: features of mean 0 and standard deviation 1, for a linear model also without correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALIASED = 1e-9
"""A standardised column of which less than this is left beside those before it counts as a combination of them."""


@dataclass(frozen=True)
class Scale:
    """From the units of the table to those of the fit, and back.

    Attributes:
        mean, std: float64 (features,), over the rows that were fitted; std is 1 for a constant column.
        rotation: float64 (features, inputs), from standardised features to uncorrelated ones of variance 1; its rows are 0
            for aliased features. None for a network, whose inputs are the standardised features.
        center, spread: a result r of the fit stands for ``r · spread + center``, see ``Family.scale``.
    """

    mean: np.ndarray
    std: np.ndarray
    rotation: np.ndarray | None
    center: float
    spread: float

    @property
    def width(self) -> int:
        """How many inputs the fit has."""
        return len(self.mean) if self.rotation is None else self.rotation.shape[1]

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Features (rows, features) as the inputs of the fit (rows, inputs)."""
        standard = (x - self.mean) / self.std
        return standard if self.rotation is None else standard @ self.rotation

    def unscaled(self) -> np.ndarray:
        """(1 + features, 1 + inputs), from a linear model's intercept and weights to those of the units of the features."""
        assert self.rotation is not None
        made = np.zeros((1 + len(self.mean), 1 + self.rotation.shape[1]))
        made[0, 0] = 1
        made[1:, 1:] = self.rotation / self.std[:, None]
        made[0, 1:] = -self.mean @ made[1:, 1:]
        return made

    def coefficients(self, weights: np.ndarray) -> np.ndarray:
        """From a linear model's intercept and weights to those in the units of the table, (1 + features, outputs)."""
        with np.errstate(over="ignore", invalid="ignore"):  # of an extreme unit
            made: np.ndarray = self.unscaled() @ weights * self.spread
            made[0] += self.center
        return made

    @property
    def aliased(self) -> np.ndarray:
        """Which features say nothing new beside those before them, boolean (features,)."""
        if self.rotation is None:
            return np.zeros(len(self.mean), bool)
        return np.logical_not(self.rotation.any(axis=1))


def make_scale(x: np.ndarray, decorrelate: bool, center: float, spread: float) -> Scale:
    """The scale of the features (rows, features) that are fitted, decorrelated for a linear model."""
    varied = x.min(0) < x.max(0)
    mean, std = np.where(varied, x.mean(0), x[0]), np.where(varied, x.std(0), 1.0)  # a mean of equal numbers is rounded
    rotation = _rotation((x - mean) / std) if decorrelate else None
    return Scale(mean, std, rotation, center, spread)


def _rotation(z: np.ndarray) -> np.ndarray:
    """What makes the columns uncorrelated, by the singular value decomposition of those that are not aliased.

    In these coordinates gradient descent goes straight to the minimum, and the equations of Newton's method are as well
    conditioned as they can be, however alike the features are.
    """
    triangle: np.ndarray = np.linalg.qr(z, mode="r")  # type: ignore[assignment]  # its columns depend as z's do
    kept = independent(triangle, ALIASED * np.sqrt(len(z)))
    _, sizes, directions = np.linalg.svd(triangle[:, kept], full_matrices=False)
    rotation = np.zeros((z.shape[1], len(kept)))
    rotation[kept] = directions.T * (np.sqrt(len(z)) / sizes)
    return rotation


def independent(columns: np.ndarray, least: float) -> list[int]:
    """Positions of the columns of which more than ``least`` is left beside those before them, as R's ``lm`` keeps them.

    Gram and Schmidt's process, each column twice: Giraud, Langou, Rozložník and van den Eshof, "Rounding error analysis of the
    classical Gram-Schmidt orthogonalization process", 2005.
    """
    kept: list[int] = []
    basis = np.zeros((len(columns), min(columns.shape)))
    for number, column in enumerate(columns.T):
        before = basis[:, : len(kept)]
        rest = column - before @ (before.T @ column)
        rest -= before @ (before.T @ rest)
        left = np.linalg.norm(rest)
        if left > least and len(kept) < basis.shape[1]:
            basis[:, len(kept)] = rest / left
            kept.append(number)
    return kept
