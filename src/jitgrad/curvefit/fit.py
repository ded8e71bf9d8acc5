"""``curve_fit``: a model, data, and the parameters with which they agree best."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import by_name, count, positive
from jitgrad.curvefit import data as given_data
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.gallery import MODELS, NamedModel, named
from jitgrad.curvefit.least_squares import LOSSES, Limits, Settings
from jitgrad.curvefit.minimise import OwnLoss
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.search import fit_by_gradients, fit_from, search
from jitgrad.errors import ArgumentError, DataError, FitWarning, near_name

METHODS = dict.fromkeys(("auto", "lm", "trf", "dogbox", "lbfgs", "adam"))
DEFAULTS = Settings()


def curve_fit(
    model: Any,
    x: Any,
    y: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool = True,
    bounds: Any = None,
    method: str | None = "auto",
    jac: Any = None,
    *,
    fixed: Mapping[str, float] | Iterable[str] | None = None,
    loss: str | OwnLoss = "linear",
    f_scale: float = 1.0,
    ftol: float | None = None,
    xtol: float | None = None,
    gtol: float | None = None,
    max_nfev: int | None = None,
    maxfev: int | None = None,
    x_scale: Any = None,
    nan_policy: str | None = None,
    full_output: bool = False,
) -> Any:
    """Fit the parameters of a model to data, by least squares.

    A drop-in for ``scipy.optimize.curve_fit``: ``popt, pcov = curve_fit(f, x, y)``. Derivatives are exact, and the parameters
    are right to full precision. Without ``p0`` the model is fitted from many starts, and the best fit is kept.

    Args:
        model: a formula, as text or made by ``curvefit.formula``; a NamedModel or its name; or a function ``f(x, a, b, …)`` of
            Tensors (NumPy's functions work on them), which returns one number for each row.
        x: the independent data: an array, (rows,) or (k, rows), a dict of columns, or a frame. To a formula, an array is the
            column x, or x1 to xk.
        y: (rows,), or the name of a column.
        p0: starting values, a sequence, or a dict by name.
        sigma: standard deviations of y, a number, (rows,), or the name of a column; or a covariance, (rows, rows).
        absolute_sigma: whether sigma is in the units of y; else only its ratios count, and χ² / dof is taken to be 1.
        check_finite: whether nan and inf in the data raise DataError.
        bounds: ``(low, high)``, each a number or a sequence; or a dict of pairs by name, with None for no bound.
        method: "auto" and SciPy's "lm", "trf" and "dogbox" are one: Levenberg and Marquardt's method in a trust region, within
            bounds. "lbfgs" and "adam" go by gradients first, from far away or with many parameters; they are all there is for
            a loss of your own.
        jac, x_scale: taken for compatibility; derivatives are exact, and parameters scaled by themselves.
        fixed: values of parameters that are not fitted, by name; or names, whose values are in p0.
        loss: "linear" (squares), "soft_l1", "huber", "cauchy" or "arctan", which count large residuals less; or a function
            ``loss(y, prediction)`` of Tensors, which is summed and taken for a negative log-likelihood.
        f_scale: the residual, over sigma, from which on these do.
        ftol, xtol, gtol: when to stop, see ``least_squares.Settings``; by default at full precision.
        max_nfev, maxfev: computations of the model at most, 2000 by default.
        nan_policy: "omit" leaves out rows with nan; None and "raise" refuse them.
        full_output: whether to return SciPy's tuple of five.

    Returns:
        A CurveFit. A FitWarning says where it needs care.

    Raises:
        DataError: for data that do not fit together, are not finite, or have fewer rows than there are parameters.
        ArgumentError, FormulaError: for a model, start, bound or option that cannot be used.
        FitError: where the model or a derivative is not finite at the start.
    """
    by_name("method", method or "auto", METHODS)
    model = _model(model)
    columns = given_data.columns_of(x, isinstance(model, (Formula, str, NamedModel)))
    if isinstance(y, str):
        y, columns = given_data.column(columns, y, "y"), {name: c for name, c in columns.items() if name != y}
    if isinstance(model, NamedModel) and len(columns) == 1:
        columns = {"x": next(iter(columns.values()))}
    names = list(p0) if isinstance(p0, Mapping) else None
    curve = curve_of(model, columns, names, None if p0 is None else np.size(p0))
    arrays, y, sigma = _rows(curve, columns, y, given_data.column(columns, sigma, "sigma"), check_finite, nan_policy)
    problem = Problem(curve, arrays, y, sigma, absolute_sigma)
    own = loss if callable(loss) else None
    problem.settings = _settings(
        "linear" if callable(loss) else loss, f_scale, ftol, xtol, gtol, maxfev if max_nfev is None else max_nfev
    )
    _restrict(problem, p0, bounds, fixed, columns)
    if len(y) < len(problem.free):
        raise DataError(
            f"The model has {len(problem.free)} parameters to fit, and there are {len(y)} rows. "
            f"Give at least as many rows, or fix parameters."
        )
    start = problem.held if len(problem.free) == len(problem.held) else problem.held[problem.free]
    if own is not None or method in ("lbfgs", "adam"):
        result = fit_by_gradients(problem, start, method if method == "adam" else "lbfgs", own)
    elif p0 is None or np.isnan(start).any():
        guess = model.guess(arrays[0], y) if isinstance(model, NamedModel) else None
        result = search(problem, None if guess is None else np.array([guess[name] for name in curve.names]))
    else:
        result = fit_from(problem, start)
    if result.notes:
        warnings.warn(f"{result.status}.", FitWarning, stacklevel=2)
    return _as_scipy(result) if full_output else result


def _model(model: Any) -> Any:
    """A model; a NamedModel for its name."""
    return named(model) if isinstance(model, str) and (model in MODELS or model.startswith("polynomial")) else model


def _rows(
    curve: Any, columns: Mapping[str, Any], y: Any, sigma: Any, finite: bool, policy: str | None
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray | None]:
    """Columns, response and sigma as arrays that fit together."""
    if policy not in (None, "raise", "omit"):
        raise ArgumentError(f"nan_policy is {policy!r}. Use None, 'raise' or 'omit'.")
    arrays, y = curve.chosen(columns), given_data.response(y)
    sigma = None if sigma is None else given_data.numbers(sigma, "sigma")
    if curve.columns != [""]:
        for name, array in zip(curve.columns, arrays, strict=True):
            given_data.check_rows(array, name, len(y))
    if policy == "omit":
        kept = ~np.isnan(y)
        for array in arrays:
            kept &= ~np.isnan(array).reshape(-1, len(y)).any(axis=0)
        arrays, y = [np.ascontiguousarray(a[..., kept]) for a in arrays], y[kept]
        if sigma is not None and sigma.ndim:
            sigma = sigma[kept] if sigma.ndim == 1 else sigma[np.ix_(kept, kept)]
        if not len(y):
            raise DataError("Every row has a nan. Give rows with numbers.")
    if finite:
        for name, array in [*zip(curve.columns, arrays, strict=True), ("y", y)]:
            given_data.check_finite(array, name)
    if sigma is not None:
        given_data.check_sigma(sigma, len(y))
    return arrays, y, sigma


def _settings(loss: str, f_scale: float, ftol: Any, xtol: Any, gtol: Any, most: int | None) -> Settings:
    if loss == "linear" and ftol is xtol is gtol is most is None:
        return DEFAULTS
    by_name("loss", loss, LOSSES)
    given: dict[str, Any] = {"ftol": ftol, "xtol": xtol, "gtol": gtol}
    given = {name: positive(name, value) for name, value in given.items() if value is not None}
    if most:
        given["most"] = count("max_nfev", most)
    return Settings(scale=positive("f_scale", f_scale), loss=loss, **given)


def _restrict(problem: Problem, p0: Any, bounds: Any, fixed: Any, columns: Mapping[str, Any]) -> None:
    """Note starting values, bounds and what is fixed."""
    names = problem.curve.names
    if p0 is not None:
        _note(problem.held, "p0", p0, names, columns)
    if bounds is not None:
        problem.bounds = _limits(bounds, names, columns)
    if fixed is not None:
        if isinstance(fixed, Mapping):
            _note(problem.held, "fixed", fixed, names, columns)
        else:
            fixed = [fixed] if isinstance(fixed, str) else list(fixed)
            _check_names("fixed", fixed, names, columns)
        problem.free = [k for k, name in enumerate(names) if name not in fixed]
        for name in fixed:
            if math.isnan(problem.held[names.index(name)]):
                raise ArgumentError(f"Parameter {name!r} is fixed and has no value. Give it in fixed, or in p0.")
    if problem.bounds is not None:
        _check_bounds(problem, problem.bounds)


def _check_bounds(problem: Problem, bounds: Limits) -> None:
    names = problem.curve.names
    for k in problem.free:
        low, high, start = bounds.low[k], bounds.high[k], problem.held[k]
        if not low < high:
            raise ArgumentError(f"The bounds of {names[k]!r} are {low:g} and {high:g}. Give a lower and a higher one.")
        if start < low or start > high:
            raise ArgumentError(
                f"The start {names[k]} = {start:g} is outside of its bounds, {low:g} to {high:g}. Start within them."
            )


def _note(place: np.ndarray, what: str, given: Any, names: Sequence[str], columns: Mapping[str, Any]) -> None:
    """Write numbers, given in order or by name, to their places."""
    if isinstance(given, Mapping):
        _check_names(what, given, names, columns)
        for name, value in given.items():
            place[names.index(name)] = _finite(what, name, value)
        return
    values = np.asarray(given, np.float64).ravel()
    if len(values) != len(names):
        raise ArgumentError(f"{what} has {len(values)} values for the parameters {', '.join(names)}. Give one for each.")
    place[:] = values
    for name, value in zip(names, values.tolist(), strict=True):
        _finite(what, name, value)


def _finite(what: str, name: str, value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ArgumentError(f"{what} has {name} = {value}. Give a finite number.")
    return number


def _check_names(what: str, given: Iterable[str], names: Sequence[str], columns: Mapping[str, Any]) -> None:
    for name in given:
        if name in columns:
            raise ArgumentError(
                f"{what} names {name!r}, which is a column and no parameter. Give parameters and columns names apart."
            )
        if name not in names:
            raise ArgumentError(
                f"There is no parameter {name!r} for {what}.{near_name(name, names)} The parameters are {', '.join(names)}."
            )


def _limits(bounds: Any, names: Sequence[str], columns: Mapping[str, Any]) -> Limits:
    """Bounds as users give them, for all parameters."""
    low, high = limits = Limits(np.full(len(names), -math.inf), np.full(len(names), math.inf))
    if isinstance(bounds, Mapping):
        _check_names("bounds", bounds, names, columns)
        for name, pair in bounds.items():
            k = names.index(name)
            low[k], high[k] = (-math.inf if pair[0] is None else pair[0]), (math.inf if pair[1] is None else pair[1])
        return limits
    if hasattr(bounds, "lb"):
        bounds = bounds.lb, bounds.ub
    if len(bounds) != 2:
        raise ArgumentError(
            f"bounds has {len(bounds)} parts. Give (low, high), each a number or a sequence, or a dict by name."
        )
    for place, side in zip((low, high), bounds, strict=True):
        values = np.asarray(side, np.float64)
        if values.shape not in ((), (1,), (len(names),)):
            raise ArgumentError(f"bounds has {values.size} values for the parameters {', '.join(names)}. Give one for each.")
        place[:] = values
    return limits


def _as_scipy(result: CurveFit) -> tuple[np.ndarray, np.ndarray, dict[str, Any], str, int]:
    information = {"nfev": result.nfev, "fvec": -result._problem.weighted(result.residuals)}
    return result.popt, result.pcov, information, result.status, 1 if result.success else 5
