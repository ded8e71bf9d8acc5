"""Events: times at which a function of time and state is zero.

A kernel finds the time of an event, without a derivative. Newton's method then continues from it with recorded operations: its
correction is zero up to rounding, and its derivative is that of the implicit function. One correction is right to the first
order, two to the third.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import stack
from jitgrad.functions.reductions import sum as sum_
from jitgrad.integrate.options import Options
from jitgrad.integrate.problem import Problem, Tensors, as_floats
from jitgrad.ops.elementwise import abs as abs_
from jitgrad.ops.elementwise import stop_gradient, where
from jitgrad.ops.linear import gather
from jitgrad.tape.tensor import Tensor
from jitgrad.transforms.gradients import jvp

CORRECTIONS = 2
NEAR, BEYOND = 1e-10, 1e-12
"""Times closer than NEAR, relative to the interval, are equal. BEYOND is the time by which a past event is past."""


class Event(NamedTuple):
    """An event function and its attributes."""

    function: Callable[..., Any]
    terminal: int
    direction: float
    reset: Callable[..., Any] | None


class Events:
    """The events of a problem."""

    def __init__(self, problem: Problem, given: Any, options: Options, first: Tensor, last: Tensor, sign: Tensor) -> None:
        if not isinstance(given, (list, tuple)) and not callable(given):
            raise ArgumentError(
                f"events is {given!r}. Give a function of t and y that is zero at the event, or a list of them."
            )
        functions = [given] if callable(given) else list(given)
        self._problem, self._options, self._sign, self._scale = problem, options, sign, sign * (last - first)
        self._moving = options._replace(method="RK45")  # for intervals that are almost empty
        self.events = [_event(number, f) for number, f in enumerate(functions)]
        self._directions = [int(np.sign(event.direction)) for event in self.events]

    def most(self, max_events: int) -> int:
        """Return the largest number of events: ``max_events``, or fewer if all of them stop the integration."""
        if all(event.terminal for event in self.events):
            return min(max_events, 1 + sum(event.terminal - 1 for event in self.events))
        return max_events

    def stops(self, happens: Tensor, seen: Tensor) -> Tensor:
        """Return whether an event that happens stops the integration, where ``seen`` counts the events so far."""
        terminal = np.array([float(event.terminal) for event in self.events])
        return sum_(happens * (terminal > 0) * (seen >= terminal)) > 0

    def values(self, t: Tensor, states: Tensors) -> Tensor:
        """Return the values of all event functions."""
        y = self._problem.pack(states)
        made = [as_floats(event.function(t, y, *self._problem.args)) for event in self.events]
        for number, value in enumerate(made):
            if value.size != 1:
                raise ShapeError(f"Event function {number} returns an array of shape {value.shape}. Return a single number.")
        return stack([value.reshape(()) for value in made])

    def _values_and_rates(self, t: Tensor, states: Tensors) -> tuple[Tensor, Tensor]:
        """Return the values and their total derivatives by time."""
        along = self._problem.derivatives(t, states)
        made, rates = jvp(self.values, (t, states), (1.0 + 0.0 * t, along))
        return made, rates

    def first(self, t: Tensor, end: Tensor, states: Tensors, offset: Tensor) -> tuple[Tensor, Tensor]:
        """Return the time of the first event before ``end``, or ``end`` if there is none, and which event it is.

        The time of an event has no derivatives. The ``offset`` is subtracted from the event functions.
        """

        def shifted(t: Tensor, states: Tensors) -> Tensor:
            return self.values(t, states) - offset

        hits = self._options.first_events(self._problem.derivatives, t, end, states, shifted, self._directions)
        ahead = stop_gradient(where(hits == hits, self._sign * (hits - t), np.inf))
        nearest = ahead.min()
        happens = where((ahead < np.inf) * (ahead == nearest), 1.0, 0.0)
        return where(nearest < np.inf, stop_gradient(gather(hits, ahead.argmin(), axis=0)), end), happens

    def corrected(self, t: Tensor, states: Tensors, happens: Tensor) -> tuple[Tensor, Tensors, Tensor]:
        """Return the time and the states of events with their derivatives, and which events happen at this time."""
        g, rate = self._values_and_rates(t, states)
        some = sum_(happens) > 0
        late = g / where(rate != 0, rate, 1.0)  # by how much the integration has passed each event
        near = some * (abs_(late - sum_(happens * late)) <= NEAR * self._scale) * (rate != 0)
        mine = stop_gradient(where(near * (np.array(self._directions) * self._sign * rate >= 0) + happens > 0, 1.0, 0.0))
        share = mine / where(some, sum_(mine), 1.0)
        for number in range(CORRECTIONS):
            if number:
                g, rate = self._values_and_rates(t, states)
            to = t - where(some, sum_(share * g), 0.0) / where(some, sum_(share * rate), 1.0)
            moved, _ = self._moving.run(self._problem.derivatives, t, to.reshape((1,)), states)
            t, states = to, [x[0] for x in moved]
        return t, states, mine

    def after(self, t: Tensor, states: Tensors, happens: Tensor) -> tuple[Tensors, Tensor]:
        """Return the states after the events, and the offset of the event functions.

        A function that is still zero up to rounding would find the same event again. The offset puts it on the other side.
        """
        for number, event in enumerate(self.events):
            if event.reset is not None:
                changed = event.reset(t, self._problem.pack(states), *self._problem.args)
                made = self._problem.states_from(changed, f"The reset of event {number}", "the state after the event")
                states = [where(happens[number] > 0, new, x) for new, x in zip(made, states, strict=True)]
        g, rate = self._values_and_rates(t, states)
        touches = happens * (abs_(g) <= NEAR * self._scale * abs_(rate))
        beyond = BEYOND * self._scale * self._sign * rate
        return states, stop_gradient(where(touches, g - beyond, 0.0))


def _event(number: int, function: Any) -> Event:
    if not callable(function):
        raise ArgumentError(f"Event {number} is {function!r}. Give a function of t and y that is zero at the event.")
    terminal = getattr(function, "terminal", None) or 0
    times = int(terminal) if isinstance(terminal, bool) else count(f"terminal of event {number}", terminal, low=0)
    return Event(function, times, float(getattr(function, "direction", 0)), getattr(function, "reset", None))
