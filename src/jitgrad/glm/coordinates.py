"""Orthonormal coordinates, in which the equations of a fit are well conditioned for any collinearity of the features.

Features are centered, scaled, and orthonormalized by a Householder QR decomposition with the weights of the rows. The linear
predictor is the same in both coordinate systems, so the model is fitted in the new one and its coefficients transformed back.
Linear combinations of preceding features get no coefficient, as in R.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALIASED = 1e-11
"""A standardized column is aliased if less than this remains after projection onto the preceding ones."""
ROUNDING = 64 * np.finfo(np.float64).eps
"""Rounding error of a column, relative to the size of its values."""


@dataclass(frozen=True)
class Coordinates:
    """The transformation from the inputs of a fit back to the features.

    Attributes
    ----------
    back : ndarray, shape (1 + features, p)
        Matrix that transforms coefficients of the inputs to coefficients of the features, the intercept first. Rows are 0 for
        aliased features and for a missing intercept.
    estimated : ndarray of bool, shape (1 + features,)
        Whether the intercept and each feature have a coefficient.
    """

    back: np.ndarray
    estimated: np.ndarray

    def coefficients(self, own: np.ndarray) -> np.ndarray:
        """Transform coefficients of the inputs (p, outputs) to coefficients of the features (1 + features, outputs)."""
        made: np.ndarray = self.back @ own
        made[1:][~self.estimated[1:]] = np.nan
        return made

    def covariance(self, own: np.ndarray, outputs: int) -> np.ndarray:
        """Transform the covariance of the inputs' coefficients to the estimated coefficients, output by output."""
        back = self.back[self.estimated]
        if outputs > 1:
            back = np.kron(np.eye(outputs), back)
        made: np.ndarray = back @ own @ back.T
        return (made + made.T) / 2

    def forth(self, coefficients: np.ndarray) -> np.ndarray:
        """Transform coefficients of the features (1 + features, outputs) to coefficients of the inputs (p, outputs)."""
        made: np.ndarray = np.linalg.lstsq(self.back, coefficients, rcond=None)[0]
        return made


def orthonormal(x: np.ndarray, weights: np.ndarray, intercept: bool) -> tuple[np.ndarray, Coordinates]:
    """Return inputs (rows, p) with orthogonal columns of mean square 1, for positive weights (rows,).

    The first column is 1 if there is an intercept.
    """
    rows, features = x.shape
    root = np.sqrt(weights / weights.mean())[:, None]
    center = np.zeros(features)
    if intercept:
        center = weights @ x / weights.sum()
        center = np.where(x.min(0) < x.max(0), center, x[0])  # avoid the rounding error of the mean of a constant column
    z = (x - center) * root
    largest = np.abs(z).max(axis=0, initial=0)  # avoid overflow of squares
    largest[largest == 0] = 1
    z /= largest
    size = np.sqrt(np.mean(z**2, axis=0))
    size[size == 0] = 1
    z /= size
    size *= largest
    noise = ROUNDING * np.abs(x).max(0) / size if rows else size
    columns, triangle = np.linalg.qr(z)
    least = np.maximum(ALIASED, noise) * np.sqrt(rows)
    # the diagonal holds the remainder of each column, provided that all preceding columns are kept
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
    """Return the coordinates of inputs that are ones and (x - center) / size."""
    features = len(center)
    back = np.zeros((1 + features, intercept + features))
    back[1:, intercept:] = np.diag(1 / size)
    if intercept:
        back[0, 0] = 1
        back[0, 1:] = -center / size
    return Coordinates(back, np.r_[intercept, np.ones(features, bool)])


def independent(columns: np.ndarray, least: np.ndarray) -> list[int]:
    """Return the columns that are linearly independent of the preceding ones up to ``least``, as R's ``lm`` selects them.

    The method is the Gram-Schmidt process with reorthogonalization: Giraud, Langou, Rozložník and van den Eshof, "Rounding
    error analysis of the classical Gram-Schmidt orthogonalization process", 2005.
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
