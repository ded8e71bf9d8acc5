"""Functions by their address: LAPACK's, and a user's own ops."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jitgrad.ops import OPS
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Step
from jitgrad.program.lowered.table import Lowered, Placed, Shapes, declare
from jitgrad.vm import addresses
from jitgrad.vm.late import load


def _call(code: Assembler, at: Placed, kernel: int, numbers: Sequence[int]) -> None:
    """In the table stand place and size of each operand, and then what numbers the function wants to know."""
    operands = [x for place, shape in zip(at.places, at.shapes, strict=True) for x in (place, math.prod(shape))]
    t = code.numbers([*operands, *numbers])
    code.emit("call", kernel=kernel, d=at.d, n=math.prod(at.shape), s=at.scratch, room=at.room, t=t, count=len(at.places))


def _linalg(code: Assembler, at: Placed) -> None:
    """LAPACK's functions know the size of the batch and those of a matrix."""
    *batch, _, n = at.shapes[0]
    columns = at.shape[-1:] if len(at.places) == 2 else ()
    address = addresses.note(addresses.linalg(at.op, code.dtype), load(at.op, code.dtype).address)
    _call(code, at, address, (math.prod(batch), n, *columns))


def _custom(code: Assembler, at: Placed) -> None:
    kernel = OPS[at.op].kernel
    assert kernel is not None
    address = kernel(code.dtype, len(at.shape), tuple(map(len, at.shapes)))
    _call(code, at, address, [n for shape in (at.shape, *at.shapes) for n in shape])


def _factored(step: Step, shapes: Shapes) -> int:
    """Room for a matrix and its pivots."""
    n = shapes[0][-1]
    return n * n + n


def _solved(step: Step, shapes: Shapes) -> int:
    return _factored(step, shapes) + math.prod(step.shape[-2:])


declare(Lowered("solve", _linalg, scratch=_solved))
declare(Lowered("determinant", _linalg, scratch=_factored))
declare(Lowered("cholesky", _linalg))
declare(Lowered("custom", _custom))
