"""Builtin functions of the compiler: the IR of a call of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.vm.compiler import language
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
    Operand,
    Pointer,
    Value,
)


def _call(name: str) -> Callable[..., Operand]:
    """Return the call of a C function or LLVM intrinsic on floats of one type. ``name`` is the function for doubles."""

    def write(body: Any, *operands: Operand) -> Value:
        number = body.common(*operands)
        number = number if number.is_float else FLOAT64
        if name.startswith("llvm."):
            symbol = f"{name}.{'f32' if number == FLOAT32 else f'v{LANE_COUNT}f64' if number == LANES else 'f64'}"
        elif number == LANES:
            raise body.error(f"{name} does not accept lanes")
        else:
            symbol = name + "f" if number == FLOAT32 else name
        return body.call(symbol, number, [body.value(operand, number) for operand in operands], body.flags)

    return write


def _choice(comparison: str) -> Callable[..., Operand]:
    """Return the first of two operands, or the second if the comparison holds; with nan and a number, the first."""

    def write(body: Any, first: Operand, second: Operand) -> Operand:
        number = body.common(first, second)
        a, b = body.value(first, number), body.value(second, number)
        found = body.compare(comparison, b, a)
        return body.choice(found, b, a)

    return write


def _where(body: Any, condition: Operand, first: Operand, second: Operand) -> Operand:
    """Select between two computed numbers, lane by lane if the condition or a number is a vector."""
    number = body.common(first, second)
    if isinstance(condition, Value) and condition.type == FLAGS:
        number = {FLOAT64: LANES, BOOLEAN: FLAGS}.get(number, number)
    return body.choice(condition, body.value(first, number), body.value(second, number))


def _any(body: Any, flags: Value) -> Operand:
    if flags.type != FLAGS:
        return body.truth(flags)
    bits = body.register(f"bitcast {FLAGS.code} {flags.name} to i{LANE_COUNT}")
    return body.line(BOOLEAN, f"icmp ne i{LANE_COUNT} {bits}, 0")


def _absolute(body: Any, x: Operand) -> Operand:
    if isinstance(x, Literal):
        return Literal(abs(x.value))
    return _call("llvm.fabs")(body, x)


def _is_finite(body: Any, x: Operand) -> Operand:
    return body.compare("<", _absolute(body, x), Literal(math.inf))


def _conversion(number: Number) -> Callable[..., Operand]:
    return lambda body, x: body.convert(x, number)


def _after(body: Any, pointer: Value, n: Operand) -> Operand:
    if not isinstance(pointer.type, Pointer):
        raise body.error("after requires a pointer")
    return body.element(pointer, n)


def _number(body: Any, pointer: Value, x: Operand) -> Operand:
    assert isinstance(pointer.type, Pointer)
    return body.convert(x, pointer.type.to)


def _itemsize(body: Any, pointer: Value) -> Operand:
    assert isinstance(pointer.type, Pointer)
    return Value(UINT64, "4" if pointer.type.to.each == FLOAT32 else "8")


def _put(body: Any, pointer: Value, k: Operand, flags: Value, x: Operand) -> None:
    assert isinstance(pointer.type, Pointer)
    place, kind = body.element(pointer, k), pointer.type.to
    chosen = body.choice(flags, body.value(x, kind), body.load(kind, place.name, kind.each.name))
    # Prevents LLVM from creating a masked store, which takes AMD's processors about twenty operations.
    body.store(chosen, kind, place.name, kind.each.name, volatile=True)


def _numbers(body: Any, pointer: Value) -> Operand:
    assert isinstance(pointer.type, Pointer)
    kind = Pointer(pointer.type.to.each)
    return body.line(kind, f"bitcast {pointer.type.code} {pointer.name} to {kind.code}")


def _is_null(body: Any, pointer: Value) -> Operand:
    return body.line(BOOLEAN, f"icmp eq {pointer.type.code} {pointer.name}, null")


def _by_address(body: Any, address: Value, *operands: Value) -> None:
    """Call the function at an address. It returns nothing."""
    kinds = ", ".join(operand.type.code for operand in operands)
    function = body.register(f"inttoptr i64 {address.name} to void ({kinds})*")
    body.write(f"call void {function}({', '.join(f'{operand.type.code} {operand.name}' for operand in operands)})")


def _region(body: Any, address: Value, context: Value, i: Operand, length: Operand) -> Operand:
    _by_address(body, address, context, body.value(i, UINT64))
    return length


def _execute(body: Any, context: Value, start: Operand, stop: Operand) -> None:
    _by_address(body, body.field(context, "execute"), context, body.value(start, UINT64), body.value(stop, UINT64))


BUILTINS: dict[Any, Callable[..., Any]] = {
    abs: _absolute,
    any: _any,
    max: _choice(">"),
    min: _choice("<"),
    np.where: _where,
    np.sqrt: _call("llvm.sqrt"),
    np.floor: _call("llvm.floor"),
    np.rint: _call("llvm.rint"),
    np.copysign: _call("llvm.copysign"),
    np.exp: _call("exp"),
    np.log: _call("log"),
    np.tan: _call("tan"),
    np.log1p: _call("log1p"),
    np.arctan: _call("atan"),
    np.isfinite: _is_finite,
    np.uint64: _conversion(UINT64),
    int: _conversion(INT64),
    float: _conversion(FLOAT64),
    bool: _conversion(BOOLEAN),
    language.after: _after,
    language.number: _number,
    language.itemsize: _itemsize,
    language.put: _put,
    language.numbers: _numbers,
    language.is_null: _is_null,
    language.call_kernel: _by_address,
    language.call_region: _region,
    language.call_execute: _execute,
}
