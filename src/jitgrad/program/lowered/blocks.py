"""Blocks of rows as one step: a body that is done with each block, by lanes that threads share."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from jitgrad.ops import Shape
from jitgrad.program.assembler import Assembler
from jitgrad.program.encode import encode_step
from jitgrad.program.expression import Expression
from jitgrad.program.lowered.table import Lowered, Placed, Shapes, declare
from jitgrad.program.memory import Memory

LANES = 8


class Body(NamedTuple):
    """What is done with a block.

    Attributes:
        expression: its inputs are the operands, see ``Blocks``, for a block of rows.
        offsets: the place of each step, from the start of the room of a lane.
        sums: the steps that are summed over the rows.
    """

    expression: Expression
    offsets: tuple[int, ...]
    sums: tuple[int, ...]


class Blocks(NamedTuple):
    """All blocks of a step.

    Attributes:
        rows: of the data.
        block: the rows of a block; the last one may have fewer.
        body, tail: what is done with a block, and with the last one.
        widths: for each operand the elements of a row, 0 for one without rows.
        room: elements that a lane works in.
    """

    rows: int
    block: int
    body: Body
    tail: Body | None
    widths: tuple[int, ...]
    room: int

    @property
    def number(self) -> int:
        """The number of blocks."""
        return -(-self.rows // self.block)


def _shape(shapes: Shapes, blocks: Blocks) -> Shape:
    steps = blocks.body.expression.steps
    return (blocks.number * sum(steps[k].size for k in blocks.body.sums),)


def _emit(code: Assembler, at: Placed, blocks: Blocks) -> None:
    """Lanes of as many blocks each, which threads share; then the blocks that are left.

    An instruction's place in another lane or block is as far on as in the next, so three of them say where all are.
    """
    here = functools.partial(_block, code, at, blocks)
    full = blocks.rows // blocks.block
    each = full // LANES
    first, second, aside = here(0, 0), here(0, 1), here(1, each)
    lane, block = np.arange(LANES).reshape(-1, 1, 1, 1), np.arange(each).reshape(1, -1, 1, 1)
    code.append("together", count=LANES, length=each * len(first))
    code.append_all(first + lane * (aside - first) + block * (second - first))
    for left in range(LANES * each, blocks.number):
        code.append_all(here(0, left))


def _block(code: Assembler, at: Placed, blocks: Blocks, lane: int, number: int) -> np.ndarray:
    """The instructions for one block, int64."""
    body = blocks.body if number < blocks.rows // blocks.block else blocks.tail
    assert body is not None
    steps, d = body.expression.steps, at.d
    offsets = [at.scratch.offset + lane * blocks.room + offset for offset in body.offsets]
    row = number * blocks.block
    for k, (place, width) in enumerate(zip(at.places, blocks.widths, strict=True)):
        offsets[k] = place + row * width
    for k in body.sums:
        offsets[k] = d + number * steps[k].size
        d += blocks.number * steps[k].size
    memory = Memory(offsets, {}, 0)
    inner = Assembler(code.dtype, code.table, whole=True)
    for i, one in enumerate(steps):
        if one.op == "reshape":
            offsets[i] = offsets[one.args[0]]
        encode_step(inner, body.expression, memory, i)
    return inner.code().astype(np.int64)


declare(Lowered("blocks", _emit, _shape, scratch=lambda step, shapes: LANES * step.attr("blocks").room))
