"""Layers with several inputs, which are passed in a list."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from jitgrad.errors import ArgumentError
from jitgrad.functions.einsum import einsum
from jitgrad.functions.joining import concatenate
from jitgrad.functions.products import dot
from jitgrad.functions.reductions import sum
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import LayerOptions
from jitgrad.ops.elementwise import maximum, minimum, sqrt, square
from jitgrad.ops.elementwise import multiply as multiply_op
from jitgrad.tape.tensor import Tensor, as_tensor


class Concatenate(Layer):
    """Concatenate several inputs along an axis.

    Parameters
    ----------
    axis : int, default -1
        The axis; axis 0 indexes the rows.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Concatenate()([np.ones((2, 1)), np.zeros((2, 2))])
    <Tensor shape=(2, 3) dtype=float64
    [[1. 0. 0.]
     [1. 0. 0.]]>
    """

    def __init__(self, axis: int = -1, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.axis = axis

    def call(self, xs: Sequence[Any]) -> Tensor:
        """Concatenate the inputs.

        Parameters
        ----------
        xs : sequence of Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result.
        """
        return concatenate(xs, self.axis)


class _Merge(Layer):
    """Base class of layers that combine inputs one after the other with a function of two operands."""

    _combine: Callable[[Any, Any], Any]

    def __init__(self, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)

    def call(self, xs: Sequence[Any]) -> Tensor:
        """Combine the inputs.

        Parameters
        ----------
        xs : sequence of Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result.
        """
        if not isinstance(xs, (list, tuple)):
            raise ArgumentError(f"Layer {self.name!r} takes several inputs, but is called with one. Give a list of inputs.")
        return as_tensor(functools.reduce(type(self)._combine, xs))


class Add(_Merge):
    """Add several inputs.

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Add()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    <Tensor shape=(1, 2) dtype=float64 [[4. 7.]]>
    """

    _combine = staticmethod(lambda x, y: x + y)


class Subtract(_Merge):
    """Subtract the second input from the first.

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Subtract()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    <Tensor shape=(1, 2) dtype=float64 [[-2. -3.]]>
    """

    _combine = staticmethod(lambda x, y: x - y)

    def call(self, xs: Sequence[Any]) -> Tensor:
        """Subtract the inputs.

        Parameters
        ----------
        xs : sequence of Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result.
        """
        if len(xs) != 2:
            raise ArgumentError(f"Layer {self.name!r} takes two inputs, but is called with {len(xs)}. Give two.")
        return super().call(xs)


class Multiply(_Merge):
    """Multiply several inputs element by element.

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Multiply()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    <Tensor shape=(1, 2) dtype=float64 [[ 3. 10.]]>
    """

    _combine = multiply_op


class Average(Add):
    """Average several inputs element by element.

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Average()([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    <Tensor shape=(1, 2) dtype=float64 [[2.  3.5]]>
    """

    def call(self, xs: Sequence[Any]) -> Tensor:
        """Average the inputs.

        Parameters
        ----------
        xs : sequence of Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result.
        """
        return super().call(xs) / len(xs)


class Maximum(_Merge):
    """Take the elementwise maximum of several inputs.

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Maximum()([np.array([[1.0, 2.0]]), np.array([[3.0, 0.0]])])
    <Tensor shape=(1, 2) dtype=float64 [[3. 2.]]>
    """

    _combine = maximum


class Minimum(_Merge):
    """Take the elementwise minimum of several inputs.

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Minimum()([np.array([[1.0, 2.0]]), np.array([[3.0, 0.0]])])
    <Tensor shape=(1, 2) dtype=float64 [[1. 0.]]>
    """

    _combine = minimum


class Dot(_Merge):
    """Compute the dot products of the rows of two inputs along an axis of each.

    Parameters
    ----------
    axes : int or (int, int)
        Axis to sum along, or a pair with one axis for each input; axis 0 indexes the rows.
    normalize : bool, default False
        Whether to scale both inputs to norm 1 along the axis first; the result is then a cosine.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Notes
    -----
    Two vectors per row give results of shape ``(rows, 1)``.

    Examples
    --------
    >>> jg.layers.Dot(1)([np.array([[1.0, 2.0]]), np.array([[3.0, 5.0]])])
    <Tensor shape=(1, 1) dtype=float64 [[13.]]>
    """

    _combine = staticmethod(dot)

    def __init__(self, axes: int | tuple[int, int], normalize: bool = False, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.axes = (axes, axes) if isinstance(axes, int) else tuple(axes)
        self.normalize = normalize

    def call(self, xs: Sequence[Any]) -> Tensor:
        """Compute the products.

        Parameters
        ----------
        xs : sequence of Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result.
        """
        if len(xs) != 2:
            raise ArgumentError(f"Layer {self.name!r} takes two inputs, but is called with {len(xs)}. Give two.")
        x, y = (as_tensor(x) for x in xs)
        a, b = (axis % t.ndim for axis, t in zip(self.axes, (x, y), strict=True))
        if a == 0 or b == 0:
            raise ArgumentError(f"Layer {self.name!r}: axis 0 indexes the rows. Sum along another axis.")
        if self.normalize:
            x, y = (t / sqrt(maximum(sum(square(t), n, keepdims=True), 1e-12)) for t, n in ((x, a), (y, b)))
        left = "a" + "".join("z" if n == a else chr(ord("b") + n) for n in range(1, x.ndim))
        right = "a" + "".join("z" if n == b else chr(ord("m") + n) for n in range(1, y.ndim))
        kept = (left + right[1:]).replace("z", "")
        made: Tensor = einsum(f"{left},{right}->{kept}", x, y)
        return made[:, None] if made.ndim == 1 else made
