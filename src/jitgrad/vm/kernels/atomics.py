"""Numbers that two threads read and write, as LLVM's atomic operations on pointers, and what a thread does while it waits."""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import binding, ir
from numba.core import cgutils
from numba.extending import intrinsic

_NUMBER = numba.uint64
_WORD = ir.IntType(64)
_BYTES = 8
_IS_X86 = binding.get_process_triple().startswith(("x86_64", "i686"))


def _call(builder: Any, result: Any, name: str) -> None:
    builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, []), name), [])


@intrinsic
def load(context, place):  # type: ignore[no-untyped-def]
    """The number at a place; what its writer wrote before it is then seen too."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load_atomic(arguments[0], "acquire", _BYTES)

    return _NUMBER(place), generate


@intrinsic
def store(context, place, value):  # type: ignore[no-untyped-def]
    """Set it, after all that was written before."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store_atomic(arguments[1], arguments[0], "release", _BYTES)
        return context.get_dummy_value()

    return numba.void(place, _NUMBER), generate


@intrinsic
def increment(context, place):  # type: ignore[no-untyped-def]
    """Add one to it; what was written before is seen by who sees it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.atomic_rmw("add", arguments[0], ir.Constant(_WORD, 1), "acq_rel")
        return context.get_dummy_value()

    return numba.void(place), generate


@intrinsic
def exchange(context, place, expected, value):  # type: ignore[no-untyped-def]
    """Set it if it is what is expected, and say whether it was."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.extract_value(builder.cmpxchg(*arguments, "acq_rel", "acquire"), 1)

    return numba.boolean(place, _NUMBER, _NUMBER), generate


@intrinsic
def pause(context):  # type: ignore[no-untyped-def]
    """Let the processor rest for some cycles, where it knows how to."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        if _IS_X86:
            _call(builder, ir.VoidType(), "llvm.x86.sse2.pause")
        return context.get_dummy_value()

    return numba.void(), generate


@intrinsic
def give_way(context):  # type: ignore[no-untyped-def]
    """Let the system run another thread here, if one waits."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        _call(builder, ir.IntType(32), "sched_yield")
        return context.get_dummy_value()

    return numba.void(), generate
