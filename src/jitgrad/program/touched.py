"""The memory that instructions read and write, computed for all instructions at once as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jitgrad.program.loop_extents import Range, check_limits, swept
from jitgrad.vm.instructions import OPERATION, Extent, Instruction

if TYPE_CHECKING:
    from jitgrad.program.program import Program

_FEW = 8
"""Up to this number, instructions of a kind are processed one by one."""


class Extents(NamedTuple):
    """Ranges of the arena, in float64. Numbers that float64 does not represent exactly are beyond every arena.

    Attributes
    ----------
    instruction : ndarray
        The instruction that reads or writes the range.
    offset, size : ndarray
        Start and length of the range.
    """

    instruction: np.ndarray
    offset: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, Any, Any]]) -> Extents:
        """Build extents from rows."""
        return cls(*np.array([*rows], np.float64).reshape(-1, 3).T)

    def where(self, which: np.ndarray) -> Extents:
        """Select extents by a mask or by numbers."""
        return Extents(self.instruction[which], self.offset[which], self.size[which])

    def followed_by(self, others: Iterable[Extents]) -> Extents:
        return Extents(*map(np.concatenate, zip(self, *others, strict=True)))


class Touched(NamedTuple):
    """The memory that instructions read and write.

    Attributes
    ----------
    reads, writes : Extents
        For instructions in loops, from the lowest to the highest place of all trips, one extent for each lane.
    idle : ndarray
        Instructions that write nothing.
    over : ndarray
        Instructions that overwrite their own operands.
    """

    reads: Extents
    writes: Extents
    idle: list[int]
    over: list[int]


def touched(program: Program, loops: Sequence[Range]) -> Touched:
    """Compute the memory that the instructions of a Program touch. Raise ProgramError if a number exceeds its limits."""
    found = _Found([], [], [], [], [], [])
    apart = np.zeros(program.stop, bool)  # instructions with moving fields
    for r in loops:
        apart[[*r.moves]] = True
        apart[r.first : r.stop] |= r.lanes > 0
    opcodes = program.code[:, OPERATION]
    for opcode in sorted({*opcodes.tolist()}):
        of_kind = opcodes == opcode
        kind, _ = program.instruction(int(of_kind.argmax()))
        if kind.of_arrays and np.count_nonzero(of_kind) > _FEW:
            found.add_alike(program, kind, np.flatnonzero(of_kind & ~apart))
            of_kind &= apart
        for i in np.flatnonzero(of_kind).tolist():
            found.add(program, kind, i, loops)
    reads, writes = Extents.of(found.reads), Extents.of(found.writes)
    return Touched(reads.followed_by(found.many_reads), writes.followed_by(found.many_writes), found.idle, found.over)


class _Found(NamedTuple):
    """Collected extents: rows for single instructions, arrays for many."""

    reads: list[tuple[int, int, int]]
    writes: list[tuple[int, int, int]]
    many_reads: list[Extents]
    many_writes: list[Extents]
    idle: list[int]
    over: list[int]

    def add(self, program: Program, kind: Instruction, i: int, loops: Sequence[Range]) -> None:
        """Add one instruction, over all trips of the loops around it."""
        _, fields = program.instruction(i)
        check_limits(program, kind, fields, f"Instruction {i} ({kind.name})")
        for _, ends in swept(i, fields, loops):
            reads = [kind.reads(end, program.table) for end in ends]
            writes = [kind.writes(end, program.table) for end in ends]
            self.reads.extend((i, *extent) for extent in hull(reads))
            self.writes.extend((i, *extent) for extent in hull(writes))
            if writes[0] and writes[0][0][1] == 0:
                self.idle.append(i)
            if any(_spoils(kind, w, r) for written, read in zip(writes, reads, strict=True) for w in written for r in read):
                self.over.append(i)

    def add_alike(self, program: Program, kind: Instruction, rows: np.ndarray) -> None:
        """Add instructions of one kind without moving fields."""
        columns = program.code[rows, 1 : 1 + len(kind.fields)].T.astype(np.float64)
        fields: Any = dict(zip(kind.fields, columns, strict=True))
        reads, writes = kind.reads(fields, program.table), kind.writes(fields, program.table)
        nothing = np.zeros(len(rows))
        for extents, made in ((reads, self.many_reads), (writes, self.many_writes)):
            made.extend(Extents(rows, offset + nothing, size + nothing) for offset, size in extents)
        self.idle.extend(i for _, size in writes[:1] for i in rows[size + nothing == 0].tolist())
        self.over.extend(i for w in writes for r in reads for i in rows[_spoils(kind, w, r)].tolist())


def hull(extents: Sequence[list[Extent]]) -> list[Extent]:
    """Return the hull of extents, from the lowest to the highest place."""
    if len(extents) == 1:
        return extents[0]
    return [(a, b + count - a if count else 0) for (a, count), (b, _) in zip(*extents, strict=True)]


def _spoils(kind: Instruction, written: Extent, read: Extent) -> Any:
    """Return whether an instruction overwrites an operand before it is read, elementwise for arrays.

    An elementwise instruction of a single number may replace its operand.
    """
    (start, n), (other, m) = written, read
    meet = (start < other + m) & (other < start + n) & (n > 0) & (m > 0)
    return meet & ((n > 1) | (m > 1)) if kind.op is not None and kind.kernel is None else meet


class Cells:
    """The arena, cut at the ends of all extents, with the first instruction that writes each cell.

    Parameters
    ----------
    every : Extents
        All extents that will be looked up.
    written : Extents
        The extents that are written.
    """

    def __init__(self, every: Extents, written: Extents) -> None:
        self._edges = np.unique(np.concatenate([every.offset, every.offset + every.size]))
        self._first = np.full(len(self._edges), np.inf)
        which, cells = self._of(written)
        np.minimum.at(self._first, cells, written.instruction[which])

    def _of(self, extents: Extents) -> tuple[np.ndarray, np.ndarray]:
        """Return the cells of all extents, and the extent number of each cell."""
        low = np.searchsorted(self._edges, extents.offset)
        size = np.searchsorted(self._edges, extents.offset + extents.size) - low
        which = np.repeat(np.arange(len(low)), size)
        return which, np.arange(len(which)) + np.repeat(low + size - np.cumsum(size), size)

    def unwritten(self, extents: Extents) -> np.ndarray:
        """Return the extents with a cell that no earlier instruction writes."""
        which, cells = self._of(extents)
        return np.unique(which[self._first[cells] >= extents.instruction[which]])

    def written_by(self, instruction: int, extents: Extents) -> np.ndarray:
        """Return the extents with a cell that ``instruction`` is the first to write."""
        which, cells = self._of(extents)
        return np.unique(which[self._first[cells] == instruction])
