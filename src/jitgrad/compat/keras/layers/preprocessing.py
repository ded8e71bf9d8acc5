"""Layers that preprocess tabular data."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.errors import ArgumentError


class Rescaling(Layer, library.Rescaling):
    """Compute ``inputs * scale + offset``."""

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(scale, offset, **kwargs)


class Discretization(Layer, library.Discretization):
    """Replace each element by the index of its bin."""

    def __init__(
        self, bin_boundaries: Any = None, num_bins: int | None = None, epsilon: float = 0.01, output_mode: str = "int",
        sparse: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        if bin_boundaries is None or num_bins is not None or output_mode != "int" or sparse:
            raise ArgumentError(
                "Discretization: only bin_boundaries and output_mode 'int' are supported. Leave out the other arguments."
            )
        super().__init__(bin_boundaries, **kwargs)


class CategoryEncoding(Layer, library.CategoryEncoding):
    """Encode integers below ``num_tokens`` as one-hot, multi-hot or count vectors."""

    def __init__(
        self, num_tokens: int | None = None, output_mode: str = "multi_hot", sparse: bool = False, **kwargs: Any
    ) -> None:
        if num_tokens is None or sparse:
            raise ArgumentError(
                "CategoryEncoding: num_tokens is missing, or sparse is set. Give the number of integers, without sparse."
            )
        super().__init__(num_tokens, output_mode, **kwargs)
