"""The one place for Numba: every njit option, and compiling a function to machine code that later processes can load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
from llvmlite import ir
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

from jitgrad.vm.cache import ObjectCode

# nnan and ninf are never set: they would let LLVM delete the handling of nan and inf.
_ELEMENTWISE = {"contract"}
_REDUCTION = {"contract", "reassoc"}


def device(function: Callable[..., Any]) -> Any:
    """Compile for callers in compiled code, elementwise arithmetic: a product and a sum may become one FMA."""
    return numba.njit(error_model="numpy", fastmath=_ELEMENTWISE, forceinline=True)(function)


def reduction(function: Callable[..., Any]) -> Any:
    """Compile for callers in compiled code, a reduction: the order of its additions is free, so that it vectorises."""
    return numba.njit(error_model="numpy", fastmath=_REDUCTION, forceinline=True)(function)


class Native(NamedTuple):
    """A function that is called by its address: from Python through ctypes, from compiled code by ``call_execute``.

    Attributes:
        function: takes and returns pointers and numbers only.
        signature: from a Numba float type to the types of the arguments and of the result.
    """

    function: Callable[..., Any]
    signature: Callable[[Any], tuple[tuple[Any, ...], Any]]

    def compile(self, dtype: str) -> ObjectCode:
        """Compile for float32 or float64."""
        options = {"error_model": "numpy", "fastmath": _ELEMENTWISE}
        compiled: Any = CFunc(self.function, self.signature(getattr(numba, dtype)), {}, options)
        compiled.compile()
        library = compiled._library
        declared = [f.name for f in library._final_module.functions if f.is_declaration]
        return ObjectCode(compiled.native_name, declared, library._get_compiled_object())


@intrinsic
def call_execute(context, address, code, table, arena, start, stop):  # type: ignore[no-untyped-def]
    """Call the interpreter at ``address``. Its code is thus compiled once, and not into every caller."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kinds = [context.get_value_type(t) for t in signature.args[1:]]
        pointer = builder.inttoptr(arguments[0], ir.FunctionType(ir.VoidType(), kinds).as_pointer())
        builder.call(pointer, arguments[1:])
        return context.get_dummy_value()

    return numba.void(numba.uint64, code, table, arena, numba.uint64, numba.uint64), generate
