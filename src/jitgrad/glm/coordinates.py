"""Decorrelated coordinates: where the equations of a fit are well conditioned, however alike the features are.

Features are centered and scaled, and made orthonormal by Householder's QR decomposition, with the weights of the rows. A linear
predictor is the same in either coordinates, so a fit takes place in these, and its coefficients are brought back by the
triangle. What is a combination of features before it gets no coefficient, as in R.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALIASED = 1e-11
"""A standardised column of which less than this is left beside those before it counts as a combination of them."""
ROUNDING = 64 * np.finfo(np.float64).eps
"""What is left of a column, beside the size of its numbers, is rounding."""


@dataclass(frozen=True)
class Coordinates:
    """The way back from the inputs of a fit to the features.

    Attributes:
        back: float64 (1 + features, p): from coefficients of the inputs to those of the features, the intercept first; its rows
            are 0 where a feature is aliased, or there is no intercept.
        estimated: boolean (1 + features,): what has a coefficient.
    """

    back: np.ndarray
    estimated: np.ndarray

    def coefficients(self, own: np.ndarray) -> np.ndarray:
        """Those of the features (1 + features, outputs), from those of the inputs (p, outputs); nan where aliased."""
        made: np.ndarray = self.back @ own
        made[1:][~self.estimated[1:]] = np.nan
        return made

    def covariance(self, own: np.ndarray, outputs: int) -> np.ndarray:
        """That of the coefficients which are estimated, output by output, from that of the inputs' coefficients."""
        back = self.back[self.estimated]
        if outputs > 1:
            back = np.kron(np.eye(outputs), back)
        made: np.ndarray = back @ own @ back.T
        return (made + made.T) / 2

    def forth(self, coefficients: np.ndarray) -> np.ndarray:
        """Those of the inputs (p, outputs), from some of the features (1 + features, outputs)."""
        made: np.ndarray = np.linalg.lstsq(self.back, coefficients, rcond=None)[0]
        return made


def orthonormal(x: np.ndarray, weights: np.ndarray, intercept: bool) -> tuple[np.ndarray, Coordinates]:
    """Inputs (rows, p) whose columns are orthogonal and of mean square one, with weights (rows,) that are all above 0.

    The first is of ones, where there is an intercept.
    """
    rows, features = x.shape
    root = np.sqrt(weights / weights.mean())[:, None]
    center = np.zeros(features)
    if intercept:
        center = weights @ x / weights.sum()
        center = np.where(x.min(0) < x.max(0), center, x[0])  # a mean of equal numbers is rounded
    z = (x - center) * root
    largest = np.abs(z).max(axis=0, initial=0)  # its square may be out of range
    largest[largest == 0] = 1
    z /= largest
    size = np.sqrt(np.mean(z**2, axis=0))
    size[size == 0] = 1
    z /= size
    size *= largest
    noise = ROUNDING * np.abs(x).max(0) / size if rows else size
    columns, triangle = np.linalg.qr(z)
    least = np.maximum(ALIASED, noise) * np.sqrt(rows)
    # what is left of a column stands on the diagonal, as long as all those before it are kept
    is_clear = features <= rows and (np.abs(np.diag(triangle)) > least).all()
    kept = [*range(features)] if is_clear else independent(triangle, least)
    if len(kept) < features:
        turn, triangle = np.linalg.qr(triangle[:, kept])
        columns = columns @ turn
    back = np.zeros((1 + features, intercept + len(kept)))
    back[1 + np.array(kept, int), intercept:] = np.linalg.inv(triangle) * np.sqrt(rows) / size[kept, None]
    inputs = columns * (np.sqrt(rows) / root)
    if intercept:
        back[0, 0] = 1
        back[0, 1:] = -center @ back[1:, 1:]
        inputs = np.column_stack([np.ones(rows), inputs])
    estimated = np.zeros(1 + features, bool)
    estimated[0] = intercept
    estimated[1 + np.array(kept, int)] = True
    return inputs, Coordinates(back, estimated)


def standard(center: np.ndarray, size: np.ndarray, intercept: bool) -> Coordinates:
    """Of inputs that are ones and (x - center) / size."""
    features = len(center)
    back = np.zeros((1 + features, intercept + features))
    back[1:, intercept:] = np.diag(1 / size)
    if intercept:
        back[0, 0] = 1
        back[0, 1:] = -center / size
    return Coordinates(back, np.r_[intercept, np.ones(features, bool)])


def independent(columns: np.ndarray, least: np.ndarray) -> list[int]:
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
        if left > least[number] and len(kept) < basis.shape[1]:
            basis[:, len(kept)] = rest / left
            kept.append(number)
    return kept
