"""The methods and the options of an integration."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from jitgrad.arguments import by_name, count, nonnegative, positive
from jitgrad.errors import ArgumentError, OptionError, near_name
from jitgrad.tape.integrate import Integrated, integrate
from jitgrad.tape.tensor import Tensor

METHODS = {"auto": "auto", "RK45": "dopri5", "DOP853": "dop853", "ESDIRK": "esdirk54"}
"""The methods, and their names in ``vm/integrate``."""

STIFF = "ESDIRK"

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


class Options(NamedTuple):
    """The checked options of an integration."""

    method: str
    rtol: float
    atol: float
    first_step: float
    max_step: float
    max_steps: int

    def run(
        self, fun: Callable[..., Any], t0: Tensor, times: Tensor, states: list[Tensor], events: Callable[..., Any] | None = None
    ) -> Integrated:
        """Integrate from t0 to all times."""
        given = self._asdict() | {"method": METHODS[self.method]}
        return integrate(fun, t0, times, states, **given, events=events)


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
        nonnegative("atol", atol),
        0.0 if first_step is None else positive("first_step", first_step),
        math.inf if max_step is None else float(max_step),
        count("max_steps", max_steps),
    )
