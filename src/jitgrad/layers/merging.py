"""Layers of several inputs, which come in a list."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.errors import ArgumentError
from jitgrad.functions.einsum import einsum
from jitgrad.functions.joining import concatenate
from jitgrad.functions.products import dot
from jitgrad.functions.reductions import sum
from jitgrad.layers.layer import Layer
from jitgrad.ops.elementwise import maximum, minimum, sqrt, square
from jitgrad.ops.elementwise import multiply as multiply_op
from jitgrad.tape.tensor import Tensor, as_tensor


class Concatenate(Layer):
    """Several inputs, one after the other along ``axis``."""

    def __init__(self, axis: int = -1, **common: Any) -> None:
        super().__init__(**common)
        self.axis = axis

    def call(self, xs: Sequence[Any]) -> Tensor:
        return concatenate(xs, self.axis)


class _Merge(Layer):
    """One after the other put together by a function of two."""

    merge: Callable[[Any, Any], Any]

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)

    def call(self, xs: Sequence[Any]) -> Tensor:
        if not isinstance(xs, (list, tuple)):
            raise ArgumentError(f"Layer {self.name!r} takes several inputs and gets one. Give a list of them.")
        return as_tensor(functools.reduce(type(self).merge, xs))


class Add(_Merge):
    """The sum of several inputs."""

    merge = staticmethod(lambda x, y: x + y)


class Subtract(_Merge):
    """The first input less the second."""

    merge = staticmethod(lambda x, y: x - y)

    def call(self, xs: Sequence[Any]) -> Tensor:
        if len(xs) != 2:
            raise ArgumentError(f"Layer {self.name!r} takes two inputs and gets {len(xs)}. Give two.")
        return super().call(xs)


class Multiply(_Merge):
    """The product of several inputs, element by element."""

    merge = multiply_op


class Average(Add):
    """The mean of several inputs, element by element."""

    def call(self, xs: Sequence[Any]) -> Tensor:
        return super().call(xs) / len(xs)


class Maximum(_Merge):
    """The largest of several inputs, element by element."""

    merge = maximum


class Minimum(_Merge):
    """The smallest of several inputs, element by element."""

    merge = minimum


class Dot(_Merge):
    """The products of two inputs, (rows, …), summed along an axis of each; of vectors a number a row, (rows, 1).

    Args:
        axes: the axis to sum along, counted with the rows, or a pair for both inputs.
        normalize: whether both have norm 1 along it first, so that the result is a cosine.
    """

    merge = staticmethod(dot)

    def __init__(self, axes: int | tuple[int, int], normalize: bool = False, **common: Any) -> None:
        super().__init__(**common)
        self.axes = (axes, axes) if isinstance(axes, int) else tuple(axes)
        self.normalize = normalize

    def call(self, xs: Sequence[Any]) -> Tensor:
        if len(xs) != 2:
            raise ArgumentError(f"Layer {self.name!r} takes two inputs and gets {len(xs)}. Give two.")
        x, y = (as_tensor(x) for x in xs)
        a, b = (axis % t.ndim for axis, t in zip(self.axes, (x, y), strict=True))
        if a == 0 or b == 0:
            raise ArgumentError(f"Layer {self.name!r}: axis 0 is that of the rows. Sum along another one.")
        if self.normalize:
            x, y = (t / sqrt(maximum(sum(square(t), n, keepdims=True), 1e-12)) for t, n in ((x, a), (y, b)))
        left = "a" + "".join("z" if n == a else chr(ord("b") + n) for n in range(1, x.ndim))
        right = "a" + "".join("z" if n == b else chr(ord("m") + n) for n in range(1, y.ndim))
        kept = (left + right[1:]).replace("z", "")
        made: Tensor = einsum(f"{left},{right}->{kept}", x, y)
        return made[:, None] if made.ndim == 1 else made
