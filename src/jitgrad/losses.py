"""Losses: scalar costs of predictions, made of the ops of the table.

Each takes ``(target, prediction)``, has the rows along the first axis, and returns the mean over rows of a row's loss, which is
the mean over its elements; with ``sample_weight``, an array of a number a row, the mean of the weighted losses. The names are
Keras's. ``loss.by_row(target, prediction)`` gives each row's loss. Options of a loss are bound with
``functools.partial(losses.huber, delta=0.1)``.

Cross-entropies of a softmax or sigmoid that was just computed are those of its logits, without overflow.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from jitgrad.arguments import by_name
from jitgrad.errors import ArgumentError, DataError, ShapeError
from jitgrad.functions import networks
from jitgrad.functions.elementwise import clip
from jitgrad.functions.reductions import log_of_softmax, log_softmax, mean, sum
from jitgrad.functions.shapes import expand_dims, reshape
from jitgrad.ops.elementwise import (
    abs,
    equal,
    exp,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    sqrt,
    square,
    where,
)
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, op_of
from jitgrad.tape.trace import checked

_SMALLEST = 1e-7  # probabilities are kept this far from 0 and 1, as Keras does


_SPARSE = "sparse_categorical_crossentropy"


class Loss(Protocol):
    """What a loss is."""

    by_row: Callable[..., Tensor]
    __name__: str

    def __call__(self, target: Any, prediction: Any, *args: Any, sample_weight: Any = None, **kwargs: Any) -> Tensor:
        """The mean over rows."""


def loss(by_row: Callable[..., Tensor], by_element: Callable[..., Tensor] | None = None) -> Loss:
    """Make a loss of a function of Tensors that returns the losses of the rows; of elements, if it is their mean."""

    name = by_row.__name__

    @public()
    @functools.wraps(by_row)
    def rows_of(target: Any, prediction: Any, *args: Any, **kwargs: Any) -> Tensor:
        target, prediction = as_tensor(target), as_tensor(prediction)
        return by_row(_told(name, target, prediction), prediction, *args, **kwargs)

    @public()
    @functools.wraps(by_row)
    def function(target: Any, prediction: Any, *args: Any, sample_weight: Any = None, **kwargs: Any) -> Tensor:
        prediction = as_tensor(prediction)
        target = aligned(target, prediction)
        if sample_weight is None and by_element is not None:
            alike(name, target, prediction)
            return mean(by_element(_told(name, target, prediction), prediction, *args, **kwargs))
        rows = rows_of(target, prediction, *args, **kwargs)
        if sample_weight is None:
            return mean(rows)
        weight = as_tensor(sample_weight)
        if weight.shape != rows.shape:
            raise ShapeError(f"{name}: sample_weight has shape {weight.shape} for {rows.shape} rows. Give one a row.")
        return mean(rows * weight)

    function.by_row = rows_of  # type: ignore[attr-defined]
    _LOSSES.append(function)
    return function  # type: ignore[return-value]


_LOSSES: list[Any] = []


def by_row_of(f: Any) -> Callable[..., Any]:
    """Of a loss, with options bound or not, the function that returns the losses of the rows; anything else itself.

    A wrapper made by ``functools.wraps`` has the attributes of the loss that it wraps, and is another function.
    """
    if isinstance(f, functools.partial):
        return functools.partial(by_row_of(f.func), *f.args, **f.keywords)
    rows: Callable[..., Any] = f.by_row if any(f is loss for loss in _LOSSES) else f
    return rows


def _told(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """Targets that the loss has a meaning for, or nan. Classes are seen to where their shape is known."""
    told: Tensor = target if name == _SPARSE else meaningful(name, target, prediction, target)
    return told


def aligned(target: Any, prediction: Tensor) -> Tensor:
    """The target with the prediction's last axis of one number, or without its own, where only that tells them apart."""
    target = as_tensor(target)
    if prediction.shape == (*target.shape, 1):
        return expand_dims(target, -1)
    return reshape(target, prediction.shape) if target.shape == (*prediction.shape, 1) else target


def classes_of(name: str, target: Tensor, prediction: Tensor) -> Tensor:
    """Targets as one class a row of predictions, which have a number for each. Raises ShapeError for another shape."""
    if target.shape == (*prediction.shape[:-1], 1):
        return reshape(target, prediction.shape[:-1])
    if target.shape != prediction.shape[:-1]:
        raise ShapeError(
            f"{name}: the target has shape {target.shape} and the prediction {prediction.shape}. "
            f"Give one class a row, and a number for each class."
        )
    return target


def _by_row(x: Tensor) -> Tensor:
    """The mean over all axes but the first."""
    return mean(reshape(x, (x.shape[0], math.prod(x.shape[1:]))), -1) if x.ndim > 1 else x


def alike(name: str, target: Tensor, prediction: Tensor) -> None:
    """Raise ShapeError where two shapes differ."""
    if target.shape != prediction.shape:
        raise ShapeError(
            f"{name}: the target has shape {target.shape} and the prediction {prediction.shape}. Give them the same shape."
        )


def _elementwise(by_element: Callable[..., Tensor]) -> Loss:
    """A loss of a function of elements."""

    @functools.wraps(by_element)
    def by_row(target: Tensor, prediction: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        alike(by_element.__name__, target, prediction)
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
    alike("cosine_similarity", target, prediction)
    lengths = sqrt(maximum(sum(square(target), -1) * sum(square(prediction), -1), 1e-24))
    return _by_row(-sum(target * prediction, -1) / lengths)


# Of classes.


@_elementwise
def binary_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False, label_smoothing: float = 0.0) -> Tensor:
    """-target·log(p) - (1 - target)·log(1 - p) of probabilities p, or of their logits, without overflow."""
    target = target * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else target
    if op_of(prediction) is sigmoid:  # just recorded: from its logits nothing overflows or vanishes
        prediction, from_logits = prediction.inputs[0], True
    if from_logits:
        return softplus(prediction) - target * prediction
    p = clip(prediction, _SMALLEST, 1 - _SMALLEST)
    return -(target * log(p) + (1 - target) * log(1 - p))


@loss
def categorical_crossentropy(
    target: Tensor, prediction: Tensor, from_logits: bool = False, label_smoothing: float = 0.0
) -> Tensor:
    """-Σ target·log(p) over the last axis, of probabilities p, or of their logits, without overflow.

    Probabilities are divided by their sum first, as Keras does.
    """
    alike("categorical_crossentropy", target, prediction)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[-1]
    logarithms = log_softmax(prediction, -1) if from_logits else _log_probabilities(prediction)
    return _by_row(-sum(target * logarithms, -1))


@loss
def sparse_categorical_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False) -> Tensor:
    """-log of the probability of the class that the integer ``target`` names, from 0 on, as in ``categorical_crossentropy``."""
    target = classes_of(_SPARSE, target, prediction)
    if from_logits:
        rows = networks.class_losses(target, prediction)
    else:
        hit = equal(expand_dims(target, -1), _first(prediction.shape[-1]))
        rows = -sum(where(hit, _log_probabilities(prediction), 0.0), -1)
    return _by_row(meaningful(_SPARSE, target, prediction, rows))


@functools.lru_cache(maxsize=64)
def _first(classes: int) -> Tensor:
    return as_tensor(np.arange(classes))


@loss
def kl_divergence(target: Tensor, prediction: Tensor) -> Tensor:
    """Σ target·log(target / prediction) over the last axis, of probabilities."""
    alike("kl_divergence", target, prediction)
    p, q = (clip(x, _SMALLEST, 1.0) for x in (target, prediction))
    return _by_row(sum(p * log(p / q), -1))


@_elementwise
def hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """max(1 - target·prediction, 0), of targets -1 and 1; 0 counts as -1."""
    sign = where(equal(target, 0), -1.0, target)
    return relu(1.0 - sign * prediction)


def _log_probabilities(prediction: Tensor) -> Tensor:
    """The logarithms of the probabilities along the last axis; of a softmax that was just recorded, from its logits."""
    known = log_of_softmax(prediction)
    if known is not None:
        return known
    return log(clip(prediction / sum(prediction, -1, keepdims=True), _SMALLEST, 1 - _SMALLEST))


LOSSES: dict[str, Loss] = {
    "mse": mean_squared_error, "mean_squared_error": mean_squared_error,
    "mae": mean_absolute_error, "mean_absolute_error": mean_absolute_error,
    "huber": huber, "log_cosh": log_cosh, "quantile": quantile, "poisson": poisson, "gamma": gamma,
    "gaussian_nll": gaussian_nll, "cosine_similarity": cosine_similarity, "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy, "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "kl_divergence": kl_divergence, "hinge": hinge,
}  # fmt: skip


def get(name: str | Callable[..., Any]) -> Callable[..., Any]:
    """A loss by name, or a function itself. Raises ArgumentError for an unknown name."""
    if callable(name):
        return name
    return by_name("loss", name, LOSSES, also=", or a function of targets and predictions")


def weighted(cost: Callable[..., Any], target: Any, prediction: Any, sample_weight: Any) -> Tensor:
    """One number of a loss of this module, or of a function of a target and a prediction that returns one, or one a row.

    Raises ArgumentError where there are weights for the rows and the function returns one number for all of them.
    """
    if is_own(cost):
        made: Tensor = cost(target, prediction, sample_weight=sample_weight)
        return made
    if isinstance(prediction, Operators):
        target = aligned(target, as_tensor(prediction))
    made = as_tensor(cost(target, prediction))
    if made.ndim and sample_weight is None:
        return mean(made)
    if made.ndim:
        return mean(_by_row(made) * as_tensor(sample_weight))
    if sample_weight is not None:
        raise ArgumentError(
            f"The loss {name_of(cost)} returns one number for all rows, so they cannot be weighted. Return one a row."
        )
    return made


def name_of(cost: Callable[..., Any]) -> str:
    """The name of a loss, with its options bound or not."""
    return getattr(_plain(cost), "__name__", type(cost).__name__)


def _plain(cost: Callable[..., Any]) -> Callable[..., Any]:
    return cost.func if isinstance(cost, functools.partial) else cost


_TARGETS: dict[str, tuple[Callable[[Any, int], Any], str]] = {
    "sparse_categorical_crossentropy": (
        lambda y, classes: (y < 0) | (y >= classes) | (y != np.floor(y)),
        "no class from 0 to {last}: the model predicts {classes}",
    ),
    "categorical_crossentropy": (lambda y, _: (y < 0) | (y > 1), "no probability"),
    "kl_divergence": (lambda y, _: (y < 0) | (y > 1), "no probability"),
    "binary_crossentropy": (lambda y, _: (y < 0) | (y > 1), "not between 0 and 1"),
    "hinge": (lambda y, _: (y != 0) & (y != 1) & (y != -1), "not -1, 0 or 1"),
    "poisson": (lambda y, _: y < 0, "negative"),
    "gamma": (lambda y, _: y <= 0, "not positive"),
}  # fmt: skip
"""Which targets a loss has no meaning for, beside nan."""


def meaningful(name: str, target: Tensor, prediction: Tensor, value: Any) -> Any:
    """``value``, for targets that the loss ``name`` has a meaning for.

    Where they are known, or the inputs of what is traced, another is a DataError with its row; else its value is nan.
    """
    if name not in _TARGETS:
        return value
    has_none, _ = _TARGETS[name]
    classes = prediction.shape[-1] if prediction.ndim else 0
    if checked(target, functools.partial(_check_targets, name, classes), "The target"):
        return value
    return where(has_none(target, classes), math.nan, value)


def _check_targets(loss_name: str, classes: int, name: str, target: np.ndarray) -> None:
    has_none, what = _TARGETS[loss_name]
    wrong = has_none(target, classes)
    if wrong.any():
        found = np.argwhere(wrong)
        said = what.format(last=classes - 1, classes=classes)
        row = f" in row {found[0][0]}" if target.ndim else ""
        raise DataError(
            f"{name} has {target[tuple(found[0])]}{row}, which is {said}. Correct it, or choose another loss than {loss_name}."
        )


def is_own(cost: Any) -> bool:
    """Whether it is a loss of this module, with options bound or not."""
    return hasattr(_plain(cost), "by_row")
