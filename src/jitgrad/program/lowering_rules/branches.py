"""Instructions of the region ops ``while`` and ``cond``: the code of their bodies, and jumps."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence

from jitgrad.ops import Shape
from jitgrad.ops.table import starts_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.branches import Branches, While, branches_of
from jitgrad.program.encode import encode_step
from jitgrad.program.expression import Expression, Step
from jitgrad.program.loop import inputs_of
from jitgrad.program.lowering_rules.carries import in_place
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare
from jitgrad.program.memory import ALIGNMENT, Memory, assign_memory, owners
from jitgrad.program.slots import Slot


def _shape(shapes: OperandShapes, region: While | Branches) -> Shape:
    region.check(shapes)
    return region.results


@functools.lru_cache(maxsize=16)
def _own_memory(body: Expression, outside: frozenset[int]) -> Memory:
    """Assign memory to the steps of a body. Inputs, and the steps that are ``outside``, are stored elsewhere."""
    memory = assign_memory(body, {*inputs_of(body), *outside})
    return memory._replace(size=memory.size + -memory.size % ALIGNMENT)


def _scratch(step: Step, shapes: OperandShapes) -> int:
    """Return the scratch memory of the larger body; only one of them runs at a time."""
    region = branches_of(step)
    if isinstance(region, Branches):
        return max(_own_memory(body, frozenset(body.outputs)).size for body in region.bodies)
    inside = frozenset(in_place(region.body, region.n_carries))
    return max(_own_memory(region.test, frozenset()).size, _own_memory(region.body, inside).size)


def _emit_while(code: Assembler, at: Placed, region: While) -> None:
    """Emit the copies of the carries to the places of the results, the test, a branch, the body and the jump to the test."""
    carries = [at.d + start for start in starts_of(at.shape)]
    for place, operand, shape in zip(carries, at.places, at.shapes, strict=False):
        if math.prod(shape):
            code.emit("copy", d=place, a=operand, n=math.prod(shape))
    inputs = [*carries, *at.places[region.n_carries :]]
    kept = {i: carries[k] for i, k in in_place(region.body, region.n_carries).items()}
    test, tested = _emitted(code, region.test, inputs, {}, at.scratch.offset)
    body, made = _emitted(code, region.body, inputs, kept, at.scratch.offset)
    for place, source, i in zip(carries, made, region.body.outputs, strict=True):
        size = region.body.steps[i].size
        if source != place and size:
            body.emit("copy", d=place, a=source, n=size)
    code.append_all(test.code())
    code.append("branch", p=tested[0], length=body.stop + 1)
    code.append_all(body.code())
    code.append("back", length=test.stop + 1 + body.stop + 1)


def _emit_cond(code: Assembler, at: Placed, region: Branches) -> None:
    """Emit a branch, the body if the predicate is true, a jump over the other body, and this body."""
    outputs = [at.d + start for start in starts_of(at.shape)]
    true, false = (
        _emitted(code, body, at.places[1:], dict(zip(body.outputs, outputs, strict=True)), at.scratch.offset)[0]
        for body in region.bodies
    )
    code.append("branch", p=at.places[0], length=true.stop + 1)
    code.append_all(true.code())
    code.append("jump", length=false.stop)
    code.append_all(false.code())


def _emitted(
    code: Assembler, body: Expression, inputs: Sequence[int], kept: Mapping[int, int], scratch: int
) -> tuple[Assembler, list[int]]:
    """Return the instructions of a body, with its inputs, and the steps that are ``kept``, at these places; and its results."""
    own, owner = _own_memory(body, frozenset(kept)), owners(body)
    outside = dict(zip(inputs_of(body), inputs, strict=True)) | dict(kept)
    places = [outside.get(i, scratch) + place for i, place in zip(owner, own.places, strict=True)]
    slots = {i: Slot(scratch + slot.offset, slot.shape) for i, slot in own.scratch.items()}
    inner = Assembler(code.dtype, code.table, whole=code.whole)
    for i in range(len(body.steps)):
        encode_step(inner, body, Memory(places, slots, 0), i)
    return inner, [places[i] for i in body.outputs]


declare(Lowered("while", _emit_while, _shape, scratch=_scratch))
declare(Lowered("cond", _emit_cond, _shape, scratch=_scratch))
