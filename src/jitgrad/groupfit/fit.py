"""``fit_groups``: fit a model to each of many small data sets."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, overload

from jitgrad.curvefit.curve import TupleCurve
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError, OptionError, near_name
from jitgrad.groupfit.arrays import RESPONSE, read_arrays
from jitgrad.groupfit.given import extra_columns, is_frame
from jitgrad.groupfit.job import make_job
from jitgrad.groupfit.result import GroupFits
from jitgrad.groupfit.tables import frame_of

if TYPE_CHECKING:
    from narwhals.stable.v1.typing import IntoDataFrame
    from xarray import DataArray, Dataset

    from jitgrad.curvefit.curve import Model
    from jitgrad.curvefit.data import Columns
    from jitgrad.curvefit.fit import Errors, LossName, Method
    from jitgrad.typing import ArrayLike

Starts: TypeAlias = "ArrayLike | Mapping[str, ArrayLike | str] | IntoDataFrame"
"""Values of parameters: one for all groups, or one per group, in a named column, an array, or a frame with keys."""
Bounds: TypeAlias = "Sequence[Starts] | Mapping[str, Sequence[ArrayLike | str | None]]"
"""A pair of lower and upper bounds, or a mapping of pairs by name."""


@overload
def fit_groups(model: Model, data: DataArray, *, coords: Any, **options: Any) -> Dataset: ...


@overload
def fit_groups(
    model: Model,
    data: Columns,
    y: ArrayLike | str | None = None,
    p0: Starts | None = None,
    sigma: ArrayLike | str | None = None,
    absolute_sigma: bool = False,
    *,
    by: str | Sequence[str] | None = None,
    x: str | Sequence[str] | None = None,
    bounds: Bounds | None = None,
    method: Method | None = "auto",
    fixed: Starts | Iterable[str] | None = None,
    shared: str | Sequence[str] = (),
    loss: LossName = "linear",
    f_scale: float = 1.0,
    ftol: float | None = None,
    xtol: float | None = None,
    gtol: float | None = None,
    max_nfev: int | None = None,
    nan_policy: Literal["omit", "raise"] | None = None,
    errors: Errors = "normal",
    threads: int | None = None,
    progress: bool = False,
) -> GroupFits: ...


def fit_groups(
    model: Model,
    data: Any,
    y: ArrayLike | str | None = None,
    p0: Starts | None = None,
    sigma: ArrayLike | str | None = None,
    absolute_sigma: bool = False,
    *,
    by: str | Sequence[str] | None = None,
    x: str | Sequence[str] | None = None,
    bounds: Bounds | None = None,
    method: Method | None = "auto",
    fixed: Starts | Iterable[str] | None = None,
    shared: str | Sequence[str] = (),
    loss: LossName = "linear",
    f_scale: float = 1.0,
    ftol: float | None = None,
    xtol: float | None = None,
    gtol: float | None = None,
    max_nfev: int | None = None,
    nan_policy: Literal["omit", "raise"] | None = None,
    errors: Any = None,
    threads: int | None = None,
    progress: bool = False,
    **of_xarray: Any,
) -> GroupFits | Dataset:
    """Fit a model to each of many small data sets by nonlinear least squares.

    Each group is fitted as by `curve_fit`, in compiled code and in parallel. A group that cannot be fitted
    does not stop the others: its estimates are nan, and its status gives the reason. The result depends neither on the number
    of threads nor on how the rows of different groups are interleaved.

    Parameters
    ----------
    model : str, Formula, NamedModel, OdeModel or callable
        A formula such as ``"a * exp(-k * t) + c"``, a named model or its name, such as ``"logistic4"``, differential
        equations made by `jitgrad.curvefit.ode`, or a function ``f(x, a, b, ...)`` that can be traced: it uses functions of
        NumPy or jitgrad, and no ``if`` on values.
    data : frame, mapping, array_like or DataArray
        With `by`, a frame of pandas, Polars or PyArrow, or a mapping of columns, with one row per measurement, in any order.
        Without `by`, the independent variable of curves with equally many rows: an array of shape (rows,) that all curves
        share, or of the shape of `y`; for several variables, shape (k, rows) or a mapping by name. In a formula, an array is
        called ``x``, or ``x1`` to ``xk``. A function receives the array, or a tuple of k arrays. Masked values count as nan.
    y : str or array_like, shape (..., rows)
        The response: the name of a column, or an array whose last axis indexes the rows of a curve.
    p0 : sequence, mapping, frame or array_like, optional
        Starting values. A sequence of numbers applies to all groups. A mapping by parameter has numbers, names of columns,
        or arrays of the shape of the groups; a frame has the keys and the parameters; an array has shape (..., parameters).
        Missing or nan starting values are searched for, including among the estimates of neighboring groups.
    sigma : str, float or array_like, optional
        The standard deviations of y: the name of a column or a number; with arrays also shape (rows,) or the shape of `y`.
    absolute_sigma : bool, default False
        Whether `sigma` is in the units of y. If False, only ratios matter, and standard errors are scaled so that the
        reduced χ² is 1.
    by : str or sequence of str, optional
        The names of the key columns. Rows with equal keys form a group; rows without a key are dropped. Groups are sorted
        by key, and categories by their text.
    x : str or sequence of str, optional
        The names of the columns of the model, by default those that the formula uses. A function receives one column as an
        array and several as a dict; by default it receives all other columns.
    bounds : pair or mapping, optional
        ``(low, high)``, each a number or as `p0`; or a mapping from parameters to pairs of numbers, names of columns, arrays,
        or None for no bound.
    method : {"auto", "lm", "trf", "dogbox"}, default "auto"
        For compatibility: all select Levenberg-Marquardt in a trust region with bounds.
    fixed : mapping, frame or iterable of str, optional
        Parameters that are not fitted: their values, as for `p0`; or their names, with values in `p0`.
    shared : str or sequence of str, optional
        Parameters that have one value for all groups, fitted together with the other parameters. Standard errors are from
        the joint fit.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}, default "linear"
        The loss of a residual. ``"linear"`` is least squares; the other losses reduce the influence of large residuals.
    f_scale : float, default 1.0
        The residual, in units of sigma, above which its influence is reduced.
    ftol, xtol, gtol : float, optional
        Tolerances for the cost, the step and the gradient. By default, fits continue to full precision.
    max_nfev : int, default 2000
        The maximum number of evaluations of the model per group.
    nan_policy : {"omit", "raise"}, optional
        What to do with rows that contain nan. By default, their group fails; ``"omit"`` drops the rows; ``"raise"`` raises
        DataError.
    errors : {"normal", "lognormal"}, default "normal"
        The distribution of the errors, as for `curve_fit`. For a DataArray, what to do with failed fits, as in xarray:
        ``"raise"`` or ``"ignore"``.
    threads : int, optional
        The number of threads, by default the number of cores.
    progress : bool, default False
        Whether to show the number of groups done and the remaining time on stderr.
    **of_xarray : object
        Arguments of ``DataArray.curvefit``, for a DataArray: ``coords``, ``reduce_dims``, ``skipna`` and
        ``param_names``.

    Returns
    -------
    GroupFits or Dataset
        One fit per group, in the order of the keys. For a DataArray, a Dataset as from ``DataArray.curvefit``.

    Raises
    ------
    DataError
        If a column is missing or not numeric, or shapes do not match.
    ArgumentError, FormulaError
        If the model, a starting value, a bound or an option is invalid for every group.
    UnsupportedError
        If a function cannot be traced.

    Warns
    -----
    FitWarning
        If the run is interrupted by Ctrl-C. Finished fits are kept; the other groups have the status ``"interrupted"``.

    See Also
    --------
    curve_fit : Fit a model to a single data set.
    jitgrad.distributed.spark.fit_groups : Fit groups on Spark; also available for Dask and Ray.
    jitgrad.pictures.group_fits : Draw a page of fits.

    Notes
    -----
    The solver is the same as for `curve_fit`. If different parameters describe the same curve, a search returns those with
    positive signs, components in ascending order of their rates, times or positions, and angles from -π to π, within bounds.
    `curve_fit` may return others.

    Examples
    --------
    >>> import polars as pl
    >>> readings = pl.DataFrame(
    ...     {
    ...         "well": ["A1"] * 4 + ["A2"] * 4 + ["A3"] * 2,
    ...         "t": [0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0],
    ...         "od": [1.0, 0.5, 0.25, 0.125, 3.0, 1.0, 0.34, 0.11, 2.0, 1.0],
    ...     }
    ... )
    >>> fits = jg.fit_groups("a * exp(-k * t) + c", readings, "od", [1.0, 1.0, 0.0], by="well")
    >>> fits.status.tolist()
    ['converged', 'converged', 'too few rows']
    >>> fits.parameters["a"].round(2).tolist()
    [1.0, 3.0, nan]
    >>> fits.frame().select("well", "k").row(0)
    ('A1', 0.693...)
    """
    given: dict[str, Any] = {
        "p0": p0, "absolute_sigma": absolute_sigma, "bounds": bounds, "method": method, "fixed": fixed, "shared": shared,
        "loss": loss, "f_scale": f_scale, "ftol": ftol, "xtol": xtol, "gtol": gtol, "max_nfev": max_nfev,
        "nan_policy": nan_policy,
    }  # fmt: skip
    if type(data).__module__.partition(".")[0] == "xarray":
        from jitgrad.groupfit.labelled import fit_labelled

        skips = given.pop("nan_policy")
        for name, value in {"y": y, "by": by, "x": x, "nan_policy": skips}.items():
            if value is not None:
                advice = "skipna=" if name == "nan_policy" else "coords="
                raise ArgumentError(f"{name} cannot be used with a DataArray. Give {advice} instead, as in DataArray.curvefit.")
        _check_options(of_xarray, ("coords", "reduce_dims", "skipna", "param_names"))
        of_xarray |= {} if errors is None else {"errors": errors}
        if "coords" not in of_xarray:
            raise ArgumentError("fit_groups needs coords= for a DataArray. Name the coordinates that the model takes.")
        return fit_labelled(model, data, sigma=sigma, threads=threads, progress=progress, **given, **of_xarray)
    _check_options(of_xarray, ())
    given["errors"] = errors or "normal"
    if y is None:
        raise ArgumentError("fit_groups needs y. Give the name of a column, or an array of shape (…, rows).")
    if by is None:
        if isinstance(y, str):
            raise ArgumentError("fit_groups needs the key columns of a frame. Name them with by=.")
        if x is not None:
            raise ArgumentError("x= names columns of a frame, but the data are arrays. Pass the arrays as data, without x=.")
        return fit_arrays(model, data, y, sigma, threads=threads, progress=progress, **given)
    if isinstance(by, Sized) and not len(by):
        raise ArgumentError("by is empty. Name at least one column of keys, or use curve_fit for a single group.")
    if not isinstance(y, str):
        raise ArgumentError(f"y is of type {type(y).__name__}, but the data are a frame. Give the name of a column.")
    frame = frame_of(data)
    job = make_job(model, frame.columns, by=by, y=y, x=x, sigma=sigma, **given)
    return job.fit(frame.to_native(), threads=threads, progress=progress)


def _check_options(given: Iterable[str], known: Sequence[str]) -> None:
    """Raise OptionError for an argument that fit_groups does not have."""
    for name in given:
        if name not in known:
            near = near_name(name, [*inspect.signature(fit_groups).parameters, *known])
            raise OptionError(f"fit_groups() got an unexpected keyword argument {name!r}.{near} Leave it out.")


def fit_arrays(
    model: Any, x: Any, y: Any, sigma: Any = None, *, threads: int | None = None, progress: bool = False, **options: Any
) -> GroupFits:
    """Fit a model to many curves with the same number of rows, y of shape (..., rows); see ``fit_groups``."""
    if is_frame(y) or is_frame(x):
        raise ArgumentError(
            "The data are a frame, but no keys are given. Name the key columns with by=, and give y by its name."
        )
    for name in extra_columns(options.get("p0"), options.get("bounds"), options.get("fixed")):
        raise ArgumentError(f"There is no column {name!r} because the data are arrays. Give a number, or one number per curve.")
    columns, table = read_arrays(x, y, sigma, options.get("nan_policy"))
    names = list(columns)
    is_formula = isinstance(model, (str, TextModel, NamedModel))
    job = make_job(
        model, [*names, RESPONSE], by=(), y=RESPONSE, x=None if is_formula or len(names) > 1 else names[0], **options
    )
    if not is_formula and len(names) > 1 and not isinstance(x, Mapping):
        job = replace(job, curve=TupleCurve(job.curve.model, job.curve.names, job.curve.columns, job.curve.log))
    table = replace(table, groups=table.groups._replace(columns=job.chosen(names, table.groups.columns)))
    return job.fit_table(table, threads=threads, progress=progress)
