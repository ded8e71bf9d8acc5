"""Functions by their address: LAPACK's, and a user's own ops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jitgrad.ops import OPS
from jitgrad.ops.table import each_shape, size_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Step
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare
from jitgrad.vm import addresses
from jitgrad.vm.late import load


def _call(code: Assembler, at: Placed, kernel: int, numbers: Sequence[int]) -> None:
    """In the table stand place and size of each operand, and then what numbers the function wants to know."""
    operands = [x for place, shape in zip(at.places, at.shapes, strict=True) for x in (place, math.prod(shape))]
    t, (s, room) = code.numbers([*operands, *numbers]), (at.scratch.offset, at.scratch.size)
    code.emit("call", kernel=kernel, d=at.d, n=size_of(at.shape), s=s, room=room, t=t, count=len(at.places))


def _linalg(code: Assembler, at: Placed, **attrs: Any) -> None:
    address = addresses.note(addresses.linalg(at.op, code.dtype), load(at.op, code.dtype).address)
    _call(code, at, address, addresses.LINALG[at.op].numbers(*at.shapes, **attrs))


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
declare(Lowered("custom", _custom, by_address=True))
