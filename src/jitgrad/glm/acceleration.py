"""Scoring that goes on as fast where the expected second derivative is far from the second derivative.

There a step leads part of the way, or beyond, again and again. Anderson, "Iterative procedures for nonlinear integral
equations", 1965; Walker and Ni, "Anderson acceleration for fixed-point iterations", 2011.
"""

from __future__ import annotations

import numpy as np

MEMORY = 6
"""How many points are known at most."""
FEWEST = 4
"""From how many on they tell something: a fit that converges soon needs no help."""
ALIKE = 1e-12
"""Changes of steps that are as alike count as the same one."""


class Acceleration:
    """The last points of a search, and the steps that were proposed there."""

    def __init__(self) -> None:
        self._points: list[np.ndarray] = []
        self._moves: list[np.ndarray] = []

    def propose(self, point: np.ndarray, move: np.ndarray, information: np.ndarray) -> np.ndarray | None:
        """Where the step of a combination of the last points would be smallest, in standard errors; None of few points."""
        self._points, self._moves = [*self._points, point][-MEMORY:], [*self._moves, move][-MEMORY:]
        if len(self._points) < FEWEST:
            return None
        points, moves = np.diff(self._points, axis=0).T, np.diff(self._moves, axis=0).T
        root = np.linalg.cholesky(information).T
        parts = np.linalg.lstsq(root @ moves, root @ move, rcond=ALIKE)[0]
        made: np.ndarray = point + move - (points + moves) @ parts
        return made if np.isfinite(made).all() else None
