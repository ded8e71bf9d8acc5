"""Collating rows into batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jitgrad.compat.torch.creation import tensor
from jitgrad.compat.torch.shapes import stack
from jitgrad.compat.torch.tensor import Tensor, constant
from jitgrad.errors import UnsupportedError


def default_collate(batch: Sequence[Any]) -> Any:
    """Collate rows: stack tensors, arrays and numbers; collate tuples, lists and dicts item by item; put strings in a list."""
    first = batch[0]
    if isinstance(first, Tensor):
        return _stacked(batch)
    if isinstance(first, (np.ndarray, np.generic)):
        if first.dtype.kind in "SUO":
            raise UnsupportedError(
                f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {first.dtype}"
            )
        return tensor(np.stack([np.asarray(row) for row in batch]))
    if isinstance(first, float):
        return tensor(np.array(batch, np.float64))
    if isinstance(first, int):
        return tensor(list(batch))
    if isinstance(first, (str, bytes)):
        return list(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([row[key] for row in batch]) for key in first}
    if isinstance(first, Sequence):
        if any(len(row) != len(first) for row in batch):
            raise UnsupportedError("each element in list of batch should be of equal size. Pad them, or give collate_fn.")
        parts = [default_collate(column) for column in zip(*batch, strict=True)]
        if hasattr(first, "_fields"):
            return type(first)(*parts)
        return parts
    raise UnsupportedError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


def _stacked(batch: Sequence[Tensor]) -> Tensor:
    """Stack tensors of the same shape along a new axis; for tensors without gradients, only the values."""
    rows = [row._tensor._read() for row in batch]
    shape, level, integer = rows[0].shape, rows[0].level, batch[0]._integer
    if any(row.gradient is not None or row.shape != shape or row.level != level for row in rows) or any(
        row._integer is not integer for row in batch
    ):
        return stack(list(batch))
    block = np.stack([row.force() for row in rows])
    block.setflags(write=False)
    return constant(block, batch[0])


def default_convert(data: Any) -> Any:
    """Convert a single row: arrays become tensors, everything else is unchanged."""
    if isinstance(data, (np.ndarray, np.generic)) and data.dtype.kind not in "SUO":
        return tensor(np.asarray(data))
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and not hasattr(data, "_fields"):
        return [default_convert(item) for item in data]
    if isinstance(data, list):
        return [default_convert(item) for item in data]
    return data
