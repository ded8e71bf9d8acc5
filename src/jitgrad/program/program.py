"""A Program: immutable instructions over one arena of memory."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape
from jitgrad.vm import addresses
from jitgrad.vm.instructions import INSTRUCTIONS, OPCODE, WIDTH, Instruction
from jitgrad.vm.team import MOST_RUNS


class Slot(NamedTuple):
    """A value's place in the arena."""

    offset: int
    shape: Shape

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def __str__(self) -> str:
        return f"[{self.offset}:{self.offset + self.size}] {self.shape}"


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions, and what their memory holds.

    Attributes:
        dtype: float32 or float64, of every number in the arena.
        code: (instructions, WIDTH) uint64, see ``vm.instructions``.
        table: uint64, sizes and strides of views, by position.
        forward_stop, backward_stop: the sections: instructions before the first compute the outputs that are wanted ahead,
            those up to the second the other outputs and what the updates take, the rest are the updates.
        size: elements of the arena.
        inputs: where the arrays given at run time go.
        outputs: where the results stand.
        literals: numbers, by offset.
        state: the numbers of the inputs that the updates change. They stand first in the arena.
    """

    dtype: np.dtype[Any]
    code: np.ndarray
    table: np.ndarray
    forward_stop: int
    backward_stop: int
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
    def addresses(self) -> tuple[int, int]:
        """Where the instructions and the table stand in memory."""
        return self.code.ctypes.data, self.table.ctypes.data

    @functools.cached_property
    def shares(self) -> bool:
        """Whether threads may share some of its work."""
        return bool((self.code[:, 0] == OPCODE["together"]).any())

    @functools.cached_property
    def state_size(self) -> int:
        """Elements of the arena, from its start, that hold state."""
        return max((self.inputs[i].offset + self.inputs[i].size for i in self.state), default=0)

    @functools.cached_property
    def work(self) -> int:
        """A guess at the ns of one run: some for each instruction, one for each element it touches."""
        sizes = {"n", "rows", "cols", "m", "k", "outer", "reduced", "inner", "count", "width", "batch"}
        parts = [self.instruction(i)[1] for i in range(self.stop)]
        return sum(5 + math.prod(value for name, value in fields.items() if name in sizes) for fields in parts)

    def section(self, i: int) -> str:
        """The section of instruction ``i``."""
        return "forward" if i < self.forward_stop else "backward" if i < self.backward_stop else "update"

    def instruction(self, i: int) -> tuple[Instruction, dict[str, int]]:
        """Instruction ``i`` and its fields. Raises ProgramError for an unknown opcode."""
        opcode, *values = self.code[i].tolist()
        if opcode >= len(INSTRUCTIONS):
            raise ProgramError(f"Instruction {i} has the unknown opcode {opcode}. Lower the expression again.")
        kind = INSTRUCTIONS[opcode]
        return kind, dict(zip(kind.fields, values, strict=False))

    def validate(self) -> None:
        """Check all that the interpreter trusts.

        Every number is within its instruction's limits and every place within the arena, every operand was given or written
        before it is read, the sections are in order, and only updates write state. Raises ProgramError.
        """
        self._check_form()
        self._check_together()
        known, given = self._nothing_known(), self._nothing_known()  # no copy, that would touch all of a large arena
        for what, slot in [("input", s) for s in self.inputs] + [("literal", Slot(o, ())) for o, _ in self.literals]:
            self._check_slot(what, slot)
            known[slot.offset : slot.offset + slot.size] = given[slot.offset : slot.offset + slot.size] = True
        for i in range(self.stop):
            self._check_instruction(i, known, given)
        for slot in self.outputs:
            self._check_slot("output", slot)
            if not known[slot.offset : slot.offset + slot.size].all():
                raise ProgramError(f"The output {slot} is never written. Lower the expression again.")

    def _check_form(self) -> None:
        for what, numbers, shape in (("code", self.code, (self.stop, WIDTH)), ("table", self.table, (len(self.table),))):
            if numbers.dtype != np.uint64 or numbers.shape != shape or not numbers.flags.c_contiguous:
                raise ProgramError(
                    f"The {what} of the Program is not a contiguous array of uint64. Lower the expression again."
                )
        if not 0 <= self.forward_stop <= self.backward_stop <= self.stop:
            raise ProgramError("The sections of the Program are out of order. Lower the expression again.")
        if any(i not in range(len(self.inputs)) for i in self.state):
            raise ProgramError(f"The state {self.state} is not among {len(self.inputs)} inputs. Lower the expression again.")

    def _nothing_known(self) -> np.ndarray:
        try:
            return np.zeros(self.size, bool)
        except (MemoryError, OverflowError, ValueError):
            raise ProgramError(f"An arena of {self.size} elements does not fit in memory. Use fewer rows at once.") from None

    def _check_instruction(self, i: int, known: np.ndarray, given: np.ndarray) -> None:
        kind, fields = self.instruction(i)
        where = f"Instruction {i} ({kind.name})"
        self._check_limits(kind, fields, where)
        reads, writes = kind.reads(fields, self.table), kind.writes(fields, self.table)
        for offset, count in reads:
            self._check_bounds(where, offset, count)
            if not known[offset : offset + count].all():
                raise ProgramError(f"{where} reads [{offset}:{offset + count}] before it is written. Lower it again.")
        updates = i >= self.backward_stop
        if writes and writes[0][1] == 0:
            raise ProgramError(f"{where} writes nothing. Lower the expression again.")
        for offset, count in writes:
            self._check_bounds(where, offset, count)
            if updates and offset + count > self.state_size:
                raise ProgramError(f"{where} updates what is no state. Lower the expression again.")
            if not updates and given[offset : offset + count].any():
                raise ProgramError(f"{where} writes over an input or a literal. Only updates may. Lower it again.")
            if not updates and any(o < offset + count and offset < o + n for o, n in reads if n and count):
                raise ProgramError(f"{where} writes over its own operand. Lower the expression again.")
            known[offset : offset + count] = True

    def _check_limits(self, kind: Instruction, fields: dict[str, int], where: str) -> None:
        for limit in kind.limits:
            wrong = limit(fields, self.table, self.dtype)
            if wrong:
                raise ProgramError(f"{where} has {wrong}. Lower the expression again.")

    def _check_together(self) -> None:
        """Runs that threads may share write nothing that another one reads or writes."""
        for i in np.flatnonzero(self.code[:, 0] == OPCODE["together"]).tolist():
            count, length = self.code[i, 1:3].tolist()
            last = i + count * length
            where = f"Instruction {i} (together)"
            if not 0 < count <= MOST_RUNS or length == 0 or last >= self.stop or self.section(i) != self.section(last):
                raise ProgramError(f"{where} runs past its section. Lower the expression again.")
            touched: list[tuple[int, int, int, bool]] = []
            for j in range(i + 1, last + 1):
                kind, fields = self.instruction(j)
                self._check_limits(kind, fields, f"Instruction {j} ({kind.name})")
                if kind.name == "together":
                    raise ProgramError(f"{where} has another within its runs. Lower the expression again.")
                for writes, extents in ((True, kind.writes), (False, kind.reads)):
                    touched += [(o, o + n, (j - i - 1) // length, writes) for o, n in extents(fields, self.table) if n]
            touched.sort()
            _check_apart(touched, where)

    def _check_bounds(self, what: str, offset: int, count: int) -> None:
        if offset < 0 or count < 0 or offset + count > self.size:
            raise ProgramError(
                f"{what} touches [{offset}:{offset + count}] of an arena of {self.size}. Lower the expression again."
            )

    def _check_slot(self, what: str, slot: Slot) -> None:
        if len(slot.shape) > _MOST_AXES or min(slot.shape, default=0) < 0 or math.prod(n or 1 for n in slot.shape) > _LARGEST:
            raise ProgramError(f"The {what} {slot} has a shape that no array has. Lower the expression again.")
        self._check_bounds(f"The {what} {slot}", slot.offset, slot.size)

    def dump(self) -> str:
        """The Program as readable text."""
        lines = [f"program {self.dtype} arena {self.size}"]
        for number, slot in enumerate(self.inputs):
            lines.append(f"{'state' if number in self.state else 'input'} {number} {slot}")
        lines += [f"literal [{offset}] {value!r}" for offset, value in self.literals]
        if len(self.table):
            lines.append("table " + " ".join(str(v) for v in self.table.astype(np.int64).tolist()))
        section = None
        for i in range(self.stop):
            if self.section(i) != section:
                section = self.section(i)
                lines.append(f"{section}:")
            kind, fields = self.instruction(i)
            lines.append(f"  {i:3} {kind.name:14} " + " ".join(f"{k}={_shown(k, v)}" for k, v in fields.items()))
        lines += [f"output {slot}" for slot in self.outputs]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> Program:
        """The Program of a dump, validated: ``Program.parse(p.dump()).dump() == p.dump()``.

        What it calls by name must be known in this process. Raises ProgramError, with the line.
        """
        if not isinstance(text, str) or not text.startswith("program float"):
            raise ProgramError("A dump starts with a line as 'program float64 arena 9'. Give the text that dump() returned.")
        reader = _Reader()
        for number, line in enumerate(text.splitlines(), 1):
            try:
                reader.line(line.split())
            except (KeyError, ValueError, IndexError, TypeError) as error:
                raise ProgramError(f"Line {number} of the dump is not understood: {line!r} ({error}). Dump it again.") from None
        program = reader.program()
        program.validate()
        return program


def _check_apart(touched: list[tuple[int, int, int, bool]], where: str) -> None:
    """Extents (start, stop, run, whether it is written), sorted: none that is written meets one of another run."""
    reach: dict[tuple[int, bool], int] = {}  # of each run, how far what it wrote or read reaches
    for start, stop, run, writes in touched:
        for (other, wrote), end in reach.items():
            if other != run and (writes or wrote) and start < end:
                raise ProgramError(f"{where} has runs that touch the same places. Lower the expression again.")
        reach[run, writes] = max(stop, reach.get((run, writes), 0))


# Of an array of NumPy's.
_MOST_AXES, _LARGEST = 64, 2**59
_DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in ("float32", "float64")}


class _Reader:
    """Takes the lines of a dump."""

    def __init__(self) -> None:
        self.dtype, self.size = np.dtype(np.float64), 0
        self.inputs: list[Slot] = []
        self.outputs: list[Slot] = []
        self.state: list[int] = []
        self.literals: list[tuple[int, float]] = []
        self.table: list[int] = []
        self.rows: list[list[int]] = []
        self.counts = {"forward": 0, "backward": 0, "update": 0}
        self._section = ""

    def line(self, words: list[str]) -> None:
        kind = words[0]
        if kind == "program":
            self.dtype, self.size = _DTYPES[words[1]], _within(0, int(words[3]), 2**63)
        elif kind in ("input", "state"):
            self.state += [len(self.inputs)] * (kind == "state")
            self.inputs.append(_slot(words[2:]))
        elif kind == "output":
            self.outputs.append(_slot(words[1:]))
        elif kind == "literal":
            self.literals.append((int(words[1].strip("[]")), float(words[2])))
        elif kind == "table":
            self.table += [_within(-(2**63), int(word), 2**63) for word in words[1:]]
        elif kind.removesuffix(":") in self.counts:
            self._section = kind.removesuffix(":")
            sections = list(self.counts)
            if any(self.counts[name] for name in sections[sections.index(self._section) :]):
                raise ValueError("a section out of order")
        else:
            self._instruction(words)

    def _instruction(self, words: list[str]) -> None:
        opcode = OPCODE[words[1]]
        fields = dict(word.split("=") for word in words[2:])
        row = [opcode, *[_read(name, fields[name]) for name in INSTRUCTIONS[opcode].fields]]
        self.rows.append(row + [0] * (WIDTH - len(row)))
        self.counts[self._section] += 1

    def program(self) -> Program:
        forward, backward = self.counts["forward"], self.counts["backward"]
        return Program(
            dtype=self.dtype,
            code=np.array(self.rows, np.uint64).reshape(-1, WIDTH),
            table=np.array(self.table, np.int64).view(np.uint64),
            forward_stop=forward,
            backward_stop=forward + backward,
            size=self.size,
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            literals=tuple(self.literals),
            state=tuple(self.state),
        )


def _shown(field: str, value: int) -> str:
    """A field's value in a dump: that of a function is its name."""
    return addresses.callee(value).name if field == "kernel" else str(value)


def _read(field: str, text: str) -> int:
    return addresses.address_of(text) if field == "kernel" else _within(0, int(text), 2**64)


def _within(low: int, value: int, stop: int) -> int:
    if not low <= value < stop:
        raise ValueError(f"{value} is below {low}" if value < low else f"{value} is too large")
    return value


def _slot(words: list[str]) -> Slot:
    """From ``[3:6] (3,)``."""
    start, stop = map(int, words[0].strip("[]").split(":"))
    slot = Slot(start, tuple(int(n) for n in "".join(words[1:]).strip("()").split(",") if n))
    if stop - start != slot.size:
        raise ValueError(f"{stop - start} elements of shape {slot.shape}")
    return slot
