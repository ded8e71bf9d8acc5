"""Layers of several inputs, in a list, and their functions (``keras.layers.add([a, b])``)."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.layers.layer import Layer


class Add(Layer, library.Add):
    """The sum of several inputs."""


class Subtract(Layer, library.Subtract):
    """The first of two inputs less the second."""


class Multiply(Layer, library.Multiply):
    """The product of several inputs."""


class Average(Layer, library.Average):
    """The mean of several inputs."""


class Maximum(Layer, library.Maximum):
    """The largest of several inputs, element by element."""


class Minimum(Layer, library.Minimum):
    """The smallest of several inputs, element by element."""


class Concatenate(Layer, library.Concatenate):
    """Several inputs one after the other along ``axis``."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)


class Dot(Layer, library.Dot):
    """The sums of products of two inputs along ``axes``."""

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(axes, normalize, **kwargs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Several inputs one after the other along ``axis``."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """The sums of products of two inputs along ``axes``."""
    return Dot(axes, **kwargs)(inputs)


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of several inputs."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """The first of two inputs less the second."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """The product of several inputs."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """The mean of several inputs."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """The largest of several inputs, element by element."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """The smallest of several inputs, element by element."""
    return Minimum(**kwargs)(inputs)
