"""Reductions that ignore nan."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.functions.axes import Axis
from jitgrad.functions.extremes import max, min
from jitgrad.functions.logic import isnan, logical_not
from jitgrad.functions.reductions import prod, sum
from jitgrad.ops.elementwise import sqrt, square, where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


def _without_nan(x: Any, value: float) -> Tensor:
    x = as_tensor(x)
    return where(isnan(x), value, x)


@public(np.nansum)
def nansum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Sum over one or more axes, ignoring nan.

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
        The sum of the elements that are not nan; 0 if there are none.

    See Also
    --------
    sum, nanmean, nanprod

    Examples
    --------
    >>> jg.nansum([1.0, np.nan, 3.0])
    <Tensor shape=() dtype=float64 4.>
    """
    return sum(_without_nan(x, 0), axis, keepdims)


@public(np.nanprod)
def nanprod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Product over one or more axes, ignoring nan.

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
        The product of the elements that are not nan; 1 if there are none.

    See Also
    --------
    prod, nansum

    Examples
    --------
    >>> jg.nanprod([2.0, np.nan, 3.0])
    <Tensor shape=() dtype=float64 6.>
    """
    return prod(_without_nan(x, 1), axis, keepdims)


@public(np.nanmean)
def nanmean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Mean over one or more axes, ignoring nan.

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
        The mean of the elements that are not nan; nan if there are none.

    See Also
    --------
    mean, nansum, nanvar

    Examples
    --------
    >>> jg.nanmean([1.0, np.nan, 3.0])
    <Tensor shape=() dtype=float64 2.>
    """
    return nansum(x, axis, keepdims) / (_counted(x, axis, keepdims) * 1.0)


@public(np.nanvar)
def nanvar(x: ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """Variance over one or more axes, ignoring nan.

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
        The variance of the elements that are not nan; nan if there are at most ``ddof`` of them.

    See Also
    --------
    var, nanstd, nanmean

    Examples
    --------
    >>> jg.nanvar([1.0, np.nan, 3.0], ddof=1)
    <Tensor shape=() dtype=float64 2.>
    """
    x = as_tensor(x)
    apart = where(isnan(x), 0.0, x - nanmean(x, axis, keepdims=True))
    free = _counted(x, axis, keepdims) - float(ddof)
    return where(free > 0, sum(square(apart), axis, keepdims) / where(free > 0, free, 1.0), math.nan)


@public(np.nanstd)
def nanstd(x: ArrayLike, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Tensor:
    """Standard deviation over one or more axes, ignoring nan.

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
        The square root of the variance of the elements that are not nan; nan if there are at most ``ddof`` of them.

    Notes
    -----
    The derivative is infinite or nan if all elements are equal.

    See Also
    --------
    std, nanvar

    Examples
    --------
    >>> jg.nanstd([1.0, np.nan, 3.0])
    <Tensor shape=() dtype=float64 1.>
    """
    return sqrt(nanvar(x, axis, ddof, keepdims))


@public(np.nanmax)
def nanmax(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest element over one or more axes, ignoring nan.

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
        The largest of the elements that are not nan; nan if there are none.

    See Also
    --------
    max, nanmin, fmax

    Examples
    --------
    >>> jg.nanmax([1.0, np.nan, 3.0])
    <Tensor shape=() dtype=float64 3.>
    """
    return where(_counted(x, axis, keepdims) > 0, max(_without_nan(x, -math.inf), axis, keepdims), math.nan)


@public(np.nanmin)
def nanmin(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element over one or more axes, ignoring nan.

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
        The smallest of the elements that are not nan; nan if there are none.

    See Also
    --------
    min, nanmax, fmin

    Examples
    --------
    >>> jg.nanmin([1.0, np.nan, 3.0])
    <Tensor shape=() dtype=float64 1.>
    """
    return where(_counted(x, axis, keepdims) > 0, min(_without_nan(x, math.inf), axis, keepdims), math.nan)


def _counted(x: Any, axis: Axis, keepdims: bool) -> Tensor:
    return sum(logical_not(isnan(x)), axis, keepdims)
