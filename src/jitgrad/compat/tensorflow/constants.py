"""Creation of tensors: constants, ranges, and conversion of dtypes."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import integer, integers, named, sizes
from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError
from jitgrad.compat.tensorflow.operands import wrapped_around
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.compat.tensorflow.tensor import Held, Tensor, convert, from_python, made, wrap_array
from jitgrad.functions.create import full_like
from jitgrad.functions.shapes import broadcast_to, reshape
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes as levels
from jitgrad.tape import trace
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import cast as recorded_cast
from jitgrad.tape.tensor import identity as copied


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str = "Const") -> Tensor:
    """Return a tensor with the values of Python or NumPy objects, of shape ``shape`` if it is given."""
    if isinstance(value, Operators):
        found = convert(value, dtype)
    else:
        found = from_python(value, None if dtype is None else as_dtype(dtype))
    if shape is None:
        return found
    wanted = sizes(shape)
    array = np.asarray(found.numpy())
    if array.size != 1 and array.size != np.prod(wanted):
        raise ConversionError(f"A tensor of shape {array.shape} cannot become {wanted}. Give as many elements.")
    filled = np.broadcast_to(array.reshape(()), wanted) if array.size == 1 else array.reshape(wanted)
    return wrap_array(filled, found.dtype)


@public()
def convert_to_tensor(
    value: Any, dtype: Any = None, dtype_hint: Any = None, name: str | None = None, preferred_dtype: Any = None
) -> Tensor:
    """Convert ``value`` to a tensor. Tensors of another dtype are rejected."""
    if type(value) is np.ndarray and type(dtype) is DType and dtype.level > levels.INTEGER and value.dtype.kind in "fiu":
        return wrap_array(value, dtype)  # the usual case, in loops
    if dtype is None and isinstance(value, Operators) and not isinstance(value, Tensor):
        return made(copied(value._read()), convert(value)._integer)  # the present value of a Variable
    return convert(value, dtype, preferred_dtype if dtype_hint is None else dtype_hint)


def zeros(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Tensor:
    """Return zeros."""
    return wrap_array(np.zeros(sizes(shape), _computed("zeros", dtype).dtype))


def ones(shape: Any, dtype: Any = dtypes.float32, name: str | None = None, layout: Any = None) -> Tensor:
    """Return a tensor of ones."""
    return wrap_array(np.ones(sizes(shape), _computed("ones", dtype).dtype))


def _computed(name: str, dtype: Any) -> DType:
    found = as_dtype(dtype)
    if found is dtypes.string:
        raise ConversionError(f"tf.{name} does not support strings. Use tf.constant.")
    return found


def fill(dims: Any, value: Any, name: str | None = None, layout: Any = None) -> Tensor:
    """Return a tensor filled with a value."""
    filling = convert(value)
    return made(broadcast_to(filling._read(), sizes(dims)), filling._integer)


@public()
def zeros_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Tensor:
    """Return zeros with the shape and dtype of ``input``."""
    return _filled_like(input, dtype, 0)


@public()
def ones_like(input: Any, dtype: Any = None, name: str | None = None, layout: Any = None) -> Tensor:
    """Return ones with the shape and dtype of ``input``."""
    return _filled_like(input, dtype, 1)


def _filled_like(input: Any, dtype: Any, value: int) -> Tensor:
    x = convert(input)
    wanted = x.dtype if dtype is None else as_dtype(dtype)
    if wanted is x.dtype and x.level > levels.INTEGER:
        return made(full_like(x._read(), value))  # the dtype is unknown within a fit
    return wrap_array(np.full(x._plain_shape, value, wanted.dtype))


def eye(
    num_rows: Any, num_columns: Any = None, batch_shape: Any = None, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """Return identity matrices."""
    columns = integer(num_rows) if num_columns is None else integer(num_columns)
    matrix = np.eye(integer(num_rows), columns, dtype=as_dtype(dtype).dtype)
    return wrap_array(matrix if batch_shape is None else np.broadcast_to(matrix, (*sizes(batch_shape), *matrix.shape)))


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str | None = "range") -> Tensor:
    """Return numbers from ``start`` up to but excluding ``limit``, with step ``delta``; from 0 if there is one argument."""
    if limit is None:
        start, limit = 0, start
    ends = [convert(value) for value in (start, limit, delta)]
    if dtype is None:
        order = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]
        kinds = [end.dtype if end.dtype in order else dtypes.int64 for end in ends]
        dtype = max(kinds, key=order.index)
    kind = as_dtype(dtype)
    first, last, step = (end.numpy().astype(kind.dtype) for end in ends)
    if step == 0:
        raise InvalidArgumentError("Requires delta != 0: tf.range was given 0 [Op:Range]. Give another delta.")
    if kind.is_integer:
        return wrap_array(np.arange(first, last, step), kind)
    count = max(0, int(np.ceil((last - first) / step)))
    return wrap_array(first + np.arange(count).astype(kind.dtype) * step, kind)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None, axis: int = 0) -> Tensor:
    """Return ``num`` evenly spaced numbers from ``start`` to ``stop`` inclusive; for integers, as float64."""
    ends = [convert(value) for value in (start, stop)]
    kind = ends[0].dtype if ends[0].dtype.is_floating else dtypes.float64
    return wrap_array(np.linspace(ends[0].numpy(), ends[1].numpy(), integer(num), axis=axis), kind)


@public()
def cast(x: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Convert ``x`` to another dtype: floats are truncated to integers, and integers wrap around."""
    wanted = as_dtype(dtype)
    tensor = convert(x)
    if tensor.dtype is wanted and tensor.level not in (levels.NUMBER, levels.DATA32, levels.DATA64):
        return tensor
    if isinstance(tensor, Held) or wanted.level < 0:
        return wrap_array(tensor.numpy(), wanted)
    plain = tensor._read()
    if wanted.is_bool:
        return made(ew.not_equal(plain, 0))
    if wanted.is_integer:
        if trace.current() is None:
            with np.errstate(invalid="ignore"):  # TensorFlow converts values that are not finite to the smallest integer
                return wrap_array(np.asarray(tensor.numpy()).astype(wanted.dtype))
        whole = ew.trunc(plain) if plain.level > levels.INTEGER else plain
        return made(wrapped_around(recorded_cast(whole, levels.INTEGER), wanted.dtype), wanted.dtype)
    if plain.level == levels.INTEGER and trace.current() is None:
        return wrap_array(tensor.numpy(), wanted)  # rounded if the float dtype has too few digits
    return made(recorded_cast(plain, wanted.level))


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """Convert like ``cast``, but limit values to the range of the dtype."""
    kind = as_dtype(dtype)
    x = convert(value)
    if not kind.is_integer:
        return cast(x, kind)
    return wrap_array(np.clip(x.numpy(), kind.min, kind.max).astype(kind.dtype), kind)


@public()
def identity(input: Any, name: str | None = None) -> Tensor:
    """Return a tensor with the same value."""
    x = convert(input)
    return x if isinstance(x, Held) else made(copied(x._read()), x._integer)


@public()
def stop_gradient(input: Any, name: str | None = None) -> Tensor:
    """Return the value as a constant, through which no gradient passes."""
    x = convert(input)
    return made(ew.stop_gradient(x._read()), x._integer)


@public()
def shape(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Return the shape as a tensor."""
    return wrap_array(np.array(convert(input)._plain_shape, np.int64), as_dtype(out_type))


def shape_n(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> list[Tensor]:
    """Return the shapes of several tensors."""
    return [shape(x, out_type) for x in input]


@public()
def size(input: Any, out_type: Any = dtypes.int32, name: str | None = None) -> Tensor:
    """Return the number of elements."""
    return wrap_array(np.prod(convert(input)._plain_shape, dtype=np.int64), as_dtype(out_type))


@public()
def rank(input: Any, name: str | None = None) -> Tensor:
    """Return the number of axes."""
    return wrap_array(np.int32(len(convert(input)._plain_shape)))


def is_tensor(x: Any) -> bool:
    """Return whether ``x`` is a tensor or a Variable."""
    return isinstance(x, Operators)


def get_static_value(tensor: Any, partial: bool = False) -> Any:
    """Return the value as an array."""
    return tensor if tensor is None else np.asarray(convert(tensor).numpy())


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """Return ``x``. Raises InvalidArgumentError if it has another shape."""
    tensor = convert(x)
    if not tensor.shape.is_compatible_with(shape):
        raise InvalidArgumentError(
            f"Shape of tensor {tensor.shape} is not compatible with expected shape {TensorShape(shape)} [Op:EnsureShape]."
        )
    return tensor


@named("OneHot")
def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: Any = None, dtype: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """Return a row of ``depth`` elements for each index: ``on_value`` (1) at the index, ``off_value`` (0) elsewhere."""
    given = [convert(value) for value in (on_value, off_value) if value is not None]
    kind = as_dtype(dtype) if dtype is not None else given[0].dtype if given else dtypes.float32
    on, off = 1 if on_value is None else on_value, 0 if off_value is None else off_value
    places = convert(indices)._read()
    at = places.ndim if axis in (None, -1) else axis
    spread = tuple(-1 if i == at else 1 for i in builtins.range(places.ndim + 1))
    lengthened = (*places.shape[:at], 1, *places.shape[at:])
    hits = reshape(places, lengthened) - np.arange(integer(depth)).reshape(spread)
    on_there, off_there = convert(on, kind)._read(), convert(off, kind)._read()
    return made(ew.where(ew.not_equal(hits, 0), off_there, on_there), kind.dtype if kind.is_integer else np.dtype(np.int32))


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = dtypes.bool, name: str | None = None) -> Tensor:
    """Return ``maxlen`` booleans for each length n: n times True, then False. The default ``maxlen`` is the largest length."""
    counts = integers(lengths)
    most = integer(maxlen) if maxlen is not None else int(counts.max(initial=0))
    return wrap_array(np.arange(most) < counts[..., None], as_dtype(dtype))


__all__ = [
    "cast", "constant", "convert_to_tensor", "ensure_shape", "eye", "fill", "get_static_value", "identity", "is_tensor",
    "linspace", "one_hot", "ones", "ones_like", "range", "rank", "saturate_cast", "sequence_mask", "shape", "shape_n", "size",
    "stop_gradient", "zeros", "zeros_like",
]  # fmt: skip
