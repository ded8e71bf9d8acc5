"""Layers that do something in training alone: dropout and noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jitgrad import random
from jitgrad.arguments import in_unit_interval
from jitgrad.errors import ShapeError
from jitgrad.layers.activations import SELU_ALPHA, SELU_SCALE
from jitgrad.layers.layer import Layer
from jitgrad.ops.elementwise import where
from jitgrad.tape.tensor import Tensor


class Noise(Layer):
    """A layer that draws numbers: from a source of its own where there is a ``seed``, else from ``jitgrad.random``."""

    def __init__(self, seed: int | None = None, **common: Any) -> None:
        super().__init__(**common)
        self.seed = seed
        self.source = None if seed is None else random.Source(seed)


class Dropout(Noise):
    """While training, elements are 0 with probability ``rate`` and the others grow by 1 / (1 - rate).

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way …", 2014. Along axes where
    ``noise_shape``, a size for each axis of the input, is 1, all elements share what is drawn; None is the input's size.
    """

    def __init__(
        self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: int | None = None, **common: Any
    ) -> None:
        super().__init__(seed, **common)
        self.rate = in_unit_interval("rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return x
        return x * (random.uniform(self._drawn(x), source=self.source) >= self.rate) / (1 - self.rate)

    def _drawn(self, x: Tensor) -> tuple[int, ...]:
        shape = self.noise_shape or x.shape
        if len(shape) != x.ndim:
            raise ShapeError(
                f"Layer {self.name!r}: noise_shape {shape} is for {len(shape)} axes of {x.ndim}. Give a size for each."
            )
        return tuple(size if given is None else given for given, size in zip(shape, x.shape, strict=True))


class GaussianNoise(Noise):
    """While training, normal noise of standard deviation ``stddev`` is added."""

    def __init__(self, stddev: float, seed: int | None = None, **common: Any) -> None:
        super().__init__(seed, **common)
        self.stddev = float(stddev)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        return x + random.normal(x.shape, 0.0, self.stddev, source=self.source) if training else x


class GaussianDropout(Dropout):
    """While training, elements are multiplied with normal noise around 1, of Dropout's variance rate / (1 - rate)."""

    def __init__(self, rate: float, seed: int | None = None, **common: Any) -> None:
        super().__init__(rate, None, seed, **common)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return x
        return x * random.normal(x.shape, 1.0, math.sqrt(self.rate / (1 - self.rate)), source=self.source)


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance of what ``selu`` gives: elements become its least value, not 0.

    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017.
    """

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return x
        least = -SELU_ALPHA * SELU_SCALE
        factor = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * least**2))
        kept = random.uniform(self._drawn(x), source=self.source) >= self.rate
        made: Tensor = factor * where(kept, x, least) - factor * least * self.rate
        return made
