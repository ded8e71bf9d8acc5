"""Layers that change the shape of rows, or combine the steps of a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Unpack

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError
from jitgrad.functions.extremes import max
from jitgrad.functions.rearranging import repeat
from jitgrad.functions.reductions import mean
from jitgrad.functions.shapes import expand_dims, reshape, transpose
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import LayerOptions
from jitgrad.tape.tensor import Tensor


class Flatten(Layer):
    """Flatten each row to one axis: shape (rows, ...) to (rows, size).

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Flatten()(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)

    def call(self, x: Tensor) -> Tensor:
        """Flatten the rows.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor, shape (rows, size)
            Result.
        """
        return reshape(x, (x.shape[0], math.prod(x.shape[1:])))


class Reshape(Layer):
    """Change the shape of each row.

    Parameters
    ----------
    target_shape : sequence of int
        New shape of a row. At most one size may be -1, in which case it is inferred.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Reshape((2, -1))(np.ones((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Sequence[int], **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.target_shape = tuple(target_shape)

    def call(self, x: Tensor) -> Tensor:
        r"""Change the shape of the rows.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor, shape (rows, \*target_shape)
            Result.
        """
        known = math.prod(n for n in self.target_shape if n != -1)
        rest = math.prod(x.shape[1:]) // known if known else 0
        return reshape(x, (x.shape[0], *(rest if n == -1 else n for n in self.target_shape)))


class Permute(Layer):
    """Permute the axes of each row.

    Parameters
    ----------
    dims : sequence of int
        The axes of a row in the new order. The first axis of a row is 1.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Raises
    ------
    ArgumentError
        If `dims` is not a permutation of 1 to n.

    Examples
    --------
    >>> jg.layers.Permute((2, 1))(np.ones((5, 3, 4))).shape
    (5, 4, 3)
    """

    def __init__(self, dims: Sequence[int], **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                f"dims is {self.dims}. Give the axes of a row in their new order, starting with 1, for example (2, 1)."
            )

    def call(self, x: Tensor) -> Tensor:
        """Permute the axes.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result.
        """
        return transpose(x, (0, *self.dims))


class RepeatVector(Layer):
    """Repeat the vector of each row: shape (rows, features) to (rows, n, features).

    Parameters
    ----------
    n : int
        Number of repetitions.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.RepeatVector(3)(np.ones((5, 2))).shape
    (5, 3, 2)
    """

    def __init__(self, n: int, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.n = count("n", n)

    def call(self, x: Tensor) -> Tensor:
        """Repeat the vectors.

        Parameters
        ----------
        x : Tensor, shape (rows, features)
            Inputs.

        Returns
        -------
        Tensor, shape (rows, n, features)
            Result.
        """
        return repeat(expand_dims(x, 1), self.n, 1)


class GlobalAveragePooling1D(Layer):
    """Average over the steps of each row: shape (rows, steps, features) to (rows, features).

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.GlobalAveragePooling1D()([[[1.0, 2.0], [3.0, 4.0]]])
    <Tensor shape=(1, 2) dtype=float64 [[2. 3.]]>
    """

    def __init__(self, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)

    def call(self, x: Tensor) -> Tensor:
        """Average over the steps.

        Parameters
        ----------
        x : Tensor, shape (rows, steps, features)
            Inputs.

        Returns
        -------
        Tensor, shape (rows, features)
            Result.
        """
        return mean(x, 1)


class GlobalMaxPooling1D(GlobalAveragePooling1D):
    """Take the maximum over the steps of each row: shape (rows, steps, features) to (rows, features).

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.GlobalMaxPooling1D()([[[1.0, 2.0], [3.0, 4.0]]])
    <Tensor shape=(1, 2) dtype=float64 [[3. 4.]]>
    """

    def call(self, x: Tensor) -> Tensor:
        """Take the maximum over the steps.

        Parameters
        ----------
        x : Tensor, shape (rows, steps, features)
            Inputs.

        Returns
        -------
        Tensor, shape (rows, features)
            Result.
        """
        return max(x, 1)
