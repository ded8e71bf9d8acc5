"""Executables: lowered Programs with the values that they read and the memory that they run in.

Requested values, gradients, traced functions, training steps and models of curves all run as Executables. Programs are kept by
their structure, so an expression that is recorded again is neither differentiated nor lowered again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from jitgrad.errors import DTypeError, TracingError, users_line
from jitgrad.program.context import Context, lent, put_back, taken
from jitgrad.program.loop import repeated
from jitgrad.program.lowering import lower
from jitgrad.program.program import Program
from jitgrad.tape import dtypes
from jitgrad.tape.flatten import Flat
from jitgrad.tape.lru import Recent
from jitgrad.tape.tensor import Tensor

T = TypeVar("T")


class Storage:
    """The storage of the values of an Executable's Variables: by default the Variables themselves."""

    def read(self, leaf: Tensor) -> Any:
        """Return the current value of a leaf."""
        return leaf.value if leaf.variable is None else leaf.variable.leaf.value

    def write(self, leaf: Tensor, value: np.ndarray) -> None:
        """Store a copy of a value in the Variable of a leaf."""
        assert leaf.variable is not None
        leaf.variable.store(value)


OWN = Storage()


class Executable:
    """A Program and its inputs.

    Attributes
    ----------
    program : Program
        The Program.
    leaves : sequence of Tensor
        The Tensor of each input. The first ones are given in each run. The rest are Variables, which are read in each run,
        constants, and literals that are inputs.
    n_given : int
        The number of inputs that are given in each run.
    """

    __slots__ = ("leaves", "n_given", "program")

    def __init__(self, program: Program, leaves: Sequence[Tensor], n_given: int) -> None:
        self.program = program
        self.leaves = leaves
        self.n_given = n_given

    @property
    def state(self) -> list[Any]:
        """The Variables that the Program updates, in the order of the arena."""
        return [self.leaves[number].variable for number in self.program.state]

    def context(self) -> lent:
        """Return a context manager that provides exclusive use of a context."""
        return lent(self.program)

    def closed_over(self, storage: Storage = OWN) -> Iterator[Any]:
        """Yield the current values of the inputs that are not given."""
        for leaf in self.leaves[self.n_given :]:
            yield _checked(leaf, storage.read(leaf), self.program.dtype)

    def load(self, context: Context, storage: Storage = OWN) -> None:
        """Copy these values into a context."""
        context.load(self.closed_over(storage), self.n_given)

    def store(self, context: Context, storage: Storage = OWN) -> None:
        """Store the updated values of Variables from a context."""
        for number in self.program.state:
            storage.write(self.leaves[number], context.inputs[number])

    def call(self, given: Sequence[Tensor], levels: Iterable[int], storage: Storage = OWN) -> list[np.ndarray]:
        """Run the Program once on the values of Tensors. Return the outputs in the dtypes of ``levels``."""
        dtype = self.program.dtype
        values = [_checked(leaf, leaf.value, dtype) for leaf in given]
        if len(values) < len(self.leaves):
            values += self.closed_over(storage)
            given = [*given, *self.leaves[self.n_given :]]
        return self.run(values, [given[number] for number in self.program.state], levels, storage)

    def run(
        self, values: Sequence[Any], state: Sequence[Tensor], levels: Iterable[int], storage: Storage = OWN
    ) -> list[np.ndarray]:
        """Run the Program on the values of all inputs, which are known to be exact, and update ``state``."""
        program = self.program
        context = taken(program)
        context.give(values)
        context.run()
        made = [from_arena(value, level) for value, level in zip(context.outputs, levels, strict=True)]
        write = storage.write
        for leaf, value in zip(state, context.state(program.state), strict=True):
            write(leaf, value)
        put_back(context)
        return made


def _checked(leaf: Tensor, value: Any, dtype: np.dtype[Any]) -> Any:
    """Return the value of a leaf. Raise an error if it has none, or if it is not exact in ``dtype``."""
    if value is None:
        raise TracingError(
            f"A value was requested that is known only while the program runs{users_line()}: it differs between the trips of a "
            f"loop, or the rows of a vmap. Compute with the Tensor, use where() or cond() for a branch, and return the result."
        )
    if leaf.level == dtypes.INTEGER:
        dtypes.check_exact(np.asarray(value), dtype)
    return value


def from_arena(value: np.ndarray, level: int) -> np.ndarray:
    """Copy a value from the arena, in the dtype of ``level``."""
    if level > dtypes.INTEGER:
        dtype = dtypes.DTYPE[level]
        made = value.copy() if value.dtype is dtype else value.astype(dtype)
    elif level == dtypes.BOOL:
        made = np.asarray(value != 0)
    else:
        limit = dtypes.exact_limit(value.dtype)
        if not (np.abs(value) <= limit).all():
            raise DTypeError(
                f"An integer result exceeds ±{limit}, or is nan because of an index out of range. "
                f"Check the indices, or compute with floats."
            )
        made = np.asarray(np.rint(value).astype(np.int64))
    made.setflags(write=False)
    return made


KEPT_PROGRAMS = 512
LITERAL_VARIANTS = 4

PROGRAMS: Recent[Any] = Recent(KEPT_PROGRAMS)


class _Variants:
    """The state of a structure that is lowered repeatedly with different literals."""

    def __init__(self) -> None:
        self.count = 0
        self.general: Any = None


def by_structure(flat: Flat, also: Any, make: Callable[[Sequence[Tensor]], T]) -> tuple[T, bool]:
    """Return what ``make`` returns for this structure, and whether literals are inputs of the result.

    A literal is part of the structure, so that it can be folded. If a structure recurs with other literals, such as a learning
    rate that changes in every step, it is lowered once more with its literals as inputs, and the result is used from then on.

    Parameters
    ----------
    flat : Flat
        The structure.
    also : hashable
        Everything else that the result depends on.
    make : callable
        A function of the literals that become inputs.
    """
    whole = flat.key, also, flat.numbers if flat.literals else ()
    found = PROGRAMS.get(whole)
    if found is not None:
        return found, False
    if flat.literals:
        key = whole[:2]
        variants = PROGRAMS.get(key) or PROGRAMS.put(key, _Variants())
        if variants.count >= LITERAL_VARIANTS:
            if variants.general is None:
                variants.general = make(flat.literals)
            return variants.general, True
        variants.count += 1
    return PROGRAMS.put(whole, make(())), False


def lowered(flat: Flat, n_given: int, trips: int = 0) -> Executable:
    """Return the Executable of an expression whose first inputs are given; with ``trips``, one that stacks its outputs."""

    def make(lifted: Sequence[Tensor]) -> Program:
        expression = flat.expression([*flat.leaves, *lifted])
        return lower(repeated(expression, trips) if trips else expression, flat.dtype)

    program, lifted = by_structure(flat, trips, make)
    return Executable(program, [*flat.leaves, *flat.literals] if lifted else flat.leaves, n_given)
