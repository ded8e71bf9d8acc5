"""Losses for classification.

After a softmax or a sigmoid, the cross-entropy is computed from the logits, so it does not overflow.
"""

from __future__ import annotations

import functools

import numpy as np

from jitgrad.functions import networks
from jitgrad.functions.elementwise import clip
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import expand_dims
from jitgrad.functions.softmax import log_of_softmax, log_softmax
from jitgrad.losses.loss import SMALLEST, alike, classes_of, elementwise, loss, mean_of_row
from jitgrad.losses.targets import SPARSE, meaningful
from jitgrad.ops.elementwise import equal, exp, log, sigmoid, softplus, where
from jitgrad.tape.tensor import Tensor, as_tensor, op_of


@elementwise
def binary_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False, label_smoothing: float = 0.0) -> Tensor:
    """Compute the binary cross-entropy, the mean of ``-(target·log(p) + (1 - target)·log(1 - p))``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values, from 0 to 1.
    prediction : array_like, shape (rows, ...)
        Predicted probabilities of class 1, or logits, of the same shape as `target`.
    from_logits : bool, default False
        Whether `prediction` contains logits instead of probabilities.
    label_smoothing : float, default 0.0
        Amount s of label smoothing: a target y becomes ``(1 - s)·y + s/2``.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean loss over the rows, a scalar.

    Raises
    ------
    ShapeError
        If the shapes of `target` and `prediction` differ.
    DataError
        If a target is not in the range of the loss.

    See Also
    --------
    categorical_crossentropy : Cross-entropy for several classes, with one-hot targets.
    binary_focal_crossentropy : Gives less weight to rows that are already predicted well.

    Notes
    -----
    If `prediction` is the result of a sigmoid, or `from_logits` is set, the loss is computed from the logits
    without overflow. Other probabilities are clipped to [1e-7, 1 - 1e-7], as in Keras.

    Examples
    --------
    >>> jg.losses.binary_crossentropy([1.0, 0.0], [0.9, 0.2])
    <Tensor shape=() dtype=float64 0.16425203>
    >>> jg.losses.binary_crossentropy([1.0, 0.0], [1000.0, -1000.0], from_logits=True)
    <Tensor shape=() dtype=float64 0.>
    """
    target = target * (1 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else target
    prediction, from_logits = _logits_of(prediction, from_logits)
    if from_logits:
        return softplus(prediction) - target * prediction
    p = clip(prediction, SMALLEST, 1 - SMALLEST)
    return -(target * log(p) + (1 - target) * log(1 - p))


def _logits_of(prediction: Tensor, from_logits: bool) -> tuple[Tensor, bool]:
    """Return the logits and True if a sigmoid computed the prediction, otherwise the arguments themselves."""
    return (prediction.inputs[0], True) if op_of(prediction) is sigmoid else (prediction, from_logits)


@elementwise
def binary_focal_crossentropy(
    target: Tensor, prediction: Tensor, alpha: float | None = None, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """Compute the binary cross-entropy times ``(1 - p)^gamma``, where p is the probability of the true class.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values, from 0 to 1.
    prediction : array_like, shape (rows, ...)
        Predicted probabilities of class 1, or logits, of the same shape as `target`.
    alpha : float, optional
        Weight of targets 1; targets 0 are weighted by 1 - alpha. By default, both have weight 1.
    gamma : float, default 2.0
        Exponent. If it is 0, the result is the binary cross-entropy.
    from_logits : bool, default False
        Whether `prediction` contains logits instead of probabilities.
    label_smoothing : float, default 0.0
        Amount s of label smoothing: a target y becomes ``(1 - s)·y + s/2``.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean loss over the rows, a scalar.

    Raises
    ------
    ShapeError
        If the shapes of `target` and `prediction` differ.
    DataError
        If a target is not in the range of the loss.

    See Also
    --------
    binary_crossentropy : The loss without the factor.

    Notes
    -----
    Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection", 2017. Values
    agree with Keras.

    Examples
    --------
    >>> jg.losses.binary_focal_crossentropy([1.0, 0.0], [0.9, 0.2])
    <Tensor shape=() dtype=float64 0.00498967>
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
    """Compute the categorical cross-entropy, the mean of ``-Σ target·log(p)`` over the classes.

    Parameters
    ----------
    target : array_like, shape (rows, ..., classes)
        True probabilities of the classes, for example one-hot vectors.
    prediction : array_like, shape (rows, ..., classes)
        Predicted probabilities of the classes, or logits. Probabilities are first divided by their sum, as in
        Keras.
    from_logits : bool, default False
        Whether `prediction` contains logits instead of probabilities.
    label_smoothing : float, default 0.0
        Amount s of label smoothing: with n classes, a target y becomes ``(1 - s)·y + s/n``.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean loss over the rows, a scalar.

    Raises
    ------
    ShapeError
        If the shapes of `target` and `prediction` differ.
    DataError
        If a target is not in the range of the loss.

    See Also
    --------
    sparse_categorical_crossentropy : Takes classes as integers.

    Notes
    -----
    If `prediction` is the result of a softmax, or `from_logits` is set, the loss is computed from the logits
    without overflow. Other probabilities are clipped to [1e-7, 1 - 1e-7], as in Keras.

    Examples
    --------
    >>> jg.losses.categorical_crossentropy([[0.0, 1.0, 0.0]], [[0.1, 0.7, 0.2]])
    <Tensor shape=() dtype=float64 0.35667494>
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
    """Compute the categorical cross-entropy with the factor ``alpha·(1 - p)^gamma`` for a class of probability p.

    Parameters
    ----------
    target : array_like, shape (rows, ..., classes)
        True probabilities of the classes, for example one-hot vectors.
    prediction : array_like, shape (rows, ..., classes)
        Predicted probabilities of the classes, or logits. Probabilities are first divided by their sum, as in
        Keras.
    alpha : float, default 0.25
        Factor of the loss.
    gamma : float, default 2.0
        Exponent. If it is 0, the result is alpha times the categorical cross-entropy.
    from_logits : bool, default False
        Whether `prediction` contains logits instead of probabilities.
    label_smoothing : float, default 0.0
        Amount s of label smoothing: with n classes, a target y becomes ``(1 - s)·y + s/n``.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean loss over the rows, a scalar.

    Raises
    ------
    ShapeError
        If the shapes of `target` and `prediction` differ.
    DataError
        If a target is not in the range of the loss.

    See Also
    --------
    categorical_crossentropy : The loss without the factor.

    Notes
    -----
    Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection", 2017. Values
    agree with Keras.

    Examples
    --------
    >>> jg.losses.categorical_focal_crossentropy([[0.0, 1.0, 0.0]], [[0.1, 0.7, 0.2]])
    <Tensor shape=() dtype=float64 0.00802519>
    """
    alike("categorical_focal_crossentropy", target, prediction)
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / target.shape[-1]
    logarithms = log_softmax(prediction, -1) if from_logits else _log_probabilities(prediction)
    return mean_of_row(-sum(alpha * (1 - exp(logarithms)) ** gamma * target * logarithms, -1))


@loss
def sparse_categorical_crossentropy(target: Tensor, prediction: Tensor, from_logits: bool = False) -> Tensor:
    """Compute the categorical cross-entropy with classes given as integers.

    Parameters
    ----------
    target : array_like of int, shape (rows, ...) or (rows, ..., 1)
        Class of each row, from 0 to classes - 1.
    prediction : array_like, shape (rows, ..., classes)
        Predicted probabilities of the classes, or logits. Probabilities are first divided by their sum, as in
        Keras.
    from_logits : bool, default False
        Whether `prediction` contains logits instead of probabilities.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean loss over the rows, a scalar.

    Raises
    ------
    ShapeError
        If `target` does not have one class per row.
    DataError
        If a target is not an integer from 0 to classes - 1.

    See Also
    --------
    categorical_crossentropy : Takes one-hot targets.

    Notes
    -----
    If `prediction` is the result of a softmax, or `from_logits` is set, the loss is computed from the logits
    without overflow.

    Examples
    --------
    >>> jg.losses.sparse_categorical_crossentropy([1, 2], [[0.1, 0.7, 0.2], [0.2, 0.2, 0.6]])
    <Tensor shape=() dtype=float64 0.43375028>
    """
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
    """Compute the Kullback-Leibler divergence, the mean of ``Σ target·log(target / prediction)``.

    Parameters
    ----------
    target : array_like, shape (rows, ..., classes)
        True probabilities.
    prediction : array_like, shape (rows, ..., classes)
        Predicted probabilities.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean loss over the rows, a scalar.

    Raises
    ------
    ShapeError
        If the shapes of `target` and `prediction` differ.
    DataError
        If a target is not in the range of the loss.

    Notes
    -----
    The sum is over the last axis. Both arguments are clipped to [1e-7, 1], as in Keras.

    Kullback and Leibler, "On information and sufficiency", 1951.

    Examples
    --------
    >>> jg.losses.kl_divergence([[0.5, 0.5]], [[0.9, 0.1]])
    <Tensor shape=() dtype=float64 0.51082562>
    """
    alike("kl_divergence", target, prediction)
    p, q = (clip(x, SMALLEST, 1.0) for x in (target, prediction))
    return mean_of_row(sum(p * log(p / q), -1))


def _log_probabilities(prediction: Tensor) -> Tensor:
    """Return the logarithms of the probabilities along the last axis, computed from the logits after a softmax."""
    known = log_of_softmax(prediction)
    if known is not None:
        return known
    return log(clip(prediction / sum(prediction, -1, keepdims=True), SMALLEST, 1 - SMALLEST))
