"""A penalized fit along a path of decreasing penalties.

A fit has a working set of columns whose coefficients the strong rule predicts to be nonzero (Tibshirani et al., "Strong rules
for discarding predictors in lasso-type problems", 2012). On it, Newton's method minimizes the loss; each step minimizes a
quadratic function with the penalty (``quadratic.py``; Friedman, Hastie and Tibshirani, 2010). Then the gradient of all columns
is checked, and columns that violate the optimality conditions join the working set, until no column does. The prediction of the
rule therefore affects only the time, not the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, NamedTuple

import numpy as np

from jitgrad.glm.canonical import Loss
from jitgrad.glm.quadratic import Quadratic, violation
from jitgrad.vm.threads import get_num_threads

JOINING = 100
"""Maximum number of columns that join a working set at once; larger sets may double."""
LEAST_RATIO = 1e-3
"""No ridge penalty makes all coefficients 0, so the largest one is taken from an elastic net with this ``l1_ratio``."""
AT_ONCE = 512
"""Number of columns that a thread multiplies at once."""
FLAT = 1e-14
"""Relative size of the null model's gradient below which it counts as 0."""
ROUNDING = 1e-12
"""Relative increase of the loss that counts as rounding error."""


@dataclass(frozen=True)
class Design:
    """Columns shared by several fits.

    Attributes
    ----------
    columns : ndarray, shape (features, rows)
        The columns, centered if there is an intercept, and scaled.
    intercept : bool
        Whether there is an intercept.
    tolerance : float
        Tolerance of the optimality conditions, relative to the largest gradient of the null model.
    max_iter : int
        Maximum number of coordinate descent sweeps per penalty.
    """

    columns: np.ndarray
    intercept: bool
    tolerance: float
    max_iter: int


class Penalty(NamedTuple):
    """The penalty of a fit: alpha · Σ factor (l1_ratio |size · coefficient| + (1 − l1_ratio) / 2 (size · coefficient)²).

    Attributes
    ----------
    l1_ratio : float
        The lasso share.
    factor, size : ndarray, shape (features,)
        The factor and the scale of each column.
    usable : ndarray of bool, shape (features,)
        Which columns are not constant.
    """

    l1_ratio: float
    factor: np.ndarray
    size: np.ndarray
    usable: np.ndarray


class PenalisedFit:
    """A penalized fit of a design.

    Parameters
    ----------
    design : Design
        The columns.
    loss : Loss
        The loss of the targets.
    weights : ndarray, shape (rows,)
        Weights that sum to 1. Rows with weight 0 are predicted but not fitted.
    offset : ndarray, shape (rows, outputs)
        The offset.
    penalty : Penalty
        The penalty of each column.

    Attributes
    ----------
    coefficients : ndarray, shape (outputs, features)
        The coefficients of the design's columns.
    intercepts : ndarray, shape (outputs,)
        The intercepts.
    eta : ndarray, shape (rows, outputs)
        The linear predictors.
    gradient : ndarray, shape (outputs * features,)
        The negative gradient of the loss, as computed by ``follow``.
    scale : float
        The largest gradient of the null model.
    missed : float
        The largest violation of the optimality conditions for the last penalty.
    n_iter : int
        The number of sweeps for the last penalty.
    """

    def __init__(self, design: Design, loss: Loss, weights: np.ndarray, offset: np.ndarray, penalty: Penalty) -> None:
        self.design, self.loss, self.weights, self._offset = design, loss, weights, offset
        self._roots = np.sqrt(weights)
        factor, size, usable = (np.tile(part, loss.outputs) for part in penalty[1:])
        ratio = penalty.l1_ratio
        self._factor, self._usable = factor * size, usable
        self._lasso, self._ridge = ratio * factor * size, (1 - ratio) * factor * size**2
        self._ratio = penalty.l1_ratio
        self.intercepts, self.coefficients = np.zeros(loss.outputs), np.zeros((loss.outputs, len(design.columns)))
        self.eta, self.gradient = offset.copy(), np.zeros(self.coefficients.size)
        self.scale, self.missed, self.n_iter = float(abs(self.residual()).sum()) or 1.0, 0.0, 0
        self._last: tuple[float, np.ndarray] | None = None
        self._alpha, self._working = 0.0, np.flatnonzero(usable & (factor == 0))
        self._counted = slice(None) if weights.all() else np.flatnonzero(weights)
        self._quadratic, self._known = self._empty(), 0

    def residual(self) -> np.ndarray:
        """Return the weighted residuals (rows, outputs)."""
        made: np.ndarray = self.weights[:, None] * self.loss.residual(self.eta)
        return made

    def begun(self) -> None:
        """Record the gradient of the null model, before the first penalty."""
        size = float(abs(self.gradient[self._usable]).max(initial=0))
        if size <= FLAT * self.scale:
            self.gradient[:] = 0  # rounding error
        else:
            self.scale = size
        self._alpha = self.largest()

    def largest(self) -> float:
        """Return the smallest penalty for which all penalized coefficients are 0."""
        held = self._usable & (self._factor > 0)
        return float((abs(self.gradient[held]) / self._factor[held]).max(initial=0)) / max(self._ratio, LEAST_RATIO)

    def foretell(self, alpha: float) -> None:
        """Choose the working set for the next penalty by the strong rule."""
        before, self._alpha, self.n_iter = self._alpha, alpha, 0
        self._extrapolate(before)
        used = self._working if self.loss.quadratic else self._working[self._coefficients_of(self._working) != 0]
        free = self._lasso == 0
        likely = free | (abs(self.gradient) >= self._lasso * max(2 * alpha - before, alpha / 2))
        self._join(used, np.flatnonzero(likely & self._usable), free)

    def _extrapolate(self, before: float) -> None:
        """Extrapolate the coefficients from the last two penalties, the second of which is ``before``.

        For "gaussian", paths are linear between penalties at which a coefficient becomes zero or nonzero. A coefficient that
        would change sign is set to 0.
        """
        now = np.append(self.intercepts, self.coefficients)
        last, self._last = self._last, (before, now)
        if last is None or not last[0] > before > self._alpha:
            return
        after = now + (now - last[1]) * ((before - self._alpha) / (last[0] - before))
        after[(after * now < 0) & (last[1] != 0)] = 0
        constants = self.loss.outputs
        after[constants:][self._coefficients_of(slice(None)) == 0] = 0
        chosen = np.append(np.arange(self._constants), constants + self._working)
        self._move(now[chosen], after[chosen], self._with_constants(self._working))

    def complete(self) -> bool:
        """Add columns that violate the optimality conditions to the working set, and return whether no column did.

        ``gradient`` must be current.
        """
        missed = self._violations()
        self.missed = float(missed.max(initial=0)) / self.scale
        outside = np.full(len(missed), True)
        outside[self._working] = False
        wrong = np.flatnonzero(outside & (missed > self.design.tolerance * self.scale))
        self._join(self._working, wrong, self._lasso == 0)
        return not len(wrong) or self.n_iter >= self.design.max_iter

    def _violations(self) -> np.ndarray:
        """Return the violation of the optimality condition of each coefficient."""
        missed = violation(self.coefficients.ravel(), self.gradient, *self._penalty(slice(None)))
        missed[~self._usable] = 0
        return missed

    def solve(self) -> None:
        """Minimize on the working set."""
        enough = self.design.tolerance * self.scale
        penalty = self._with_constants(self._working)
        while self.n_iter < self.design.max_iter:
            before, gradient = self._of_working_set()
            missed = violation(before, gradient, *penalty).max(initial=0)
            if missed <= enough / 2:
                return
            aim = enough / 4 if self.loss.quadratic else max(enough / 4, missed / 100)
            left = self.design.max_iter - self.n_iter
            after, sweeps = self._model().minimise(before, gradient, *penalty, aim, left)
            self.n_iter += sweeps
            self._move(before, after, penalty)

    @property
    def _constants(self) -> int:
        return self.loss.outputs if self.design.intercept else 0

    def _penalty(self, chosen: np.ndarray | slice) -> tuple[np.ndarray, np.ndarray]:
        return self._alpha * self._lasso[chosen], self._alpha * self._ridge[chosen]

    def _with_constants(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the penalty of some columns, preceded by zeros for the intercepts."""
        lasso, ridge = self._penalty(chosen)
        none = np.zeros(self._constants)
        return np.append(none, lasso), np.append(none, ridge)

    def _coefficients_of(self, chosen: np.ndarray | slice) -> np.ndarray:
        found: np.ndarray = self.coefficients.ravel()[chosen]
        return found

    def _join(self, working: np.ndarray, joining: np.ndarray, free: np.ndarray) -> None:
        """Add columns to the working set: all columns without a lasso penalty, and those with the largest violations."""
        joining = np.setdiff1d(joining, working)
        most = max(JOINING, len(working))
        held = joining[~free[joining]]
        if len(held) > most:
            with np.errstate(over="ignore"):  # infinite if the lasso penalty is almost 0, which ranks first
                wants = abs(self.gradient[held]) / self._lasso[held]
            held = np.sort(held[np.argsort(-wants, kind="stable")[:most]])
        self._working = np.concatenate([working, joining[free[joining]], held])

    def _of_working_set(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the coefficients of the working set, intercepts first, and the gradient."""
        constants = self._constants
        before = np.append(self.intercepts[:constants], self._coefficients_of(self._working))
        if self.loss.quadratic:
            rows = self._counted
            return before, self._model().columns @ (self._roots[rows] * self.loss.residual(self.eta)[rows, 0])
        residual, (output, column) = self.residual(), np.divmod(self._working, len(self.design.columns))
        gradient = np.empty(len(column))
        for k in range(self.loss.outputs):
            gradient[output == k] = self.design.columns[column[output == k]] @ residual[:, k]
        return before, np.append(residual.sum(0)[:constants], gradient)

    def _empty(self) -> Quadratic:
        return Quadratic(self.eta[self._counted].size)

    def _model(self) -> Quadratic:
        """Return the quadratic approximation of the loss in the coefficients of the working set."""
        if not self.loss.quadratic:
            self._quadratic, self._known = self._empty(), 0
        elif self._known == len(self._working) and self._quadratic.size:
            return self._quadratic
        rows = self._counted
        root = self.loss.root(self.eta)[..., rows] * self._roots[rows]
        if not self._quadratic.size and self.design.intercept:
            self._quadratic.extend(root.swapaxes(0, 1).reshape(self.loss.outputs, -1))
        output, column = np.divmod(self._working[self._known :], len(self.design.columns))
        made = root[:, output].swapaxes(0, 1) * self.design.columns[column][:, None, rows]
        self._quadratic.extend(made.reshape(len(column), root[0].size))
        self._known = len(self._working)
        return self._quadratic

    def _move(self, before: np.ndarray, after: np.ndarray, penalty: tuple[np.ndarray, np.ndarray]) -> None:
        """Move to new coefficients; for a loss that is not quadratic, only as far as it decreases."""
        constants, eta = self._constants, self.eta
        step, part = self._product(after - before), 1.0
        if not self.loss.quadratic:
            first = self._height(eta, before, penalty)
            most = first + ROUNDING * abs(first)
            while not self._height(eta + part * step, before + part * (after - before), penalty) <= most:
                part /= 2
        made = after if part == 1 else before + part * (after - before)
        self.eta = eta + part * step
        self.intercepts[:constants] = made[:constants]
        self.coefficients.ravel()[self._working] = made[constants:]

    def _height(self, eta: np.ndarray, coefficients: np.ndarray, penalty: tuple[np.ndarray, np.ndarray]) -> float:
        """Return the loss with its penalty."""
        with np.errstate(over="ignore", invalid="ignore"):
            loss = self.weights @ self.loss.deviance(eta) / 2
        return float(loss + penalty[0] @ abs(coefficients) + penalty[1] @ coefficients**2 / 2)

    def _product(self, change: np.ndarray) -> np.ndarray:
        """Return the change of eta for a change of coefficients, (rows, outputs)."""
        made, constants = np.zeros(self.eta.shape), self._constants
        made += change[:constants] if constants else 0.0
        output, column = np.divmod(self._working, len(self.design.columns))
        for k in range(self.loss.outputs):
            chosen = (output == k) & (change[constants:] != 0)
            made[:, k] += change[constants:][chosen] @ self.design.columns[column[chosen]]
        return made


def begin(fits: Sequence[PenalisedFit]) -> None:
    """Fit intercepts and unpenalized columns."""
    with _team() as each:
        each(methodcaller("solve"), fits)
        _look(fits, each)
    for fit in fits:
        fit.begun()


def follow(fits: Sequence[PenalisedFit], alphas: np.ndarray) -> Iterator[int]:
    """Minimize fits for one penalty after another, and yield the index of each penalty when it is done.

    The gradient of all columns, which requires reading all of them, is one matrix product for all fits. The fits of a penalty
    run in parallel, each on one thread.
    """
    with _team() as each:
        for number, alpha in enumerate(alphas):
            each(methodcaller("foretell", alpha), fits)
            left = list(fits)
            while left:
                each(methodcaller("solve"), left)
                _look(left, each)
                left = [fit for fit in left if not fit.complete()]
            yield number


Each = Callable[[Callable[[Any], None], Iterable[Any]], list[None]]


def _look(fits: Sequence[PenalisedFit], each: Each) -> None:
    """Compute the gradient of all columns."""
    columns, residuals = fits[0].design.columns, [fit.residual() for fit in fits]
    together = np.concatenate(residuals, axis=1)
    products = np.empty((len(columns), together.shape[1]))

    def multiply(first: int) -> None:
        part = slice(first, first + AT_ONCE)
        np.matmul(columns[part], together, out=products[part])

    each(multiply, range(0, len(columns), AT_ONCE))
    for fit, found in zip(fits, np.split(products, np.cumsum([r.shape[1] for r in residuals])[:-1], axis=1), strict=True):
        fit.gradient = found.T.ravel()


@contextmanager
def _team() -> Iterator[Each]:
    """Provide a function that maps another function over several items in parallel."""
    with ThreadPoolExecutor(get_num_threads()) as pool:

        def each(do: Callable[[Any], None], things: Iterable[Any]) -> list[None]:
            parts = list(things)
            return list(map(do, parts) if len(parts) == 1 else pool.map(do, parts))

        yield each
