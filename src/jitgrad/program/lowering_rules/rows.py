"""The instruction of the region op ``integrate_rows``, followed by the code of its bodies: for all lanes, and for one row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.ops import Shape
from jitgrad.ops.table import size_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Step
from jitgrad.program.integrate import METHOD, OPERANDS, SETTINGS, TIMES, Integration
from jitgrad.program.lowering_rules.integrate import code_of, emit_integration, memory_of, room_of, sizes_of
from jitgrad.program.lowering_rules.table import Lowered, OperandShapes, Placed, declare
from jitgrad.program.memory import ALIGNMENT
from jitgrad.program.rows import Rows, rows_of
from jitgrad.program.slots import Slot
from jitgrad.vm import addresses
from jitgrad.vm.integrate import layout
from jitgrad.vm.integrate.tableaux import METHODS
from jitgrad.vm.late import load


def _shape(shapes: OperandShapes, rows: Rows) -> Shape:
    return rows.results(shapes)


class _Places(NamedTuple):
    """Positions in the scratch memory, see ``vm/integrate/layout.py``.

    Attributes
    ----------
    headers, values, vectors, constants, weights : int
        Memory of the lanes, and weights of the continuous extension.
    records : int
        The initial time, the states and the constants of each row.
    record, times, results : int
        The same of the row that is integrated by itself, its times, and its results.
    bodies : int
        Memory of the bodies, and of the integration of one row.
    """

    headers: int
    values: int
    vectors: int
    constants: int
    weights: int
    records: int
    record: int
    times: int
    results: int
    bodies: int


def _record(rows: Rows, row: Sequence[Shape]) -> list[tuple[int, int]]:
    """Return the operands of the record of a row, each with its size."""
    return [(k, math.prod(row[k])) for k in rows.moving if k != TIMES]


def _switches(integration: Integration) -> bool:
    """Return whether a row may have to be integrated by itself."""
    return len(METHODS[integration.method]) > 1


def _places(rows: Rows, row: Sequence[Shape]) -> _Places:
    integration, lanes = rows.integration, layout.LANES
    n, width = integration.n_elements, sum(size for _, size in _record(rows, row))
    sizes = {
        "shared": layout.place(layout.ARGUMENT, n),
        "headers": lanes * layout.HEADER,
        "values": lanes * layout.LANE_VALUES,
        "vectors": lanes * n * (layout.STAGE - layout.ARGUMENT + len(METHODS[integration.method][0].nodes)),
        "constants": lanes * (width - 1 - n),
        "weights": layout.MOST_STAGES,
        "records": rows.rows * width,
    }
    by_itself = {"record": width, "times": row[TIMES][0], "results": size_of(integration.results(row))}
    sizes |= by_itself if _switches(integration) else dict.fromkeys(by_itself, 0)
    starts, place = {}, 0
    for name, size in sizes.items():
        starts[name] = place
        place += size + -size % ALIGNMENT
    del starts["shared"]
    return _Places(**starts, bodies=place)


def _scratch(step: Step, shapes: OperandShapes) -> int:
    rows = rows_of(step)
    places = _places(rows, rows.row(shapes))
    own = room_of(rows.integration) if _switches(rows.integration) else 0
    return places.bodies + max(own, memory_of(rows.body).size)


def _emit(code: Assembler, at: Placed, rows: Rows) -> None:
    """Emit copies of the settings and of the records, the instruction, and the bodies."""
    s, integration, lanes, row = at.scratch.offset, rows.integration, layout.LANES, rows.row(at.shapes)
    n, count, places = integration.n_elements, row[TIMES][0], _places(rows, row)
    code.emit("copy", d=s + layout.RTOL, a=at.places[SETTINGS], n=math.prod(row[SETTINGS]))
    record = _record(rows, row)
    width, column, constants = sum(size for _, size in record), 0, list(at.places[OPERANDS + integration.n_states :])
    alone = list(at.places)  # the operands of a row that is integrated by itself
    for k, size in record:
        if size:
            code.view("copy_into", s + places.records + column, at.places[k], (rows.rows, size), (width, 1))
        alone[k] = s + places.record + column
        if k >= OPERANDS + integration.n_states:
            constants[k - OPERANDS - integration.n_states] = s + places.constants + lanes * (column - 1 - n)
        column += size
    if TIMES in rows.moving:
        alone[TIMES] = s + places.times
    vectors = s + places.vectors
    inputs, to = [s + places.values + lanes * layout.LANE_TIME], vectors
    for shape in integration.states:
        inputs.append(to)
        to += lanes * math.prod(shape)
    slopes = vectors + lanes * n * (layout.DERIVATIVE - layout.ARGUMENT)
    body = code_of(code, rows.body, inputs, slopes, constants, s + places.bodies)
    single = Assembler(code.dtype, code.table, whole=code.whole)
    if _switches(integration):
        scratch = Slot(s + places.bodies, (room_of(integration),))
        one = Placed("integrate", integration.results(row), s + places.results, row, tuple(alone), scratch)
        emit_integration(single, one, integration)
    sizes = sizes_of(integration, count)[: layout.WORDS + integration.n_states]  # of the explicit method
    sizes += [rows.rows, width, count if TIMES in rows.moving else 0, *places[:-1]]
    address = load("integrate_rows", code.dtype).address
    code.append(
        "integrate",
        kernel=addresses.note(addresses.integrator("integrate_rows", code.dtype), address),
        d=at.d, n=size_of(at.shape), times=at.places[TIMES], count=math.prod(at.shapes[TIMES]), tableau=at.places[METHOD],
        numbers=at.shapes[METHOD][0], s=s, room=at.scratch.size, length=body.stop, jacobian=single.stop, events=0,
        t=code.numbers(sizes),
    )  # fmt: skip
    code.append_all(body.code())
    code.append_all(single.code())


declare(Lowered("integrate_rows", _emit, _shape, scratch=_scratch))
