"""The numbers of an optimizer that may change between steps: by name, in one Variable, so that no Program depends on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.arguments import in_unit_interval, nonnegative, number
from jitgrad.errors import ArgumentError, OptionError, near_name
from jitgrad.tape.indexing import getitem
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import WeakVariable

_CHECKS: dict[str, Callable[[str, Any], float]] = {
    **dict.fromkeys(("momentum", "beta_1", "beta_2", "rho", "ema_momentum"), in_unit_interval),
    "dampening": number,
    "beta_2_decay": number,
}


class Hyperparameters:
    """Named numbers. Those that are not listed above are from 0 on.

    Args:
        values: by name, in the order in which update instructions take them.

    Attributes:
        variable: all of them.
        used: the names of those that are not 0. What a step computes depends on this alone.

    Raises ArgumentError for a number outside its range.
    """

    def __init__(self, values: dict[str, float]) -> None:
        self._places = {name: place for place, name in enumerate(values)}
        self.variable = WeakVariable([_checked(name, value) for name, value in values.items()], "hyperparameters")
        self.note()

    def note(self) -> None:
        """See which are used, after the Variable was given a value."""
        self.used = frozenset(name for name, value in self.values.items() if value)

    @property
    def values(self) -> dict[str, float]:
        """What they are now."""
        return dict(zip(self._places, self.variable.leaf.value.tolist(), strict=True))

    def change(self, values: dict[str, float]) -> None:
        """New values of some. Raises OptionError for a name that there is not; nothing has changed then."""
        now = self.values
        for name, value in values.items():
            if name not in now:
                raise OptionError(f"There is no hyperparameter {name!r}.{near_name(name, now)} There are {', '.join(now)}.")
            now[name] = _checked(name, value)
        self.variable.store(list(now.values()))
        self.note()

    def of(self, numbers: Tensor, name: str) -> Tensor:
        """One of ``numbers``, which are like the Variable."""
        return getitem(numbers, self._places[name])


def _checked(name: str, value: Any) -> float:
    return _CHECKS.get(name, nonnegative)(name, value)


_ELSEWHERE = {
    "lr": "It is called learning_rate",
    "decay": "Give a schedule of optimizers.schedules as learning_rate",
    "betas": "They are called beta_1 and beta_2",
    "eps": "It is called epsilon",
    "amsgrad": "Use the optimizer AMSGrad",
}
"""What arguments of other libraries are called."""


def check_options(given: dict[str, Any], known: dict[str, Any]) -> None:
    """Raise OptionError for an option that no optimizer has."""
    for name in given:
        if name in _ELSEWHERE:
            raise OptionError(f"There is no argument {name!r}. {_ELSEWHERE[name]}.")
        if name not in known:
            raise OptionError(f"There is no argument {name!r}.{near_name(name, known)} Use {', '.join(known)}.")


def check_form(form: str) -> bool:
    """Whether it is "torch". Raises ArgumentError for another than "keras" and "torch"."""
    if form not in ("keras", "torch"):
        raise ArgumentError(f"form is {form!r}. Use 'keras' or 'torch'.")
    return form == "torch"
