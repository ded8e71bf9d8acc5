"""A Program: immutable instructions over one arena of memory."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitgrad.errors import ProgramError, listed
from jitgrad.program.loop_extents import ranges_of, trips_at
from jitgrad.program.slots import Entry, Slot
from jitgrad.program.text import read, written
from jitgrad.program.validate import validate
from jitgrad.vm.instructions import INSTRUCTIONS, OPCODE, OPERATION, Instruction


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions, and the contents of their memory.

    Attributes
    ----------
    dtype : dtype
        float32 or float64, for all numbers in the arena.
    code : ndarray of uint64, shape (instructions, WIDTH)
        The instructions, see ``vm.instructions``.
    table : ndarray of uint64
        Sizes and strides of views, by position.
    entries : tuple of Entry
        Named ranges of instructions, in order: the entries of the Expression and, with updates, "gradient", which computes
        their arguments, and "update".
    size : int
        Number of elements of the arena.
    inputs : tuple of Slot
        Places of the arrays passed at run time.
    outputs : tuple of Slot
        Places of the results.
    literals : tuple
        Numbers, by offset.
    state : tuple of int
        The inputs that updates change. They come first in the arena.
    """

    dtype: np.dtype[Any]
    code: np.ndarray
    table: np.ndarray
    entries: tuple[Entry, ...]
    size: int
    inputs: tuple[Slot, ...]
    outputs: tuple[Slot, ...]
    literals: tuple[tuple[int, float], ...]
    state: tuple[int, ...]

    def __post_init__(self) -> None:
        self.code.flags.writeable = False
        self.table.flags.writeable = False

    @functools.cached_property
    def stop(self) -> int:
        """The number of instructions."""
        return len(self.code)

    @functools.cached_property
    def shares(self) -> bool:
        """Whether threads can share some of its work."""
        return self.lane_rows > 0

    @functools.cached_property
    def lane_rows(self) -> int:
        """The largest number of instructions of all lanes of a loop."""
        loops = [self.instruction(i)[1] for i in np.flatnonzero(self.code[:, OPERATION] == OPCODE["loop"]).tolist()]
        return max([loop["lanes"] * (loop["length"] + 1) for loop in loops], default=0)

    @functools.cached_property
    def state_size(self) -> int:
        """Number of elements at the start of the arena that hold state."""
        return max((self.inputs[i].offset + self.inputs[i].size for i in self.state), default=0)

    @functools.cached_property
    def work(self) -> int:
        """Estimated time of a run in ns: a constant for each instruction, plus one for each element that it reads or writes."""
        sizes = {"n", "rows", "cols", "m", "k", "outer", "reduced", "inner", "count", "width", "batch"}
        loops, total = ranges_of(self), 0
        for i in range(self.stop):
            touched = math.prod(value for name, value in self.instruction(i)[1].items() if name in sizes)
            total += (5 + touched) * trips_at(i, loops)
        return total

    def entry(self, name: str) -> Entry:
        """Return the entry of a name. Raise ProgramError if it does not exist."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise ProgramError(f"The Program has no entry {name!r}. Its entries are {listed([e.name for e in self.entries])}.")

    def entry_of(self, i: int) -> str:
        """Return the name of the entry that contains instruction ``i``."""
        return next(entry.name for entry in self.entries if i < entry.stop)

    def instruction(self, i: int) -> tuple[Instruction, dict[str, int]]:
        """Decode the kind and the fields of instruction ``i``. Raise ProgramError for an unknown opcode."""
        opcode, *values = self.code[i].tolist()
        if opcode >= len(INSTRUCTIONS):
            raise ProgramError(f"Instruction {i} has the unknown opcode {opcode}. Lower the expression again.")
        kind = INSTRUCTIONS[opcode]
        return kind, dict(zip(kind.fields, values, strict=False))

    validate = validate
    dump = written

    @classmethod
    def parse(cls, dump: str) -> Program:
        """Parse a dump and validate the Program: ``Program.parse(p.dump()).dump() == p.dump()``.

        Functions that it calls by name must exist in this process. Errors are ProgramErrors that contain the line.
        """
        program = cls(**read(dump))
        program.validate()
        return program
