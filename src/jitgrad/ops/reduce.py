"""Reductions that are neither elementwise nor linear, with their own vjp.

Elements that share the extreme value share its gradient equally, as in JAX.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops.elementwise import equal
from jitgrad.ops.linear import broadcast_to, reshape
from jitgrad.ops.linear import sum as sum_
from jitgrad.ops.table import Op, Shape, declare


def _extreme_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    shape, axes = shapes[0], attrs["axes"]
    if any(shape[axis] == 0 for axis in axes):
        raise ShapeError(f"{op.name}: shape {shape} has no elements along an axis of {axes}. Reduce over axes with elements.")
    return tuple(n for axis, n in enumerate(shape) if axis not in axes)


def _extreme_vjp(g: Any, y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    hit = equal(x, reshape(y, shape=kept))
    share = g / sum_(hit, axes=axes)
    return hit * broadcast_to(reshape(share, shape=kept), shape=x.shape)


def _later(n: int, axes: tuple[int, ...]) -> dict[str, Any]:
    return {"axes": tuple(axis + 1 for axis in axes)}


max: Op = declare(Op("max", 1, _extreme_shape, (_extreme_vjp,), lambda x, axes: np.max(x, axes), batching=_later))
min: Op = declare(Op("min", 1, _extreme_shape, (_extreme_vjp,), lambda x, axes: np.min(x, axes), batching=_later))
