"""Activations as layers of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.arguments import nonnegative
from jitgrad.functions.softmax import softmax
from jitgrad.layers import activations
from jitgrad.layers.layer import Layer
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import minimum, relu, where
from jitgrad.tape.tensor import Tensor


class Activation(Layer):
    """An activation as a layer of its own."""

    def __init__(self, activation: Any, **common: Any) -> None:
        super().__init__(**common)
        self.activation = activations.get(activation)

    def call(self, x: Any) -> Any:
        return self.activation(x)


class ReLU(Layer):
    """x from ``threshold`` on, but at most ``max_value``; below it, ``negative_slope·(x - threshold)``."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **common: Any
    ) -> None:
        super().__init__(**common)
        self.max_value = None if max_value is None else nonnegative("max_value", max_value)
        self.negative_slope = nonnegative("negative_slope", negative_slope)
        self.threshold = nonnegative("threshold", threshold)

    def call(self, x: Tensor) -> Tensor:
        if self.threshold == 0 == self.negative_slope:
            y = relu(x)
        else:
            y = where(x >= self.threshold, x, self.negative_slope * (x - self.threshold))
        return y if self.max_value is None else minimum(y, self.max_value)


class LeakyReLU(Layer):
    """x where it is positive, else ``negative_slope·x``. Maas, Hannun and Ng, "Rectifier nonlinearities improve …", 2013."""

    def __init__(self, negative_slope: float = 0.3, **common: Any) -> None:
        super().__init__(**common)
        self.negative_slope = nonnegative("negative_slope", negative_slope)

    def call(self, x: Tensor) -> Tensor:
        return activations.leaky_relu(x, self.negative_slope)


class ELU(Layer):
    """x where it is positive, else ``alpha·(exp(x) - 1)``, see ``activations.elu``."""

    def __init__(self, alpha: float = 1.0, **common: Any) -> None:
        super().__init__(**common)
        self.alpha = float(alpha)

    def call(self, x: Tensor) -> Tensor:
        return activations.elu(x, self.alpha)


class PReLU(Layer):
    """x where it is positive, else ``alpha·x`` with an alpha for each element of a row that is fitted.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015. Along ``shared_axes``, counted from 1, there is one alpha.
    """

    def __init__(
        self, alpha_initializer: Any = "zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
        shared_axes: Sequence[int] | None = None, **common: Any,
    ) -> None:  # fmt: skip
        super().__init__(**common)
        self.shared_axes = tuple(shared_axes or ())
        self._bias = {"initializer": alpha_initializer, "regularizer": alpha_regularizer, "constraint": alpha_constraint}

    def build(self, input_shape: Shape) -> None:
        shape = tuple(1 if n in self.shared_axes else size for n, size in enumerate(input_shape[1:], 1))
        self.alpha = self.add_weight("alpha", shape, **self._bias)

    def call(self, x: Tensor) -> Tensor:
        made: Tensor = where(x > 0, x, self.alpha * x)
        return made


class Softmax(Layer):
    """The softmax along ``axis``, or along several together."""

    def __init__(self, axis: int | Sequence[int] = -1, **common: Any) -> None:
        super().__init__(**common)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def call(self, x: Tensor) -> Tensor:
        return softmax(x, self.axis)
