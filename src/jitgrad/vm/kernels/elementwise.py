"""Instructions whose code is emitted from expressions: one function for each, and a switch over them.

They operate element by element: ops of the table from their texts, and updates from ``kernels/update.py``. Along the columns a
function processes vectors and masks the last one. Functions of C are called for each number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llvmlite import ir

from jitgrad.vm.compiler.emitter import BIT, WORD, Emitter, Value, called, evaluate, word
from jitgrad.vm.compiler.language import emitted
from jitgrad.vm.instructions import INSTRUCTIONS, OPERANDS, Instruction
from jitgrad.vm.kernels import mathfun, update

_ROUNDED = {"multiply_add"}  # replaces two ops in lowering with identical results, so no FMA
_UP_TO_NEAR = {"sin", "cos", "tan"}  # larger arguments are rare and are left to C

Operands = Mapping[str, Any]
"""Values, or tuples of them, by the fields of an instruction that hold their places."""


@emitted(result="boolean")
def run(emit: Emitter, arena: Any, instruction: Any, opcode: Any) -> Any:
    """Run the instruction at a place if its code is emitted here; return whether that is the case."""
    builder, number = emit.builder, emit.number
    other, done = builder.append_basic_block("other"), builder.append_basic_block("done")
    switch = builder.switch(opcode, other)
    builder.position_at_end(done)
    ran = builder.phi(BIT)
    for k, row in enumerate(INSTRUCTIONS):
        if row.emitted:
            case = builder.append_basic_block(row.name)
            switch.add_case(word(k), case)
            builder.position_at_end(case)
            if _is_scalar(row):
                _emit_scalars(_emitter(builder, number, row), row, arena, instruction)
            else:
                builder.call(_function(builder.module, number, row), [arena, instruction])
            ran.add_incoming(ir.Constant(BIT, 1), builder.block)
            builder.branch(done)
    builder.position_at_end(other)
    ran.add_incoming(ir.Constant(BIT, 0), other)
    builder.branch(done)
    builder.position_at_end(done)
    return ran


def _is_scalar(row: Instruction) -> bool:
    """Return whether a row computes single elements, without a loop."""
    return set(row.pattern) == {"1"} if row.op is not None else "n" not in row.fields


def _emitter(builder: Any, number: Any, row: Instruction) -> Emitter:
    return Emitter(builder, number, contract=row.name.split(".")[0] not in _ROUNDED)


def _fields(builder: Any, row: Instruction, instruction: Any) -> dict[str, Any]:
    return {field: builder.load(builder.gep(instruction, [word(k)])) for k, field in enumerate(row.fields, start=1)}


def _results(row: Instruction, operands: Operands) -> dict[str, Any]:
    """Compute the results of an instruction, by the fields of their places."""
    if row.op is None:
        made: dict[str, Any] = getattr(update, row.name)(**operands)
        return made
    assert row.op.value is not None
    return {"d": evaluate(row.op.value, vars(mathfun), operands)}


def _emit_scalars(emit: Emitter, row: Instruction, arena: Any, instruction: Any) -> None:
    """Emit the code of an instruction on single elements."""
    field = _fields(emit.builder, row, instruction)
    operands: dict[str, Any] = _numbers(emit, row, arena, field)
    if row.op is not None:
        operands = {x: Value(emit, emit.builder.load(emit.at(arena, field[x]))) for x in OPERANDS[len(row.pattern)]}
    for x, made in _results(row, operands).items():
        for k, value in enumerate(made if isinstance(made, tuple) else (made,)):
            emit.builder.store(value.code, emit.at(arena, field[x], k))


def _numbers(emit: Emitter, row: Instruction, arena: Any, field: Mapping[str, Any]) -> dict[str, Any]:
    """Load the numbers that all elements share."""
    return {
        x: tuple(Value(emit, emit.builder.load(emit.at(arena, field[x], k))) for k in range(count))
        for x, count in row.numbers.items()
    }


def _function(module: Any, number: Any, row: Instruction) -> Any:
    """Return the function of the arena and an instruction of the kind ``row``."""
    kind = ir.FunctionType(ir.VoidType(), [number.as_pointer(), WORD.as_pointer()])
    function = ir.Function(module, kind, f"emitted.{row.name}")
    function.linkage = "internal"
    for attribute in ("noinline", "nounwind"):
        function.attributes.add(attribute)
    builder = ir.IRBuilder(function.append_basic_block())
    emit = _emitter(builder, number, row)
    arena, instruction = function.args
    field = _fields(builder, row, instruction)
    if "n" in field:
        vectors = {x: emit.at(arena, field[x]) for x in row.places if x not in row.numbers}
        _emit_columns(emit, row, vectors, _numbers(emit, row, arena, field), field["n"])
    else:
        operands = dict(zip(OPERANDS[len(row.pattern)], row.pattern, strict=True))

        def line(r: Any) -> None:
            places = {x: emit.at(arena, field[x], builder.mul(r, field["r" + x])) for x in operands}
            shared = {x: Value(emit, builder.load(place)) for x, place in places.items() if operands[x] == "s"}
            vectors = {x: place for x, place in places.items() if operands[x] == "v"}
            vectors["d"] = emit.at(arena, field["d"], builder.mul(r, field["cols"]))
            _emit_columns(emit, row, vectors, shared, field["cols"])

        emit.loop(field["rows"], 1, line)
    builder.ret_void()
    return function


def _emit_columns(emit: Emitter, row: Instruction, vectors: Mapping[str, Any], shared: Operands, count: Any) -> None:
    """Emit ``count`` elements from each place in ``vectors``, with shared operands."""
    builder, given = emit.builder, [x for x in vectors if x != "d"]
    far = row.name if row.name in _UP_TO_NEAR else ""
    spread = {x: _spread(emit, value) for x, value in shared.items()}

    def one(k: Any) -> None:
        operands = {x: Value(emit, builder.load(emit.at(vectors[x], k))) for x in given}
        for x, made in _results(row, operands | dict(shared)).items():
            builder.store(made.code, emit.at(vectors[x], k))
        if far:
            with builder.if_then((~(abs(operands["x"]) <= mathfun.NEAR)).code, likely=False):
                builder.store(emit.c(far, operands["x"]).code, emit.at(vectors["d"], k))

    def vector(k: Any, mask: Any = None) -> None:
        operands = {x: Value(emit, emit.load(emit.at(vectors[x], k), mask)) for x in given}
        for x, made in _results(row, operands | spread).items():
            stored = _far_by_c(emit, far, operands["x"], made) if far else made
            emit.store(stored.code, emit.at(vectors[x], k), mask)

    if row.op is not None and row.op.value is not None and called(row.op.value) & mathfun.by_c(emit.number):
        emit.loop(count, 1, one)
        return
    whole = builder.and_(count, word(2**64 - emit.lanes))
    emit.loop(whole, emit.lanes, vector)
    rest = builder.sub(count, whole)
    with builder.if_then(builder.icmp_unsigned("==", rest, word(1))):  # a masked load would delay a single number
        one(whole)
    with builder.if_then(builder.icmp_unsigned(">", rest, word(1))):
        vector(whole, emit.mask(rest))


def _spread(emit: Emitter, value: Any) -> Any:
    """Broadcast a number, or a tuple of numbers, to all lanes."""
    if isinstance(value, tuple):
        return tuple(_spread(emit, each) for each in value)
    return Value(emit, emit.spread(value.code, emit.vector))


def _far_by_c(emit: Emitter, name: str, x: Value, made: Value) -> Value:
    """Recompute the elements of a vector x beyond NEAR with C's functions."""
    builder = emit.builder
    far = ~(abs(x) <= mathfun.NEAR)
    number = ir.IntType(emit.lanes)
    with builder.goto_entry_block():
        places = [builder.alloca(emit.vector) for _ in range(2)]
    before = builder.block
    with builder.if_then(builder.icmp_unsigned("!=", builder.bitcast(far.code, number), ir.Constant(number, 0)), likely=False):
        xs, ys = (emit.pointer(place, emit.number) for place in places)
        for value, place in zip((x, made), places, strict=True):
            builder.store(value.code, place)

        def one(k: Any) -> None:
            each = Value(emit, builder.load(emit.at(xs, k)))
            with builder.if_then((~(abs(each) <= mathfun.NEAR)).code):
                builder.store(emit.c(name, each).code, emit.at(ys, k))

        emit.loop(word(emit.lanes), 1, one)
        mended, after = builder.load(places[1]), builder.block
    phi = builder.phi(emit.vector)
    phi.add_incoming(made.code, before)
    phi.add_incoming(mended, after)
    return Value(emit, phi)
