"""The methods and the options of an integration."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitgrad.arguments import by_name, count, positive
from jitgrad.errors import ArgumentError, OptionError, near_name
from jitgrad.functions.shapes import broadcast_to
from jitgrad.integrate.times import value_of
from jitgrad.tape.integrate import Integrated, integrate
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.vm.integrate.layout import ACCEPTED_RESULT, RESULTS

METHODS = {"auto": "auto", "RK45": "dopri5", "DOP853": "dop853", "ESDIRK": "esdirk54"}
"""The methods, and their names in ``vm/integrate``."""

EXPLICIT, STIFF = ("RK45", "DOP853"), "ESDIRK"

_INSTEAD = {"RK23": "RK45", "Radau": STIFF, "BDF": STIFF, "LSODA": "auto"}
"""The methods of SciPy that are not available, and what to use instead."""

_NEEDLESS = {
    "jac": "The Jacobian is derived from fun",
    "jac_sparsity": "The Jacobian is derived from fun",
    "lband": "The Jacobian is derived from fun",
    "uband": "The Jacobian is derived from fun",
    "vectorized": "fun is recorded once, for one state",
    "min_step": "Steps shrink as far as the numbers permit",
}
"""The options of SciPy that are not available, and why they are not needed."""


Fun = Callable[[Tensor, list[Tensor]], list[Tensor]]
"""A right-hand side, a function of the time and a list of states."""

LEAST_RTOL, SAFE_RTOL = 4.0, 80.0
"""The smallest relative tolerance, and the smallest one that rounding errors hardly affect, in units of the epsilon."""
_STEPS = 256
"""The number of steps for which there is room at first."""


class Options(NamedTuple):
    """The checked options of an integration."""

    method: str
    rtol: float
    atol: Any
    first_step: float
    max_step: float
    max_steps: int

    def run(self, fun: Fun, t0: Tensor, times: Tensor, states: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Integrate from t0 to all times. Return the states at these times and the statistics."""
        if times.shape == (0,):
            return [broadcast_to(np.nan, (0, *x.shape)) for x in states], as_tensor(np.zeros(RESULTS))
        made = self._integrated(fun, t0, times, states)
        return made.values, made.statistics

    def first_events(
        self, fun: Fun, t0: Tensor, end: Tensor, states: list[Tensor], events: Callable[..., Any], directions: Sequence[int]
    ) -> Tensor:
        """Integrate until one of the events happens. Return the time of each event, which is nan if it did not happen."""
        stop: dict[str, Any] = {"directions": directions, "terminal": (1,) * len(directions), "most_events": 1}
        return self._integrated(fun, t0, end.reshape((1,)), states, events=events, **stop).events[:, 0]

    def steps(self, fun: Fun, t0: Tensor, end: Tensor, states: list[Tensor]) -> np.ndarray:
        """Return the ends of the steps of an integration whose values are known; nan after the last one."""
        count = _STEPS
        while True:
            made = self._integrated(fun, t0, end.reshape((1,)), states, recorded=count)
            steps, accepted = value_of(made.steps), value_of(made.statistics)[ACCEPTED_RESULT]
            if accepted <= count:
                return steps[: int(accepted)]
            count *= 8

    def _integrated(self, fun: Fun, t0: Tensor, times: Tensor, states: list[Tensor], **others: Any) -> Integrated:
        """Record an integration. Raises ArgumentError if the tolerance is below the rounding errors of its dtype."""
        given = self._asdict() | {"method": METHODS[self.method]}
        made = integrate(fun, t0, times, states, **others, **given)
        dtype = made.values[0].dtype
        if self.rtol < LEAST_RTOL * np.finfo(dtype).eps:
            raise ArgumentError(
                f"rtol is {self.rtol:g}, below the rounding errors of {dtype}, whose epsilon is {np.finfo(dtype).eps:.2g}. "
                f"{self.advice(dtype)}"
            )
        return made

    def advice(self, dtype: np.dtype[Any]) -> str:
        """Return advice if rounding errors of a dtype are not far below the relative tolerance, else an empty string."""
        eps = float(np.finfo(dtype).eps)
        if self.rtol >= SAFE_RTOL * eps:
            return ""
        wider = ", or use float64 Variables and Tensors" if dtype == np.float32 else ""
        return f"Increase rtol to {float(f'{SAFE_RTOL * eps:.0e}'):g} or more{wider}."


def options_from(
    method: Any, rtol: Any, atol: Any, first_step: Any, max_step: Any, max_steps: Any, others: dict[str, Any]
) -> Options:
    """Check the options."""
    for name in others:
        if name in _NEEDLESS:
            raise OptionError(f"solve_ivp has no option {name!r}. {_NEEDLESS[name]}, so leave it out.")
        known = ("args", "jumps", "max_events", "rtol", "atol", "first_step", "max_step", "max_steps")
        raise OptionError(f"solve_ivp has no option {name!r}.{near_name(name, known)} The options are {', '.join(known)}.")
    if method in _INSTEAD:
        raise ArgumentError(f"The method {method!r} is not available. Use {_INSTEAD[method]!r}.")
    by_name("method", method, METHODS)
    if max_step is not None and not (isinstance(max_step, (int, float)) and max_step > 0):
        raise ArgumentError(f"max_step is {max_step!r}. Give a positive number.")
    return Options(
        method,
        positive("rtol", rtol),
        atol,
        0.0 if first_step is None else positive("first_step", first_step),
        math.inf if max_step is None else float(max_step),
        count("max_steps", max_steps),
    )
