"""Layers with several inputs in a list, and the corresponding functions (``keras.layers.add([a, b])``)."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.layers.layer import Layer


class Add(Layer, library.Add):
    """Add several inputs."""


class Subtract(Layer, library.Subtract):
    """Subtract the second input from the first."""


class Multiply(Layer, library.Multiply):
    """Multiply several inputs."""


class Average(Layer, library.Average):
    """Average several inputs."""


class Maximum(Layer, library.Maximum):
    """Take the elementwise maximum of several inputs."""


class Minimum(Layer, library.Minimum):
    """Take the elementwise minimum of several inputs."""


class Concatenate(Layer, library.Concatenate):
    """Concatenate several inputs along ``axis``."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)


class Dot(Layer, library.Dot):
    """Compute the dot products of two inputs along ``axes``."""

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(axes, normalize, **kwargs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Concatenate several inputs along ``axis``."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Compute the dot products of two inputs along ``axes``."""
    return Dot(axes, **kwargs)(inputs)


def add(inputs: Any, **kwargs: Any) -> Any:
    """Add several inputs."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Subtract the second input from the first."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Multiply several inputs."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Average several inputs."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Take the elementwise maximum of several inputs."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Take the elementwise minimum of several inputs."""
    return Minimum(**kwargs)(inputs)
