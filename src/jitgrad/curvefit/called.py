"""Models that are called with numbers: models that cannot be traced, and models with a user-defined Jacobian.

Derivatives are finite differences, or the user's function. ``called_fit.py`` fits these models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.differences import SCHEMES, jacobian
from jitgrad.curvefit.least_squares import Limits
from jitgrad.errors import ArgumentError, DTypeError, ShapeError

Derivatives = str | Callable[..., Any]
"""The name of a finite-difference scheme, or the Jacobian as a function of x and the parameters."""


def checked(jac: Any) -> Derivatives:
    """Return the user's ``jac``. Raises ArgumentError unless it is a function, a scheme of SciPy's, or None."""
    if jac is None:
        return "3-point"
    if callable(jac) or (isinstance(jac, str) and jac in SCHEMES):
        return jac
    raise ArgumentError(f"jac is {jac!r}. Give a function of x and the parameters, or one of {', '.join(SCHEMES)}.")


class CalledCurve(Curve):
    """A model that is called with numbers, and receives x unchanged.

    Attributes
    ----------
    derivatives : str or callable
        The finite-difference scheme or the Jacobian.
    reason : str
        The reason why the model is called rather than traced, as a clause.
    """

    def __init__(
        self,
        model: Any,
        names: Sequence[str],
        columns: Sequence[str],
        derivatives: Derivatives,
        reason: str,
        log: bool = False,
    ) -> None:
        self.model, self.names, self.columns, self.log, self.key = model, list(names), list(columns), log, None
        self.derivatives, self.reason = derivatives, reason

    def __reduce__(self) -> Any:
        return CalledCurve, (self.model, self.names, self.columns, self.derivatives, self.reason, self.log)

    @property
    def note(self) -> str:
        """How derivatives are computed, and why they are not exact."""
        return f"derivatives are {'' if callable(self.derivatives) else 'finite differences because '}{self.reason}"

    def arrays(self, x: Any) -> list[Any]:
        """Return the argument of the model: x itself, or an array if it is a list or a tuple."""
        if isinstance(x, list) and len(x) == 1 and isinstance(x[0], np.ndarray) and x[0].ndim:
            return x
        return [np.asarray(x, np.float64) if isinstance(x, (list, tuple)) else x]

    def goes_by_rows(self, *_: Any) -> bool:
        return False

    def values(self, values: np.ndarray, free: Sequence[int], columns: Sequence[Any], rows: int | None = None) -> np.ndarray:
        x = columns[0]
        said = self.model(x.copy() if type(x) is np.ndarray else x, *values)
        if said is None:
            raise ShapeError("The model returns None. It should return one number per row.")
        if hasattr(said, "t_events"):
            raise ShapeError("The model returns the whole result of solve_ivp. Return the states to fit, such as result.y[0].")
        said = np.asarray(said)
        if rows is None:
            rows = said.size if said.size > 1 or not np.ndim(x) else np.shape(x)[-1]
        if said.shape not in ((rows,), (1,), ()):
            raise ShapeError(
                f"The model returns shape {said.shape} for {rows} rows. It should return one number per row, shape ({rows},)."
            )
        if said.dtype.kind not in "biufO" and (said.dtype.kind, values.dtype.kind) != ("c", "c"):
            raise DTypeError(f"The model returns dtype {said.dtype}. It should return real numbers.")
        said = np.broadcast_to(said.astype(values.dtype), (rows,))
        return np.log(said) if self.log else said

    def evaluate(
        self, values: np.ndarray, free: Sequence[int], columns: Sequence[Any], rows: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        said = self.values(values, free, columns, rows)
        unbounded = Limits(np.full(len(free), -np.inf), np.full(len(free), np.inf))
        return said, self.jacobian(values, free, columns, said, unbounded)

    def jacobian(
        self, values: np.ndarray, free: Sequence[int], columns: Sequence[Any], said: np.ndarray, limits: Limits
    ) -> np.ndarray:
        """Return the derivatives with respect to the parameters ``free``, (rows, n), at the values ``said`` of the model."""
        x, shape = columns[0], (len(said), len(values))
        if callable(self.derivatives):
            found = np.asarray(self.derivatives(x.copy() if type(x) is np.ndarray else x, *values), np.float64)
            if found.shape == shape[:1] and shape[1] == 1:
                found = found[:, None]
            if found.shape != shape:
                raise ShapeError(f"jac returns shape {found.shape}. It should return shape {shape}, one row per value of y.")
            found = found[:, list(free)]
            return found / self.responses(said)[:, None] if self.log else found

        def of(moved: np.ndarray) -> np.ndarray:
            every = values.astype(moved.dtype)
            every[list(free)] = moved
            try:
                return self.values(every, free, columns, len(said))
            except (ArithmeticError, ValueError):  # such as math.sqrt below 0; the difference is then one-sided
                return np.full(len(said), np.nan)

        return jacobian(of, values[list(free)], said, self.derivatives, *limits)
