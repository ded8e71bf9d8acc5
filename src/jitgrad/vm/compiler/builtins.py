"""Functions that the compiler knows: for each, what it writes for a call."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.vm import subnormals
from jitgrad.vm.compiler import language
from jitgrad.vm.compiler.types import BOOLEAN, FLOAT32, FLOAT64, INT64, UINT64, Literal, Number, Operand, Pointer, Value


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
    if not isinstance(pointer.type, Pointer):
        raise body.error("after takes a pointer")
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


BUILTINS: dict[Any, Callable[..., Any]] = {
    abs: _absolute,
    max: _choice(">"),
    min: _choice("<"),
    np.sqrt: _call("llvm.sqrt"),
    np.log1p: _call("log1p"),
    np.arctan: _call("atan"),
    np.isfinite: _is_finite,
    np.uint64: _conversion(UINT64),
    int: _conversion(INT64),
    float: _conversion(FLOAT64),
    bool: _conversion(BOOLEAN),
    language.after: _after,
    language.call_execute: _execute,
    language.flush_mode: _flush_mode,
}
