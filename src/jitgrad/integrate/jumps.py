"""Jumps: changes of the state at given times, such as doses."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.functions.joining import concatenate
from jitgrad.functions.selection import argsort
from jitgrad.functions.shapes import broadcast_to
from jitgrad.integrate.problem import Problem, Tensors, as_floats
from jitgrad.ops.elementwise import where
from jitgrad.ops.linear import gather
from jitgrad.tape.tensor import Tensor


class Jumps:
    """Jumps of the state, in the order in which an integration from ``first`` to ``last`` reaches them.

    Parameters
    ----------
    problem : Problem
        The problem.
    given : tuple
        The times, and the amounts or a function.
    first, last : Tensor
        The interval of integration. Jumps outside it are not applied.
    sign : Tensor
        1, or -1 if the integration runs backward.

    Attributes
    ----------
    count : int
        The number of jumps.
    """

    def __init__(self, problem: Problem, given: Any, first: Tensor, last: Tensor, sign: Tensor) -> None:
        if not isinstance(given, (tuple, list)) or len(given) != 2:
            raise ArgumentError("jumps is not a pair. Give jumps=(times, amounts) or jumps=(times, function).")
        times, change = as_floats(given[0]), given[1]
        if times.ndim != 1:
            raise ShapeError(f"jumps: the times have shape {times.shape}. Give a list of times.")
        self.count = times.shape[0]
        order = argsort(sign * times)
        self._problem, self._function = problem, change if callable(change) else None
        self._amounts = [] if callable(change) else [gather(x, order, axis=0) for x in self._amounts_from(change)]
        times = gather(times, order, axis=0)
        early, late = sign * (times - first) < 0, sign * (times - last) > 0
        self._within = where(early + late > 0, 0.0, 1.0)
        self._ends = concatenate([where(late, last, where(early, first, times)), last.reshape((1,))])

    def _amounts_from(self, amounts: Any) -> Tensors:
        made = []
        for given, y in zip(map(as_floats, self._problem.unpack(amounts, "jumps: amounts")), self._problem.y0, strict=True):
            shape = (self.count, *y.shape)
            if given.shape not in (shape, y.shape):
                raise ShapeError(
                    f"jumps: the amounts have shape {given.shape} for {self.count} times and y of shape {y.shape}. "
                    f"Give amounts of shape {shape}, or {y.shape} if all jumps are equal."
                )
            made.append(broadcast_to(given, shape))
        return made

    def end(self, number: Tensor) -> Tensor:
        """Return the time of a jump, or the end of the interval after the last one."""
        return gather(self._ends, number, axis=0)

    def after(self, number: Tensor, t: Tensor, states: Tensors) -> Tensors:
        """Return the states after a jump, or the states themselves at the end of the interval."""
        if self._function is None:
            before = where(number < self.count, number, 0)
            made = [x + gather(amounts, before, axis=0) for x, amounts in zip(states, self._amounts, strict=True)]
        else:
            changed = self._function(t, self._problem.pack(states), *self._problem.args)
            made = self._problem.states_from(changed, "The function of jumps", "the state after the jump")
        applies = gather(concatenate([self._within, np.zeros(1)]), number, axis=0) > 0
        return [where(applies, new, x) for new, x in zip(made, states, strict=True)]
