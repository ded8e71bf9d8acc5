"""Elementwise ops: loops over rows and columns, and multiply-adds fused into one loop."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.ops import OPS, Shape
from jitgrad.program.assembler import Assembler, row
from jitgrad.program.expression import Builder, Step
from jitgrad.program.lowering_rules.products import fuse_added
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, Rows, declare, keeps_rows
from jitgrad.vm.instructions import INSTRUCTIONS, LEAST_ELEMENTS, OPCODE, OPERANDS, OPERATION, patterns


class Layout(NamedTuple):
    """An elementwise step as rows × columns: the kind of each operand, ``v`` (vector) or ``s`` (scalar), and row strides."""

    rows: int
    cols: int
    pattern: str
    strides: tuple[int, ...]


@functools.lru_cache(maxsize=4096)
def layout_of(shape: Shape, operands: OperandShapes) -> Layout | None:
    """Return the loop over two axes that covers a broadcast, or None if two axes do not suffice."""
    groups: list[tuple[int, tuple[bool, ...]]] = []
    lead = [len(shape) - len(operand) for operand in operands]
    for axis, n in enumerate(shape):
        if n == 1:
            continue
        stays = tuple(axis < k or operand[axis - k] == 1 for operand, k in zip(operands, lead, strict=True))
        if groups and groups[-1][1] == stays:
            groups[-1] = (groups[-1][0] * n, stays)
        else:
            groups.append((n, stays))
    if len(groups) > 2:
        return None
    none = (False,) * len(operands)
    cols, cols_stay = groups[-1] if groups else (1, none)
    rows, rows_stay = groups[0] if len(groups) == 2 else (1, (True,) * len(operands))
    strides = tuple(0 if r else 1 if c else cols for r, c in zip(rows_stay, cols_stay, strict=True))
    return Layout(rows, cols, "".join("s" if c else "v" for c in cols_stay), strides)


_RESULT = 1
"""The column of the place of the result."""


class _Form(NamedTuple):
    """An instruction without places: its row, the columns of the operands, and whether it is too small to split."""

    row: list[int]
    operands: slice
    is_small: bool


@functools.lru_cache(maxsize=4096)
def _form_of(op: str, shape: Shape, operands: OperandShapes) -> _Form:
    size, names = math.prod(shape), OPERANDS[len(operands)]
    if len(names) == 1:
        return _form(op, size, names, n=size)
    layout = layout_of(shape, operands)
    assert layout is not None
    if size == 1 and f"{op}.1" in OPCODE:
        return _form(f"{op}.1", size, names)
    strides = {"r" + x: s for x, s in zip(names, layout.strides, strict=True)}
    return _form(f"{op}.{layout.pattern}", size, names, rows=layout.rows, cols=layout.cols, **strides)


def _form(name: str, size: int, operands: str, **fields: int) -> _Form:
    known = INSTRUCTIONS[OPCODE[name]].fields
    columns = [1 + known.index(x) for x in operands]
    apart = columns[-1] - columns[-2] if len(columns) > 1 else 1
    made = row(name, dict.fromkeys(("d", *operands), 0) | fields)
    return _Form(made, slice(min(columns), max(columns) + 1, apart), size < 2 * LEAST_ELEMENTS)


def _emit(code: Assembler, at: Placed) -> None:
    form = _form_of(at.op, at.shape, at.shapes)
    made = form.row.copy()
    made[_RESULT], made[form.operands] = at.d, at.places
    if form.is_small:
        code.put(made)
    else:
        kind = INSTRUCTIONS[made[OPERATION]]
        code.emit(kind.name, **dict(zip(kind.fields, made[1:], strict=False)))


def _legalise(builder: Builder, step: Step) -> int | None:
    """Broadcast operands explicitly until a loop exists for them."""
    allowed = patterns(OPS[step.op])
    args = list(step.args)
    while len(args) > 1:
        layout = layout_of(step.shape, builder.shapes(args))
        if layout is not None:
            if layout.pattern in allowed:
                return builder.add(step._replace(args=tuple(args))) if tuple(args) != step.args else None
            if layout.pattern[::-1] in allowed and OPS[step.op].commutative:
                return builder.add(step._replace(args=tuple(args[::-1])))
        small = next(k for k, i in enumerate(args) if builder.steps[i].shape != step.shape)
        args[small] = builder.op("broadcast_to", args[small], shape=step.shape)
    return None


def by_rows(step: Step, shapes: OperandShapes, has_rows: Sequence[bool], rows: int) -> Rows | None:
    """Classify an elementwise step for ``tile_rows``, see ``ByRows``."""
    broadcasts = all(keeps_rows(shape, step.shape, has) for shape, has in zip(shapes, has_rows, strict=True))
    return Rows.EACH if step.shape[:1] == (rows,) and broadcasts else None


def _fuse_product(builder: Builder, step: Step) -> int | None:
    """Fuse an addition with an elementwise product if a loop for it exists. c - 2·x becomes c + (-2)·x."""
    for product, added in (step.args[::-1], step.args):
        multiply = builder.steps[product]
        if builder.uses[product] != 1 or multiply.op != "multiply" or multiply.shape != step.shape:
            continue
        a, b = multiply.args
        if step.op == "subtract":
            value = builder.literal_at(a)
            if value is None or product != step.args[1]:
                continue
            a = builder.literal(-value)
        for operands in ((added, a, b), (added, b, a)):
            layout = layout_of(step.shape, builder.shapes(operands))
            if layout is not None and layout.pattern in OPS["multiply_add"].loops:
                return builder.add(Step("multiply_add", operands, (), step.shape))
    return None


_FUSE = {"add": (fuse_added, _fuse_product), "subtract": (_fuse_product,)}

for _op in OPS.values():
    if _op.value is not None:
        declare(Lowered(_op.name, _emit, fuse=_FUSE.get(_op.name, ()), legalise=_legalise, by_rows=by_rows))
