"""Initializers as functions of a shape and a random number generator."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops import Shape

Initializer: TypeAlias = Callable[[Shape, np.random.Generator], Any]
"""A function of a shape and a generator that returns initial values."""


def zeros(shape: Shape, draw: np.random.Generator) -> np.ndarray:
    """Return zeros.

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

    Examples
    --------
    >>> jg.layers.initializers.zeros((2,), np.random.default_rng(0))
    array([0., 0.])
    """
    return np.zeros(shape)


def ones(shape: Shape, draw: np.random.Generator) -> np.ndarray:
    """Return ones.

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

    Examples
    --------
    >>> jg.layers.initializers.ones((2,), np.random.default_rng(0))
    array([1., 1.])
    """
    return np.ones(shape)


def uniform(shape: Shape, draw: np.random.Generator, limit: float = 0.05) -> np.ndarray:
    """Draw from the uniform distribution on [-limit, limit].

    Parameters
    ----------
    shape : tuple of int
        Shape of the weight.
    draw : numpy.random.Generator
        Random number generator.
    limit : float, default 0.05
        Bound of the values.

    Returns
    -------
    ndarray
        Initial values.

    Examples
    --------
    >>> values = jg.layers.initializers.uniform((1000,), np.random.default_rng(0))
    >>> bool(abs(values).max() <= 0.05)
    True
    """
    return draw.uniform(-limit, limit, shape)


def normal(shape: Shape, draw: np.random.Generator, std: float = 0.05) -> np.ndarray:
    """Draw from a normal distribution with mean 0.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weight.
    draw : numpy.random.Generator
        Random number generator.
    std : float, default 0.05
        Standard deviation.

    Returns
    -------
    ndarray
        Initial values.

    Examples
    --------
    >>> values = jg.layers.initializers.normal((1000,), np.random.default_rng(0))
    >>> round(float(values.std()), 2)
    0.05
    """
    return draw.normal(0, std, shape)


def orthogonal(shape: Shape, draw: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Draw a matrix with orthonormal rows or columns, whichever are fewer.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weight.
    draw : numpy.random.Generator
        Random number generator.
    gain : float, default 1.0
        Factor by which the matrix is multiplied.

    Returns
    -------
    ndarray
        Initial values. All axes but the last count as the rows of the matrix.

    Raises
    ------
    ShapeError
        If the shape has fewer than two axes.

    Examples
    --------
    >>> q = jg.layers.initializers.orthogonal((3, 2), np.random.default_rng(0))
    >>> np.allclose(q.T @ q, np.eye(2))
    True
    """
    if len(shape) < 2:
        raise ShapeError(f"orthogonal: shape {shape} is not a matrix. Use another initializer.")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(draw.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return gain * (q if rows >= columns else q.T).reshape(shape)


def truncated_normal(shape: Shape, draw: np.random.Generator, mean: float = 0.0, std: float = 0.05) -> np.ndarray:
    """Draw from a normal distribution, redrawing values more than two standard deviations from the mean.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weight.
    draw : numpy.random.Generator
        Random number generator.
    mean : float, default 0.0
        Mean.
    std : float, default 0.05
        Standard deviation before truncation.

    Returns
    -------
    ndarray
        Initial values.

    Examples
    --------
    >>> values = jg.layers.initializers.truncated_normal((1000,), np.random.default_rng(0))
    >>> bool(abs(values).max() <= 0.1)
    True
    """
    return mean + std * _cut_normal(shape, draw)


def identity(shape: Shape, draw: np.random.Generator, gain: float = 1.0) -> np.ndarray:
    """Return a matrix with ``gain`` on its diagonal.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weight.
    draw : numpy.random.Generator
        Random number generator.
    gain : float, default 1.0
        Value on the diagonal.

    Returns
    -------
    ndarray
        Initial values.

    Raises
    ------
    ShapeError
        If the shape does not have two axes.

    Examples
    --------
    >>> jg.layers.initializers.identity((2, 2), np.random.default_rng(0))
    array([[1., 0.],
           [0., 1.]])
    """
    if len(shape) != 2:
        raise ShapeError(f"identity: shape {shape} is not a matrix. Use another initializer.")
    return gain * np.eye(*shape)


def variance_scaling(shape: Shape, draw: np.random.Generator, scale: float, mode: str, kind: str) -> np.ndarray:
    """Draw values whose variance is inversely proportional to the number of inputs or outputs.

    Parameters
    ----------
    shape : tuple of int
        Shape of the weight.
    draw : numpy.random.Generator
        Random number generator.
    scale : float
        The variance is ``scale/n``.
    mode : {"in", "out", "mean"}
        Whether n is the number of inputs, the number of outputs, or their mean.
    kind : {"uniform", "normal", "untruncated_normal"}
        Distribution; "normal" is truncated at two standard deviations.

    Returns
    -------
    ndarray
        Initial values.

    Examples
    --------
    >>> values = jg.layers.initializers.variance_scaling((100, 50), np.random.default_rng(0), 2.0, "in", "normal")
    >>> round(float(values.var() * 100), 1)
    2.0
    """
    inputs, outputs = _fans(shape)
    n = max(1.0, {"in": inputs, "out": outputs, "mean": (inputs + outputs) / 2}[mode])
    if kind == "uniform":
        limit = math.sqrt(3 * scale / n)
        return draw.uniform(-limit, limit, shape)
    if kind == "untruncated_normal":
        return draw.normal(0.0, math.sqrt(scale / n), shape)
    # Truncation at two standard deviations reduces the standard deviation to 0.8796 of its value.
    return _cut_normal(shape, draw) * (math.sqrt(scale / n) / 0.87962566103423978)


def _cut_normal(shape: Shape, draw: np.random.Generator) -> np.ndarray:
    values = draw.normal(size=shape)
    while (far := np.abs(values) > 2).any():
        values = np.where(far, draw.normal(size=shape), values)
    return values


def _fans(shape: Shape) -> tuple[float, float]:
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    around = math.prod(shape[:-2])
    return around * shape[-2], around * shape[-1]
