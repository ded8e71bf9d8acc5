"""A model, its data, and what may change: what a fit needs, and what its result asks again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.data import check_size
from jitgrad.curvefit.least_squares import Data, Limits, Settings, Solution, solve
from jitgrad.curvefit.lowered_model import LoweredModel
from jitgrad.curvefit.result import CurveFit
from jitgrad.errors import DataError
from jitgrad.functions.products import matmul
from jitgrad.tape.tensor import as_tensor


class Problem:
    """A model to be fitted.

    Args:
        curve: the model.
        columns: its columns.
        y: the response, float64 (rows,).
        held: values of all parameters, (p,); nan where none is known.
        sigma: its standard deviations, (rows,) or one number, or its covariance, (rows, rows).
        absolute_sigma: whether these are in the units of y.

    Raises DataError for a covariance that is none, and where the squares of y over sigma are no floats.

    Attributes:
        data: columns, response and weights as the native code takes them.
        free: the numbers of the parameters to fit.
        bounds: lowest and highest values of all parameters; None where there are none.
        settings: when a fit ends, and how residuals count.
        remarks: what the result is to say about how it was come by, a clause each.
    """

    def __init__(
        self,
        curve: Curve,
        columns: list[np.ndarray],
        y: np.ndarray,
        held: np.ndarray,
        sigma: np.ndarray | None = None,
        absolute_sigma: bool = False,
    ) -> None:
        self.curve, self.columns, self.y, self.sigma, self.absolute_sigma = curve, columns, y, sigma, absolute_sigma
        self._whitening = None if sigma is None or sigma.ndim < 2 else _whitening(sigma)
        weights = None if sigma is None or sigma.ndim == 2 else np.ones(len(y)) / sigma
        self.data = Data(columns, y if self._whitening is None else self._whitening @ y, weights)
        check_size(self.data.y if weights is None else self.data.y * weights)
        self.free: Sequence[int] = range(len(curve.names))
        self.held = held
        self.bounds: Limits | None = None
        self.settings = Settings()
        self.remarks: list[str] = []
        self._kept: tuple[Data, LoweredModel] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_kept": None}

    def traced(self, data: Data) -> LoweredModel:
        """The model for ``data``, traced once for one fit."""
        if self._kept is None or self._kept[0] is not data:
            curve = self.curve if self._whitening is None else _Whitened(self.curve, self._whitening)
            self._kept = data, curve.traced(data.columns, self.free, len(data.y))
        return self._kept[1]

    def solve(self, starts: np.ndarray, data: Data | None = None, most: int | None = None, linear: bool = False) -> Solution:
        """Fit from ``starts``, (F, n), on all rows or on others; see ``Solver.solve``."""
        data = data or self.data
        settings = self.settings if most is None else self.settings._replace(most=min(most, self.settings.most))
        return solve(self.traced(data), data, self.held, self.limits(), starts, settings, linear)

    def not_finite(self, start: np.ndarray) -> str:
        """What is not finite at values of the free parameters, (n,), with its rows: a sentence without its full stop."""
        values = self.held.copy()
        values[self.free] = start
        said, jacobian = self.curve.evaluate(values, self.free, self.columns, len(self.y))
        bad = ~np.isfinite(said)
        if bad.any():
            return f"The model is not finite at the starting values, {self._rows(bad)}"
        k = int(np.argmax(~np.isfinite(jacobian).all(axis=0)))
        bad = ~np.isfinite(jacobian[:, k])
        if not bad.any():  # each is, and their squares are not
            return "The model is not finite at the starting values: its squares, over sigma, are no floats"
        name = self.curve.names[self.free[k]]
        return f"A derivative of the model is not finite at the starting values, that by {name} {self._rows(bad)}"

    def _rows(self, marked: np.ndarray) -> str:
        """Rows, the first by its number and its data."""
        row, others = int(np.argmax(marked)), int(np.sum(marked)) - 1
        names = self.curve.columns if len(self.curve.columns) == len(self.data.columns) else [""] * len(self.data.columns)
        columns = [(name or "x", x) for name, x in zip(names, self.data.columns, strict=True) if x.shape == marked.shape]
        of = f" ({', '.join(f'{name} = {x[row]:g}' for name, x in columns[:3])})" if columns else ""
        return f"in row {row}{of}" + (f" and {others} more" if others else "")

    def limits(self) -> Limits | None:
        """The bounds of the free parameters."""
        return None if self.bounds is None else Limits(self.bounds.low[self.free], self.bounds.high[self.free])

    def result(self, solution: Solution, i: int = 0) -> CurveFit:
        """The result of one of the fits of a solution."""
        values = solution.parameters[i]
        if len(self.free) < len(self.held):
            values = self.held.copy()
            values[self.free] = solution.parameters[i]
        return CurveFit(self, values, solution.outcomes[i], solution.factors[i])

    def rounding(self) -> float:
        """A cost that is nothing but rounding errors."""
        return float(50 * np.finfo(float).eps ** 2 * np.sum(self.weighted(self.y) ** 2))

    def weighted(self, residuals: Any) -> Any:
        """Residuals, an array or a Tensor, over sigma."""
        if self._whitening is not None:
            return self._whitening @ residuals
        return residuals if self.data.weights is None else residuals * self.data.weights


class _Whitened(Curve):
    """A model whose values are multiplied by a matrix, so that their errors are independent."""

    def __init__(self, curve: Curve, whitening: np.ndarray) -> None:
        super().__init__(curve.model, curve.names, curve.columns)
        self._whitening = whitening
        self.key = None

    def __call__(self, columns: Any, parameters: Any) -> Any:
        value = as_tensor(super().__call__(columns, parameters))
        return matmul(self._whitening, value + np.zeros(len(self._whitening)))


def _whitening(sigma: np.ndarray) -> np.ndarray:
    """The inverse of the lower Cholesky factor of a covariance."""
    from scipy.linalg import solve_triangular

    try:
        factor = np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        raise DataError("sigma is a matrix that is not positive definite. Give the covariance of the errors of y.") from None
    return np.asarray(solve_triangular(factor, np.eye(len(sigma)), lower=True))
