"""``fit_groups``: a model, many small data sets, and the parameters of each."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from typing import Any

from jitgrad.curvefit.curve import TupleCurve
from jitgrad.curvefit.formula import Formula
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.errors import ArgumentError, OptionError, near_name
from jitgrad.groupfit.arrays import RESPONSE, read_arrays
from jitgrad.groupfit.given import extra_columns, is_frame
from jitgrad.groupfit.job import make_job
from jitgrad.groupfit.result import GroupFits
from jitgrad.groupfit.tables import frame_of


def fit_groups(
    model: Any,
    data: Any,
    y: Any = None,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    *,
    by: str | Sequence[str] | None = None,
    x: str | Sequence[str] | None = None,
    bounds: Any = None,
    method: str | None = "auto",
    fixed: Mapping[str, Any] | Iterable[str] | None = None,
    shared: str | Sequence[str] = (),
    loss: str = "linear",
    f_scale: float = 1.0,
    ftol: float | None = None,
    xtol: float | None = None,
    gtol: float | None = None,
    max_nfev: int | None = None,
    nan_policy: str | None = None,
    threads: int | None = None,
    progress: bool = False,
    **of_xarray: Any,
) -> Any:
    """Fit a model to each of many small data sets, by least squares.

    Each group is fitted as ``curve_fit`` would fit it alone, natively and many at once. A group that cannot be fitted does
    not stop the others: its estimates are nan, and its status says why. The result does not depend on the number of threads,
    nor on how the rows of different groups are interleaved.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        A formula such as ``"a * exp(-k * t) + c"``, the name of a curve model such as ``"logistic4"``, or a function
        ``f(x, a, b, …)`` that can be traced: of NumPy's or jitgrad's functions, without ``if`` on values.
    data : frame, mapping of columns, array, or DataArray
        With ``by``, a frame of pandas, Polars or PyArrow with a row for each measurement, in any order.
        Without ``by``, the independent variable of curves with equally many rows: an array (rows,) that all curves share, or
        one of the shape of ``y``; several variables as (k, rows) or as a mapping by name. A formula knows an array as x, or as
        x1 to xk; a function gets the array, or a tuple of k. Masked values are missing, as nan is.
    y : str or array of shape (…, rows)
        The response: the name of a column, or an array whose last axis is the rows of a curve.
    p0 : sequence, mapping, frame or array, optional
        Starting values. A sequence of numbers is for all groups. A mapping by parameter has numbers, names of columns, or
        arrays of the groups' shape; a frame has keys and parameters; an array has the shape (…, parameters). Starting values
        that are not given, or are nan in a column, frame or array, are searched for, also among the estimates of neighbours.
        Where different parameters describe the same curve, a search returns positive signs, components in ascending order of
        their rates, times or places, and angles from -π to π, within bounds; ``curve_fit`` may return others.
    sigma : str, float or array, optional
        Standard deviations of y: the name of a column or a number; for arrays also (rows,) or the shape of ``y``.
    absolute_sigma : bool, default: False
        Whether sigma is in the units of y. Otherwise only its ratios matter, and errors are scaled so that χ² / dof is 1.
    by : str or sequence of str, optional
        The names of the key columns: rows with equal keys are a group. Rows without a key are left out. Groups are in the
        order of their keys, categories in that of their texts.
    x : str or sequence of str, optional
        The names of the columns that the model takes, by default those that the formula names. A function gets one as an array,
        several as a dict by name; by default it gets all other columns.
    bounds : pair or mapping, optional
        ``(low, high)``, each a number, or as ``p0``; or a mapping by parameter of pairs of numbers, names of columns, arrays,
        or None for no bound.
    method : {"auto", "lm", "trf", "dogbox"}, default: "auto"
        For compatibility: all are Levenberg and Marquardt's method in a trust region, within bounds.
    fixed : mapping, frame or sequence of str, optional
        Parameters that are not fitted: their values, as ``p0``, or their names, with values in ``p0``.
    shared : str or sequence of str, optional
        Parameters with one value for all groups, which is fitted together with the other parameters. Standard errors are
        those of the joint fit.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}, default: "linear"
        The loss of residuals. All but "linear", least squares, reduce the weight of large residuals.
    f_scale : float, default: 1.0
        The residual, in units of sigma, beyond which its weight is reduced.
    ftol, xtol, gtol : float, optional
        Tolerances for termination, by default full precision; see ``curvefit.least_squares.SolverOptions``.
    max_nfev : int, default: 2000
        The maximum number of evaluations of the model in each group.
    nan_policy : {None, "omit", "raise"}
        What to do with rows that have nan: by default their group fails; "omit" leaves the rows out; "raise" raises DataError.
    threads : int, optional
        The number of threads, by default that of the cores.
    progress : bool, default: False
        Whether to show on stderr how many groups are done, and the time left.
    **of_xarray
        Arguments for a DataArray, which is fitted as by ``DataArray.curvefit``: ``coords``, ``reduce_dims``, ``skipna``,
        ``param_names`` and ``errors``.

    Returns
    -------
    GroupFits or Dataset
        A row for each group, in the order of the keys; for arrays, arrays of the leading shape. ``frame()`` returns a table
        in the library of the data. Ctrl-C keeps the fits that are done and issues a FitWarning; other groups have the status
        "interrupted". For a DataArray, a Dataset as that of ``DataArray.curvefit``.

    Raises
    ------
    DataError
        For missing columns, columns that are not numbers, and arrays whose shapes do not match.
    ArgumentError, FormulaError
        For a model, starting value, bound or option that is invalid for every group.
    UnsupportedError
        For a function that cannot be traced.

    Examples
    --------
    >>> import polars as pl
    >>> from jitgrad import fit_groups
    >>> readings = pl.DataFrame(
    ...     {
    ...         "well": ["A1"] * 4 + ["A2"] * 4 + ["A3"] * 2,
    ...         "t": [0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0, 0.0, 1.0],
    ...         "od": [1.0, 0.5, 0.25, 0.125, 3.0, 1.0, 0.34, 0.11, 2.0, 1.0],
    ...     }
    ... )
    >>> fits = fit_groups("a * exp(-k * t) + c", readings, "od", [1.0, 1.0, 0.0], by="well")
    >>> fits.status.tolist()
    ['converged', 'converged', 'too few rows']
    >>> fits.frame().select("well", "k").to_dicts()[0]["k"]  # doctest: +ELLIPSIS
    0.693147...
    >>> fits.parameters["a"].round(2).tolist()
    [1.0, 3.0, nan]
    """
    given = {
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
        _check_options(of_xarray, ("coords", "reduce_dims", "skipna", "param_names", "errors"))
        if "coords" not in of_xarray:
            raise ArgumentError("fit_groups needs coords= for a DataArray. Name the coordinates that the model takes.")
        return fit_labelled(model, data, sigma=sigma, threads=threads, progress=progress, **given, **of_xarray)
    _check_options(of_xarray, ())
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
    """Fit a model to many curves of equally many rows, y of shape (…, rows); see ``fit_groups``."""
    if is_frame(y) or is_frame(x):
        raise ArgumentError(
            "The data are a frame, but no keys are given. Name the key columns with by=, and give y by its name."
        )
    for name in extra_columns(options.get("p0"), options.get("bounds"), options.get("fixed")):
        raise ArgumentError(f"There is no column {name!r} because the data are arrays. Give a number, or one number per curve.")
    columns, table = read_arrays(x, y, sigma, options.get("nan_policy"))
    names = list(columns)
    is_formula = isinstance(model, (str, Formula, NamedModel))
    job = make_job(
        model, [*names, RESPONSE], by=(), y=RESPONSE, x=None if is_formula or len(names) > 1 else names[0], **options
    )
    if not is_formula and len(names) > 1 and not isinstance(x, Mapping):
        job = replace(job, curve=TupleCurve(job.curve.model, job.curve.names, job.curve.columns))
    table = replace(table, groups=table.groups._replace(columns=job.chosen(names, table.groups.columns)))
    return job.fit_table(table, threads=threads, progress=progress)
