"""Ops for the order of elements along the last axis. Their results are integers and have no derivative.

Equal elements are in their original order, and nan is larger than all numbers, as in NumPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops.table import Op, Shape, declare


def _argmax_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    if shapes[0][-1] == 0:
        raise ShapeError(f"argmax: the last axis of shape {shapes[0]} is empty. Give an axis with elements.")
    return shapes[0][:-1]


argmax: Op = declare(
    Op("argmax", 1, _argmax_shape, (None,), lambda x: np.argmax(x, -1), batching=lambda n: {}, result="integer")
)
argsort: Op = declare(
    Op(
        "argsort", 1, lambda op, shapes, attrs: shapes[0], (None,), lambda x: np.argsort(x, -1, kind="stable"),
        batching=lambda n: {}, result="integer",
    )
)  # fmt: skip
