"""Logical functions, comparisons with a tolerance, and tests of elements."""

from __future__ import annotations

import math

import numpy as np

from jitgrad.functions.axes import Axis
from jitgrad.functions.reductions import sum
from jitgrad.ops.elementwise import (
    abs,
    equal,
    greater,
    less,
    less_equal,
    not_equal,
    where,
)
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.any)
def any(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Test whether any element over one or more axes is nonzero.

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
        Booleans. nan is nonzero; over no elements the result is False.

    See Also
    --------
    all, count_nonzero

    Examples
    --------
    >>> jg.any([[True, False], [False, False]], axis=1)
    <Tensor shape=(2,) dtype=bool [ True False]>
    """
    return greater(sum(not_equal(x, 0), axis, keepdims), 0)


@public(np.all)
def all(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Test whether all elements over one or more axes are nonzero.

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
        Booleans. nan is nonzero; over no elements the result is True.

    See Also
    --------
    any, allclose

    Examples
    --------
    >>> jg.all([[True, True], [True, False]], axis=1)
    <Tensor shape=(2,) dtype=bool [ True False]>
    """
    return equal(sum(equal(x, 0), axis, keepdims), 0)


@public()
def allclose(a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Test whether all elements of two arrays are equal within a tolerance.

    Parameters
    ----------
    a, b : array_like
        Arrays to compare; they broadcast.
    rtol : float, default 1e-5
        Relative tolerance.
    atol : float, default 1e-8
        Absolute tolerance.
    equal_nan : bool, default False
        Whether nan equals nan.

    Returns
    -------
    Tensor
        One boolean.

    See Also
    --------
    isclose

    Examples
    --------
    >>> jg.allclose([1.0, 2.0], [1.0, 2.0 + 1e-9])
    <Tensor shape=() dtype=bool True>
    """
    return all(isclose(a, b, rtol, atol, equal_nan))


@public(np.count_nonzero)
def count_nonzero(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Count the nonzero elements over one or more axes.

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
        Counts as int64.

    See Also
    --------
    nonzero, any

    Examples
    --------
    >>> jg.count_nonzero([[0.0, 2.0], [3.0, 4.0]], axis=0)
    <Tensor shape=(2,) dtype=int64 [1 2]>
    """
    return sum(not_equal(x, 0), axis, keepdims)


@public(np.logical_and)
def logical_and(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Elementwise logical AND of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands; they broadcast. A nonzero element counts as True.

    Returns
    -------
    Tensor
        Booleans.

    See Also
    --------
    logical_or, logical_xor, logical_not

    Examples
    --------
    >>> jg.logical_and([True, True], [True, False])
    <Tensor shape=(2,) dtype=bool [ True False]>
    """
    return greater(not_equal(a, 0) * not_equal(b, 0), 0)


@public(np.logical_or)
def logical_or(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Elementwise logical OR of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands; they broadcast. A nonzero element counts as True.

    Returns
    -------
    Tensor
        Booleans.

    See Also
    --------
    logical_and, logical_xor, logical_not

    Examples
    --------
    >>> jg.logical_or([True, False], [False, False])
    <Tensor shape=(2,) dtype=bool [ True False]>
    """
    return greater(not_equal(a, 0) + not_equal(b, 0), 0)


@public(np.logical_xor)
def logical_xor(a: ArrayLike, b: ArrayLike) -> Tensor:
    """Elementwise logical exclusive OR of two arrays.

    Parameters
    ----------
    a, b : array_like
        Operands; they broadcast. A nonzero element counts as True.

    Returns
    -------
    Tensor
        Booleans.

    See Also
    --------
    logical_and, logical_or, logical_not

    Examples
    --------
    >>> jg.logical_xor([True, True], [True, False])
    <Tensor shape=(2,) dtype=bool [False  True]>
    """
    return not_equal(not_equal(a, 0), not_equal(b, 0))


@public(np.logical_not)
def logical_not(x: ArrayLike) -> Tensor:
    """Elementwise logical NOT.

    Parameters
    ----------
    x : array_like
        Operand. A nonzero element counts as True.

    Returns
    -------
    Tensor
        Booleans.

    See Also
    --------
    logical_and, logical_or, logical_xor

    Examples
    --------
    >>> jg.logical_not([True, False])
    <Tensor shape=(2,) dtype=bool [False  True]>
    """
    return equal(x, 0)


@public(np.isnan)
def isnan(x: ArrayLike) -> Tensor:
    """Test each element for nan.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        Booleans.

    See Also
    --------
    isfinite, isinf, nan_to_num

    Examples
    --------
    >>> jg.isnan([1.0, np.nan, np.inf])
    <Tensor shape=(3,) dtype=bool [False  True False]>
    """
    x = as_tensor(x)
    return not_equal(x, x)


@public(np.isfinite)
def isfinite(x: ArrayLike) -> Tensor:
    """Test each element for being finite, that is, neither nan nor infinite.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        Booleans.

    See Also
    --------
    isnan, isinf

    Examples
    --------
    >>> jg.isfinite([1.0, np.nan, np.inf])
    <Tensor shape=(3,) dtype=bool [ True False False]>
    """
    return less(abs(x), math.inf)


@public(np.isinf)
def isinf(x: ArrayLike) -> Tensor:
    """Test each element for positive or negative infinity.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        Booleans.

    See Also
    --------
    isnan, isfinite

    Examples
    --------
    >>> jg.isinf([1.0, np.nan, -np.inf])
    <Tensor shape=(3,) dtype=bool [False False  True]>
    """
    return equal(abs(x), math.inf)


@public()
def isclose(a: ArrayLike, b: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Tensor:
    """Test whether elements of two arrays are equal within a tolerance.

    Parameters
    ----------
    a, b : array_like
        Arrays to compare; they broadcast.
    rtol : float, default 1e-5
        Relative tolerance.
    atol : float, default 1e-8
        Absolute tolerance.
    equal_nan : bool, default False
        Whether nan equals nan.

    Returns
    -------
    Tensor
        Booleans: whether ``abs(a - b) <= atol + rtol * abs(b)``. Infinities of the same sign are equal.

    Notes
    -----
    The test is not symmetric: ``b`` is the reference value.

    See Also
    --------
    allclose

    Examples
    --------
    >>> jg.isclose([1.0, 2.0], [1.0 + 1e-9, 2.1])
    <Tensor shape=(2,) dtype=bool [ True False]>
    """
    a, b = as_tensor(a), as_tensor(b)
    near = less_equal(abs(a - b), atol + rtol * abs(b)) * isfinite(b)
    close = logical_or(near, equal(a, b))
    return logical_or(close, isnan(a) * isnan(b)) if equal_nan else close


@public(np.signbit)
def signbit(x: ArrayLike) -> Tensor:
    """Test whether the sign bit of each element is set.

    Parameters
    ----------
    x : array_like
        Input array.

    Returns
    -------
    Tensor
        True for negative elements and -0.0.

    Notes
    -----
    The result is False for nan of either sign, where NumPy reads the sign bit.

    See Also
    --------
    sign, copysign

    Examples
    --------
    >>> jg.signbit([-1.0, -0.0, 0.0])
    <Tensor shape=(3,) dtype=bool [ True  True False]>
    """
    x = as_tensor(x)
    return less(where(equal(x, 0), 1.0 / x, x), 0)
