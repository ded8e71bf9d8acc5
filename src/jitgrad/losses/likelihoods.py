"""Losses that are negative log-likelihoods."""

from __future__ import annotations

from jitgrad.errors import ShapeError
from jitgrad.losses.loss import SMALLEST, elementwise, loss, mean_of_row
from jitgrad.ops.elementwise import exp, log, square
from jitgrad.tape.tensor import Tensor


@elementwise
def poisson(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the Poisson loss, the mean of ``prediction - target·log(prediction)``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        Observed counts, nonnegative.
    prediction : array_like, shape (rows, ...)
        Predicted means, positive, of the same shape as `target`.
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
    This is the negative log-likelihood of the Poisson distribution without the term log(target!), which does
    not depend on the prediction. As in Keras, 1e-7 is added to the prediction inside the logarithm.

    Examples
    --------
    >>> jg.losses.poisson([0.0, 2.0], [1.0, 2.0])
    <Tensor shape=() dtype=float64 0.80685277>
    """
    return prediction - target * log(prediction + SMALLEST)


@elementwise
def gamma(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the gamma loss, the mean of ``target/prediction + log(prediction)``.

    Parameters
    ----------
    target : array_like, shape (rows, ...)
        Observed values, positive.
    prediction : array_like, shape (rows, ...)
        Predicted means, positive, of the same shape as `target`.
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
    This is half the deviance of the gamma distribution, up to terms that do not depend on the prediction.

    Examples
    --------
    >>> jg.losses.gamma([1.0, 2.0], [1.0, 4.0])
    <Tensor shape=() dtype=float64 1.44314718>
    """
    return target / prediction + log(prediction)


@loss
def gaussian_nll(target: Tensor, prediction: Tensor) -> Tensor:
    """Compute the negative log-likelihood of a normal distribution whose mean and variance are both predicted.

    Parameters
    ----------
    target : array_like, shape (rows, ..., n)
        True values.
    prediction : array_like, shape (rows, ..., 2·n)
        Along the last axis, the n means μ followed by the n logarithms of the variances, log σ².
    sample_weight : array_like, shape (rows,), optional
        Weight of each row. The result is then the mean of the weighted losses of the rows.

    Returns
    -------
    Tensor
        Mean loss over the rows, a scalar.

    Raises
    ------
    ShapeError
        If the last axis of `prediction` is not twice as long as the last axis of `target`.

    Notes
    -----
    The loss of an element is ``½·(log σ² + (target - μ)²/σ²)``: the negative log-likelihood without the
    constant ½·log(2π).

    Nix and Weigend, "Estimating the mean and variance of the target probability distribution",
    1994.

    Examples
    --------
    >>> jg.losses.gaussian_nll([[1.0], [2.0]], [[1.0, 0.0], [4.0, 0.0]])
    <Tensor shape=() dtype=float64 1.>
    """
    n = target.shape[-1] if target.ndim else 0
    if prediction.shape != (*target.shape[:-1], 2 * n):
        raise ShapeError(
            f"gaussian_nll: the target has shape {target.shape} and the prediction {prediction.shape}. "
            f"Predict twice as many numbers along the last axis: means, then logarithms of variances."
        )
    center, log_variance = prediction[..., :n], prediction[..., n:]
    return mean_of_row(0.5 * (log_variance + square(target - center) * exp(-log_variance)))
