"""The processor mode in which subnormal numbers are zero, as LLVM code: a control word of the thread that sets it.

In this mode, operations neither read nor produce subnormal numbers, which cost some processors 150 cycles each. x86 has two
bits for it in MXCSR, flush-to-zero for results and denormals-are-zero for operands; AArch64 has one in FPCR.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir

from jitgrad.vm.compiler.emitter import BYTE, HALF, WORD, Emitter, call
from jitgrad.vm.compiler.language import emitted

_TRIPLE = binding.get_process_triple()
_IS_X86 = _TRIPLE.startswith(("x86_64", "i686"))
_IS_ARM = _TRIPLE.startswith(("aarch64", "arm64"))
FLUSH = 1 << 15 | 1 << 6 if _IS_X86 else 1 << 24 if _IS_ARM else 0
"""The bits of the mode; 0 if the processor is not known to have it."""


def control(builder: ir.IRBuilder) -> Any:
    """Read the floating-point control word of this thread."""
    if _IS_X86:
        place = _place(builder)
        _call(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), builder.bitcast(place, BYTE.as_pointer()))
        return builder.zext(builder.load(place), WORD)
    return _call(builder, "llvm.aarch64.get.fpcr", WORD) if _IS_ARM else ir.Constant(WORD, 0)


def set_control(builder: ir.IRBuilder, word: Any) -> None:
    """Write the floating-point control word of this thread."""
    if _IS_X86:
        place = _place(builder)
        builder.store(builder.trunc(word, HALF), place)
        _call(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), builder.bitcast(place, BYTE.as_pointer()))
    elif _IS_ARM:
        _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), word)


def change(builder: ir.IRBuilder, mode: Any) -> Any:
    """Set the mode bits to FLUSH or 0. Return the previous bits, with which to restore the mode."""
    before = control(builder)
    set_control(builder, builder.or_(builder.and_(before, ir.Constant(WORD, ~FLUSH)), mode))
    return builder.and_(before, ir.Constant(WORD, FLUSH))


@emitted(result="uint64")
def flush_mode(emit: Emitter, mode: Any) -> Any:
    """Set the mode bits of this thread. Return the previous bits, with which to restore the mode."""
    return change(emit.builder, mode)


def setter() -> ir.Module:
    """Return a module with a function ``change``, which takes the mode and returns the previous one."""
    module = ir.Module()
    module.triple = _TRIPLE
    function = ir.Function(module, ir.FunctionType(WORD, [WORD]), "change")
    builder = ir.IRBuilder(function.append_basic_block())
    builder.ret(change(builder, function.args[0]))
    return module


def _place(builder: ir.IRBuilder) -> Any:
    with builder.goto_entry_block():
        return builder.alloca(HALF)


def _call(builder: ir.IRBuilder, name: str, result: Any, *arguments: Any) -> Any:
    """Call an LLVM intrinsic as a barrier for memory accesses, and so for arithmetic on their values."""
    builder.fence("seq_cst", "singlethread")
    made = call(builder, name, result, *arguments)
    builder.fence("seq_cst", "singlethread")
    return made
