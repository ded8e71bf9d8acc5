"""Elements of datasets: nested tensors, stored as arrays so that NumPy can cut and join batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError
from jitgrad.compat.tensorflow.spec import TensorSpec
from jitgrad.compat.tensorflow.tensor import Held, Tensor, convert, made, wrap_array
from jitgrad.tape import dtypes as levels
from jitgrad.tape.tensor import known


class Row:
    """A tensor within a dataset: an array, and the dtype that users see.

    Attributes
    ----------
    array : numpy.ndarray
        The value.
    dtype : DType
        The dtype.
    """

    __slots__ = ("array", "dtype")

    def __init__(self, array: np.ndarray, dtype: DType) -> None:
        self.array = array
        self.dtype = dtype

    def tensor(self) -> Tensor:
        """Return the tensor that users see."""
        dtype = self.dtype
        if dtype.level < 0:
            return Held(self.array)
        array = self.array
        if dtype.level == levels.INTEGER:
            array = array.astype(np.int64)
        elif array.flags.writeable:
            array = array.copy()
        array.setflags(write=False)
        return made(known(array, dtype.level), dtype.dtype if dtype.is_integer else _INT32)


_INT32 = np.dtype(np.int32)


def map_leaves(f: Callable[[Any], Any], nest: Any) -> Any:
    """Replace each leaf of a nest. Lists are tensors in datasets; tuples and dicts nest."""
    if isinstance(nest, tuple):
        items = [map_leaves(f, item) for item in nest]
        return type(nest)(*items) if hasattr(nest, "_fields") else tuple(items)
    if isinstance(nest, dict):
        return {key: map_leaves(f, item) for key, item in nest.items()}
    return f(nest)


def leaves(nest: Any) -> list[Any]:
    """Return the leaves in order."""
    if isinstance(nest, (tuple, dict)):
        return [leaf for item in (nest.values() if isinstance(nest, dict) else nest) for leaf in leaves(item)]
    return [nest]


def refilled(nest: Any, values: Iterable[Any]) -> Any:
    """Return a nest of the same structure with the given leaves, in order."""
    left = iter(values)
    return map_leaves(lambda _: next(left), nest)


def cut(nest: Any, key: Any) -> Any:
    """Take a slice, or several rows, of each array."""
    return map_leaves(lambda x: Row(np.asarray(x.array[key]), x.dtype), nest)


def row(value: Any) -> Any:
    """Convert a user's leaf to a Row."""
    if isinstance(value, Row) or hasattr(value, "element_spec"):
        return value
    if hasattr(value, "to_numpy"):  # a column of a DataFrame
        value = value.to_numpy()
    tensor = convert(value)
    return Row(np.asarray(tensor.numpy()), tensor.dtype)


def rows(nest: Any) -> Any:
    """Convert a user's nest to Rows; a table with named columns becomes a dict."""
    if hasattr(nest, "columns") and hasattr(nest, "to_numpy"):
        return row(nest)
    if isinstance(nest, dict) or (hasattr(nest, "keys") and not hasattr(nest, "shape")):
        return {key: rows(nest[key]) for key in nest}
    if isinstance(nest, tuple):
        items = [rows(item) for item in nest]
        return type(nest)(*items) if hasattr(nest, "_fields") else tuple(items)
    return row(nest)


def shown(nest: Any) -> Any:
    """Convert Rows to the tensors that users see."""
    return map_leaves(lambda x: x.tensor() if isinstance(x, Row) else x, nest)


def stacked(elements: list[Any]) -> Any:
    """Stack elements along a new leading axis."""
    columns = zip(*[leaves(element) for element in elements], strict=True)
    return refilled(elements[0], [_stack(list(column)) for column in columns])


def _stack(column: list[Row]) -> Row:
    try:
        return Row(np.stack([r.array for r in column]), column[0].dtype)
    except ValueError:
        shapes = sorted({r.array.shape for r in column})
        raise InvalidArgumentError(
            f"Cannot batch tensors with different shapes: {shapes} [Op:IteratorGetNext]. Use padded_batch."
        ) from None


def padded(elements: list[Any], shapes: Any, values: Any) -> Any:
    """Stack elements along a new first axis, each padded to the largest sizes."""
    columns = list(zip(*[leaves(element) for element in elements], strict=True))
    given = [None] * len(columns) if shapes is None else leaves(shapes)
    fills = (
        [0] * len(columns)
        if values is None
        else leaves(values)
        if isinstance(values, (tuple, dict))
        else [values] * len(columns)
    )
    return refilled(elements[0], [_pad(list(c), s, v) for c, s, v in zip(columns, given, fills, strict=True)])


def _pad(column: list[Row], shape: Any, value: Any) -> Row:
    largest = np.max([r.array.shape for r in column], axis=0).astype(int).tolist()
    wanted = largest if shape is None else [n if s in (None, -1) else int(s) for n, s in zip(largest, shape, strict=True)]
    if any(n > w for n, w in zip(largest, wanted, strict=True)):
        raise InvalidArgumentError(
            f"An element of shape {largest} does not fit {wanted} [Op:PaddedBatch]. Give a larger shape."
        )
    out = np.full((len(column), *wanted), np.asarray(convert(value).numpy()).item(), column[0].array.dtype)
    for i, r in enumerate(column):
        out[i][tuple([slice(0, n) for n in r.array.shape])] = r.array
    return Row(out, column[0].dtype)


def spec_of(nest: Any) -> Any:
    """Return the specification of the elements from one of them."""
    return map_leaves(lambda x: TensorSpec(x.array.shape, x.dtype) if isinstance(x, Row) else x.element_spec, nest)


def length(nest: Any) -> int:
    """Return the number of slices. Raises ConversionError if the leaves differ."""
    sizes = []
    for leaf in leaves(nest):
        if not leaf.array.ndim:
            raise ConversionError("Unbatching a tensor is only supported for rank >= 1. Give arrays with rows.")
        sizes.append(leaf.array.shape[0])
    if len(set(sizes)) > 1:
        raise ConversionError(
            f"Dimensions {sizes[0]} and {next(n for n in sizes if n != sizes[0])} are not compatible. "
            "Give the same number of rows."
        )
    return sizes[0] if sizes else 0


def typed(value: Any, spec: Any) -> Any:
    """Convert a generator's values to the dtypes and shapes of ``spec``."""
    if isinstance(spec, tuple):
        return tuple(typed(v, s) for v, s in zip(value, spec, strict=True))
    if isinstance(spec, dict):
        return {key: typed(value[key], s) for key, s in spec.items()}
    tensor = convert(value) if hasattr(value, "_read") else wrap_array(np.asarray(value), as_dtype(spec.dtype))
    if not spec.shape.is_compatible_with(tensor.shape):
        raise ConversionError(
            f"The generator gave shape {tensor.shape} where {spec.shape} was expected. Change output_signature."
        )
    return Row(np.asarray(tensor.numpy()), tensor.dtype)
