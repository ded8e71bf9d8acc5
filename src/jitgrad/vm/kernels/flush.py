"""Subnormal numbers as zero, in compiled code."""

from __future__ import annotations

from typing import Any

from jitgrad.vm.compiler.language import emitted
from jitgrad.vm.emitter import Emitter
from jitgrad.vm.subnormals import FLUSH, change

__all__ = ["FLUSH", "flush_mode"]


@emitted(result="uint64")
def flush_mode(emit: Emitter, mode: Any) -> Any:
    """Set the bits of the mode, FLUSH or 0, in this thread; returns those that were there, to be put back."""
    return change(emit.builder, mode)
