"""The region ops ``while`` and ``cond``: bodies that run while a number is not 0, or if it is not 0.

The operands of a ``while`` are the initial values of the carries and *constants*. They are the inputs of its test, which
computes one number, and of its body, which computes the next carries. The results are the final carries. The operands of a
``cond`` are the predicate and the inputs of both branches, and its results are the outputs of one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape, Shapes
from jitgrad.program.expression import Expression, Step
from jitgrad.program.loop import inputs_of


class While(NamedTuple):
    """The attribute of a step ``while``.

    Attributes
    ----------
    test : Expression
        Its only output is not 0 as long as there is another trip.
    body : Expression
        One trip.
    n_carries : int
        Number of inputs that are carries. The rest are constants.
    """

    test: Expression
    body: Expression
    n_carries: int

    @property
    def bodies(self) -> tuple[Expression, ...]:
        """The test and the body."""
        return self.test, self.body

    def with_bodies(self, bodies: Sequence[Expression]) -> While:
        """Return the loop with other bodies."""
        test, body = bodies
        return While(test, body, self.n_carries)

    @property
    def results(self) -> Shapes:
        """The shapes of the final carries."""
        return Shapes(self.body.shapes(self.body.outputs))

    def check(self, operands: Sequence[Shape]) -> None:
        """Raise ProgramError if operands of these shapes do not match the bodies, or the bodies do not match each other."""
        for body in self.bodies:
            _check_inputs("while", body, operands)
        if self.test.shapes(self.test.outputs) != ((),):
            raise ProgramError("The test of a while is not a single number. Return one.")
        if self.results != tuple(operands[: self.n_carries]):
            raise ProgramError(f"The carries of a while have shapes {self.results} after a trip. Keep their shapes.")


class Branches(NamedTuple):
    """The attribute of a step ``cond``: the body if the predicate is not 0, and the body if it is."""

    true: Expression
    false: Expression

    @property
    def bodies(self) -> tuple[Expression, ...]:
        """Both branches."""
        return tuple(self)

    def with_bodies(self, bodies: Sequence[Expression]) -> Branches:
        """Return other branches."""
        true, false = bodies
        return Branches(true, false)

    @property
    def results(self) -> Shapes:
        """The shapes of the outputs."""
        return Shapes(self.true.shapes(self.true.outputs))

    def check(self, operands: Sequence[Shape]) -> None:
        """Raise ProgramError if operands of these shapes do not match the branches, or the branches do not match each other."""
        for body in self.bodies:
            _check_inputs("cond", body, operands[1:])
        if operands[0] != ():
            raise ProgramError("The predicate of a cond is not a single number. Give one.")
        if self.results != self.false.shapes(self.false.outputs):
            raise ProgramError("The branches of a cond have results of different shapes. Make them agree.")


def branches_of(step: Step) -> While | Branches:
    """Return the attribute of a step ``while`` or ``cond``."""
    found: While | Branches = step.attrs[0][1]
    return found


def branching_step(op: str, args: tuple[int, ...], region: While | Branches) -> Step:
    """Make the step of a ``while`` or a ``cond``."""
    return Step(op, args, (("region", region),), region.results)


def with_bodies(step: Step, bodies: Sequence[Expression]) -> Step:
    """Return a step of a region op with other bodies."""
    ((name, region),) = step.attrs
    return step._replace(attrs=((name, region.with_bodies(bodies)),))


def bodies_of(step: Step) -> tuple[Expression, ...]:
    """Return the bodies of a step of any region op; none for other steps."""
    region: Any = step.attrs[0][1] if step.op in REGIONS else None
    return () if region is None else tuple(region.bodies)


REGIONS = ("loop", "while", "cond", "integrate", "integrate_rows", "adjoint")
"""The region ops."""


def _check_inputs(op: str, body: Expression, operands: Sequence[Shape]) -> None:
    if list(body.shapes(inputs_of(body))) != list(operands):
        raise ProgramError(f"A {op} has operands of shapes {list(operands)}, which its body does not take. Make them agree.")
