"""A function and all that it calls, from Numba's front end, as one LLVM module: optimised once, and made machine code once.

Numba does both for every function, for callers in Python, with all that each calls linked in anew. The vm's functions have no
such callers: that would be two thirds of the time of compiling.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import binding
from numba.core import cgutils
from numba.core.codegen import CodeLibrary, CPUCodeLibrary, JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.cpu import CPUContext

_Library: Any = CPUCodeLibrary  # Numba has no types
_Codegen: Any = JITCPUCodegen


class Part(_Library):  # type: ignore[misc]
    """The code of one function, as text until a whole is made of it, and the libraries of those that it calls."""

    def __init__(self, codegen: Any, name: str) -> None:
        CodeLibrary.__init__(self, codegen, name)
        self._texts: list[str] = []
        self._linking_libraries: list[Any] = []
        self._shared_module: Any = None

    def add_ir_module(self, ir_module: Any) -> None:
        self._texts.append(cgutils.normalize_ir_text(str(ir_module)))

    def finalize(self) -> None:
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """No machine code is made of a part."""
        return 0

    def _get_module_for_linking(self) -> Any:
        """All of it together, for a caller that is no part: a user's function, say."""
        if self._shared_module is None:
            self._shared_module = self.linked()
        return self._shared_module

    def linked(self, symbol: str = "") -> Any:
        """A module of the function and of all that it calls. What is not called there goes, except ``symbol``."""
        module = self._codegen.empty_module(self.name)
        for library in self._needed():
            if isinstance(library, Part):
                for text in library._texts:
                    module.link_in(binding.parse_assembly(text))
            else:
                module.link_in(library._get_module_for_linking(), preserve=True)
        for function in module.functions:
            if function.linkage == binding.Linkage.external and not function.is_declaration and function.name != symbol:
                function.linkage = "linkonce_odr"
        module.verify()
        return module

    def _needed(self) -> list[Any]:
        """This library and those that it needs, directly or not, once each."""
        found, todo = {self: None}, [self]
        while todo:
            for library in todo.pop()._linking_libraries:
                if library not in found:
                    found[library] = None
                    if isinstance(library, Part):
                        todo.append(library)
        return list(found)


class Codegen(_Codegen):  # type: ignore[misc]
    """Numba's part that speaks to LLVM, which makes parts of functions, and object files of wholes."""

    _library_class = Part

    def empty_module(self, name: str) -> Any:
        module = binding.parse_assembly(str(self._create_empty_module(name)))
        module.data_layout = self._data_layout
        return module

    def emit(self, part: Part, symbol: str) -> tuple[list[str], bytes]:
        """The names that a whole refers to, and its object file. It is called by ``symbol`` alone."""
        module = part.linked(symbol)
        options = binding.create_pipeline_tuning_options(speed_level=2)
        options.loop_unrolling = False  # the loops that are worth it are emitted so
        passes = binding.create_pass_builder(self._tm, options)
        passes.getModulePassManager().run(module, passes)
        return [f.name for f in module.functions if f.is_declaration], self._tm.emit_object(module)


@contextmanager
def uncalled() -> Iterator[None]:
    """What is compiled cannot be called from Python: in place of its machine code stands something that refuses arguments.

    The lock keeps functions of the user, compiled by another thread, out of it.
    """
    context: Any = CPUContext
    with global_compiler_lock:
        executable = context.get_executable
        context.get_executable = lambda self, library, description, environment: [].clear
        try:
            yield
        finally:
            context.get_executable = executable
