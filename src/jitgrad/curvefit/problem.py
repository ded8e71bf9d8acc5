"""A model, its data and its options: everything that a fit needs and its result uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitgrad.curvefit.called import CalledCurve
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.data import check_size
from jitgrad.curvefit.least_squares import Data, Limits, Solution, SolverOptions, solve
from jitgrad.curvefit.lowered_model import LoweredModel
from jitgrad.curvefit.rows import Observations
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import DataError, JitgradError
from jitgrad.functions.products import matmul
from jitgrad.tape.tensor import as_tensor


@dataclass(frozen=True, eq=False)
class Problem:
    """A model to be fitted. Made by ``make_problem``.

    Attributes
    ----------
    curve : Curve
        The model.
    observed : Observations
        The columns, the response and sigma, with remarks.
    data : Data
        Columns, response and weights for the native code.
    whitening : ndarray, shape (rows, rows), or None
        The matrix that makes correlated errors independent; None unless sigma is a covariance.
    held : ndarray, shape (p,)
        The values of all parameters; nan if unknown.
    free : sequence of int
        The indices of the parameters to fit.
    bounds : Limits or None
        The bounds of all parameters.
    options : SolverOptions
        Tolerances and the loss.
    absolute_sigma : bool
        Whether sigma is in the units of y.
    """

    curve: Curve
    observed: Observations
    data: Data
    whitening: np.ndarray | None
    held: np.ndarray
    free: Sequence[int]
    bounds: Limits | None
    options: SolverOptions
    absolute_sigma: bool
    _lowered: list[LoweredModel] = field(default_factory=list, init=False, repr=False)

    @property
    def columns(self) -> list[Any]:
        """The arguments of the model: its columns, or an object that a function takes."""
        return self.observed.columns

    @property
    def y(self) -> np.ndarray:
        """The response, or its logarithm for log-normal errors, float64 (rows,)."""
        return self.observed.y

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_lowered": []}

    @property
    def lowered(self) -> LoweredModel:
        """The model for the data, traced once per fit."""
        if not self._lowered:
            curve = self.curve if self.whitening is None else _Whitened(self.curve, self.whitening)
            self._lowered.append(curve.traced(self.data.columns, self.free, len(self.data.y)))
        return self._lowered[0]

    @property
    def accuracy(self) -> float:
        """The error of the model's values, relative to y, beyond rounding errors."""
        return max(self.options.accuracy, self.lowered.accuracy)

    def solve(
        self,
        starts: np.ndarray,
        most: int | None = None,
        linear: bool = False,
        done: Callable[[int], None] | None = None,
    ) -> Solution:
        """Fit from ``starts``, (F, n), with at most ``most`` evaluations each; see ``Solver.solve``."""
        options = self.options if most is None else self.options._replace(most=min(most, self.options.most))
        options = options.within(self.accuracy)
        return solve(self.lowered, self.data, self.held, self.limits(), starts, options, linear, done)

    def with_free(self, values: np.ndarray) -> np.ndarray:
        """Return the values of all parameters, (p,), given those of the free parameters, (n,)."""
        if len(self.free) == len(self.held):
            return values
        every = self.held.copy()
        every[list(self.free)] = values
        return every

    def not_finite(self, start: np.ndarray, place: str = "the starting values") -> str:
        """Return a sentence, without its period, on the quantity that is not finite at values of the free parameters, (n,)."""
        said, jacobian = self.curve.evaluate(self.with_free(start), self.free, self.columns, len(self.y))
        bad, what = ~np.isfinite(said), "The logarithm of the model" if self.curve.log else "The model"
        if bad.any():
            return f"{what} is not finite at {place}, {self._rows(bad)}{self._failure(start)}"
        k = int(np.argmax(~np.isfinite(jacobian).all(axis=0)))
        bad = ~np.isfinite(jacobian[:, k])
        if not bad.any():  # the values are finite, but their squares are not
            return f"The model is not finite at {place}: its square over sigma overflows"
        name = self.curve.names[self.free[k]]
        return f"The derivative of the model with respect to {name} is not finite at {place}, {self._rows(bad)}"

    def _failure(self, start: np.ndarray) -> str:
        """Return the error of an integration that fails at values of the free parameters, as a clause, or an empty string."""
        if isinstance(self.curve, CalledCurve) or not self.lowered.solves_equations:  # a called curve cannot be traced
            return ""
        try:
            as_tensor(self.curve(list(map(as_tensor, self.columns)), list(map(as_tensor, self.with_free(start))))).numpy()
        except JitgradError as error:
            said = str(error.__cause__ or error).removesuffix(".").partition(". ")[0]
            return f" (an integration fails: {said[:1].lower()}{said[1:]})"
        return ""

    def _rows(self, marked: np.ndarray) -> str:
        """Return a description of the marked rows, with the data of the first."""
        row, others = int(np.argmax(marked)), int(np.sum(marked)) - 1
        names = self.curve.columns if len(self.curve.columns) == len(self.data.columns) else [""] * len(self.data.columns)
        labels = self.curve.model.labels if isinstance(self.curve.model, TextModel) else []
        columns = [
            (name or "x", x)
            for name, x in zip(names, self.data.columns, strict=True)
            if x.shape == marked.shape and name not in labels
        ]
        of = f" ({', '.join(f'{name} = {x[row]:g}' for name, x in columns[:3])})" if columns else ""
        return f"in row {row}{of}" + (f" and {others} more" if others else "")

    def limits(self) -> Limits | None:
        """Return the bounds of the free parameters."""
        return None if self.bounds is None else Limits(self.bounds.low[self.free], self.bounds.high[self.free])

    def rounding(self) -> float:
        """Return a cost that consists of rounding errors only."""
        return float(50 * np.finfo(float).eps ** 2 * np.sum(self.weighted(self.y) ** 2))

    @property
    def log_weights(self) -> float:
        """The logarithm of the determinant of the whitening of the errors: -Σ log(sigma)."""
        if self.whitening is not None:
            return float(np.log(np.diag(self.whitening)).sum())
        return 0.0 if self.data.weights is None else float(np.log(self.data.weights).sum())

    def weighted(self, residuals: Any) -> Any:
        """Return residuals (an array or a Tensor) divided by sigma."""
        if self.whitening is not None:
            return self.whitening @ residuals
        return residuals if self.data.weights is None else residuals * self.data.weights


class _Whitened(Curve):
    """A model whose values are multiplied by a matrix that makes the errors independent."""

    def __init__(self, curve: Curve, whitening: np.ndarray) -> None:
        super().__init__(curve.model, curve.names, curve.columns, curve.log)
        self._whitening = whitening
        self.key = None

    def __call__(self, columns: Any, parameters: Any) -> Any:
        value = as_tensor(super().__call__(columns, parameters))
        return matmul(self._whitening, value + np.zeros(len(self._whitening)))


def make_problem(
    curve: Curve, observed: Observations, held: np.ndarray, free: Sequence[int], bounds: Limits | None, options: SolverOptions,
    absolute_sigma: bool,
) -> Problem:  # fmt: skip
    """Return a Problem. Raises DataError for an invalid covariance, and if squares of y over sigma overflow."""
    columns, y, sigma = observed[:3]
    curve.check(columns)
    curve = curve.suited(columns)
    whitening = None if sigma is None or sigma.ndim < 2 else _whitening(sigma)
    weights = None if sigma is None or sigma.ndim == 2 else np.ones(len(y)) / sigma
    data = Data(columns, y if whitening is None else whitening @ y, weights)
    check_size(data.y if weights is None else data.y * weights)
    return Problem(curve, observed, data, whitening, held, free, bounds, options, absolute_sigma)


def _whitening(sigma: np.ndarray) -> np.ndarray:
    """Return the inverse of the lower Cholesky factor of a covariance."""
    from scipy.linalg import solve_triangular

    try:
        factor = np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        raise DataError("The matrix sigma is not positive definite. Give the covariance matrix of the errors of y.") from None
    return np.asarray(solve_triangular(factor, np.eye(len(sigma)), lower=True))
