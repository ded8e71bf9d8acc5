"""Losses for regression."""

from __future__ import annotations

import math

from jitgrad.functions import criteria
from jitgrad.functions.reductions import sum
from jitgrad.losses.loss import SMALLEST, alike, elementwise, loss, mean_of_row
from jitgrad.ops.elementwise import abs, log, maximum, softplus, sqrt, square
from jitgrad.tape.tensor import Tensor


@elementwise
def mean_squared_error(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the mean squared error, the mean of ``(prediction - target)²``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. One of the two may have an additional last axis of size
        1.
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

    See Also
    --------
    mean_absolute_error : Loss that is less sensitive to outliers.
    huber : Loss that is quadratic for small errors and linear for large ones.

    Examples
    --------
    >>> jg.losses.mean_squared_error([1.0, 2.0], [1.0, 4.0])
    <Tensor shape=() dtype=float64 2.>

    The loss of each row:

    >>> jg.losses.mean_squared_error.by_row([1.0, 2.0], [1.0, 4.0])
    <Tensor shape=(2,) dtype=float64 [0. 4.]>
    """
    return square(prediction - target)


@elementwise
def mean_absolute_error(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the mean absolute error, the mean of ``|prediction - target|``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. One of the two may have an additional last axis of size
        1.
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

    See Also
    --------
    mean_squared_error : Loss that penalizes large errors more.

    Examples
    --------
    >>> jg.losses.mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    <Tensor shape=() dtype=float64 1.>
    """
    return abs(prediction - target)


@elementwise
def huber(target: Tensor, prediction: Tensor, delta: float = 1.0) -> Tensor:
    """Compute the Huber loss, which is quadratic for small errors and linear for large ones.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. One of the two may have an additional last axis of size
        1.
    delta : float, default 1.0
        Size of the error at which the loss becomes linear.
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

    See Also
    --------
    smooth_l1 : The Huber loss divided by its threshold.

    Notes
    -----
    With the error e = prediction - target, the loss of an element is::

        ½·e²                 if |e| ≤ delta
        delta·(|e| - ½·delta)  otherwise

    Huber, "Robust estimation of a location parameter", 1964.

    Examples
    --------
    >>> jg.losses.huber([1.0, 2.0], [1.5, 5.0])
    <Tensor shape=() dtype=float64 1.3125>

    To compile a model with another `delta`, bind it:

    >>> from functools import partial
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile("adam", partial(jg.losses.huber, delta=0.1))
    """
    return criteria.huber(prediction, target, delta)


@elementwise
def smooth_l1(target: Tensor, prediction: Tensor, beta: float = 1.0) -> Tensor:
    """Compute the smooth L1 loss: the Huber loss divided by its threshold, as in PyTorch.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. One of the two may have an additional last axis of size
        1.
    beta : float, default 1.0
        Size of the error at which the loss becomes linear. Its slope there is 1.
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

    See Also
    --------
    huber : The smooth L1 loss times its threshold.

    Notes
    -----
    Girshick, "Fast R-CNN", 2015.

    Examples
    --------
    >>> jg.losses.smooth_l1([1.0, 2.0], [1.5, 5.0], beta=0.5)
    <Tensor shape=() dtype=float64 1.5>
    """
    return criteria.smooth_absolute(prediction, target, beta)


@elementwise
def mean_absolute_percentage_error(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the mean absolute percentage error, the mean of ``100·|prediction - target| / |target|``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. One of the two may have an additional last axis of size
        1.
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

    Notes
    -----
    Absolute targets below 1e-7 are replaced by 1e-7, as in Keras.

    Examples
    --------
    >>> jg.losses.mean_absolute_percentage_error([1.0, 2.0], [1.1, 1.6])
    <Tensor shape=() dtype=float64 15.>
    """
    return 100.0 * abs(prediction - target) / maximum(abs(target), SMALLEST)


@elementwise
def mean_squared_logarithmic_error(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the mean squared logarithmic error, the mean of ``(log(1 + prediction) - log(1 + target))²``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values. Values below 1e-7 count as 1e-7.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. Values below 1e-7 count as 1e-7.
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

    Examples
    --------
    >>> jg.losses.mean_squared_logarithmic_error([0.0, 9.0], [1.0, 9.0])
    <Tensor shape=() dtype=float64 0.24022644>
    """
    ours, known = (log(1.0 + maximum(x, SMALLEST)) for x in (prediction, target))
    return square(ours - known)


@elementwise
def log_cosh(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the log-cosh loss, the mean of ``log(cosh(prediction - target))``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. One of the two may have an additional last axis of size
        1.
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

    Notes
    -----
    The loss is about ½·e² for small errors e and ``|e| - log(2)`` for large ones. It is computed without
    overflow.

    Examples
    --------
    >>> jg.losses.log_cosh([1.0, 2.0], [1.0, 4.0])
    <Tensor shape=() dtype=float64 0.66250137>
    """
    error = prediction - target
    return error + softplus(-2.0 * error) - math.log(2)


@elementwise
def quantile(target: Tensor, prediction: Tensor, q: float = 0.5) -> Tensor:
    """Compute the pinball loss, which is minimized by a quantile.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values.
    prediction : array_like, shape (rows, ...)
        Predicted values, of the same shape as `target`. One of the two may have an additional last axis of size
        1.
    q : float, default 0.5
        The quantile, between 0 and 1. For 0.5, the median, the loss is half the absolute error.
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

    Notes
    -----
    With e = target - prediction, the loss of an element is ``max(q·e, (q - 1)·e)``.

    Koenker and Bassett, "Regression quantiles", 1978.

    Examples
    --------
    >>> jg.losses.quantile([1.0, 2.0], [1.0, 4.0], q=0.9)
    <Tensor shape=() dtype=float64 0.1>
    """
    error = target - prediction
    return maximum(q * error, (q - 1) * error)


@loss
def cosine_similarity(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the negative cosine similarity along the last axis.

    Parameters
    ----------
    target : array_like, shape (rows, ..., n)
        True vectors.
    prediction : array_like, shape (rows, ..., n)
        Predicted vectors.
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean over the rows, a scalar from -1 (same direction) to 1 (opposite directions).

    Raises
    ------
    ShapeError
        If the shapes of `target` and `prediction` differ.

    Examples
    --------
    >>> jg.losses.cosine_similarity([[1.0, 0.0]], [[3.0, 4.0]])
    <Tensor shape=() dtype=float64 -0.6>
    """
    alike("cosine_similarity", target, prediction)
    lengths = sqrt(maximum(sum(square(target), -1) * sum(square(prediction), -1), 1e-24))
    return mean_of_row(-sum(target * prediction, -1) / lengths)
