"""Runs the dumps that standard input has, a JSON list, in memory whose neighbouring pages cannot be touched."""

from __future__ import annotations

import ctypes
import json
import mmap
import sys

import numpy as np

import jitgrad
from jitgrad.program.context import Context
from jitgrad.program.program import Program

VALUES = [0, 1, -1, 0.5, 3, 1e9, -1e9, np.nan, np.inf, 1e30]


def run(program: Program, seed: int) -> None:
    """Once with the arena right before a guarded page, once right after one, on numbers of all kinds."""
    page, size = mmap.PAGESIZE, max(1, program.size * program.dtype.itemsize)
    room = -(-size // page) * page
    guarded = mmap.mmap(-1, room + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(guarded))
    protect = ctypes.CDLL(None).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for place in (start, start + page + room):
        assert protect(place, page, 0) == 0
    draw = np.random.default_rng(seed)
    for first in (page, page + room - size):
        arena = np.frombuffer(guarded, program.dtype, program.size, first)
        context = Context(program, arena)
        for place in context.inputs:
            place[...] = draw.choice(VALUES, place.shape)
        context.run()


def main() -> None:
    for dtype in ("float32", "float64"):
        square = np.eye(2, dtype=dtype)
        jitgrad.lower(jitgrad.linalg.solve, square, square)
        jitgrad.lower(jitgrad.linalg.det, square)
        jitgrad.lower(jitgrad.linalg.cholesky, square)
        jitgrad.lower(jitgrad.grad(jitgrad.linalg.det), square)
        for decompose in (jitgrad.linalg.eigh, jitgrad.linalg.svd, jitgrad.linalg.qr):
            jitgrad.lower(decompose, square)
    for number, text in enumerate(json.load(sys.stdin)):
        run(Program.parse(text), number)
    print("done")


if __name__ == "__main__":
    main()
