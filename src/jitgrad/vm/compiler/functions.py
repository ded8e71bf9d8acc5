"""Machine code of a function with all that it calls."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import binding

from jitgrad.vm import symbols
from jitgrad.vm.cache import ObjectCode
from jitgrad.vm.compiler.body import Body, Compiled
from jitgrad.vm.compiler.types import NUMBERS, Number, Type
from jitgrad.vm.processor import target_machine


class Module:
    """LLVM's code of functions, each once for the types of its arguments."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[Any, tuple[Type, ...]], Compiled] = {}
        self._numbers = itertools.count()
        self._texts: list[str] = []
        self._declared: dict[str, str] = {}
        self._tags: dict[str, int] = {}

    def add(self, function: Any, types: tuple[Type, ...], symbol: str = "") -> Compiled:
        """A function for some types. It is seen from outside if it has a symbol."""
        made = self._compiled.get((function, types))
        if made is None:
            name = f"@{symbol or f'{function.__name__}.{next(self._numbers)}'}"
            body = Body(self, function, _definition(function), types, name)
            made = self._compiled[function, types] = body.compiled
            self._texts.append(body.text("" if symbol else "internal"))
        return made

    def declare(self, symbol: str, text: str) -> None:
        """Have the text that declares or defines a function that is called."""
        self._declared[symbol] = text

    def tag(self, what: str) -> str:
        """Of memory that is used as this and as nothing else."""
        return f"!{self._tags.setdefault(what, 1 + 2 * len(self._tags))}"

    def text(self) -> str:
        tags = ['!0 = !{!"memory"}']
        for what, number in self._tags.items():
            tags += [f"!{number} = !{{!{number + 1}, !{number + 1}, i64 0}}", f'!{number + 1} = !{{!"{what}", !0, i64 0}}']
        return "\n".join([*self._declared.values(), *self._texts, *tags])


class Native(NamedTuple):
    """A function that Python calls by its address.

    Attributes:
        function: in machine code it is called as here, without underscores before its name.
        arguments: from the type of the elements to those of its arguments.
    """

    function: Callable[..., Any]
    arguments: Callable[[Number], tuple[Type, ...]]

    @property
    def symbol(self) -> str:
        return self.function.__name__.lstrip("_")

    def code(self, dtype: str) -> str:
        """LLVM's code for float32 or float64."""
        module = Module()
        module.add(self.function, self.arguments(NUMBERS[dtype]), self.symbol)
        return module.text()

    def compile(self, dtype: str) -> ObjectCode:
        """Compile for float32 or float64, to be kept."""
        symbols.start_llvm()
        module, machine = binding.parse_assembly(self.code(dtype)), target_machine()
        module.data_layout = str(machine.target_data)
        module.verify()
        options = binding.create_pipeline_tuning_options(speed_level=2)
        # Only small functions are inlined where they are called twice, and small loops not unrolled: else it is twice the code.
        options.inlining_threshold, options.loop_unrolling = 30, False
        passes = binding.create_pass_builder(machine, options)
        passes.getModulePassManager().run(module, passes)
        declared = [function.name for function in module.functions if function.is_declaration]
        return ObjectCode(self.symbol, declared, machine.emit_object(module))


def _definition(function: Any) -> ast.FunctionDef:
    """The source of a function, whose lines are counted from its first."""
    return _definitions(inspect.getmodule(function))[function.__code__.co_firstlineno]


@functools.cache
def _definitions(module: Any) -> dict[int, ast.FunctionDef]:
    """The functions of a module by their first lines, decorators included."""
    tree = ast.parse(inspect.getsource(module))
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {min(node.lineno, *(one.lineno for one in node.decorator_list), node.lineno): node for node in found}
