"""The region op ``loop``: a body, itself an Expression, that runs repeatedly.

The operands of the step are, in this order: the initial values of the *carries*, which each trip takes from the previous one;
the *moving* inputs, of which each trip reads the next slice; and *constants*. The inputs of the body have the same order.
The outputs of the body are the next carries, followed by the *stacked* values: one slice per trip. The results of the step are
the final carries and the stacks.
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
"""Number of ranges of trips of a parallel loop, which threads share."""


class Loop(NamedTuple):
    """The attribute of a step ``loop``.

    Attributes
    ----------
    body : Expression
        One trip.
    trips : int
        Number of trips.
    n_carries, n_moving : int
        Number of inputs that are carries, and number of moving inputs after them. The rest are constants.
    reverse : bool
        Whether trips proceed from the last slice to the first.
    parallel : bool
        Whether trips are independent, in which case there are no carries.
    tail : Expression or None
        One more trip for the remainder of the moving inputs, if the slices do not divide them.
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

    def with_bodies(self, bodies: Sequence[Expression]) -> Loop:
        """Return the loop with other bodies."""
        return self._replace(body=bodies[0], tail=None if self.tail is None else bodies[1])

    @property
    def lanes(self) -> int:
        """Number of ranges of trips that threads share; 0 if they share none."""
        return min(LANES, self.trips) if self.parallel else 0

    @property
    def stacked(self) -> tuple[int, ...]:
        """The outputs of the body that are stacked."""
        return self.body.outputs[self.n_carries :]

    @property
    def results(self) -> Shapes:
        """The shapes of the final carries and of the stacks."""
        shapes, n = self.body.shapes(self.body.outputs), self.n_carries
        rest: Sequence[Shape | None] = [None] * len(shapes) if self.tail is None else self.tail.shapes(self.tail.outputs)
        return Shapes((*shapes[:n], *(self._stack(*pair) for pair in zip(shapes[n:], rest[n:], strict=True))))

    def _stack(self, shape: Shape, rest: Shape | None) -> Shape:
        """Return the shape of a stack. A tail with fewer rows adds them along the first axis of the values."""
        if rest is None or rest == shape:
            return (self.trips + (rest is not None), *shape)
        return (self.trips * shape[0] + rest[0], *shape[1:])

    @property
    def changes(self) -> set[int]:
        """The numbers of the inputs that updates in the body change."""
        return {self.body.steps[i].attr("leaf") for i in self.body.state}

    def stacking(self, outputs: tuple[int, ...]) -> Loop:
        """Return the loop with these outputs of its body stacked instead."""
        name = self.body.entries[0][0]
        return self._replace(body=self.body._replace(entries=((name, self.body.outputs[: self.n_carries] + outputs),)))

    def check(self, operands: Sequence[Shape]) -> None:
        """Raise ProgramError if operands of these shapes do not match the bodies, or the bodies are not valid for the loop."""
        n, moving = self.n_carries, range(self.n_carries, self.n_carries + self.n_moving)
        taken = [0] * len(operands)
        for body, times in zip(self.bodies, (self.trips, 1), strict=False):
            shapes = body.shapes(inputs_of(body))
            if len(shapes) != len(operands):
                raise ProgramError(
                    f"A loop has {len(operands)} operands and its body {len(shapes)} inputs. Make the numbers agree."
                )
            for number, (shape, operand) in enumerate(zip(shapes, operands, strict=True)):
                taken[number] += times * math.prod(shape)
                if shape != operand and number not in moving:
                    raise ProgramError(
                        f"Operand {number} of a loop has shape {operand}, but {shape} in the body. Use the same shape."
                    )
            if body.shapes(body.outputs[:n]) != shapes[:n]:
                raise ProgramError(
                    f"The carries of a loop have shapes {shapes[:n]}, but other shapes after a trip. Keep their shapes."
                )
        for number in moving:
            if taken[number] != math.prod(operands[number]):
                raise ProgramError(
                    f"Operand {number} of a loop, {operands[number]}, does not have one slice per trip. Change its first axis."
                )
        if self.parallel and (n or self.body.updates):
            raise ProgramError(
                "A parallel loop has carries or updates, so its trips depend on one another. Make it sequential."
            )
        if self.tail is not None and (n or self.reverse or not self._continues(self.tail)):
            raise ProgramError("The tail of a loop does not continue its trips. Use slices that divide the moving inputs.")

    def _continues(self, tail: Expression) -> bool:
        """Return whether the stacked values of a tail have the shapes of those of the body, up to the number of rows."""
        pairs = zip(tail.shapes(tail.outputs), self.body.shapes(self.stacked), strict=False)
        return len(tail.outputs) == len(self.stacked) and all(a == b or (a and b and a[1:] == b[1:]) for a, b in pairs)


def repeated(expression: Expression, trips: int) -> Expression:
    """Return the loop that runs a whole Expression repeatedly on the same inputs and stacks its outputs."""
    inputs = [expression.steps[i] for i in inputs_of(expression)]
    body = expression._replace(entries=(("value", expression.outputs),))
    loop = Loop(body, trips)
    steps = [*inputs, loop_step(tuple(range(len(inputs))), loop)]
    steps += [Step("get", (len(inputs),), (("index", k),), shape) for k, shape in enumerate(loop.results)]
    return Expression(tuple(steps), ((STEPS, tuple(range(len(inputs) + 1, len(steps)))),))


def loop_of(step: Step) -> Loop:
    """Return the attribute of a step ``loop``."""
    found: Loop = step.attrs[0][1]
    return found


def loop_step(args: tuple[int, ...], loop: Loop) -> Step:
    """Make the step of a loop."""
    return Step("loop", args, (("loop", loop),), loop.results)


def inputs_of(body: Expression) -> list[int]:
    """Return the positions of a body's inputs, by number."""
    return sorted((i for i, step in enumerate(body.steps) if step.op == "input"), key=lambda i: body.steps[i].attrs)
