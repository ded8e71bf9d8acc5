"""Sums, products, means and variances over axes."""

from __future__ import annotations

import builtins
import math
from typing import Any, Literal, overload

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.functions.axes import Axis, axes_of, axis_of, sequence
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import moveaxis, reshape, transpose
from jitgrad.ops import Op, linear
from jitgrad.ops.elementwise import sqrt, square
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.sum)
def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum of the elements over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The sums. Booleans are counted, so their sum is an int64.

    Raises
    ------
    AxisError
        If ``axis`` is out of range.

    See Also
    --------
    nansum, cumsum, mean, prod

    Examples
    --------
    >>> jg.sum([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=() dtype=float64 10.>
    >>> jg.sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    <Tensor shape=(2,) dtype=float64 [4. 6.]>
    """
    return _reduce(linear.sum, x, axis, keepdims)


@public(np.mean)
def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The means, as floats. The mean of no elements is nan.

    See Also
    --------
    average, median, nanmean, var

    Examples
    --------
    >>> jg.mean([[1.0, 2.0], [3.0, 4.0]], axis=1)
    <Tensor shape=(2,) dtype=float64 [1.5 3.5]>
    """
    x = as_tensor(x)
    axes = axes_of("mean", axis, x.ndim)
    return _reduced(linear.sum, x, axes, keepdims) / float(math.prod([x.shape[i] for i in axes]))


@public(np.var)
def var(x: ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """Variance over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    ddof : float, default 0
        Delta degrees of freedom. The sum of squared deviations is divided by ``n - ddof``, where ``n`` is the number of
        elements. Use 1 for the unbiased estimate of the variance of a population.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The variances. They are nan or infinite if ``n - ddof`` is not positive, as in NumPy.

    Notes
    -----
    The deviations are taken from the mean (the two-pass algorithm), so a large mean does not cause cancellation.

    See Also
    --------
    std, nanvar, cov

    Examples
    --------
    >>> jg.var([1.0, 2.0, 3.0, 4.0])
    <Tensor shape=() dtype=float64 1.25>
    >>> jg.var([1.0, 2.0, 3.0, 4.0], ddof=1)
    <Tensor shape=() dtype=float64 1.66666667>
    """
    x = as_tensor(x)
    squares = sum(square(x - mean(x, axis, keepdims=True)), axis, keepdims)
    return squares / builtins.max(float(_count("var", x, axis) - ddof), 0.0)


@public(np.std)
def std(x: ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    ddof : float, default 0
        Delta degrees of freedom, see `var`.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The square root of the variance.

    Notes
    -----
    The derivative is infinite if all elements are equal, because the derivative of the square root is infinite at 0. The
    standard deviation of a single element is constant, and its derivative is 0.

    See Also
    --------
    var, nanstd

    Examples
    --------
    >>> jg.std([1.0, 2.0, 3.0, 4.0], ddof=1)
    <Tensor shape=() dtype=float64 1.29099445>
    """
    x = as_tensor(x)
    variance = var(x, axis, ddof, keepdims)
    return variance if _count("std", x, axis) == 1 else sqrt(variance)  # 0 or nan for one element


@public(np.prod)
def prod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Product of the elements over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    Tensor
        The products. The product of no elements is 1.

    Notes
    -----
    The elements are multiplied in pairs, in a tree of depth log2(n). The derivative is therefore exact even if elements are 0,
    for which dividing the product by the element would give nan.

    See Also
    --------
    cumprod, nanprod, sum

    Examples
    --------
    >>> jg.prod([2.0, 3.0, 4.0])
    <Tensor shape=() dtype=float64 24.>
    >>> jg.grad(jg.prod)(np.array([0.0, 3.0, 4.0]))
    <Tensor shape=(3,) dtype=float64 [12.  0.  0.]>
    """
    x = as_tensor(x) * 1  # booleans become integers
    axes = axes_of("prod", axis, x.ndim)
    kept = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    y = reshape(moveaxis(x, axes, range(-len(axes), 0)) if axes else x, (*kept, _count("prod", x, axes)))
    while (n := y.shape[-1]) > 1:
        product = y[..., : n // 2] * y[..., n // 2 : n // 2 * 2]
        y = product if n % 2 == 0 else concatenate([product, y[..., n - 1 :]], axis=-1)
    made = y[..., 0] if y.shape[-1] else linear.broadcast_to(1, shape=kept)
    return reshape(made, tuple(1 if i in axes else n for i, n in enumerate(x.shape))) if keepdims else made


@overload
def average(
    x: ArrayLike, axis: Axis = ..., weights: ArrayLike | None = ..., returned: Literal[False] = ..., keepdims: bool = ...
) -> Tensor: ...
@overload
def average(
    x: ArrayLike, axis: Axis = ..., weights: ArrayLike | None = ..., *, returned: Literal[True], keepdims: bool = ...
) -> tuple[Tensor, Tensor]: ...
@overload
def average(
    x: ArrayLike, axis: Axis = ..., weights: ArrayLike | None = ..., returned: bool = ..., keepdims: bool = ...
) -> Any: ...
@public(np.average)
def average(
    x: ArrayLike, axis: Axis = None, weights: ArrayLike | None = None, returned: bool = False, keepdims: bool = False
) -> Any:
    """Weighted average over one or more axes.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int or sequence of int, optional
        Axis or axes to reduce. The default is all axes.
    weights : array_like, optional
        Weights of the shape of ``x``, or of the shape of the axes ``axis``, in the order in which ``axis`` names them. Without
        weights, all elements count equally.
    returned : bool, default False
        Whether to return the sum of the weights as well.
    keepdims : bool, default False
        Whether to keep the reduced axes as axes of size 1.

    Returns
    -------
    average : Tensor
        The weighted averages, ``sum(x * weights) / sum(weights)``.
    sum_of_weights : Tensor
        The sums of the weights, in the shape of ``average``. Only returned if ``returned`` is True.

    Raises
    ------
    ShapeError
        If the weights have another shape, or if ``axis`` contains an axis twice.

    See Also
    --------
    mean, cov

    Examples
    --------
    >>> jg.average([1.0, 2.0, 4.0], weights=[2.0, 1.0, 1.0])
    <Tensor shape=() dtype=float64 2.>
    >>> jg.average([[1.0, 2.0], [3.0, 4.0]], axis=1, weights=[1.0, 3.0])
    <Tensor shape=(2,) dtype=float64 [1.75 3.75]>
    """
    x = as_tensor(x)
    if weights is None:
        found, total = mean(x, axis, keepdims), as_tensor(float(_count("average", x, axis)))
    else:
        w = linear.broadcast_to(_weights(as_tensor(weights), x, axis), shape=x.shape)
        total = sum(w, axis, keepdims)
        found = sum(x * w, axis, keepdims) / total
    return (found, linear.broadcast_to(total, shape=found.shape)) if returned else found


def _weights(w: Tensor, x: Tensor, axis: Axis) -> Tensor:
    """Reshape the weights of ``axis`` to broadcast against ``x``."""
    if w.shape == x.shape:
        return w
    axes = [] if axis is None else [axis_of("average", a, x.ndim) for a in sequence(axis)]
    if not axes or w.shape != tuple(x.shape[a] for a in axes):
        raise ShapeError(
            f"average: weights of shape {w.shape} do not match shape {x.shape} and axis {axis}. "
            "Use the shape of x or of its axes."
        )
    if len(set(axes)) < len(axes):
        raise ShapeError(f"average: axis {axis} contains an axis twice. Pass each axis once.")
    w = transpose(w, [axes.index(a) for a in sorted(axes)])
    return reshape(w, tuple(n if i in axes else 1 for i, n in enumerate(x.shape)))


def _reduce(op: Op, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    return _reduced(op, x, axes_of(op.name, axis, x.ndim), keepdims)


def _reduced(op: Op, x: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    reduced: Tensor = op(x, axes=axes)
    if not keepdims:
        return reduced
    return linear.reshape(reduced, shape=tuple([1 if i in axes else n for i, n in enumerate(x.shape)]))


def _count(name: str, x: Tensor, axis: Axis) -> int:
    """Return the number of elements in each reduction."""
    return math.prod(x.shape[i] for i in axes_of(name, axis, x.ndim))
