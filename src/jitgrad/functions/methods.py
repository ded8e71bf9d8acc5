"""Methods of Tensors and Variables, where NumPy has them: the functions, with the Tensor as their first argument."""

from __future__ import annotations

from typing import Any

from jitgrad.functions import elementwise, products, reductions, selection, shapes
from jitgrad.tape.tensor import Operators, Tensor


def _reshape(self: Operators, *shape: Any) -> Tensor:
    """As ``jitgrad.reshape``; the sizes may be separate arguments."""
    return shapes.reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Operators, *axes: Any) -> Tensor:
    """As ``jitgrad.transpose``; the axes may be separate arguments."""
    order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
    return shapes.transpose(self, order or None)


def _round(self: Operators, decimals: int | None = None) -> Tensor:
    """Python's ``round``: as ``jitgrad.round``."""
    return elementwise.round(self, decimals or 0)


_METHODS = [
    reductions.sum, reductions.mean, reductions.max, reductions.min, reductions.prod, reductions.var, reductions.std,
    reductions.argmax, reductions.argmin, reductions.cumsum, reductions.cumprod, reductions.any, reductions.all,
    shapes.squeeze, shapes.ravel, shapes.swapaxes, shapes.repeat, shapes.diagonal,
    products.dot, products.trace, selection.take, selection.argsort, elementwise.clip, elementwise.round,
]  # fmt: skip

for _function in _METHODS:
    setattr(Operators, _function.__name__, _function)
Operators.reshape = _reshape
Operators.transpose = _transpose
Operators.flatten = shapes.ravel  # type: ignore[attr-defined]
Operators.__round__ = _round  # type: ignore[attr-defined]
