"""Layers that draw numbers while training. One with a ``seed`` has numbers of its own."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.layers.layer import Layer


class Dropout(Layer, library.Dropout):
    """While training, elements are 0 with probability ``rate`` and the others grow."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)


class AlphaDropout(Layer, library.AlphaDropout):
    """Dropout that keeps mean and variance of what ``selu`` gives."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)


class GaussianDropout(Layer, library.GaussianDropout):
    """While training, elements are multiplied with normal noise around 1."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)


class GaussianNoise(Layer, library.GaussianNoise):
    """While training, normal noise is added."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(stddev, seed, **kwargs)
