"""Losses of classes. Cross-entropies of a softmax or sigmoid that was just computed are those of its logits."""

from __future__ import annotations

import functools

import numpy as np

from jitgrad.functions import networks
from jitgrad.functions.elementwise import clip
from jitgrad.functions.extremes import max
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims
from jitgrad.functions.softmax import log_of_softmax, log_softmax
from jitgrad.losses.loss import SMALLEST, alike, classes_of, elementwise, loss, mean_of_row
from jitgrad.losses.targets import SPARSE, meaningful
from jitgrad.ops.elementwise import equal, exp, log, relu, sigmoid, softplus, square, where
from jitgrad.tape.tensor import Tensor, as_tensor, op_of


@elementwise
def binary_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False, label_smoothing: float = 0.0) -> Tensor:
    """-target·log(p) - (1 - target)·log(1 - p) of probabilities p, or of their logits, without overflow."""
    target = target * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else target
    prediction, from_logits = _logits_of(prediction, from_logits)
    if from_logits:
        return softplus(prediction) - target * prediction
    p = clip(prediction, SMALLEST, 1 - SMALLEST)
    return -(target * log(p) + (1 - target) * log(1 - p))


def _logits_of(prediction: Tensor, from_logits: bool) -> tuple[Tensor, bool]:
    """What a sigmoid was just recorded of, from which nothing overflows or vanishes, or the prediction itself."""
    return (prediction.inputs[0], True) if op_of(prediction) is sigmoid else (prediction, from_logits)


@elementwise
def binary_focal_crossentropy(
    target: Tensor, prediction: Tensor, alpha: float | None = None, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """The binary cross-entropy times (1 - p)^gamma, with p the probability of what is true; as Keras's.

    Where there is an alpha, that of target 1 counts alpha, that of 0 1 - alpha. Lin et al., "Focal loss for dense object
    detection", 2017.
    """
    target = target * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else target
    prediction, from_logits = _logits_of(prediction, from_logits)
    if from_logits:
        cross, p = softplus(prediction) - target * prediction, sigmoid(prediction)
    else:
        p = clip(prediction, SMALLEST, 1 - SMALLEST)
        cross = -(target * log(p) + (1 - target) * log(1 - p))
    focal = (target * (1 - p) + (1 - target) * p) ** gamma * cross
    return focal if alpha is None else (target * alpha + (1 - target) * (1 - alpha)) * focal


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
    return mean_of_row(-sum(target * logarithms, -1))


@loss
def categorical_focal_crossentropy(
    target: Tensor, prediction: Tensor, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """The categorical cross-entropy with alpha·(1 - p)^gamma for each class of probability p, as Keras's.

    See ``binary_focal_crossentropy``.
    """
    alike("categorical_focal_crossentropy", target, prediction)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[-1]
    logarithms = log_softmax(prediction, -1) if from_logits else _log_probabilities(prediction)
    return mean_of_row(-sum(alpha * (1 - exp(logarithms)) ** gamma * target * logarithms, -1))


@loss
def sparse_categorical_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False) -> Tensor:
    """-log of the probability of the class that the integer ``target`` names, from 0 on, as in ``categorical_crossentropy``."""
    target = classes_of(SPARSE, target, prediction)
    if from_logits:
        rows = networks.class_losses(target, prediction)
    else:
        hit = equal(expand_dims(target, -1), _first(prediction.shape[-1]))
        rows = -sum(where(hit, _log_probabilities(prediction), 0.0), -1)
    return mean_of_row(meaningful(SPARSE, target, prediction, rows))


@functools.lru_cache(maxsize=64)
def _first(classes: int) -> Tensor:
    return as_tensor(np.arange(classes))


@loss
def kl_divergence(target: Tensor, prediction: Tensor) -> Tensor:
    """Σ target·log(target / prediction) over the last axis, of probabilities."""
    alike("kl_divergence", target, prediction)
    p, q = (clip(x, SMALLEST, 1.0) for x in (target, prediction))
    return mean_of_row(sum(p * log(p / q), -1))


@elementwise
def hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """max(1 - target·prediction, 0), of targets -1 and 1; 0 counts as -1."""
    sign = where(equal(target, 0), -1.0, target)
    return relu(1.0 - sign * prediction)


@elementwise
def squared_hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """The square of ``hinge``."""
    sign = where(equal(target, 0), -1.0, target)
    return square(relu(1.0 - sign * prediction))


@loss
def categorical_hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """max(1 + the largest prediction of other classes - that of the class, 0), of targets with a 1 for it, as Keras's.

    Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector machines", 2001.
    """
    alike("categorical_hinge", target, prediction)
    own, other = sum(target * prediction, -1), max((1 - target) * prediction, -1)
    return mean_of_row(relu(other - own + 1.0))


def _log_probabilities(prediction: Tensor) -> Tensor:
    """The logarithms of the probabilities along the last axis; of a softmax that was just recorded, from its logits."""
    known = log_of_softmax(prediction)
    if known is not None:
        return known
    return log(clip(prediction / sum(prediction, -1, keepdims=True), SMALLEST, 1 - SMALLEST))
