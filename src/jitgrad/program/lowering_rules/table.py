"""What a row of the table of lowered ops has: all that lowering knows of an op.

The passes, memory and the encoder walk over steps, and ask the row of each. Recorded ops have their shape rules in ``ops``,
those that only lowering makes have theirs here.
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
    """What a value has of the rows of the data."""

    FIXED = "nothing of them"
    EACH = "a row for each"
    SUM = "a sum over them"
    LATE = "what is computed from sums"


def keeps_rows(shape: Shape, result: Shape, has_rows: bool) -> bool:
    """Whether an operand has its rows where the result has them, or repeats along them."""
    return len(shape) == len(result) if has_rows else len(shape) < len(result) or shape[0] == 1


class Placed(NamedTuple):
    """A step or an update with the places in the arena of what it touches.

    Attributes:
        shape, d: of the result; of an update those of the first target.
        shapes, places: of the operands; of an update the targets and then what it takes.
        scratch: what the kernel works in; of an update, nothing.
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
"""``by_rows(step, shapes, has_rows, rows)``: what a step is of which some operands have ``rows`` rows; None: not known."""


@dataclass(frozen=True, eq=False)
class Lowered:
    """One op.

    Attributes:
        name: a recorded op's, or one that only lowering knows.
        emit: see ``Emit``; None for what a pass must have replaced before.
        shape: ``shape(shapes, **attrs) -> shape``; None where ``OPS`` has the rule.
        leaf: whether it has no operands, and its place is given when a Program runs.
        fuse: rules for what can be one step with its operands, of which the first one that applies counts.
        legalise: the rule that spells out what no instruction does by itself.
        view: the element of its operand at which the result lies; None for what has a place of its own.
        by_address: whether its kernel is called by address, and finds its operands in the table, which does not move.
        scratch: elements that its kernel works in, if any.
        by_rows: see ``ByRows``.
        repeats: whether it can make rows, all alike, of an operand that has none.
        apart: as two steps, a sum over rows and what is added to it; None where it is but a sum.
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
    """The row of an op. Raises ProgramError where there is none."""
    row = LOWERED.get(name)
    if row is None:
        op = OPS.get(name)
        if op is None or op.kernel is None:
            raise ProgramError(f"There is no op {name!r} to lower. Give it a row in program/lowering_rules.")
        return LOWERED["custom"]
    return row


def result_shape(name: str, shapes: OperandShapes, attrs: Mapping[str, Any]) -> Shape:
    """The shape of a result by the op's rule. What the rule raises says that it is none."""
    shape = lowered(name).shape
    if shape is not None:
        return shape(shapes, **attrs)
    op = OPS[name]
    return op.shape(op, shapes, dict(attrs))


@dataclass(frozen=True, eq=False)
class Updating:
    """One update, a change of state in place.

    Attributes:
        name: of the update.
        targets, args: how many inputs it changes, and how many values it takes.
        emit: see ``Emit``.
        fits: whether it takes operands of these shapes, the targets first.
        fuse: the update in a better form, or None.
        apart: the same where what it takes is summed over rows.
    """

    name: str
    targets: int
    args: int
    emit: Emit
    fits: Callable[..., bool]
    fuse: UpdateRule | None = None
    apart: UpdateRule | None = None


UPDATES: dict[str, Updating] = {}
