"""Memory layouts shared by Python and compiled code, declared once as a class with an annotation for each field.

In Python, a record is a ctypes structure. Compiled code has a pointer to it and accesses its fields by the same names
(``compiler/types.py``). A field that points to arrays or records is a pointer in compiled code; in Python, it is assigned the
target.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, get_origin, get_type_hints

import numpy as np


class Kind(NamedTuple):
    """The kind of a field.

    Attributes
    ----------
    ctype : type
        Its type in Python.
    of : str
        Its type in compiled code, or the type of its target: the name of a number type or of a record, or ``element`` for the
        dtype of the program.
    points : bool
        Whether it is a pointer.
    shared : bool
        Whether threads access it by atomic operations. Compiled code gets a pointer to it.
    """

    ctype: Any
    of: str
    points: bool = False
    shared: bool = False


def pointer_to(of: str) -> Kind:
    """Return the kind of a pointer to numbers or records: ``Annotated[int, pointer_to("Context")]``."""
    return Kind(ctypes.c_uint64, of, points=True)


Count = Annotated[int, Kind(ctypes.c_uint64, "uint64")]
"""A count, a place or an address. Indices are unsigned."""
Choice = Annotated[int, Kind(ctypes.c_int64, "int64")]
"""A value of an enumeration."""
Flag = Annotated[bool, Kind(ctypes.c_bool, "boolean")]
Real = Annotated[float, Kind(ctypes.c_double, "float64")]
Shared = Annotated[int, Kind(ctypes.c_uint64, "uint64", shared=True)]
"""A number that several threads access. It has its own cache line, so that writes do not slow down other data."""

Counts = Annotated[int, pointer_to("uint64")]
Flags = Annotated[int, pointer_to("boolean")]
Reals = Annotated[int, pointer_to("float64")]
Elements = Annotated[int, pointer_to("element")]
"""Numbers of the program's dtype."""

Lanes = Annotated[int, pointer_to("lanes")]
"""Vectors of eight numbers, the last axis of an array."""
LaneFlags = Annotated[int, pointer_to("flags")]

_LINE = 64
"""Bytes of a cache line."""


class Record(ctypes.Structure):
    """A layout with values. It keeps references to the targets that are assigned to its pointers in Python."""

    kinds: dict[str, Kind]

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self._targets: dict[str, Any] = {}
        self.set(**values)

    def set(self, **values: Any) -> None:
        """Assign fields: numbers, or the arrays and records that they point to."""
        for name, value in values.items():
            if self.kinds[name].points and type(value) is not int:
                self._targets[name] = value
                value = address(value)
            setattr(self, name, value)


def address(target: Any) -> int:
    """Return the address of an array or a record, or 0 for None. The caller must keep a reference. (NumPy takes 2 µs.)"""
    if isinstance(target, np.ndarray):
        return int(target.ctypes.data) if target.size else 0
    return ctypes.addressof(target)


def in_row(layout: type[Record], records: Sequence[Record]) -> ctypes.Array[Any]:
    """Copy records into a contiguous array that a field can point to. References to their targets are kept."""
    made: Any = (layout * len(records))(*records)
    made.copied = records
    return made


R = TypeVar("R", bound=Record)
RECORDS: dict[str, type[Record]] = {}
"""All records, by name."""


def record(layout: type[R]) -> type[R]:
    """Create a layout from the annotations of a class (a decorator)."""
    hints = get_type_hints(layout, include_extras=True)
    layout.kinds = {name: hint.__metadata__[0] for name, hint in hints.items() if get_origin(hint) is Annotated}
    fields = []
    for name, kind in layout.kinds.items():
        beside = ctypes.c_byte * (_LINE - ctypes.sizeof(kind.ctype))
        alone = [(f"_before_{name}", beside), (name, kind.ctype), (f"_after_{name}", beside)]
        fields += alone if kind.shared else [(name, kind.ctype)]
    layout._fields_ = fields
    RECORDS[layout.__name__] = layout
    return layout
