"""What users have as rows of data, arrays, frames, several of them in lists and dicts, as named arrays."""

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
    """Rows to fit to or to evaluate.

    Attributes:
        arrays, levels, names: of all of them, one after the other.
        nest: the nesting of inputs, targets, and sample weights if there are any, with None in the place of each array.
        columns: the names in inputs and targets, see ``training.columns``.
    """

    arrays: list[np.ndarray]
    levels: list[int]
    names: list[str]
    nest: tuple[Any, ...]
    columns: tuple[Any, Any] = (None, None)

    def part(self, rows: slice) -> Dataset:
        """Some of the rows."""
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
    """Inputs, targets and weights as arrays.

    Args:
        x, y: arrays, or frames, or lists and dicts of them.
        sample_weight: a number a row.
        class_weight: a number for each class of an integer or one-hot target, 1 where it is left out.
        of: what they belong to, for errors.
        known: the names in inputs and targets that the model was fitted to.

    Raises:
        DataError: for arrays that differ in rows, have none, or hold nan, inf, texts, masked or missing values, and where what
            has a name is missing.
        ArgumentError: for class weights where targets are no classes.
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
        raise DataError(f"{names[-1]} has shape {arrays[-1].shape}, or weights below 0. Give a number from 0 on a row.")
    return Dataset(arrays, levels, names, tree_map(lambda _: None, nest), columns)


def as_inputs(x: Any, known: Any = None) -> Any:
    """Inputs alone, for a prediction: arrays in their nesting, with the names that the model was fitted to.

    Raises DataError where they differ in rows, and where what has a name is missing.
    """
    made = _plain(_alone(x), "x", known)
    arrays = tree_leaves(made)
    if not arrays or not all(np.ndim(array) for array in arrays):
        raise DataError("x has no rows. Give one row an example.")
    check_alike(names_of(made, "x"), [len(array) for array in arrays])
    return made


def without_frames(x: Any, known: Any = None) -> Any:
    """Inputs of a call with frames as arrays, their columns by the names that the model was fitted to; all else as it is.

    Raises DataError where a name is missing.
    """
    if isinstance(x, dict):
        return {key: without_frames(item, inner(known, key)) for key, item in x.items()}
    if isinstance(x, (list, tuple)) and any(hasattr(item, "shape") for item in x):
        return type(x)(without_frames(item, inner(known, number)) for number, item in enumerate(x))
    return _of_frame(x, "x", known) if is_frame(x) else x


def _alone(value: Any) -> Any:
    """The only one of a list of arrays."""
    return value[0] if isinstance(value, (list, tuple)) and len(value) == 1 and hasattr(value[0], "shape") else value


def _weights(y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None, of: str) -> np.ndarray | None:
    weights = None if sample_weight is None else np.asarray(_plain(sample_weight, f"{of}sample_weight"))
    if weights is not None and weights.ndim == 2 and weights.shape[1] == 1:
        weights = weights[:, 0]
    if class_weight is None:
        return weights
    if not isinstance(class_weight, Mapping):
        raise ArgumentError(f"class_weight is a {type(class_weight).__name__}. Give a dict from classes to weights.")
    labels = y
    if isinstance(y, np.ndarray) and y.ndim == 2:
        labels = y.argmax(1) if y.shape[1] > 1 else y[:, 0]
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype.kind not in "biuf":
        raise ArgumentError(f"class_weight needs {of}y to have a class a row. Give sample_weight instead.")
    by_row = np.ones(len(labels))
    for label, weight in class_weight.items():
        by_row[labels == label] = weight
    return by_row if weights is None else by_row * weights


def _plain(value: Any, name: str, known: Any = None) -> Any:
    """Frames, Tensors and nested numbers as arrays, with the names that are known in their order."""
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
        raise DataError(f"{name} holds texts or objects. Encode them as numbers, for example classes as integers from 0 on.")
    return array


def names_of(nest: Any, name: str) -> list[str]:
    """A name for each leaf."""
    if isinstance(nest, dict):
        return [inner for key, item in nest.items() for inner in names_of(item, f"{name}[{key!r}]")]
    if isinstance(nest, (list, tuple)):
        return [inner for number, item in enumerate(nest) for inner in names_of(item, f"{name}[{number}]")]
    return [name]


def _of_frame(value: Any, name: str, known: Any) -> np.ndarray:
    """A frame as (rows, columns), a column as (rows,)."""
    import narwhals as nw

    try:
        frame: Any = nw.from_native(value, eager_only=True, allow_series=True)
    except TypeError as error:
        raise DataError(
            f"{name} is a {type(value).__name__}, which has no rows at hand. Collect it first. ({error})"
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
        raise DataError(f"{name} holds {column.dtype}, no numbers. Encode it as numbers, or leave it out.")
    missing = np.flatnonzero(column.is_null().to_numpy())
    if len(missing):
        raise DataError(f"{name} has no value in row {missing[0]}. Drop such rows or fill them in first.")
    array: np.ndarray = column.to_numpy()
    return array
