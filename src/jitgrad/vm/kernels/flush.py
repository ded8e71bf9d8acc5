"""Subnormal numbers as zero, in compiled code."""

from __future__ import annotations

import numba
from numba.extending import intrinsic

from jitgrad.vm.subnormals import FLUSH, change

__all__ = ["FLUSH", "flush_mode"]


@intrinsic
def flush_mode(context, mode):  # type: ignore[no-untyped-def]
    """Set the bits of the mode, FLUSH or 0, in this thread; returns those that were there, to be put back."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return change(builder, arguments[0])

    return numba.uint64(numba.uint64), generate
