"""The compiled functions, ready to call: loaded from the cache, or compiled first.

Loading needs only llvmlite. The kernels and their compiler are imported only if something must be compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import binding, ir

from jitgrad.vm import compiling, forks, symbols
from jitgrad.vm.groups import FORMS, GROUPS, needed, unit_of
from jitgrad.vm.objects import ObjectCode
from jitgrad.vm.processor import target_machine


class Function:
    """A native function.

    Attributes
    ----------
    address : int
        Address of its code in this process.
    call : callable
        Calls it with addresses and numbers, and releases the GIL while it runs.
    """

    def __init__(self, compiled: ObjectCode, kind: Any) -> None:
        self._engine = _engine()
        symbols.check(compiled.declared)
        self._engine.add_object_file(binding.ObjectFileRef.from_data(compiled.code))
        self._engine.finalize_object()
        self.address = self._engine.get_function_address(compiled.symbol)
        self.call = kind(self.address)


_loaded: dict[tuple[str, np.dtype[Any]], Function] = {}


def load(name: str, dtype: np.dtype[Any]) -> Function:
    """Load the native function ``name`` for a float dtype.

    If it is not compiled, its whole group is compiled together with the engine.
    """
    found = _loaded.get((name, dtype))
    if found is None:
        with forks.loading:
            if (name, dtype) not in _loaded:
                _loaded[name, dtype] = _load(name, str(dtype))
            found = _loaded[name, dtype]
    return found


def _load(name: str, dtype: str) -> Function:
    if compiling.find(name, dtype) is None:
        compiling.ensure(*needed(dtype, unit_of(name, dtype).group))
    code = compiling.find(name, dtype)
    assert code is not None
    symbols.provide(GROUPS[unit_of(name, dtype).group].calls)
    return Function(code, FORMS[name].kind)


def emitted(module: ir.Module, name: str, kind: Any) -> Function:
    """Compile a function of a module that was emitted by hand. It is small, so it is not cached."""
    symbols.start_llvm()
    code = target_machine().emit_object(binding.parse_assembly(str(module)))
    return Function(ObjectCode(name, [], code), kind)


def _engine() -> Any:
    """Return LLVM's execution engine for the processor."""
    symbols.start_llvm()
    return binding.create_mcjit_compiler(binding.parse_assembly(""), target_machine(jit=True))
