"""Updates of state in place: optimizer steps, constraints, assignments, and the state of the random number generator."""

from __future__ import annotations

import math

from jitgrad.ops import Shape
from jitgrad.ops.random import STATE_SIZE
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import UpdateRule
from jitgrad.program.lowering_rules.products import fuse_descent
from jitgrad.program.lowering_rules.table import UPDATES, Placed, Updating
from jitgrad.vm.instructions import INSTRUCTIONS, OPCODE


def _assign(code: Assembler, at: Placed) -> None:
    code.emit("copy", d=at.d, a=at.places[1], n=math.prod(at.shape))


def _emit(code: Assembler, at: Placed, **attrs: int) -> None:
    """Emit an instruction whose fields are the places of targets and arguments, then attributes or the size ``n``."""
    fields = dict(zip(INSTRUCTIONS[OPCODE[at.op]].fields, at.places, strict=False))
    code.emit(at.op, **fields, **(attrs or {"n": math.prod(at.shape)}))


def _declare(
    name: str,
    targets: str,
    args: str = "",
    fuse: UpdateRule | None = None,
    **sizes: int,
) -> None:
    """Declare an update with the instruction of the same name; ``sizes`` has the operands whose sizes differ from the first.

    The hyperparameters ``h`` may contain more elements than the instruction reads.
    """
    fields = (*targets.split(), *args.split())

    def fits_field(field: str, shape: Shape, first: Shape) -> bool:
        if field not in sizes:
            return shape == first
        return math.prod(shape) >= sizes[field] if field == "h" else math.prod(shape) == sizes[field]

    def fits(*shapes: Shape) -> bool:
        return all(fits_field(field, shape, shapes[0]) for field, shape in zip(fields, shapes, strict=True))

    UPDATES[name] = Updating(name, len(targets.split()), len(args.split()), _emit, fits, fuse)


UPDATES["assign"] = Updating("assign", 1, 1, _assign, lambda target, value: target == value)
_declare("sgd", "p", "g h", fuse_descent, h=1)
_declare("momentum", "p v", "g h", h=2)
_declare("nesterov", "p v", "g h", h=2)
_declare("adam_rate", "s", "h", s=3, h=4)
_declare("adam", "p m v s", "g h", s=3, h=4)
_declare("advance", "p", p=STATE_SIZE)
_declare("nonnegative", "p")
_declare("bound_norms", "p", "h", h=4)
