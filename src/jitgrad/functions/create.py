"""Making Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.ops.linear import broadcast_to
from jitgrad.tape import dtypes
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor, cast, identity, retyped
from jitgrad.tape.tree import contains


@public()
def tensor(value: Any, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """An immutable Tensor of ``value``, copied. Later changes of an array, or assignments to a Variable, do not touch it.

    Tensors, and lists with Tensors in them, are recorded: gradients pass.

    Args:
        value: a number, array-like, Tensor or Variable, or nested lists of them.
        dtype: by default that of ``value``; float64 for Python floats, int64 for integers.
        requires_grad: whether ``backward`` gives it a gradient, in ``.grad``. It is a new leaf then, to which none passes.

    Raises:
        DTypeError: for what is not boolean, integer or floating, and for integers that should have a gradient.
        ConcretizationError: for a new leaf, or an integer, of a Tensor that is differentiated or requires a gradient.
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
def convert_to_tensor(value: Any, dtype: Any = None) -> Tensor:
    """As ``tensor``: the value now, which later assignments do not touch."""
    return tensor(value, dtype)


@public(np.full_like)
def full_like(x: Any, value: Any) -> Tensor:
    """``value`` in the shape of ``x``, and in its dtype where that is a float."""
    like = as_tensor(x)
    filled = as_tensor(value)
    made = broadcast_to(filled, shape=like.shape)
    return retyped(made, max(like.level, filled.level))


@public(np.zeros_like)
def zeros_like(x: Any) -> Tensor:
    """Zeros in the shape and dtype of ``x``."""
    return full_like(x, 0)


@public(np.ones_like)
def ones_like(x: Any) -> Tensor:
    """Ones in the shape and dtype of ``x``."""
    return full_like(x, 1)
