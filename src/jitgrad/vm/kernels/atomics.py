"""Numbers that two threads read and write, as LLVM's atomic operations on pointers, and what a thread does while it waits."""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir

from jitgrad.vm.compiler.emitter import HALF, WORD, Emitter, call
from jitgrad.vm.compiler.language import emitted

_BYTES = 8
_IS_X86 = binding.get_process_triple().startswith(("x86_64", "i686"))


@emitted(result="uint64")
def load(emit: Emitter, place: Any) -> Any:
    """The number at a place; what its writer wrote before it is then seen too."""
    return emit.builder.load_atomic(place, "acquire", _BYTES)


@emitted()
def store(emit: Emitter, place: Any, value: Any) -> None:
    """Set it, after all that was written before."""
    emit.builder.store_atomic(value, place, "release", _BYTES)


@emitted()
def increment(emit: Emitter, place: Any) -> None:
    """Add one to it; what was written before is seen by who sees it."""
    emit.builder.atomic_rmw("add", place, ir.Constant(WORD, 1), "acq_rel")


@emitted(result="boolean")
def exchange(emit: Emitter, place: Any, expected: Any, value: Any) -> Any:
    """Set it if it is what is expected, and say whether it was."""
    return emit.builder.extract_value(emit.builder.cmpxchg(place, expected, value, "acq_rel", "acquire"), 1)


@emitted()
def pause(emit: Emitter) -> None:
    """Let the processor rest for some cycles, where it knows how to."""
    if _IS_X86:
        call(emit.builder, "llvm.x86.sse2.pause", ir.VoidType())


@emitted()
def give_way(emit: Emitter) -> None:
    """Let the system run another thread here, if one waits."""
    call(emit.builder, "sched_yield", HALF)
