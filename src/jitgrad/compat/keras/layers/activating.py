"""Activations as layers."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras import activations
from jitgrad.compat.keras.layers.core import weight_options
from jitgrad.compat.keras.layers.layer import Layer


class Activation(Layer, library.Activation):
    """An activation as a layer."""

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(activations.plain(activation), **kwargs)


class ReLU(Layer, library.ReLU):
    """Return ``min(x, max_value)`` from ``threshold`` on, and ``negative_slope * (x - threshold)`` below it."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(max_value, negative_slope, threshold, **kwargs)


class LeakyReLU(Layer, library.LeakyReLU):
    """Return x if it is positive, otherwise ``negative_slope`` times x; Keras 2 named the slope alpha."""

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        super().__init__(kwargs.pop("alpha", negative_slope), **kwargs)


class ELU(Layer, library.ELU):
    """Return x if it is positive, otherwise ``alpha * (exp(x) - 1)``."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(alpha, **kwargs)


class PReLU(Layer, library.PReLU):
    """Return x if it is positive, otherwise a weight times x."""

    def __init__(
        self, alpha_initializer: Any = "Zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
        shared_axes: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        options = weight_options(alpha_initializer, alpha_regularizer, alpha_constraint)
        super().__init__(*options, shared_axes, **kwargs)


class Softmax(Layer, library.Softmax):
    """Compute the softmax along an axis."""

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)
