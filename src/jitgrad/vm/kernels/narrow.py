"""Products of a matrix of 2, 4, 8 or 16 columns and a vector, and of its transpose, with contiguous rows.

This is the case of a table with few features. A vector register holds several rows, so memory is read sequentially. For the
product with a vector, the vector is repeated and products are added in pairs. For the transpose, rows are multiplied by
repeated elements of a vector.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from llvmlite import ir
from numpy import uint64

from jitgrad.vm.compiler.emitter import VECTOR_BYTES, Emitter, indices, word
from jitgrad.vm.compiler.language import Emitted, after, compiled
from jitgrad.vm.kernels.reduce import BLOCK


def _by_columns(emit_kernel: Any, name: str) -> Emitted:
    """Return a compiled function: the code of ``emit_kernel`` for the number of columns in its first argument."""

    def emit_cases(emit: Emitter, columns: Any, *given: Any) -> None:
        builder, done = emit.builder, emit.builder.append_basic_block("done")
        cases = builder.switch(columns, done)
        for k in (2, 4, 8, 16):
            if k <= emit.lanes:
                case = builder.append_basic_block(f"columns{k}")
                cases.add_case(word(k), case)
                builder.position_at_end(case)
                emit_kernel(emit, k, *given)
                builder.branch(done)
        builder.position_at_end(done)

    return Emitted(emit_cases, name, inline=False)


def _emit_rows(emit: Emitter, k: int, c: Any, s: Any, x: Any, w: Any, rows: Any, masked: bool = False) -> None:
    """Emit as many elements of c = s + X·w as a vector has lanes, or the first ``rows`` of them."""
    builder, lanes = emit.builder, emit.lanes
    few = emit.load(w, emit.mask(word(k)))
    repeated = builder.shuffle_vector(few, few, indices([lane % k for lane in range(lanes)]))
    left = builder.mul(rows, word(k))
    terms = []
    for v in range(k):
        mask = emit.mask(_minus(builder, left, word(lanes * v))) if masked else None
        terms.append(builder.fmul(emit.load(emit.at(x, lanes * v), mask), repeated))
    even, odd = (indices(list(range(first, 2 * lanes, 2))) for first in (0, 1))
    while len(terms) > 1:
        terms = [
            builder.fadd(builder.shuffle_vector(a, b, even), builder.shuffle_vector(a, b, odd))
            for a, b in zip(terms[::2], terms[1::2], strict=True)
        ]
    mask = emit.mask(rows) if masked else None
    emit.store(builder.fadd(emit.load(s, mask), terms[0]), c, mask)


def _emit_columns(emit: Emitter, k: int, c: Any, s: Any, x: Any, r: Any, depth: Any) -> None:
    """Emit the k elements of c = s + Xᵀ·r, of ``depth`` rows."""
    builder, lanes, first = emit.builder, emit.lanes, emit.builder.block
    loop, body, done = (builder.append_basic_block(name) for name in ("rows", "step", "sums"))
    builder.branch(loop)
    builder.position_at_end(loop)
    count = builder.phi(ir.IntType(64))
    count.add_incoming(word(0), first)
    sums = [builder.phi(emit.vector) for _ in range(k)]
    for phi in sums:
        phi.add_incoming(emit.zero, first)
    after_this = builder.add(count, word(lanes))
    builder.cbranch(builder.icmp_unsigned("<=", after_this, depth), body, done)
    builder.position_at_end(body)
    for phi, value in zip(sums, _terms(emit, k, sums, emit.at(x, builder.mul(count, word(k))), emit.at(r, count)), strict=True):
        phi.add_incoming(value, body)
    count.add_incoming(after_this, body)
    builder.branch(loop)
    builder.position_at_end(done)
    left = builder.sub(depth, count)
    ends = _terms(emit, k, sums, emit.at(x, builder.mul(count, word(k))), emit.at(r, count), left)
    while len(ends) > 1:
        ends = [builder.fadd(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True)]
    total, width = ends[0], lanes
    while width > k:
        width //= 2
        total = builder.fadd(total, builder.shuffle_vector(total, total, indices([lane ^ width for lane in range(lanes)])))
    mask = emit.mask(word(k))
    emit.store(builder.fadd(emit.load(s, mask), total), c, mask)


def _terms(emit: Emitter, k: int, sums: list[Any], x: Any, r: Any, left: Any = None) -> list[Any]:
    """Add as many rows as a vector has lanes, or ``left`` of them, to the sums."""
    builder, lanes = emit.builder, emit.lanes
    factors = emit.load(r, None if left is None else emit.mask(left))
    found = []
    for v, total in enumerate(sums):
        each = builder.shuffle_vector(factors, factors, indices([(v * lanes + lane) // k for lane in range(lanes)]))
        mask = None if left is None else emit.mask(_minus(builder, builder.mul(left, word(k)), word(lanes * v)))
        term = builder.fmul(emit.load(emit.at(x, lanes * v), mask), each, flags=("contract",))
        found.append(builder.fadd(total, term, flags=("contract",)))
    return found


def _minus(builder: Any, a: Any, b: Any) -> Any:
    """Return max(a - b, 0)."""
    return builder.select(builder.icmp_unsigned(">", a, b), builder.sub(a, b), ir.Constant(a.type, 0))


_rows = _by_columns(_emit_rows, "narrow_rows")
_last_rows = _by_columns(partial(_emit_rows, masked=True), "narrow_last_rows")
_columns = _by_columns(_emit_columns, "narrow_columns")


@compiled
def is_narrow(size, k):
    """Return whether there is a kernel for k columns of numbers of ``size`` bytes."""
    return k > uint64(1) and k * size <= uint64(VECTOR_BYTES) and k & (k - uint64(1)) == uint64(0)


@compiled
def narrow_rows(size, c, s, s_step, x, w, m, k):
    """Compute c = s + X·w for X of m rows and k columns; s has m elements if ``s_step`` is 1, or is a vector of zeros."""
    lanes = uint64(VECTOR_BYTES) // size
    for i in range(uint64(0), m, lanes):
        p, q, o, rows = after(c, i), after(s, i * s_step), after(x, i * k), min(lanes, m - i)
        if rows == lanes:
            _rows(k, p, q, o, w, rows)
        else:
            _last_rows(k, p, q, o, w, rows)


@compiled
def narrow_columns(c, s, x, r, depth, k):
    """Compute c = s + Xᵀ·r for X of ``depth`` rows and k columns."""
    for start in range(uint64(0), max(depth, uint64(1)), uint64(BLOCK)):
        rows = min(uint64(BLOCK), depth - start)
        q, o, f = s if start == uint64(0) else c, after(x, start * k), after(r, start)
        _columns(k, c, q, o, f, rows)
