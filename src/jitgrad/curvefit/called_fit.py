"""Fits of models that are called with numbers, by ``scipy.optimize.least_squares``, and the search for starting values."""

from __future__ import annotations

import warnings

import numpy as np

from jitgrad.curvefit.called import CalledCurve
from jitgrad.curvefit.data import square_of
from jitgrad.curvefit.least_squares import Limits, Solution, SolverOptions
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.starts import distinct, scales_of, starting_values
from jitgrad.curvefit.status import Status, judged
from jitgrad.errors import FitError
from jitgrad.vm.least_squares.problem import OUTCOME

STARTS_EACH, KEPT, SEARCH_EVALUATIONS = 64, 6, 100
"""The number of starts per nonlinear parameter, the number of the best ones that are fitted, and the evaluations of each."""
PLACES, LINEAR = 8, 1e-9
"""The number of points at which linearity is tested, and the relative second difference that counts as rounding error."""
LARGEST_COSINE = 1e-4
"""The largest cosine of the residuals with a column of the Jacobian at a minimum, given the error of differences."""
NOISE = {"3-point": 1e-9, "2-point": 1e-7}
"""The error of differences, relative to the largest singular value of the scaled Jacobian."""
_CLAIMS = {0: Status.TOO_MANY, 1: Status.BY_GRADIENT, 2: Status.BY_COST, 3: Status.BY_STEP, 4: Status.BY_COST}
"""The status for each status code of SciPy's least_squares."""


class _Run:
    """The weighted residuals and their Jacobian as functions of the free parameters. SciPy calls them alternately.

    Attributes
    ----------
    calls : int
        The number of evaluations of the model, not counting those for differences.
    scheme : str
        The finite-difference scheme; empty if there is none.
    searches : bool
        Whether starting values are being searched.
    """

    def __init__(self, problem: Problem, curve: CalledCurve) -> None:
        self._problem, self._curve, self.calls = problem, curve, 0
        self.scheme = curve.derivatives if isinstance(curve.derivatives, str) else ""
        everything = Limits(np.full(len(problem.free), -np.inf), np.full(len(problem.free), np.inf))
        self.limits = problem.limits() or everything
        self._at, self._said = np.empty(0), np.empty(0)
        self.searches = False

    def _value(self, free: np.ndarray) -> np.ndarray:
        if not np.array_equal(self._at, free) or not len(self._said):
            problem = self._problem
            self.calls += 1
            try:
                self._said = self._curve.values(self._problem.with_free(free), problem.free, problem.columns, len(problem.y))
            except Exception as error:
                error.add_note(f"The model was called with numbers: {self._curve.note}.")
                raise
            self._at = free.copy()
        return self._said

    def residuals(self, free: np.ndarray) -> np.ndarray:
        return np.asarray(self._problem.weighted(self._value(free) - self._problem.y))

    def tried(self, free: np.ndarray) -> np.ndarray:
        """Return the residuals; nan if squares overflow or the model raises an arithmetic error, as ``math.exp(1000)`` does.

        In a search, they are also nan if the model raises any exception, as a solver may for extreme parameters.
        """
        try:
            found = self.residuals(free)
        except Exception as error:
            if not self.searches and not isinstance(error, (ArithmeticError, ValueError)):
                raise
            found = np.full(len(self._problem.y), np.nan)
        return found if np.isfinite(square_of(found)) else np.full(len(found), np.nan)

    def jacobian(self, free: np.ndarray) -> np.ndarray:
        problem = self._problem
        found = self._curve.jacobian(
            self._problem.with_free(free), problem.free, problem.columns, self._value(free), self.limits
        )
        if not np.isfinite(found).all():
            raise FitError(
                "A derivative of the model became infinite or nan during the fit. Choose other starting values, or set bounds."
            )
        weights = problem.data.weights
        return found * weights[:, None] if weights is not None else np.asarray(problem.weighted(found))


def fit_called(problem: Problem, curve: CalledCurve, start: np.ndarray | None, method: str) -> CurveFit:
    """Return the fit from one start, (n,), or the best from many.

    Raises FitError if the model or a derivative is not finite at the start, and any exception of the model there.
    """
    run = _Run(problem, curve)
    with np.errstate(all="ignore"):
        if not problem.free:
            start = np.empty(0)
        if start is not None:
            return CurveFit(problem, _fit(problem, run, start, method, problem.options))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the model may warn about starts of the search
            return _search(problem, run, method)


def _search(problem: Problem, run: _Run, method: str) -> CurveFit:
    """Return the best fit from many starts: a few steps from the best starts, then a full fit from the best of these."""
    run.searches = True
    starts = _starts(problem, run)
    costs = np.array([square_of(run.tried(start)) for start in starts])
    best = np.argsort(np.where(np.isfinite(costs), costs, np.inf), kind="stable")[:KEPT]
    options = problem.options._replace(most=min(SEARCH_EVALUATIONS, problem.options.most))
    fits: list[Solution] = []
    failed: list[Exception] = []
    for k in dict.fromkeys([0, *best.tolist()]):
        try:
            fits.append(_fit(problem, run, starts[k], method, options))
        except Exception as error:
            failed.append(error)
    if not fits and isinstance(failed[0], FitError):
        raise FitError(f"The model cannot be fitted from any of {len(starts)} starts. {failed[0]}") from failed[0]
    if not fits:
        raise failed[0]
    reached = np.array([fit.costs[0] for fit in fits])
    found = fits[int(np.argmin(reached))]
    if found.status[0] == Status.TOO_MANY:
        found = _fit(problem, run, found.parameters[0], method, problem.options)
    return CurveFit(problem, found, n_starts=len(starts), n_minima=len(distinct(reached, problem.rounding())))


def _starts(problem: Problem, run: _Run) -> np.ndarray:
    """Return starting values, (F, n). In all but the first, the linear parameters are solved for."""
    n, free, y = len(problem.free), list(problem.free), problem.y
    columns = [row for column in problem.data.columns for row in np.atleast_2d(column) if row.shape == y.shape]
    scales = scales_of(columns, y, False)
    unknown, known = np.full((n, len(scales.columns) + 1), np.nan), ~np.isnan(problem.held[free])
    linear = _linear(starting_values((False,) * n, unknown, problem.limits(), scales)[:PLACES], known, run)
    starts = starting_values(tuple(k in linear for k in range(n)), unknown, problem.limits(), scales)
    starts = np.concatenate([starts[: 1 + STARTS_EACH * (n - len(linear))], starts[:1]])
    starts[:, known] = problem.held[free][known]
    for start in starts[1:]:
        _solve_linear(problem, run, start, linear)
    return starts


def _linear(places: np.ndarray, known: np.ndarray, run: _Run) -> list[int]:
    """Return the unknown parameters in which the model is jointly linear, judged by differences at some points."""
    taken: list[int] = []
    for k in np.flatnonzero(~known).tolist():
        if all(_without_bend(place, k, other, run) for other in [*taken, k] for place in places):
            taken.append(k)
    return taken


def _without_bend(at: np.ndarray, k: int, other: int, run: _Run) -> bool:
    """Return whether the second difference with respect to two parameters is 0 or undefined."""

    def moved(*steps: int) -> np.ndarray:
        place = at.copy()
        for step in steps:
            place[step] += 1 + abs(at[step])
        return run.tried(place)

    corners = moved(k, other), moved(k), moved(other), moved()
    bend = corners[0] - corners[1] - corners[2] + corners[3]
    return not np.abs(bend).max() > LINEAR * max(np.abs(corner).max() for corner in corners)


def _solve_linear(problem: Problem, run: _Run, start: np.ndarray, linear: list[int]) -> None:
    """Set the linear parameters to the minimum of the cost, within their bounds."""
    start[linear] = 0.0
    rest = run.tried(start)
    columns = []
    for k in linear:
        start[k] = 1.0
        columns.append(run.tried(start) - rest)
        start[k] = 0.0
    design = np.stack(columns, axis=1) if columns else np.empty((len(rest), 0))
    if np.isfinite(design).all() and np.isfinite(rest).all():
        sizes = np.abs(design).max(axis=0, initial=0.0)
        sizes[sizes == 0] = 1.0
        start[linear] = np.linalg.lstsq(design / sizes, -rest, rcond=1e-12)[0] / sizes
        start[:] = np.clip(start, *run.limits)


def _fit(problem: Problem, run: _Run, start: np.ndarray, method: str, options: SolverOptions) -> Solution:
    from scipy.optimize import least_squares

    run.calls = 0
    if not np.isfinite(square_of(run.residuals(start))):
        raise FitError(
            f"{problem.not_finite(start)}. "
            "Choose other starting values, set bounds within which it is finite, or leave out such rows."
        )
    if not len(start):
        residual = run.residuals(start)
        outcome = 0.5 * float(residual @ residual), run.calls, 0, Status.BY_GRADIENT, 1.0
        return Solution(start[None], np.array([outcome], OUTCOME), np.empty((1, 0, 0)))
    name = "trf" if method == "auto" else method
    try:
        found = least_squares(
            run.tried, start, run.jacobian, run.limits, name, max_nfev=options.most, x_scale="jac",
            ftol=options.ftol, xtol=options.xtol, gtol=options.gtol if name == "lm" else None,
            loss=options.loss, f_scale=options.scale,
        )  # fmt: skip
    except np.linalg.LinAlgError as error:
        raise FitError(f"SciPy's least_squares failed: {error}. Choose other starting values, or set bounds.") from error
    norms, size = np.linalg.norm(found.jac, axis=0), np.sqrt(2 * found.cost)
    cosines = np.abs(found.grad) / np.where(norms > 0, norms, 1.0) / (size or 1.0)
    cosine = float(cosines[found.active_mask == 0].max(initial=0.0))
    status = judged(_CLAIMS[found.status], cosine, LARGEST_COSINE, bool(found.cost <= problem.rounding()))
    low, high = run.limits
    values = np.where(found.active_mask < 0, low, np.where(found.active_mask > 0, high, found.x))
    _, s, v = np.linalg.svd(found.jac / np.where(norms > 0, norms, 1.0), full_matrices=False)
    s[s < NOISE.get(run.scheme, 0.0) * s[0]] = 0.0
    outcome = found.cost, run.calls, found.njev, status, s[-1] / s[0] if s[0] > 0 else 0.0
    return Solution(values[None], np.array([outcome], OUTCOME), (s[:, None] * v * norms)[None])
