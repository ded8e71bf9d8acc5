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
NEAR = 1e-10
"""Events of one interval closer than this, relative to its length, happen at the same time."""


class Event(NamedTuple):
    """An event function and its attributes."""

    function: Callable[..., Any]
    terminal: int
    direction: float
    reset: Callable[..., Any] | None


class Found(NamedTuple):
    """The first event in a segment.

    Attributes
    ----------
    happens : Tensor
        Which events happen, of shape (E,).
    t, states
        The time and the states, which are differentiable: the end of the segment if there is no event.
    """

    happens: Tensor
    t: Tensor
    states: Tensors


class Events:
    """The events of a problem."""

    def __init__(self, problem: Problem, given: Any, options: Options, first: Tensor, last: Tensor, sign: Tensor) -> None:
        if not isinstance(given, (list, tuple)) and not callable(given):
            raise ArgumentError(
                f"events is {given!r}. Give a function of t and y that is zero at the event, or a list of them."
            )
        functions = [given] if callable(given) else list(given)
        self._problem, self._options, self._sign, self._scale = problem, options, sign, sign * (last - first)
        self.events = [_event(number, f) for number, f in enumerate(functions)]
        self._directions = np.array([np.sign(event.direction) for event in self.events])

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
        """Return the time of the first event before ``end``, without derivatives, and which events happen then.

        The time is ``end`` if there is none. The ``offset`` is subtracted from the event functions.
        """

        def shifted(t: Tensor, states: Tensors) -> Tensor:
            return self.values(t, states) - offset

        hits = self._options.run(self._problem.derivatives, t, end.reshape((1,)), states, shifted).events
        now, rate = self._values_and_rates(t, states)
        now = now - offset
        begins = where(now == 0, self._sign * rate, now)  # the sign after the beginning
        skips = (self._directions * begins > 0) * 1  # the first crossing has the other direction
        hit = stop_gradient(where(skips > 0, hits[:, 1], hits[:, 0]))
        ahead = where(hit == hit, self._sign * (hit - t), np.inf)
        nearest = ahead.min()
        happens = (ahead < np.inf) * (ahead <= nearest + NEAR * self._scale)
        chosen = gather(hit, ahead.argmin(), axis=0)
        return where(nearest < np.inf, chosen, end), stop_gradient(where(happens, 1.0, 0.0))

    def corrected(self, t: Tensor, states: Tensors, happens: Tensor) -> tuple[Tensor, Tensors]:
        """Return the time and the states of an event with their derivatives."""
        first = happens * where(sum_(happens) > 0, 1 / sum_(happens), 1.0)  # all of them happen at this time
        any_happens = sum_(happens) > 0
        for _ in range(CORRECTIONS):
            g, rate = self._values_and_rates(t, states)
            slope = where(any_happens * (sum_(first * rate) != 0), sum_(first * rate), 1.0)
            to = t - where(any_happens, sum_(first * g), 0.0) / slope
            moved = self._options.run(self._problem.derivatives, t, to.reshape((1,)), states).values
            t, states = to, [x[0] for x in moved]
        return t, states

    def after(self, t: Tensor, states: Tensors, happens: Tensor) -> tuple[Tensors, Tensor]:
        """Return the states after the events, and the offset of the event functions.

        A function that is zero up to rounding must be exactly zero, or its event would happen again.
        """
        for number, event in enumerate(self.events):
            if event.reset is not None:
                changed = event.reset(t, self._problem.pack(states), *self._problem.args)
                made = self._problem.states_from(changed, f"The reset of event {number}", "the state after the event")
                states = [where(happens[number] > 0, new, x) for new, x in zip(made, states, strict=True)]
        g, rate = self._values_and_rates(t, states)
        touches = (happens > 0) * (abs_(g) <= NEAR * self._scale * abs_(rate))
        return states, stop_gradient(where(touches, g, 0.0))


def _event(number: int, function: Any) -> Event:
    if not callable(function):
        raise ArgumentError(f"Event {number} is {function!r}. Give a function of t and y that is zero at the event.")
    terminal = getattr(function, "terminal", None) or 0
    times = int(terminal) if isinstance(terminal, bool) else count(f"terminal of event {number}", terminal, low=0)
    return Event(function, times, float(getattr(function, "direction", 0)), getattr(function, "reset", None))
