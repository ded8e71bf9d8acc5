"""The rows that are fitted: columns, response and sigma of matching shapes, without rows that are dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jitgrad.curvefit import data as given
from jitgrad.curvefit.curve import Curve
from jitgrad.curvefit.text_model import TextModel
from jitgrad.errors import ArgumentError, DataError


class Observations(NamedTuple):
    """The data of a fit.

    Attributes
    ----------
    columns : list of ndarray
        float64 arrays for the model; empty if x is an object that only the model can use.
    y : ndarray, shape (rows,)
        The response, in float64.
    sigma : ndarray or None
        A number, (rows,) or (rows, rows).
    x : object
        The argument of a function that is called with numbers.
    remarks : list of str
        Remarks for the result, a clause each.
    response : ndarray, shape (rows,)
        The response as given, of which y is the logarithm if errors are log-normal.
    omitted : int
        The number of rows that were left out because of nan.
    """

    columns: list[np.ndarray]
    y: np.ndarray
    sigma: np.ndarray | None
    x: Any
    remarks: list[str]
    response: np.ndarray
    omitted: int = 0


def rows_of(
    curve: Curve, x: Any, columns: Mapping[str, Any], y: Any, sigma: Any, finite: bool | None, policy: str | None
) -> Observations:
    """Return columns, response and sigma as arrays with matching shapes.

    Parameters
    ----------
    curve : Curve
        The model, which selects its columns.
    x : object
        The independent data as given.
    columns : mapping
        The independent data as columns by name.
    y, sigma : array_like
        The response and its standard deviations. A single number applies to every row.
    finite : bool or None
        Whether nan and inf raise DataError. With None, both do, or inf alone if there is a policy for nan.
    policy : {"raise", "omit"} or None
        What to do with nan.

    Raises
    ------
    DataError
        If shapes do not match, or values are not finite.
    ArgumentError
        If the policy is invalid or cannot be applied.
    """
    if policy == "propagate":
        raise ArgumentError("`nan_policy='propagate'` is not supported by this function. Use None, 'raise' or 'omit'.")
    if policy not in (None, "raise", "omit"):
        raise ArgumentError(f"nan_policy must be one of {{None, 'raise', 'omit'}}. It is {policy!r}.")
    masked = [name or "x" for name, values in [*columns.items(), ("y", y), ("sigma", sigma)] if _is_masked(values)]
    if policy == "omit":
        columns, y = {name: _unmasked(values) for name, values in columns.items()}, _unmasked(y)
    remarks = [f"masked values of {name} were used like any other values" for name in masked if policy != "omit"]
    arrays, y = _arrays(curve, x, columns), given.response(y)
    sigma = None if sigma is None else given.numbers(sigma, "sigma")
    if len(y) == 1 and arrays and arrays[0].shape[-1:] > (1,):
        y = np.repeat(y, arrays[0].shape[-1])
    for name, array in zip(curve.columns, arrays, strict=False):
        if name and array.shape != y.shape:
            raise DataError(
                f"Column {name!r} has shape {array.shape}, but y has {len(y)} rows. Give both the same number of rows."
            )
    if finite and policy == "omit":
        _check_finite(curve, arrays, y)
    given_rows = len(y)
    if policy is not None:
        arrays, y, sigma, x = _without_nan(curve, arrays, y, sigma, x, policy)
    if finite or finite is None:
        _check_finite(curve, arrays, y)
    if sigma is not None:
        given.check_sigma(sigma, len(y))
    x = arrays[0] if isinstance(x, (list, tuple, np.ndarray)) else x
    return Observations(arrays, logarithms(y) if curve.log else y, sigma, x, remarks, y, given_rows - len(y))


def logarithms(y: np.ndarray, name: str = "y") -> np.ndarray:
    """Return the logarithms of a response. Raises DataError if one is not positive."""
    if not (y > 0).all():
        row = int(np.argmin(y > 0))
        raise DataError(
            f"{name} is {y[row]:g} in row {row}, but log-normal errors need positive values. Leave out such rows, or fit with "
            f"errors='normal'."
        )
    return np.log(y)


def _arrays(curve: Curve, x: Any, columns: Mapping[str, Any]) -> list[np.ndarray]:
    """Return the columns of the model; none for an object that is not numeric, which a function may use."""
    try:
        return curve.chosen(columns)
    except DataError:
        if isinstance(curve.model, TextModel) or isinstance(x, (list, tuple, np.ndarray)):
            raise
        return []


def _check_finite(curve: Curve, arrays: list[np.ndarray], y: np.ndarray) -> None:
    for name, array in zip(curve.columns, arrays, strict=False):
        given.check_finite(array, name)
    given.check_finite(y, "y")


def _is_masked(values: Any) -> bool:
    return type(values) is not np.ndarray and bool(np.ma.is_masked(values))  # the first check is fast


def _unmasked(values: Any) -> Any:
    """Return values with nan in place of masked ones."""
    return values.astype(np.float64).filled(np.nan) if _is_masked(values) else values


def _without_nan(
    curve: Curve, arrays: list[np.ndarray], y: np.ndarray, sigma: np.ndarray | None, x: Any, policy: str
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray | None, Any]:
    """Return the data without rows that contain nan. If there are any, they are also removed from x."""
    kept = ~np.isnan(y)
    if any(array.shape[-1:] != y.shape for array in arrays):
        raise ArgumentError(
            f"nan_policy={policy!r} needs an x whose last axis is the rows. Remove rows with nan before the fit."
        )
    for array in arrays:
        kept &= ~np.isnan(array).reshape(-1, len(y)).any(axis=0)
    if kept.all():
        return arrays, y, sigma, x
    if policy == "raise":
        raise DataError(
            f"The input contains nan values, in row {int(np.argmin(kept))}. Remove such rows, or set nan_policy='omit'."
        )
    if not kept.any():
        raise DataError("Every row contains nan. Give rows without missing values.")
    if not arrays:
        raise ArgumentError("nan_policy='omit' needs a numeric x. Remove rows with nan before the fit.")
    arrays = [np.ascontiguousarray(a[..., kept]) for a in arrays]
    if sigma is not None and sigma.ndim:
        sigma = sigma[kept] if sigma.ndim == 1 else sigma[np.ix_(kept, kept)]
    x = arrays[0] if curve.columns == [""] else dict(zip(curve.columns, arrays, strict=True))
    return arrays, y[kept], sigma, x
