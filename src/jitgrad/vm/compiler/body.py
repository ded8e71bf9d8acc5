"""Lowering of statements and whole functions to LLVM IR."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, NamedTuple

from jitgrad.vm.compiler.expressions import Expressions
from jitgrad.vm.compiler.language import attributes
from jitgrad.vm.compiler.types import UINT64, Literal, Object, Operand, Type, Value


class Compiled(NamedTuple):
    """A function in LLVM IR: its name, and the types of its results."""

    name: str
    results: tuple[Type, ...]

    @property
    def result_code(self) -> str:
        codes = [kind.code for kind in self.results]
        return "void" if not codes else codes[0] if len(codes) == 1 else f"{{{', '.join(codes)}}}"


class Body(Expressions):
    """continue and break labels of each loop"""

    def __init__(
        self, module: Any, function: Any, definition: ast.FunctionDef, types: Sequence[Type | Object], name: str
    ) -> None:
        super().__init__(module, function, name)
        self._results: tuple[Type, ...] | None = None
        self._result_places: list[str] = []
        self._loops: list[tuple[str, str]] = []  # A function for given argument types.
        names = [argument.arg for argument in definition.args.args]
        if len(names) != len(types):
            raise self.error(f"{function.__name__} takes {len(names)} arguments, not {len(types)}")
        assigned = {n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        for given, kind in zip(names, types, strict=True):
            if isinstance(kind, Object):
                self.arguments[given] = kind
            elif given in assigned:
                self._assign_name(given, Value(kind, f"%{given}"))
            else:
                self.arguments[given] = Value(kind, f"%{given}")
        self._statements(definition.body)
        self.write("unreachable" if self._results else "br label %exit")
        self.begin("exit")
        self._write_results()
        self.compiled = Compiled(name, self._results or ())
        values = [(given, kind) for given, kind in zip(names, types, strict=True) if not isinstance(kind, Object)]
        self._signature = ", ".join(f"{kind.code} %{given}" for given, kind in values)

    def text(self, linkage: str) -> str:
        """Return the IR of the whole function."""
        (entry, first), *others = self._blocks
        head = f"{self.compiled.result_code} {self.compiled.name}({self._signature}) {attributes(self.function) or ''}"
        lines = [f"define {linkage} {head} {{", f"{entry}:"]
        lines += self._places + first
        for label, block in others:
            lines += [f"{label}:", *block]
        return "\n".join([*lines, "}"])

    def _statements(self, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            self.node = node
            method = getattr(self, f"_{type(node).__name__}", None)
            if method is None:
                raise self.error(f"{type(node).__name__} is not supported")
            method(node)

    def _Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # skips docstrings
            self.evaluate(node.value)

    def _Pass(self, node: ast.Pass) -> None:
        pass

    def _Assign(self, node: ast.Assign) -> None:
        value = self.evaluate(node.value)
        for target in node.targets:
            self._assign(target, value)

    def _assign(self, target: ast.expr, value: Any) -> None:
        self.node = target
        if isinstance(target, ast.Tuple):
            if not isinstance(value, list) or len(value) != len(target.elts):
                raise self.error(f"{len(target.elts)} values are expected")
            for one, part in zip(target.elts, value, strict=True):
                self._assign(one, part)
        elif isinstance(target, ast.Name):
            self._assign_name(target.id, value)
        else:
            self.store(value, *self._target(target))

    def _assign_name(self, name: str, operand: Operand) -> None:
        if name not in self.variables:
            kind = self.materialised(operand).type
            self.variables[name] = kind, self.place(kind)
        kind, place = self.variables[name]
        self.keep(self.value(operand, kind), place)

    def _target(self, target: ast.expr) -> tuple[Any, str, str]:
        """Return the type and the address of an assignment target, and its description."""
        if isinstance(target, ast.Attribute):
            return *self.field_place(self.evaluate(target.value), target.attr), "field"
        if isinstance(target, ast.Subscript):
            return self.item(target)
        raise self.error(f"cannot assign to {type(target).__name__}")

    def _AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            before = self.evaluate(ast.Name(node.target.id, ast.Load()))
            self._assign_name(node.target.id, self.arithmetic(node.op, before, self.evaluate(node.value)))
            return
        kind, place, what = self._target(node.target)
        changed = self.arithmetic(node.op, self.load(kind, place, what), self.evaluate(node.value))
        self.store(changed, kind, place, what)

    def _If(self, node: ast.If) -> None:
        yes, no, end = self.label(), self.label(), self.label()
        self.branch(self.evaluate(node.test), yes, no)
        for label, statements in ((yes, node.body), (no, node.orelse)):
            self.begin(label)
            self._statements(statements)
            self.go(end)
        self.begin(end)

    def _While(self, node: ast.While) -> None:
        if node.orelse:
            raise self.error("loops with else are not supported")
        start, inside, end = self.label(), self.label(), self.label()
        self.go(start)
        self.begin(start)
        self.branch(self.evaluate(node.test), inside, end)
        self._loop(node.body, inside, start, end)
        self.go(start)
        self.begin(end)

    def _For(self, node: ast.For) -> None:
        call = node.iter
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("range", "unrolled")):
            raise self.error("loops must iterate over a range with one or two arguments")
        given = [self.evaluate(limit) for limit in call.args]
        if call.func.id == "unrolled":
            self._unrolled(node, *given)
            return
        limits: list[Any] = {1: [Literal(0), *given, Literal(1)], 2: [*given, Literal(1)], 3: given}[len(given)]
        number = self.common(*limits)
        first, last, by = (self.value(limit, number) for limit in limits)
        place, start, inside, step, end = self.place(number), *(self.label() for _ in range(4))
        self.keep(first, place)
        self.go(start)
        self.begin(start)
        i = self.kept(number, place)
        self.branch(self.compare("<", i, last), inside, end)
        self.begin(inside)
        self._assign(node.target, i)
        following = self.label()
        self.go(following)
        self._loop(node.body, following, step, end)
        self.go(step)
        self.begin(step)
        wraps = "nuw" if number == UINT64 else "nsw"
        self.keep(self.line(number, f"add {wraps} {number.code} {self.kept(number, place).name}, {by.name}"), place)
        self.go(start)
        self.begin(end)

    def _unrolled(self, node: ast.For, count: Operand) -> None:
        """Emit the statements once for each number."""
        if not isinstance(count, Literal) or any(isinstance(n, ast.Break | ast.Continue) for n in ast.walk(node)):
            raise self.error("an unrolled loop requires a constant number of iterations and no break")
        for number in range(int(count.value)):
            self._assign(node.target, Literal(number))
            self._statements(node.body)

    def _loop(self, statements: list[ast.stmt], inside: str, following: str, end: str) -> None:
        """Emit the body of a loop."""
        self.begin(inside)
        self._loops.append((following, end))
        self._statements(statements)
        self._loops.pop()

    def _Continue(self, node: ast.Continue) -> None:
        self.go(self._loops[-1][0])
        self.begin(self.label())  # unreachable

    def _Break(self, node: ast.Break) -> None:
        self.go(self._loops[-1][1])
        self.begin(self.label())

    def _Return(self, node: ast.Return) -> None:
        found = [] if node.value is None else self.evaluate(node.value)
        operands: list[Any] = found if isinstance(found, list) else [found]
        if self._results is None:
            self._results = tuple(self.materialised(operand).type for operand in operands)
            self._result_places = [self.place(kind) for kind in self._results]
        if len(operands) != len(self._results):
            raise self.error(f"other returns have {len(self._results)} values")
        for operand, kind, place in zip(operands, self._results, self._result_places, strict=True):
            self.keep(self.value(operand, kind), place)
        self.go("exit")
        self.begin(self.label())

    def _write_results(self) -> None:
        """Store the results in separate slots, through whose phis LLVM optimizes better than through structs."""
        results = self._results or ()
        values = [self.kept(kind, place) for kind, place in zip(results, self._result_places, strict=True)]
        code = Compiled("", results).result_code
        name = values[0].name if values else ""
        if len(values) > 1:
            name = "undef"
            for k, value in enumerate(values):
                name = self.register(f"insertvalue {code} {name}, {value.type.code} {value.name}, {k}")
        self.write(f"ret {code} {name}")
