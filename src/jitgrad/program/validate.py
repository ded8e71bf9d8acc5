"""The checks of a Program: all that the interpreter trusts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from jitgrad.errors import ProgramError, listed
from jitgrad.program.loop_extents import Fields, Range, check_limits, ranges_of, swept
from jitgrad.program.slots import STEPS, UPDATE, Slot
from jitgrad.vm.instructions import WIDTH, Extent, Instruction

if TYPE_CHECKING:
    from jitgrad.program.program import Program

# Of an array of NumPy's.
_MOST_AXES, _LARGEST = 64, 2**59


def validate(program: Program) -> None:
    """Check all that the interpreter trusts.

    Every number is within its instruction's limits and every place within the arena, every operand was given or written
    before it is read, the entries are in order, and only the entries "update" and "steps" write state. Raises ProgramError.
    """
    _check_form(program)
    loops = ranges_of(program)
    known, given = _nothing_known(program), _nothing_known(program)  # no copy, that would touch all of a large arena
    for what, slot in [("input", s) for s in program.inputs] + [("literal", Slot(o, ())) for o, _ in program.literals]:
        _check_slot(program, what, slot)
        known[slot.offset : slot.offset + slot.size] = given[slot.offset : slot.offset + slot.size] = True
    for i in range(program.stop):
        kind, fields = program.instruction(i)
        for _, ends in swept(i, fields, loops):
            _check_instruction(program, i, kind, ends, known, given)
    for loop in loops:
        if loop.lanes:
            _check_lanes(program, loop, [inner for inner in loops if inner.first >= loop.first])
    for slot in program.outputs:
        _check_slot(program, "output", slot)
        if not known[slot.offset : slot.offset + slot.size].all():
            raise ProgramError(f"The output {slot} is never written. Lower the expression again.")


def _check_form(program: Program) -> None:
    for what, numbers, shape in (
        ("code", program.code, (program.stop, WIDTH)),
        ("table", program.table, (len(program.table),)),
    ):
        if numbers.dtype != np.uint64 or numbers.shape != shape or not numbers.flags.c_contiguous:
            raise ProgramError(f"The {what} of the Program is not a contiguous array of uint64. Lower the expression again.")
    bounds = [0, *(entry.stop for entry in program.entries)]
    names = [entry.name for entry in program.entries]
    in_order = bounds == sorted(bounds) and bounds[:-1] == [entry.start for entry in program.entries]
    if not in_order or bounds[-1] != program.stop or len(set(names)) < len(names) or UPDATE in names[:-1]:
        raise ProgramError(f"The entries {listed(names)} of the Program are out of order. Lower the expression again.")
    if any(i not in range(len(program.inputs)) for i in program.state):
        raise ProgramError(f"The state {program.state} is not among {len(program.inputs)} inputs. Lower the expression again.")


def _nothing_known(program: Program) -> np.ndarray:
    try:
        return np.zeros(program.size, bool)
    except (MemoryError, OverflowError, ValueError):
        raise ProgramError(f"An arena of {program.size} elements does not fit in memory. Use fewer rows at once.") from None


def _check_instruction(
    program: Program, i: int, kind: Instruction, ends: Sequence[Fields], known: np.ndarray, given: np.ndarray
) -> None:
    """Check an instruction in all trips of the loops around it, from its lowest places to its highest, the ``ends``."""
    where = f"Instruction {i} ({kind.name})"
    check_limits(program, kind, ends[0], where)
    reads = [kind.reads(fields, program.table) for fields in ends]
    writes = [kind.writes(fields, program.table) for fields in ends]
    for offset, count in _hull(reads):
        _check_bounds(program, where, offset, count)
        if not known[offset : offset + count].all():
            raise ProgramError(f"{where} reads [{offset}:{offset + count}] before it is written. Lower it again.")
    entry = program.entry_of(i)
    updates = entry == UPDATE
    if writes[0] and writes[0][0][1] == 0:
        raise ProgramError(f"{where} writes nothing. Lower the expression again.")
    for offset, count in _hull(writes):
        _check_bounds(program, where, offset, count)
        changes = updates or (entry == STEPS and offset + count <= program.state_size)
        if updates and offset + count > program.state_size:
            raise ProgramError(f"{where} updates what is no state. Lower the expression again.")
        if not changes and given[offset : offset + count].any():
            raise ProgramError(f"{where} writes over an input or a literal. Only updates may. Lower it again.")
        if not changes and any(map(_overlap, writes, reads)):
            raise ProgramError(f"{where} writes over its own operand. Lower the expression again.")
        known[offset : offset + count] = True


def _hull(extents: Sequence[list[Extent]]) -> list[Extent]:
    """From the lowest extents to the highest."""
    if len(extents) == 1:
        return extents[0]
    return [(a, b + count - a if count else 0) for (a, count), (b, _) in zip(*extents, strict=True)]


def _overlap(writes: list[Extent], reads: list[Extent]) -> bool:
    return any(o < offset + count and offset < o + n for offset, count in writes for o, n in reads if n and count)


def _check_lanes(program: Program, loop: Range, loops: list[Range]) -> None:
    """What threads may share, the lanes of a loop and its tail, writes nothing that another of them reads or writes.

    In a trip of the loops around it: ``loops`` are this one and those after it.
    """
    touched: list[tuple[int, int, int, bool]] = []
    for i in range(loop.first, loop.end):
        kind, fields = program.instruction(i)
        for lane, ends in swept(i, fields, loops):
            task = lane if i < loop.stop else loop.lanes
            for writes, extents in ((True, kind.writes), (False, kind.reads)):
                reached = _hull([extents(end, program.table) for end in ends])
                touched += [(o, o + n, task, writes) for o, n in reached if n]
    touched.sort()
    _check_apart(touched, f"Instruction {loop.first - 1} (loop)")


def _check_bounds(program: Program, what: str, offset: int, count: int) -> None:
    if offset < 0 or count < 0 or offset + count > program.size:
        raise ProgramError(
            f"{what} touches [{offset}:{offset + count}] of an arena of {program.size}. Lower the expression again."
        )


def _check_slot(program: Program, what: str, slot: Slot) -> None:
    if len(slot.shape) > _MOST_AXES or min(slot.shape, default=0) < 0 or math.prod(n or 1 for n in slot.shape) > _LARGEST:
        raise ProgramError(f"The {what} {slot} has a shape that no array has. Lower the expression again.")
    _check_bounds(program, f"The {what} {slot}", slot.offset, slot.size)


def _check_apart(touched: list[tuple[int, int, int, bool]], where: str) -> None:
    """Extents (start, stop, task, whether it is written), sorted: none that is written meets one of another task."""
    reach: dict[tuple[int, bool], int] = {}  # of each task, how far what it wrote or read reaches
    for start, stop, task, writes in touched:
        for (other, wrote), end in reach.items():
            if other != task and (writes or wrote) and start < end:
                raise ProgramError(f"{where} has lanes that touch the same places. Lower the expression again.")
        reach[task, writes] = max(stop, reach.get((task, writes), 0))
