"""Fits along dimensions of an ``xarray.DataArray``, lazily for Dask data."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.curvefit.curve import names_of
from jitgrad.curvefit.given import check_names
from jitgrad.curvefit.named_model import NamedModel
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError, FitError, near_name
from jitgrad.groupfit.arrays import RESPONSE, read_arrays
from jitgrad.groupfit.job import Job, make_job
from jitgrad.groupfit.status import WORDS

if TYPE_CHECKING:
    import xarray as xr

ERRORS = dict.fromkeys(("ignore", "raise"))
RESULTS = ("coefficients", "covariance", "stderr", "chisqr", "r2", "rows", "nfev", "status")
"""The variables of a result, without the prefix ``curvefit_``."""
MEASURES = {"chisqr": np.float64, "r2": np.float64, "rows": np.int64, "nfev": np.int64, "status": WORDS.dtype}
"""The measures of each fit with their dtypes."""


def fit_labelled(
    model: Any,
    data: xr.DataArray,
    coords: Any,
    reduce_dims: Hashable | Iterable[Hashable] | None = None,
    *,
    skipna: bool = True,
    p0: Mapping[str, Any] | None = None,
    bounds: Mapping[str, tuple[Any, Any]] | None = None,
    param_names: Sequence[str] | None = None,
    errors: str = "ignore",
    sigma: Any = None,
    threads: int | None = None,
    progress: bool = False,
    fixed: Any = None,
    **options: Any,
) -> xr.Dataset:
    """Fit a model along dimensions of a DataArray, as ``DataArray.curvefit`` does.

    Parameters
    ----------
    model : str, Formula, NamedModel or callable
        A formula of the coordinates and parameters, or a function ``f(x, a, b, ...)``, whose x is a tuple if there are several
        coordinates.
    data : xarray.DataArray
        The data. For a Dask array, the results are Dask arrays: a worker fits each block with one thread. The data of a fit
        must be in one block.
    coords : str, DataArray, or sequence of them
        The independent variables of the model.
    reduce_dims : str or sequence of str, optional
        Additional dimensions whose values belong to the same fit.
    skipna : bool, default True
        Whether to drop missing values. If False, fits with nan fail.
    p0 : mapping, optional
        Starting values by name, numbers or DataArrays of the other dimensions. Missing ones are searched for.
    bounds : mapping, optional
        Pairs of bounds by name, numbers or DataArrays of the other dimensions.
    param_names : sequence of str, optional
        The parameters of a function that takes ``*args``.
    errors : {"ignore", "raise"}, default "ignore"
        Whether failed fits have nan and a status (``"ignore"``) or raise FitError.
    sigma : float or DataArray, optional
        The standard deviations of the data.
    threads : int, optional
        The number of threads, by default the number of cores, and one in each worker of Dask.
    progress : bool, default False
        Whether to show the progress on stderr.
    fixed : mapping or iterable of str, optional
        Parameters that are not fitted: their values, as `p0`; or their names, with values in `p0`.
    **options : object
        ``absolute_sigma``, ``loss`` and other options of `fit_groups`.

    Returns
    -------
    xarray.Dataset
        ``curvefit_coefficients`` (..., param), ``curvefit_covariance`` (..., cov_i, cov_j), ``curvefit_stderr`` (..., param);
        and ``curvefit_chisqr``, ``curvefit_r2``, ``curvefit_rows``, ``curvefit_nfev`` and ``curvefit_status`` (...).

    Raises
    ------
    ArgumentError, DataError, FormulaError
        If an argument or the data are invalid.
    FitError
        If a fit fails and `errors` is ``"raise"``; for a Dask array, when it is computed.
    """
    import xarray as xr

    by_name("errors", errors, ERRORS)
    if not isinstance(data, xr.DataArray):
        raise ArgumentError("The data are a Dataset. Give one of its variables, a DataArray.")
    columns = _columns(data, coords)
    dims = _reduced(data, columns, reduce_dims)
    lazy = data.chunks is not None
    if lazy and options.get("shared"):
        raise ArgumentError("Shared parameters cannot be fitted to lazy data. Load the data, or share no parameters.")
    if lazy and progress:
        raise ArgumentError("progress=True does not work with Dask data. Use dask.diagnostics.ProgressBar.")
    for what, value in {"p0": p0, "bounds": bounds}.items():
        if value is not None and not isinstance(value, Mapping):
            raise ArgumentError(f"{what} is a {type(value).__name__}, but the data are a DataArray. Give a dict by name.")
    if isinstance(fixed, Mapping):
        p0, fixed = {**(p0 or {}), **fixed}, list(fixed)
    starts = dict.fromkeys(p0 or (), 0.0)  # names only: each block has its own values
    is_function = callable(model) and not isinstance(model, (TextModel, NamedModel))
    if is_function and (param_names is not None or len(columns) > 1):
        starts = dict.fromkeys(param_names or names_of(model, None, None), 0.0)
        model = _of_names(model, several=len(columns) > 1)
    policy = "omit" if skipna else None
    job = make_job(
        model,
        [*columns, RESPONSE],
        by=(),
        y=RESPONSE,
        x=list(columns),
        p0=starts or None,
        fixed=fixed,
        nan_policy=policy,
        **options,
    )
    names = job.names
    p0, bounds = dict(p0 or {}), dict(bounds or {})
    check_names("p0", p0, names, columns)
    check_names("bounds", bounds, names, columns)
    given = [p0.get(name, math.nan) for name in names]
    for side, none in enumerate((-math.inf, math.inf)):
        ends = [_pair(name, bounds.get(name, (None, None)))[side] for name in names]
        given += [none if end is None else end for end in ends]
    for name, value in zip(names * 3, given, strict=True):
        _check_value(f"The value of {name!r}", value)
        _check_dims(value, data, dims)
    _check_value("sigma", sigma if sigma is not None else 1.0)
    fit = partial(
        _fit_block, job=job, columns=list(columns), axes=len(dims), bounded=bool(bounds), errors=errors,
        threads=threads or (1 if lazy else None), progress=progress,
    )  # fmt: skip
    along = [_along(column, data, dims) for column in columns.values()] + ([] if sigma is None else [_along(sigma, data, dims)])
    sizes = {"param": len(names), "cov_i": len(names), "cov_j": len(names)}
    results = xr.apply_ufunc(
        fit, data, *along, *given, input_core_dims=[dims] * (1 + len(along)) + [[]] * len(given), exclude_dims=set(dims),
        output_core_dims=[["param"], ["cov_i", "cov_j"], ["param"], *[[]] * len(MEASURES)], dask="parallelized",
        output_dtypes=[np.float64] * 3 + list(MEASURES.values()), dask_gufunc_kwargs={"output_sizes": sizes}, keep_attrs=False,
    )  # fmt: skip
    variables = {f"curvefit_{name}": result for name, result in zip(RESULTS, results, strict=True)}
    return xr.Dataset(variables).assign_coords(dict.fromkeys(sizes, names))


def _columns(data: xr.DataArray, coords: Any) -> dict[str, Any]:
    """Return the coordinates of the model by name."""
    import xarray as xr

    several = [coords] if isinstance(coords, (str, xr.DataArray)) or not isinstance(coords, Iterable) else list(coords)
    columns = {}
    for number, given in enumerate(several):
        if isinstance(given, xr.DataArray):
            columns[str(given.name or f"x{number + 1}")] = given
            continue
        known = [str(name) for name in [*data.coords, *data.dims]]
        if given not in known:
            raise ArgumentError(
                f"The data have no coordinate {given!r}.{near_name(str(given), known)} Name one of its "
                "coordinates, or give a DataArray."
            )
        columns[str(given)] = data[given]
    return columns


def _reduced(data: xr.DataArray, columns: Mapping[str, Any], more: Any) -> list[Hashable]:
    """Return the dimensions of a fit: the dimensions of 1-d coordinates, and those in ``more``."""
    more = [] if more is None else [more] if isinstance(more, str) or not isinstance(more, Iterable) else list(more)
    for dim in more:
        if dim not in data.dims:
            raise ArgumentError(f"The data have no dimension {dim!r}. The dimensions are {', '.join(map(str, data.dims))}.")
    found = {*more, *(column.dims[0] for column in columns.values() if column.ndim == 1)}
    dims = [dim for dim in data.dims if dim in found]
    if not dims:
        raise ArgumentError(
            "No coordinate has exactly one dimension, so each fit would have a single number. Name dimensions in reduce_dims."
        )
    return dims


def _along(values: Any, data: xr.DataArray, dims: Sequence[Hashable]) -> Any:
    """Return coordinates or standard deviations broadcast along the dimensions of a fit."""
    import xarray as xr

    kept = [dim for dim in data.dims if dim not in dims]
    return xr.DataArray(values).broadcast_like(data, exclude=kept)


def _check_dims(value: Any, data: xr.DataArray, dims: Sequence[Hashable]) -> None:
    """Raise ArgumentError for a starting value or bound with dimensions that the fits do not have."""
    wrong = [str(dim) for dim in getattr(value, "dims", ()) if dim not in data.dims or dim in dims]
    if wrong:
        kept = ", ".join(str(dim) for dim in data.dims if dim not in dims)
        raise ArgumentError(f"A starting value or bound has the dimensions {', '.join(wrong)}. Fits have {kept or 'none'}.")


def _pair(name: str, bounds: Any) -> Any:
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ArgumentError(f"The bounds of {name!r} are {bounds!r}. Give a pair, with None for no bound.")
    return bounds


def _check_value(what: str, value: Any) -> None:
    """Raise ArgumentError unless a value is a number or a DataArray."""
    if hasattr(value, "dims"):
        return
    if np.ndim(value):
        raise ArgumentError(f"{what} is an array without dimension names. Give a number or a DataArray.")
    if not isinstance(value, (int, float, np.number)):
        raise ArgumentError(f"{what} is {value!r}. Give a number or a DataArray.")


def _of_names(function: Callable[..., Any], several: bool) -> Callable[..., Any]:
    """Return a function whose parameters are passed by position, and x as a tuple if it has several columns."""

    def model(x: Any, *parameters: Any) -> Any:
        return function(tuple(x.values()) if several else x, *parameters)

    return model


def _fit_block(
    y: np.ndarray, *given: np.ndarray, job: Job, columns: Sequence[str], axes: int, bounded: bool, errors: str,
    threads: int | None, progress: bool,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Return the results of the fits in a block of data, whose last axes are reduced."""
    shape, count = y.shape[: y.ndim - axes], len(given) - 3 * len(job.names)
    curves = (*(shape or (1,)), int(np.prod(y.shape[y.ndim - axes :])))  # a single fit is a batch of one

    def flat(values: np.ndarray) -> np.ndarray:
        return values.ravel() if values.ndim == axes else np.broadcast_to(values, y.shape).reshape(curves)

    along = [flat(values) for values in given[:count]]
    each = np.stack([np.broadcast_to(values, curves[:-1]) for values in given[count:]], axis=-1).astype(np.float64)
    p0, low, high = np.split(each, 3, axis=-1)
    x, sigma = dict(zip(columns, along, strict=False)), along[-1] if count > len(columns) else None
    names, table = read_arrays(x, y.reshape(curves), sigma, job.nan_policy)
    job = replace(job, p0=p0, bounds=(low, high) if bounded else None)
    table = replace(table, groups=table.groups._replace(columns=job.chosen(list(names), table.groups.columns)))
    fits = job.fit_table(table, threads=threads, progress=progress)
    failed = fits.status[~fits.converged].tolist()
    if errors == "raise" and failed:
        said = ", ".join(f"{count} {word}" for word, count in Counter(failed).items())
        raise FitError(
            f"{len(failed)} of {len(fits)} fits failed: {said}. Set errors='ignore' to get nan and a status for them."
        )
    found = fits.values, fits.covariances, fits.stderr, fits.chisqr, fits.r2, fits.n_rows, fits.nfev, fits.status
    return tuple(array.reshape((*shape, *array.shape[len(curves) - 1 :])) for array in found)
