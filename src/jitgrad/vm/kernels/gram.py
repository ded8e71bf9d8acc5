"""The Gram matrix of columns: all products of two columns, each a sum over rows.

It is for tall matrices with few columns, such as the Jacobians of small fits. The sums of a tile stay in registers while the
loop runs over rows, so each load of a column serves several products. The order of additions does not depend on the tile:
vectors along the rows, the last one masked, then the lanes.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numpy import uint64

from jitgrad.vm.compiler.emitter import VECTOR_BYTES, WORD, Emitter, word
from jitgrad.vm.compiler.language import Emitted, after, compiled, noinline
from jitgrad.vm.kernels.tiles import added

_SIDE = 4
"""Columns of a tile."""
_REGISTERS = 32 if VECTOR_BYTES == 64 else 16
_NONE, _ONE, _TWO, _FULL = (uint64(n) for n in (0, 1, 2, _SIDE))

Pairs = list[tuple[int, int]]
"""The columns that a tile multiplies, row by row."""
Columns = dict[tuple[Any, int], Any]
"""Pointers to columns, by the place of their pointers and their numbers there."""


def _triangle(first: int, last: int) -> Pairs:
    """Return the pairs of columns first ≤ j < last with the columns up to and including themselves."""
    return [(i, j) for i in range(first, last) for j in range(i + 1)]


def _whole(*cuts: int) -> Emitted:
    """Return a compiled function for all products of a few columns, in tiles cut at these columns.

    Its arguments are pointers to the columns' pointers and to the first product, the number of rows, the stride of products,
    and the number of the first column.
    """

    def emit_all(emit: Emitter, x: Any, to: Any, depth: Any, distance: Any, first: Any) -> None:
        for start, stop in zip((0, *cuts), cuts, strict=False):
            _emit_tile(emit, _triangle(start, stop), (x, x), to, depth, distance, first)

    return Emitted(emit_all, f"gram{cuts[-1]}", inline=False)


def _between(rows: int) -> Emitted:
    """Return a compiled function for the products of some columns with a tile of others.

    Its arguments are pointers to the pointers of both, followed by those of ``_whole``.
    """

    def emit_tile(emit: Emitter, x: Any, y: Any, to: Any, depth: Any, distance: Any, first: Any) -> None:
        _emit_tile(emit, [(i, j) for i in range(rows) for j in range(_SIDE)], (x, y), to, depth, distance, first)

    return Emitted(emit_tile, f"products{rows}", inline=False)


def _emit_tile(emit: Emitter, pairs: Pairs, bases: tuple[Any, Any], to: Any, depth: Any, distance: Any, first: Any) -> None:
    builder, start = emit.builder, emit.builder.block
    loop, body, rest, masked, done = (builder.append_basic_block(name) for name in ("loop", "step", "rest", "masked", "sums"))
    whole = builder.and_(depth, word(2**64 - emit.lanes))
    used = dict.fromkeys(column for i, j in pairs for column in ((bases[0], i), (bases[1], j)))
    columns: Columns = {column: _pointer(emit, *column) for column in used}
    builder.branch(loop)
    builder.position_at_end(loop)
    k = builder.phi(WORD)
    k.add_incoming(word(0), start)
    sums = [builder.phi(emit.vector) for _ in pairs]
    for phi in sums:
        phi.add_incoming(emit.zero, start)
    builder.cbranch(builder.icmp_unsigned("<", k, whole), body, rest)
    builder.position_at_end(body)
    for phi, value in zip(sums, _further(emit, pairs, sums, bases, columns, k), strict=True):
        phi.add_incoming(value, body)
    k.add_incoming(builder.add(k, word(emit.lanes)), body)
    builder.branch(loop)
    builder.position_at_end(rest)
    builder.cbranch(builder.icmp_unsigned("<", whole, depth), masked, done)
    builder.position_at_end(masked)
    last = _further(emit, pairs, sums, bases, columns, k, emit.mask(builder.sub(depth, whole)))
    builder.branch(done)
    builder.position_at_end(done)
    totals = []
    for before, value in zip(sums, last, strict=True):
        total = builder.phi(emit.vector)
        total.add_incoming(before, rest)
        total.add_incoming(value, masked)
        totals.append(total)
    _emit_products(emit, pairs, totals, to, distance, first)


def _further(
    emit: Emitter, pairs: Pairs, sums: list[Any], bases: tuple[Any, Any], columns: Columns, k: Any, mask: Any = None
) -> list[Any]:
    """Add the products of the next vector of rows to the sums.

    If sums and columns exceed the registers, columns are reloaded for each row of products; they are in cache.
    """
    builder, made = emit.builder, []
    scarce = mask is None and len(pairs) + len({i for i, _ in pairs} | {j for _, j in pairs}) > _REGISTERS
    places: dict[int, Any] = {}  # of a row of products
    loaded: dict[tuple[Any, int, Any], Any] = {}

    def column(base: Any, number: int, at: Any) -> Any:
        if (base, number, at) not in loaded:
            loaded[base, number, at] = emit.load(emit.at(columns[base, number], at), mask)
        return loaded[base, number, at]

    for (i, j), before in zip(pairs, sums, strict=True):
        if i not in places:
            places[i] = _hidden(builder, k) if scarce else k
        of = column(bases[0], i, k)
        by = of if bases[0] is bases[1] and i == j else column(bases[1], j, places[i])
        made.append(builder.fadd(before, builder.fmul(of, by, flags=("contract",)), flags=("contract",)))
    return made


def _pointer(emit: Emitter, base: Any, number: int) -> Any:
    """Return the pointer to a column."""
    return emit.builder.load(emit.at(emit.pointer(base, emit.number.as_pointer()), number))


def _hidden(builder: Any, number: Any) -> Any:
    """Hide the value of a number from LLVM, so that it reloads what it has loaded from there."""
    return builder.asm(ir.FunctionType(WORD, [WORD]), "", "=r,0", [number], False)


def _emit_products(emit: Emitter, pairs: Pairs, totals: list[Any], to: Any, distance: Any, first: Any) -> None:
    """Store the sums of the lanes."""
    builder, place = emit.builder, to
    for group in range(0, len(totals), emit.lanes):
        together = totals[group : group + emit.lanes]
        found = added(builder, together + [emit.zero] * (emit.lanes - len(together)))
        for lane, (i, j) in enumerate(pairs[group : group + emit.lanes]):
            if j == 0:
                before = builder.add(builder.mul(first, word(i)), word(i * (i + 1) // 2))
                place = emit.at(to, builder.mul(before, distance))
            builder.store(builder.extract_element(found, word(lane)), place)
            place = emit.at(place, distance)


_gram1, _gram2, _gram3, _gram4, _gram5, _gram6 = (_whole(*cuts) for cuts in ((1,), (2,), (3,), (4,), (5,), (4, 6)))
_between1, _between2, _between3 = (_between(rows) for rows in (1, 2, 3))


@compiled
def _small(columns, to, rows, cols, distance, first):
    """Compute the products of up to six columns."""
    if cols == uint64(6):
        _gram6(columns, to, rows, distance, first)
    elif cols == uint64(5):
        _gram5(columns, to, rows, distance, first)
    elif cols == _FULL:
        _gram4(columns, to, rows, distance, first)
    elif cols == uint64(3):
        _gram3(columns, to, rows, distance, first)
    elif cols == _TWO:
        _gram2(columns, to, rows, distance, first)
    else:
        _gram1(columns, to, rows, distance, first)


@compiled
def _tile(columns, others, to, rows, cols, distance, first):
    """Compute the products of up to four columns with a tile of others."""
    if cols == _FULL:
        _between2(columns, others, to, rows, distance, first)
        half = after(to, (_TWO * first + uint64(3)) * distance)
        _between2(columns[_TWO], others, half, rows, distance, first + _TWO)
    elif cols == uint64(3):
        _between3(columns, others, to, rows, distance, first)
    elif cols == _TWO:
        _between2(columns, others, to, rows, distance, first)
    else:
        _between1(columns, others, to, rows, distance, first)


@noinline
def gram(columns, rows, cols, to, distance):
    """Write the product of columns i and j ≤ i to ``to[(i * (i + 1) // 2 + j) * distance]``.

    ``columns`` has ``cols`` records with a pointer each to ``rows`` elements.
    """
    if cols <= uint64(6):
        _small(columns, to, rows, cols, distance, _NONE)
        return
    for first in range(_NONE, cols, _FULL):
        these, count = columns[first], min(_FULL, cols - first)
        line = after(to, first * (first + _ONE) // _TWO * distance)
        for j in range(_NONE, first, _FULL):
            _tile(these, columns[j], after(line, j * distance), rows, count, distance, first)
        _small(these, after(line, first * distance), rows, count, distance, first)
