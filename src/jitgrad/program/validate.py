"""The checks of a Program: all that the interpreter trusts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from jitgrad.errors import ProgramError, listed
from jitgrad.program.slots import UPDATE, Slot
from jitgrad.vm.context import MOST_TASKS
from jitgrad.vm.instructions import OPCODE, WIDTH, Instruction

if TYPE_CHECKING:
    from jitgrad.program.program import Program

# Of an array of NumPy's.
_MOST_AXES, _LARGEST = 64, 2**59


def validate(program: Program) -> None:
    """Check all that the interpreter trusts.

    Every number is within its instruction's limits and every place within the arena, every operand was given or written
    before it is read, the entries are in order, and only updates write state. Raises ProgramError.
    """
    _check_form(program)
    _check_together(program)
    known, given = _nothing_known(program), _nothing_known(program)  # no copy, that would touch all of a large arena
    for what, slot in [("input", s) for s in program.inputs] + [("literal", Slot(o, ())) for o, _ in program.literals]:
        _check_slot(program, what, slot)
        known[slot.offset : slot.offset + slot.size] = given[slot.offset : slot.offset + slot.size] = True
    for i in range(program.stop):
        _check_instruction(program, i, known, given)
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


def _check_instruction(program: Program, i: int, known: np.ndarray, given: np.ndarray) -> None:
    kind, fields = program.instruction(i)
    where = f"Instruction {i} ({kind.name})"
    _check_limits(program, kind, fields, where)
    reads, writes = kind.reads(fields, program.table), kind.writes(fields, program.table)
    for offset, count in reads:
        _check_bounds(program, where, offset, count)
        if not known[offset : offset + count].all():
            raise ProgramError(f"{where} reads [{offset}:{offset + count}] before it is written. Lower it again.")
    updates = program.entry_of(i) == UPDATE
    if writes and writes[0][1] == 0:
        raise ProgramError(f"{where} writes nothing. Lower the expression again.")
    for offset, count in writes:
        _check_bounds(program, where, offset, count)
        if updates and offset + count > program.state_size:
            raise ProgramError(f"{where} updates what is no state. Lower the expression again.")
        if not updates and given[offset : offset + count].any():
            raise ProgramError(f"{where} writes over an input or a literal. Only updates may. Lower it again.")
        if not updates and any(o < offset + count and offset < o + n for o, n in reads if n and count):
            raise ProgramError(f"{where} writes over its own operand. Lower the expression again.")
        known[offset : offset + count] = True


def _check_limits(program: Program, kind: Instruction, fields: dict[str, int], where: str) -> None:
    for limit in kind.limits:
        wrong = limit(fields, program.table, program.dtype)
        if wrong:
            raise ProgramError(f"{where} has {wrong}. Lower the expression again.")


def _check_together(program: Program) -> None:
    """Runs that threads may share write nothing that another one reads or writes."""
    for i in np.flatnonzero(program.code[:, 0] == OPCODE["together"]).tolist():
        count, length = program.code[i, 1:3].tolist()
        last = i + count * length
        where = f"Instruction {i} (together)"
        if not 0 < count <= MOST_TASKS or length == 0 or last >= program.stop or program.entry_of(i) != program.entry_of(last):
            raise ProgramError(f"{where} runs past its entry. Lower the expression again.")
        touched: list[tuple[int, int, int, bool]] = []
        for j in range(i + 1, last + 1):
            kind, fields = program.instruction(j)
            _check_limits(program, kind, fields, f"Instruction {j} ({kind.name})")
            if kind.name == "together":
                raise ProgramError(f"{where} has another within its runs. Lower the expression again.")
            for writes, extents in ((True, kind.writes), (False, kind.reads)):
                touched += [(o, o + n, (j - i - 1) // length, writes) for o, n in extents(fields, program.table) if n]
        touched.sort()
        _check_apart(touched, where)


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
    """Extents (start, stop, run, whether it is written), sorted: none that is written meets one of another run."""
    reach: dict[tuple[int, bool], int] = {}  # of each run, how far what it wrote or read reaches
    for start, stop, run, writes in touched:
        for (other, wrote), end in reach.items():
            if other != run and (writes or wrote) and start < end:
                raise ProgramError(f"{where} has runs that touch the same places. Lower the expression again.")
        reach[run, writes] = max(stop, reach.get((run, writes), 0))
