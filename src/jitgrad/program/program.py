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
    """Instructions, and what their memory holds.

    Attributes:
        dtype: float32 or float64, of every number in the arena.
        code: (instructions, WIDTH) uint64, see ``vm.instructions``.
        table: uint64, sizes and strides of views, by position.
        entries: the ranges of instructions that have names, in order: those of the Expression's entries, and where there are
            updates "gradient", what they take, and "update".
        size: elements of the arena.
        inputs: where the arrays given at run time go.
        outputs: where the results stand.
        literals: numbers, by offset.
        state: the numbers of the inputs that the updates change. They stand first in the arena.
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
        """Whether threads may share some of its work."""
        return self.lane_rows > 0

    @functools.cached_property
    def lane_rows(self) -> int:
        """The most instructions that all lanes of a loop have."""
        loops = [self.instruction(i)[1] for i in np.flatnonzero(self.code[:, OPERATION] == OPCODE["loop"]).tolist()]
        return max([loop["lanes"] * (loop["length"] + 1) for loop in loops], default=0)

    @functools.cached_property
    def state_size(self) -> int:
        """Elements of the arena, from its start, that hold state."""
        return max((self.inputs[i].offset + self.inputs[i].size for i in self.state), default=0)

    @functools.cached_property
    def work(self) -> int:
        """A guess at the ns of one run: some for each instruction, one for each element it touches."""
        sizes = {"n", "rows", "cols", "m", "k", "outer", "reduced", "inner", "count", "width", "batch"}
        loops, total = ranges_of(self), 0
        for i in range(self.stop):
            touched = math.prod(value for name, value in self.instruction(i)[1].items() if name in sizes)
            total += (5 + touched) * trips_at(i, loops)
        return total

    def entry(self, name: str) -> Entry:
        """The entry of a name. Raises ProgramError where there is none."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise ProgramError(f"The Program has no entry {name!r}. It has {listed([e.name for e in self.entries])}.")

    def entry_of(self, i: int) -> str:
        """The name of the entry of instruction ``i``."""
        return next(entry.name for entry in self.entries if i < entry.stop)

    def instruction(self, i: int) -> tuple[Instruction, dict[str, int]]:
        """Instruction ``i`` and its fields. Raises ProgramError for an unknown opcode."""
        opcode, *values = self.code[i].tolist()
        if opcode >= len(INSTRUCTIONS):
            raise ProgramError(f"Instruction {i} has the unknown opcode {opcode}. Lower the expression again.")
        kind = INSTRUCTIONS[opcode]
        return kind, dict(zip(kind.fields, values, strict=False))

    validate = validate
    dump = written

    @classmethod
    def parse(cls, dump: str) -> Program:
        """The Program of a dump, validated: ``Program.parse(p.dump()).dump() == p.dump()``.

        What it calls by name must be known in this process. Raises ProgramError, with the line.
        """
        program = cls(**read(dump))
        program.validate()
        return program
