"""Layers that put each row's elements in another shape, or many steps of a row together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError
from jitgrad.functions.extremes import max
from jitgrad.functions.rearranging import repeat
from jitgrad.functions.reductions import mean
from jitgrad.functions.shapes import expand_dims, reshape, transpose
from jitgrad.layers.layer import Layer
from jitgrad.tape.tensor import Tensor


class Flatten(Layer):
    """Each row's elements along one axis."""

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)

    def call(self, x: Tensor) -> Tensor:
        return reshape(x, (x.shape[0], math.prod(x.shape[1:])))


class Reshape(Layer):
    """Each row's elements in another shape; -1 for at most one axis."""

    def __init__(self, target_shape: Sequence[int], **common: Any) -> None:
        super().__init__(**common)
        self.target_shape = tuple(target_shape)

    def call(self, x: Tensor) -> Tensor:
        known = math.prod(n for n in self.target_shape if n != -1)
        rest = math.prod(x.shape[1:]) // known if known else 0
        return reshape(x, (x.shape[0], *(rest if n == -1 else n for n in self.target_shape)))


class Permute(Layer):
    """Each row's axes in another order, counted from 1."""

    def __init__(self, dims: Sequence[int], **common: Any) -> None:
        super().__init__(**common)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(f"dims is {self.dims}. Give the axes of a row in their new order, counted from 1, as (2, 1).")

    def call(self, x: Tensor) -> Tensor:
        return transpose(x, (0, *self.dims))


class RepeatVector(Layer):
    """Each row's vector ``n`` times: shape (rows, features) to (rows, n, features)."""

    def __init__(self, n: int, **common: Any) -> None:
        super().__init__(**common)
        self.n = count("n", n)

    def call(self, x: Tensor) -> Tensor:
        return repeat(expand_dims(x, 1), self.n, 1)


class GlobalAveragePooling1D(Layer):
    """The mean over the steps of each row: shape (rows, steps, features) to (rows, features)."""

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)

    def call(self, x: Tensor) -> Tensor:
        return mean(x, 1)


class GlobalMaxPooling1D(GlobalAveragePooling1D):
    """The largest over the steps of each row."""

    def call(self, x: Tensor) -> Tensor:
        return max(x, 1)
