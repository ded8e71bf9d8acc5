"""Layers that are random in training. A layer with a ``seed`` has its own random number generator."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras.layers.layer import Layer


class Dropout(Layer, library.Dropout):
    """In training, set elements to 0 with probability ``rate`` and scale the remaining ones."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)


class AlphaDropout(Layer, library.AlphaDropout):
    """Dropout that preserves the mean and variance of the outputs of ``selu``."""

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)


class GaussianDropout(Layer, library.GaussianDropout):
    """In training, multiply the elements by Gaussian noise with mean 1."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed, **kwargs)


class GaussianNoise(Layer, library.GaussianNoise):
    """In training, add Gaussian noise."""

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(stddev, seed, **kwargs)
