"""Linear algebra by LAPACK, over a batch of square matrices. The result for a system without a solution is nan.

These are kernels for the instruction ``call``: ``kernel(arena, table, t, d, s)`` reads the offsets of its operands from the
table, then the batch and the sizes. LAPACK sees row-major matrices transposed.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numpy import log, nan, uint64

from jitgrad.vm.compiler.emitter import BYTE, HALF, SINGLE, WORD, Emitter, call
from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import Emitted, after, compiled, emitted, number
from jitgrad.vm.compiler.types import UINT64, Number, Pointer, Type


def kernel_arguments(element: Number) -> tuple[Type, ...]:
    """Return the argument types of a kernel for the instruction ``call``: ``kernel(arena, table, t, d, s)``."""
    return Pointer(element), Pointer(UINT64), UINT64, UINT64, UINT64


def routine(name: str, form: str) -> Emitted:
    """Return a compiled function ``call(arena, *arguments)`` of a LAPACK routine, which returns its info.

    Parameters
    ----------
    name : str
        Its name without the letter of the dtype.
    form : str
        One letter for each argument, a uint64: ``p`` for the place of an array in the arena, ``i`` for an integer, ``c`` for a
        character. The routine's last argument is info.
    """

    def emit_call(emit: Emitter, arena: Any, *arguments: Any) -> Any:
        builder, pointer = emit.builder, BYTE.as_pointer()
        given = []
        for kind, value in zip(form, arguments, strict=True):
            place = emit.at(arena, value)
            if kind != "p":
                place = builder.alloca(HALF if kind == "i" else BYTE)
                builder.store(builder.trunc(value, place.type.pointee), place)
            given.append(builder.bitcast(place, pointer))
        info = builder.alloca(HALF)
        builder.store(ir.Constant(HALF, 0), info)
        symbol = f"scipy_{'s' if emit.number == SINGLE else 'd'}{name}"
        call(builder, symbol, ir.VoidType(), *given, builder.bitcast(info, pointer))
        return builder.zext(builder.load(info), WORD)

    return Emitted(emit_call, name, result="uint64", inline=False)


factor = routine("getrf", "iipip")
substitute = routine("getrs", "ciipippi")
_cholesky_factor = routine("potrf", "cipi")
_U, TRANSPOSED = uint64(ord("U")), uint64(ord("T"))


@compiled
def _solve(A, table, t, d, s):
    """Compute a⁻¹·b by LU with partial pivoting. At ``s`` there is space for a, b transposed, and the pivots."""
    a, b = table[t], table[t + uint64(2)]
    batch, n, k = table[t + uint64(4)], table[t + uint64(5)], table[t + uint64(6)]
    right, pivots = s + n * n, s + n * n + n * k
    for i in range(batch):
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        for r in range(n):
            for c in range(k):
                A[right + c * n + r] = A[b + (i * n + r) * k + c]
        info = factor(A, n, n, s, n, pivots)
        if info == uint64(0):
            substitute(A, TRANSPOSED, n, k, s, n, pivots, right, n)
        for r in range(n):
            for c in range(k):
                A[d + (i * n + r) * k + c] = A[right + c * n + r] if info == uint64(0) else nan


@emitted(result="uint64")
def _pivot(emit: Emitter, pivots: Any, j: Any) -> Any:
    """Return pivot j, one of LAPACK's integers, which count from 1."""
    builder = emit.builder
    return builder.zext(builder.load(builder.gep(builder.bitcast(pivots, HALF.as_pointer()), [j])), WORD)


@compiled
def pivots_product(A, s, pivots, n):
    """Return the product of the diagonal of the factors at ``s``, its sign, and the logarithm of its absolute value."""
    value, sign, size = number(A, 1), number(A, 1), number(A, 0)
    for j in range(n):
        x = A[s + j * n + j]
        if _pivot(after(A, pivots), j) != j + uint64(1):
            value, sign = -value, -sign
        value *= x
        if x < 0:
            sign = -sign
        elif not x > 0:
            sign *= x
        size += log(abs(x))
    return value, sign, size


@compiled
def _determinant(A, table, t, d, s):
    """Compute determinants, signs, and logarithms of absolute values. At ``s`` there is space for a copy and pivots."""
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    pivots = s + n * n
    for i in range(batch):
        for j in range(n * n):
            A[s + j] = A[a + i * n * n + j]
        if n:
            factor(A, n, n, s, n, pivots)
        A[d + i], A[d + batch + i], A[d + uint64(2) * batch + i] = pivots_product(A, s, pivots, n)


@compiled
def _cholesky(A, table, t, d, s):
    """Compute the lower triangular l with l·lᵀ = a from the lower triangle of a."""
    a, batch, n = table[t], table[t + uint64(2)], table[t + uint64(3)]
    for i in range(batch):
        q = d + i * n * n
        for r in range(n):
            for c in range(n):
                A[q + r * n + c] = A[a + (i * n + r) * n + c] if c <= r else 0
        if _cholesky_factor(A, _U, n, q, n) != uint64(0):
            for j in range(n * n):
                A[q + j] = nan


solve = Native(_solve, kernel_arguments)
determinant = Native(_determinant, kernel_arguments)
cholesky = Native(_cholesky, kernel_arguments)
