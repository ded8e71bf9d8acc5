"""The linear ops: each row is a shape rule and, for each operand, a transpose, which is built from linear ops.

``sum`` and ``broadcast_to`` are transposes of each other, as are ``slice`` and ``pad``, ``gather`` and ``scatter``. The
transpose of a permutation is its inverse. A matrix product is linear in both operands.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.errors import ShapeError
from jitgrad.ops.table import Op, Shape, broadcast_shape, linear, unbroadcast

# Shape rules. The public functions normalize the attributes: axes are not negative, and sizes are known.


def _given_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    return tuple(attrs["shape"])


def _reshape_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    if math.prod(shapes[0]) != math.prod(attrs["shape"]):
        raise ShapeError(
            f"reshape: {shapes[0]} has {math.prod(shapes[0])} elements and {attrs['shape']} has "
            f"{math.prod(attrs['shape'])}. Give a shape with the same number of elements, or -1 for one axis."
        )
    return tuple(attrs["shape"])


def _transpose_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    return tuple(shapes[0][axis] for axis in attrs["axes"])


def _get_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    shape: Shape = shapes[0][attrs["index"]]
    return shape


def _sum_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    return tuple(n for axis, n in enumerate(shapes[0]) if axis not in attrs["axes"])


def _broadcast_to_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    if broadcast_shape(op, (shapes[0], attrs["shape"]), {}) != attrs["shape"]:
        raise ShapeError(
            f"broadcast_to: {shapes[0]} does not broadcast to {attrs['shape']}. "
            f"Each axis of the first must be 1 or agree, counted from the last."
        )
    return tuple(attrs["shape"])


def _concatenate_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    axis, first = attrs["axis"], shapes[0]
    for shape in shapes[1:]:
        if len(shape) != len(first) or any(m != n for i, (m, n) in enumerate(zip(shape, first, strict=True)) if i != axis):
            raise ShapeError(
                f"concatenate: shapes {first} and {shape} differ in axes other than {axis}. "
                f"All axes except the one to concatenate along must agree."
            )
    return (*first[:axis], sum_of(shape[axis] for shape in shapes), *first[axis + 1 :])


def _gather_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    axis = attrs["axis"]
    return shapes[0][:axis] + shapes[1] + shapes[0][axis + 1 :]


def _scatter_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    axis = attrs["axis"]
    return (*shapes[0][:axis], attrs["rows"], *shapes[0][axis + len(shapes[1]) :])


def _cumsum_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    return shapes[0]


def _matmul_shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    a, b = shapes
    if a[-1] != b[-2]:
        raise ShapeError(
            f"matmul: shapes {a} and {b} do not match. "
            f"The last axis of the first ({a[-1]}) must equal the second to last axis of the second ({b[-2]})."
        )
    return (*broadcast_shape(op, (a[:-2], b[:-2]), {}), a[-2], b[-1])


# Transposes.


def _sum_transpose(g: Any, y: Any, x: Any, axes: tuple[int, ...]) -> Any:
    kept = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    return broadcast_to(reshape(g, shape=kept), shape=x.shape)


def _concatenate_transpose(i: int, g: Any, y: Any, *xs: Any, axis: int) -> Any:
    starts, steps = [0] * len(y.shape), (1,) * len(y.shape)
    starts[axis] = sum_of(x.shape[axis] for x in xs[:i])
    return slice_(g, starts=tuple(starts), steps=steps, shape=xs[i].shape)


def swap_last(x: Any) -> Any:
    """Transpose matrices: exchange the last two axes."""
    ndim = len(x.shape)
    return transpose(x, axes=(*range(ndim - 2), ndim - 1, ndim - 2))


# NumPy versions of the ops.

sum_of = sum


def _slices(starts: Shape, steps: Shape, shape: Shape) -> tuple[np.ndarray, ...]:
    axes = [start + step * np.arange(n) for start, step, n in zip(starts, steps, shape, strict=True)]
    return np.ix_(*axes)


def _numpy_pad(x: np.ndarray, starts: Shape, steps: Shape, shape: Shape) -> np.ndarray:
    out = np.zeros(shape, x.dtype)
    out[_slices(starts, steps, x.shape)] = x
    return out


def _numpy_scatter(x: np.ndarray, indices: np.ndarray, axis: int, rows: int) -> np.ndarray:
    out = np.zeros((*x.shape[:axis], rows, *x.shape[axis + indices.ndim :]), x.dtype)
    where: Any = (slice(None),) * axis + (indices.astype(np.int64),)
    np.add.at(out, where, x)
    return out


def _numpy_cumsum(x: np.ndarray, axis: int, reverse: bool) -> np.ndarray:
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)


# Attributes of the ops for operands with an additional leading axis.


def _in_front(n: int, starts: Shape, steps: Shape, shape: Shape) -> dict[str, Any]:
    return {"starts": (0, *starts), "steps": (1, *steps), "shape": (n, *shape)}


def _later(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(axis + 1 for axis in axes)


reshape: Op = linear(
    "reshape", _reshape_shape,
    lambda g, y, x, shape: reshape(g, shape=x.shape),
    numpy=lambda x, shape: x.reshape(shape),
    batching=lambda n, shape: {"shape": (n, *shape)},
)  # fmt: skip
transpose: Op = linear(
    "transpose", _transpose_shape,
    lambda g, y, x, axes: transpose(g, axes=tuple(axes.index(axis) for axis in range(len(axes)))),
    numpy=lambda x, axes: x.transpose(axes),
    batching=lambda n, axes: {"axes": (0, *_later(axes))},
)  # fmt: skip
broadcast_to: Op = linear(
    "broadcast_to", _broadcast_to_shape,
    lambda g, y, x, shape: unbroadcast(g, x.shape),
    numpy=lambda x, shape: np.broadcast_to(x, shape),
    batching=lambda n, shape: {"shape": (n, *shape)}, broadcasts=True,
)  # fmt: skip
get: Op = linear(
    "get", _get_shape,
    lambda g, y, x, index: (index, g),  # the number of the result and its cotangent
    numpy=lambda x, index: x[index],
    batching=lambda n, index: {"index": index},
    doc="Return one of several results of an op.",
)  # fmt: skip
sum: Op = linear(
    "sum", _sum_shape, _sum_transpose,
    numpy=lambda x, axes: x.sum(axes), result="number",
    batching=lambda n, axes: {"axes": _later(axes)},
)  # fmt: skip
slice_: Op = linear(
    "slice", _given_shape,
    lambda g, y, x, starts, steps, shape: pad(g, starts=starts, steps=steps, shape=x.shape),
    numpy=lambda x, starts, steps, shape: x[_slices(starts, steps, shape)],
    batching=_in_front,
    doc="Return the elements start, start + step, … of each axis; ``shape`` is their number.",
)  # fmt: skip
pad: Op = linear(
    "pad", _given_shape,
    lambda g, y, x, starts, steps, shape: slice_(g, starts=starts, steps=steps, shape=x.shape),
    numpy=_numpy_pad,
    batching=_in_front,
    doc="Return zeros of ``shape`` with the operand at the positions that ``slice`` would read.",
)  # fmt: skip
concatenate: Op = linear(
    "concatenate", _concatenate_shape, _concatenate_transpose,
    arity=None, numpy=lambda *xs, axis: np.concatenate(xs, axis),
    batching=lambda n, axis: {"axis": axis + 1},
)  # fmt: skip
gather: Op = linear(
    "gather", _gather_shape,
    lambda g, y, x, indices, axis: scatter(g, indices, axis=axis, rows=x.shape[axis]), None,
    numpy=lambda x, indices, axis: np.take(x, indices.astype(np.int64), axis),
    batching=lambda n, axis: {"axis": axis + 1},
    doc="Return rows of the first operand along an axis, by the integers of the second. An index out of range gives nan.",
)  # fmt: skip
scatter: Op = linear(
    "scatter", _scatter_shape,
    lambda g, y, x, indices, axis, rows: gather(g, indices, axis=axis), None,
    numpy=_numpy_scatter, result="number",
    batching=lambda n, axis, rows: {"axis": axis + 1, "rows": rows},
    doc="Return ``rows`` rows of zeros along an axis, with the first operand's rows added at the indices of the second.",
)  # fmt: skip
cumsum: Op = linear(
    "cumsum", _cumsum_shape,
    lambda g, y, x, axis, reverse: cumsum(g, axis=axis, reverse=not reverse),
    numpy=_numpy_cumsum, result="number",
    batching=lambda n, axis, reverse: {"axis": axis + 1, "reverse": reverse},
    doc="Return the cumulative sum along an axis; with ``reverse``, from the end.",
)  # fmt: skip
matmul: Op = linear(
    "matmul", _matmul_shape,
    lambda g, y, a, b: unbroadcast(matmul(g, swap_last(b)), a.shape),
    lambda g, y, a, b: unbroadcast(matmul(swap_last(a), g), b.shape),
    numpy=np.matmul, result="number",
    batching=lambda n: {}, broadcasts=True,
)  # fmt: skip
