"""``curve_fit``: fit a model to data by least squares."""

from __future__ import annotations

import functools
import math
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args, overload

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.curvefit import data as given_data
from jitgrad.curvefit.called import CalledCurve, Derivatives, checked
from jitgrad.curvefit.called_fit import fit_called
from jitgrad.curvefit.curve import Model, curve_of
from jitgrad.curvefit.gallery import MODELS, named
from jitgrad.curvefit.given import Bounds, free_of, limits_of, options_of, values_of
from jitgrad.curvefit.least_squares import SolverOptions
from jitgrad.curvefit.minimise import OwnLoss
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.outliers import without_outliers
from jitgrad.curvefit.problem import Problem, make_problem
from jitgrad.curvefit.result import CurveFit
from jitgrad.curvefit.rows import rows_of
from jitgrad.curvefit.search import fit_by_gradients, fit_from, mended, search
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import (
    ArgumentError,
    DataError,
    FitWarning,
    FormulaError,
    JitgradError,
    OptionError,
    RowsError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from jitgrad.typing import ArrayLike

Method: TypeAlias = Literal["auto", "lm", "trf", "dogbox", "lbfgs", "adam"]
LossName: TypeAlias = Literal["linear", "soft_l1", "huber", "cauchy", "arctan"]
Errors: TypeAlias = Literal["normal", "lognormal"]
FullOutput: TypeAlias = tuple[np.ndarray, np.ndarray, dict[str, Any], str, int]
"""SciPy's tuple: popt, pcov, infodict, mesg, ier."""
METHODS = dict.fromkeys(get_args(Method))
ERRORS = dict.fromkeys(get_args(Errors))


@overload
def curve_fit(*args: Any, full_output: Literal[True], **options: Any) -> FullOutput: ...


@overload
def curve_fit(
    model: Model | None = None,
    x: Any = None,
    y: ArrayLike | str | None = None,
    p0: ArrayLike | Mapping[str, float] | None = None,
    sigma: ArrayLike | str | None = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Bounds | None = None,
    method: Method | None = "auto",
    jac: Derivatives | None = None,
    *,
    fixed: Mapping[str, float] | Iterable[str] | None = None,
    loss: LossName | OwnLoss = "linear",
    f_scale: float = 1.0,
    ftol: float | None = None,
    xtol: float | None = None,
    gtol: float | None = None,
    max_nfev: int | None = None,
    maxfev: int | None = None,
    x_scale: Any = None,
    nan_policy: Literal["omit", "raise"] | None = None,
    outliers: float | None = None,
    errors: Errors = "normal",
    full_output: Literal[False] = False,
    **of_scipy: Any,
) -> CurveFit: ...


def curve_fit(  # type: ignore[misc]  # the first overload leaves arguments unnamed
    model: Model | None = None,
    x: Any = None,
    y: ArrayLike | str | None = None,
    p0: ArrayLike | Mapping[str, float] | None = None,
    sigma: ArrayLike | str | None = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Bounds | None = None,
    method: Method | None = "auto",
    jac: Derivatives | None = None,
    *,
    fixed: Mapping[str, float] | Iterable[str] | None = None,
    loss: LossName | OwnLoss = "linear",
    f_scale: float = 1.0,
    ftol: float | None = None,
    xtol: float | None = None,
    gtol: float | None = None,
    max_nfev: int | None = None,
    maxfev: int | None = None,
    x_scale: Any = None,
    nan_policy: Literal["omit", "raise"] | None = None,
    outliers: float | None = None,
    errors: Errors = "normal",
    full_output: bool = False,
    **of_scipy: Any,
) -> CurveFit | FullOutput:
    """Fit the parameters of a model to data by nonlinear least squares.

    A drop-in replacement for `scipy.optimize.curve_fit` that also accepts formulas and named models, needs no starting
    values, and differentiates the model exactly.

    Parameters
    ----------
    model : str, Formula, NamedModel, OdeModel or callable
        One of

        - a formula such as ``"a * exp(-b * x)"``, as text or made by `jitgrad.curvefit.formula`. Names that are not columns
          of the data are parameters.
        - a named model or its name, such as ``"gaussian"``; see `jitgrad.curvefit.MODELS`.
        - differential equations, made by `jitgrad.curvefit.ode`.
        - a function ``f(x, a, b, ...)`` that returns one number per row. It is traced with Tensors, on which NumPy's and
          jitgrad's functions work. A function that cannot be traced, for example because of an ``if`` on a parameter, is
          called with numbers and fitted with finite differences by SciPy, and the result's ``notes`` say so.
    x : array_like, mapping or frame
        The independent data: an array of shape (rows,) or (k, rows), a mapping of columns, or a frame of pandas, Polars or
        PyArrow. In a formula, an array is called ``x``, and the rows of an array of shape (k, rows) are ``x1`` to ``xk``.
        A function may take any object.
    y : array_like, shape (rows,), or str
        The response, or the name of a column. A single number applies to all rows.
    p0 : array_like, shape (p,), or mapping of str to float, optional
        Starting values, in order or by name. By default, or for parameters missing from the mapping, the fit starts from
        many points and the best minimum is kept. If a fit from `p0` fails, other signs and scales of `p0` are tried, and
        ``notes`` say so.
    sigma : float, array_like or str, optional
        The standard deviations of y: a number, an array of shape (rows,) or the name of a column; or their covariance
        matrix, shape (rows, rows).
    absolute_sigma : bool, default False
        Whether `sigma` is in the units of y. If False, only ratios matter, and standard errors are scaled so that the
        reduced χ² is 1.
    check_finite : bool, optional
        Whether nan and inf in the data raise DataError. By default, they do, but nan does not if `nan_policy` is given.
    bounds : tuple, mapping or scipy.optimize.Bounds, optional
        ``(low, high)``, each a number or an array of shape (p,); or a mapping from names to pairs, with None for no bound.
    method : {"auto", "lm", "trf", "dogbox", "lbfgs", "adam"}, default "auto"
        ``"auto"`` and SciPy's names ``"lm"``, ``"trf"`` and ``"dogbox"`` all select Levenberg-Marquardt in a trust region
        with bounds. With SciPy's names, only the starting values `p0` are tried. ``"lbfgs"`` and ``"adam"`` first minimize by
        gradients, for poor starting values, many parameters or a custom loss.
    jac : callable or {"2-point", "3-point", "cs"}, optional
        The Jacobian ``jac(x, a, b, ...)``, shape (rows, p), for a function as model; or the finite-difference scheme for a
        function that cannot be traced, by default ``"3-point"``. Not needed otherwise: derivatives are exact.
    fixed : mapping of str to float, or iterable of str, optional
        Parameters that are not fitted, with their values; or only their names, with values in `p0`.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"} or callable, default "linear"
        The loss of a residual. ``"linear"`` is least squares; the other names reduce the influence of large residuals. A
        callable ``loss(y, prediction)`` takes and returns Tensors; its sum is minimized as a negative log-likelihood.
    f_scale : float, default 1.0
        The residual, in units of sigma, above which its influence is reduced.
    ftol, xtol, gtol : float, optional
        Tolerances for the cost, the step and the gradient. By default, the fit continues to full precision.
    max_nfev, maxfev : int, default 2000
        The maximum number of evaluations of the model.
    x_scale : object, optional
        Accepted for compatibility and ignored: parameters are scaled automatically.
    nan_policy : {"omit", "raise"}, optional
        ``"omit"`` drops rows with nan and masked rows; ``"raise"`` raises DataError for nan.
    outliers : float, optional
        A false discovery rate, such as 0.01, at which outliers are detected and excluded by the ROUT method. The result's
        ``outliers`` and ``notes`` list them. By default, outliers are not searched for.
    errors : {"normal", "lognormal"}, default "normal"
        The distribution of the errors. ``"lognormal"`` fits log(y) by the logarithm of the model, so residuals are relative;
        `sigma` is the standard deviation of log(y), and predictions are medians of y.
    full_output : bool, default False
        Whether to return SciPy's tuple ``(popt, pcov, infodict, mesg, ier)``.
    **of_scipy : object
        SciPy's names ``f``, ``xdata`` and ``ydata`` for `model`, `x` and `y`. Options of SciPy's solvers are ignored.

    Returns
    -------
    CurveFit
        Estimates, standard errors, intervals, bands and measures of fit. It unpacks as ``popt, pcov``.

    Raises
    ------
    DataError
        If the data have mismatched shapes, are not finite, or have fewer rows than parameters.
    ArgumentError, FormulaError
        If the model, a starting value, a bound or an option is invalid.
    FitError
        If the model or a derivative is not finite at the starting values, and no other starting values lead to a fit.

    Warns
    -----
    FitWarning
        If the result needs attention, for example because the fit did not converge. SciPy raises RuntimeError instead.

    See Also
    --------
    fit_groups : Fit a model to many small data sets at once.
    jitgrad.curvefit.compare : Test which of two models describes the data better.
    jitgrad.pictures.curve_fit : Draw a fit with its band and residuals.
    jitgrad.sklearn.FormulaRegressor : Fit a formula as a scikit-learn estimator.

    Notes
    -----
    The solver is the Levenberg-Marquardt method in the trust-region form of Moré [1]_. Parameters in which the model is
    linear are eliminated while the starting values are searched (variable projection [2]_). Robust losses are minimized by
    the second-order scheme of Triggs et al. [3]_. Outliers are detected by the ROUT method of Motulsky and Brown [4]_.

    For differential equations, as text or as a function that calls `jitgrad.solve_ivp`, the search without `p0` ends when
    several starts led to the lowest minimum, or after about 8000 evaluations; ``notes`` then say that there may be a better
    fit. Of equivalent solutions with exchanged rates ("flip-flop"), it returns the one in which formation is faster than loss.
    From a `p0`, a fit ends in the nearest of these solutions.

    References
    ----------
    .. [1] Moré, J. J., "The Levenberg-Marquardt algorithm: Implementation and theory", Numerical Analysis, LNM 630,
       Springer, 1978.
    .. [2] Golub, G. H. and Pereyra, V., "The differentiation of pseudo-inverses and nonlinear least squares problems whose
       variables separate", SIAM J. Numer. Anal. 10, 1973.
    .. [3] Triggs, B., McLauchlan, P. F., Hartley, R. I. and Fitzgibbon, A. W., "Bundle adjustment - a modern synthesis",
       Vision Algorithms, LNCS 1883, Springer, 2000.
    .. [4] Motulsky, H. J. and Brown, R. E., "Detecting outliers when fitting data with nonlinear regression", BMC
       Bioinformatics 7:123, 2006.

    Examples
    --------
    A formula needs no starting values:

    >>> x = np.array([0.02, 0.06, 0.11, 0.22, 0.56, 1.10])
    >>> y = np.array([76, 97, 123, 159, 191, 207])
    >>> fit = jg.curve_fit("vmax * x / (km + x)", x, y)
    >>> {name: round(value, 3) for name, value in fit.parameters.items()}
    {'vmax': 210.857, 'km': 0.063}
    >>> fit.stderr.round(3)
    array([13.183,  0.016])

    A function is fitted as in SciPy:

    >>> popt, pcov = jg.curve_fit(lambda x, vmax, km: vmax * x / (km + x), x, y, p0=[200, 0.1])
    >>> popt.round(3)
    array([2.10857e+02, 6.30000e-02])

    Columns of a table, with a bound and a fixed parameter:

    >>> table = {"dose": x, "rate": y}
    >>> fit = jg.curve_fit("c + vmax * dose / (km + dose)", table, "rate", bounds={"km": (0, None)}, fixed={"c": 0})
    >>> fit.names, fit.dof
    (['c', 'vmax', 'km'], 4)
    """
    by_name("method", method or "auto", METHODS)
    by_name("errors", errors, ERRORS)
    model, x, y = _by_scipys_names(of_scipy, model, x, y)
    derivatives = checked(jac)
    own = loss if callable(loss) else None
    if own is not None and (sigma is not None or absolute_sigma or f_scale != 1.0):
        raise ArgumentError("A custom loss cannot be combined with sigma or f_scale. Include them in the loss.")
    if own is not None and errors != "normal":
        raise ArgumentError("A custom loss cannot be combined with log-normal errors. Include them in the loss.")
    most = maxfev if max_nfev is None else max_nfev
    options = options_of("linear" if callable(loss) else loss, f_scale, ftol, xtol, gtol, most)
    rows = check_finite, nan_policy
    model = _model(model)
    problem = _problem(model, x, y, p0, sigma, absolute_sigma, rows, (bounds, fixed), options, errors == "lognormal")
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
        _check_whole(problem)
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
    log: bool,
) -> Problem:
    """Return the problem to be fitted."""
    is_function = callable(model) and not isinstance(model, (TextModel, NamedModel))
    columns = given_data.columns_of(x, not is_function)
    taken = {name for name in (y, sigma) if isinstance(name, str)}
    y, sigma = given_data.column(columns, y, "y"), given_data.column(columns, sigma, "sigma")
    columns = {name: column for name, column in columns.items() if name not in taken} if taken else columns
    if isinstance(model, NamedModel):
        columns = model.named_columns(columns)
    names = list(p0) if not isinstance(p0, np.ndarray) and isinstance(p0, Mapping) else None
    curve = curve_of(model, columns, names, None if p0 is None else np.size(p0), log)
    for name in taken.intersection(curve.names):
        raise FormulaError(f"The formula uses {name!r}, which is the response or its sigma. Remove it from the formula.")
    with np.errstate(over="ignore"):  # squares may overflow, which reveals infinite numbers
        observed = rows_of(curve, x, columns, y, sigma, *rows)
        observed.remarks.extend(curve.remarks)
        held = np.full(len(curve.names), math.nan) if p0 is None else values_of("p0", p0, curve.names, columns)
        free, held = free_of(limits[1], held, curve.names, columns)
        bounds = limits_of(limits[0], held, curve.names, columns)
        problem = make_problem(curve, observed, held, free, bounds, curve.tolerances(options), absolute_sigma)
    if len(observed.y) < len(free):
        raise RowsError(
            f"The number of func parameters={len(free)} must not exceed the number of data points={len(observed.y)}. "
            f"Give more rows, or fix parameters."
        )
    return problem


def _check_whole(problem: Problem) -> None:
    """Raise DataError for a recurrence over the rows if some of them were left out."""
    if problem.observed.omitted and problem.lowered.uses("loop", "while", "cumsum"):
        raise DataError(
            f"Rows with nan were left out ({problem.observed.omitted}), but the model is a recurrence over the rows, which "
            f"needs all of them. Replace nan in y by any number, and give these rows a large sigma."
        )


def _called(problem: Problem, derivatives: Derivatives) -> CalledCurve | None:
    """Return the model as a CalledCurve if it must be called with numbers, else None."""
    curve = problem.curve
    if isinstance(curve.model, TextModel):
        if callable(derivatives):
            raise ArgumentError(
                "jac cannot be combined with a formula, whose derivatives are exact. "
                "Leave jac out, or write the model as a function."
            )
        return None
    reason = "computed by the function given as jac" if callable(derivatives) else _why_not_traced(problem)
    if not reason:
        return None
    return CalledCurve(curve.model, curve.names, [""], derivatives, reason, curve.log)


def _why_not_traced(problem: Problem) -> str:
    """Return the reason why a function cannot be traced, as a clause, or "" if it can be traced."""
    if not problem.columns:
        return f"x is a {type(problem.observed.x).__name__}, not numbers"
    try:
        problem.lowered  # noqa: B018
    except JitgradError as error:
        said = str(error).removesuffix(".")
        return f"{said[0].lower()}{said[1:]}"
    return ""


def _warning() -> type[FitWarning]:
    """Return FitWarning; also a subclass of SciPy's OptimizeWarning if scipy.optimize is loaded."""
    optimize = sys.modules.get("scipy.optimize")
    return FitWarning if optimize is None else _warning_of_both(optimize.OptimizeWarning)


@functools.cache
def _warning_of_both(theirs: type[Warning]) -> type[FitWarning]:
    return type("FitWarning", (FitWarning, theirs), {"__module__": FitWarning.__module__, "__doc__": FitWarning.__doc__})


def _guess(model: NamedModel, problem: Problem) -> np.ndarray:
    """Return the starting values that a named model finds for the data."""
    guess = model.guess(*problem.columns, np.exp(problem.y) if problem.curve.log else problem.y)
    return np.array([guess[name] for name in problem.curve.names])


def _by_scipys_names(given: dict[str, Any], model: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Return model, x and y, which may be passed as f, xdata and ydata. Raises TypeError if one is missing."""
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
    """Return the named model if ``model`` is a name, else ``model``."""
    is_name = isinstance(model, str) and (model in MODELS or model.partition(":")[0] == "polynomial")
    return named(model) if is_name else model


def _as_scipy(result: CurveFit) -> FullOutput:
    """Return the five values of SciPy's full output."""
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
