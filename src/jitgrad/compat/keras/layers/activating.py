"""Activations as layers."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras import activations
from jitgrad.compat.keras.layers.core import weight_options
from jitgrad.compat.keras.layers.layer import Layer


class Activation(Layer, library.Activation):
    """A layer that applies an activation."""

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(activations.plain(activation), **kwargs)


class ReLU(Layer, library.ReLU):
    """x above ``threshold``, limited to ``max_value``; below, ``negative_slope`` times the distance to it."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(max_value, negative_slope, threshold, **kwargs)


class LeakyReLU(Layer, library.LeakyReLU):
    """x if it is positive, else ``negative_slope`` times x. Keras 2 called the slope alpha."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(kwargs.pop("alpha", negative_slope), **kwargs)


class ELU(Layer, library.ELU):
    """x if it is positive, else ``alpha * (exp(x) - 1)``."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(alpha, **kwargs)


class PReLU(Layer, library.PReLU):
    """x if it is positive, else a weight times x."""

    def __init__(
        self, alpha_initializer: Any = "Zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
        shared_axes: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        options = weight_options(alpha_initializer, alpha_regularizer, alpha_constraint)
        super().__init__(*options, shared_axes, **kwargs)


class Softmax(Layer, library.Softmax):
    """The softmax along an axis."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)
