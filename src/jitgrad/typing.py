"""Types for annotations, in the manner of ``numpy.typing``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy.typing as npt

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.tape.variable import Variable

__all__ = ["ArrayLike", "DTypeLike"]

ArrayLike: TypeAlias = "npt.ArrayLike | Tensor | Variable | Sequence[ArrayLike]"
"""What an array can be made from: a number, an array, a Tensor, a Variable, or nested sequences of them."""

DTypeLike: TypeAlias = "npt.DTypeLike"
"""What names a dtype: ``"float32"``, ``np.float64``, ``bool`` and the like."""
