"""Encoding: convert steps with places in the arena to instructions, using the rows of their ops."""

from __future__ import annotations

from jitgrad.errors import ProgramError
from jitgrad.ops.table import size_of
from jitgrad.program.assembler import Assembler
from jitgrad.program.expression import Expression, Update, picked
from jitgrad.program.lowering_rules.table import UPDATES, Placed, lowered
from jitgrad.program.memory import Memory
from jitgrad.program.slots import NOWHERE


def encode_step(code: Assembler, expression: Expression, memory: Memory, i: int) -> None:
    """Emit the instructions of step ``i``. Leaves, views and empty values have no instructions."""
    step = expression.steps[i]
    row = lowered(step.op)
    if row.leaf or row.view is not None or size_of(step.shape) == 0:
        return
    if row.emit is None:
        raise ProgramError(f"No instruction computes {step.op}. Run the lowering passes on the expression first.")
    shapes, places = expression.shapes(step.args), picked(memory.places, step.args)
    at = Placed(step.op, step.shape, memory.places[i], shapes, places, memory.scratch.get(i, NOWHERE))
    if step.attrs:
        row.emit(code, at, **dict(step.attrs))
    else:
        row.emit(code, at)


def encode_update(code: Assembler, expression: Expression, memory: Memory, update: Update) -> None:
    """Emit the instructions of an update. An update of empty values has no instructions."""
    operands = update.targets + update.args
    shapes, places = expression.shapes(operands), tuple(memory.places[j] for j in operands)
    if 0 not in shapes[0]:
        UPDATES[update.op].emit(code, Placed(update.op, shapes[0], places[0], shapes, places), **dict(update.attrs))
