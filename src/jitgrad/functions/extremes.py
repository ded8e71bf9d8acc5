"""Largest and smallest elements, and their positions."""

from __future__ import annotations

import numpy as np

from jitgrad.functions.axes import Axis
from jitgrad.functions.cumulative import running
from jitgrad.functions.reductions import _reduce
from jitgrad.functions.shapes import moveaxis, reshape
from jitgrad.ops import order, reduce
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.max, np.amax)
def max(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest element over one or more axes.

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
        The largest elements; nan if any element is nan.

    Raises
    ------
    ShapeError
        If there are no elements to reduce.

    Notes
    -----
    Elements that tie for the maximum share its gradient equally.

    See Also
    --------
    argmax, maximum, nanmax, min

    Examples
    --------
    >>> jg.max([[1.0, 5.0], [4.0, 2.0]], axis=0)
    <Tensor shape=(2,) dtype=float64 [4. 5.]>
    >>> jg.grad(jg.max)(np.array([1.0, 3.0, 3.0]))
    <Tensor shape=(3,) dtype=float64 [0.  0.5 0.5]>
    """
    return _reduce(reduce.max, x, axis, keepdims)


@public(np.min, np.amin)
def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element over one or more axes.

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
        The smallest elements; nan if any element is nan.

    Raises
    ------
    ShapeError
        If there are no elements to reduce.

    Notes
    -----
    Elements that tie for the minimum share its gradient equally.

    See Also
    --------
    argmin, minimum, nanmin, max

    Examples
    --------
    >>> jg.min([[1.0, 5.0], [4.0, 2.0]], axis=0)
    <Tensor shape=(2,) dtype=float64 [1. 2.]>
    """
    return _reduce(reduce.min, x, axis, keepdims)


@public(np.ptp)
def ptp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Range of the elements ("peak to peak"): the largest minus the smallest.

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
        ``max(x) - min(x)`` over the axes.

    See Also
    --------
    max, min

    Examples
    --------
    >>> jg.ptp([[1.0, 5.0], [4.0, 2.0]], axis=1)
    <Tensor shape=(2,) dtype=float64 [4. 2.]>
    """
    return max(x, axis, keepdims) - min(x, axis, keepdims)


@public(np.argmax)
def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index of the largest element along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int, optional
        Axis to search. By default, the index refers to the flattened array.
    keepdims : bool, default False
        Whether to keep the searched axes as axes of size 1.

    Returns
    -------
    Tensor
        Indices as int64. If elements tie, the index of the first is returned; nan counts as the largest.

    See Also
    --------
    max, argmin, argsort, top_k

    Examples
    --------
    >>> jg.argmax([[1.0, 5.0], [4.0, 2.0]], axis=1)
    <Tensor shape=(2,) dtype=int64 [1 0]>
    >>> jg.argmax([[1.0, 5.0], [4.0, 2.0]])
    <Tensor shape=() dtype=int64 1>
    """
    x = as_tensor(x)
    row, at = running("argmax", x, axis)
    found = order.argmax(moveaxis(row, at, -1))
    if not keepdims:
        return found
    reduced = range(x.ndim) if axis is None else (at,)
    return reshape(found, tuple(1 if i in reduced else n for i, n in enumerate(x.shape)))


@public(np.argmin)
def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Index of the smallest element along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int, optional
        Axis to search. By default, the index refers to the flattened array.
    keepdims : bool, default False
        Whether to keep the searched axes as axes of size 1.

    Returns
    -------
    Tensor
        Indices as int64. If elements tie, the index of the first is returned; nan counts as the smallest.

    See Also
    --------
    min, argmax, argsort

    Examples
    --------
    >>> jg.argmin([[1.0, 5.0], [4.0, 2.0]], axis=1)
    <Tensor shape=(2,) dtype=int64 [0 1]>
    """
    return argmax(-as_tensor(x), axis, keepdims)
