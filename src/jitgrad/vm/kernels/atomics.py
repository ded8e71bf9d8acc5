"""Atomic operations on numbers that threads share, and hints to the processor while a thread waits."""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir

from jitgrad.vm.compiler.emitter import HALF, WORD, Emitter, call
from jitgrad.vm.compiler.language import emitted

_BYTES = 8
_IS_X86 = binding.get_process_triple().startswith(("x86_64", "i686"))


@emitted(result="uint64")
def load(emit: Emitter, place: Any) -> Any:
    """Load a number with acquire semantics: writes that its writer made before it are visible afterwards."""
    return emit.builder.load_atomic(place, "acquire", _BYTES)


@emitted()
def store(emit: Emitter, place: Any, value: Any) -> None:
    """Store a number with release semantics, after all earlier writes."""
    emit.builder.store_atomic(value, place, "release", _BYTES)


@emitted()
def increment(emit: Emitter, place: Any) -> None:
    """Increment a number. Earlier writes are visible to threads that see the new value."""
    emit.builder.atomic_rmw("add", place, ir.Constant(WORD, 1), "acq_rel")


@emitted(result="boolean")
def exchange(emit: Emitter, place: Any, expected: Any, value: Any) -> Any:
    """Compare and swap; return whether the number was as expected."""
    return emit.builder.extract_value(emit.builder.cmpxchg(place, expected, value, "acq_rel", "acquire"), 1)


@emitted()
def pause(emit: Emitter) -> None:
    """Pause the processor for some cycles, if it has such an instruction."""
    if _IS_X86:
        call(emit.builder, "llvm.x86.sse2.pause", ir.VoidType())


@emitted()
def give_way(emit: Emitter) -> None:
    """Yield to another thread that waits for this core."""
    call(emit.builder, "sched_yield", HALF)
