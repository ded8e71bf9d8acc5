"""Emission of LLVM IR from expressions: Python's operators on ``Value`` emit instructions, on numbers or vectors alike.

The same text of an op, or function of ``kernels/mathfun.py``, gives the code for a single element and for all elements that a
register holds. The results have the same bits, because both round in the same places.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from llvmlite import ir

from jitgrad.vm.processor import processor

_FEATURES = processor().features
VECTOR_BYTES = 64 if _FEATURES.get("avx512f") else 32 if _FEATURES.get("avx") else 16
"""The width of vector registers."""

BIT, BYTE, HALF, WORD = (ir.IntType(n) for n in (1, 8, 32, 64))
SINGLE, DOUBLE = ir.FloatType(), ir.DoubleType()


def word(value: int) -> Any:
    """Return a 64-bit integer constant."""
    return ir.Constant(WORD, value)


def call(builder: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Call an external function or an LLVM intrinsic by name."""
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(builder.module.globals.get(name) or ir.Function(builder.module, kind, name), arguments)


def indices(values: list[int]) -> Any:
    """Return the constant mask of a shuffle."""
    return ir.Constant(ir.VectorType(HALF, len(values)), values)


class Value:
    """A number in compiled code, or a vector of numbers. Comparisons return flags, which ``where`` accepts.

    Attributes
    ----------
    emit : Emitter
        Emits the instructions.
    code : ir.Value
        llvmlite's value.
    """

    __slots__ = ("code", "emit")

    def __init__(self, emit: Emitter, code: Any) -> None:
        self.emit, self.code = emit, code

    @property
    def number(self) -> Any:
        """The type of each number."""
        return self.code.type.element if isinstance(self.code.type, ir.VectorType) else self.code.type

    @property
    def is_float(self) -> bool:
        """Whether the numbers are floats."""
        return self.number in (SINGLE, DOUBLE)

    def like(self, number: Any) -> Value:
        """Return ``number`` as a constant of this type."""
        if isinstance(number, Value):
            return number
        made: Any = ir.Constant(self.number, float(number) if self.is_float else int(number))
        if isinstance(self.code.type, ir.VectorType):
            made = ir.Constant(self.code.type, [made.constant] * self.code.type.count)
        return Value(self.emit, made)

    def _with(self, name: str, other: Any, swapped: bool = False) -> Value:
        a, b = self.code, self.like(other).code
        return Value(self.emit, self.emit.arithmetic(name, *((b, a) if swapped else (a, b)), floats=self.is_float))

    def __add__(self, other: Any) -> Value:
        return self._with("add", other)

    def __sub__(self, other: Any) -> Value:
        return self._with("sub", other)

    def __mul__(self, other: Any) -> Value:
        return self._with("mul", other)

    def __truediv__(self, other: Any) -> Value:
        return self._with("div", other)

    def __radd__(self, other: Any) -> Value:
        return self._with("add", other, swapped=True)

    def __rsub__(self, other: Any) -> Value:
        return self._with("sub", other, swapped=True)

    def __rmul__(self, other: Any) -> Value:
        return self._with("mul", other, swapped=True)

    def __rtruediv__(self, other: Any) -> Value:
        return self._with("div", other, swapped=True)

    def __neg__(self) -> Value:
        if not self.is_float:
            return 0 - self
        return Value(self.emit, self.emit.builder.fneg(self.code))

    def __abs__(self) -> Value:
        return self.emit.intrinsic("fabs", self)

    def __lshift__(self, other: Any) -> Value:
        return Value(self.emit, self.emit.builder.shl(self.code, self.like(other).code))

    def __rshift__(self, other: Any) -> Value:
        return Value(self.emit, self.emit.builder.ashr(self.code, self.like(other).code))

    def __and__(self, other: Any) -> Value:
        return Value(self.emit, self.emit.builder.and_(self.code, self.like(other).code))

    def __or__(self, other: Any) -> Value:
        return Value(self.emit, self.emit.builder.or_(self.code, self.like(other).code))

    def __invert__(self) -> Value:
        return Value(self.emit, self.emit.builder.not_(self.code))

    def _compared(self, sign: str, other: Any) -> Value:
        builder, b = self.emit.builder, self.like(other).code
        if not self.is_float:
            return Value(self.emit, builder.icmp_signed(sign, self.code, b))
        compare = builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered
        return Value(self.emit, compare(sign, self.code, b))

    def __lt__(self, other: Any) -> Value:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Value:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Value:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Value:
        return self._compared(">=", other)

    def __eq__(self, other: object) -> Value:  # type: ignore[override]
        return self._compared("==", other)

    def __ne__(self, other: object) -> Value:  # type: ignore[override]
        return self._compared("!=", other)

    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("the result of a comparison is not known while code is emitted; use where()")

    def bits(self) -> Value:
        """Return the bits of a float as a signed integer of its width."""
        return self._as(self.emit.builder.bitcast, {SINGLE: HALF, DOUBLE: WORD}[self.number])

    def from_bits(self) -> Value:
        """Return the float with these bits."""
        return self._as(self.emit.builder.bitcast, {HALF: SINGLE, WORD: DOUBLE}[self.number])

    def integer(self) -> Value:
        """Convert an integral float to a signed integer of its width."""
        return self._as(self.emit.builder.fptosi, {SINGLE: HALF, DOUBLE: WORD}[self.number])

    def to(self, number: Any) -> Value:
        """Convert to the float type ``number``."""
        if self.number == number:
            return self
        builder = self.emit.builder
        if not self.is_float:
            return self._as(builder.sitofp, number)
        return self._as(builder.fpext if number == DOUBLE else builder.fptrunc, number)

    def _as(self, cast: Callable[..., Any], number: Any) -> Value:
        given = self.code.type
        kind = ir.VectorType(number, given.count) if isinstance(given, ir.VectorType) else number
        return Value(self.emit, cast(self.code, kind))


class Emitter:
    """Emits instructions at the position of a builder, on numbers of one float type.

    Parameters
    ----------
    builder : ir.IRBuilder
        llvmlite's builder.
    number : ir.Type
        SINGLE or DOUBLE.
    contract : bool
        Whether a product and a sum may become one FMA.
    """

    def __init__(self, builder: Any, number: Any, contract: bool = True) -> None:
        self.builder = builder
        self.number = number
        self.size = 4 if number == SINGLE else 8
        self.lanes = VECTOR_BYTES // self.size
        self.vector = ir.VectorType(number, self.lanes)
        self.flags = ir.VectorType(BIT, self.lanes)
        self.zero = ir.Constant(self.vector, [0.0] * self.lanes)
        self._fastmath = ("contract",) if contract else ()

    def arithmetic(self, name: str, a: Any, b: Any, floats: bool) -> Any:
        """Emit ``add``, ``sub``, ``mul`` or ``div`` of two of llvmlite's values."""
        if floats:
            return getattr(self.builder, "f" + name)(a, b, flags=self._fastmath)
        return getattr(self.builder, name)(a, b)

    def intrinsic(self, name: str, *arguments: Value) -> Value:
        """Call an LLVM intrinsic on numbers or vectors, such as ``llvm.sqrt.v8f64``."""
        kind = arguments[0].code.type
        function = self.builder.module.declare_intrinsic(
            f"llvm.{name}.{_suffix(kind)}", (), ir.FunctionType(kind, [kind] * len(arguments))
        )
        return Value(self, self.builder.call(function, [x.code for x in arguments]))

    def c(self, name: str, *arguments: Value) -> Value:
        """Call a C function on numbers."""
        kind = arguments[0].code.type
        name += "f" if kind == SINGLE else ""
        return Value(self, call(self.builder, name, kind, *(x.code for x in arguments)))

    def sum_of_lanes(self, x: Value) -> Value:
        """Sum the lanes of a vector by adding its halves repeatedly."""
        undefined, width = ir.Constant(self.vector, ir.Undefined), self.lanes
        while width > 1:
            width //= 2
            upper = indices([width + lane if lane < width else lane for lane in range(self.lanes)])
            x = x + Value(self, self.builder.shuffle_vector(x.code, undefined, upper))
        return Value(self, self.builder.extract_element(x.code, ir.Constant(HALF, 0)))

    def where(self, condition: Value, a: Value, b: Value) -> Value:
        """Select ``a`` if the condition holds, else ``b``."""
        return Value(self, self.builder.select(condition.code, a.code, b.code))

    def loop(self, stop: Any, step: int, body: Callable[[Any], None], start: Any = None) -> None:
        """Emit ``for k in range(start, stop, step): body(k)``."""
        builder, first = self.builder, self.builder.block
        head, inside, done = (builder.append_basic_block(name) for name in ("head", "body", "done"))
        builder.branch(head)
        builder.position_at_end(head)
        k = builder.phi(WORD)
        k.add_incoming(word(0) if start is None else start, first)
        builder.cbranch(builder.icmp_unsigned("<", k, stop), inside, done)
        builder.position_at_end(inside)
        body(k)
        k.add_incoming(builder.add(k, word(step)), builder.block)
        builder.branch(head)
        builder.position_at_end(done)

    def at(self, base: Any, *offsets: Any) -> Any:
        """Return the pointer that is ``offsets`` elements (words or numbers) after ``base``."""
        for offset in offsets:
            base = self.builder.gep(base, [word(offset) if isinstance(offset, int) else offset])
        return base

    def pointer(self, place: Any, kind: Any) -> Any:
        return self.builder.bitcast(place, kind.as_pointer())

    def mask(self, count: Any) -> Any:
        """Return flags for the first ``count`` lanes."""
        number = ir.IntType(8 * self.size)
        if self.size == 4:
            most = ir.Constant(WORD, self.lanes)
            count = self.builder.select(self.builder.icmp_unsigned("<", count, most), count, most)
            count = self.builder.trunc(count, number)
        lanes = ir.VectorType(number, self.lanes)
        return self.builder.icmp_unsigned("<", ir.Constant(lanes, list(range(self.lanes))), self.spread(count, lanes))

    def spread(self, value: Any, kind: Any) -> Any:
        """Broadcast ``value`` to all lanes."""
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(undefined, value, ir.Constant(HALF, 0))
        return self.builder.shuffle_vector(first, undefined, indices([0] * kind.count))

    def scalar(self, place: Any) -> Any:
        """Load a number and broadcast it to all lanes."""
        return self.spread(self.builder.load(self.pointer(place, self.number)), self.vector)

    def load(self, place: Any, mask: Any = None) -> Any:
        """Load a vector; masked lanes are 0."""
        pointer = self.pointer(place, self.vector)
        if mask is None:
            loaded = self.builder.load(pointer)
            loaded.align = self.size
            return loaded
        kind = ir.FunctionType(self.vector, [pointer.type, HALF, self.flags, self.vector])
        function = self.builder.module.declare_intrinsic(f"llvm.masked.load.{_suffix(self.vector)}.p0", (), kind)
        return self.builder.call(function, [pointer, ir.Constant(HALF, self.size), mask, self.zero])

    def store(self, value: Any, place: Any, mask: Any = None) -> None:
        """Store a vector, except masked lanes."""
        pointer = self.pointer(place, self.vector)
        if mask is None:
            self.builder.store(value, pointer).align = self.size
            return
        kind = ir.FunctionType(ir.VoidType(), [self.vector, pointer.type, HALF, self.flags])
        function = self.builder.module.declare_intrinsic(f"llvm.masked.store.{_suffix(self.vector)}.p0", (), kind)
        self.builder.call(function, [value, pointer, ir.Constant(HALF, self.size), mask])


def _suffix(kind: Any) -> str:
    """Return the suffix of a type in the names of LLVM intrinsics."""
    if isinstance(kind, ir.VectorType):
        return f"v{kind.count}{_suffix(kind.element)}"
    return {SINGLE: "f32", DOUBLE: "f64"}[kind]


# Texts of ops.


class _Selecting(ast.NodeTransformer):
    """Replaces Python's ``a if c else b``, ``and`` and ``or`` by functions, because a Value cannot overload them."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        return ast.Call(ast.Name("where", ast.Load()), [node.test, node.body, node.orelse], [])

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        operator = ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr()
        return functools.reduce(lambda a, b: ast.BinOp(a, operator, b), node.values)


@functools.cache
def _compiled(text: str) -> CodeType:
    tree = _Selecting().visit(ast.parse(text, mode="eval"))
    return compile(ast.fix_missing_locations(tree), text, "eval")


def called(text: str) -> set[str]:
    """Return the functions that a text calls."""
    return {
        node.func.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def evaluate(text: str, functions: Mapping[str, Any], operands: Mapping[str, Value]) -> Value:
    """Emit the value of a text, such as the text of an op, with operands by name."""
    one = next(iter(operands.values()))
    names = {**functions, **operands, "where": lambda c, a, b: one.emit.where(c, one.like(a), one.like(b))}
    made: Value = eval(_compiled(text), names)
    return made
