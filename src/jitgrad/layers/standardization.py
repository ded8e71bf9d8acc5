"""Standardization of features with statistics of the data."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from jitgrad.errors import ArgumentError, DataError
from jitgrad.functions.shapes import reshape
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import LayerOptions
from jitgrad.layers.scaled import Axes
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import sqrt
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor
from jitgrad.typing import ArrayLike


class Normalization(Layer):
    """Standardize features with a mean and a variance computed from data beforehand.

    Parameters
    ----------
    axis : int, sequence of int or None, default -1
        Axes along which each position has its own mean and variance; axis 0 indexes the rows. None stands for a single
        mean and variance.
    mean : array_like, optional
        Known mean. `adapt` is not required then.
    variance : array_like, optional
        Known variance.
    invert : bool, default False
        Whether to undo a standardization: ``x·√variance + mean``.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Raises
    ------
    ArgumentError
        If only one of `mean` and `variance` is given.

    See Also
    --------
    BatchNormalization : Uses the statistics of each batch.

    Examples
    --------
    >>> layer = jg.layers.Normalization()
    >>> layer.adapt([[0.0, 10.0], [2.0, 30.0]])
    >>> layer([[0.0, 30.0]])
    <Tensor shape=(1, 2) dtype=float32 [[-1.  1.]]>
    """

    def __init__(
        self,
        axis: Axes | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        self.axis = axis if axis is None or isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ArgumentError("Normalization requires both mean and variance. Give both, or omit both and call adapt(data).")
        self._given = None if mean is None else (np.asarray(mean), np.asarray(variance))
        self.invert = invert

    def _axes(self, ndim: int) -> tuple[int, ...]:
        axes = () if self.axis is None else (self.axis,) if isinstance(self.axis, int) else self.axis
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
        if self.axis is None or (self.axis == -1 and shape[-1:] == built[-1:]):
            return True
        return len(shape) == len(built) and all(shape[axis - 1] == built[axis - 1] for axis in self._axes(len(shape) + 1))

    def build(self, input_shape: Shape) -> None:
        """Create the mean and the variance, which are not trainable.

        Parameters
        ----------
        input_shape : tuple
            Shape of the inputs with the rows first.
        """
        sizes = tuple(input_shape[axis] for axis in self._axes(len(input_shape)))
        self.mean = self.add_weight("mean", sizes, "zeros", trainable=False)
        self.variance = self.add_weight("variance", sizes, "zeros", trainable=False)
        if self._given is not None:
            for kept, value in zip((self.mean, self.variance), self._given, strict=True):
                kept.assign(
                    np.broadcast_to(np.reshape(value, sizes) if value.size == kept.size else value, sizes).astype(self.dtype)
                )

    @property
    def adapted(self) -> bool:
        """Whether the layer has statistics."""
        return bool(np.all(self.variance.leaf.value))

    def adapt(self, data: ArrayLike) -> None:
        """Compute the mean and variance of data. The variance of constant features is set to 1.

        Parameters
        ----------
        data : array_like, shape (rows, ...)
            The data.

        Raises
        ------
        DataError
            If there are no rows, or nan, inf or masked values.
        """
        array, _ = dtypes.as_data(data, np.float64, copy=False)
        if array.ndim < (1 if self.axis is None else 2) or not array.size or not np.isfinite(array).all():
            raise DataError(
                f"adapt: data of shape {array.shape} has no rows of features, or contains nan or inf. Clean the data first."
            )
        self.built_for(array.shape)
        kept = self._axes(array.ndim)
        others = tuple(axis for axis in range(array.ndim) if axis not in kept)
        variance = array.var(others)
        self.mean.assign(np.asarray(array.mean(others), self.dtype))
        self.variance.assign(np.asarray(np.where(variance > 0, variance, 1.0), self.dtype))

    def call(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        if not self.adapted:
            raise ArgumentError(f"Layer {self.name!r} has no statistics. Call adapt(data) or set_weights() first.")
        center: Any = self.mean
        variance: Any = self.variance
        kept = self._axes(x.ndim)
        if kept != tuple(range(x.ndim - len(kept), x.ndim)):
            shape = tuple(size if axis in kept else 1 for axis, size in enumerate(x.shape))
            center, variance = reshape(center, shape), reshape(variance, shape)
        made: Tensor = x * sqrt(variance) + center if self.invert else (x - center) / sqrt(variance)
        return made
