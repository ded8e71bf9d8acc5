"""The base class of layers that normalize, scale and shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from jitgrad.arguments import positive
from jitgrad.errors import ShapeError
from jitgrad.functions.shapes import reshape
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import NormalizationOptions
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import sqrt

Axes: TypeAlias = int | Sequence[int]


class Scaled(Layer):
    """Base class of layers that multiply normalized inputs by gamma and add beta."""

    def __init__(self, axis: Axes, epsilon: float, center: bool, scale: bool, given: NormalizationOptions) -> None:
        options: dict[str, Any] = dict(given)
        kinds = ("initializer", "regularizer", "constraint")
        first = {"beta": "zeros", "gamma": "ones"}
        self._bias, self._kernel = (
            {"initializer": first[name]}
            | {kind: options.pop(f"{name}_{kind}") for kind in kinds if f"{name}_{kind}" in options}
            for name in ("beta", "gamma")
        )
        super().__init__(**options)
        self.axis = axis if isinstance(axis, int) else tuple(axis)
        self.epsilon = positive("epsilon", epsilon)
        self.center, self.scale = center, scale

    def axes(self, ndim: int) -> tuple[int, ...]:
        """Return the normalized axes in order, counted from 0.

        Parameters
        ----------
        ndim : int
            Number of axes of the input.

        Returns
        -------
        tuple of int
            The axes.

        Raises
        ------
        ShapeError
            If the input does not have these axes.
        """
        axes = (self.axis,) if isinstance(self.axis, int) else self.axis
        if not all(-ndim <= axis < ndim for axis in axes):
            raise ShapeError(f"Layer {self.name!r} has axis {self.axis}, but the input has {ndim} axes. Choose one of them.")
        return tuple(sorted(axis % ndim for axis in axes))

    def fits(self, shape: Shape) -> bool:
        """Return whether a row has the sizes for which the layer was built.

        Parameters
        ----------
        shape : tuple
            Shape of a row.

        Returns
        -------
        bool
            Whether the layer accepts it.
        """
        built = self.input_shape or ()
        return (len(shape) == len(built) and all(shape[axis - 1] == built[axis - 1] for axis in self.axes(len(shape) + 1))) or (
            self.axis == -1 and shape[-1:] == built[-1:]
        )

    def build(self, input_shape: Shape) -> None:
        """Create gamma and beta.

        Parameters
        ----------
        input_shape : tuple
            Shape of the inputs with the rows first.
        """
        self.gamma = self.beta = None
        sizes = tuple(input_shape[axis] for axis in self.axes(len(input_shape)))
        if self.scale:
            self.gamma = self.add_weight("gamma", sizes, **self._kernel)
        if self.center:
            self.beta = self.add_weight("beta", sizes, **self._bias)

    def along(self, weight: Any, x: Any) -> Any:
        """Reshape a weight so that it broadcasts against an input.

        Parameters
        ----------
        weight : Tensor or Variable
            A weight with the sizes of the normalized axes.
        x : Tensor
            The input.

        Returns
        -------
        Tensor or Variable
            The weight, with axes of size 1 in place of the axes of the input that are not normalized.
        """
        axes = self.axes(x.ndim)
        if axes == tuple(range(x.ndim - len(axes), x.ndim)):
            return weight
        return reshape(weight, tuple(size if axis in axes else 1 for axis, size in enumerate(x.shape)))

    def scaled(self, centered: Any, variance: Any) -> Any:
        """Return the result for centered inputs and their variance.

        Parameters
        ----------
        centered : Tensor
            Inputs minus their mean.
        variance : Tensor
            Their variance.

        Returns
        -------
        Tensor
            The normalized inputs, scaled and shifted.
        """
        root = sqrt(variance + self.epsilon)
        y = centered / root if self.gamma is None else centered * (self.along(self.gamma, centered) / root)
        return y if self.beta is None else y + self.along(self.beta, centered)
