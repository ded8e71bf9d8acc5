"""The region op ``adjoint``: an integration, and the cotangents of its initial states and constants.

The operands of the step are those of an ``integrate``, with the cotangents of the states at the times before the constants. The
inputs of the bodies are the time, the states, weights of the shapes of the states, and the constants. The results are the
states at the times and the statistics, the cotangents of the initial states, and those of the wanted constants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape, Shapes
from jitgrad.program.expression import Expression
from jitgrad.program.integrate import OPERANDS, Integration
from jitgrad.program.loop import inputs_of
from jitgrad.vm.integrate import layout


def checkpoints_for(size: int) -> int:
    """Return the number of checkpoints for states of a size: two thousand in a few megabytes, or fewer of large states."""
    return max(128, min(2048, 2**20 // layout.checkpoint(size)))


class Adjoint(NamedTuple):
    """The attribute of a step ``adjoint``.

    Attributes
    ----------
    integration : Integration
        The integration.
    body : Expression
        The derivatives of the states.
    jacobian : Expression or None
        For implicit methods, the Jacobian of the integration.
    pull : Expression
        The derivatives of the states and the wanted constants, as vector-Jacobian products of the body with the weights.
    wanted : tuple of int
        The numbers of the constants whose cotangents are results.
    most_checkpoints : int
        The number of checkpoints.
    """

    integration: Integration
    body: Expression
    jacobian: Expression | None
    pull: Expression
    wanted: tuple[int, ...]
    most_checkpoints: int

    @property
    def bodies(self) -> tuple[Expression, ...]:
        """The bodies, each with the same inputs."""
        return tuple(body for body in (self.body, self.jacobian, self.pull) if body is not None)

    def with_bodies(self, bodies: Sequence[Expression]) -> Adjoint:
        """Return the op with other bodies."""
        body, *jacobian, pull = bodies
        return self._replace(body=body, jacobian=jacobian[0] if jacobian else None, pull=pull)

    @property
    def constants(self) -> tuple[Shape, ...]:
        """The shapes of the wanted constants."""
        shapes = self.body.shapes(inputs_of(self.body))[1 + 2 * self.integration.n_states :]
        return tuple(shapes[k] for k in self.wanted)

    @property
    def n_constants(self) -> int:
        """Number of elements of the wanted constants."""
        return sum(map(math.prod, self.constants))

    def results(self, operands: Sequence[Shape]) -> Shapes:
        """Return the shapes of the results for operands of these shapes. Raise ProgramError if they do not match the bodies."""
        n, count = self.integration.n_states, operands[1][0]
        states, cotangents = operands[OPERANDS : OPERANDS + n], operands[OPERANDS + n : OPERANDS + 2 * n]
        given = ((), *states, *states, *operands[OPERANDS + 2 * n :])
        if any(body.shapes(inputs_of(body)) != given for body in self.bodies):
            raise ProgramError(f"An adjoint has operands of shapes {given}, which its bodies do not take. Make them equal.")
        if cotangents != tuple((count, *shape) for shape in states):
            raise ProgramError(f"An adjoint has cotangents of shapes {cotangents} for {count} times. Make them agree.")
        values = [(count, *shape) for shape in states]
        return Shapes((*values, (layout.RESULTS,), *states, *self.constants))
