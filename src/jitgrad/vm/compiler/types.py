"""Types of values, values, and their notation in LLVM IR."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from jitgrad.vm.records import RECORDS, Record


@dataclass(frozen=True)
class Number:
    """A number, or a vector ``of`` numbers: ``code`` is its type in registers, ``stored`` in memory."""

    name: str
    code: str
    stored: str
    of: Number | None = None

    @property
    def each(self) -> Number:
        """The element type of a vector, or the type of a number itself."""
        return self.of or self

    @property
    def is_float(self) -> bool:
        return self.each.name.startswith("float")

    @property
    def flag(self) -> Number:
        """The type of the result of a comparison."""
        return FLAGS if self.of else BOOLEAN


FLOAT32, FLOAT64 = Number("float32", "float", "float"), Number("float64", "double", "double")
INT64, UINT64 = Number("int64", "i64", "i64"), Number("uint64", "i64", "i64")
BOOLEAN = Number("boolean", "i1", "i8")
LANE_COUNT = 8
"""Length of vectors, which does not depend on the width of registers, because LLVM splits them."""
LANES = Number("lanes", f"<{LANE_COUNT} x double>", f"<{LANE_COUNT} x double>", FLOAT64)
FLAGS = Number("flags", f"<{LANE_COUNT} x i1>", f"<{LANE_COUNT} x i8>", BOOLEAN)
NUMBERS = {number.name: number for number in (FLOAT32, FLOAT64, INT64, UINT64, BOOLEAN, LANES, FLAGS)}


@dataclass(frozen=True)
class Pointer:
    """A pointer to numbers."""

    to: Number

    @property
    def name(self) -> str:
        return f"{self.to.name}*"

    @property
    def code(self) -> str:
        return f"{self.to.stored}*"

    stored = code


@dataclass(frozen=True)
class Records:
    """A pointer to one or several records, whose ``element`` type is given."""

    layout: type[Record]
    element: Number
    code = stored = "i8*"

    @property
    def name(self) -> str:
        return f"{self.layout.__name__}*"

    def field(self, name: str) -> Type | None:
        """Return the type of a field, or None if it does not exist."""
        kind = self.layout.kinds.get(name)
        if kind is None:
            return None
        if kind.of in RECORDS:
            return Records(RECORDS[kind.of], self.element)
        number = self.element if kind.of == "element" else NUMBERS[kind.of]
        return Pointer(number) if kind.points or kind.shared else number


Type = Number | Pointer | Records


@dataclass(frozen=True)
class Value:
    """A value in a register, by name."""

    type: Type
    name: str


@dataclass(frozen=True)
class Literal:
    """A literal number, whose type depends on its use."""

    value: int | float | bool

    def default(self) -> Number:
        """The type of the literal if its use does not determine one."""
        return BOOLEAN if isinstance(self.value, bool) else INT64 if isinstance(self.value, int) else FLOAT64

    def fits(self, number: Number) -> bool:
        """Return whether it is representable in that type."""
        if number.is_float:
            return not isinstance(self.value, bool)
        return isinstance(self.value, bool) if number.each == BOOLEAN else isinstance(self.value, int)

    def text(self, number: Number) -> str:
        """Return the literal in that type, repeated for vectors. Floats are written as the bits of a double."""
        if number.of:
            return f"<{', '.join([f'{number.of.code} {self.text(number.of)}'] * LANE_COUNT)}>"
        if not number.is_float:
            return str(self.value).lower()
        rounded = struct.unpack("f", struct.pack("f", self.value))[0] if number == FLOAT32 else float(self.value)
        return f"0x{struct.unpack('<Q', struct.pack('<d', rounded))[0]:016X}"


@dataclass(frozen=True)
class Object:
    """A name that is not a value: a function or a module."""

    value: Any


Operand = Value | Literal
