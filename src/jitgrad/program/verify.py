"""Verification of the invariants of an Expression, on which every pass relies. Tests run it after each pass."""

from __future__ import annotations

from jitgrad.errors import JitgradError, ProgramError
from jitgrad.ops import OPS
from jitgrad.program.branches import bodies_of
from jitgrad.program.expression import Expression, Step, Update
from jitgrad.program.loop import loop_of
from jitgrad.program.lowering_rules.table import UPDATES, lowered, result_shape
from jitgrad.program.slots import GRADIENT, UPDATE


def verify(expression: Expression, within: str = "") -> None:
    """Verify an Expression, or the body of the region op that it is ``within``.

    Every op and update has a row. Operands precede their use, and their number matches the op. Attributes are known and
    hashable, and shapes agree with the shape rule. Inputs are numbered consecutively from 0. Entries have unique names. Updates
    change inputs and match the shapes of their arguments. Raise ProgramError otherwise.
    """
    for i, step in enumerate(expression.steps):
        where = f"{within}Step {i} ({step.op})"
        if not all(isinstance(j, int) and 0 <= j < i for j in step.args):
            raise ProgramError(f"{where} has operands {step.args}. Operands must precede their use.")
        _check_step(expression, step, where)
    _check_leaves(expression)
    names = [name for name, _ in expression.entries]
    if len(set(names)) < len(names) or {GRADIENT, UPDATE} & {*names}:
        raise ProgramError(f"The entries are {names}. Use unique names other than {GRADIENT!r} and {UPDATE!r}.")
    for name, outputs in expression.entries:
        _check_numbers(expression, outputs, f"The entry {name!r}")
    for number, update in enumerate(expression.updates):
        _check_update(expression, update, f"Update {number} ({update.op})")


def _check_step(expression: Expression, step: Step, where: str) -> None:
    row, op = lowered(step.op), OPS.get(step.op)
    attrs = dict(step.attrs)
    if op is not None and op.options is not None and attrs.keys() != op.options:
        raise ProgramError(f"{where} has the attributes {sorted(attrs)}. It takes {sorted(op.options)}.")
    if op is not None and op.arity not in (None, len(step.args)):
        raise ProgramError(f"{where} has {len(step.args)} operands. It takes {op.arity}.")
    try:
        hash(step)
        expected = step.shape if step.op == "input" else result_shape(step.op, expression.shapes(step.args), attrs)
    except (JitgradError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ProgramError(f"{where} has invalid operands or attributes: {error} Correct the pass.") from None
    if step.shape != expected:
        raise ProgramError(f"{where} has shape {step.shape}. The shape rule of its op gives {expected}.")
    if row.leaf and step.args:
        raise ProgramError(f"{where} has operands {step.args}. A leaf has no operands.")
    if step.op == "loop":
        _check_effects(expression, step, where)
    for body in bodies_of(step):
        verify(body, f"{where}: ")


def _check_leaves(expression: Expression) -> None:
    numbers = [dict(step.attrs).get("leaf") for step in expression.steps if step.op == "input"]
    if set(numbers) != set(range(len(numbers))):
        raise ProgramError(f"The inputs have the numbers {numbers}. Number them consecutively from 0.")


def _check_numbers(expression: Expression, numbers: tuple[int, ...], where: str) -> None:
    wrong = [i for i in numbers if not 0 <= i < len(expression.steps)]
    if wrong:
        raise ProgramError(f"{where} refers to steps {wrong} of {len(expression.steps)}. Use steps that exist.")


def _check_update(expression: Expression, update: Update, where: str) -> None:
    row = UPDATES.get(update.op)
    if row is None:
        raise ProgramError(f"{where} is unknown. Add a row to program/lowering_rules.")
    operands = update.targets + update.args
    _check_numbers(expression, operands, where)
    if (len(update.targets), len(update.args)) != (row.targets, row.args):
        raise ProgramError(
            f"{where} has {len(update.targets)} targets and {len(update.args)} arguments. This differs from its row."
        )
    if any(expression.steps[i].op != "input" for i in update.targets):
        raise ProgramError(f"{where} changes steps {update.targets}. Only inputs can be changed.")
    if not row.fits(*expression.shapes(operands)):
        raise ProgramError(f"{where} has operands of shapes {expression.shapes(operands)}. These shapes do not match.")


def _check_effects(expression: Expression, step: Step, where: str) -> None:
    """Check that a body has one entry and updates only constants of the loop that are inputs outside."""
    loop = loop_of(step)
    if any(len(body.entries) != 1 for body in loop.bodies):
        raise ProgramError(f"{where} has a body with several entries. Use one entry.")
    for number in loop.changes:
        if number < loop.n_carries + loop.n_moving or expression.steps[step.args[number]].op != "input":
            raise ProgramError(f"{where} has a body that changes operand {number}. Change constants that are inputs.")
