"""Functions called by address: LAPACK, special functions, and user-defined ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jitgrad.ops import OPS
from jitgrad.ops.table import each_shape, size_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Builder, Step
from jitgrad.program.lowering_rules.elementwise import by_rows as elementwise_by_rows
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare
from jitgrad.vm import addresses
from jitgrad.vm.late import load


def _call(code: Assembler, at: Placed, kernel: int, numbers: Sequence[int]) -> None:
    """Emit a call. The table has the place and size of each operand, followed by the numbers that the function reads."""
    operands = [x for place, shape in zip(at.places, at.shapes, strict=True) for x in (place, math.prod(shape))]
    t, (s, room) = code.numbers([*operands, *numbers]), (at.scratch.offset, at.scratch.size)
    code.emit("call", kernel=kernel, d=at.d, n=size_of(at.shape), s=s, room=room, t=t, count=len(at.places))


def _linalg(code: Assembler, at: Placed, **attrs: Any) -> None:
    address = addresses.note(addresses.linalg(at.op, code.dtype), load(at.op, code.dtype).address)
    _call(code, at, address, addresses.LINALG[at.op].numbers(*at.shapes, **attrs))


def _special(code: Assembler, at: Placed) -> None:
    function, number = addresses.SPECIAL[at.op]
    address = addresses.note(addresses.special(at.op, code.dtype), load(function, code.dtype).address)
    _call(code, at, address, [size_of(at.shape), number])


def _spelt_out(builder: Builder, step: Step) -> int | None:
    """Broadcast all operands to the shape of the result."""
    if all(shape == step.shape for shape in builder.shapes(step.args)):
        return None
    args = [i if builder.steps[i].shape == step.shape else builder.op("broadcast_to", i, shape=step.shape) for i in step.args]
    return builder.add(step._replace(args=tuple(args)))


def _custom(code: Assembler, at: Placed) -> None:
    kernel = OPS[at.op].kernel
    assert kernel is not None
    results = each_shape(at.shape)
    address = kernel(code.dtype, tuple(map(len, results)), tuple(map(len, at.shapes)))
    _call(code, at, address, [size_of(at.shape), *[n for shape in (*results, *at.shapes) for n in shape]])


def _room(step: Step, shapes: OperandShapes) -> int:
    return addresses.LINALG[step.op].room(*shapes, **dict(step.attrs))


for _name in addresses.LINALG:
    declare(Lowered(_name, _linalg, by_address=True, scratch=_room))
for _name in addresses.SPECIAL:
    declare(Lowered(_name, _special, by_address=True, legalise=_spelt_out, by_rows=elementwise_by_rows))
declare(Lowered("custom", _custom, by_address=True))
