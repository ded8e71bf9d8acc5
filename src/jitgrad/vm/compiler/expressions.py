"""Lowering of expressions to LLVM IR."""

from __future__ import annotations

import ast
import ctypes
import operator
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from jitgrad.vm.compiler.builtins import BUILTINS
from jitgrad.vm.compiler.emitter import VECTOR_BYTES
from jitgrad.vm.compiler.language import Emitted, Room, attributes
from jitgrad.vm.compiler.types import (
    BOOLEAN,
    FLAGS,
    FLOAT32,
    FLOAT64,
    INT64,
    LANE_COUNT,
    LANES,
    UINT64,
    Literal,
    Number,
    Object,
    Operand,
    Pointer,
    Records,
    Value,
)
from jitgrad.vm.compiler.types import Type as Kind

_FLAGS = "contract"  # never nnan or ninf, which would let LLVM remove checks for nan and inf
_FLOAT = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
_INTEGER = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.BitAnd: "and", ast.BitOr: "or", ast.BitXor: "xor",
    ast.LShift: "shl", ast.RShift: "lshr", ast.FloorDiv: "udiv", ast.Mod: "urem",
}  # fmt: skip
_UNSIGNED_ONLY = (ast.RShift, ast.FloorDiv, ast.Mod)
_FOLDED: dict[type[ast.operator], Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip
_COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_ORDER = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_SAME = {"==": "eq", "!=": "ne"}


class CompileError(Exception):
    """A function uses something that the compiler does not support."""


class Expressions:
    """Emits lines of IR into blocks; ``flags`` are LLVM's flags for floating-point arithmetic."""

    def __init__(self, module: Any, function: Any, name: str) -> None:
        self.module, self.function, self.flags = module, function, _FLAGS
        self.node: ast.AST | None = None
        self._count = 0
        self._places: list[str] = []  # allocas of variables, at function entry
        self._blocks: list[tuple[str, list[str]]] = [("entry", [])]
        self.variables: dict[str, tuple[Kind, str]] = {}  # type and address
        self.arguments: dict[str, Value | Object] = {}

    def error(self, message: str) -> CompileError:
        line = getattr(self.node, "lineno", self.function.__code__.co_firstlineno)
        return CompileError(f"{self.function.__code__.co_filename}:{line}: {message}")

    def write(self, line: str) -> None:
        self._blocks[-1][1].append(line)

    def register(self, text: str) -> str:
        """Emit an instruction with a result; return the name of the result."""
        self._count += 1
        self.write(f"%v{self._count} = {text}")
        return f"%v{self._count}"

    def line(self, kind: Kind, text: str) -> Value:
        return Value(kind, self.register(text))

    def label(self) -> str:
        self._count += 1
        return f"b{self._count}"

    def begin(self, label: str) -> None:
        """Start a block with this label."""
        self._blocks.append((label, []))

    def go(self, label: str) -> None:
        self.write(f"br label %{label}")

    def branch(self, condition: Operand, yes: str, no: str) -> None:
        self.write(f"br i1 {self.truth(condition).name}, label %{yes}, label %{no}")

    def place(self, kind: Kind) -> str:
        """Allocate a slot on the stack, which LLVM promotes to registers."""
        self._count += 1
        self._places.append(f"%p{self._count} = alloca {kind.code}")
        return f"%p{self._count}"

    def keep(self, value: Value, place: str) -> None:
        self.write(f"store {value.type.code} {value.name}, {value.type.code}* {place}")

    def kept(self, kind: Kind, place: str) -> Value:
        return self.line(kind, f"load {kind.code}, {kind.code}* {place}")

    def common(self, *operands: Operand) -> Number:
        """Return the common type of operands, ignoring literals: floats take precedence over integers.

        Vectors take precedence over scalars.
        """
        found: list[Number] = []
        for operand in operands:
            if isinstance(operand, Value):
                if not isinstance(operand.type, Number):
                    raise self.error(f"expected numbers, not {operand.type.name}")
                found.append(operand.type)
        numbers = set(found) or {operand.default() for operand in operands if isinstance(operand, Literal)}
        floats = {number for number in numbers if number.is_float}
        if not floats and any(isinstance(o, Literal) and isinstance(o.value, float) for o in operands):
            floats = {FLOAT64}
        kinds = floats or numbers
        kinds = kinds - {vector.of for vector in kinds if vector.of}
        if len(kinds) != 1:
            raise self.error(f"{' and '.join(sorted(number.name for number in numbers))} do not mix; convert one")
        return kinds.pop()

    def value(self, operand: Operand, kind: Kind) -> Value:
        """Convert an operand implicitly: a literal that fits, or an integer or float32 to a float.

        A scalar is broadcast if a vector is expected.
        """
        if isinstance(operand, Literal) and isinstance(kind, Number) and operand.fits(kind):
            return Value(kind, operand.text(kind))
        if isinstance(operand, Value) and operand.type == kind:
            return operand
        if isinstance(operand, Value) and operand.type in (INT64, UINT64, FLOAT32) and kind == FLOAT64:
            return self.convert(operand, FLOAT64)
        if isinstance(kind, Number) and kind.of and isinstance(operand, Value) and operand.type not in (LANES, FLAGS):
            return self._spread(self.value(operand, kind.of), kind)
        given = operand.value if isinstance(operand, Literal) else operand.type.name
        raise self.error(f"{given} is not of the type {kind.name}")

    def choice(self, condition: Operand, first: Value, second: Value) -> Value:
        """Select between two computed values."""
        which = condition if isinstance(condition, Value) and condition.type == FLAGS else self.truth(condition)
        code = first.type.code
        return self.line(first.type, f"select {which.type.code} {which.name}, {code} {first.name}, {code} {second.name}")

    def _spread(self, value: Value, kind: Number) -> Value:
        """Broadcast a number to all lanes."""
        first = self.register(f"insertelement {kind.code} poison, {value.type.code} {value.name}, i64 0")
        return self.line(kind, f"shufflevector {kind.code} {first}, {kind.code} poison, <{LANE_COUNT} x i32> zeroinitializer")

    def truth(self, operand: Operand) -> Value:
        """Return the truth of a condition. Nonzero numbers are true."""
        return self.convert(operand, BOOLEAN)

    def materialised(self, operand: Operand) -> Value:
        return self.value(operand, operand.default()) if isinstance(operand, Literal) else operand

    def convert(self, operand: Operand, number: Number) -> Value:
        """Convert a number explicitly."""
        given = self.materialised(operand)
        if isinstance(operand, Literal) and operand.fits(number):
            return self.value(operand, number)
        kind = given.type
        if not isinstance(kind, Number):
            raise self.error(f"{kind.name} is not a number")
        if kind.code == number.code:
            return Value(number, given.name)
        if number.of:
            return self.value(given, number)
        if kind.of:
            raise self.error(f"{kind.name} is not a single {number.name}; use where() or any()")
        if number == BOOLEAN:
            return self.compare("!=", given, Literal(0))
        if kind == BOOLEAN:
            how = "uitofp" if number.is_float else "zext"
        elif kind.is_float and number.is_float:
            how = "fptrunc" if kind == FLOAT64 else "fpext"
        elif kind.is_float:
            how = "fptoui" if number == UINT64 else "fptosi"
        else:
            how = "uitofp" if kind == UINT64 else "sitofp"
        return self.line(number, f"{how} {kind.code} {given.name} to {number.code}")

    # Memory. A record field and an array element never alias, nor do elements of different types.

    def field_place(self, record: Operand | Object, name: str) -> tuple[Any, str]:
        """Return the type and the address of a record's field."""
        kind = record.type.field(name) if isinstance(record, Value) and isinstance(record.type, Records) else None
        if kind is None or not isinstance(record, Value) or not isinstance(record.type, Records):
            raise self.error(f"no field {name}")
        offset = getattr(record.type.layout, name).offset
        start = self.register(f"getelementptr i8, i8* {record.name}, i64 {offset}")
        return kind, self.register(f"bitcast i8* {start} to {kind.stored}*")

    def field(self, record: Operand | Object, name: str) -> Value:
        """Load a field, or return a pointer to it if threads share it."""
        kind, place = self.field_place(record, name)
        assert isinstance(record, Value) and isinstance(record.type, Records)
        if record.type.layout.kinds[name].shared:
            return self.line(kind, f"bitcast {kind.stored}* {place} to {kind.code}")
        return self.load(kind, place, "field")

    def element(self, pointer: Operand | Object, index: Operand) -> Value:
        """Return the pointer to an element."""
        if not isinstance(pointer, Value) or not isinstance(pointer.type, Pointer):
            raise self.error("only pointers and records have elements")
        stored, place = pointer.type.to.stored, self.value(index, UINT64)
        return self.line(pointer.type, f"getelementptr {stored}, {stored}* {pointer.name}, i64 {place.name}")

    def load(self, kind: Kind, place: str, what: str) -> Value:
        align = _alignment(kind)
        found = self.register(f"load {kind.stored}, {kind.stored}* {place}{align}, !tbaa {self.module.tag(what)}")
        return (
            self.line(kind, f"trunc {kind.stored} {found} to {kind.code}") if kind.code != kind.stored else Value(kind, found)
        )

    def store(self, operand: Operand, kind: Kind, place: str, what: str, volatile: bool = False) -> None:
        """Store to memory. A volatile store is neither moved nor removed."""
        value = self.value(operand, kind)
        wide = kind.code != kind.stored
        name = self.register(f"zext {kind.code} {value.name} to {kind.stored}") if wide else value.name
        align = _alignment(kind)
        how = "store volatile" if volatile else "store"
        self.write(f"{how} {kind.stored} {name}, {kind.stored}* {place}{align}, !tbaa {self.module.tag(what)}")

    # One method for each kind of expression.

    def evaluate(self, node: ast.expr) -> Any:
        self.node = node
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            raise self.error(f"{type(node).__name__} is not supported")
        return method(node)

    def _Constant(self, node: ast.Constant) -> Operand:
        if not isinstance(node.value, (bool, int, float)):
            raise self.error(f"{node.value!r} is not a number")
        return Literal(node.value)

    def _Name(self, node: ast.Name) -> Any:
        if node.id in self.variables:
            return self.kept(*self.variables[node.id])
        if node.id in self.arguments:
            return self.arguments[node.id]
        known = self.function.__globals__
        builtin = known["__builtins__"]
        if node.id in known:
            return self.constant(known[node.id])
        if isinstance(builtin, ModuleType):
            builtin = vars(builtin)
        if node.id not in builtin:
            raise self.error(f"{node.id} is not defined")
        return Object(builtin[node.id])

    def constant(self, found: Any) -> Any:
        """Return the operand of a Python constant."""
        if isinstance(found, np.uint64):
            return Value(UINT64, str(int(found)))
        return Literal(found) if isinstance(found, (bool, int, float)) else Object(found)

    def _Attribute(self, node: ast.Attribute) -> Any:
        of = self.evaluate(node.value)
        if isinstance(of, Object):
            return self.constant(getattr(of.value, node.attr))
        return self.field(of, node.attr)

    def _Subscript(self, node: ast.Subscript) -> Operand:
        kind, place, what = self.item(node)
        return Value(kind, place) if what == "record" else self.load(kind, place, what)

    def item(self, node: ast.Subscript) -> tuple[Any, str, str]:
        """Return the type and address of an element, and its description."""
        of, index = self.evaluate(node.value), self.evaluate(node.slice)
        if isinstance(of, Value) and isinstance(of.type, Records):
            size, number = ctypes.sizeof(of.type.layout), self.value(index, UINT64)
            offset = self.register(f"mul i64 {number.name}, {size}")
            return of.type, self.register(f"getelementptr i8, i8* {of.name}, i64 {offset}"), "record"
        place = self.element(of, index)
        assert isinstance(place.type, Pointer)
        return place.type.to, place.name, place.type.to.each.name

    def _UnaryOp(self, node: ast.UnaryOp) -> Operand:
        x = self.evaluate(node.operand)
        if isinstance(node.op, ast.Not):
            return self.line(BOOLEAN, f"xor i1 {self.truth(x).name}, true")
        if isinstance(node.op, ast.USub) and isinstance(x, Literal):
            return Literal(-x.value)
        if isinstance(node.op, ast.USub):
            number = self.common(x)
            how = f"fneg {self.flags} {number.code}" if number.is_float else f"sub {number.code} 0,"
            return self.line(number, f"{how} {self.value(x, number).name}")
        if isinstance(node.op, ast.Invert) and isinstance(x, Value) and x.type in (BOOLEAN, FLAGS):
            return self.line(x.type, f"xor {x.type.code} {x.name}, {Literal(True).text(x.type)}")
        raise self.error(f"{type(node.op).__name__} is not supported")

    def _BinOp(self, node: ast.BinOp) -> Operand:
        return self.arithmetic(node.op, self.evaluate(node.left), self.evaluate(node.right))

    def arithmetic(self, op: ast.operator, a: Operand, b: Operand) -> Operand:
        if isinstance(a, Literal) and isinstance(b, Literal) and type(op) in _FOLDED:
            return Literal(_FOLDED[type(op)](a.value, b.value))
        if isinstance(op, ast.Pow):
            if b == Literal(2):
                return self.arithmetic(ast.Mult(), a, a)
            kind = self.common(a, b)
            if kind == LANES:
                raise self.error("lanes can only be raised to the power 2")
            return self.call("powf" if kind == FLOAT32 else "pow", kind, [self.value(a, kind), self.value(b, kind)], self.flags)
        number = FLOAT64 if isinstance(op, ast.Div) and not self.common(a, b).is_float else self.common(a, b)
        left, right = self.value(a, number), self.value(b, number)
        if number.is_float and type(op) in _FLOAT:
            return self.line(number, f"{_FLOAT[type(op)]} {self.flags} {number.code} {left.name}, {right.name}")
        if number.is_float or type(op) not in _INTEGER or (isinstance(op, _UNSIGNED_ONLY) and number != UINT64):
            raise self.error(f"{type(op).__name__} is not defined for {number.name}")
        return self.line(number, f"{_INTEGER[type(op)]} {number.code} {left.name}, {right.name}")

    def compare(self, how: str, a: Operand, b: Operand) -> Value:
        number = self.common(a, b)
        left, right = self.value(a, number), self.value(b, number)
        if number.is_float:
            named = f"fcmp {self.flags} " + ("une" if how == "!=" else "o" + (_ORDER | _SAME)[how])
        else:
            named = "icmp " + (_SAME[how] if how in _SAME else ("s" if number == INT64 else "u") + _ORDER[how])
        return self.line(number.flag, f"{named} {number.code} {left.name}, {right.name}")

    def _Compare(self, node: ast.Compare) -> Operand:
        found, left = None, self.evaluate(node.left)
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In) and isinstance(right, ast.Tuple):
                parts = [self.compare("==", left, self.evaluate(one)) for one in right.elts]
                part = self._joined("or", parts)
            elif type(op) in _COMPARED:
                other = self.evaluate(right)
                part, left = self.compare(_COMPARED[type(op)], left, other), other
            else:
                raise self.error(f"{type(op).__name__} is not supported")
            found = part if found is None else self._joined("and", [found, part])
        assert found is not None
        return found

    def _joined(self, how: str, parts: Sequence[Value]) -> Value:
        found = parts[0]
        for part in parts[1:]:
            kind = self.common(found, part)
            found = self.line(kind, f"{how} {kind.code} {self.value(found, kind).name}, {self.value(part, kind).name}")
        return found

    def _BoolOp(self, node: ast.BoolOp) -> Operand:
        """Lower ``and`` and ``or``, which evaluate later operands only if needed."""
        place, end = self.place(BOOLEAN), self.label()
        for number, part in enumerate(node.values):
            found = self.truth(self.evaluate(part))
            self.keep(found, place)
            if number < len(node.values) - 1:
                following = self.label()
                self.branch(found, *((following, end) if isinstance(node.op, ast.And) else (end, following)))
                self.begin(following)
        self.go(end)
        self.begin(end)
        return self.kept(BOOLEAN, place)

    def _IfExp(self, node: ast.IfExp) -> Any:
        """Lower a conditional expression of one or several values."""
        yes, no, end = self.label(), self.label(), self.label()
        self.branch(self.evaluate(node.test), yes, no)
        self.begin(yes)
        first = self.evaluate(node.body)
        ended = self._blocks[-1]
        self.begin(no)
        second = self.evaluate(node.orelse)
        several = isinstance(first, list)
        pairs = list(zip(first, second, strict=True)) if several else [(first, second)]
        kinds = [self._meeting(*pair) for pair in pairs]
        places = [self.place(kind) for kind in kinds]
        for (_, value), kind, place in zip(pairs, kinds, places, strict=True):
            self.keep(self.value(value, kind), place)
        self.go(end)
        self._blocks.append(ended)  # the block in which to continue
        for (value, _), kind, place in zip(pairs, kinds, places, strict=True):
            self.keep(self.value(value, kind), place)
        self.go(end)
        self._blocks.pop()
        self.begin(end)
        found = [self.kept(kind, place) for kind, place in zip(kinds, places, strict=True)]
        return found if several else found[0]

    def _meeting(self, first: Operand, second: Operand) -> Kind:
        """Return the common type of two alternatives."""
        kinds = [operand.type for operand in (first, second) if isinstance(operand, Value)]
        return kinds[0] if kinds and not isinstance(kinds[0], Number) else self.common(first, second)

    def _Tuple(self, node: ast.Tuple) -> list[Operand]:
        return [self.evaluate(part) for part in node.elts]

    def _Call(self, node: ast.Call) -> Any:
        called = self.evaluate(node.func)
        operands = [self.evaluate(argument) for argument in node.args]
        self.node = node
        function = called.value if isinstance(called, Object) else None
        if node.keywords or function is None:
            raise self.error("only functions can be called, without keyword arguments")
        if isinstance(function, Room):
            return self._room(function, *operands)
        if function in BUILTINS:
            return BUILTINS[function](self, *operands)
        if attributes(function) is None and not isinstance(function, Emitted):
            raise self.error(f"{function!r} is not supported")
        known = tuple(operand if isinstance(operand, Object) else self.materialised(operand).type for operand in operands)
        given = [self.materialised(operand) for operand in operands if not isinstance(operand, Object)]
        made = self.module.add(function, known)
        text = ", ".join(f"{value.type.code} {value.name}" for value in given)
        if not made.results:
            return self.write(f"call void {made.name}({text})")
        found = self.register(f"call {made.result_code} {made.name}({text})")
        if len(made.results) == 1:
            return Value(made.results[0], found)
        return [self.line(kind, f"extractvalue {made.result_code} {found}, {k}") for k, kind in enumerate(made.results)]

    def _room(self, room: Room, like: Operand) -> Value:
        """Return a pointer to stack memory with the alignment of vectors."""
        assert isinstance(like, Value)
        self._count += 1
        place, kind = f"%p{self._count}", f"[{room.size} x i8]"
        self._places.append(f"{place} = alloca {kind}, align {VECTOR_BYTES}")
        if room.cleared:
            self._places.append(f"store {kind} zeroinitializer, {kind}* {place}")
        return self.line(like.type, f"bitcast {kind}* {place} to {like.type.code}")

    def call(self, symbol: str, number: Number, given: list[Value], fast: str) -> Value:
        """Call a C function or an LLVM intrinsic on numbers of one type."""
        self.module.declare(symbol, f"{number.code} @{symbol}({', '.join(number.code for _ in given)})")
        text = ", ".join(f"{number.code} {value.name}" for value in given)
        return self.line(number, f"call {fast} {number.code} @{symbol}({text})")


def _alignment(kind: Any) -> str:
    """Return the alignment of vectors in memory, which is the alignment of their numbers."""
    return f", align {1 if kind == FLAGS else 8}" if isinstance(kind, Number) and kind.of else ""
