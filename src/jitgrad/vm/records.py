"""Layouts of memory that Python and compiled code share, declared once: a class with an annotation for each field.

In Python a record is a ctypes structure. Compiled code has a pointer to it and knows its fields by the same names
(``compiler/types.py``). A field that points to something is a pointer there; in Python it is given what it points to.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, get_origin, get_type_hints

import numpy as np


class Kind(NamedTuple):
    """What a field is.

    Attributes:
        ctype: in Python.
        of: in compiled code, or what it points to there: the name of a type of numbers or of a record, or ``element`` for the
            dtype of the program.
        points: whether it points.
        shared: whether threads write it by atomic operations: compiled code gets a pointer to it.
    """

    ctype: Any
    of: str
    points: bool = False
    shared: bool = False


def pointer_to(of: str) -> Kind:
    """The kind of a pointer to the first of some numbers or records: ``Annotated[int, pointer_to("Context")]``."""
    return Kind(ctypes.c_uint64, of, points=True)


Count = Annotated[int, Kind(ctypes.c_uint64, "uint64")]
"""A number of something, a place, an address: what indexes is unsigned."""
Choice = Annotated[int, Kind(ctypes.c_int64, "int64")]
"""A name of an enumeration."""
Flag = Annotated[bool, Kind(ctypes.c_bool, "boolean")]
Real = Annotated[float, Kind(ctypes.c_double, "float64")]
Shared = Annotated[int, Kind(ctypes.c_uint64, "uint64", shared=True)]
"""A number that several threads read and write. Nothing else is on its cache line, where one's writing slows others down."""

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
    """A layout with values. What its fields point to, as far as it was given here, is kept with it."""

    kinds: dict[str, Kind]

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self._targets: dict[str, Any] = {}
        self.set(**values)

    def set(self, **values: Any) -> None:
        """Give fields their values: numbers, or the arrays and records that they point to."""
        for name, value in values.items():
            if self.kinds[name].points and type(value) is not int:
                self._targets[name] = value
                value = address(value)
            setattr(self, name, value)


def address(target: Any) -> int:
    """Where an array or a record is, 0 where there is nothing: to ask NumPy takes 2 µs. It must be kept meanwhile."""
    if isinstance(target, np.ndarray):
        return int(target.ctypes.data) if target.size else 0
    return ctypes.addressof(target)


def in_row(layout: type[Record], records: Sequence[Record]) -> ctypes.Array[Any]:
    """Copies of some records, one after the other, to point to. What the records point to is kept with them."""
    made: Any = (layout * len(records))(*records)
    made.copied = records
    return made


R = TypeVar("R", bound=Record)
RECORDS: dict[str, type[Record]] = {}
"""All, by name."""


def record(layout: type[R]) -> type[R]:
    """Make a layout of a class's annotations: a decorator."""
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
