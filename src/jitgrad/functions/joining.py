"""Joining and splitting Tensors."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ShapeError
from jitgrad.functions.axes import axis_of, sequence
from jitgrad.functions.shapes import atleast_1d, atleast_2d, expand_dims, ravel, reshape
from jitgrad.ops import linear
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.concatenate)
def concatenate(xs: Iterable[Any], axis: int | None = 0) -> Tensor:
    """Operands one after the other along ``axis``, each as one row for None. Raises ShapeError where they differ elsewhere."""
    tensors = [as_tensor(x) for x in xs]
    if axis is None:
        tensors, axis = [ravel(t) for t in tensors], 0
    if not tensors or any(t.ndim != tensors[0].ndim for t in tensors) or tensors[0].ndim == 0:
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(
            f"concatenate: got shapes {listed or 'of no operands'}. Give operands of the same number of axes, at least 1."
        )
    return linear.concatenate(*tensors, axis=axis_of("concatenate", axis, tensors[0].ndim))


@public(np.stack)
def stack(xs: Iterable[Any], axis: int = 0) -> Tensor:
    """Operands of one shape along a new axis. Raises ShapeError where shapes differ."""
    tensors = [as_tensor(x) for x in xs]
    if any(t.shape != tensors[0].shape for t in tensors):
        listed = ", ".join(str(t.shape) for t in tensors)
        raise ShapeError(f"stack: shapes {listed} differ. Give operands of one shape.")
    return concatenate([expand_dims(t, axis) for t in tensors], axis)


@public(np.vstack)
def vstack(xs: Iterable[Any]) -> Tensor:
    """Operands one below the other; vectors are rows."""
    return concatenate([atleast_2d(x) for x in xs], 0)


@public(np.hstack)
def hstack(xs: Iterable[Any]) -> Tensor:
    """Operands one beside the other: along the second axis, of vectors along the first."""
    tensors = [atleast_1d(x) for x in xs]
    return concatenate(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


@public(np.column_stack)
def column_stack(xs: Iterable[Any]) -> Tensor:
    """Operands one beside the other; vectors are columns."""
    tensors = [as_tensor(x) for x in xs]
    return concatenate([t if t.ndim > 1 else reshape(t, (t.size, 1)) for t in tensors], 1)


@public(np.dstack)
def dstack(xs: Iterable[Any]) -> Tensor:
    """Operands one behind the other, along the third axis; vectors are rows."""
    tensors = [atleast_2d(x) for x in xs]
    return concatenate([expand_dims(t, -1) if t.ndim == 2 else t for t in tensors], 2)


@public(np.append)
def append(x: Any, values: Any, axis: int | None = None) -> Tensor:
    """``values`` after ``x`` along ``axis``; both as one row for None."""
    return concatenate([ravel(x), ravel(values)] if axis is None else [x, values], axis or 0)


@public(np.split)
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Parts along ``axis``: as many as a number says, equal, or cut before each of a sequence of positions.

    Raises ShapeError where a number does not divide the axis.
    """
    x = as_tensor(x)
    at = axis_of("split", axis, x.ndim)
    n = x.shape[at]
    if np.ndim(indices_or_sections) == 0:
        indices_or_sections = operator.index(indices_or_sections)  # type: ignore[arg-type]
        if indices_or_sections < 1 or n % indices_or_sections:
            raise ShapeError(
                f"split: axis {at} of shape {x.shape} has no {indices_or_sections} equal parts. Use array_split, or positions."
            )
        cuts = list(range(n // indices_or_sections, n, n // indices_or_sections)) if n else [0] * (indices_or_sections - 1)
    else:
        cuts = [operator.index(i) for i in sequence(indices_or_sections)]
    ends = [0, *cuts, n]
    before = (slice(None),) * at
    return [x[(*before, slice(a, b))] for a, b in itertools.pairwise(ends)]


@public(np.array_split)
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """As ``split``; the first parts are one longer where a number does not divide the axis."""
    x = as_tensor(x)
    if np.ndim(indices_or_sections) > 0:
        return split(x, indices_or_sections, axis)
    n = x.shape[axis_of("array_split", axis, x.ndim)]
    indices_or_sections = count("array_split: the number of parts", indices_or_sections)
    small, longer = divmod(n, indices_or_sections)
    return split(x, [small * i + min(i, longer) for i in range(1, indices_or_sections)], axis)
