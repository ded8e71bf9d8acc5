"""The instruction of the region op ``integrate``, followed by the code of its bodies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jitgrad.ops import Shape
from jitgrad.ops.table import size_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.encode import encode_step
from jitgrad.program.expression import Expression, Step
from jitgrad.program.integrate import METHOD, OPERANDS, SETTINGS, START, TIMES, Integration
from jitgrad.program.loop import inputs_of
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare
from jitgrad.program.memory import ALIGNMENT, Memory, assign_memory, owners
from jitgrad.program.slots import Slot
from jitgrad.vm import addresses
from jitgrad.vm.integrate import layout
from jitgrad.vm.integrate.tableaux import METHODS, Tableau
from jitgrad.vm.late import load


def _shape(shapes: OperandShapes, integration: Integration) -> Shape:
    return integration.results(shapes)


def own_room(integration: Integration) -> int:
    """Return the number of elements of scratch memory of the kernel, at whose end those of the bodies begin."""
    n, n_implicit = integration.n_elements, integration.n_controlled_elements
    rooms = [layout.room(n, len(t.nodes), n_implicit if t.implicit else 0) for t in METHODS[integration.method]]
    room = max(rooms) + integration.n_event_numbers
    return room + -room % ALIGNMENT


def _place_of_events(integration: Integration) -> int:
    """Return the position of the numbers of the events in the scratch memory, at the end of the kernel's."""
    return own_room(integration) - integration.n_event_numbers


def memory_of(body: Expression) -> Memory:
    return assign_memory(body, {*inputs_of(body), *body.outputs})


def room_of(integration: Integration) -> int:
    """Return the number of elements of scratch memory of the kernel and the bodies."""
    return own_room(integration) + max(memory_of(body).size for body in integration.bodies)


def _scratch(step: Step, shapes: OperandShapes) -> int:
    return room_of(step.attrs[0][1])


def emit_integration(code: Assembler, at: Placed, integration: Integration) -> None:
    """Emit copies of what the kernel changes, the instruction, and the bodies."""
    s, n, own = at.scratch.offset, integration.n_elements, own_room(integration)
    copy_start(code, at, integration)
    constants = at.places[OPERANDS + integration.n_states :]
    inputs = places_of_inputs(integration, s)
    body = code_of(code, integration.body, inputs, layout.place(layout.DERIVATIVE, n) + s, constants, s + own)
    jacobian = jacobian_of(code, integration, integration.jacobian, inputs, constants, s, s + own)
    events = Assembler(code.dtype, code.table, whole=code.whole)
    if integration.events is not None:
        events = code_of(code, integration.events, inputs, _place_of_events(integration) + s, constants, s + own)
    address = load("integrate", code.dtype).address
    code.append(
        "integrate",
        kernel=addresses.note(addresses.integrator("integrate", code.dtype), address),
        d=at.d, n=size_of(at.shape), times=at.places[TIMES], count=at.shapes[TIMES][0], tableau=at.places[METHOD],
        numbers=at.shapes[METHOD][0], s=s, room=at.scratch.size, length=body.stop, jacobian=jacobian.stop,
        events=events.stop,
        t=code.numbers(sizes_of(integration, at.shapes[TIMES][0])),
    )  # fmt: skip
    code.append_all(body.code())
    code.append_all(jacobian.code())
    code.append_all(events.code())


def jacobian_of(
    code: Assembler, integration: Integration, body: Expression | None, inputs: Sequence[int], constants: Sequence[int], s: int,
    scratch: int,
) -> Assembler:  # fmt: skip
    """Return the instructions of the Jacobian, none if there is none."""
    if body is None:
        return Assembler(code.dtype, code.table, whole=code.whole)
    place = layout.place_of_matrix(integration.n_elements, len(METHODS[integration.method][-1].nodes)) + s
    return code_of(code, body, inputs, place, constants, scratch)


def copy_start(code: Assembler, at: Placed, integration: Integration) -> None:
    """Emit copies of the settings, the start and the initial states to scratch memory, where the kernel changes them."""
    s = at.scratch.offset
    code.emit("copy", d=s + layout.RTOL, a=at.places[SETTINGS], n=math.prod(at.shapes[SETTINGS]))
    code.emit("copy", d=s + layout.NOW, a=at.places[START], n=1)
    copy_all(code, s + layout.place(layout.STATE, integration.n_elements), at.places[OPERANDS:], integration.states)


def copy_all(code: Assembler, d: int, places: Sequence[int], shapes: OperandShapes) -> None:
    """Emit copies of operands to adjacent places."""
    for a, shape in zip(places, shapes, strict=False):
        if math.prod(shape):
            code.emit("copy", d=d, a=a, n=math.prod(shape))
        d += math.prod(shape)


def sizes_of(integration: Integration, count: int, reverse: tuple[int, int, int] = (0, 0, 0)) -> list[int]:
    """Return the sizes in the table for all tableaux of the method, in the order of ``layout``.

    Those of reverse mode, ``reverse``, are the position of its memory, and the numbers of constants and of checkpoints.
    """
    return [size for tableau in METHODS[integration.method] for size in _sizes(integration, tableau, count, reverse)]


def _sizes(integration: Integration, tableau: Tableau, count: int, reverse: tuple[int, int, int]) -> list[int]:
    n, detection = integration.n_elements, integration.detection
    sizes = {
        layout.SIZE: n,
        layout.CONTROLLED: integration.n_controlled_elements,
        layout.STRIDE: layout.stride(n),
        layout.COUNT: count,
        layout.STAGES: tableau.n_stages,
        layout.EXTRA: tableau.extra,
        layout.DEGREE: tableau.degree,
        layout.ESTIMATES: len(tableau.estimates),
        layout.N_STATES: integration.n_states,
        layout.N_CONTROLLED: integration.n_controlled,
        layout.N_EVENTS: len(detection.directions),
        layout.MOST_EVENTS: detection.most_events,
        layout.EVENTS_PLACE: _place_of_events(integration),
        layout.RECORDED: detection.recorded,
        layout.KIND: _kind(METHODS[integration.method]),
    }
    sizes |= zip((layout.REVERSE_PLACE, layout.N_CONSTANTS, layout.MOST_CHECKPOINTS), reverse, strict=True)
    states = [math.prod(shape) for shape in integration.states]
    return [sizes[k] for k in range(layout.WORDS)] + states + [*detection.directions, *detection.terminal]


def _kind(tableaux: Sequence[Tableau]) -> int:
    """Return the kind of a method."""
    if len(tableaux) == 2:
        return layout.SWITCHING_KIND
    return layout.IMPLICIT_KIND if tableaux[0].implicit else layout.EXPLICIT_KIND


def places_of_inputs(integration: Integration, s: int) -> list[int]:
    """Return the places of the inputs of the bodies that the kernel writes: the time and the states."""
    places, place = [s + layout.TIME], s + layout.place(layout.ARGUMENT, integration.n_elements)
    for shape in integration.states:
        places.append(place)
        place += math.prod(shape)
    return places


def code_of(
    code: Assembler, body: Expression, inputs: Sequence[int], results: int, constants: Sequence[int], scratch: int
) -> Assembler:
    """Return the instructions of a body, whose results are placed one after another."""
    own, owner = memory_of(body), owners(body)
    outside = dict(zip(inputs_of(body), [*inputs, *constants], strict=True))
    for i in body.outputs:
        outside[i] = results
        results += body.steps[i].size
    places = [outside.get(i, scratch) + place for i, place in zip(owner, own.places, strict=True)]
    slots = {i: Slot(scratch + slot.offset, slot.shape) for i, slot in own.scratch.items()}
    made = Assembler(code.dtype, code.table, whole=code.whole)
    for i in range(len(body.steps)):
        encode_step(made, body, Memory(places, slots, 0), i)
    return made


declare(Lowered("integrate", emit_integration, _shape, scratch=_scratch))
