"""Losses with the definitions of PyTorch's criteria, each recorded as one op, see ``tape.composite``.

``reduced`` takes one of the functions below, which return the loss of each element, or of each row if stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.functions.logic import logical_and
from jitgrad.functions.reductions import mean, sum
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.functions.softmax import log_softmax
from jitgrad.ops.elementwise import (
    abs,
    equal,
    exp,
    greater,
    greater_equal,
    less,
    log,
    log1p,
    maximum,
    minimum,
    not_equal,
    relu,
    softplus,
    square,
    stop_gradient,
    where,
)
from jitgrad.tape.composite import composite
from jitgrad.tape.tensor import Tensor

_LEAST_VARIANCE = 1e-12
LEAST_LOGARITHM = -100.0
"""Lower bound of the logarithms in ``binary``."""


@composite
def reduced(*operands: Tensor, rule: Callable[..., Tensor], reduction: str, weighted: bool = False, **options: Any) -> Tensor:
    """Apply ``rule`` and reduce its losses; if ``weighted``, the last operand holds the weights."""
    *given, weight = operands if weighted else (*operands, None)
    made = rule(*given, **options)
    return _of(made if weight is None else made * weight, reduction)


def _of(losses: Tensor, reduction: str) -> Tensor:
    return mean(losses) if reduction == "mean" else sum(losses) if reduction == "sum" else losses


# Regression.


def squared(x: Tensor, y: Tensor) -> Tensor:
    """Squared error (x - y)²."""
    return square(x - y)


def absolute(x: Tensor, y: Tensor) -> Tensor:
    """Absolute error |x - y|."""
    return abs(x - y)


def huber(x: Tensor, y: Tensor, delta: float) -> Tensor:
    """Huber loss: quadratic for errors up to ``delta``, linear beyond (Huber, 1964)."""
    error = abs(x - y)
    near = minimum(error, delta)
    return near * (error - 0.5 * near)


def smooth_absolute(x: Tensor, y: Tensor, beta: float) -> Tensor:
    """Huber loss divided by ``beta``."""
    return huber(x, y, beta) / beta


def binary(p: Tensor, y: Tensor) -> Tensor:
    """Binary cross-entropy of a probability p. The denominator of its derivative, p(1 - p), is at least 1e-12."""
    inside = greater_equal(p * (1 - p), _LEAST_VARIANCE)
    q = where(inside, p, 0.5)
    edge = -(y * maximum(log(p), LEAST_LOGARITHM) + (1 - y) * maximum(log1p(-p), LEAST_LOGARITHM))
    straight = stop_gradient(edge) + (p - y) / _LEAST_VARIANCE * (p - stop_gradient(p))
    return where(inside, -(y * log(q) + (1 - y) * log1p(-q)), straight)


def binary_of_logits(x: Tensor, y: Tensor) -> Tensor:
    """Binary cross-entropy of sigmoid(x), without overflow."""
    return softplus(x) - x * y


def weighted_binary_of_logits(x: Tensor, y: Tensor, positive: Tensor) -> Tensor:
    """Binary cross-entropy of sigmoid(x), with the weight ``positive`` of the positive class."""
    return (1 - y) * x + (1 + (positive - 1) * y) * softplus(-x)


def divergence(x: Tensor, y: Tensor, log_target: bool) -> Tensor:
    """Kullback-Leibler divergence y·(log(y) - x) from log-probabilities x."""
    if log_target:
        return exp(y) * (y - x)
    none = equal(y, 0)
    return where(none, 0.0, y * log(where(none, 1.0, y))) - y * x


def poisson(x: Tensor, y: Tensor, log_input: bool, full: bool, eps: float) -> Tensor:
    """Poisson loss x - y·log(x) of a mean or its logarithm; ``full`` adds Stirling's approximation of log(y!)."""
    losses = exp(x) - y * x if log_input else x - y * log(x + eps)
    if not full:
        return losses
    many = greater(y, 1)
    n = where(many, y, 2.0)
    return losses + where(many, n * log(n) - n + 0.5 * log(2 * math.pi * n), 0.0)


def gaussian(x: Tensor, y: Tensor, variance: Tensor, full: bool, eps: float) -> Tensor:
    """Gaussian loss ½(log v + (x - y)²/v). The variance v is clamped at ``eps``, but its gradient is not."""
    v = where(less(variance, eps), variance - stop_gradient(variance) + eps, variance)
    losses = 0.5 * (log(v) + square(x - y) / v)
    return losses + 0.5 * math.log(2 * math.pi) if full else losses


# Margin losses.


def _positive(x: Tensor) -> Tensor:
    """Return max(0, x), with the derivative 1 at 0, as in PyTorch's margin losses."""
    return where(greater_equal(x, 0), x, 0.0)


def hinge_embedding(x: Tensor, y: Tensor, margin: float) -> Tensor:
    """Return x if y is 1, and max(0, margin - x) if y is -1."""
    return where(equal(y, -1), _positive(margin - x), 0.0) + where(equal(y, 1), x, 0.0)


def margin_ranking(x: Tensor, z: Tensor, y: Tensor, margin: float) -> Tensor:
    """Return max(0, -y·(x - z) + margin)."""
    return _positive(-y * (x - z) + margin)


def soft_margin(x: Tensor, y: Tensor) -> Tensor:
    """Return log(1 + exp(-y·x))."""
    return softplus(-y * x)


def cosine_embedding(cosine: Tensor, y: Tensor, margin: float) -> Tensor:
    """Return 1 - cosine if y is 1, and max(0, cosine - margin) if y is -1."""
    return where(equal(y, 1), 1 - cosine, where(equal(y, -1), _positive(cosine - margin), 0.0))


def triplet(near: Tensor, far: Tensor, margin: float) -> Tensor:
    """Return max(0, near - far + margin) for distances."""
    return _positive(near - far + margin)


def multilabel(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean binary cross-entropy over labels, the last axis."""
    return mean(binary_of_logits(x, y), -1)


def weighted_multilabel(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    """Return the weighted mean binary cross-entropy over labels, the last axis."""
    return mean(binary_of_logits(x, y) * weight, -1)


def multi_margin(x: Tensor, y: Tensor, *weight: Tensor, p: int, margin: float) -> Tensor:
    """Return the mean of max(0, margin - x[y] + x)ᵖ over the other classes, for each row."""
    hit = equal(expand_dims(y, -1), np.arange(x.shape[-1]))
    rest = where(hit, 0.0, relu(margin - sum(where(hit, x, 0.0), -1, True) + x))
    rest = square(rest) if p == 2 else rest
    return mean(rest * sum(where(hit, weight[0], 0.0), -1, True) if weight else rest, -1)


# Classification losses.


@composite
def classes(
    y: Tensor, x: Tensor, *weight: Tensor, axis: int, logits: bool, ignored: int | None, smoothing: float, reduction: str
) -> Tensor:
    """Cross-entropy of integer classes.

    Parameters
    ----------
    y : Tensor
        Classes as nonnegative integers.
    x : Tensor
        Logits or log-probabilities of the classes along ``axis``.
    weight : Tensor, optional
        Class weights; the mean is weighted.
    ignored : int, optional
        Target value that is ignored.
    smoothing : float
        Label smoothing: the part of each target that is spread evenly over all classes.
    """
    logarithms = log_softmax(x, axis) if logits else x
    many = x.shape[axis]
    along = (many,) + (1,) * (x.ndim - axis - 1)
    hit = equal(expand_dims(y, axis), np.arange(many).reshape(along))
    if ignored is not None:
        hit = logical_and(hit, not_equal(expand_dims(y, axis), ignored))
    share = reshape(weight[0], along) if weight else None
    logarithms = logarithms if share is None else logarithms * share
    losses = -sum(where(hit, logarithms, 0.0), axis)
    if smoothing:
        even = sum(logarithms, axis)
        even = even if ignored is None else where(equal(y, ignored), 0.0, even)
        losses = losses * (1 - smoothing) - even * (smoothing / many)
    if reduction != "mean" or (share is None and ignored is None):
        return _of(losses, reduction)
    return sum(losses) / sum(hit if share is None else where(hit, share, 0.0))


@composite
def probabilities(y: Tensor, x: Tensor, *weight: Tensor, axis: int, smoothing: float, reduction: str) -> Tensor:
    """Cross-entropy of class probabilities y with logits along ``axis``."""
    many = x.shape[axis]
    logarithms = log_softmax(x, axis)
    if weight:
        logarithms = logarithms * reshape(weight[0], (many,) + (1,) * (x.ndim - axis - 1))
    y = y * (1 - smoothing) + smoothing / many if smoothing else y
    return _of(-sum(y * logarithms, axis), reduction)
