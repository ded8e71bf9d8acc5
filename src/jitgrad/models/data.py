"""Conversion of rows of data (arrays, frames, lists and dicts of them) to named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from jitgrad.errors import ArgumentError, DataError
from jitgrad.tape.dtypes import check_unmasked
from jitgrad.tape.operators import Operators
from jitgrad.tape.tree import tree_leaves, tree_map
from jitgrad.training.columns import check_nested, columns_for, inner, is_frame, keys_of, merged, names_in, names_of_targets
from jitgrad.training.rows import as_rows, check_alike


class Dataset(NamedTuple):
    """Rows to fit or to evaluate.

    Attributes
    ----------
    arrays, levels, names : list
        Arrays, the levels of their dtypes, and their names, in the order of the nesting.
    nest : tuple
        Nesting of inputs, targets and optional sample weights, with None in place of each array.
    columns : tuple
        Names in inputs and targets; see ``training.columns``.
    """

    arrays: list[np.ndarray]
    levels: list[int]
    names: list[str]
    nest: tuple[Any, ...]
    columns: tuple[Any, Any] = (None, None)

    def part(self, rows: slice) -> Dataset:
        """Return some of the rows."""
        return self._replace(arrays=[array[rows] for array in self.arrays])


def as_data(
    x: Any,
    y: Any,
    sample_weight: Any = None,
    class_weight: Mapping[int, float] | None = None,
    *,
    of: str = "",
    known: tuple[Any, Any] = (None, None),
) -> Dataset:
    """Convert inputs, targets and weights to arrays.

    Parameters
    ----------
    x, y : array_like, frame, or list or dict of them
        Inputs and targets.
    sample_weight : array_like, optional
        Weight of each row.
    class_weight : mapping of int to float, optional
        Weight of each class of an integer or one-hot target; 1 for classes that are not listed.
    of : str
        Name of the data in messages.
    known : tuple
        Names in the inputs and targets to which the model was fitted.

    Raises
    ------
    DataError
        If arrays differ in the number of rows, have no rows, or contain nan, inf, strings, masked or missing
        values, or if a name is missing.
    ArgumentError
        If there are class weights but the targets are not classes.
    """
    x, y = _alone(x), _alone(y)
    columns = merged(known[0], names_in(x)), merged(known[1], names_of_targets(y))
    x, y = _plain(x, f"{of}x", known[0]), _plain(y, f"{of}y", known[1])
    nest: tuple[Any, ...] = (x, y)
    names = [*names_of(x, f"{of}x"), *names_of(y, f"{of}y")]
    weights = _weights(y, sample_weight, class_weight, of)
    if weights is not None:
        nest = (x, y, weights)
        names.append(f"{of}sample_weight")
    arrays, levels = as_rows(tree_leaves(nest), names)
    if weights is not None and (arrays[-1].ndim != 1 or (arrays[-1] < 0).any()):
        raise DataError(f"{names[-1]} has shape {arrays[-1].shape}, or negative weights. Give one nonnegative number per row.")
    return Dataset(arrays, levels, names, tree_map(lambda _: None, nest), columns)


def as_inputs(x: Any, known: Any = None) -> Any:
    """Convert inputs for a prediction to arrays, matched by the names to which the model was fitted.

    Raises DataError if arrays differ in the number of rows, or a name is missing.
    """
    made = _plain(_alone(x), "x", known)
    arrays = tree_leaves(made)
    if not arrays or not all(np.ndim(array) for array in arrays):
        raise DataError("x has no rows. Give one row per example.")
    check_alike(names_of(made, "x"), [len(array) for array in arrays])
    return made


def without_frames(x: Any, known: Any = None) -> Any:
    """Convert frames in the inputs of a call to arrays, with columns matched by name. Other inputs stay unchanged.

    Raises DataError if a name is missing.
    """
    if isinstance(x, dict):
        return {key: without_frames(item, inner(known, key)) for key, item in x.items()}
    if isinstance(x, (list, tuple)) and any(hasattr(item, "shape") for item in x):
        return type(x)(without_frames(item, inner(known, number)) for number, item in enumerate(x))
    return _of_frame(x, "x", known) if is_frame(x) else x


def _alone(value: Any) -> Any:
    """Return the element of a list of one array."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 and hasattr(value[0], "shape") else value


def _weights(y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None, of: str) -> np.ndarray | None:
    weights = None if sample_weight is None else np.asarray(_plain(sample_weight, f"{of}sample_weight"))
    if weights is not None and weights.ndim == 2 and weights.shape[1] == 1:
        weights = weights[:, 0]
    if class_weight is None:
        return weights
    if not isinstance(class_weight, Mapping):
        raise ArgumentError(f"class_weight is a {type(class_weight).__name__}. Give a dict of classes to weights.")
    labels = y
    if isinstance(y, np.ndarray) and y.ndim == 2:
        labels = y.argmax(1) if y.shape[1] > 1 else y[:, 0]
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype.kind not in "biuf":
        raise ArgumentError(f"class_weight requires one class per row in {of}y. Give sample_weight instead.")
    by_row = np.ones(len(labels))
    for label, weight in class_weight.items():
        by_row[labels == label] = weight
    return by_row if weights is None else by_row * weights


def _plain(value: Any, name: str, known: Any = None) -> Any:
    """Convert frames, Tensors and nested numbers to arrays, in the order of the known names."""
    check_nested(value, known, name)
    if isinstance(value, dict):
        keys = keys_of(value, known, name)
        return {key: _plain(value[key], f"{name}[{key!r}]", inner(known, key)) for key in keys}
    if isinstance(value, (list, tuple)) and any(hasattr(item, "shape") for item in value):
        return type(value)(_plain(item, f"{name}[{number}]", inner(known, number)) for number, item in enumerate(value))
    check_unmasked(name, value)
    if isinstance(value, Operators):
        return value.numpy()
    if is_frame(value):
        return _of_frame(value, name, known)
    array = np.asarray(value)
    if array.dtype.kind in "OUS":
        raise DataError(
            f"{name} contains strings or objects. Encode them as numbers, for example classes as integers starting with 0."
        )
    return array


def names_of(nest: Any, name: str) -> list[str]:
    """Return a name for each leaf."""
    if isinstance(nest, dict):
        return [inner for key, item in nest.items() for inner in names_of(item, f"{name}[{key!r}]")]
    if isinstance(nest, (list, tuple)):
        return [inner for number, item in enumerate(nest) for inner in names_of(item, f"{name}[{number}]")]
    return [name]


def _of_frame(value: Any, name: str, known: Any) -> np.ndarray:
    """Convert a frame to an array (rows, columns), or a column to an array (rows,)."""
    import narwhals as nw

    try:
        frame: Any = nw.from_native(value, eager_only=True, allow_series=True)
    except TypeError as error:
        raise DataError(
            f"{name} is a {type(value).__name__}, whose rows are not in memory. Collect it first. ({error})"
        ) from error
    if isinstance(frame, nw.Series):
        return _of_column(frame, name)
    if not frame.columns:
        raise DataError(f"{name} has no columns. Give at least one.")
    columns = columns_for(frame.columns, known, name)
    return np.column_stack([_of_column(frame[column], f"Column {column!r} of {name}") for column in columns])


def _of_column(column: Any, name: str) -> np.ndarray:
    import narwhals as nw

    if not (column.dtype.is_numeric() or column.dtype == nw.Boolean):
        raise DataError(f"{name} has type {column.dtype}, which is not numeric. Encode it as numbers, or omit it.")
    missing = np.flatnonzero(column.is_null().to_numpy())
    if len(missing):
        raise DataError(f"{name} has no value in row {missing[0]}. Drop such rows, or replace the values.")
    array: np.ndarray = column.to_numpy()
    return array
