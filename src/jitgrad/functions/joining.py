"""Joining and splitting Tensors."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Sequence

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ShapeError
from jitgrad.functions.axes import axis_of, sequence
from jitgrad.functions.shapes import atleast_1d, atleast_2d, expand_dims, ravel, reshape
from jitgrad.ops import linear
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike


@public(np.concatenate)
def concatenate(xs: Iterable[ArrayLike], axis: int | None = 0) -> Tensor:
    """Join arrays along an existing axis.

    Parameters
    ----------
    xs : iterable of array_like
        Arrays whose shapes agree in all axes except ``axis``.
    axis : int or None, default 0
        Axis to join along. With None, the arrays are flattened first.

    Returns
    -------
    Tensor
        The arrays one after the other.

    Raises
    ------
    ShapeError
        If the shapes differ in another axis, or if there are no arrays.

    See Also
    --------
    stack, vstack, hstack, append, split

    Examples
    --------
    >>> jg.concatenate([[1.0, 2.0], [3.0]])
    <Tensor shape=(3,) dtype=float64 [1. 2. 3.]>
    """
    tensors = [as_tensor(x) for x in xs]
    if axis is None:
        tensors, axis = [ravel(t) for t in tensors], 0
    if not tensors or any(t.ndim != tensors[0].ndim for t in tensors) or tensors[0].ndim == 0:
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(
            f"concatenate: got {f'shapes {listed}' if tensors else 'no arrays'}. "
            "Pass arrays with the same number of axes, at least 1."
        )
    return linear.concatenate(*tensors, axis=axis_of("concatenate", axis, tensors[0].ndim))


@public(np.stack)
def stack(xs: Iterable[ArrayLike], axis: int = 0) -> Tensor:
    """Join arrays of the same shape along a new axis.

    Parameters
    ----------
    xs : iterable of array_like
        Arrays of the same shape.
    axis : int, default 0
        Position of the new axis in the result.

    Returns
    -------
    Tensor
        An array with one additional axis.

    Raises
    ------
    ShapeError
        If the shapes differ.

    See Also
    --------
    concatenate, column_stack

    Examples
    --------
    >>> jg.stack([[1.0, 2.0], [3.0, 4.0]], axis=1)
    <Tensor shape=(2, 2) dtype=float64
    [[1. 3.]
     [2. 4.]]>
    """
    tensors = [as_tensor(x) for x in xs]
    if any(t.shape != tensors[0].shape for t in tensors):
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(f"stack: shapes {listed} differ. Pass arrays of the same shape.")
    return concatenate([expand_dims(t, axis) for t in tensors], axis)


@public(np.vstack)
def vstack(xs: Iterable[ArrayLike]) -> Tensor:
    """Stack arrays vertically, along the first axis.

    Parameters
    ----------
    xs : iterable of array_like
        Arrays to stack. Vectors are rows.

    Returns
    -------
    Tensor
        An array with at least two axes.

    See Also
    --------
    hstack, dstack, concatenate

    Examples
    --------
    >>> jg.vstack([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [3. 4.]]>
    """
    return concatenate([atleast_2d(x) for x in xs], 0)


@public(np.hstack)
def hstack(xs: Iterable[ArrayLike]) -> Tensor:
    """Stack arrays horizontally, along the second axis.

    Parameters
    ----------
    xs : iterable of array_like
        Arrays to stack. Vectors are joined along their only axis.

    Returns
    -------
    Tensor
        The joined array.

    See Also
    --------
    vstack, column_stack, concatenate

    Examples
    --------
    >>> jg.hstack([[1.0, 2.0], [3.0]])
    <Tensor shape=(3,) dtype=float64 [1. 2. 3.]>
    """
    tensors = [atleast_1d(x) for x in xs]
    return concatenate(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


@public(np.column_stack)
def column_stack(xs: Iterable[ArrayLike]) -> Tensor:
    """Stack vectors and matrices as the columns of a matrix.

    Parameters
    ----------
    xs : iterable of array_like
        Arrays to stack. Vectors are columns.

    Returns
    -------
    Tensor
        A matrix.

    See Also
    --------
    hstack, stack

    Examples
    --------
    >>> jg.column_stack([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 3.]
     [2. 4.]]>
    """
    tensors = [as_tensor(x) for x in xs]
    return concatenate([t if t.ndim > 1 else reshape(t, (t.size, 1)) for t in tensors], 1)


@public(np.dstack)
def dstack(xs: Iterable[ArrayLike]) -> Tensor:
    """Stack arrays in depth, along the third axis.

    Parameters
    ----------
    xs : iterable of array_like
        Arrays to stack. Vectors are rows, and matrices get a third axis of size 1.

    Returns
    -------
    Tensor
        An array with at least three axes.

    See Also
    --------
    vstack, hstack, concatenate

    Examples
    --------
    >>> jg.dstack([[1.0, 2.0], [3.0, 4.0]]).shape
    (1, 2, 2)
    """
    tensors = [atleast_2d(x) for x in xs]
    return concatenate([expand_dims(t, -1) if t.ndim == 2 else t for t in tensors], 2)


@public(np.append)
def append(x: ArrayLike, values: ArrayLike, axis: int | None = None) -> Tensor:
    """Append values to an array.

    Parameters
    ----------
    x : array_like
        Input array.
    values : array_like
        Values to append. Their shape agrees with ``x`` in all axes except ``axis``.
    axis : int, optional
        Axis to append along. By default, both arrays are flattened first.

    Returns
    -------
    Tensor
        ``x`` followed by ``values``.

    See Also
    --------
    concatenate

    Examples
    --------
    >>> jg.append([1.0, 2.0], 3.0)
    <Tensor shape=(3,) dtype=float64 [1. 2. 3.]>
    """
    return concatenate([ravel(x), ravel(values)] if axis is None else [x, values], axis or 0)


@public(np.split)
def split(x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Split an array into parts along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    indices_or_sections : int or sequence of int
        The number of equal parts, or the positions at which to split.
    axis : int, default 0
        Axis to split.

    Returns
    -------
    list of Tensor
        The parts.

    Raises
    ------
    ShapeError
        If the axis cannot be divided into this number of equal parts.

    See Also
    --------
    array_split, concatenate

    Examples
    --------
    >>> jg.split([1.0, 2.0, 3.0, 4.0], 2)
    [<Tensor shape=(2,) dtype=float64 [1. 2.]>, <Tensor shape=(2,) dtype=float64 [3. 4.]>]
    >>> jg.split([1.0, 2.0, 3.0, 4.0], [1])
    [<Tensor shape=(1,) dtype=float64 [1.]>, <Tensor shape=(3,) dtype=float64 [2. 3. 4.]>]
    """
    x = as_tensor(x)
    at = axis_of("split", axis, x.ndim)
    n = x.shape[at]
    if np.ndim(indices_or_sections) == 0:
        indices_or_sections = operator.index(indices_or_sections)  # type: ignore[arg-type]
        if indices_or_sections < 1 or n % indices_or_sections:
            raise ShapeError(
                f"split: axis {at} of shape {x.shape} cannot be split into {indices_or_sections} equal parts. "
                "Use array_split, or pass positions."
            )
        cuts = list(range(n // indices_or_sections, n, n // indices_or_sections)) if n else [0] * (indices_or_sections - 1)
    else:
        cuts = [operator.index(i) for i in sequence(indices_or_sections)]
    ends = [0, *cuts, n]
    before = (slice(None),) * at
    return [x[(*before, slice(a, b))] for a, b in itertools.pairwise(ends)]


@public(np.array_split)
def array_split(x: ArrayLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Split an array into parts of nearly equal size along an axis.

    Parameters
    ----------
    x : array_like
        Input array.
    indices_or_sections : int or sequence of int
        The number of parts, or the positions at which to split. If the number does not divide the axis, the first parts have
        one additional element.
    axis : int, default 0
        Axis to split.

    Returns
    -------
    list of Tensor
        The parts.

    See Also
    --------
    split

    Examples
    --------
    >>> jg.array_split([1.0, 2.0, 3.0], 2)
    [<Tensor shape=(2,) dtype=float64 [1. 2.]>, <Tensor shape=(1,) dtype=float64 [3.]>]
    """
    x = as_tensor(x)
    if np.ndim(indices_or_sections) > 0:
        return split(x, indices_or_sections, axis)
    n = x.shape[axis_of("array_split", axis, x.ndim)]
    indices_or_sections = count("array_split: the number of parts", indices_or_sections)
    small, longer = divmod(n, indices_or_sections)
    return split(x, [small * i + min(i, longer) for i in range(1, indices_or_sections)], axis)
