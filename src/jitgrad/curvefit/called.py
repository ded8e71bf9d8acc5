"""Models that are called on numbers: those that cannot be traced, and those whose derivatives the user gives.

They are fitted by ``scipy.optimize.least_squares``. What it needs beside the values is the Jacobian, by differences or by the
user's own function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.data import square_of
from jitgrad.curvefit.differences import SCHEMES, jacobian
from jitgrad.curvefit.least_squares import Limits, Solution
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.starts import distinct, scales_of, starting_values
from jitgrad.errors import ArgumentError, DTypeError, FitError, ShapeError
from jitgrad.vm import fit_plan

Derivatives = str | Callable[..., Any]
"""The name of a scheme of differences, or the Jacobian as a function of x and the parameters."""

STARTS_EACH, KEPT = 32, 4
"""Starts of a search for each parameter, where each costs a call of the model, and how many of the best are fitted."""
CONVERGED = 1e-4
"""The cosine of the residuals with a column of the Jacobian, which differences know to some eight digits."""
NOISE = {"3-point": 1e-9, "2-point": 1e-7}
"""Of differences, beside the largest singular value of a Jacobian, its columns scaled to norm one."""
_ENDED = {0: fit_plan.TOO_MANY, 1: fit_plan.BY_GRADIENT, 2: fit_plan.BY_COST, 3: fit_plan.BY_STEP, 4: fit_plan.BY_COST}


def checked(jac: Any) -> Derivatives:
    """What users give as ``jac``. Raises ArgumentError for anything but a function, SciPy's names and None."""
    if jac is None:
        return "3-point"
    if callable(jac) or (isinstance(jac, str) and jac in SCHEMES):
        return jac
    raise ArgumentError(f"jac is {jac!r}. Give a function of x and the parameters, or one of {', '.join(SCHEMES)}.")


class CalledCurve(Curve):
    """A model that is called on numbers, and gets x as it was given.

    Attributes:
        derivatives: where its derivatives come from.
        reason: why it is called and not traced, a clause.
    """

    def __init__(self, model: Any, names: Sequence[str], columns: Sequence[str], derivatives: Derivatives, reason: str) -> None:
        self.model, self.names, self.columns, self.key = model, list(names), list(columns), None
        self.derivatives, self.reason = derivatives, reason

    def __reduce__(self) -> Any:
        return CalledCurve, (self.model, self.names, self.columns, self.derivatives, self.reason)

    @property
    def note(self) -> str:
        """Where derivatives come from, and why they are not exact."""
        return f"derivatives are {'' if callable(self.derivatives) else 'differences, '}{self.reason}"

    def arrays(self, x: Any) -> list[Any]:
        """What the model gets: x itself, lists and tuples as arrays."""
        if isinstance(x, list) and len(x) == 1 and isinstance(x[0], np.ndarray) and x[0].ndim:
            return x
        return [np.asarray(x, np.float64) if isinstance(x, (list, tuple)) else x]

    def goes_by_rows(self, *_: Any) -> bool:
        return False

    def values(self, values: np.ndarray, free: Sequence[int], columns: Sequence[Any], rows: int | None = None) -> np.ndarray:
        x = columns[0]
        said = self.model(x.copy() if type(x) is np.ndarray else x, *values)
        if said is None:
            raise ShapeError("The model returns None. It should return one number for each row.")
        said = np.asarray(said)
        if rows is None:
            rows = said.size if said.size > 1 or not np.ndim(x) else np.shape(x)[-1]
        if said.shape not in ((rows,), (1,), ()):
            raise ShapeError(
                f"The model returns shape {said.shape} for {rows} rows. It should return one number for each, shape ({rows},)."
            )
        if said.dtype.kind not in "biufO" and (said.dtype.kind, values.dtype.kind) != ("c", "c"):
            raise DTypeError(f"The model returns {said.dtype}. It should return real numbers.")
        return np.broadcast_to(said.astype(values.dtype), (rows,))

    def evaluate(
        self, values: np.ndarray, free: Sequence[int], columns: Sequence[Any], rows: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        said = self.values(values, free, columns, rows)
        unbounded = Limits(np.full(len(free), -np.inf), np.full(len(free), np.inf))
        return said, self.jacobian(values, free, columns, said, unbounded)

    def jacobian(
        self, values: np.ndarray, free: Sequence[int], columns: Sequence[Any], said: np.ndarray, limits: Limits
    ) -> np.ndarray:
        """The derivatives by the parameters ``free``, (rows, n), where the model says ``said``."""
        x, shape = columns[0], (len(said), len(values))
        if callable(self.derivatives):
            found = np.asarray(self.derivatives(x.copy() if type(x) is np.ndarray else x, *values), np.float64)
            if found.shape != shape:
                raise ShapeError(f"jac returns shape {found.shape}. It should return {shape}, a row for each of y.")
            return found[:, list(free)]

        def of(moved: np.ndarray) -> np.ndarray:
            every = values.astype(moved.dtype)
            every[list(free)] = moved
            return self.values(every, free, columns, len(said))

        return jacobian(of, values[list(free)], said, self.derivatives, *limits)


class _Run:
    """The weighted residuals and their Jacobian as functions of the free parameters; SciPy asks for them one after the other.

    Attributes:
        calls: how often the model was computed, differences aside.
        scheme: that of the differences; empty where there are none.
    """

    def __init__(self, problem: Problem, curve: CalledCurve) -> None:
        self._problem, self._curve, self.calls = problem, curve, 0
        self.scheme = curve.derivatives if isinstance(curve.derivatives, str) else ""
        everything = Limits(np.full(len(problem.free), -np.inf), np.full(len(problem.free), np.inf))
        self.limits = problem.limits() or everything
        self._at, self._said = np.empty(0), np.empty(0)

    def _all(self, free: np.ndarray) -> np.ndarray:
        values = self._problem.held.copy()
        values[list(self._problem.free)] = free
        return values

    def _value(self, free: np.ndarray) -> np.ndarray:
        if not np.array_equal(self._at, free) or not len(self._said):
            problem = self._problem
            self.calls += 1
            try:
                self._said = self._curve.values(self._all(free), problem.free, problem.columns, len(problem.y))
            except Exception as error:
                error.add_note(f"The model was called on numbers: {self._curve.note}.")
                raise
            self._at = free.copy()
        return self._said

    def residuals(self, free: np.ndarray) -> np.ndarray:
        return np.asarray(self._problem.weighted(self._value(free) - self._problem.y))

    def tried(self, free: np.ndarray) -> np.ndarray:
        """As ``residuals``, nan where their squares are no floats, and where Python has no number, as of ``math.exp(1000)``."""
        try:
            found = self.residuals(free)
        except (ArithmeticError, ValueError):
            found = np.full(len(self._problem.y), np.nan)
        return found if np.isfinite(square_of(found)) else np.full(len(found), np.nan)

    def jacobian(self, free: np.ndarray) -> np.ndarray:
        problem = self._problem
        found = self._curve.jacobian(self._all(free), problem.free, problem.columns, self._value(free), self.limits)
        if not np.isfinite(found).all():
            raise FitError("A derivative of the model is not finite on the way. Choose other starting values, or bounds.")
        weights = problem.data.weights
        return found * weights[:, None] if weights is not None else np.asarray(problem.weighted(found))


def fit_called(problem: Problem, curve: CalledCurve, start: np.ndarray | None, method: str) -> CurveFit:
    """The fit from one start, (n,), or the best from many.

    Raises FitError where the model or a derivative is not finite at the start, and what the model itself raises there.
    """
    run = _Run(problem, curve)
    with np.errstate(all="ignore"):
        if not problem.free:
            start = np.empty(0)
        if start is not None:
            return problem.result(_fit(problem, run, start, method))
        starts = _starts(problem)
        fits = [_fit(problem, run, one, method) for one in _best(starts, run)]
    costs = np.array([fit.costs[0] for fit in fits])
    result = problem.result(fits[int(np.argmin(costs))])
    result.minima, result.starts = len(distinct(costs, problem.rounding())), len(starts)
    return result


def _starts(problem: Problem) -> np.ndarray:
    """Many starting values, (F, n), the first ones where nothing is known."""
    n, free = len(problem.free), list(problem.free)
    columns = [x for x in problem.columns if isinstance(x, np.ndarray) and x.shape == problem.y.shape]
    scales = scales_of(columns, problem.y, False)
    spread = starting_values((False,) * n, np.zeros((n, len(scales.columns) + 1)), problem.limits(), scales)[: STARTS_EACH * n]
    known = ~np.isnan(problem.held[free])
    spread[:, known] = problem.held[free][known]
    return spread


def _best(starts: np.ndarray, run: _Run) -> list[np.ndarray]:
    """The first start and those of the lowest cost; raises what the model raises where it does so at each."""
    costs = np.array([square_of(run.tried(start)) for start in starts])
    best = np.argsort(np.where(np.isfinite(costs), costs, np.inf), kind="stable")[:KEPT]
    kept = [k for k in dict.fromkeys([0, *best.tolist()]) if np.isfinite(costs[k])]
    if not kept:
        run.residuals(starts[0])
        raise FitError(
            f"The model is not finite at any of {len(starts)} starts. Give p0, or bounds that keep to where it is finite."
        )
    return [starts[k] for k in kept]


def _fit(problem: Problem, run: _Run, start: np.ndarray, method: str) -> Solution:
    from scipy.optimize import least_squares

    run.calls = 0
    if not np.isfinite(square_of(run.residuals(start))):
        raise FitError(
            f"{problem.not_finite(start)}. Choose others, or bounds that keep to where it is; or leave such rows out."
        )
    if not len(start):
        residual = run.residuals(start)
        figures = [0.5 * float(residual @ residual), run.calls, 0, fit_plan.BY_GRADIENT, 1.0]
        return Solution(start[None], np.array([figures]), np.empty((1, 0, 0)))
    settings, name = problem.settings, "trf" if method == "auto" else method
    try:
        found = least_squares(
            run.tried, start, run.jacobian, run.limits, name, max_nfev=settings.most, x_scale="jac",
            ftol=settings.ftol, xtol=settings.xtol, gtol=settings.gtol if name == "lm" else None,
            loss=settings.loss, f_scale=settings.scale,
        )  # fmt: skip
    except np.linalg.LinAlgError as error:
        raise FitError(f"SciPy's least squares failed: {error}. Choose other starting values, or bounds.") from error
    ended, norms, size = _ENDED[found.status], np.linalg.norm(found.jac, axis=0), np.sqrt(2 * found.cost)
    angles = np.abs(found.grad) / np.where(norms > 0, norms, 1.0) / (size or 1.0)
    if found.cost <= problem.rounding():
        ended = fit_plan.EXACT
    elif angles[found.active_mask == 0].max(initial=0.0) > CONVERGED:
        ended = fit_plan.TOO_MANY
    low, high = run.limits
    values = np.where(found.active_mask < 0, low, np.where(found.active_mask > 0, high, found.x))
    _, s, v = np.linalg.svd(found.jac / np.where(norms > 0, norms, 1.0), full_matrices=False)
    s[s < NOISE.get(run.scheme, 0.0) * s[0]] = 0.0
    figures = [float(found.cost), run.calls, found.njev, ended, s[-1] / s[0] if s[0] > 0 else 0.0]
    return Solution(values[None], np.array([figures]), (s[:, None] * v * norms)[None])
