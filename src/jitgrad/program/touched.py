"""The places that instructions read and write, of all at once, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from jitgrad.program.loop_extents import Range, check_limits, swept
from jitgrad.vm.instructions import OPERATION, Extent, Instruction

if TYPE_CHECKING:
    from jitgrad.program.program import Program

_FEW = 8
"""Instructions of a kind that are looked at one by one."""


class Extents(NamedTuple):
    """Ranges of places, float64: what that does not hold is beyond every arena.

    Attributes:
        instruction: which touches them.
        offset, size: where a range begins, and how long it is.
    """

    instruction: np.ndarray
    offset: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[tuple[Any, Any, Any]]) -> Extents:
        """From rows of them."""
        return cls(*np.array([*rows], np.float64).reshape(-1, 3).T)

    def where(self, which: np.ndarray) -> Extents:
        """Those of a mask, or of numbers."""
        return Extents(self.instruction[which], self.offset[which], self.size[which])

    def followed_by(self, others: Iterable[Extents]) -> Extents:
        return Extents(*map(np.concatenate, zip(self, *others, strict=True)))


class Touched(NamedTuple):
    """What instructions touch.

    Attributes:
        reads, writes: in loops from the lowest to the highest places of all trips, a lane at a time.
        idle: the instructions that write nothing.
        over: those that write over operands of their own.
    """

    reads: Extents
    writes: Extents
    idle: list[int]
    over: list[int]


def touched(program: Program, loops: Sequence[Range]) -> Touched:
    """What the instructions of a Program touch. Raises ProgramError for a number of one that is beyond its limits."""
    found = _Found([], [], [], [], [], [])
    apart = np.zeros(program.stop, bool)  # what moves
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
    """What was found, of single instructions as rows, of many as arrays."""

    reads: list[tuple[int, int, int]]
    writes: list[tuple[int, int, int]]
    many_reads: list[Extents]
    many_writes: list[Extents]
    idle: list[int]
    over: list[int]

    def add(self, program: Program, kind: Instruction, i: int, loops: Sequence[Range]) -> None:
        """One instruction, in all trips of the loops around it."""
        _, fields = program.instruction(i)
        check_limits(program, kind, fields, f"Instruction {i} ({kind.name})")
        for _, ends in swept(i, fields, loops):
            reads = [kind.reads(end, program.table) for end in ends]
            writes = [kind.writes(end, program.table) for end in ends]
            self.reads.extend((i, *extent) for extent in hull(reads))
            self.writes.extend((i, *extent) for extent in hull(writes))
            if writes[0] and writes[0][0][1] == 0:
                self.idle.append(i)
            if any(_meet(w, r) for written, read in zip(writes, reads, strict=True) for w in written for r in read):
                self.over.append(i)

    def add_alike(self, program: Program, kind: Instruction, rows: np.ndarray) -> None:
        """Instructions of one kind, in which nothing moves."""
        columns = program.code[rows, 1 : 1 + len(kind.fields)].T.astype(np.float64)
        fields: Any = dict(zip(kind.fields, columns, strict=True))
        reads, writes = kind.reads(fields, program.table), kind.writes(fields, program.table)
        nothing = np.zeros(len(rows))
        for extents, made in ((reads, self.many_reads), (writes, self.many_writes)):
            made.extend(Extents(rows, offset + nothing, size + nothing) for offset, size in extents)
        self.idle.extend(i for _, size in writes[:1] for i in rows[size + nothing == 0].tolist())
        self.over.extend(i for w in writes for r in reads for i in rows[_meet(w, r)].tolist())


def hull(extents: Sequence[list[Extent]]) -> list[Extent]:
    """From the lowest extents to the highest."""
    if len(extents) == 1:
        return extents[0]
    return [(a, b + count - a if count else 0) for (a, count), (b, _) in zip(*extents, strict=True)]


def _meet(a: Extent, b: Extent) -> Any:
    """Whether two extents have places in common; of arrays of them, which do."""
    (start, n), (other, m) = a, b
    return (start < other + m) & (other < start + n) & (n > 0) & (m > 0)


class Cells:
    """The arena, cut wherever an extent begins or ends: of each cell the first instruction that writes it.

    Args:
        every: all extents that will be asked for.
        written: those that are written.
    """

    def __init__(self, every: Extents, written: Extents) -> None:
        self._edges = np.unique(np.concatenate([every.offset, every.offset + every.size]))
        self._first = np.full(len(self._edges), np.inf)
        which, cells = self._of(written)
        np.minimum.at(self._first, cells, written.instruction[which])

    def _of(self, extents: Extents) -> tuple[np.ndarray, np.ndarray]:
        """The cells of all extents, and for each the number of its extent."""
        low = np.searchsorted(self._edges, extents.offset)
        size = np.searchsorted(self._edges, extents.offset + extents.size) - low
        which = np.repeat(np.arange(len(low)), size)
        return which, np.arange(len(which)) + np.repeat(low + size - np.cumsum(size), size)

    def unwritten(self, extents: Extents) -> np.ndarray:
        """The numbers of those that have a cell that no earlier instruction writes."""
        which, cells = self._of(extents)
        return np.unique(which[self._first[cells] >= extents.instruction[which]])

    def written_by(self, instruction: int, extents: Extents) -> np.ndarray:
        """The numbers of those that have a cell that ``instruction`` is the first to write."""
        which, cells = self._of(extents)
        return np.unique(which[self._first[cells] == instruction])
