"""``keras.ops``: Keras's names for TensorFlow's functions."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from jitgrad.compat.keras import activations
from jitgrad.compat.keras.border import dtype_name, values_of
from jitgrad.compat.keras.symbol import is_keras_tensor
from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import constants, elementwise, indices, linalg, nn, operators, reductions, shapes
from jitgrad.tape.operators import Operators

add, subtract, multiply, matmul, power = operators.add, operators.subtract, operators.multiply, operators.matmul, operators.pow
divide = true_divide = elementwise.truediv
equal, not_equal, greater, less = operators.equal, operators.not_equal, operators.greater, operators.less
greater_equal, less_equal = operators.greater_equal, operators.less_equal
abs = absolute = elementwise.abs
exp, expm1, log, log1p, sqrt, square = (
    elementwise.exp, elementwise.expm1, elementwise.log, elementwise.log1p, elementwise.sqrt, elementwise.square,
)  # fmt: skip
rsqrt, sign, negative, reciprocal = elementwise.rsqrt, elementwise.sign, elementwise.negative, elementwise.reciprocal
sin, cos, tan, sinh, cosh = elementwise.sin, elementwise.cos, elementwise.tan, elementwise.sinh, elementwise.cosh
arcsin, arccos, arctan = elementwise.asin, elementwise.acos, elementwise.atan
floor, ceil, round, erf = elementwise.floor, elementwise.ceil, elementwise.round, elementwise.erf
maximum, minimum, where, clip = elementwise.maximum, elementwise.minimum, elementwise.where, elementwise.clip_by_value
logical_and, logical_or, logical_not = elementwise.logical_and, elementwise.logical_or, elementwise.logical_not
isfinite, isinf, isnan = elementwise.is_finite, elementwise.is_inf, elementwise.is_nan
sum, mean, prod, max, min = (
    reductions.reduce_sum, reductions.reduce_mean, reductions.reduce_prod, reductions.reduce_max, reductions.reduce_min,
)  # fmt: skip
any, all, std, var = reductions.reduce_any, reductions.reduce_all, reductions.reduce_std, reductions.reduce_variance
argmax, argmin, cumsum, cumprod = reductions.argmax, reductions.argmin, reductions.cumsum, reductions.cumprod
logsumexp, count_nonzero = reductions.reduce_logsumexp, reductions.count_nonzero
reshape, expand_dims, squeeze, transpose, stack = (
    shapes.reshape, shapes.expand_dims, shapes.squeeze, shapes.transpose, shapes.stack,
)  # fmt: skip
broadcast_to, pad, repeat, roll, sort, argsort, tile = (
    shapes.broadcast_to, shapes.pad, shapes.repeat, shapes.roll, shapes.sort, shapes.argsort, shapes.tile,
)  # fmt: skip
unstack, meshgrid = shapes.unstack, shapes.meshgrid
zeros_like, ones_like, eye, linspace, stop_gradient = (
    constants.zeros_like, constants.ones_like, constants.eye, constants.linspace, constants.stop_gradient,
)  # fmt: skip
arange, cast, ndim, size, identity = constants.range, constants.cast, constants.rank, constants.size, constants.identity
norm, inv, det, solve, qr, cholesky, einsum, trace, tensordot = (
    linalg.norm, linalg.inv, linalg.det, linalg.solve, linalg.qr, linalg.cholesky, linalg.einsum, linalg.trace,
    linalg.tensordot,
)  # fmt: skip
moments, top_k = nn.moments, nn.top_k
sigmoid, tanh, relu, relu6, elu, selu, gelu, silu, swish = (
    activations.sigmoid, activations.tanh, activations.relu, activations.relu6, activations.elu, activations.selu,
    activations.gelu, activations.silu, activations.swish,
)  # fmt: skip
softmax, log_softmax, softplus, softsign, leaky_relu, log_sigmoid, hard_sigmoid = (
    activations.softmax, activations.log_softmax, activations.softplus, activations.softsign, activations.leaky_relu,
    activations.log_sigmoid, activations.hard_sigmoid,
)  # fmt: skip


def concatenate(xs: Any, axis: int = 0) -> Any:
    """Concatenate tensors along an axis."""
    return shapes.concat(xs, axis)


def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Split a tensor along an axis, into equal parts or at the given indices."""
    if isinstance(indices_or_sections, int):
        return shapes.split(x, indices_or_sections, axis)
    ends = [0, *indices_or_sections, x.shape[axis]]
    return shapes.split(x, [end - start for start, end in itertools.pairwise(ends)], axis)


def take(x: Any, indices_: Any, axis: int | None = None) -> Any:
    """Take elements of a tensor along an axis; by default, take them from the flattened tensor."""
    return indices.gather(reshape(x, (-1,)) if axis is None else x, indices_, axis=axis or 0)


def dot(x1: Any, x2: Any) -> Any:
    """Multiply two matrices or vectors."""
    return tensordot(x1, x2, 1)


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Any:
    """One-hot encode classes."""
    return constants.one_hot(x, num_classes, axis=axis, dtype=dtype_name(dtype))


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Return zeros."""
    return constants.zeros(shape, dtype_name(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Return ones."""
    return constants.ones(shape, dtype_name(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return a tensor filled with a value."""
    return constants.cast(constants.fill(shape, fill_value), dtype_name(dtype))


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None) -> Any:
    """Convert a value to a tensor."""
    made = constants.convert_to_tensor(x)
    return made if dtype is None else constants.cast(made, dtype_name(dtype))


def convert_to_numpy(x: Any) -> np.ndarray:
    """Return the value of a tensor as an array."""
    return np.asarray(values_of(x))


def shape(x: Any) -> tuple[Any, ...]:
    """Return the shape of a tensor."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def is_tensor(x: Any) -> bool:
    """Return whether ``x`` is a tensor or a symbol of the functional API."""
    return isinstance(x, Operators) or is_keras_tensor(x)


_OTHERS = ("Any", "dtype_name", "values_of", "is_keras_tensor", "missing", "Operators")
__all__ = [name for name, value in list(globals().items()) if name[0] != "_" and callable(value) and name not in _OTHERS]
_CONVOLUTION = "It is a convolution, and jitgrad is for tables. Use Dense layers on features."
_REASONS = dict.fromkeys(
    ["conv", "conv_transpose", "depthwise_conv", "separable_conv", "max_pool", "average_pool"], _CONVOLUTION
)
__getattr__ = missing("keras.ops", __all__, _REASONS)
