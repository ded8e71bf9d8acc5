"""Margin losses for classification."""

from __future__ import annotations

from jitgrad.functions.extremes import max
from jitgrad.functions.reductions import sum
from jitgrad.losses.loss import alike, elementwise, loss, mean_of_row
from jitgrad.ops.elementwise import equal, relu, square, where
from jitgrad.tape.tensor import Tensor


@elementwise
def hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the hinge loss, the mean of ``max(1 - target·prediction, 0)``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values: -1 or 1. 0 counts as -1.
    prediction : array_like, shape (rows, ...)
        Predicted scores, of the same shape as `target`.
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
    squared_hinge : The square of the loss of each element.
    categorical_hinge : Hinge loss for several classes.

    Examples
    --------
    >>> jg.losses.hinge([1.0, -1.0], [0.5, -2.0])
    <Tensor shape=() dtype=float64 0.25>
    """
    sign = where(equal(target, 0), -1.0, target)
    return relu(1.0 - sign * prediction)


@elementwise
def squared_hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the squared hinge loss, the mean of ``max(1 - target·prediction, 0)²``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        True values: -1 or 1. 0 counts as -1.
    prediction : array_like, shape (rows, ...)
        Predicted scores, of the same shape as `target`.
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
    hinge : The loss without the square.

    Examples
    --------
    >>> jg.losses.squared_hinge([1.0, -1.0], [0.5, -2.0])
    <Tensor shape=() dtype=float64 0.125>
    """
    sign = where(equal(target, 0), -1.0, target)
    return square(relu(1.0 - sign * prediction))


@loss
def categorical_hinge(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the multiclass hinge loss.

    Parameters
    ----------
    target : array_like, shape (rows, ..., classes)
        One-hot vectors of the true classes.
    prediction : array_like, shape (rows, ..., classes)
        Predicted scores of the classes.
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
    hinge : Hinge loss for two classes.

    Notes
    -----
    The loss is ``max(1 + other - own, 0)``, where ``own`` is the score of the true class and ``other`` the
    largest score of the other classes.

    Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
    2001. As in Keras, the score of the true class is replaced by 0 in the maximum.

    Examples
    --------
    >>> jg.losses.categorical_hinge([[0.0, 1.0, 0.0]], [[0.5, 1.2, -1.0]])
    <Tensor shape=() dtype=float64 0.3>
    """
    alike("categorical_hinge", target, prediction)
    own, other = sum(target * prediction, -1), max((1 - target) * prediction, -1)
    return mean_of_row(relu(other - own + 1.0))
