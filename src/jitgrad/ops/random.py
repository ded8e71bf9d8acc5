"""Random numbers as an op: a function of a state, so that they are reproducible."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.ops.table import Op, Shape, declare

STATE_SIZE = 5


def _shape(op: Op, shapes: tuple[Shape, ...], attrs: dict[str, Any]) -> Shape:
    return tuple(attrs["shape"])


def _numpy_uniform(state: np.ndarray, shape: Shape, stream: int) -> np.ndarray:
    """Compute the same numbers as the kernel, with NumPy; see ``vm.kernels.random``."""
    a, b, c, low, high = (int(x) for x in state)
    key, step = a | b << 22 | c << 43, low | high << 24
    n = np.arange(int(np.prod(shape)), dtype=np.uint64)
    word, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    c0, c1 = n & word, n >> half
    c2, c3 = np.full_like(n, step & 0xFFFFFFFF), np.full_like(n, step >> 32 | stream << 16)
    k0, k1 = np.uint64(key & 0xFFFFFFFF), np.uint64(key >> 32)
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ k0, p1 & word, (p0 >> half) ^ c3 ^ k1, p0 & word
        k0, k1 = np.uint64((int(k0) + 0x9E3779B9) & 0xFFFFFFFF), np.uint64((int(k1) + 0xBB67AE85) & 0xFFFFFFFF)
    bits = (c0 << half) | c1
    single = np.asarray(state).dtype == np.float32
    made = (bits >> np.uint64(40)) * 2.0**-24 if single else (bits >> np.uint64(11)) * 2.0**-53
    return made.reshape(shape).astype(np.asarray(state).dtype)


uniform: Op = declare(
    Op(
        "uniform", 1, _shape, (None,), _numpy_uniform, result="float",
        doc="Return numbers from [0, 1), computed from a state of five numbers and a stream below 2¹⁶.",
    )
)  # fmt: skip
