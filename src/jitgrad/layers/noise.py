"""Layers that are random in training and have no effect otherwise: dropout and noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

from jitgrad import random
from jitgrad.arguments import in_unit_interval
from jitgrad.errors import ShapeError
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import LayerOptions
from jitgrad.layers.rectifiers import SELU_ALPHA, SELU_SCALE
from jitgrad.ops.elementwise import where
from jitgrad.tape.tensor import Tensor


class Noise(Layer):
    """Base class of layers that draw random numbers, from their own generator if they have a ``seed``."""

    def __init__(self, seed: int | None = None, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.seed = seed
        self.source = None if seed is None else random.Source(seed)


class Dropout(Noise):
    """In training, set elements to 0 at random, with a given probability.

    The remaining elements are multiplied by ``1 / (1 - rate)``, so the expected value does not change. In prediction,
    the layer returns its input.

    Parameters
    ----------
    rate : float
        Probability of setting an element to 0, in [0, 1).
    noise_shape : sequence of int or None, optional
        Size of the random mask along each axis of the input. Along axes of size 1, all elements share the mask.
        None stands for the size of the input.
    seed : int, optional
        Seed of the layer's own random number generator. By default, numbers are drawn from ``jitgrad.random``.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    See Also
    --------
    GaussianDropout : Multiplies by Gaussian noise.
    AlphaDropout : Dropout for self-normalizing networks.

    Notes
    -----
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting", 2014.

    Examples
    --------
    >>> layer = jg.layers.Dropout(0.5, seed=0)
    >>> layer([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 2.]]>
    >>> dropped = layer(np.ones((1, 1000)), training=True).numpy()
    >>> sorted({float(value) for value in dropped[0]})
    [0.0, 2.0]
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(seed, **common)
        self.rate = in_unit_interval("rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.
        training : bool, default False
            Whether the layer behaves as in training.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        if not training or self.rate == 0:
            return x
        return x * (random.uniform(self._drawn(x), source=self.source) >= self.rate) / (1 - self.rate)

    def _drawn(self, x: Tensor) -> tuple[int, ...]:
        shape = self.noise_shape or x.shape
        if len(shape) != x.ndim:
            raise ShapeError(
                f"Layer {self.name!r}: noise_shape {shape} has {len(shape)} axes, but the input has {x.ndim}. "
                "Give a size for each axis."
            )
        return tuple(size if given is None else given for given, size in zip(shape, x.shape, strict=True))


class GaussianNoise(Noise):
    """In training, add Gaussian noise.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise.
    seed : int, optional
        Seed of the layer's own random number generator. By default, numbers are drawn from ``jitgrad.random``.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> layer = jg.layers.GaussianNoise(0.1, seed=0)
    >>> layer([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 2.]]>
    >>> layer([[1.0, 2.0]], training=True).shape
    (1, 2)
    """

    def __init__(self, stddev: float, seed: int | None = None, **common: Unpack[LayerOptions]) -> None:
        super().__init__(seed, **common)
        self.stddev = float(stddev)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.
        training : bool, default False
            Whether the layer behaves as in training.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        return x + random.normal(x.shape, 0.0, self.stddev, source=self.source) if training else x


class GaussianDropout(Dropout):
    """In training, multiply elements by Gaussian noise with mean 1 and variance ``rate / (1 - rate)``.

    Parameters
    ----------
    rate : float
        Rate of a Dropout layer with the same variance, in [0, 1).
    seed : int, optional
        Seed of the layer's own random number generator. By default, numbers are drawn from ``jitgrad.random``.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    See Also
    --------
    Dropout : Sets elements to 0.

    Notes
    -----
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting", 2014.

    Examples
    --------
    >>> layer = jg.layers.GaussianDropout(0.5, seed=0)
    >>> layer([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 2.]]>
    """

    def __init__(self, rate: float, seed: int | None = None, **common: Unpack[LayerOptions]) -> None:
        super().__init__(rate, None, seed, **common)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.
        training : bool, default False
            Whether the layer behaves as in training.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        if not training or self.rate == 0:
            return x
        return x * random.normal(x.shape, 1.0, math.sqrt(self.rate / (1 - self.rate)), source=self.source)


class AlphaDropout(Dropout):
    """Dropout that preserves the mean and variance of the outputs of ``selu``.

    In training, elements are set to the lower limit of ``selu`` at random, and all elements are scaled and shifted.

    Parameters
    ----------
    rate : float
        Probability of setting an element to the limit, in [0, 1).
    noise_shape : sequence of int or None, optional
        Size of the random mask for each axis of the input; see `Dropout`.
    seed : int, optional
        Seed of the layer's own random number generator. By default, numbers are drawn from ``jitgrad.random``.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    See Also
    --------
    Dropout : Dropout for other activations.

    Notes
    -----
    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks", 2017.

    Examples
    --------
    >>> layer = jg.layers.AlphaDropout(0.5, seed=0)
    >>> layer([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 2.]]>
    """

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.
        training : bool, default False
            Whether the layer behaves as in training.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        if not training or self.rate == 0:
            return x
        least = -SELU_ALPHA * SELU_SCALE
        factor = 1 / math.sqrt((1 - self.rate) * (1 + self.rate * least**2))
        kept = random.uniform(self._drawn(x), source=self.source) >= self.rate
        made: Tensor = factor * where(kept, x, least) - factor * least * self.rate
        return made
