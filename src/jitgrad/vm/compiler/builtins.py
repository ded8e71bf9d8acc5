"""Functions that the compiler knows: for each, what it writes for a call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.vm import subnormals
from jitgrad.vm.compiler import language
from jitgrad.vm.compiler.types import FLOAT32, FLOAT64, INT64, UINT64, Literal, Number, Operand, Pointer, Value


def _call(name: str) -> Callable[..., Operand]:
    """Of one of C's functions or LLVM's intrinsics, named for doubles, of floats of one type."""

    def write(body: Any, *operands: Operand) -> Value:
        number = body.common(*operands)
        number = number if number.is_float else FLOAT64
        if name.startswith("llvm."):
            symbol = f"{name}.f{'32' if number == FLOAT32 else '64'}"
        else:
            symbol = name + "f" if number == FLOAT32 else name
        return body.call(symbol, number, [body.value(operand, number) for operand in operands], body.flags)

    return write


def _choice(comparison: str) -> Callable[..., Operand]:
    """The first of two, or the second where it compares so with it: of nan and a number the first."""

    def write(body: Any, first: Operand, second: Operand) -> Operand:
        number = body.common(first, second)
        a, b = body.value(first, number), body.value(second, number)
        found = body.compare(comparison, b, a)
        return body.line(number, f"select i1 {found.name}, {number.code} {b.name}, {number.code} {a.name}")

    return write


def _absolute(body: Any, x: Operand) -> Operand:
    if isinstance(x, Literal):
        return Literal(abs(x.value))
    return _call("llvm.fabs")(body, x)


def _is_finite(body: Any, x: Operand) -> Operand:
    return body.compare("<", _absolute(body, x), Literal(math.inf))


def _conversion(number: Number) -> Callable[..., Operand]:
    return lambda body, x: body.convert(x, number)


def _after(body: Any, pointer: Value, n: Operand) -> Operand:
    return body.element(pointer, n)


def _execute(body: Any, context: Value, start: Operand, stop: Operand) -> None:
    functions = body.field(context, "functions")
    address = body.load(UINT64, body.element(functions, Literal(0)).name, "uint64")
    kind = "void (i8*, i64, i64)*"
    function = body.register(f"inttoptr i64 {address.name} to {kind}")
    given = ", ".join(f"i64 {body.value(place, UINT64).name}" for place in (start, stop))
    body.write(f"call void {function}(i8* {context.name}, {given})")


def _flush_mode(body: Any, mode: Operand) -> Value:
    change, *called = subnormals.setter().functions
    change.linkage = "internal"
    for function in (*called, change):
        body.module.declare(function.name, str(function))
    return body.line(UINT64, f"call i64 @{change.name}(i64 {body.value(mode, UINT64).name})")


def _number(body: Any, pointer: Value, x: Literal) -> Value:
    return body.value(x, _element(body, pointer))


def _epsilon(body: Any, pointer: Value) -> Value:
    element = _element(body, pointer)
    return body.value(Literal(2.0**-23 if element == FLOAT32 else 2.0**-52), element)


def _integer(body: Any, pointer: Value, place: Operand, k: Operand) -> Value:
    first = body.element(pointer, place)
    words = body.register(f"bitcast {first.type.code} {first.name} to i32*")
    word = body.register(f"getelementptr i32, i32* {words}, i64 {body.value(k, UINT64).name}")
    return body.line(UINT64, f"zext i32 {body.register(f'load i32, i32* {word}')} to i64")


def _element(body: Any, pointer: Value) -> Number:
    if not isinstance(pointer.type, Pointer):
        raise body.error("a pointer is wanted")
    return pointer.type.to


def routine(body: Any, called: language.Routine, arena: Value, arguments: list[Operand]) -> Value:
    """A call of LAPACK: all that it takes are addresses."""
    if len(arguments) != len(called.form):
        raise body.error(f"{called.name} takes {len(called.form)} arguments, not {len(arguments)}")
    addresses = []
    for form, argument in zip(called.form, arguments, strict=True):
        if form == "p":
            place = body.element(arena, argument)
            code, name = place.type.code, place.name
        else:
            word = "i32" if form == "i" else "i8"
            code, name = f"{word}*", body.room(word)
            body.write(
                f"store {word} {body.register(f'trunc i64 {body.value(argument, UINT64).name} to {word}')}, {code} {name}"
            )
        addresses.append(body.register(f"bitcast {code} {name} to i8*"))
    info = body.room("i32")
    body.write(f"store i32 0, i32* {info}")
    addresses.append(body.register(f"bitcast i32* {info} to i8*"))
    symbol = f"scipy_{'s' if _element(body, arena) == FLOAT32 else 'd'}{called.name}"
    body.module.declare(symbol, f"declare void @{symbol}({', '.join(['i8*'] * len(addresses))})")
    body.write(f"call void @{symbol}({', '.join(f'i8* {address}' for address in addresses)})")
    return body.line(INT64, f"sext i32 {body.register(f'load i32, i32* {info}')} to i64")


BUILTINS: dict[Any, Callable[..., Any]] = {
    abs: _absolute,
    max: _choice(">"),
    min: _choice("<"),
    np.sqrt: _call("llvm.sqrt"),
    np.log: _call("llvm.log"),
    np.log1p: _call("log1p"),
    np.arctan: _call("atan"),
    np.isfinite: _is_finite,
    np.uint64: _conversion(UINT64),
    float: _conversion(FLOAT64),
    language.after: _after,
    language.call_execute: _execute,
    language.flush_mode: _flush_mode,
    language.number: _number,
    language.epsilon: _epsilon,
    language.integer: _integer,
}
