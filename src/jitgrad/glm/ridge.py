"""Ridge with squared loss in closed form: one singular value decomposition gives the fits for all penalties."""

from __future__ import annotations

import numpy as np

from jitgrad.glm.penalised import PenalisedFit


class RidgeFit(PenalisedFit):
    """A fit with squared loss, ridge penalties on all columns, and no lasso.

    With A = U S Vᵀ for the weighted columns, each divided by the root of its ridge, the coefficients for a penalty are
    U S / (S² + alpha) Vᵀ y (Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, 2009, section 3.4).
    """

    _begun = False

    def begun(self) -> None:
        """Decompose the columns."""
        self._begun = True
        super().begun()
        used, columns = self._usable, self.design.columns
        self._means = columns @ self.weights if self.design.intercept else np.zeros(len(columns))
        self._root = np.sqrt(np.where(used, self._ridge, 1))
        weighted = (columns - self._means[:, None]) * (used / self._root)[:, None] * self._roots
        target = self.loss.y - self._offset[:, 0]
        self._mean = self.weights @ target if self.design.intercept else 0.0
        self._outer, self._sizes, inner = np.linalg.svd(weighted, full_matrices=False)
        self._target = inner @ (self._roots * (target - self._mean))

    def solve(self) -> None:
        """Fit the intercept before the first penalty. For other penalties, do nothing."""
        if not self._begun:
            super().solve()

    def foretell(self, alpha: float) -> None:
        """Compute the minimum for a penalty."""
        self._alpha, self.n_iter = alpha, 0
        inner = self._sizes / (self._sizes**2 + alpha) * self._target
        self.coefficients[0] = self._outer @ inner / self._root
        self.intercepts[0] = self._mean - self._means @ self.coefficients[0]
        self.eta = self._offset + (self.intercepts[0] + self.coefficients[0] @ self.design.columns)[:, None]

    def complete(self) -> bool:
        """Record the violation of the optimality conditions."""
        self.missed = float(self._violations().max(initial=0)) / self.scale
        return True
