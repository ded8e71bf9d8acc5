"""Subnormal numbers as zero: a mode of the processor that holds for the thread that sets it.

With it, operations neither take nor give subnormal numbers, which cost some processors 150 cycles each. x86 has two bits for
it in MXCSR, flush-to-zero for results and denormals-are-zero for operands; AArch64 has one in FPCR.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy import uint64

from jitgrad.vm.jit import Native, inline

_TRIPLE = binding.get_process_triple()
_IS_X86 = _TRIPLE.startswith(("x86_64", "i686"))
_IS_ARM = _TRIPLE.startswith(("aarch64", "arm64"))
FLUSH = 1 << 15 | 1 << 6 if _IS_X86 else 1 << 24 if _IS_ARM else 0
"""The bits of the mode; none where the processor is not known to have it."""

_WORD, _HALF = ir.IntType(64), ir.IntType(32)


def _call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Call an intrinsic of LLVM, and let no access to memory, and so no arithmetic on what stands there, pass it."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    builder.fence("seq_cst", "singlethread")
    made = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)
    builder.fence("seq_cst", "singlethread")
    return made


@intrinsic
def _control(context):  # type: ignore[no-untyped-def]
    """The word that says how this thread computes with floats."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        if _IS_X86:
            place = cgutils.alloca_once(builder, _HALF)
            _call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), builder.bitcast(place, ir.IntType(8).as_pointer()))
            return builder.zext(builder.load(place), _WORD)
        return _call(builder, "llvm.aarch64.get.fpcr", _WORD) if _IS_ARM else ir.Constant(_WORD, 0)

    return numba.uint64(), generate


@intrinsic
def _set_control(context, word):  # type: ignore[no-untyped-def]
    """Set it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        if _IS_X86:
            place = cgutils.alloca_once_value(builder, builder.trunc(arguments[0], _HALF))
            _call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), builder.bitcast(place, ir.IntType(8).as_pointer()))
        elif _IS_ARM:
            _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), arguments[0])
        return context.get_dummy_value()

    return numba.void(numba.uint64), generate


@inline
def flush_mode(mode):
    """Set the bits of the mode, FLUSH or 0, in this thread; returns those that were there, to be put back."""
    bits, before = uint64(FLUSH), _control()
    _set_control((before & ~bits) | mode)
    return before & bits


def _flush(on):
    """Turn the mode on, or off where ``on`` is 0; returns whether the processor then has it as asked."""
    mode = uint64(FLUSH) if on != uint64(0) else uint64(0)
    flush_mode(mode)
    known = uint64(FLUSH) != uint64(0) and flush_mode(mode) == mode
    return uint64(1) if known else uint64(0)


flush = Native(_flush, lambda dtype: ((types.uint64,), types.uint64))
