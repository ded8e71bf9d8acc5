"""Initializers with arguments, as objects."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from jitgrad.arguments import MAX_SEED, Described, by_name, count, nonnegative, number, positive
from jitgrad.errors import ShapeError
from jitgrad.layers.initializer_functions import identity, orthogonal, truncated_normal, variance_scaling
from jitgrad.ops import Shape
from jitgrad.typing import ArrayLike


class _Seeded(Described):
    """Base class of initializers with arguments. With a ``seed``, they draw the same numbers each time."""

    def __init__(self, seed: int | None = None) -> None:
        self._seed = None if seed is None else count("seed", seed, 0, MAX_SEED)

    def __call__(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Return values of this shape."""
        return self.values(tuple(shape), draw if self._seed is None else np.random.default_rng(self._seed))

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Return values of this shape, drawn from ``draw``."""
        raise NotImplementedError(f"{type(self).__name__} has no values(). Define values(self, shape, draw).")


class Constant(_Seeded):
    """Fill with a value, or use an array.

    Parameters
    ----------
    value : array_like, default 0.0
        A number, or an array of the shape of the weight.

    Examples
    --------
    >>> layer = jg.layers.Dense(1, kernel_initializer=jg.layers.initializers.Constant(0.5))
    """

    def __init__(self, value: ArrayLike = 0.0) -> None:
        super().__init__()
        self.value = value

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Return the value, broadcast to this shape.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weight.
        draw : numpy.random.Generator
            Random number generator.

        Returns
        -------
        ndarray
            Initial values.

        Raises
        ------
        ShapeError
            If the value is an array of another shape.
        """
        given = np.asarray(self.value)
        if given.ndim and given.shape != shape:
            raise ShapeError(
                f"Constant: the value has shape {given.shape} for a weight of {shape}. Give an array of this shape."
            )
        return np.broadcast_to(given, shape)


class RandomUniform(_Seeded):
    """Draw from a uniform distribution.

    Parameters
    ----------
    minval : float, default -0.05
        Lower bound.
    maxval : float, default 0.05
        Upper bound.
    seed : int, optional
        With a seed, every call draws the same values.

    Examples
    --------
    >>> layer = jg.layers.Dense(1, kernel_initializer=jg.layers.initializers.RandomUniform(-1.0, 1.0, seed=0))
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = number("minval", minval), number("maxval", maxval)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Draw values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weight.
        draw : numpy.random.Generator
            Random number generator.

        Returns
        -------
        ndarray
            Initial values.
        """
        return draw.uniform(self.minval, self.maxval, shape)


class RandomNormal(_Seeded):
    """Draw from a normal distribution.

    Parameters
    ----------
    mean : float, default 0.0
        Mean.
    stddev : float, default 0.05
        Standard deviation.
    seed : int, optional
        With a seed, every call draws the same values.

    Examples
    --------
    >>> layer = jg.layers.Dense(1, kernel_initializer=jg.layers.initializers.RandomNormal(stddev=0.1, seed=0))
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = number("mean", mean), nonnegative("stddev", stddev)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Draw values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weight.
        draw : numpy.random.Generator
            Random number generator.

        Returns
        -------
        ndarray
            Initial values.
        """
        return draw.normal(self.mean, self.stddev, shape)


class TruncatedNormal(RandomNormal):
    """Draw from a normal distribution, redrawing values more than two standard deviations from the mean.

    Parameters
    ----------
    mean : float, default 0.0
        Mean.
    stddev : float, default 0.05
        Standard deviation before truncation.
    seed : int, optional
        With a seed, every call draws the same values.

    Examples
    --------
    >>> layer = jg.layers.Dense(1, kernel_initializer=jg.layers.initializers.TruncatedNormal(stddev=0.1, seed=0))
    """

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Draw values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weight.
        draw : numpy.random.Generator
            Random number generator.

        Returns
        -------
        ndarray
            Initial values.
        """
        return truncated_normal(shape, draw, self.mean, self.stddev)


class VarianceScaling(_Seeded):
    """Draw values whose variance is inversely proportional to the number of inputs or outputs.

    Parameters
    ----------
    scale : float, default 1.0
        The variance is ``scale/n``; positive.
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
        Whether n is the number of inputs, the number of outputs, or their mean.
    distribution : {"truncated_normal", "untruncated_normal", "uniform"}, default "truncated_normal"
        Distribution; truncated at two standard deviations or not.
    seed : int, optional
        With a seed, every call draws the same values.

    Examples
    --------
    >>> he = jg.layers.initializers.VarianceScaling(2.0, seed=0)
    >>> layer = jg.layers.Dense(1, "relu", kernel_initializer=he)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in",
        distribution: Literal["truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale = positive("scale", scale)
        self._mode = by_name("mode", mode, {"fan_in": "in", "fan_out": "out", "fan_avg": "mean"})
        kinds = {"truncated_normal": "normal", "untruncated_normal": "untruncated_normal", "uniform": "uniform"}
        self._kind = by_name("distribution", distribution, kinds)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Draw values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weight.
        draw : numpy.random.Generator
            Random number generator.

        Returns
        -------
        ndarray
            Initial values.
        """
        return variance_scaling(shape, draw, self.scale, self._mode, self._kind)


class Orthogonal(_Seeded):
    """Draw a matrix with orthonormal rows or columns.

    Parameters
    ----------
    gain : float, default 1.0
        Factor by which the matrix is multiplied.
    seed : int, optional
        With a seed, every call draws the same values.

    See Also
    --------
    orthogonal : The corresponding function.

    Examples
    --------
    >>> layer = jg.layers.Dense(3, kernel_initializer=jg.layers.initializers.Orthogonal(seed=0))
    """

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = number("gain", gain)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Draw values.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weight.
        draw : numpy.random.Generator
            Random number generator.

        Returns
        -------
        ndarray
            Initial values.
        """
        return orthogonal(shape, draw, self.gain)


class IdentityMatrix(_Seeded):
    """Use a matrix with ``gain`` on its diagonal.

    Parameters
    ----------
    gain : float, default 1.0
        Value on the diagonal.

    Examples
    --------
    >>> layer = jg.layers.Dense(3, kernel_initializer=jg.layers.initializers.IdentityMatrix())
    """

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__()
        self.gain = number("gain", gain)

    def values(self, shape: Shape, draw: np.random.Generator) -> Any:
        """Return the matrix.

        Parameters
        ----------
        shape : tuple of int
            Shape of the weight.
        draw : numpy.random.Generator
            Random number generator.

        Returns
        -------
        ndarray
            Initial values.
        """
        return identity(shape, draw, self.gain)
