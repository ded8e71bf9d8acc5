"""The base of tensors that wrap a jitgrad Tensor with another library's methods and printing.

A wrapper is a subclass of ``Operators``, so every jitgrad function accepts it as an operand and returns a plain Tensor, which
the caller wraps again. jitgrad has one integer dtype; a wrapper stores the dtype to display.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.ops import Shape
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import NEVER_DEFERRED
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.tree import tree_map
from jitgrad.tape.variable import Variable


class Wrapper(Operators):
    """Base class of another library's tensor.

    Parameters
    ----------
    tensor : Tensor or Variable
        The value.
    integer : numpy.dtype
        The dtype displayed if ``tensor`` has integers.
    """

    __slots__ = ("__weakref__", "_integer", "_tensor")

    def __init__(self, tensor: Tensor | Variable, integer: np.dtype[Any]) -> None:
        self._tensor = tensor
        self._integer = integer

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        NEVER_DEFERRED.add(cls)

    def _read(self) -> Tensor:
        return self._tensor._read()

    @property
    def level(self) -> int:  # type: ignore[override]
        """The level of the dtype, see ``jitgrad.tape.dtypes``."""
        return self._tensor.level

    @property
    def shape(self) -> Shape:
        return self._tensor.shape

    @property
    def gradient(self) -> Gradient | None:
        """The gradient that ``backward`` stores, if the tensor requires a gradient."""
        return self._tensor.gradient

    def _keep(self, kept: Gradient | None) -> None:
        self._tensor._keep(kept)

    def _value(self) -> Any:
        value = self._tensor._value()
        return value.astype(self._integer) if self.level == dtypes.INTEGER else value

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The NumPy dtype of the values."""
        return self._integer if self.level == dtypes.INTEGER else dtypes.DTYPE[self.level]


def unwrap(value: Any) -> Any:
    """Unwrap the tensors in any nested structure."""
    return tree_map(lambda x: x._read() if isinstance(x, Wrapper) else x, value)
