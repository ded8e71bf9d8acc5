"""Types for annotations, similar to ``numpy.typing``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy.typing as npt

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.tape.variable import Variable

__all__ = ["ArrayLike", "DTypeLike"]

ArrayLike: TypeAlias = "npt.ArrayLike | Tensor | Variable | Sequence[ArrayLike]"
"""Anything that can be converted to an array: numbers, arrays, Tensors, Variables, and nested sequences of them."""

DTypeLike: TypeAlias = "npt.DTypeLike"
"""Anything that specifies a dtype, such as ``"float32"``, ``np.float64`` or ``bool``."""
