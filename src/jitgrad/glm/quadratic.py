"""Minimize a quadratic function with an elastic-net penalty by alternating coordinate descent and Newton steps.

From any starting point, coordinate descent quickly finds the zero coefficients and the signs of the nonzero ones, but
converges slowly for correlated columns. Given the signs, the minimum solves a linear system: a step toward it, truncated where
a coefficient reaches zero, also decreases the function. If the signs are right, one such step ends at the minimum up to
rounding.
"""

from __future__ import annotations

import numpy as np

from jitgrad.glm.dual import Dual, solved
from jitgrad.vm.late import load
from jitgrad.vm.penalty import Penalised
from jitgrad.vm.records import address

SWEEPS = 8
"""Number of coordinate descent sweeps before a Newton step."""
SLACK = 1e-13
"""Relative curvature added so that collinear columns have a step."""
FIRST_DAMPING, LEAST_DAMPING = 1e-4, 1e-8
"""Relative curvature added after a step that was too long, and divided by ten after each good step."""
WIDE_SLACK = 1e-8
"""Relative curvature added to systems of the size of the rows, whose inverse is rounded."""
LEAST_RIDGE, FREE = 1e-6, 8
"""Systems with more columns than rows are solved in the space of rows if at most ``FREE`` columns have a ridge below this
fraction of the largest curvature.
"""
WIDE = 2
"""The products of all columns are stored if there are at most this many times as many columns as rows."""


def violation(coefficients: np.ndarray, gradient: np.ndarray, lasso: np.ndarray, ridge: np.ndarray) -> np.ndarray:
    """Return the violation of the optimality condition of each coefficient.

    The slope must be 0 for nonzero coefficients, and at most the lasso penalty for zero coefficients. ``gradient`` is the
    negative gradient of the function without its penalty.
    """
    slope = gradient - ridge * coefficients
    missed: np.ndarray = np.where(
        coefficients == 0, np.maximum(abs(slope) - lasso, 0), abs(slope - lasso * np.sign(coefficients))
    )
    return missed


class Quadratic:
    """½ |A (b − b₀)|² − g₀ᵀ (b − b₀) with a penalty, in a growing number of coefficients.

    Parameters
    ----------
    rows : int
        The number of rows of A.
    """

    def __init__(self, rows: int) -> None:
        self.size = 0
        self._rows = rows
        self._columns = np.empty((0, rows))  # Aᵀ, with spare rows
        self._gram: np.ndarray | None = np.empty((0, 0))
        self._dual = Dual(rows)
        self._curvature = np.empty(0)

    @property
    def columns(self) -> np.ndarray:
        """Aᵀ."""
        return self._columns[: self.size]

    def extend(self, columns: np.ndarray) -> None:
        """Add columns of A, given as rows."""
        before, self.size = self.size, self.size + len(columns)
        if self.size > len(self._columns):
            room = np.empty((max(self.size, 2 * before), self._rows))
            room[:before] = self._columns[:before]
            self._columns = room
        self._columns[before : self.size] = columns
        self._curvature = np.append(self._curvature, np.einsum("ij,ij->i", columns, columns))
        if self._gram is not None:
            self._extend_gram(before)

    def _extend_gram(self, before: int) -> None:
        if self.size > WIDE * self._rows:
            self._gram = None
            return
        assert self._gram is not None
        if self.size > len(self._gram):
            room = np.empty((len(self._columns), len(self._columns)))
            room[:before, :before] = self._gram[:before, :before]
            self._gram = room
        products = self._columns[before : self.size] @ self._columns[: self.size].T
        self._gram[before : self.size, : self.size] = products
        self._gram[: self.size, before : self.size] = products.T

    def minimise(
        self, start: np.ndarray, gradient: np.ndarray, lasso: np.ndarray, ridge: np.ndarray, tolerance: float, most: int
    ) -> tuple[np.ndarray, int]:
        """Minimize the function with its penalty, starting at b₀ = ``start``.

        Parameters
        ----------
        start : ndarray, shape (p,)
            The starting point b₀.
        gradient : ndarray, shape (p,)
            The negative gradient g₀.
        lasso, ridge : ndarray, shape (p,)
            The penalty of each coefficient.
        tolerance : float
            The tolerance for ``violation``.
        most : int
            Maximum number of sweeps.

        Returns
        -------
        ndarray, shape (p,)
            The coefficients.
        int
            The number of sweeps.
        """
        descent = _Descent(self.columns, self._gram, self._dual, self._curvature, start, gradient, lasso, ridge)
        sweeps = 0
        while sweeps < most:
            sweeps += descent.sweep(min(SWEEPS, most - sweeps), tolerance / 2)
            if descent.violation() <= tolerance:
                break
            descent.step()
            if descent.violation() <= tolerance:
                break
        return descent.coefficients, sweeps


class _Descent:
    """The current coefficients and gradient."""

    def __init__(
        self,
        columns: np.ndarray,
        gram: np.ndarray | None,
        dual: Dual,
        curvature: np.ndarray,
        start: np.ndarray,
        gradient: np.ndarray,
        lasso: np.ndarray,
        ridge: np.ndarray,
    ) -> None:
        self.coefficients, self._gradient = start.copy(), gradient.copy()
        self._columns, self._gram, self._lasso, self._ridge = columns, gram, lasso, ridge
        self._curvature, self._dual = curvature, dual
        self._damping = 0.0
        self._fitted = np.zeros(columns.shape[1])
        matrix = columns if gram is None else gram
        self._descend = load("descend_columns" if gram is None else "descend_gram", np.dtype(np.float64)).call
        self._record = Penalised(
            n=len(columns), rows=columns.shape[1], leading=matrix.shape[1], matrix=matrix, curvature=curvature, lasso=lasso,
            ridge=ridge, coefficients=self.coefficients, gradient=self._gradient, fitted=self._fitted,
            active=np.empty(len(columns), np.uint64),
        )  # fmt: skip

    def sweep(self, most: int, tolerance: float) -> int:
        """Run coordinate descent sweeps and return their number."""
        self._record.tolerance = tolerance
        done: int = self._descend(address(self._record), most)
        if self._gram is None:
            self._gradient -= self._columns @ self._fitted
            self._fitted[:] = 0
        return done

    def violation(self) -> float:
        return float(violation(self.coefficients, self._gradient, self._lasso, self._ridge).max(initial=0.0))

    def step(self) -> None:
        """Move to the minimum for the current signs if this decreases the function. Stop at 0 if a sign would change.

        Nearly dependent columns can cause long steps that do not decrease the function. The next steps are then damped.
        """
        moved = np.flatnonzero((self.coefficients != 0) | (self._lasso == 0))
        before, lasso, ridge = self.coefficients[moved], self._lasso[moved], self._ridge[moved]
        change = self._newton(moved, self._gradient[moved] - ridge * before - lasso * np.sign(before))
        after = before + change
        crosses = (lasso > 0) & (after * before <= 0)
        after[crosses] = 0
        fall = self._fall(moved, after - before)
        lower = self._change(moved, after, fall) < 0 if crosses.any() else True
        if lower:
            self.coefficients[moved] = after
            self._gradient -= fall
            self._damping = self._damping / 10 if self._damping > LEAST_DAMPING else 0.0
        else:
            self._damping = max(10 * self._damping, FIRST_DAMPING)

    def _change(self, moved: np.ndarray, after: np.ndarray, fall: np.ndarray) -> float:
        """Return the change of the function with its penalty for new values of some coefficients."""
        before = self.coefficients[moved]
        smooth = (after - before) @ (fall[moved] / 2 - self._gradient[moved])
        penalty = self._ridge[moved] @ (after**2 - before**2) / 2 + self._lasso[moved] @ (abs(after) - abs(before))
        return float(smooth + penalty)

    def _fall(self, moved: np.ndarray, change: np.ndarray) -> np.ndarray:
        """Return the decrease of the gradient for a change of some coefficients."""
        if self._gram is None:
            fall: np.ndarray = self._columns @ (change @ self._columns[moved])
            return fall
        size = len(self._lasso)
        whole = np.zeros(size)
        whole[moved] = change
        made: np.ndarray = self._gram[:size, :size] @ whole  # faster than copying the rows of ``moved``
        return made

    def _newton(self, moved: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Return the change of some coefficients that makes their slope 0."""
        largest = self._curvature[moved].max(initial=0.0)
        slack, held = max(SLACK, self._damping) * largest, self._ridge[moved] > LEAST_RIDGE * largest
        free = len(moved) - np.count_nonzero(held)
        if len(moved) - free > self._columns.shape[1] and free <= FREE:
            return self._newton_by_rows(moved, held, slack, slope)
        if self._gram is not None:
            return solved(self._gram[np.ix_(moved, moved)], self._ridge[moved], slack, slope)
        columns = self._columns[moved]
        if len(moved) <= columns.shape[1]:
            return solved(columns @ columns.T, self._ridge[moved], slack, slope)
        # More columns than rows: use the Sherman-Morrison-Woodbury identity.
        inverse = 1 / (self._ridge[moved] + max(WIDE_SLACK, self._damping) * self._curvature[moved].max())
        inner = solved((columns.T * inverse) @ columns, np.ones(columns.shape[1]), 0.0, columns.T @ (inverse * slope))
        change: np.ndarray = inverse * (slope - columns @ inner)
        return change

    def _newton_by_rows(self, moved: np.ndarray, held: np.ndarray, slack: float, slope: np.ndarray) -> np.ndarray:
        """Return the same as ``_newton``, for more penalized columns than rows and few unpenalized columns."""
        inside, others = moved[held], self._columns[moved[~held]]
        products = (self._columns @ others.T)[inside]
        right = np.column_stack([slope[held], products])
        found = self._dual.solved(self._columns, inside, self._ridge[inside] + slack, right)
        change = np.empty(len(moved))
        change[~held] = solved(
            others @ others.T - products.T @ found[:, 1:],
            self._ridge[moved[~held]],
            slack,
            slope[~held] - products.T @ found[:, 0],
        )
        change[held] = found[:, 0] - found[:, 1:] @ change[~held]
        return change
