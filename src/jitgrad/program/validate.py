"""Validation of a Program: everything on which the interpreter relies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from jitgrad.errors import ProgramError, listed
from jitgrad.program.loop_extents import Range, check_jumps, ranges_of, swept
from jitgrad.program.slots import STEPS, UPDATE, Slot
from jitgrad.program.touched import Cells, Extents, Touched, hull, touched
from jitgrad.vm.instructions import WIDTH

if TYPE_CHECKING:
    from jitgrad.program.program import Program

# element type of a NumPy array
_MOST_AXES, _LARGEST = 64, 2**59


def validate(program: Program) -> None:
    """Check everything on which the interpreter relies.

    All numbers are within the limits of their instruction and all places within the arena. Every operand is an input or written
    before it is read. The entries are in order, and only the entries "update" and "steps" write state. Raise ProgramError
    otherwise.
    """
    _check_form(program)
    loops = ranges_of(program)
    check_jumps(program, loops)
    _check_arena(program)
    literals = [Slot(offset, ()) for offset, _ in program.literals]
    for what, slots in (("input", program.inputs), ("literal", literals), ("output", program.outputs)):
        for slot in slots:
            _check_slot(program, what, slot)
    unwritten = _check_instructions(program, touched(program, loops), [*program.inputs, *literals])
    for loop in loops:
        if loop.lanes:
            _check_lanes(program, loop, [inner for inner in loops if inner.first >= loop.first])
    for slot in unwritten:
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


def _check_arena(program: Program) -> None:
    try:
        np.zeros(program.size, bool)
    except (MemoryError, OverflowError, ValueError):
        raise ProgramError(f"An arena of {program.size} elements does not fit in memory. Use fewer rows at once.") from None


_GIVEN = -1
"""The instruction number that counts as the writer of inputs."""

_FAULTS = (
    "touches {places} of an arena of {size}",
    "reads {places} before it is written",
    "writes nothing",
    "updates {places}, which is not state",
    "overwrites an input or a literal, {places}, which only updates may do",
    "overwrites its own operand",
)
_BEYOND, _UNKNOWN, _IDLE, _NO_STATE, _OVER_GIVEN, _OVER_OPERAND = range(len(_FAULTS))


class _Faults:
    """Faults of instructions, collected to report the first one."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._found: list[tuple[int, int, str]] = []

    @property
    def first(self) -> int:
        """Return the first faulty instruction, or the end if there is none."""
        return min(self._found)[0] if self._found else self._program.stop

    def add(self, fault: int, extents: Extents) -> None:
        if len(extents.instruction):
            i, offset, size = (int(column[extents.instruction.argmin()]) for column in extents)
            self._found.append((i, fault, f"[{offset}:{offset + size}]"))

    def add_instructions(self, fault: int, numbers: Iterable[float]) -> None:
        self._found += [(int(i), fault, "") for i in numbers]

    def check(self) -> None:
        if self._found:
            i, fault, places = min(self._found)
            kind, _ = self._program.instruction(i)
            what = _FAULTS[fault].format(places=places, size=self._program.size)
            raise ProgramError(f"Instruction {i} ({kind.name}) {what}. Lower the expression again.")


def _check_instructions(program: Program, found: Touched, given: Sequence[Slot]) -> list[Slot]:
    """Check the memory that instructions touch; return the outputs that are never written."""
    faults = _Faults(program)
    for extents in (found.reads, found.writes):
        end = extents.offset + extents.size
        faults.add(_BEYOND, extents.where((extents.offset < 0) | (extents.size < 0) | (end > program.size)))
    faults.add_instructions(_IDLE, found.idle)
    reads, writes = (e.where((e.instruction < faults.first) & (e.size > 0)) for e in (found.reads, found.writes))
    outputs = Extents.of((program.stop, slot.offset, slot.size) for slot in program.outputs)
    ready = Extents.of((_GIVEN, slot.offset, slot.size) for slot in given)
    cells = Cells(reads.followed_by([writes, outputs, ready]), writes.followed_by([ready]))
    faults.add(_UNKNOWN, reads.where(cells.unwritten(reads)))
    entry = np.searchsorted([e.stop for e in program.entries], writes.instruction, "right")
    updates, steps = (np.array([e.name == name for e in program.entries], bool)[entry] for name in (UPDATE, STEPS))
    is_state = writes.offset + writes.size <= program.state_size
    faults.add(_NO_STATE, writes.where(updates & ~is_state))
    ordinary = writes.where(~(updates | (steps & is_state)))
    faults.add(_OVER_GIVEN, ordinary.where(cells.written_by(_GIVEN, ordinary)))
    faults.add_instructions(_OVER_OPERAND, {*found.over} & {*ordinary.instruction.tolist()})
    faults.check()
    return [program.outputs[number] for number in cells.unwritten(outputs).tolist()]


def _check_lanes(program: Program, loop: Range, loops: list[Range]) -> None:
    """Check that no task that threads share writes what another task reads or writes.

    The tasks are the lanes of a loop and its tail. The check is for one trip of the outer loops; ``loops`` are this loop and
    the loops after it.
    """
    touched: list[tuple[int, int, int, bool]] = []
    for i in range(loop.first, loop.end):
        kind, fields = program.instruction(i)
        for lane, ends in swept(i, fields, loops):
            task = lane if i < loop.stop else loop.lanes
            for writes, extents in ((True, kind.writes), (False, kind.reads)):
                reached = hull([extents(end, program.table) for end in ends])
                touched += [(o, o + n, task, writes) for o, n in reached if n]
    touched.sort()
    _check_apart(touched, f"Instruction {loop.first - 1} (loop)")


def _check_slot(program: Program, what: str, slot: Slot) -> None:
    shape = slot.shape
    if len(shape) > _MOST_AXES or min(shape, default=0) < 0 or math.prod([n or 1 for n in shape]) > _LARGEST:
        raise ProgramError(f"The shape of {what} {slot} is invalid. Lower the expression again.")
    if slot.offset < 0 or slot.offset + slot.size > program.size:
        raise ProgramError(f"The {what} {slot} is beyond an arena of {program.size}. Lower the expression again.")


def _check_apart(touched: list[tuple[int, int, int, bool]], where: str) -> None:
    """Check that no written extent overlaps an extent of another task, in sorted rows (start, stop, task, written)."""
    reach: dict[tuple[int, bool], int] = {}  # the end of the reads and the writes of each task
    for start, stop, task, writes in touched:
        for (other, wrote), end in reach.items():
            if other != task and (writes or wrote) and start < end:
                raise ProgramError(f"{where} has lanes that access the same memory. Lower the expression again.")
        reach[task, writes] = max(stop, reach.get((task, writes), 0))
