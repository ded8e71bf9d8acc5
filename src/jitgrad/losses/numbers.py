"""Losses of numbers."""

from __future__ import annotations

import math

from jitgrad.errors import ShapeError
from jitgrad.functions import criteria
from jitgrad.functions.reductions import sum
from jitgrad.losses.loss import SMALLEST, alike, elementwise, loss, mean_of_row
from jitgrad.ops.elementwise import abs, exp, log, maximum, softplus, sqrt, square
from jitgrad.tape.tensor import Tensor


@elementwise
def mean_squared_error(target: Tensor, prediction: Tensor) -> Tensor:
    """(prediction - target)²."""
    return square(prediction - target)


@elementwise
def mean_absolute_error(target: Tensor, prediction: Tensor) -> Tensor:
    """|prediction - target|."""
    return abs(prediction - target)


@elementwise
def huber(target: Tensor, prediction: Tensor, delta: float = 1.0) -> Tensor:
    """Half the square of errors up to ``delta``, linear beyond. Huber, "Robust estimation of a location parameter", 1964."""
    return criteria.huber(prediction, target, delta)


@elementwise
def smooth_l1(target: Tensor, prediction: Tensor, beta: float = 1.0) -> Tensor:
    """``huber`` over its delta, called beta: slope 1 beyond it. Girshick, "Fast R-CNN", 2015; as in PyTorch."""
    return criteria.smooth_absolute(prediction, target, beta)


@elementwise
def mean_absolute_percentage_error(target: Tensor, prediction: Tensor) -> Tensor:
    """100·|prediction - target| / |target|."""
    return 100.0 * abs(prediction - target) / maximum(abs(target), SMALLEST)


@elementwise
def mean_squared_logarithmic_error(target: Tensor, prediction: Tensor) -> Tensor:
    """(log(1 + prediction) - log(1 + target))², of numbers from 0 on; what is below counts as 0."""
    ours, known = (log(1.0 + maximum(x, SMALLEST)) for x in (prediction, target))
    return square(ours - known)


@elementwise
def log_cosh(target: Tensor, prediction: Tensor) -> Tensor:
    """log(cosh(prediction - target)), without overflow."""
    error = prediction - target
    return error + softplus(-2.0 * error) - math.log(2)


@elementwise
def quantile(target: Tensor, prediction: Tensor, q: float = 0.5) -> Tensor:
    """The pinball loss, whose minimum is the quantile ``q``. Koenker and Bassett, "Regression quantiles", 1978."""
    error = target - prediction
    return maximum(q * error, (q - 1) * error)


@elementwise
def poisson(target: Tensor, prediction: Tensor) -> Tensor:
    """prediction - target·log(prediction), of counts and their positive means."""
    return prediction - target * log(prediction + SMALLEST)


@elementwise
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
    return mean_of_row(0.5 * (log_variance + square(target - center) * exp(-log_variance)))


@loss
def cosine_similarity(target: Tensor, prediction: Tensor) -> Tensor:
    """The negative cosine of the angle between the last axes: -1 where they point alike."""
    alike("cosine_similarity", target, prediction)
    lengths = sqrt(maximum(sum(square(target), -1) * sum(square(prediction), -1), 1e-24))
    return mean_of_row(-sum(target * prediction, -1) / lengths)
