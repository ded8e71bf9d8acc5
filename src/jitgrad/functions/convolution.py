"""Convolution and correlation of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.shapes import reshape
from jitgrad.ops.linear import gather
from jitgrad.ops.linear import matmul as product
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor


@public(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    """The sums of ``a[i] * v[k - i]`` of two vectors.

    ``mode`` is "full" for all of them, "same" for as many as the longer one has, in the middle, or "valid" for those where
    the shorter one lies within the longer one.
    """
    a, v = as_tensor(a), as_tensor(v)
    return _slid("convolve", a, v[::-1], mode) if a.size >= v.size else _slid("convolve", v, a[::-1], mode)


@public(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Tensor:
    """The sums of ``a[k + i] * v[i]`` of two vectors; ``mode`` as for ``convolve``."""
    a, v = as_tensor(a), as_tensor(v)
    return _slid("correlate", a, v, mode) if a.size >= v.size else _slid("correlate", v, a, mode)[::-1]


def _slid(name: str, a: Tensor, v: Tensor, mode: str) -> Tensor:
    """The products of ``v`` with each part of ``a`` that is as long."""
    if a.ndim > 1 or v.ndim > 1 or v.size == 0:
        raise ShapeError(f"{name}: shapes {a.shape} and {v.shape}. Give vectors of at least one element.")
    m = v.size
    lengths = {"full": (m - 1, m - 1), "same": (m // 2, (m - 1) // 2), "valid": (0, 0)}
    if mode not in lengths:
        raise ArgumentError(f"{name}: mode is {mode!r}. Use 'full', 'same' or 'valid'.")
    before, behind = lengths[mode]
    padded = concatenate([np.zeros(before), reshape(a, (a.size,)), np.zeros(behind)])
    places = np.arange(padded.size - m + 1)[:, None] + np.arange(m)
    made: Tensor = product(gather(padded, places, axis=0), reshape(v, (m, 1)))
    return reshape(made, (padded.size - m + 1,))
