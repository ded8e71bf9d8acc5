"""Blocks of a matrix in vector registers, as LLVM IR, because compilers would not keep sixteen accumulators in registers.

Memory is accessed through pointers, and strides count elements. Vectors are as wide as the processor's registers; columns
beyond the matrix are masked. The sums of ``ROWS`` × ``VECTORS`` vectors stay in registers while the loop runs over k (Goto and
van de Geijn, "Anatomy of high-performance matrix multiplication", 2008).
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from jitgrad.vm.compiler.emitter import VECTOR_BYTES, WORD, Emitter, indices, word
from jitgrad.vm.compiler.language import Emitted, emitted

ROWS = 4
VECTORS = 4 if VECTOR_BYTES != 32 else 2
"""Vectors of a block. There are 32 registers, or 16 with AVX: half for the sums, half for the operands."""
PANEL_BYTES = VECTORS * VECTOR_BYTES
"""Bytes of the columns of a block."""


def block(rows: int, vectors: int) -> Emitted:
    """Return a compiled function for ``rows`` × ``vectors`` vectors of C = S + X·Y.

    Its arguments are pointers to C, S, X and Y, each with its strides, the depth of the product, and the number of columns,
    which is used if ``vectors`` is 1.
    """
    return Emitted(lambda emit, *given: _emit_block(emit, rows, vectors, *given), f"block{rows}x{vectors}", inline=False)


def _emit_block(
    emit: Emitter, rows: int, vectors: int,
    c: Any, c_row: Any, s: Any, s_row: Any, x: Any, x_row: Any, x_step: Any, y: Any, y_row: Any, depth: Any, columns: Any,
) -> None:  # fmt: skip
    builder = emit.builder
    mask = emit.mask(columns) if vectors == 1 else None
    places = [(i, v) for i in range(rows) for v in range(vectors)]

    def spot(base: Any, stride: Any, i: int, v: int) -> Any:
        return emit.at(base, builder.mul(stride, word(i)), emit.lanes * v)

    first = builder.block
    loop, body, done = (builder.append_basic_block(name) for name in ("depth", "step", "sums"))
    builder.branch(loop)
    builder.position_at_end(loop)
    count = builder.phi(WORD)
    count.add_incoming(word(0), first)
    here = [builder.phi(x.type), builder.phi(y.type)]
    sums = [builder.phi(emit.vector) for _ in places]
    for phi, start in zip([*here, *sums], [x, y, *[emit.zero] * len(sums)], strict=True):
        phi.add_incoming(start, first)
    builder.cbranch(builder.icmp_unsigned("<", count, depth), body, done)
    builder.position_at_end(body)
    across = [emit.load(emit.at(here[1], emit.lanes * v), mask) for v in range(vectors)]
    following = []
    for i in range(rows):
        factor = emit.scalar(emit.at(here[0], builder.mul(x_row, word(i))))
        for v in range(vectors):
            term = builder.fmul(factor, across[v], flags=("contract",))
            following.append(builder.fadd(sums[i * vectors + v], term, flags=("contract",)))
    count.add_incoming(builder.add(count, word(1)), body)
    for phi, value in zip([*here, *sums], [emit.at(here[0], x_step), emit.at(here[1], y_row), *following], strict=True):
        phi.add_incoming(value, body)
    builder.branch(loop)
    builder.position_at_end(done)
    for (i, v), value in zip(places, sums, strict=True):
        emit.store(builder.fadd(emit.load(spot(s, s_row, i, v), mask), value), spot(c, c_row, i, v), mask)


def dots(rows: int, columns: int) -> Emitted:
    """Return a compiled function for ``rows`` × ``columns`` elements of C = S + X·Yᵀ, as dot products of rows.

    Its arguments are pointers to C, S, X and Y, each with its row stride, and the length of the rows.
    """
    return Emitted(lambda emit, *given: _emit_dots(emit, rows, columns, *given), f"dots{rows}x{columns}", inline=False)


def _emit_dots(
    emit: Emitter, rows: int, columns: int,
    c: Any, c_row: Any, s: Any, s_row: Any, x: Any, x_row: Any, y: Any, y_row: Any, depth: Any,
) -> None:  # fmt: skip
    builder, start = emit.builder, emit.builder.block
    names = ("depth", "step", "rest", "masked", "sums")
    loop, body, rest, masked, done = (builder.append_basic_block(name) for name in names)
    whole = builder.and_(depth, word(2**64 - emit.lanes))
    builder.branch(loop)
    builder.position_at_end(loop)
    count = builder.phi(WORD)
    count.add_incoming(word(0), start)
    sums = [builder.phi(emit.vector) for _ in range(rows * columns)]
    for phi in sums:
        phi.add_incoming(emit.zero, start)
    builder.cbranch(builder.icmp_unsigned("<", count, whole), body, rest)

    def further(mask: Any = None) -> list[Any]:
        """Add as many terms as a vector has lanes to the sums."""
        down = [emit.load(emit.at(x, builder.mul(x_row, word(i)), count), mask) for i in range(rows)]
        across = [emit.load(emit.at(y, builder.mul(y_row, word(j)), count), mask) for j in range(columns)]
        terms = [builder.fmul(a, b, flags=("contract",)) for a in down for b in across]
        return [builder.fadd(phi, term, flags=("contract",)) for phi, term in zip(sums, terms, strict=True)]

    builder.position_at_end(body)
    for phi, value in zip(sums, further(), strict=True):
        phi.add_incoming(value, body)
    count.add_incoming(builder.add(count, word(emit.lanes)), body)
    builder.branch(loop)
    builder.position_at_end(rest)
    builder.cbranch(builder.icmp_unsigned("<", whole, depth), masked, done)
    builder.position_at_end(masked)
    last = further(emit.mask(builder.sub(depth, whole)))
    builder.branch(done)
    builder.position_at_end(done)
    totals = [builder.phi(emit.vector) for _ in sums]
    for total, before, value in zip(totals, sums, last, strict=True):
        total.add_incoming(before, rest)
        total.add_incoming(value, masked)
    together = [added(builder, totals[group : group + emit.lanes]) for group in range(0, len(totals), emit.lanes)]
    part = ir.VectorType(emit.number, min(columns, emit.lanes))
    for k in range(0, len(totals), part.count):
        i, j = divmod(k, columns)
        lanes = indices([k % emit.lanes + lane for lane in range(part.count)])
        found = builder.shuffle_vector(together[k // emit.lanes], ir.Constant(emit.vector, ir.Undefined), lanes)
        begin = builder.load(emit.pointer(emit.at(s, builder.mul(s_row, word(i)), j), part))
        begin.align = emit.size
        place = emit.pointer(emit.at(c, builder.mul(c_row, word(i)), j), part)
        builder.store(builder.fadd(begin, found), place).align = emit.size


def added(builder: Any, vectors: list[Any]) -> Any:
    """Return a vector whose lane i is the sum of the lanes of vector i, by adding halves of pairs."""
    n = len(vectors)
    width = n // 2
    while len(vectors) > 1:
        low = [k for k in range(2 * n) if not k & width]
        pairs = zip(vectors[::2], vectors[1::2], strict=True)
        vectors = [
            builder.fadd(
                builder.shuffle_vector(a, b, indices(low)), builder.shuffle_vector(a, b, indices([k + width for k in low]))
            )
            for a, b in pairs
        ]
        width //= 2
    return vectors[0]


@emitted()
def move(emit: Emitter, p: Any, b: Any, columns: Any) -> None:
    """Copy a vector from b to p. Of the last one, ``columns`` elements are read and the others at p are undefined."""
    emit.store(emit.load(b, emit.mask(columns)), p)


@emitted(inline=False)
def turn(emit: Emitter, p: Any, p_row: Any, b: Any, b_row: Any, rows: Any, columns: Any) -> None:
    """Transpose a square of lanes × lanes elements from b to p.

    ``rows`` and ``columns`` of it exist at b (at least one row); the others at p are undefined.
    """
    builder = emit.builder
    mask, last = emit.mask(columns), builder.sub(rows, word(1))
    lines = []
    for i in range(emit.lanes):
        k = word(i)
        k = builder.select(builder.icmp_unsigned("<", k, last), k, last)
        lines.append(emit.load(emit.at(b, builder.mul(k, b_row)), mask))
    for i, line in enumerate(_turned(builder, lines)):
        emit.store(line, emit.at(p, builder.mul(p_row, word(i))))


def _turned(builder: Any, lines: list[Any]) -> list[Any]:
    """Transpose a square of vectors by swapping quarters, then quarters of quarters, and so on."""
    n = len(lines)
    half = n // 2
    while half:
        low = [(j if not j & half else n + j - half) for j in range(n)]
        high = [(j + half if not j & half else n + j) for j in range(n)]
        following = list(lines)
        for i in range(n):
            if not i & half:
                pair = lines[i], lines[i + half]
                following[i] = builder.shuffle_vector(*pair, indices(low))
                following[i + half] = builder.shuffle_vector(*pair, indices(high))
        lines = following
        half //= 2
    return lines
