"""Ridge systems with more columns than rows, solved in the space of rows, reusing products from one system to the next.

For (A Aᵀ + R) c = s, where A has a row for each coefficient, the Sherman-Morrison-Woodbury identity gives a system of the size
of AᵀR⁻¹A. Between Newton steps, few coefficients enter or leave, and the ridge R changes by a factor, so AᵀR⁻¹A changes by that
factor and the products of few columns.
"""

from __future__ import annotations

import numpy as np

from jitgrad.errors import FitError

SAME = 1e-12
"""Relative tolerance below which inverses of the ridge are equal."""


class Dual:
    """Systems of a growing number of columns.

    Parameters
    ----------
    rows : int
        The number of rows of each column.
    """

    def __init__(self, rows: int) -> None:
        self._products = np.zeros((rows, rows))  # Σ inverse · column columnᵀ
        self._inverse = np.empty(0)

    def solved(self, columns: np.ndarray, moved: np.ndarray, ridge: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Solve (A Aᵀ + R) c = ``right`` for a subset of the columns.

        Parameters
        ----------
        columns : ndarray, shape (columns, rows)
            All columns of A.
        moved : ndarray of int
            The columns of the system.
        ridge : ndarray, shape (moved,)
            The positive ridge R.
        right : ndarray, shape (moved, systems)
            The right-hand sides.

        Returns
        -------
        ndarray, shape (moved, systems)
            The solutions.
        """
        inverse = np.zeros(len(columns))
        inverse[moved] = 1 / ridge
        unit = self._update(columns, inverse)
        scaled = np.zeros((len(columns), right.shape[1]))
        scaled[moved] = right / ridge[:, None]
        inner = solved(unit * self._products, np.ones(len(self._products)), 0.0, columns.T @ scaled)
        found: np.ndarray = (right - (columns @ inner)[moved]) / ridge[:, None]
        return found

    def _update(self, columns: np.ndarray, inverse: np.ndarray) -> float:
        """Update the products so that, multiplied by the returned factor, they are the products for ``inverse``."""
        kept = np.append(self._inverse, np.zeros(len(inverse) - len(self._inverse)))
        both = np.flatnonzero((kept > 0) & (inverse > 0))
        unit = float(inverse[both[0]] / kept[both[0]]) if len(both) else 1.0
        wanted = inverse / unit
        changed = np.flatnonzero(abs(wanted - kept) > SAME * (wanted + kept))
        if 2 * len(changed) > np.count_nonzero(inverse):
            self._products[:], kept[:], unit, wanted = 0, 0, 1.0, inverse
            changed = np.flatnonzero(inverse)
        chosen = columns[changed]
        self._products += (chosen.T * (wanted - kept)[changed]) @ chosen
        kept[changed] = wanted[changed]
        self._inverse = kept
        return unit


def solved(matrix: np.ndarray, ridge: np.ndarray, slack: float, right: np.ndarray) -> np.ndarray:
    """Solve a system with a positive semidefinite matrix, to whose diagonal ``ridge`` and ``slack`` are added."""
    from scipy.linalg.lapack import dpotrs

    if not len(right):
        return right
    diagonal = np.diag_indices_from(matrix)
    matrix[diagonal] += ridge
    for times in (1, 1e3, 1e6):
        matrix[diagonal] += times * slack
        try:
            factor = np.linalg.cholesky(matrix)  # releases the GIL, unlike SciPy's
        except np.linalg.LinAlgError:
            continue
        found: np.ndarray = dpotrs(factor.T, right, lower=0)[0]
        return found
    raise FitError("Products of columns overflow. Rescale the columns to moderate values.")
