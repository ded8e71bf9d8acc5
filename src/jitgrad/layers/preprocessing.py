"""Layers that prepare data: scaling, binning and one-hot encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, DataError
from jitgrad.functions.extremes import max
from jitgrad.functions.reductions import sum
from jitgrad.functions.sampled import searchsorted
from jitgrad.functions.shapes import expand_dims
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import LayerOptions
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import equal, where
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import checked
from jitgrad.typing import ArrayLike


class Rescaling(Layer):
    """Scale and shift: ``x·scale + offset``.

    Parameters
    ----------
    scale : array_like
        Factor. 1/255 maps bytes to [0, 1].
    offset : array_like, default 0.0
        Offset.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Rescaling(0.5, offset=1.0)([[0.0, 4.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 3.]]>
    """

    def __init__(self, scale: ArrayLike, offset: ArrayLike = 0.0, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        given: Any = (scale, offset)
        self.scale, self.offset = (np.asarray(x, self.dtype) if np.ndim(x) else float(x) for x in given)

    def call(self, x: Any) -> Tensor:
        """Scale and shift the input.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        return as_tensor(x) * self.scale + self.offset


class Discretization(Layer):
    """Replace each element by the index of its bin.

    Parameters
    ----------
    bin_boundaries : sequence of float
        Boundaries between the bins, in increasing order. An element that is equal to a boundary belongs to the
        higher bin.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Raises
    ------
    ArgumentError
        If the boundaries are not in increasing order.

    Examples
    --------
    >>> jg.layers.Discretization([0.0, 1.0])([[-1.0, 0.0, 2.5]])
    <Tensor shape=(1, 3) dtype=int64 [[0 1 2]]>
    """

    def __init__(self, bin_boundaries: Sequence[float], **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.bin_boundaries = [float(b) for b in bin_boundaries]
        if not self.bin_boundaries or self.bin_boundaries != sorted(self.bin_boundaries):
            raise ArgumentError(f"bin_boundaries are {self.bin_boundaries}. Give numbers in increasing order.")

    def call(self, x: Tensor) -> Tensor:
        """Find the bins.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor of int64
            Indices of the bins, of the shape of `x`.
        """
        return searchsorted(np.array(self.bin_boundaries, x.dtype), x, "right")


class CategoryEncoding(Layer):
    """Encode integers as columns of 0 and 1, or of counts.

    Parameters
    ----------
    num_tokens : int
        Number of columns. Inputs are integers from 0 to ``num_tokens - 1``.
    output_mode : {"one_hot", "multi_hot", "count"}, default "multi_hot"
        How to encode:

        - "one_hot": one encoded row per integer; inputs of shape (...) or (..., 1) give (..., num_tokens).
        - "multi_hot": one encoded row per row of integers, with 1 for each integer that occurs.
        - "count": one encoded row per row of integers, with the number of occurrences of each.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Raises
    ------
    DataError
        If the layer is called on an integer that is out of range.

    Examples
    --------
    >>> layer = jg.layers.CategoryEncoding(3, output_mode="one_hot")
    >>> layer([2, 0])
    <Tensor shape=(2, 3) dtype=float32
    [[0. 0. 1.]
     [1. 0. 0.]]>
    """

    def __init__(
        self,
        num_tokens: int,
        output_mode: Literal["one_hot", "multi_hot", "count"] = "multi_hot",
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        self.num_tokens, self.output_mode = count("num_tokens", num_tokens), output_mode
        if output_mode not in ("one_hot", "multi_hot", "count"):
            raise ArgumentError(f"output_mode is {output_mode!r}. Use 'one_hot', 'multi_hot' or 'count'.")

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The dtype of the inputs, int64."""
        return np.dtype(np.int64)

    def fits(self, shape: Shape) -> bool:
        """Return True: rows of any shape are accepted.

        Parameters
        ----------
        shape : tuple
            Shape of a row.

        Returns
        -------
        bool
            Whether the layer accepts it.
        """
        return True

    def call(self, x: Tensor) -> Tensor:
        """Encode the integers.

        Parameters
        ----------
        x : Tensor of int
            Integers.

        Returns
        -------
        Tensor, shape (..., num_tokens)
            Columns.
        """
        if not checked(x, self._check, f"The input of layer {self.name!r}"):
            x = where((x >= 0) & (x < self.num_tokens), x, np.nan)
        hot = (equal(expand_dims(x, -1), np.arange(self.num_tokens)) * 1.0).astype(self.dtype)
        if self.output_mode == "one_hot" or x.ndim < 2:
            return hot[..., 0, :] if x.ndim > 1 and x.shape[-1] == 1 else hot
        return sum(hot, -2) if self.output_mode == "count" else max(hot, -2)

    def _check(self, name: str, places: np.ndarray) -> None:
        found = np.argwhere((places < 0) | (places >= self.num_tokens))
        if len(found):
            raise DataError(
                f"{name} has {places[tuple(found[0])]}, but CategoryEncoding {self.name!r} has columns for 0 to "
                f"{self.num_tokens - 1}. Correct it, or make num_tokens larger."
            )
