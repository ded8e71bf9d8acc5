"""Layers that make inputs of data: other units, bins, columns of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, DataError
from jitgrad.functions.extremes import max
from jitgrad.functions.reductions import sum
from jitgrad.functions.sampled import searchsorted
from jitgrad.functions.shapes import expand_dims
from jitgrad.layers.layer import Layer
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import equal, where
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import checked


class Rescaling(Layer):
    """``x·scale + offset``: 1/255 makes bytes numbers from 0 to 1."""

    def __init__(self, scale: Any, offset: Any = 0.0, **common: Any) -> None:
        super().__init__(**common)
        self.scale, self.offset = (np.asarray(x, self.dtype) if np.ndim(x) else float(x) for x in (scale, offset))

    def call(self, x: Any) -> Tensor:
        return as_tensor(x) * self.scale + self.offset


class Discretization(Layer):
    """The number of the bin that each element is in, int64: how many of ``bin_boundaries``, in order, are not above it."""

    def __init__(self, bin_boundaries: Sequence[float], **common: Any) -> None:
        super().__init__(**common)
        self.bin_boundaries = [float(b) for b in bin_boundaries]
        if not self.bin_boundaries or self.bin_boundaries != sorted(self.bin_boundaries):
            raise ArgumentError(f"bin_boundaries are {self.bin_boundaries}. Give numbers in order.")

    def call(self, x: Tensor) -> Tensor:
        return searchsorted(np.array(self.bin_boundaries, x.dtype), x, "right")


class CategoryEncoding(Layer):
    """Integers from 0 on and below ``num_tokens`` as columns.

    Args:
        num_tokens: how many columns.
        output_mode: "one_hot": a row of columns for each integer, (…,) or (…, 1) to (…, num_tokens). "multi_hot": one for each
            row of integers, with 1 for those that occur; "count": with how often they do.
    """

    def __init__(self, num_tokens: int, output_mode: str = "multi_hot", **common: Any) -> None:
        super().__init__(**common)
        self.num_tokens, self.output_mode = count("num_tokens", num_tokens), output_mode
        if output_mode not in ("one_hot", "multi_hot", "count"):
            raise ArgumentError(f"output_mode is {output_mode!r}. Use 'one_hot', 'multi_hot' or 'count'.")

    @property
    def input_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int64)

    def fits(self, shape: Shape) -> bool:
        return True

    def call(self, x: Tensor) -> Tensor:
        if not checked(x, self._check, f"The input of layer {self.name!r}"):
            x = where((x >= 0) & (x < self.num_tokens), x, np.nan)
        hot = (equal(expand_dims(x, -1), np.arange(self.num_tokens)) * 1.0).astype(self.dtype)
        if self.output_mode == "one_hot" or x.ndim < 2:
            return hot[..., 0, :] if x.ndim > 1 and x.shape[-1] == 1 else hot
        return sum(hot, -2) if self.output_mode == "count" else max(hot, -2)

    def _check(self, name: str, places: np.ndarray) -> None:
        found = np.argwhere((places < 0) | (places >= self.num_tokens))
        if len(found):
            raise DataError(
                f"{name} has {places[tuple(found[0])]}, and CategoryEncoding {self.name!r} has columns for 0 to "
                f"{self.num_tokens - 1}. Correct it, or make num_tokens larger."
            )
