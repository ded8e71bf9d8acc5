"""The text form of Programs: ``dump`` prints it, and ``parse`` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.errors import ProgramError
from jitgrad.program.slots import Entry, Slot
from jitgrad.vm import addresses
from jitgrad.vm.instructions import INSTRUCTIONS, OPCODE, WIDTH

if TYPE_CHECKING:
    from jitgrad.program.program import Program

_DTYPES: dict[str, np.dtype[Any]] = {name: np.dtype(name) for name in ("float32", "float64")}


def written(program: Program) -> str:
    """Return the Program as human-readable text."""
    lines = [f"program {program.dtype} arena {program.size}"]
    for number, slot in enumerate(program.inputs):
        lines.append(f"{'state' if number in program.state else 'input'} {number} {slot}")
    lines += [f"literal [{offset}] {value!r}" for offset, value in program.literals]
    if len(program.table):
        lines.append("table " + " ".join(str(v) for v in program.table.astype(np.int64).tolist()))
    for entry in program.entries:
        lines.append(f"{entry.name}:")
        for i in range(entry.start, entry.stop):
            kind, fields = program.instruction(i)
            lines.append(f"  {i:3} {kind.name:14} " + " ".join(f"{k}={_shown(k, v)}" for k, v in fields.items()))
    lines += [f"output {slot}" for slot in program.outputs]
    return "\n".join(lines) + "\n"


def read(text: str) -> dict[str, Any]:
    """Return the attributes of a Program from its text. Errors are ProgramErrors that contain the line."""
    if not isinstance(text, str) or not text.startswith("program float"):
        raise ProgramError("A dump starts with a line such as 'program float64 arena 9'. Pass text that dump() returned.")
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), 1):
        try:
            reader.line(line.split())
        except (KeyError, ValueError, IndexError, TypeError) as error:
            reason = str(error).rstrip(".")
            raise ProgramError(
                f"Line {number} of the dump is invalid: {line!r} ({reason}). Pass text that dump() returned."
            ) from None
    return reader.attributes()


class _Reader:
    """Parses the lines of a dump."""

    def __init__(self) -> None:
        self.dtype, self.size = np.dtype(np.float64), 0
        self.inputs: list[Slot] = []
        self.outputs: list[Slot] = []
        self.state: list[int] = []
        self.literals: list[tuple[int, float]] = []
        self.table: list[int] = []
        self.rows: list[list[int]] = []
        self.starts: dict[str, int] = {}

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
        elif kind.endswith(":") and len(words) == 1:
            if kind[:-1] in self.starts:
                raise ValueError("duplicate entry")
            self.starts[kind[:-1]] = len(self.rows)
        else:
            self._instruction(words)

    def _instruction(self, words: list[str]) -> None:
        if not self.starts:
            raise ValueError("instruction before the first entry")
        opcode = OPCODE[words[1]]
        fields = dict(word.split("=") for word in words[2:])
        row = [opcode, *[_read(name, fields[name]) for name in INSTRUCTIONS[opcode].fields]]
        self.rows.append(row + [0] * (WIDTH - len(row)))

    def attributes(self) -> dict[str, Any]:
        stops = [*self.starts.values(), len(self.rows)][1:]
        return {
            "dtype": self.dtype,
            "code": np.array(self.rows, np.uint64).reshape(-1, WIDTH),
            "table": np.array(self.table, np.int64).view(np.uint64),
            "entries": tuple(map(Entry, self.starts, self.starts.values(), stops)),
            "size": self.size,
            "inputs": tuple(self.inputs),
            "outputs": tuple(self.outputs),
            "literals": tuple(self.literals),
            "state": tuple(self.state),
        }


def _shown(field: str, value: int) -> str:
    """Return the text of a field's value; functions are shown by name."""
    return addresses.callee(value).name if field == "kernel" else str(value)


def _read(field: str, text: str) -> int:
    return addresses.address_of(text) if field == "kernel" else _within(0, int(text), 2**64)


def _within(low: int, value: int, stop: int) -> int:
    if not low <= value < stop:
        raise ValueError(f"{value} is below {low}" if value < low else f"{value} is too large")
    return value


def _slot(words: list[str]) -> Slot:
    """Parse a slot such as ``[3:6] (3,)``."""
    start, stop = map(int, words[0].strip("[]").split(":"))
    slot = Slot(start, tuple(int(n) for n in "".join(words[1:]).strip("()").split(",") if n))
    if stop - start != slot.size:
        raise ValueError(f"{stop - start} elements of shape {slot.shape}")
    return slot
