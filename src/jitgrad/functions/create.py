"""Creation of Tensors.

Without a dtype, new Tensors are treated as data, like arrays: float64, or float32 in combination with float32 Variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.functions.axes import shape_of
from jitgrad.ops.linear import broadcast_to
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast, identity, known, retyped
from jitgrad.tape.tree import contains
from jitgrad.typing import ArrayLike, DTypeLike


@public()
def tensor(value: ArrayLike, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Create an immutable Tensor.

    Parameters
    ----------
    value : array_like
        A number, array, Tensor or Variable, or nested lists of them. Arrays are copied.
    dtype : dtype, optional
        Data type. By default, the dtype of ``value``: float64 for Python floats, int64 for integers.
    requires_grad : bool, default False
        Whether `Tensor.backward` stores a gradient in the attribute ``grad``. The Tensor is then a new leaf, and gradients do
        not flow to ``value``.

    Returns
    -------
    Tensor
        The Tensor. It does not change if the array is modified or the Variable is assigned later.

    Raises
    ------
    DTypeError
        If the values are not boolean, integer or floating, or a gradient is required for integers.
    ConcretizationError
        If ``value`` is being differentiated and the Tensor requires a gradient or is an integer.

    Notes
    -----
    Tensors in ``value`` are recorded, so gradients flow to them unless ``requires_grad`` is True.

    See Also
    --------
    Variable, convert_to_tensor, full

    Examples
    --------
    >>> jg.tensor([[1.0, 2.0], [3.0, 4.0]])
    <Tensor shape=(2, 2) dtype=float64
    [[1. 2.]
     [3. 4.]]>
    >>> x = jg.tensor(3.0, requires_grad=True)
    >>> (x**2).backward()
    >>> x.grad
    <Tensor shape=() dtype=float64 6.>
    """
    if contains(value, Operators):
        recorded = as_tensor(value)
        level = recorded.level if dtype is None else dtypes.strong(dtypes.as_data((), dtype)[1])
        if not requires_grad and (level == recorded.level or level > dtypes.INTEGER):
            return cast(identity(recorded), level)
        value = recorded.numpy()
    array, level = dtypes.as_data(value, dtype)
    made = Tensor(None, (), (), array.shape, dtypes.strong(level), array)
    made.requires_grad = requires_grad
    return made


@public()
def convert_to_tensor(value: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
    """Convert a value to a Tensor.

    Parameters
    ----------
    value : array_like
        A number, array, Tensor or Variable, or nested lists of them.
    dtype : dtype, optional
        Data type. By default, the dtype of ``value``.

    Returns
    -------
    Tensor
        The current value. Later assignments to a Variable do not change it.

    See Also
    --------
    tensor

    Examples
    --------
    >>> v = jg.Variable(1.0, name="v")
    >>> x = jg.convert_to_tensor(v)
    >>> v.assign(2.0)
    <Variable 'v' shape=() dtype=float64 2.>
    >>> x
    <Tensor shape=() dtype=float64 1.>
    """
    return tensor(value, dtype)


@public(np.full_like)
def full_like(x: ArrayLike, value: ArrayLike) -> Tensor:
    """Array filled with a value, with the shape and dtype of another array.

    Parameters
    ----------
    x : array_like
        Array whose shape and dtype are used.
    value : array_like
        Fill value; it broadcasts to the shape of ``x``.

    Returns
    -------
    Tensor
        The filled array. It has the dtype of ``x`` unless the value requires a wider one.

    See Also
    --------
    full, zeros_like, ones_like

    Examples
    --------
    >>> jg.full_like(np.zeros((2, 2)), 7.0)
    <Tensor shape=(2, 2) dtype=float64
    [[7. 7.]
     [7. 7.]]>
    """
    like = as_tensor(x)
    filled = as_tensor(value)
    made = broadcast_to(filled, shape=like.shape)
    return retyped(made, max(like.level, filled.level))


@public(np.zeros_like)
def zeros_like(x: ArrayLike) -> Tensor:
    """Array of zeros with the shape and dtype of another array.

    Parameters
    ----------
    x : array_like
        Array whose shape and dtype are used.

    Returns
    -------
    Tensor
        The zeros.

    See Also
    --------
    zeros, ones_like, full_like

    Examples
    --------
    >>> jg.zeros_like([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[0. 0.]]>
    """
    return full_like(x, 0)


@public(np.ones_like)
def ones_like(x: ArrayLike) -> Tensor:
    """Array of ones with the shape and dtype of another array.

    Parameters
    ----------
    x : array_like
        Array whose shape and dtype are used.

    Returns
    -------
    Tensor
        The ones.

    See Also
    --------
    ones, zeros_like, full_like

    Examples
    --------
    >>> jg.ones_like([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 1.]]>
    """
    return full_like(x, 1)


Size = int | Sequence[int]


@public()
def zeros(shape: Size, dtype: DTypeLike | None = None) -> Tensor:
    """Array of zeros.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the array.
    dtype : dtype, default float64
        Data type.

    Returns
    -------
    Tensor
        The zeros.

    See Also
    --------
    ones, full, zeros_like

    Examples
    --------
    >>> jg.zeros((2, 2))
    <Tensor shape=(2, 2) dtype=float64
    [[0. 0.]
     [0. 0.]]>
    """
    return full(shape, 0.0, dtype)


@public()
def ones(shape: Size, dtype: DTypeLike | None = None) -> Tensor:
    """Array of ones.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the array.
    dtype : dtype, default float64
        Data type.

    Returns
    -------
    Tensor
        The ones.

    See Also
    --------
    zeros, full, ones_like

    Examples
    --------
    >>> jg.ones(3)
    <Tensor shape=(3,) dtype=float64 [1. 1. 1.]>
    """
    return full(shape, 1.0, dtype)


@public()
def full(shape: Size, fill_value: ArrayLike, dtype: DTypeLike | None = None) -> Tensor:
    """Array filled with a value.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the array.
    fill_value : array_like
        Fill value; it broadcasts to ``shape``. Gradients flow to a Tensor.
    dtype : dtype, optional
        Data type. By default, the dtype of ``fill_value``.

    Returns
    -------
    Tensor
        The filled array.

    See Also
    --------
    zeros, ones, full_like

    Examples
    --------
    >>> jg.full((2, 2), 7.0)
    <Tensor shape=(2, 2) dtype=float64
    [[7. 7.]
     [7. 7.]]>
    """
    sizes = shape_of(shape)
    if contains(fill_value, Operators):
        made: Tensor = broadcast_to(fill_value, shape=sizes)
        return made if dtype is None else tensor(made, dtype)
    value = np.asarray(fill_value)
    return filled(np.broadcast_to(value, sizes) if value.ndim else np.full(sizes, value), dtype)


@public()
def eye(N: int, M: int | None = None, k: int = 0, dtype: DTypeLike | None = None) -> Tensor:
    """Matrix with ones on a diagonal and zeros elsewhere.

    Parameters
    ----------
    N : int
        Number of rows.
    M : int, optional
        Number of columns. By default, ``N``.
    k : int, default 0
        The diagonal. 0 is the main diagonal, positive numbers are above it.
    dtype : dtype, default float64
        Data type.

    Returns
    -------
    Tensor
        The matrix.

    See Also
    --------
    diag

    Examples
    --------
    >>> jg.eye(2)
    <Tensor shape=(2, 2) dtype=float64
    [[1. 0.]
     [0. 1.]]>
    """
    return filled(np.eye(N, M, k), dtype)


def filled(values: np.ndarray, dtype: Any) -> Tensor:
    """Return an array as data, or as a Tensor of a fixed dtype if ``dtype`` is given."""
    array, level = dtypes.as_data(values, dtype)
    return known(array, level if dtype is None else dtypes.strong(level))
