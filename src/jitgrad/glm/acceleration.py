"""Anderson acceleration of Fisher scoring, for links with slow convergence.

Anderson, "Iterative procedures for nonlinear integral equations", 1965; Walker and Ni, "Anderson acceleration for fixed-point
iterations", 2011.
"""

from __future__ import annotations

import numpy as np

MEMORY = 6
"""Maximum number of stored points."""
FEWEST = 4
"""Minimum number of points for acceleration. Fits that converge quickly do not need it."""
ALIKE = 1e-12
"""Relative tolerance below which changes of steps count as linearly dependent."""


class Acceleration:
    """The last points of a search, and the steps proposed from them."""

    def __init__(self) -> None:
        self._points: list[np.ndarray] = []
        self._moves: list[np.ndarray] = []

    def propose(self, point: np.ndarray, move: np.ndarray, information: np.ndarray) -> np.ndarray | None:
        """Return the point that minimizes the extrapolated step, in standard errors, or None if there are too few points."""
        self._points, self._moves = [*self._points, point][-MEMORY:], [*self._moves, move][-MEMORY:]
        if len(self._points) < FEWEST:
            return None
        points, moves = np.diff(self._points, axis=0).T, np.diff(self._moves, axis=0).T
        root = np.linalg.cholesky(information).T
        parts = np.linalg.lstsq(root @ moves, root @ move, rcond=ALIKE)[0]
        made: np.ndarray = point + move - (points + moves) @ parts
        return made if np.isfinite(made).all() else None
