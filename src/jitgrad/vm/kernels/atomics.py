"""Words of memory that two threads read and write, as LLVM's atomic operations, and what a thread does while it waits."""

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


def _place(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Of element ``i`` of an array, the first two arguments."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(array.data, [arguments[1]])


def _call(builder: Any, result: Any, name: str) -> None:
    builder.call(cgutils.get_or_insert_function(builder.module, ir.FunctionType(result, []), name), [])


@intrinsic
def load(context, words, i):  # type: ignore[no-untyped-def]
    """Word ``i``; what its writer wrote before it is then seen too."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load_atomic(_place(context, builder, signature, arguments), "acquire", _BYTES)

    return _NUMBER(words, _NUMBER), generate


@intrinsic
def store(context, words, i, value):  # type: ignore[no-untyped-def]
    """Set word ``i``, after all that was written before."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store_atomic(arguments[2], _place(context, builder, signature, arguments), "release", _BYTES)
        return context.get_dummy_value()

    return numba.void(words, _NUMBER, _NUMBER), generate


@intrinsic
def increment(context, words, i):  # type: ignore[no-untyped-def]
    """Add one to word ``i``; what was written before is seen by who sees it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.atomic_rmw("add", _place(context, builder, signature, arguments), ir.Constant(_WORD, 1), "acq_rel")
        return context.get_dummy_value()

    return numba.void(words, _NUMBER), generate


@intrinsic
def exchange(context, words, i, expected, value):  # type: ignore[no-untyped-def]
    """Set word ``i`` if it is what is expected, and say whether it was."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        place = _place(context, builder, signature, arguments)
        return builder.extract_value(builder.cmpxchg(place, *arguments[2:], "acq_rel", "acquire"), 1)

    return numba.boolean(words, _NUMBER, _NUMBER, _NUMBER), generate


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
