"""``curve_fit``: a model, data, and the parameters with which they agree best."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.curvefit import data as given_data
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.gallery import MODELS, NamedModel, named
from jitgrad.curvefit.given import restrict, settings_of, values_of
from jitgrad.curvefit.minimise import OwnLoss
from jitgrad.curvefit.problem import Problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.search import fit_by_gradients, fit_from, search
from jitgrad.errors import ArgumentError, DataError, FitWarning, FormulaError

METHODS = dict.fromkeys(("auto", "lm", "trf", "dogbox", "lbfgs", "adam"))


def curve_fit(
    model: Any = None,
    x: Any = None,
    y: Any = None,
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
    **of_scipy: Any,
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
        of_scipy: ``f``, ``xdata`` and ``ydata`` for model, x and y; options of SciPy's solvers, which mean nothing here.

    Returns:
        A CurveFit. Where it needs care, a FitWarning says so: also where it did not converge, for which SciPy raises.

    Raises:
        DataError: for data that do not fit together, are not finite, or have fewer rows than there are parameters.
        ArgumentError, FormulaError: for a model, start, bound or option that cannot be used.
        FitError: where the model or a derivative is not finite at the start.
    """
    by_name("method", method or "auto", METHODS)
    model, x, y = _by_scipys_names(of_scipy, model, x, y)
    own = loss if callable(loss) else None
    if own is not None and (sigma is not None or absolute_sigma or f_scale != 1.0):
        raise ArgumentError("A loss of your own knows no sigma and no f_scale. Put them into it.")
    problem, kind = _problem(model, x, y, p0, sigma, absolute_sigma, check_finite, nan_policy, (bounds, fixed))
    most = maxfev if max_nfev is None else max_nfev
    problem.settings = settings_of("linear" if callable(loss) else loss, f_scale, ftol, xtol, gtol, most)
    start = problem.held if fixed is None else problem.held[problem.free]
    searched = None
    if p0 is None or (isinstance(p0, Mapping) and np.isnan(start).any()):
        searched = search(problem, None if kind is None else _guess(kind, problem))
        start = searched.values[list(problem.free)]
    if own is not None or method in ("lbfgs", "adam"):
        result = fit_by_gradients(problem, start, method if method == "adam" else "lbfgs", own)
    else:
        result = searched or fit_from(problem, start)
    if result.notes:
        warnings.warn(f"{result.status}.", FitWarning, stacklevel=2)
    return _as_scipy(result) if full_output else result


def _problem(
    model: Any,
    x: Any,
    y: Any,
    p0: Any,
    sigma: Any,
    absolute_sigma: bool,
    finite: bool,
    policy: str | None,
    limits: tuple[Any, Any],
) -> tuple[Problem, NamedModel | None]:
    """What is to be fitted, and the named model that it is, if any."""
    model = _model(model)
    kind = model if isinstance(model, NamedModel) else None
    columns = given_data.columns_of(x, kind is not None or isinstance(model, (Formula, str)))
    taken = {name for name in (y, sigma) if isinstance(name, str)}
    y, sigma = given_data.column(columns, y, "y"), given_data.column(columns, sigma, "sigma")
    columns = {name: column for name, column in columns.items() if name not in taken} if taken else columns
    if kind is not None and len(columns) == 1:
        columns = {"x": next(iter(columns.values()))}
    names = list(p0) if not isinstance(p0, np.ndarray) and isinstance(p0, Mapping) else None
    curve = curve_of(model, columns, names, None if p0 is None else np.size(p0))
    for name in taken.intersection(curve.names):
        raise FormulaError(f"The formula has {name!r}, which is the response or its sigma. Leave it out of the right side.")
    with np.errstate(over="ignore"):  # of squares, which say whether numbers are finite
        arrays, y, sigma = _rows(curve, columns, y, sigma, finite, policy)
        held = np.full(len(curve.names), math.nan) if p0 is None else values_of("p0", p0, curve.names, columns)
        problem = Problem(curve, arrays, y, held, sigma, absolute_sigma)
    restrict(problem, *limits, columns)
    if len(y) < len(problem.free):
        raise DataError(
            f"The model has {len(problem.free)} parameters to fit, and there are {len(y)} rows. "
            f"Give at least as many rows, or fix parameters."
        )
    return problem, kind


def _guess(model: NamedModel, problem: Problem) -> np.ndarray:
    """The starting values that a named model knows for these data."""
    guess = model.guess(problem.columns[0], problem.y)
    return np.array([guess[name] for name in problem.curve.names])


def _by_scipys_names(given: dict[str, Any], model: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """What SciPy calls f, xdata and ydata. Raises TypeError for an argument that neither knows, or that is missing."""
    if given:
        model, x, y = given.pop("f", model), given.pop("xdata", x), given.pop("ydata", y)
        unknown = set(given) - _OF_SCIPYS_SOLVERS
        if unknown:
            raise TypeError(f"curve_fit() got an unexpected keyword argument {unknown.pop()!r}")
    if model is None or y is None:
        raise TypeError("curve_fit() needs a model, x and y")
    return model, x, y


_OF_SCIPYS_SOLVERS = {
    "col_deriv", "diag", "diff_step", "epsfcn", "factor", "jac_sparsity", "tr_options", "tr_solver", "verbose",
}  # fmt: skip


def _model(model: Any) -> Any:
    """A model; a NamedModel for its name."""
    is_name = isinstance(model, str) and (model in MODELS or model.partition(":")[0] == "polynomial")
    return named(model) if is_name else model


def _rows(
    curve: Any, columns: Mapping[str, Any], y: Any, sigma: Any, finite: bool, policy: str | None
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray | None]:
    """Columns, response and sigma as arrays that fit together."""
    if policy not in (None, "raise", "omit"):
        raise ArgumentError(f"nan_policy is {policy!r}. Use None, 'raise' or 'omit'.")
    arrays, y = curve.chosen(columns), given_data.response(y)
    sigma = None if sigma is None else given_data.numbers(sigma, "sigma")
    for name, array in zip(curve.columns, arrays, strict=True):
        if name and array.shape != y.shape:
            raise DataError(f"Column {name!r} has shape {array.shape}, and y has {len(y)} rows. Give as many to both.")
    if policy == "omit":
        if any(array.shape[-1:] != y.shape for array in arrays):
            raise ArgumentError("nan_policy='omit' needs x with a last axis of rows. Leave rows with nan out yourself.")
        kept = ~np.isnan(y)
        for array in arrays:
            kept &= ~np.isnan(array).reshape(-1, len(y)).any(axis=0)
        arrays, y = [np.ascontiguousarray(a[..., kept]) for a in arrays], y[kept]
        if sigma is not None and sigma.ndim:
            sigma = sigma[kept] if sigma.ndim == 1 else sigma[np.ix_(kept, kept)]
        if not len(y):
            raise DataError("Every row has a nan. Give rows with numbers.")
    if finite:
        for name, array in zip(curve.columns, arrays, strict=True):
            given_data.check_finite(array, name)
        given_data.check_finite(y, "y")
    if sigma is not None:
        given_data.check_sigma(sigma, len(y))
    return arrays, y, sigma


def _as_scipy(result: CurveFit) -> tuple[np.ndarray, np.ndarray, dict[str, Any], str, int]:
    information = {"nfev": result.nfev, "fvec": -result._problem.weighted(result.residuals)}
    return result.popt, result.pcov, information, result.status, 1 if result.success else 5
