"""Layers one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import Described, count
from jitgrad.errors import ArgumentError
from jitgrad.layers.layer import Layer, is_unfilled
from jitgrad.models.model import Model
from jitgrad.ops import Shape


class Input(Described):
    """The shape of a row, as the first item of a Sequential, which is then built at once.

    Args:
        shape: without the rows.
        dtype: of the inputs; by default what the first layer takes.
    """

    def __init__(self, shape: Sequence[int], dtype: Any = None) -> None:
        self.shape: Shape = tuple(count("a size of an Input", n, 0) for n in shape)
        self.dtype = None if dtype is None else np.dtype(dtype)


class Sequential(Model):
    """Layers one after the other.

    Args:
        layers: layers, after an Input, or the first with ``input_shape``, if shapes should be known before the first call.
        name, dtype, trainable: as every layer's.

    Example:
        >>> model = Sequential([Input((28, 28)), Flatten(), Dense(128, "relu"), Dense(10, "softmax")])
        >>> model.count_params()
        101770
    """

    def __init__(self, layers: Iterable[Any] = (), **common: Any) -> None:
        super().__init__(**common)
        self._stack: list[Layer] = []
        self._input: Input | None = None
        self._listed: list[Any] = []
        if "layers" in self.arguments or type(self) is Sequential:
            self.arguments["layers"] = self._listed
        for layer in layers:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer at the end. Raises ArgumentError for what is none, or whose name is taken."""
        if isinstance(layer, Layer) and layer.declared_shape is not None and not self._stack and self._input is None:
            self._input = Input(layer.declared_shape)
        if isinstance(layer, Input):
            if self._stack or self._input is not None:
                raise ArgumentError(f"Model {self.name!r} has layers already. Put the Input first.")
            self._input = layer
        elif not isinstance(layer, Layer):
            raise ArgumentError(f"Model {self.name!r} is given {layer!r}, which is no layer. Use Activation for a function.")
        elif any(layer.name == other.name for other in self._stack):
            raise ArgumentError(f"Model {self.name!r} has a layer {layer.name!r} already. Choose another name.")
        else:
            self._stack.append(layer)
            self.built, self.output_shape, self.example = False, None, None
        self._listed.append(layer)
        if self._stack and self._input is not None and not is_unfilled():
            self(np.zeros((1, *self._input.shape), self.input_dtype))

    @property
    def input_dtype(self) -> np.dtype[Any]:
        if self._input is not None and self._input.dtype is not None:
            return self._input.dtype
        return self._stack[0].input_dtype if self._stack else self.dtype

    def call(self, x: Any, training: bool = False) -> Any:
        for layer in self._stack:
            x = layer(x, training=training)
        return x
