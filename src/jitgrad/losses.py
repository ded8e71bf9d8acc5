"""Losses: scalar costs of predictions, made of the ops of the table.

Each takes ``(target, prediction)``, has the rows along the first axis, and returns the mean over rows of a row's loss, which is
the mean over its elements; with ``sample_weight``, an array of a number a row, the mean of the weighted losses. The names are
Keras's. ``loss.by_row(target, prediction)`` gives each row's loss.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.errors import ShapeError
from jitgrad.functions.elementwise import clip
from jitgrad.functions.reductions import log_softmax, logsumexp, mean, sum
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.ops.elementwise import (
    abs,
    equal,
    exp,
    log,
    maximum,
    minimum,
    relu,
    softplus,
    sqrt,
    square,
    where,
)
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor

_SMALLEST = 1e-7  # probabilities are kept this far from 0 and 1, as Keras does


class Loss(Protocol):
    """What a loss is."""

    by_row: Callable[..., Tensor]
    __name__: str

    def __call__(self, target: Any, prediction: Any, *args: Any, sample_weight: Any = None, **kwargs: Any) -> Tensor:
        """The mean over rows."""


def loss(by_row: Callable[..., Tensor], by_element: Callable[..., Tensor] | None = None) -> Loss:
    """Make a loss of a function of Tensors that returns the losses of the rows; of elements, if it is their mean."""

    @public()
    @functools.wraps(by_row)
    def function(target: Any, prediction: Any, *args: Any, sample_weight: Any = None, **kwargs: Any) -> Tensor:
        target, prediction = as_tensor(target), as_tensor(prediction)
        if sample_weight is None and by_element is not None:
            _alike(by_row.__name__, target, prediction)
            return mean(by_element(target, prediction, *args, **kwargs))
        rows = by_row(target, prediction, *args, **kwargs)
        if sample_weight is None:
            return mean(rows)
        weight = as_tensor(sample_weight)
        if weight.shape != rows.shape:
            raise ShapeError(
                f"{by_row.__name__}: sample_weight has shape {weight.shape} for {rows.shape} rows. Give one a row."
            )
        return mean(rows * weight)

    function.by_row = public()(by_row)  # type: ignore[attr-defined]
    return function  # type: ignore[return-value]


def _by_row(x: Tensor) -> Tensor:
    """The mean over all axes but the first."""
    return mean(reshape(x, (x.shape[0], math.prod(x.shape[1:]))), -1) if x.ndim > 1 else x


def _alike(name: str, target: Tensor, prediction: Tensor) -> None:
    if target.shape != prediction.shape:
        raise ShapeError(
            f"{name}: the target has shape {target.shape} and the prediction {prediction.shape}. Give them the same shape."
        )


def _elementwise(by_element: Callable[..., Tensor]) -> Loss:
    """A loss of a function of elements."""

    @functools.wraps(by_element)
    def by_row(target: Tensor, prediction: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        _alike(by_element.__name__, target, prediction)
        return _by_row(by_element(target, prediction, *args, **kwargs))

    return loss(by_row, by_element)


# Of numbers.


@_elementwise
def mean_squared_error(target: Tensor, prediction: Tensor) -> Tensor:
    """(prediction - target)²."""
    return square(prediction - target)


@_elementwise
def mean_absolute_error(target: Tensor, prediction: Tensor) -> Tensor:
    """|prediction - target|."""
    return abs(prediction - target)


@_elementwise
def huber(target: Tensor, prediction: Tensor, delta: float = 1.0) -> Tensor:
    """Half the square of errors up to ``delta``, linear beyond. Huber, "Robust estimation of a location parameter", 1964."""
    error = abs(prediction - target)
    near = minimum(error, delta)
    return near * (error - 0.5 * near)


@_elementwise
def log_cosh(target: Tensor, prediction: Tensor) -> Tensor:
    """log(cosh(prediction - target)), without overflow."""
    error = prediction - target
    return error + softplus(-2.0 * error) - math.log(2)


@_elementwise
def quantile(target: Tensor, prediction: Tensor, q: float = 0.5) -> Tensor:
    """The pinball loss, whose minimum is the quantile ``q``. Koenker and Bassett, "Regression quantiles", 1978."""
    error = target - prediction
    return maximum(q * error, (q - 1) * error)


@_elementwise
def poisson(target: Tensor, prediction: Tensor) -> Tensor:
    """prediction - target·log(prediction), of counts and their positive means."""
    return prediction - target * log(prediction + _SMALLEST)


@_elementwise
def gamma(target: Tensor, prediction: Tensor) -> Tensor:
    """target/prediction + log(prediction), of positive numbers and their positive means: the gamma deviance's part."""
    return target / prediction + log(prediction)


@loss
def gaussian_nll(target: Tensor, prediction: Tensor) -> Tensor:
    """½(log σ² + (target - μ)²/σ²); the last axis of the prediction has first the means, then as many log σ²."""
    n = target.shape[-1] if target.ndim else 0
    if prediction.shape != (*target.shape[:-1], 2 * n):
        raise ShapeError(
            f"gaussian_nll: the target has shape {target.shape} and the prediction {prediction.shape}. "
            f"Predict twice as many numbers along the last axis: means, then logarithms of variances."
        )
    center, log_variance = prediction[..., :n], prediction[..., n:]
    return _by_row(0.5 * (log_variance + square(target - center) * exp(-log_variance)))


@loss
def cosine_similarity(target: Tensor, prediction: Tensor) -> Tensor:
    """The negative cosine of the angle between the last axes: -1 where they point alike."""
    _alike("cosine_similarity", target, prediction)
    lengths = sqrt(maximum(sum(square(target), -1) * sum(square(prediction), -1), 1e-24))
    return _by_row(-sum(target * prediction, -1) / lengths)


# Of classes.


@_elementwise
def binary_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False, label_smoothing: float = 0.0) -> Tensor:
    """-target·log(p) - (1 - target)·log(1 - p) of probabilities p, or of their logits, without overflow."""
    target = target * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else target
    if from_logits:
        return softplus(prediction) - target * prediction
    p = clip(prediction, _SMALLEST, 1 - _SMALLEST)
    return -(target * log(p) + (1 - target) * log(1 - p))


@loss
def categorical_crossentropy(
    target: Tensor, prediction: Tensor, from_logits: bool = False, label_smoothing: float = 0.0
) -> Tensor:
    """-Σ target·log(p) over the last axis, of probabilities p, or of their logits, without overflow."""
    _alike("categorical_crossentropy", target, prediction)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[-1]
    return _by_row(-sum(target * _log_probabilities(prediction, from_logits), -1))


@loss
def sparse_categorical_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False) -> Tensor:
    """-log of the probability of the class that the integer ``target`` names, from 0 on."""
    if target.shape != prediction.shape[:-1]:
        raise ShapeError(
            f"sparse_categorical_crossentropy: the target has shape {target.shape} and the prediction {prediction.shape}. "
            f"Give one class a row, and a number for each class."
        )
    hit = equal(expand_dims(target, -1), np.arange(prediction.shape[-1]))
    return _by_row(-sum(where(hit, _log_probabilities(prediction, from_logits), 0.0), -1))


@loss
def kl_divergence(target: Tensor, prediction: Tensor) -> Tensor:
    """Σ target·log(target / prediction) over the last axis, of probabilities."""
    _alike("kl_divergence", target, prediction)
    p, q = (clip(x, _SMALLEST, 1.0) for x in (target, prediction))
    return _by_row(sum(p * log(p / q), -1))


@_elementwise
def hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """max(1 - target·prediction, 0), of targets -1 and 1; 0 counts as -1."""
    sign = where(equal(target, 0), -1.0, target)
    return relu(1.0 - sign * prediction)


@loss
def softmax_cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """-Σ target·log softmax(logits) over the last axis, of targets (rows, classes) whose rows sum to 1, without overflow."""
    return logsumexp(logits, axis=-1) - sum(logits * target, axis=-1)


def _log_probabilities(prediction: Tensor, from_logits: bool) -> Tensor:
    return log_softmax(prediction, -1) if from_logits else log(clip(prediction, _SMALLEST, 1.0))


LOSSES: dict[str, Loss] = {
    "mse": mean_squared_error, "mean_squared_error": mean_squared_error,
    "mae": mean_absolute_error, "mean_absolute_error": mean_absolute_error,
    "huber": huber, "log_cosh": log_cosh, "quantile": quantile, "poisson": poisson, "gamma": gamma,
    "gaussian_nll": gaussian_nll, "cosine_similarity": cosine_similarity, "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy, "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "kl_divergence": kl_divergence, "hinge": hinge,
}  # fmt: skip


def get(name: str | Loss) -> Loss:
    """A loss by name, or a loss itself. Raises ArgumentError for an unknown name."""
    if callable(name):
        return name
    return by_name("loss", name, LOSSES)
