"""Instructions of the region op ``loop``: the code of its body, and the fields that change from trip to trip."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from jitgrad.ops import Shape
from jitgrad.ops.table import starts_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.encode import encode_step, encode_update
from jitgrad.program.expression import Expression, Step, Update
from jitgrad.program.loop import Loop, inputs_of, loop_of
from jitgrad.program.lowering_rules.carries import in_place
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare
from jitgrad.program.memory import ALIGNMENT, Memory, assign_memory, owners
from jitgrad.program.slots import Slot


def _shape(shapes: OperandShapes, loop: Loop) -> Shape:
    loop.check(shapes)
    return loop.results


@functools.lru_cache(maxsize=8)
def _own_memory(body: Expression, n_carries: int) -> Memory:
    """Assign the memory of a lane to the steps of a body. Inputs, stacked values and some carries are elsewhere."""
    memory = assign_memory(body, {*inputs_of(body), *body.outputs[n_carries:], *in_place(body, n_carries)})
    return memory._replace(size=memory.size + -memory.size % ALIGNMENT)


def _scratch(step: Step, shapes: OperandShapes) -> int:
    """Return the scratch memory of all lanes and of the tail."""
    loop = loop_of(step)
    sizes = [_own_memory(body, loop.n_carries).size for body in loop.bodies]
    return max(1, loop.lanes) * sizes[0] + sum(sizes[1:])


def _emit(code: Assembler, at: Placed, loop: Loop) -> None:
    """Emit the body for the first trip of the first lane, and its differences in the second trip and in another lane."""
    starts = [at.d + start for start in starts_of(at.shape)]
    for place, operand, shape in zip(starts[: loop.n_carries], at.places, at.shapes, strict=False):
        if math.prod(shape):
            code.emit("copy", d=place, a=operand, n=math.prod(shape))
    if loop.trips == 0:
        return
    body, *tails = [_Body(code, at, loop, body) for body in loop.bodies]
    first, size, lanes = at.scratch.offset, body.own.size, 0 if code.whole else loop.lanes
    rows = body.rows(0, first)
    by_lane = body.rows(0, first + size) - rows if lanes else 0 * rows
    tail = tails[0].rows(loop.trips, first + max(1, lanes) * size) if tails else None
    code.loop(loop.trips, rows, body.by_trip(rows, first), by_lane, lanes, tail)


class _Body:
    """Emits a body for any trip and any scratch memory."""

    def __init__(self, code: Assembler, at: Placed, loop: Loop, body: Expression) -> None:
        self._code, self._loop, self._body = code, loop, body
        self.own, self._owners = _own_memory(body, loop.n_carries), owners(body)
        starts, n, moving = [at.d + start for start in starts_of(at.shape)], loop.n_carries, loop.n_carries + loop.n_moving
        slices = [loop.body.steps[i].size for i in inputs_of(loop.body)]
        places = [*starts[:n], *at.places[n:]]
        strides = [size if n <= number < moving else 0 for number, size in enumerate(slices)]
        self._outside = list(zip(inputs_of(body), places, strides, strict=True))
        stacks = [loop.body.steps[i].size for i in loop.stacked]
        self._outside += zip(body.outputs[n:], starts[n:], stacks, strict=True)
        self._outside += [(i, starts[k], 0) for i, k in in_place(body, n).items()]
        self._carries = list(zip(starts[:n], body.outputs, strict=False))
        self._ends: list[int] = []  # end of the rows of each part

    def _parts(self) -> Iterator[tuple[Iterable[int], Callable[[Assembler, Memory], None]]]:
        """Return the parts of the body in order: the steps that each touches, and the function that emits it."""
        body = self._body
        for i, step in enumerate(body.steps):
            yield (i, *step.args), functools.partial(_do_step, body, i)
        for update in body.updates:
            yield update.targets + update.args, functools.partial(_do_update, body, update)
        for place, i in self._carries:
            yield (i,), functools.partial(_keep, place, i, body.steps[i].size)

    def _assembler(self) -> Assembler:
        return Assembler(self._code.dtype, self._code.table, whole=self._code.whole or self._loop.parallel)

    def rows(self, trip: int, scratch: int) -> np.ndarray:
        """Return the instructions of a trip with scratch memory at ``scratch``, as int64."""
        memory, code = self._memory(trip, scratch), self._assembler()
        self._ends = []
        for _, emit in self._parts():
            emit(code, memory)
            self._ends.append(code.stop)
        return code.code().astype(np.int64)

    def by_trip(self, rows: np.ndarray, scratch: int) -> np.ndarray:
        """Return the increments of the instructions from trip to trip; ``rows`` are the instructions of the first trip."""
        if self._loop.trips == 1:  # the places of a second trip could be those of something else
            return np.zeros_like(rows)
        moving = {i for i, _, stride in self._outside if stride}
        memory, added, start = self._memory(1, scratch), np.zeros_like(rows), 0
        for (touched, emit), end in zip(self._parts(), self._ends, strict=True):
            if any(self._owners[i] in moving for i in touched):
                code = self._assembler()
                emit(code, memory)
                added[start:end] = code.code().astype(np.int64) - rows[start:end]
            start = end
        return added

    def _memory(self, trip: int, scratch: int) -> Memory:
        """Return the memory layout of a trip."""
        number = self._loop.trips - 1 - trip if self._loop.reverse else trip
        outside = {i: place + number * stride for i, place, stride in self._outside}
        places = [outside.get(i, scratch) + place for i, place in zip(self._owners, self.own.places, strict=True)]
        own = {i: Slot(scratch + slot.offset, slot.shape) for i, slot in self.own.scratch.items()}
        return Memory(places, own, 0)


def _do_step(body: Expression, i: int, code: Assembler, memory: Memory) -> None:
    encode_step(code, body, memory, i)


def _do_update(body: Expression, update: Update, code: Assembler, memory: Memory) -> None:
    encode_update(code, body, memory, update)


def _keep(place: int, i: int, size: int, code: Assembler, memory: Memory) -> None:
    """Emit the copy of a carry to the place where the next trip reads it."""
    if memory.places[i] != place and size:
        code.emit("copy", d=place, a=memory.places[i], n=size)


declare(Lowered("loop", _emit, _shape, scratch=_scratch))
