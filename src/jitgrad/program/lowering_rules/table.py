"""The rows of the table of lowered ops: everything that lowering needs to know about an op.

Passes, memory assignment and the encoder walk over steps and look up the row of each. The shape rules of recorded ops are in
``ops``, the shape rules of ops that only lowering creates are here.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jitgrad.errors import ProgramError
from jitgrad.ops import OPS, Shape
from jitgrad.program.expression import Rule, Step, UpdateRule
from jitgrad.program.slots import NOWHERE, Slot

OperandShapes = tuple[Shape, ...]


class Rows(enum.Enum):
    """How a value relates to the rows of the data."""

    FIXED = "independent of the rows"
    EACH = "one row for each row"
    SUM = "a sum over the rows"
    LATE = "computed from sums"


def keeps_rows(shape: Shape, result: Shape, has_rows: bool) -> bool:
    """Return whether an operand has the rows of the result, or broadcasts along them."""
    return len(shape) == len(result) if has_rows else len(shape) < len(result) or shape[0] == 1


class Placed(NamedTuple):
    """A step or an update with the places of its operands and results in the arena.

    Attributes
    ----------
    shape, d : tuple and int
        Shape and place of the result, or of the first target of an update.
    shapes, places : tuple
        Shapes and places of the operands; for an update, of its targets and then its arguments.
    scratch : int
        Place of the kernel's scratch memory; unused for updates.
    """

    op: str
    shape: Shape
    d: int
    shapes: OperandShapes
    places: tuple[int, ...]
    scratch: Slot = NOWHERE


Emit = Callable[..., None]
"""``emit(code, at, **attrs)`` appends the instructions of a Placed to an Assembler."""
ByRows = Callable[[Step, OperandShapes, Sequence[bool], int], Rows | None]
"""``by_rows(step, shapes, has_rows, rows)`` classifies a step in which some operands have ``rows`` rows; None if unknown."""


@dataclass(frozen=True, eq=False)
class Lowered:
    """The row of one op.

    Attributes
    ----------
    name : str
        The name of a recorded op, or of one that only lowering creates.
    emit : Emit or None
        None for ops that a pass must have replaced.
    shape : callable or None
        ``shape(shapes, **attrs) -> shape``; None if ``OPS`` has the rule.
    leaf : bool
        Whether it has no operands and its place is given at run time.
    fuse : tuple of Rule
        Rules that fuse a step with its operands. The first one that applies is used.
    legalise : Rule or None
        The rule that replaces what no instruction computes.
    view : callable or None
        The element of the operand at which the result starts; None if the result has its own memory.
    by_address : bool
        Whether its kernel is called by address. It finds its operands through the table, whose entries cannot move.
    scratch : callable or None
        Number of elements of scratch memory of its kernel.
    by_rows : ByRows or None
        Classification for ``tile_rows``.
    repeats : bool
        Whether it can create equal rows from an operand without rows.
    apart : callable or None
        Splits the step into a sum over rows and an addition. None if it is only a sum.
    """

    name: str
    emit: Emit | None = None
    shape: Callable[..., Shape] | None = None
    leaf: bool = False
    fuse: tuple[Rule, ...] = ()
    legalise: Rule | None = None
    view: Callable[[Step, OperandShapes], int] | None = None
    by_address: bool = False
    scratch: Callable[[Step, OperandShapes], int] | None = None
    by_rows: ByRows = lambda step, shapes, has_rows, rows: None
    repeats: bool = False
    apart: Rule | None = None


LOWERED: dict[str, Lowered] = {}


def declare(row: Lowered) -> None:
    """Add a row to the table."""
    LOWERED[row.name] = row


def lowered(name: str) -> Lowered:
    """Return the row of an op. Raise ProgramError if it does not exist."""
    row = LOWERED.get(name)
    if row is None:
        op = OPS.get(name)
        if op is None or op.kernel is None:
            raise ProgramError(f"The op {name!r} cannot be lowered. Add a row to program/lowering_rules.")
        return LOWERED["custom"]
    return row


def result_shape(name: str, shapes: OperandShapes, attrs: Mapping[str, Any]) -> Shape:
    """Infer the shape of a result by the op's rule. Errors of the rule become ProgramErrors."""
    shape = lowered(name).shape
    if shape is not None:
        return shape(shapes, **attrs)
    op = OPS[name]
    return op.shape(op, shapes, dict(attrs))


@dataclass(frozen=True, eq=False)
class Updating:
    """The row of one update, a change of state in place.

    Attributes
    ----------
    name : str
        Name of the update.
    targets, args : int
        Number of inputs that it changes, and number of its arguments.
    emit : Emit
        Appends its instructions.
    fits : callable
        Whether it accepts operands of these shapes, targets first.
    fuse : callable or None
        Returns a better form of the update, or None.
    apart : callable or None
        Returns the update with a separate step for an argument that is summed over rows.
    """

    name: str
    targets: int
    args: int
    emit: Emit
    fits: Callable[..., bool]
    fuse: UpdateRule | None = None
    apart: UpdateRule | None = None


UPDATES: dict[str, Updating] = {}
