"""The native functions, in groups: what is compiled together, by one process, when a program first needs one of a group.

What nearly every program needs is one group, the engine. What few need is in groups of its own: nobody else waits for it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from ctypes import CFUNCTYPE
from typing import Any, Literal, NamedTuple

DTYPES = ("float32", "float64")

POINTER = ctypes.c_void_p
NUMBER = ctypes.c_uint64


class Form(NamedTuple):
    """A native function: the module that has it by its name, and its type for ctypes."""

    module: str
    kind: Any


class Group(NamedTuple):
    """Native functions that are compiled together.

    Attributes:
        what: the group in messages.
        seconds: that it takes to compile for one dtype, about, in a process that has compiled something else.
        functions: by name.
        dtypes: those that it is compiled for.
        calls: what must be made known of SciPy's before the code is loaded, see ``symbols``.
    """

    what: str
    seconds: float
    functions: dict[str, Form]
    dtypes: tuple[str, ...] = DTYPES
    calls: Literal["", "lapack", "special"] = ""


def _kernels(module: str, *names: str) -> dict[str, Form]:
    """Functions for the instruction ``call``."""
    kind = CFUNCTYPE(None, POINTER, POINTER, NUMBER, NUMBER, NUMBER)
    return {name: Form(f"jitgrad.vm.kernels.{module}", kind) for name in names}


GROUPS = {
    "engine": Group(
        "the engine",
        2,
        {
            "execute": Form("jitgrad.vm.interpreter", CFUNCTYPE(None, POINTER, NUMBER, NUMBER)),
            "train": Form("jitgrad.vm.train", CFUNCTYPE(NUMBER, POINTER, POINTER, POINTER, NUMBER, NUMBER)),
            "assist": Form("jitgrad.vm.kernels.tasks", CFUNCTYPE(None, POINTER, NUMBER)),
        },
    ),
    "least_squares": Group(
        "least squares",
        0.8,
        {"least_squares": Form("jitgrad.vm.least_squares.solve", CFUNCTYPE(NUMBER, POINTER, POINTER, NUMBER, NUMBER))},
        dtypes=("float64",),
    ),
    "bundled_least_squares": Group(
        "many least squares",
        0.8,
        {
            "bundled_least_squares": Form(
                "jitgrad.vm.least_squares.bundle", CFUNCTYPE(NUMBER, POINTER, POINTER, NUMBER, NUMBER)
            ),
        },
        dtypes=("float64",),
    ),
    "coordinate_descent": Group(
        "coordinate descent",
        0.1,
        {
            name: Form("jitgrad.vm.coordinate_descent", CFUNCTYPE(NUMBER, POINTER, NUMBER))
            for name in ("descend_gram", "descend_columns")
        },
        dtypes=("float64",),
    ),
    "linalg": Group(
        "linear algebra",
        0.5,
        _kernels("lapack", "solve", "determinant", "cholesky")
        | _kernels("cofactor", "cofactor")
        | _kernels("decompositions", "eigh", "svd", "pinv", "qr"),
        calls="lapack",
    ),
    "special": Group(
        "special functions",
        0.2,
        _kernels("special_functions", "special_1", "special_2", "special_3"),
        calls="special",
    ),
}

FORMS = {name: form for group in GROUPS.values() for name, form in group.functions.items()}


class Unit(NamedTuple):
    """What one process compiles at a time: a group for a dtype."""

    group: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.group}-{self.dtype}"

    @property
    def seconds(self) -> float:
        """That compiling takes, about."""
        return GROUPS[self.group].seconds

    def files(self) -> Iterator[tuple[str, str]]:
        """The functions, and under which name each is kept."""
        return ((name, file_of(name, self.dtype)) for name in GROUPS[self.group].functions)


UNITS = [Unit(name, dtype) for name, group in GROUPS.items() for dtype in group.dtypes]
"""All there are."""


def unit_of(name: str, dtype: str) -> Unit:
    """The unit that a function is compiled in."""
    (group,) = [key for key, group in GROUPS.items() if name in group.functions]
    return Unit(group, dtype)


def needed(dtype: str, *groups: str) -> list[Unit]:
    """What a program needs that uses groups for a dtype: these, and the engine."""
    return [Unit(group, dtype) for group in dict.fromkeys(("engine", *groups))]


def file_of(name: str, dtype: str) -> str:
    """The name under which a function is kept."""
    return f"{name}-{dtype}"


def text(units: Iterable[Unit]) -> str:
    """Units in a message: ``the engine and least squares for float64``."""
    dtypes: dict[str, list[str]] = {}  # by group
    for unit in units:
        dtypes.setdefault(unit.group, []).append(unit.dtype)
    groups: dict[str, list[str]] = {}  # by dtypes
    for group, found in dtypes.items():
        groups.setdefault(_listed(sorted(found)), []).append(GROUPS[group].what)
    return ", ".join(f"{_listed(found)} for {of}" for of, found in groups.items())


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + words[-1:])
