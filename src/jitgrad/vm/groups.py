"""The native functions, in groups that are compiled together when a program first needs one of them.

Functions that nearly all programs need form one group, the engine. Less common ones form further groups, so that programs that
do not need them do not wait for them.
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
    """A native function: the module that defines it, and its ctypes type."""

    module: str
    kind: Any


class Group(NamedTuple):
    """Native functions that are compiled together.

    Attributes
    ----------
    what : str
        The name of the group in messages.
    seconds : float
        Approximate time to compile it for one dtype, in a process that has compiled something else.
    functions : dict
        By name.
    dtypes : tuple of str
        The dtypes that it is compiled for.
    calls : str
        SciPy's functions that must be registered before the code is loaded, see ``symbols``.
    """

    what: str
    seconds: float
    functions: dict[str, Form]
    dtypes: tuple[str, ...] = DTYPES
    calls: Literal["", "lapack", "special"] = ""


def _kernels(module: str, *names: str) -> dict[str, Form]:
    """Return functions for the instruction ``call``."""
    kind = CFUNCTYPE(None, POINTER, POINTER, NUMBER, NUMBER, NUMBER)
    return {name: Form(f"jitgrad.vm.kernels.{module}", kind) for name in names}


GROUPS = {
    "engine": Group(
        "the interpreter",
        2,
        {
            "execute": Form("jitgrad.vm.interpreter", CFUNCTYPE(None, POINTER, NUMBER, NUMBER)),
            "train": Form("jitgrad.vm.train", CFUNCTYPE(NUMBER, POINTER, POINTER, POINTER, NUMBER, NUMBER)),
            "assist": Form("jitgrad.vm.kernels.tasks", CFUNCTYPE(None, POINTER, NUMBER)),
        },
    ),
    "least_squares": Group(
        "the least-squares solver",
        0.8,
        {"least_squares": Form("jitgrad.vm.least_squares.solve", CFUNCTYPE(NUMBER, POINTER, POINTER, NUMBER, NUMBER))},
        dtypes=("float64",),
    ),
    "bundled_least_squares": Group(
        "the batched least-squares solver",
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
    "integrate": Group(
        "the integrator",
        1.2,
        {"integrate": Form("jitgrad.vm.integrate.kernel", CFUNCTYPE(None, POINTER, NUMBER))},
    ),
    "integrate_rows": Group(
        "the integrator in lanes",
        0.5,
        {"integrate_rows": Form("jitgrad.vm.integrate.lanes", CFUNCTYPE(None, POINTER, NUMBER))},
    ),
    "adjoint": Group(
        "the reverse mode of the integrator",
        1.6,
        {"adjoint": Form("jitgrad.vm.integrate.adjoint", CFUNCTYPE(None, POINTER, NUMBER))},
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
    """The unit of compilation of a process: a group for a dtype."""

    group: str
    dtype: str

    def __str__(self) -> str:
        return f"{self.group}-{self.dtype}"

    @property
    def seconds(self) -> float:
        """Approximate time to compile it."""
        return GROUPS[self.group].seconds

    def files(self) -> Iterator[tuple[str, str]]:
        """Return the functions, with the name under which each is cached."""
        return ((name, file_of(name, self.dtype)) for name in GROUPS[self.group].functions)


UNITS = [Unit(name, dtype) for name, group in GROUPS.items() for dtype in group.dtypes]
"""All units."""


def unit_of(name: str, dtype: str) -> Unit:
    """Return the unit that contains a function."""
    (group,) = [key for key, group in GROUPS.items() if name in group.functions]
    return Unit(group, dtype)


def needed(dtype: str, *groups: str) -> list[Unit]:
    """Return the units that a program with these groups needs for a dtype: the groups and the engine."""
    return [Unit(group, dtype) for group in dict.fromkeys(("engine", *groups))]


def file_of(name: str, dtype: str) -> str:
    """Return the name under which a function is cached."""
    return f"{name}-{dtype}"


def text(units: Iterable[Unit]) -> str:
    """Return units as text: ``the interpreter and linear algebra for float64``."""
    dtypes: dict[str, list[str]] = {}  # by group
    for unit in units:
        dtypes.setdefault(unit.group, []).append(unit.dtype)
    groups: dict[str, list[str]] = {}  # by dtypes
    for group, found in dtypes.items():
        groups.setdefault(_listed(sorted(found)), []).append(GROUPS[group].what)
    return ", ".join(f"{_listed(found)} for {of}" for of, found in groups.items())


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1])] * (len(words) > 1) + words[-1:])
