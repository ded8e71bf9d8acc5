"""Computations of layers, each recorded as one op, see ``tape.composite``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.functions.axes import Axis
from jitgrad.functions.linalg import norm
from jitgrad.functions.products import matmul
from jitgrad.functions.reductions import mean, sum, var
from jitgrad.functions.shapes import expand_dims, reshape, transpose
from jitgrad.functions.softmax import log_softmax
from jitgrad.ops.elementwise import equal, greater, maximum, softplus, sqrt, square, where
from jitgrad.tape.composite import composite
from jitgrad.tape.tensor import Tensor


@composite
def linear(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Return x @ kernel + bias."""
    return matmul(x, kernel) + bias


@composite
def batch_norm(
    x: Tensor, gamma: Tensor, beta: Tensor, old_mean: Tensor, old_variance: Tensor, momentum: float, epsilon: float,
    unbiased: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Normalize each feature (last axis) over the batch, and update the running mean and variance.

    The result is (x - mean) / sqrt(variance + epsilon) * gamma + beta. The running statistics are
    momentum * old + (1 - momentum) * new; no gradient flows to them.
    """
    axes = tuple(range(x.ndim - 1))
    center = mean(x, axes)
    centered = x - center
    variance = mean(square(centered), axes)
    n = math.prod(x.shape[:-1])
    spread = variance * (n / (n - 1)) if unbiased and n > 1 else variance
    kept = [momentum * old + (1 - momentum) * new.detach() for old, new in ((old_mean, center), (old_variance, spread))]
    return scaled(centered, variance, gamma, beta, epsilon), kept[0], kept[1]


@composite
def fixed_norm(x: Tensor, gamma: Tensor, beta: Tensor, center: Tensor, variance: Tensor, epsilon: float) -> Tensor:
    """Normalize each feature with a given mean and variance."""
    return scaled(x - center, variance, gamma, beta, epsilon)


def scaled(centered: Any, variance: Any, gamma: Tensor, beta: Tensor, epsilon: float) -> Tensor:
    """Scale centered features: centered / sqrt(variance + epsilon) * gamma + beta."""
    made: Tensor = centered * (gamma / sqrt(variance + epsilon)) + beta
    return made


@composite
def class_losses(target: Tensor, logits: Tensor) -> Tensor:
    """Return the cross-entropy of integer targets with logits along the last axis."""
    hit = equal(expand_dims(target, -1), np.arange(logits.shape[-1]))
    return -sum(where(hit, log_softmax(logits, -1), 0.0), -1)


@composite
def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon: float) -> Tensor:
    """Normalize the last axis of each row to mean 0 and variance 1, then scale by gamma and shift by beta."""
    center = mean(x, -1, keepdims=True)
    variance = mean(square(x - center), -1, keepdims=True)
    return (x - center) / sqrt(variance + epsilon) * gamma + beta


@composite
def rms_norm(x: Tensor, gamma: Tensor, epsilon: float) -> Tensor:
    """Divide the last axis of each row by its root mean square, times gamma (Zhang and Sennrich, 2019)."""
    return x / sqrt(mean(square(x), -1, keepdims=True) + epsilon) * gamma


@composite
def linear_of_rows(x: Tensor, weight: Tensor, *bias: Tensor) -> Tensor:
    """Return x @ weight.T + bias, with a weight of shape (outputs, inputs)."""
    made = matmul(x, transpose(weight))
    return made + bias[0] if bias else made


@composite
def unit_rows(x: Tensor, p: float, axis: int, epsilon: float) -> Tensor:
    """Divide vectors along an axis by their p-norm, or by ``epsilon`` if that is larger."""
    size = _root(sum(square(x), axis, True)) if p == 2 else norm(x, p, axis, True)
    return x / maximum(size, epsilon)


@composite
def cosine(x: Tensor, y: Tensor, axis: int, epsilon: float) -> Tensor:
    """Return the cosine similarity of vectors along an axis, with lengths of at least ``epsilon``."""
    a, b = (maximum(sum(square(t), axis), epsilon * epsilon) for t in (x, y))
    return sum(x * y, axis) / sqrt(a * b)


@composite
def length(x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    """Return the Euclidean norm over ``axis``. Its derivative at 0 is 0, as in PyTorch."""
    return _root(sum(square(x), axis, keepdims))


@composite
def spread(x: Tensor, axis: Axis, ddof: float, keepdims: bool) -> Tensor:
    """Return the standard deviation over ``axis``. If all elements are equal, its derivative is 0, as in PyTorch."""
    return _root(var(x, axis, ddof, keepdims))


def _root(total: Tensor) -> Tensor:
    none = equal(total, 0)
    return where(none, 0.0, sqrt(where(none, 1.0, total)))


@composite
def scaled_softplus(x: Tensor, beta: float, threshold: float) -> Tensor:
    """Return log(1 + exp(beta·x)) / beta, and x itself if beta·x exceeds the threshold."""
    scaled_x = x if beta == 1 else x * beta
    smooth = softplus(scaled_x)
    return where(greater(scaled_x, threshold), x, smooth if beta == 1 else smooth / beta)


@composite
def sloped(x: Tensor, slope: Tensor) -> Tensor:
    """Return x if positive, else slope·x, with one slope or one per channel (axis 1): PReLU, He et al. (2015)."""
    each = reshape(slope, (slope.size,) + (1,) * (x.ndim - 2)) if slope.size > 1 else slope
    return where(greater(x, 0), x, each * x)
