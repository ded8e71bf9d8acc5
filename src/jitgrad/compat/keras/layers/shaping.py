"""Layers that change the shape of rows, and pooling over an axis."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.errors import ArgumentError


class Flatten(Layer, library.Flatten):
    """Flatten each row to one axis."""

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)


class Reshape(Layer, library.Reshape):
    """Change the shape of each row."""

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(tuple(target_shape), **kwargs)


class Permute(Layer, library.Permute):
    """Permute the axes of each row, the first of which is 1."""

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(tuple(dims), **kwargs)


class RepeatVector(Layer, library.RepeatVector):
    """Repeat each row ``n`` times."""

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(n, **kwargs)


class GlobalAveragePooling1D(Layer, library.GlobalAveragePooling1D):
    """Average over the axis after the rows."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        _check_pooling(self, data_format, keepdims)
        super().__init__(**kwargs)


class GlobalMaxPooling1D(Layer, library.GlobalMaxPooling1D):
    """Take the maximum over the axis after the rows."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        _check_pooling(self, data_format, keepdims)
        super().__init__(**kwargs)


def _check_pooling(layer: Layer, data_format: str | None, keepdims: bool) -> None:
    if data_format not in (None, "channels_last") or keepdims:
        raise ArgumentError(f"{type(layer).__name__}: data_format and keepdims are not supported. Omit them.")


GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D
