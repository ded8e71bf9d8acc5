"""The region ``loop``: a body, an Expression of its own, that runs again and again.

The operands of the step are, in this order, the first values of the *carries*, which each trip takes from the one before; the
*moving* inputs, of which each trip has the next slice; and *constants*. They are the inputs of the body, in this order. The
outputs of the body are the carries for the next trip, and then what is *stacked*: a slice a trip. The results of the step are
the last carries and the stacks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape, Shapes
from jitgrad.program.expression import Expression, Step
from jitgrad.program.slots import STEPS

LANES = 8
"""Into how many runs of trips a parallel loop is cut, for threads to share."""


class Loop(NamedTuple):
    """The attribute of a step ``loop``.

    Attributes:
        body: one trip.
        trips: how often it runs.
        n_carries, n_moving: how many of its inputs are carries, and how many after these move. The rest are constants.
        reverse: whether the trips go through moving inputs and stacks from the last slice to the first.
        parallel: whether no trip needs another: then there are no carries.
        tail: one more trip, on what is left of the moving inputs where slices do not divide them; None where they do.
    """

    body: Expression
    trips: int
    n_carries: int = 0
    n_moving: int = 0
    reverse: bool = False
    parallel: bool = False
    tail: Expression | None = None

    @property
    def bodies(self) -> tuple[Expression, ...]:
        """The body, and the tail if there is one."""
        return (self.body,) if self.tail is None else (self.body, self.tail)

    @property
    def lanes(self) -> int:
        """The runs of trips that threads share; 0 where they do not."""
        return min(LANES, self.trips) if self.parallel else 0

    @property
    def stacked(self) -> tuple[int, ...]:
        """The outputs of the body that are stacked."""
        return self.body.outputs[self.n_carries :]

    @property
    def results(self) -> Shapes:
        """The shapes of the last carries and of the stacks."""
        shapes = self.body.shapes(self.body.outputs)
        slices = self.trips + (self.tail is not None)
        return Shapes((*shapes[: self.n_carries], *((slices, *shape) for shape in shapes[self.n_carries :])))

    @property
    def changes(self) -> set[int]:
        """The numbers of the inputs that updates of the body change."""
        return {self.body.steps[i].attr("leaf") for i in self.body.state}

    def stacking(self, outputs: tuple[int, ...]) -> Loop:
        """The same loop, which stacks these outputs of its body."""
        name = self.body.entries[0][0]
        return self._replace(body=self.body._replace(entries=((name, self.body.outputs[: self.n_carries] + outputs),)))

    def check(self, operands: Sequence[Shape]) -> None:
        """Raise ProgramError where operands of these shapes do not fit the bodies, or the bodies the way they run."""
        n, moving = self.n_carries, range(self.n_carries, self.n_carries + self.n_moving)
        taken = [0] * len(operands)
        for body, times in zip(self.bodies, (self.trips, 1), strict=False):
            shapes = body.shapes(inputs_of(body))
            if len(shapes) != len(operands):
                raise ProgramError(f"A loop has {len(operands)} operands and its body {len(shapes)} inputs. Give one for each.")
            for number, (shape, operand) in enumerate(zip(shapes, operands, strict=True)):
                taken[number] += times * math.prod(shape)
                if shape != operand and number not in moving:
                    raise ProgramError(f"Operand {number} of a loop has shape {operand}, and {shape} inside. Make them agree.")
            if body.shapes(body.outputs[:n]) != shapes[:n]:
                raise ProgramError(f"The carries of a loop have the shapes {shapes[:n]} and become others. Make them agree.")
        for number in moving:
            if taken[number] != math.prod(operands[number]):
                raise ProgramError(f"Operand {number} of a loop, {operands[number]}, has not a slice a trip. Give it one.")
        if self.parallel and (n or self.body.updates):
            raise ProgramError("A parallel loop has carries or updates, so trips depend on one another. Run them in order.")
        if self.tail is not None and (
            n or self.reverse or self.tail.shapes(self.tail.outputs) != self.body.shapes(self.stacked)
        ):
            raise ProgramError("The tail of a loop does not continue its trips. Give slices that divide the moving inputs.")


def repeated(expression: Expression, trips: int) -> Expression:
    """The loop that runs all of an Expression again and again, on the same inputs, and stacks its outputs."""
    inputs = [expression.steps[i] for i in inputs_of(expression)]
    body = expression._replace(entries=(("value", expression.outputs),))
    loop = Loop(body, trips)
    steps = [*inputs, loop_step(tuple(range(len(inputs))), loop)]
    steps += [Step("get", (len(inputs),), (("index", k),), shape) for k, shape in enumerate(loop.results)]
    return Expression(tuple(steps), ((STEPS, tuple(range(len(inputs) + 1, len(steps)))),))


def loop_of(step: Step) -> Loop:
    """The attribute of a step ``loop``."""
    found: Loop = step.attrs[0][1]
    return found


def loop_step(args: tuple[int, ...], loop: Loop) -> Step:
    """The step of a loop."""
    return Step("loop", args, (("loop", loop),), loop.results)


def inputs_of(body: Expression) -> list[int]:
    """The positions of a body's inputs, by number."""
    return sorted((i for i, step in enumerate(body.steps) if step.op == "input"), key=lambda i: body.steps[i].attrs)
