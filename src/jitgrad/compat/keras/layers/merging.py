"""Layers of several inputs, in a list, and their functions (``keras.layers.add([a, b])``)."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.layers.layer import Layer


class Add(Layer, library.Add):
    """The sum of several inputs."""


class Concatenate(Layer, library.Concatenate):
    """Several inputs one after the other along ``axis``."""

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(axis, **kwargs)


def add(inputs: Any, **kwargs: Any) -> Any:
    """The sum of several inputs."""
    return Add(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Several inputs one after the other along ``axis``."""
    return Concatenate(axis, **kwargs)(inputs)
