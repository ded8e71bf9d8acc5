"""Compilation of a function and everything that it calls to machine code."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import binding, ir

from jitgrad.vm import symbols
from jitgrad.vm.compiler.body import Body, Compiled
from jitgrad.vm.compiler.emitter import BIT, BYTE, DOUBLE, SINGLE, WORD, Emitter
from jitgrad.vm.compiler.expressions import CompileError
from jitgrad.vm.compiler.language import Emitted
from jitgrad.vm.compiler.types import BOOLEAN, FLOAT32, FLOAT64, NUMBERS, UINT64, Number, Object, Pointer, Type
from jitgrad.vm.objects import ObjectCode
from jitgrad.vm.processor import target_machine

_IN_IR = {FLOAT32: SINGLE, FLOAT64: DOUBLE, UINT64: WORD, BOOLEAN: BIT}


class Module:
    """The LLVM IR of functions, each compiled once for each tuple of argument types."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[Any, tuple[Type | Object, ...]], Compiled] = {}
        self._texts: list[str] = []
        self._declared: dict[str, str] = {}
        self._tags: dict[str, int] = {}
        self._emitted = ir.Module()
        self._numbers = itertools.count()
        self._begun: set[Any] = set()

    def add(self, function: Any, types: tuple[Type | Object, ...], symbol: str = "") -> Compiled:
        """Add a function for some argument types. A symbol makes it external."""
        made = self._compiled.get((function, types))
        if (function, types) in self._begun:
            raise CompileError(f"{function.__name__} calls itself. Recursion is not supported; write a loop")
        if made is None:
            self._begun.add((function, types))
            named = function.name if isinstance(function, Emitted) else function.__name__
            name = symbol or f"{named}.{next(self._numbers)}"
            if isinstance(function, Emitted):
                made = self._add_emitted(function, types, name)
            else:
                body = Body(self, function, _definition(function), types, f"@{name}")
                made = body.compiled
                self._texts.append(body.text("" if symbol else "internal"))
            self._compiled[function, types] = made
            self._begun.remove((function, types))
        return made

    def _add_emitted(self, function: Emitted, types: tuple[Any, ...], name: str) -> Compiled:
        pointed = [kind.to.each for kind in types if isinstance(kind, Pointer) and kind.to.is_float]
        element = pointed[0] if pointed else FLOAT64
        result = {"": None, "element": element, "boolean": BOOLEAN, "uint64": UINT64}[function.result]
        kind = ir.FunctionType(_in_ir(result) if result else ir.VoidType(), [_in_ir(kind) for kind in types])
        made = ir.Function(self._emitted, kind, name)
        made.attributes.add("alwaysinline" if function.inline else "noinline")
        builder = ir.IRBuilder(made.append_basic_block())
        value = function.emit(Emitter(builder, _in_ir(element)), *made.args)
        if result is None:
            builder.ret_void()
        else:
            builder.ret(value)
        compiled = Compiled(f"@{name}", (result,) if result else ())
        self.declare(name, f"{compiled.result_code} @{name}({', '.join(kind.code for kind in types)})")
        return compiled

    def declare(self, symbol: str, text: str) -> None:
        self._declared[symbol] = f"declare {text}"

    def tag(self, what: str) -> str:
        """Return the alias metadata of memory that is accessed only through this type or field."""
        return f"!{self._tags.setdefault(what, 1 + 2 * len(self._tags))}"

    def text(self) -> str:
        """Return the IR of all functions except emitted ones."""
        tags = ['!0 = !{!"memory"}']
        for what, number in self._tags.items():
            tags += [f"!{number} = !{{!{number + 1}, !{number + 1}, i64 0}}", f'!{number + 1} = !{{!"{what}", !0, i64 0}}']
        return "\n".join([*self._declared.values(), *self._texts, *tags])

    def linked(self, symbol: str) -> Any:
        """Return everything as one LLVM module in which only ``symbol`` is external."""
        module = binding.parse_assembly(self.text())
        module.link_in(binding.parse_assembly(str(self._emitted)))
        for function in module.functions:
            if not function.is_declaration and function.name != symbol:
                function.linkage = "internal"
        return module


def _in_ir(kind: Any) -> Any:
    """Return a type as one of llvmlite's."""
    if isinstance(kind, Pointer):
        return (BYTE if kind.to.each == BOOLEAN else _IN_IR[kind.to.each]).as_pointer()
    return _IN_IR[kind] if isinstance(kind, Number) else BYTE.as_pointer()


class Native(NamedTuple):
    """A function that Python calls by its address.

    Attributes
    ----------
    function : callable
        The function. Its symbol is its name without leading underscores.
    arguments : callable
        Maps the element type to the argument types.
    """

    function: Callable[..., Any]
    arguments: Callable[[Number], tuple[Type, ...]]

    @property
    def symbol(self) -> str:
        return self.function.__name__.lstrip("_")

    def compile(self, dtype: str) -> ObjectCode:
        """Compile for float32 or float64; the result can be cached."""
        symbols.start_llvm()
        code, machine = Module(), target_machine()
        code.add(self.function, self.arguments(NUMBERS[dtype]), self.symbol)
        module = code.linked(self.symbol)
        module.data_layout = str(machine.target_data)
        module.verify()
        options = binding.create_pipeline_tuning_options(speed_level=2)
        # Inline only small functions with several callers, and do not unroll small loops: otherwise the code doubles in size.
        options.inlining_threshold, options.loop_unrolling = 30, False
        passes = binding.create_pass_builder(machine, options)
        passes.getModulePassManager().run(module, passes)
        declared = [function.name for function in module.functions if function.is_declaration]
        return ObjectCode(self.symbol, declared, machine.emit_object(module))


def _definition(function: Any) -> ast.FunctionDef:
    """Return the source of a function, with line numbers relative to its first line."""
    return _definitions(inspect.getmodule(function))[function.__code__.co_firstlineno]


@functools.cache
def _definitions(module: Any) -> dict[int, ast.FunctionDef]:
    """Return the functions of a module by their first lines, including decorators."""
    tree = ast.parse(inspect.getsource(module))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {min(node.lineno, *(one.lineno for one in node.decorator_list), node.lineno): node for node in found}
