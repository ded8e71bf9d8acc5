"""The numbers of an optimizer that may change between steps, stored by name in one Variable so no Program depends on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """Named numbers. Numbers without an entry in ``_CHECKS`` must not be negative.

    Parameters
    ----------
    values : dict of str to float
        Values by name, in the order in which update instructions read them.

    Attributes
    ----------
    variable : WeakVariable
        All values.
    used : frozenset of str
        Names of the nonzero values, which determine what a step computes.

    Raises
    ------
    ArgumentError
        If a number is outside its range.
    """

    def __init__(self, values: dict[str, float]) -> None:
        self._places = {name: place for place, name in enumerate(values)}
        self.variable = WeakVariable([_checked(name, value) for name, value in values.items()], "hyperparameters")
        self.note()

    def note(self) -> None:
        """Update ``used`` after the Variable was assigned."""
        self.used = frozenset(name for name, value in self.values.items() if value)

    @property
    def values(self) -> dict[str, float]:
        """The current values by name."""
        return dict(zip(self._places, self.variable.leaf.value.tolist(), strict=True))

    def change(self, values: dict[str, float]) -> None:
        """Assign new values. Raises OptionError for an unknown name, before any change."""
        now = self.values
        for name, value in values.items():
            if name not in now:
                raise OptionError(
                    f"There is no hyperparameter {name!r}.{near_name(name, now)} The hyperparameters are {', '.join(now)}."
                )
            now[name] = _checked(name, value)
        self.variable.store(list(now.values()))
        self.note()

    def of(self, numbers: Tensor, name: str) -> Tensor:
        """Return one element of ``numbers``, a Tensor with the layout of the Variable."""
        return getitem(numbers, self._places[name])


def _checked(name: str, value: Any) -> float:
    return _CHECKS.get(name, nonnegative)(name, value)


_ELSEWHERE = {
    "lr": "Use learning_rate",
    "decay": "Pass a schedule of optimizers.schedules as learning_rate",
    "betas": "Use beta_1 and beta_2",
    "eps": "Use epsilon",
    "amsgrad": "Use the optimizer AMSGrad",
}
"""Advice for arguments of other libraries."""


def check_options(given: Mapping[str, Any], known: dict[str, Any]) -> None:
    """Raise OptionError for an unknown option."""
    for name in given:
        if name in _ELSEWHERE:
            raise OptionError(f"There is no argument {name!r}. {_ELSEWHERE[name]}.")
        if name not in known:
            raise OptionError(f"There is no argument {name!r}.{near_name(name, known)} Use {', '.join(known)}.")


def check_form(form: str) -> bool:
    """Return whether the form is "torch". Raises ArgumentError if it is neither "keras" nor "torch"."""
    if form not in ("keras", "torch"):
        raise ArgumentError(f"form is {form!r}. Use 'keras' or 'torch'.")
    return form == "torch"
