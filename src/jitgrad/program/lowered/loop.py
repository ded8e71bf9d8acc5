"""The region ``loop`` as instructions: its body once, and what in it moves from trip to trip."""

from __future__ import annotations

import functools

import numpy as np

from jitgrad.ops import Shape
from jitgrad.ops.table import starts_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.encode import encode_step, encode_update
from jitgrad.program.expression import Expression, Step
from jitgrad.program.loop import Loop, inputs_of, loop_of
from jitgrad.program.lowered.table import Lowered, OperandShapes, Placed, declare
from jitgrad.program.memory import ALIGNMENT, Memory, assign_memory, owners
from jitgrad.program.slots import Slot


def _shape(shapes: OperandShapes, loop: Loop) -> Shape:
    loop.check(shapes)
    return loop.results


def _own_memory(body: Expression, n_carries: int) -> Memory:
    """Where the steps of a body stand in the memory of a lane; inputs and what is stacked stand elsewhere."""
    memory = assign_memory(body, {*inputs_of(body), *body.outputs[n_carries:]})
    return memory._replace(size=memory.size + -memory.size % ALIGNMENT)


def _scratch(step: Step, shapes: OperandShapes) -> int:
    """The memory of all lanes, and of the tail."""
    loop = loop_of(step)
    sizes = [_own_memory(body, loop.n_carries).size for body in loop.bodies]
    return max(1, loop.lanes) * sizes[0] + sum(sizes[1:])


def _emit(code: Assembler, at: Placed, loop: Loop) -> None:
    """The body as it is in the first trip of the first lane, and how it differs in the second trip, and in another lane."""
    starts = [at.d + start for start in starts_of(at.shape)]
    for number, shape in enumerate(at.shapes[: loop.n_carries]):
        code.emit("copy", d=starts[number], a=at.places[number], n=int(np.prod(shape, dtype=int)))
    if loop.trips == 0:
        return
    size, place = _own_memory(loop.body, loop.n_carries).size, at.scratch.offset
    rows = functools.partial(_rows, code, at, loop)
    body = rows(loop.body, 0, place)
    by_trip = rows(loop.body, 1, place) - body
    by_lane = rows(loop.body, 0, place + size) - body if loop.lanes else 0 * body
    tail = None if loop.tail is None else rows(loop.tail, loop.trips, place + max(1, loop.lanes) * size)
    code.loop(loop.trips, body, by_trip, by_lane, 0 if code.whole else loop.lanes, tail)


def _rows(code: Assembler, at: Placed, loop: Loop, body: Expression, trip: int, scratch: int) -> np.ndarray:
    """The instructions of a trip that works in ``scratch``, int64."""
    memory = _memory(at, loop, body, trip, scratch)
    inner = Assembler(code.dtype, code.table, whole=code.whole or loop.parallel)
    for i in range(len(body.steps)):
        encode_step(inner, body, memory, i)
    for update in body.updates:
        encode_update(inner, body, memory, update)
    for d, i in zip(_carries(at, loop), body.outputs, strict=False):
        if memory.places[i] != d and body.steps[i].size:
            inner.emit("copy", d=d, a=memory.places[i], n=body.steps[i].size)
    return inner.code().astype(np.int64)


def _carries(at: Placed, loop: Loop) -> list[int]:
    """The places of the carries: those of the results."""
    return [at.d + start for start in starts_of(at.shape)[: loop.n_carries]]


def _memory(at: Placed, loop: Loop, body: Expression, trip: int, scratch: int) -> Memory:
    """Where the steps of a body stand in a trip."""
    number_of_slice = loop.trips - 1 - trip if loop.reverse else trip
    inputs, carries = inputs_of(body), _carries(at, loop)
    n, moving = loop.n_carries, loop.n_carries + loop.n_moving
    slices = [loop.body.steps[i].size * number_of_slice for i in inputs_of(loop.body)]
    places = [*carries, *(p + s for p, s in zip(at.places[n:moving], slices[n:moving], strict=True)), *at.places[moving:]]
    outside = dict(zip(inputs, places, strict=True))
    for start, i, of_slice in zip(starts_of(at.shape)[n:], body.outputs[n:], loop.stacked, strict=True):
        outside[i] = at.d + start + loop.body.steps[of_slice].size * number_of_slice
    own = _own_memory(body, n)
    stand = [outside.get(k, scratch) + place for k, place in zip(owners(body), own.places, strict=True)]
    return Memory(stand, {i: Slot(scratch + slot.offset, slot.shape) for i, slot in own.scratch.items()}, 0)


declare(Lowered("loop", _emit, _shape, scratch=_scratch))
