"""Batching: operations recorded for one cotangent or tangent are repeated for many, along a new first axis.

A Jacobian is therefore one expression and one run of one Program, whose steps have all rows along their first axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitgrad.ops.elementwise import where
from jitgrad.ops.linear import broadcast_to, gather, get, reshape, scatter, transpose
from jitgrad.tape.reverse_mode import topological
from jitgrad.tape.tensor import Tensor, as_tensor, retyped


def depending(outputs: Sequence[Tensor], leaves: Sequence[Tensor]) -> bool:
    """Return whether one of ``outputs`` was recorded from one of ``leaves``."""
    wanted = {id(leaf) for leaf in leaves}
    return any(id(node) in wanted for node in topological(outputs, lambda t: True))


def batched(outputs: Sequence[Tensor], leaves: Sequence[Tensor], rows: Sequence[Tensor]) -> list[Tensor]:
    """Replace each leaf in ``outputs`` with all its rows.

    Parameters
    ----------
    outputs : sequence of Tensor
        Tensors recorded from the leaves.
    leaves : sequence of Tensor
        Tensors without a value.
    rows : sequence of Tensor
        The values of each leaf, of shape ``(n, *leaf.shape)``.

    Returns
    -------
    list of Tensor
        Tensors of shape ``(n, *output.shape)``.
    """
    n = rows[0].shape[0]
    many: dict[int, Any] = {id(leaf): row for leaf, row in zip(leaves, rows, strict=True)}  # a tuple for several results
    for node in topological(outputs, lambda t: True):
        if id(node) not in many and any(id(x) in many for x in node.inputs):
            many[id(node)] = _with_axis(node, [many.get(id(x)) for x in node.inputs], n)
    return [many[id(t)] if id(t) in many else broadcast_to(t, shape=(n, *t.shape)) for t in outputs]


def _with_axis(node: Tensor, given: Sequence[Any], n: int) -> Any:
    """Record the op of ``node`` for operands, some of which have a new first axis of size n."""
    op, attrs = node.op, dict(node.attrs)
    assert op is not None
    if op is get:
        result: Tensor = given[0][attrs["index"]]
        return retyped(result, node.level)
    if op.batch is not None:
        return op.batch(n, given, *node.inputs, **attrs)
    pairs = list(zip(node.inputs, given, strict=True))
    fixed = _indices(node)
    if op in (gather, scatter) and given[1] is not None:
        return _by_own_indices(node, given, n)
    if op.batching is None or any(given[i] is not None for i in fixed):
        return _one_by_one(node, given, n)
    if op.broadcasts:
        most = node.ndim if op.name == "broadcast_to" else max(x.ndim for x in node.inputs)
        operands = [x if many is None else _aligned(many, most) for x, many in pairs]
    else:
        operands = [
            x if i in fixed else broadcast_to(x, shape=(n, *x.shape)) if many is None else many
            for i, (x, many) in enumerate(pairs)
        ]
    made = op(*operands, **op.batching(n, **attrs))
    return retyped(made, node.level) if type(made) is Tensor else made


def _by_own_indices(node: Tensor, given: Sequence[Any], n: int) -> Tensor:
    """Record a gather or scatter in which each row has its own indices, on the concatenated rows."""
    attrs, (data, indices) = dict(node.attrs), node.inputs
    k, places = 1 + attrs["axis"], indices.ndim if node.op is scatter else 1
    many = broadcast_to(data, shape=(n, *data.shape)) if given[0] is None else given[0]
    first = _moved(many, range(k, k + places), 1)
    count = attrs["rows"] if node.op is scatter else data.shape[attrs["axis"]]
    at = where(given[1] < 0, given[1] + count, given[1])
    inside = (at >= 0) * (at < count)
    flat = where(inside, at + count * np.arange(n).reshape(n, *(1,) * indices.ndim), n * count)
    rest = first.shape[1 + places :]
    if node.op is scatter:
        made = scatter(reshape(first, shape=(*flat.shape, *rest)), flat, axis=0, rows=n * count)
        made = _moved(reshape(made, shape=(n, count, *rest)), (1,), k)
    else:
        made = gather(reshape(first, shape=(n * count, *rest)), flat, axis=0)
        made = _moved(made, range(1, 1 + indices.ndim), k)
    return retyped(made, node.level)


def _moved(x: Tensor, axes: Sequence[int], to: int) -> Tensor:
    """Move adjacent axes to another position and keep their order."""
    order = [axis for axis in range(x.ndim) if axis not in axes]
    order[to:to] = axes
    made: Tensor = transpose(x, axes=tuple(order))
    return made


def _indices(node: Tensor) -> list[int]:
    """Return the operands of a structured op that are indices: those without a derivative, if another operand has one."""
    assert node.op is not None
    if node.op.partials or node.op.dtype_operands is None:
        return []
    return [i for i in range(len(node.inputs)) if i not in node.op.dtype_operands]


def _aligned(many: Tensor, most: int) -> Tensor:
    """Insert axes of size 1 after the first one, so that ``most`` axes follow it."""
    n, *shape = many.shape
    return many if len(shape) == most else reshape(many, shape=(n, *(1,) * (most - len(shape)), *shape))


def _one_by_one(node: Tensor, given: Sequence[Tensor | None], n: int) -> Any:
    """Apply the op to each row, for an op without a batching rule."""
    op, attrs = node.op, dict(node.attrs)
    assert op is not None
    pairs = list(zip(node.inputs, given, strict=True))
    rows = [op(*[x if many is None else many[row] for x, many in pairs], **attrs) for row in range(n)]
    return tuple(map(as_tensor, zip(*rows, strict=True))) if type(rows[0]) is tuple else as_tensor(rows)


def basis(x: Tensor) -> Tensor:
    """Return all arrays with the shape and dtype of x that are 0 except for a single 1, stacked along a first axis."""
    return as_tensor(np.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape))
