"""Methods that change a tensor in place: those whose names end with ``_``, and operators such as ``+=``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.torch import indexing, pointwise, shapes
from jitgrad.compat.torch.conversions import convert, converted
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.random import Generator, numpy_generator
from jitgrad.compat.torch.tensor import Tensor, leaf_of
from jitgrad.functions.shapes import broadcast_to
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.variable import Variable


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Make an in-place method from a function. The result must have the same shape, and integers the same dtype."""
    name = function.__name__

    def method(self: Tensor, *args: Any, **options: Any) -> Tensor:
        made = function(self, *args, **options)
        held, new = self._tensor, made._tensor._read()
        if new.shape != held.shape:
            raise TorchError(
                f"output with shape {list(held.shape)} doesn't match the broadcast shape {list(new.shape)}. "
                f"Use {name}() and keep its result."
            )
        if new.level != held.level:
            if min(new.level, 2) > min(held.level, 2):
                raise TorchError(
                    f"result type {made.dtype.title} can't be cast to the desired output type {self.dtype.title}. "
                    f"Convert the tensor first."
                )
            new = converted(new, self.dtype)
        self._become(new, made._name)
        return self

    method.__name__ = method.__qualname__ = f"{name}_"
    method.__doc__ = f"As ``{name}``, in place; returns self."
    return method


def copy_(self: Tensor, src: Tensor, non_blocking: bool = False) -> Tensor:
    """Copy the values of another tensor, in this tensor's dtype."""
    new = cast_to(src, self)
    shape = self._tensor.shape
    if new.shape != shape:
        if len(new.shape) > len(shape) or any(n not in (1, m) for n, m in zip(new.shape[::-1], shape[::-1], strict=False)):
            raise TorchError(
                f"The size of tensor a {list(shape)} must match the size of tensor b {list(new.shape)}. "
                f"Give a tensor of that shape."
            )
        new = broadcast_to(new, shape)
    self._become(new, "CopyBackwards")
    return self


def cast_to(src: Tensor, like: Tensor) -> Plain:
    """Return the value of a tensor in the dtype of another tensor."""
    held: Plain = convert(src, like.dtype)._tensor._read()
    return held


def fill_(self: Tensor, value: Any) -> Tensor:
    """Fill with one value."""
    number = value.item() if isinstance(value, Tensor) else value
    return _filled(self, np.full(self._tensor.shape, number))


def zero_(self: Tensor) -> Tensor:
    """Fill with zeros."""
    return _filled(self, np.zeros(self._tensor.shape))


def _filled(self: Tensor, values: np.ndarray) -> Tensor:
    self._become(leaf_of(values, self.dtype))
    return self


def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with normally distributed numbers."""
    return _filled(self, mean + std * numpy_generator(generator).standard_normal(self._tensor.shape))


def uniform_(self: Tensor, a: float = 0, b: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with uniform numbers from ``a`` (inclusive) to ``b`` (exclusive)."""
    return _filled(self, a + (b - a) * numpy_generator(generator).random(self._tensor.shape))


def bernoulli_(self: Tensor, p: float = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fill with ones with probability ``p``, else zeros."""
    return _filled(self, numpy_generator(generator).random(self._tensor.shape) < p)


def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fill with exponentially distributed numbers."""
    return _filled(self, numpy_generator(generator).exponential(1 / lambd, self._tensor.shape))


def random_(self: Tensor, low: int = 0, high: int | None = None, *, generator: Generator | None = None) -> Tensor:
    """Fill with integers from ``low`` (inclusive) to ``high`` (exclusive); by default the range of the dtype."""
    top = high if high is not None else 2**24 if self.dtype.is_floating_point else int(np.iinfo(self._integer).max)
    return _filled(self, numpy_generator(generator).integers(low, top, self._tensor.shape))


def detach_(self: Tensor) -> Tensor:
    """Detach the tensor from the graph, so that it becomes a leaf."""
    if not isinstance(self._tensor, Variable):
        self._tensor = self.detach()._tensor
    return self


def set_of_shape(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Make an in-place method from a function that changes the shape."""

    def method(self: Tensor, *args: Any) -> Tensor:
        self._tensor = function(self, *args)._tensor
        return self

    method.__name__ = f"{function.__name__}_"
    method.__doc__ = f"As ``{function.__name__}``, in place; returns self."
    return method


_FUNCTIONS = [
    pointwise.add, pointwise.sub, pointwise.mul, pointwise.div, pointwise.pow, pointwise.remainder, pointwise.floor_divide,
    pointwise.clamp, pointwise.abs, pointwise.neg, pointwise.exp, pointwise.log, pointwise.log1p, pointwise.sqrt,
    pointwise.rsqrt, pointwise.square, pointwise.sin, pointwise.cos, pointwise.tan, pointwise.tanh, pointwise.sigmoid,
    pointwise.relu, pointwise.floor, pointwise.ceil, pointwise.round, pointwise.trunc, pointwise.sign, pointwise.reciprocal,
    pointwise.lerp, pointwise.addcmul, pointwise.addcdiv, pointwise.nan_to_num, pointwise.logical_not, pointwise.eq,
    pointwise.lt, pointwise.le, pointwise.gt, pointwise.ge, pointwise.ne, pointwise.fmod, pointwise.expm1, pointwise.erf,
    indexing.masked_fill, indexing.scatter, indexing.scatter_add, indexing.index_add, indexing.index_fill, indexing.index_copy,
    shapes.tril, shapes.triu,
]  # fmt: skip
for _function in _FUNCTIONS:
    setattr(Tensor, f"{_function.__name__}_", _in_place(_function))
IN_PLACE = {f"{f.__name__}_": getattr(Tensor, f"{f.__name__}_") for f in _FUNCTIONS}
"""The in-place methods, under PyTorch's names."""
for _method in (copy_, fill_, zero_, normal_, uniform_, bernoulli_, exponential_, random_, detach_):
    setattr(Tensor, _method.__name__, _method)
for _function in (shapes.squeeze, shapes.unsqueeze, shapes.t, shapes.transpose):
    setattr(Tensor, f"{_function.__name__}_", set_of_shape(_function))
for _name, _function in {
    "add": pointwise.add, "sub": pointwise.sub, "mul": pointwise.mul, "truediv": pointwise.div, "pow": pointwise.pow,
    "mod": pointwise.remainder, "floordiv": pointwise.floor_divide, "and": pointwise.bitwise_and, "or": pointwise.bitwise_or,
    "xor": pointwise.bitwise_xor,
}.items():  # fmt: skip
    setattr(Tensor, f"__i{_name}__", _in_place(_function))
Tensor.clip_ = Tensor.clamp_  # type: ignore[attr-defined]
abs_, ceil_, clamp_, cos_, erf_ = (IN_PLACE[name] for name in ("abs_", "ceil_", "clamp_", "cos_", "erf_"))
exp_, expm1_, floor_, log_, log1p_ = (IN_PLACE[name] for name in ("exp_", "expm1_", "floor_", "log_", "log1p_"))
neg_, reciprocal_, round_, rsqrt_ = (IN_PLACE[name] for name in ("neg_", "reciprocal_", "round_", "rsqrt_"))
sigmoid_, sin_, sqrt_, square_ = (IN_PLACE[name] for name in ("sigmoid_", "sin_", "sqrt_", "square_"))
tan_, tanh_, trunc_ = (IN_PLACE[name] for name in ("tan_", "tanh_", "trunc_"))
