"""Conversion of arrays to groups of rows: curves with the same number of rows, whose columns are shared or differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jitgrad.curvefit import data as given
from jitgrad.curvefit.bundles import Groups
from jitgrad.errors import DataError
from jitgrad.groupfit.tables import Table, weights_of, without_nan

RESPONSE = " y"
"""The name of the response among the columns, which no formula can use."""


def read_arrays(x: Any, y: Any, sigma: Any, policy: str | None) -> tuple[dict[str, np.ndarray], Table]:
    """Return the columns by name and the Table of many curves.

    Parameters
    ----------
    x : array_like or mapping
        Shape (rows,) for all curves, or the shape of `y`; several columns are (k, rows) or a mapping by name.
    y : array_like, shape (..., rows)
        The response.
    sigma : array_like or None
        A number, (rows,), or the shape of `y`.
    policy : {"omit", "raise"} or None
        What to do with rows that contain nan.

    Raises
    ------
    DataError
        If shapes do not match, or arrays are not numeric.
    """
    y = numbers(y, "y")
    if y.ndim == 0:
        raise DataError("y is a single number. Give an array whose last axis is the rows of a curve.")
    rows, remarks = y.shape[-1], []
    columns = {name: _column(column, name or "x", y.shape) for name, column in _columns(x, y.shape).items()}
    shared = all(column.ndim == 1 for column in columns.values())
    spread = None
    if sigma is not None:
        spread = numbers(sigma, "sigma")
        if spread.shape not in ((), (1,), (rows,), y.shape):
            raise DataError(
                f"sigma has shape {spread.shape}, but y has {y.shape}. Give one number, or shape {(rows,)} or {y.shape}."
            )
        spread = np.broadcast_to(spread, y.shape).ravel()
    has_nan = policy is not None and (
        np.isnan(y).any() or (spread is not None and np.isnan(spread).any()) or any(np.isnan(c).any() for c in columns.values())
    )
    if has_nan or not shared:
        columns = {name: np.broadcast_to(column, y.shape).ravel() for name, column in columns.items()}
        shared = False
    count = int(np.prod(y.shape[:-1]))
    parts = np.column_stack([np.arange(count) * rows, np.full(count, rows)]).astype(np.uint64)
    flat = np.ascontiguousarray(y.ravel())
    if has_nan:
        arrays = columns | {RESPONSE: flat} | ({} if spread is None else {" sigma": spread})
        arrays, parts, said = without_nan(arrays, list(arrays), parts, str(policy))
        remarks += said
        columns, flat = {name: arrays[name] for name in columns}, arrays[RESPONSE]
        spread = None if spread is None else arrays[" sigma"]
    groups = Groups(list(columns.values()), flat, weights_of(spread), parts, shared)
    return columns, Table(None, y.shape[:-1], groups, spread, {}, remarks)


def numbers(values: Any, name: str) -> np.ndarray:
    """Return values as a float64 array, with nan for masked ones. Raises DataError if they are not numeric."""
    if np.ma.is_masked(values):
        values = values.astype(np.float64).filled(np.nan)
    return given.numbers(values, name)


def _columns(x: Any, shape: tuple[int, ...]) -> Mapping[str, Any]:
    """Return the columns by name: x for one, x1 to xk for an array of several."""
    if isinstance(x, Mapping):
        return {str(name): column for name, column in x.items()}
    array = numbers(x, "x")
    if array.shape == shape or array.ndim == 1:
        return {"x": array}
    if array.ndim == 2:
        return {f"x{k + 1}": column for k, column in enumerate(array)}
    raise DataError(
        f"x has shape {array.shape}, but y has {shape}. Give shape {shape[-1:]} or {shape}, or a dict of columns by name."
    )


def _column(values: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    array = numbers(values, name)
    if array.shape not in (shape[-1:], shape):
        moved = array.shape in [shape[axis : axis + 1] for axis in range(len(shape))]
        advice = (
            "Move the rows to the last axis of y, for example with np.moveaxis"
            if moved
            else f"Give shape {shape[-1:]} or {shape}"
        )
        raise DataError(f"Column {name!r} has shape {array.shape}, but y has {shape}. {advice}.")
    return array
