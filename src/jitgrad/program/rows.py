"""The region op ``integrate_rows``: an integration for many rows, of which several are integrated side by side, in lanes.

The operands and results of the step are those of ``integrate``, see ``program/integrate.py``. Operands that differ from row to
row, and all results, have the rows as a new first axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape, Shapes
from jitgrad.program.expression import Expression, Step
from jitgrad.program.integrate import OPERANDS, START, Integration
from jitgrad.program.loop import inputs_of


class Rows(NamedTuple):
    """The attribute of a step ``integrate_rows``.

    Attributes
    ----------
    integration : Integration
        The integration of one row.
    body : Expression
        The derivatives of the states for all lanes: what differs from row to row has the lanes as a new last axis.
    rows : int
        Number of rows.
    moving : tuple of int
        The operands that differ from row to row, among them the initial time and all states.
    """

    integration: Integration
    body: Expression
    rows: int
    moving: tuple[int, ...]

    @property
    def bodies(self) -> tuple[Expression, ...]:
        """The body for all lanes, and those for one row, each with the same inputs."""
        return (self.body, *self.integration.bodies)

    def with_bodies(self, bodies: Sequence[Expression]) -> Rows:
        """Return the integration with other bodies."""
        return self._replace(body=bodies[0], integration=self.integration.with_bodies(bodies[1:]))

    def results(self, operands: Sequence[Shape]) -> Shapes:
        """Return the shapes of the results for operands of these shapes. Raise ProgramError if they do not match the bodies."""
        needed = {START, *range(OPERANDS, OPERANDS + self.integration.n_states)}
        if not needed.issubset(self.moving) or any(operands[k][:1] != (self.rows,) for k in self.moving):
            raise ProgramError(f"Some operands of {operands} do not have {self.rows} rows. Give all states their rows.")
        one = self.integration.results(self.row(operands))
        if len(inputs_of(self.body)) != len(inputs_of(self.integration.body)):
            raise ProgramError("The body for lanes has other inputs than that for a row. Make them equal.")
        return Shapes(tuple((self.rows, *shape) for shape in one))

    def row(self, operands: Sequence[Shape]) -> tuple[Shape, ...]:
        """Return the shapes of the operands for one row."""
        return tuple(shape[1:] if k in self.moving else shape for k, shape in enumerate(operands))


def rows_of(step: Step) -> Rows:
    """Return the attribute of a step ``integrate_rows``."""
    found: Rows = step.attrs[0][1]
    return found
