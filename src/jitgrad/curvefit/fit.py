"""``curve_fit``: a model, data, and the parameters with which they agree best."""

from __future__ import annotations

import functools
import math
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.curvefit import data as given_data
from jitgrad.curvefit.called import CalledCurve, Derivatives, checked
from jitgrad.curvefit.called_fit import fit_called
from jitgrad.curvefit.curve import curve_of
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.gallery import MODELS, named
from jitgrad.curvefit.given import free_of, limits_of, options_of, values_of
from jitgrad.curvefit.least_squares import SolverOptions
from jitgrad.curvefit.minimise import OwnLoss
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.outliers import without_outliers
from jitgrad.curvefit.problem import Problem, make_problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.rows import rows_of
from jitgrad.curvefit.search import fit_by_gradients, fit_from, mended, search
from jitgrad.errors import ArgumentError, FitWarning, FormulaError, JitgradError, OptionError, RowsError, UnsupportedError

METHODS = dict.fromkeys(("auto", "lm", "trf", "dogbox", "lbfgs", "adam"))


def curve_fit(
    model: Any = None,
    x: Any = None,
    y: Any = None,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
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
    outliers: float | None = None,
    full_output: bool = False,
    **of_scipy: Any,
) -> Any:
    """Fit the parameters of a model to data, by least squares.

    A drop-in for ``scipy.optimize.curve_fit``: ``popt, pcov = curve_fit(f, x, y)``. Derivatives are exact, and the parameters
    are right to full precision. Without ``p0`` the model is fitted from many starts, and the best fit is kept.

    Args:
        model: a formula, as text or made by ``curvefit.formula``; a NamedModel or its name; or a function ``f(x, a, b, …)``,
            which returns one number for each row. It is traced, with Tensors for x and parameters; NumPy's functions work on
            them. A function that cannot be traced, as with an ``if`` on a parameter, is called on numbers and fitted by
            SciPy's least squares, without ``p0`` from many starts, for which it is called some hundreds of times. The result's
            ``notes`` say so.
        x: the independent data: an array, (rows,) or (k, rows), a dict of columns, or a frame. To a formula, an array is the
            column x, or x1 to xk. A function may have any object.
        y: (rows,), or the name of a column; one number is taken for every row.
        p0: starting values, a sequence, or a dict by name. Where the fit from them fails, one from other signs and scales of
            them, or from a search, is taken if it succeeds; the result's ``notes`` say so.
        sigma: standard deviations of y, a number, (rows,), or the name of a column; or a covariance, (rows, rows).
        absolute_sigma: whether sigma is in the units of y; else only its ratios count, and χ² / dof is taken to be 1.
        check_finite: whether nan and inf in the data raise DataError; by default, and with a ``nan_policy``, inf does.
        bounds: ``(low, high)``, each a number or a sequence; or a dict of pairs by name, with None for no bound.
        method: "auto" and SciPy's "lm", "trf" and "dogbox" are one: Levenberg and Marquardt's method in a trust region, within
            bounds; with SciPy's names from ``p0`` alone, even where that fails. "lbfgs" and "adam" go by gradients first, from
            far away or with many parameters; they are all there is for a loss of your own.
        jac: the Jacobian as a function of x and the parameters, (rows, parameters). Without it derivatives are exact, and of a
            function that cannot be traced differences, whose scheme is "3-point", "2-point" or "cs".
        x_scale: taken for compatibility; parameters are scaled by themselves.
        fixed: values of parameters that are not fitted, by name; or names, whose values are in p0.
        loss: "linear" (squares), "soft_l1", "huber", "cauchy" or "arctan", which count large residuals less; or a function
            ``loss(y, prediction)`` of Tensors, which is summed and taken for a negative log-likelihood.
        f_scale: the residual, over sigma, from which on these do.
        ftol, xtol, gtol: when to stop, see ``least_squares.SolverOptions``; by default at full precision.
        max_nfev, maxfev: computations of the model at most, 2000 by default.
        nan_policy: "omit" leaves out rows with nan, and those that are masked; "raise" refuses nan.
        outliers: a rate of false discoveries, as 0.01, with which outliers are found and left out, see ``curvefit.outliers``;
            the result's ``outliers`` and ``notes`` say which. None to look for none.
        full_output: whether to return SciPy's tuple of five.
        of_scipy: ``f``, ``xdata`` and ``ydata`` for model, x and y; options of SciPy's solvers, which mean nothing here.

    Returns:
        A CurveFit. Where it needs care, a FitWarning says so: also where it did not converge, for which SciPy raises.

    Raises:
        DataError: for data that do not fit together, are not finite, or have fewer rows than there are parameters.
        ArgumentError, FormulaError: for a model, start, bound or option that cannot be used.
        FitError: where the model or a derivative is not finite at the start, nor at others that lead to a fit.
    """
    by_name("method", method or "auto", METHODS)
    model, x, y = _by_scipys_names(of_scipy, model, x, y)
    derivatives = checked(jac)
    own = loss if callable(loss) else None
    if own is not None and (sigma is not None or absolute_sigma or f_scale != 1.0):
        raise ArgumentError("A custom loss cannot be combined with sigma or f_scale. Include them in the loss.")
    most = maxfev if max_nfev is None else max_nfev
    options = options_of("linear" if callable(loss) else loss, f_scale, ftol, xtol, gtol, most)
    rows = check_finite, nan_policy
    model = _model(model)
    problem = _problem(model, x, y, p0, sigma, absolute_sigma, rows, (bounds, fixed), options)
    if method == "lm" and problem.bounds is not None and np.isfinite(problem.bounds).any():
        raise ArgumentError("Method 'lm' only works for unconstrained problems. Use 'auto', 'trf' or 'dogbox' with bounds.")
    start = problem.held if fixed is None else problem.held[problem.free]
    unknown = p0 is None or (isinstance(p0, Mapping) and np.isnan(start).any())
    by_gradients = own is not None or method in ("lbfgs", "adam")
    called = _called(problem, derivatives)
    if called is not None and by_gradients:
        raise UnsupportedError(
            f"Gradient methods and custom losses need a model that can be traced, but its {called.note}. "
            f"Use method 'auto' and a named loss."
        )
    if called is not None:
        observed = problem.observed
        observed = observed._replace(columns=[observed.x], remarks=[*observed.remarks, called.note])
        problem = replace(problem, curve=called, observed=observed)
        result = fit_called(problem, called, None if unknown else start, method or "auto")
    else:
        searched = None
        if unknown:
            searched = search(problem, _guess(model, problem) if isinstance(model, NamedModel) else None)
            start = searched.values[list(problem.free)]
        if by_gradients:
            result = fit_by_gradients(problem, start, method if method == "adam" else "lbfgs", own)
        else:
            result = searched or (mended(problem, start, most) if method in ("auto", None) else fit_from(problem, start))
    if outliers is not None:
        result = without_outliers(problem, result, outliers)
    if result.warnings:
        warnings.warn(f"{result.message}.", _warning(), stacklevel=2)
    return _as_scipy(result) if full_output else result


def _problem(
    model: Any,
    x: Any,
    y: Any,
    p0: Any,
    sigma: Any,
    absolute_sigma: bool,
    rows: tuple[bool | None, str | None],
    limits: tuple[Any, Any],
    options: SolverOptions,
) -> Problem:
    """What is to be fitted."""
    is_function = callable(model) and not isinstance(model, (Formula, NamedModel))
    columns = given_data.columns_of(x, not is_function)
    taken = {name for name in (y, sigma) if isinstance(name, str)}
    y, sigma = given_data.column(columns, y, "y"), given_data.column(columns, sigma, "sigma")
    columns = {name: column for name, column in columns.items() if name not in taken} if taken else columns
    if isinstance(model, NamedModel) and len(columns) == 1:
        columns = {"x": next(iter(columns.values()))}
    names = list(p0) if not isinstance(p0, np.ndarray) and isinstance(p0, Mapping) else None
    curve = curve_of(model, columns, names, None if p0 is None else np.size(p0))
    for name in taken.intersection(curve.names):
        raise FormulaError(f"The formula uses {name!r}, which is the response or its sigma. Remove it from the formula.")
    with np.errstate(over="ignore"):  # of squares, which say whether numbers are finite
        observed = rows_of(curve, x, columns, y, sigma, *rows)
        observed.remarks.extend(curve.remarks)
        held = np.full(len(curve.names), math.nan) if p0 is None else values_of("p0", p0, curve.names, columns)
        free, held = free_of(limits[1], held, curve.names, columns)
        bounds = limits_of(limits[0], held, curve.names, columns)
        problem = make_problem(curve, observed, held, free, bounds, options, absolute_sigma)
    if len(observed.y) < len(free):
        raise RowsError(
            f"The number of func parameters={len(free)} must not exceed the number of data points={len(observed.y)}. "
            f"Give more rows, or fix parameters."
        )
    return problem


def _called(problem: Problem, derivatives: Derivatives) -> CalledCurve | None:
    """The model as one that is called on numbers, where it has to be; else None."""
    curve = problem.curve
    if isinstance(curve.model, Formula):
        if callable(derivatives):
            raise ArgumentError(
                "jac cannot be combined with a formula, whose derivatives are exact. "
                "Leave jac out, or write the model as a function."
            )
        return None
    reason = "computed by the function given as jac" if callable(derivatives) else _why_not_traced(problem)
    if not reason:
        return None
    return CalledCurve(curve.model, curve.names, [""], derivatives, reason)


def _why_not_traced(problem: Problem) -> str:
    """Why a function cannot be traced, as a clause; empty where it can."""
    if not problem.columns:
        return f"x is a {type(problem.observed.x).__name__}, not numbers"
    try:
        problem.lowered  # noqa: B018
    except JitgradError as error:
        said = str(error).removesuffix(".")
        return f"{said[0].lower()}{said[1:]}"
    return ""


def _warning() -> type[FitWarning]:
    """FitWarning; SciPy's OptimizeWarning too where SciPy's module is loaded, as it is for all who name that."""
    optimize = sys.modules.get("scipy.optimize")
    return FitWarning if optimize is None else _warning_of_both(optimize.OptimizeWarning)


@functools.cache
def _warning_of_both(theirs: type[Warning]) -> type[FitWarning]:
    return type("FitWarning", (FitWarning, theirs), {"__module__": FitWarning.__module__, "__doc__": FitWarning.__doc__})


def _guess(model: NamedModel, problem: Problem) -> np.ndarray:
    """The starting values that a named model knows for these data."""
    guess = model.guess(problem.columns[0], problem.y)
    return np.array([guess[name] for name in problem.curve.names])


def _by_scipys_names(given: dict[str, Any], model: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """What SciPy calls f, xdata and ydata. Raises TypeError for an argument that neither knows, or that is missing."""
    if given:
        model, x, y = given.pop("f", model), given.pop("xdata", x), given.pop("ydata", y)
        for name in given:
            if name not in _OF_SCIPYS_SOLVERS:
                raise OptionError(f"curve_fit() got an unexpected keyword argument {name!r}. Leave it out.")
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


def _as_scipy(result: CurveFit) -> tuple[np.ndarray, np.ndarray, dict[str, Any], str, int]:
    from scipy.linalg import qr

    problem = result._problem
    fvec = -problem.weighted(result.residuals)
    jacobian = result.curve.evaluate(result.values, result.free, problem.columns, len(fvec))[1]
    weights = problem.data.weights
    q, r, order = qr(
        jacobian * weights[:, None] if weights is not None else problem.weighted(jacobian), mode="economic", pivoting=True
    )
    information = {"nfev": result.nfev, "fvec": fvec, "fjac": r.T, "ipvt": order, "qtf": q.T @ fvec}
    return result.popt, result.pcov, information, result.message, 1 if result.converged else 5
