"""The instruction of the region op ``adjoint``: an ``integrate`` with another kernel, and ``pull`` in place of events."""

from __future__ import annotations

import math

from jitgrad.ops import Shape
from jitgrad.ops.table import size_of
from jitgrad.program.adjoint import Adjoint
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Step
from jitgrad.program.integrate import METHOD, OPERANDS, TIMES
from jitgrad.program.lowering_rules.integrate import (
    code_of,
    copy_all,
    copy_start,
    jacobian_of,
    memory_of,
    own_room,
    places_of_inputs,
    sizes_of,
)  # fmt: skip
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare
from jitgrad.vm import addresses
from jitgrad.vm.integrate import layout
from jitgrad.vm.late import load


def _shape(shapes: OperandShapes, region: Adjoint) -> Shape:
    return region.results(shapes)


def _room(region: Adjoint, count: int) -> int:
    """Return the number of elements of scratch memory of the kernel."""
    n = region.integration.n_elements
    return own_room(region.integration) + layout.reverse_room(n, count, region.n_constants, region.most_checkpoints)


def _scratch(step: Step, shapes: OperandShapes) -> int:
    region: Adjoint = step.attrs[0][1]
    return _room(region, shapes[TIMES][0]) + max(memory_of(body).size for body in region.bodies)


def _emit(code: Assembler, at: Placed, region: Adjoint) -> None:
    """Emit copies of what the kernel changes, the instruction, and the bodies."""
    integration, s, count = region.integration, at.scratch.offset, at.shapes[TIMES][0]
    n, states, own = integration.n_elements, integration.n_states, s + _room(region, count)
    stride, reverse = layout.stride(n), s + own_room(integration)
    given = reverse + layout.REVERSE_VECTORS * stride
    copy_start(code, at, integration)
    copy_all(code, given, at.places[OPERANDS + states :], at.shapes[OPERANDS + states :][:states])
    weights, place = list[int](), reverse + layout.WEIGHT * stride
    for shape in integration.states:
        weights.append(place)
        place += math.prod(shape)
    inputs = [*places_of_inputs(integration, s), *weights]
    constants = at.places[OPERANDS + 2 * states :]
    body = code_of(code, region.body, inputs, s + layout.place(layout.DERIVATIVE, n), constants, own)
    pull = code_of(code, region.pull, inputs, given + count * n, constants, own)
    jacobian = jacobian_of(code, integration, region.jacobian, inputs, constants, s, own)
    address = load("adjoint", code.dtype).address
    code.append(
        "integrate",
        kernel=addresses.note(addresses.integrator("adjoint", code.dtype), address),
        d=at.d, n=size_of(at.shape), times=at.places[TIMES], count=count, tableau=at.places[METHOD],
        numbers=at.shapes[METHOD][0], s=s, room=at.scratch.size, length=body.stop, jacobian=jacobian.stop,
        events=pull.stop,
        t=code.numbers(sizes_of(integration, count, (own_room(integration), region.n_constants, region.most_checkpoints))),
    )  # fmt: skip
    code.append_all(body.code())
    code.append_all(jacobian.code())
    code.append_all(pull.code())


declare(Lowered("adjoint", _emit, _shape, scratch=_scratch))
