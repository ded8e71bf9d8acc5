"""The region op ``integrate``: a right-hand side, itself an Expression, that is integrated over time.

The operands of the step are, in this order: the start time; the times at which the states are wanted; the settings, see
``vm/integrate/layout.py``; the numbers of the method; the initial *states*; and *constants*. The inputs of the bodies are the
time, the states and the constants. The results of the step are the states at the wanted times, stacked along a first axis, the
statistics, the times of events, and the ends of steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.errors import ProgramError
from jitgrad.ops import Shape, Shapes
from jitgrad.program.expression import Expression
from jitgrad.program.loop import inputs_of
from jitgrad.vm.integrate import layout
from jitgrad.vm.integrate.tableaux import packed

START, TIMES, SETTINGS, METHOD, OPERANDS = range(5)
"""The operands before the states."""


class Detection(NamedTuple):
    """What an integration returns about events and steps.

    Attributes
    ----------
    directions, terminal : tuple of int
        For each event, 0 for all zeros, 1 for those of rising and 2 for those of falling values; and the number of zeros that
        stops the integration, 0 for none.
    most_events, recorded : int
        Number of times to return for each event, and number of ends of steps to return.
    """

    directions: tuple[int, ...] = ()
    terminal: tuple[int, ...] = ()
    most_events: int = 0
    recorded: int = 0


class Integration(NamedTuple):
    """The attribute of a step ``integrate``.

    Attributes
    ----------
    body : Expression
        The derivatives of the states.
    method : str
        The name of the method.
    n_states : int
        Number of states.
    n_controlled : int
        Number of states, from the first on, whose errors determine the steps.
    jacobian : Expression or None
        For implicit methods, the derivatives of the elements of the controlled states by these elements, a matrix.
    events : Expression or None
        The values whose zeros are events.
    detection : Detection
        What to return about events and steps.
    """

    body: Expression
    method: str
    n_states: int
    n_controlled: int
    jacobian: Expression | None = None
    events: Expression | None = None
    detection: Detection = Detection()

    @property
    def bodies(self) -> tuple[Expression, ...]:
        """The bodies, each with the same inputs."""
        return tuple(body for body in (self.body, self.jacobian, self.events) if body is not None)

    def with_bodies(self, bodies: Sequence[Expression]) -> Integration:
        """Return the integration with other bodies."""
        given = iter(bodies)
        body, jacobian, events = (old and next(given) for old in (self.body, self.jacobian, self.events))
        assert body is not None
        return self._replace(body=body, jacobian=jacobian, events=events)

    @property
    def states(self) -> tuple[Shape, ...]:
        """The shapes of the states."""
        return self.body.shapes(inputs_of(self.body)[1 : 1 + self.n_states])

    def results(self, operands: Sequence[Shape]) -> Shapes:
        """Return the shapes of the results for operands of these shapes. Raise ProgramError if they do not match the bodies."""
        given = ((), *operands[OPERANDS:])
        for body in self.bodies:
            shapes = body.shapes(inputs_of(body))
            if shapes != given:
                raise ProgramError(f"An integration has operands of shapes {given}, and its body {shapes}. Make them equal.")
        slopes = self.body.shapes(self.body.outputs)
        if sum(map(math.prod, slopes)) != self.n_elements or not 0 < self.n_controlled <= self.n_states:
            raise ProgramError(f"The states {self.states} have derivatives of shapes {slopes}. Make their sizes equal.")
        settings = (layout.SETTINGS + self.n_controlled_elements,)
        wanted = ((), settings, packed(self.method).shape)
        found = (operands[START], operands[SETTINGS], operands[METHOD])
        if found != wanted or len(operands[TIMES]) != 1:
            raise ProgramError(f"An integration has operands of shapes {found}. It takes {wanted} and a vector of times.")
        count, detection = operands[TIMES][0], self.detection
        events = (len(detection.directions), detection.most_events)
        return Shapes((*((count, *shape) for shape in self.states), (layout.RESULTS,), events, (detection.recorded,)))

    @property
    def n_elements(self) -> int:
        """Number of elements of the states."""
        return sum(map(math.prod, self.states))

    @property
    def n_event_numbers(self) -> int:
        """Number of elements of scratch memory for events."""
        return layout.EVENT_NUMBERS * len(self.detection.directions)

    @property
    def n_controlled_elements(self) -> int:
        """Number of elements of the controlled states."""
        return sum(map(math.prod, self.states[: self.n_controlled]))
