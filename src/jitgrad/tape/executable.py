"""The one way to native code: a lowered Program, what it closes over, and the memory that it runs in.

Values that are asked for, gradients, traced functions, training steps and models of curves all run as Executables. Programs are
kept by their structure, so that what is recorded again is neither differentiated nor lowered again.
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
    """Where Variables that an Executable closes over have their values: in themselves."""

    def read(self, leaf: Tensor) -> Any:
        """The value now of what ``leaf`` is."""
        return leaf.value if leaf.variable is None else leaf.variable.leaf.value

    def write(self, leaf: Tensor, value: np.ndarray) -> None:
        """Give the Variable a value, which is copied."""
        assert leaf.variable is not None
        leaf.variable.store(value)


OWN = Storage()


class Executable:
    """A Program with what is known of its inputs.

    Attributes:
        program: the Program.
        leaves: the Tensor of each input. The first ones are given when it runs; the others it closes over: Variables, which are
            read then, constants, and numbers of the code that are inputs.
        n_given: how many are given.
    """

    __slots__ = ("leaves", "n_given", "program")

    def __init__(self, program: Program, leaves: Sequence[Tensor], n_given: int) -> None:
        self.program = program
        self.leaves = leaves
        self.n_given = n_given

    @property
    def state(self) -> list[Any]:
        """The Variables that it updates, as they stand in the arena."""
        return [self.leaves[number].variable for number in self.program.state]

    def context(self) -> lent:
        """``with executable.context() as context``: one that nobody else uses."""
        return lent(self.program)

    def closed_over(self, storage: Storage = OWN) -> Iterator[Any]:
        """The values now of the inputs that are not given."""
        for leaf in self.leaves[self.n_given :]:
            yield _checked(leaf, storage.read(leaf), self.program.dtype)

    def load(self, context: Context, storage: Storage = OWN) -> None:
        """Copy these values to their places in a context."""
        context.load(self.closed_over(storage), self.n_given)

    def store(self, context: Context, storage: Storage = OWN) -> None:
        """Give the Variables that were updated in a context their new values."""
        for number in self.program.state:
            storage.write(self.leaves[number], context.inputs[number])

    def call(self, given: Sequence[Tensor], levels: Iterable[int], storage: Storage = OWN) -> list[np.ndarray]:
        """Run it once, on the values of Tensors; the values of the outputs, in the dtypes of ``levels``."""
        dtype = self.program.dtype
        values = [_checked(leaf, leaf.value, dtype) for leaf in given]
        if len(values) < len(self.leaves):
            values += self.closed_over(storage)
            given = [*given, *self.leaves[self.n_given :]]
        return self.run(values, [given[number] for number in self.program.state], levels, storage)

    def run(
        self, values: Sequence[Any], state: Sequence[Tensor], levels: Iterable[int], storage: Storage = OWN
    ) -> list[np.ndarray]:
        """The same with the values of all inputs, which are known to be exact; ``state`` are those that are updated."""
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
    """The value of a leaf, where it has one that is exact in ``dtype``."""
    if value is None:
        raise TracingError(
            f"A value was asked for that is known only as the program runs{users_line()}: it is another one in each trip of a "
            f"loop, or in each row of a vmap. Compute with it there, with where() for a branch, and return what is needed."
        )
    if leaf.level == dtypes.INTEGER:
        dtypes.check_exact(np.asarray(value), dtype)
    return value


def from_arena(value: np.ndarray, level: int) -> np.ndarray:
    """A value out of the arena, copied, in the dtype of ``level``."""
    if level > dtypes.INTEGER:
        dtype = dtypes.DTYPE[level]
        made = value.copy() if value.dtype is dtype else value.astype(dtype)
    elif level == dtypes.BOOL:
        made = np.asarray(value != 0)
    else:
        limit = dtypes.exact_limit(value.dtype)
        if not (np.abs(value) <= limit).all():
            raise DTypeError(
                f"A result of integers has one beyond ±{limit}, or none at all (a row that is not there). "
                f"Check the indices, or compute in floats."
            )
        made = np.asarray(np.rint(value).astype(np.int64))
    made.setflags(write=False)
    return made


KEPT_PROGRAMS = 512
LITERAL_VARIANTS = 4

PROGRAMS: Recent[Any] = Recent(KEPT_PROGRAMS)


class _Variants:
    """A structure with other literals again and again: how often it was lowered for them, and what takes them as inputs."""

    def __init__(self) -> None:
        self.count = 0
        self.general: Any = None


def by_structure(flat: Flat, also: Any, make: Callable[[Sequence[Tensor]], T]) -> tuple[T, bool]:
    """What ``make`` made for an equal structure, and whether that takes the literals as inputs.

    A literal is part of the structure, so that it can be folded. A structure that keeps coming back with other literals (a
    learning rate that changes every step) is lowered once more with its literals as inputs, and that one serves them all.

    Args:
        flat: the structure.
        also: what else it is made for.
        make: is given the literals that shall be inputs.
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
    """What runs an expression whose first inputs are given; or runs it ``trips`` times, and stacks its outputs."""

    def make(lifted: Sequence[Tensor]) -> Program:
        expression = flat.expression([*flat.leaves, *lifted])
        return lower(repeated(expression, trips) if trips else expression, flat.dtype)

    program, lifted = by_structure(flat, trips, make)
    return Executable(program, [*flat.leaves, *flat.literals] if lifted else flat.leaves, n_given)
