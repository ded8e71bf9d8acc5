"""Cumulative sums and products, and differences."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.functions.axes import axis_of
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import broadcast_to, moveaxis, reshape
from jitgrad.ops import linear
from jitgrad.tape.protocol import namesakes, public
from jitgrad.tape.tensor import Tensor, as_tensor, retyped
from jitgrad.typing import ArrayLike


def running(name: str, x: Any, axis: int | None) -> tuple[Tensor, int]:
    """Return ``x`` as a Tensor and a nonnegative axis; ``axis=None`` flattens ``x``, and a scalar has the axes 0 and -1."""
    x = as_tensor(x)
    if axis is not None:
        axis = axis_of(name, axis, x.ndim or 1)
    return (reshape(x, (x.size,)), 0) if axis is None or not x.ndim else (x, axis)


@public(np.cumsum)
def cumsum(x: ArrayLike, axis: int | None = None) -> Tensor:
    """Cumulative sum along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int, optional
        Axis of the sums. By default, ``x`` is flattened.

    Returns
    -------
    Tensor
        ``y[k] = x[0] + ... + x[k]``, in the shape of ``x``, or flat if ``axis`` is None.

    See Also
    --------
    cumulative_sum, cumprod, diff, sum

    Examples
    --------
    >>> jg.cumsum([1.0, 2.0, 3.0])
    <Tensor shape=(3,) dtype=float64 [1. 3. 6.]>
    >>> jg.cumsum([[1.0, 2.0], [3.0, 4.0]], axis=0)
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [4. 6.]]>
    """
    x, at = running("cumsum", x, axis)
    return linear.cumsum(x, axis=at, reverse=False)


@public(np.cumprod)
def cumprod(x: ArrayLike, axis: int | None = None) -> Tensor:
    """Cumulative product along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int, optional
        Axis of the products. By default, ``x`` is flattened.

    Returns
    -------
    Tensor
        ``y[k] = x[0] * ... * x[k]``, in the shape of ``x``, or flat if ``axis`` is None.

    Notes
    -----
    The products are computed by doubling [1]_, in log2(n) passes that only multiply. The derivative is therefore exact even
    if some elements are 0.

    References
    ----------
    .. [1] W. D. Hillis and G. L. Steele, "Data parallel algorithms", Communications of the ACM 29 (1986), 1170-1183.

    See Also
    --------
    cumulative_prod, cumsum, prod

    Examples
    --------
    >>> jg.cumprod([1.0, 2.0, 3.0, 4.0])
    <Tensor shape=(4,) dtype=float64 [ 1.  2.  6. 24.]>
    """
    x, at = running("cumprod", x, axis)
    y = moveaxis(x, at, -1) * 1  # booleans become integers
    n, step = y.shape[-1], 1
    while step < n:
        y = concatenate([y[..., :step], y[..., step:] * y[..., : n - step]], axis=-1)
        step *= 2
    return moveaxis(y, -1, at)


@public(*namesakes("cumulative_sum"))
def cumulative_sum(x: ArrayLike, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """Cumulative sum along an axis, in the array API standard's form.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int, optional
        Axis of the sums. It may be omitted only if ``x`` has exactly one axis.
    include_initial : bool, default False
        Whether to prepend the empty sum, 0.

    Returns
    -------
    Tensor
        The sums. The axis has one more element if ``include_initial`` is True.

    Raises
    ------
    ArgumentError
        If ``axis`` is omitted and ``x`` does not have exactly one axis.

    See Also
    --------
    cumsum, cumulative_prod

    Examples
    --------
    >>> jg.cumulative_sum([1.0, 2.0, 3.0], include_initial=True)
    <Tensor shape=(4,) dtype=float64 [0. 1. 3. 6.]>
    """
    return _with_initial("cumulative_sum", cumsum, x, axis, 0.0 if include_initial else None)


@public(*namesakes("cumulative_prod"))
def cumulative_prod(x: ArrayLike, axis: int | None = None, include_initial: bool = False) -> Tensor:
    """Cumulative product along an axis, in the array API standard's form.

    Parameters
    ----------
    x : array_like
        Input array.
    axis : int, optional
        Axis of the products. It may be omitted only if ``x`` has exactly one axis.
    include_initial : bool, default False
        Whether to prepend the empty product, 1.

    Returns
    -------
    Tensor
        The products. The axis has one more element if ``include_initial`` is True.

    Raises
    ------
    ArgumentError
        If ``axis`` is omitted and ``x`` does not have exactly one axis.

    See Also
    --------
    cumprod, cumulative_sum

    Examples
    --------
    >>> jg.cumulative_prod([1.0, 2.0, 3.0], include_initial=True)
    <Tensor shape=(4,) dtype=float64 [1. 1. 2. 6.]>
    """
    return _with_initial("cumulative_prod", cumprod, x, axis, 1.0 if include_initial else None)


def _with_initial(name: str, f: Any, x: Any, axis: int | None, initial: float | None) -> Tensor:
    x = as_tensor(x)
    if axis is None and x.ndim != 1:
        raise ArgumentError(f"{name}: shape {x.shape} does not have exactly one axis. Pass axis.")
    at = axis_of(name, axis or 0, x.ndim)
    made: Tensor = f(x, at)
    if initial is None:
        return made
    first = retyped(linear.broadcast_to(initial, shape=(*x.shape[:at], 1, *x.shape[at + 1 :])), made.level)
    return concatenate([first, made], at)


@public(np.diff)
def diff(x: ArrayLike, n: int = 1, axis: int = -1, prepend: ArrayLike | None = None, append: ArrayLike | None = None) -> Tensor:
    """Differences of neighboring elements along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    n : int, default 1
        Number of times to take differences.
    axis : int, default -1
        Axis of the differences.
    prepend, append : array_like, optional
        Values to add before and after ``x`` along ``axis`` first: scalars, or arrays whose shapes differ from that of ``x``
        only along ``axis``.

    Returns
    -------
    Tensor
        ``y[k] = x[k + 1] - x[k]``, applied ``n`` times; each time makes the axis one element shorter.

    See Also
    --------
    cumsum, gradient

    Examples
    --------
    >>> jg.diff([1.0, 4.0, 9.0, 16.0])
    <Tensor shape=(3,) dtype=float64 [3. 5. 7.]>
    >>> jg.diff([1.0, 4.0, 9.0, 16.0], n=2)
    <Tensor shape=(2,) dtype=float64 [2. 2.]>
    >>> jg.diff([1.0, 4.0, 9.0], prepend=0.0)
    <Tensor shape=(3,) dtype=float64 [1. 3. 5.]>
    """
    x = as_tensor(x)
    at = axis_of("diff", axis, x.ndim)
    if n == 0:
        return x
    before = (slice(None),) * at
    ends = [None if end is None else as_tensor(end) for end in (prepend, append)]
    one = tuple(1 if i == at else size for i, size in enumerate(x.shape))
    first, last = [end if end is None or end.ndim else broadcast_to(end, one) for end in ends]
    parts = [part for part in (first, x, last) if part is not None]
    x = x if len(parts) == 1 else concatenate(parts, axis=at)
    for _ in range(n):
        x = x[(*before, slice(1, None))] - x[(*before, slice(None, -1))]
    return x
