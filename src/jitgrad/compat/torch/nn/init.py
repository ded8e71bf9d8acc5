"""``torch.nn.init``: initialize tensors in place."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.grad_mode import no_grad
from jitgrad.compat.torch.random import Generator, numpy_generator
from jitgrad.compat.torch.tensor import Tensor, leaf_of
from jitgrad.errors import ArgumentError, ShapeError, users_level
from jitgrad.layers import initializers


def _filled(tensor: Tensor, values: Any) -> Tensor:
    """Assign new values to the tensor and return it."""
    if not tensor.is_floating_point() and (values != np.trunc(values)).any():
        raise TorchError(f"A tensor of {tensor.dtype} cannot store fractions. Give a tensor of floats.")
    with no_grad():
        tensor._become(leaf_of(values, tensor.dtype))
    return tensor


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniformly distributed numbers from ``a`` to ``b``."""
    unit = numpy_generator(generator).random(tensor.shape, np.float64 if tensor.numpy_dtype.itemsize == 8 else np.float32)
    return _filled(tensor, unit * unit.dtype.type(b - a) + unit.dtype.type(a))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normally distributed numbers with the given mean and standard deviation."""
    return _filled(tensor, numpy_generator(generator).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Generator | None = None
) -> Tensor:
    """Fill with normally distributed numbers, redrawing values outside the range from ``a`` to ``b``."""
    draw = numpy_generator(generator)
    values = draw.normal(mean, std, tensor.shape)
    if not a < b or b < mean - 6 * std or a > mean + 6 * std:
        raise ArgumentError(
            f"trunc_normal_: the interval from {a} to {b} contains almost no values. Give bounds that are near the mean."
        )
    while (outside := (values < a) | (values > b)).any():
        values = np.where(outside, draw.normal(mean, std, tensor.shape), values)
    return _filled(tensor, values)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``."""
    return _filled(tensor, np.full(tensor.shape, val))


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill with ones on the diagonal and zeros elsewhere."""
    if tensor.ndim != 2:
        raise ShapeError(f"Only tensors with 2 dimensions are supported, and this has {tensor.ndim}. Give a matrix.")
    return _filled(tensor, np.eye(*tensor.shape))


_GAINS = {"linear": 1.0, "sigmoid": 1.0, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the recommended gain for an activation."""
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in _GAINS:
        raise ArgumentError(f"Unsupported nonlinearity {nonlinearity}. Give one of leaky_relu, {', '.join(_GAINS)}.")
    return _GAINS[nonlinearity]


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of a weight of shape (out, in, …)."""
    if tensor.ndim < 2:
        raise ShapeError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, and this has {tensor.ndim}. "
            f"Use uniform_ or normal_."
        )
    around = math.prod(tensor.shape[2:])
    return tensor.shape[1] * around, tensor.shape[0] * around


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with uniformly distributed numbers of variance gain²·2/(in + out)."""
    limit = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -limit, limit, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normally distributed numbers of variance gain²·2/(in + out)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    modes = ("fan_in", "fan_out")
    if mode not in modes:
        raise ArgumentError(f"Mode {mode} not supported. Use one of {', '.join(modes)}.")
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_fan_in_and_fan_out(tensor)[modes.index(mode)])


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Generator | None = None
) -> Tensor:
    """Fill with uniformly distributed numbers of variance gain²/in."""
    if not tensor.numel():
        return _empty(tensor)
    limit = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -limit, limit, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Generator | None = None
) -> Tensor:
    """Fill with normally distributed numbers of variance gain²/in."""
    if not tensor.numel():
        return _empty(tensor)
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _empty(tensor: Tensor) -> Tensor:
    warnings.warn("Initializing zero-element tensors is a no-op", UserWarning, stacklevel=users_level())
    return tensor


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with orthonormal rows or columns, whichever are fewer, times ``gain``."""
    if tensor.ndim < 2:
        raise ShapeError(f"Only tensors with 2 or more dimensions are supported, and this has {tensor.ndim}. Give a matrix.")
    rows = tensor.shape[0]
    values = initializers.orthogonal((math.prod(tensor.shape[1:]), rows), numpy_generator(generator), gain)
    return _filled(tensor, values.T.reshape(tensor.shape))


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill with normally distributed numbers, and set a fraction of each column to zero."""
    if tensor.ndim != 2:
        raise ShapeError(f"Only tensors with 2 dimensions are supported, and this has {tensor.ndim}. Give a matrix.")
    draw = numpy_generator(generator)
    values = draw.normal(0.0, std, tensor.shape)
    for column in range(tensor.shape[1]):
        values[draw.permutation(tensor.shape[0])[: math.ceil(sparsity * tensor.shape[0])], column] = 0
    return _filled(tensor, values)


__all__ = [
    "calculate_gain",
    "constant_",
    "eye_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "sparse_",
    "trunc_normal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]

__getattr__ = missing("torch.nn.init", __all__, {"dirac_": "It is for convolutions, which jitgrad does not have."})
