"""The hyperparameters and the state of an optimizer: changing, copying, saving and restoring them."""

from __future__ import annotations

import copy
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, Self, Unpack

import numpy as np

from jitgrad.arguments import Described, count, positive
from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.optimizers.clipping import CLIPPING, Clipper
from jitgrad.optimizers.hyperparameters import Hyperparameters, check_options
from jitgrad.optimizers.options import OptimizerOptions
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape import trace
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.variable import Variable, WeakVariable

_OPTIONS: dict[str, Any] = {
    "weight_decay": 0.0, "l2": 0.0, "maximize": False, **dict.fromkeys(CLIPPING),
    "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None,
}  # fmt: skip
"""The options of every optimizer and their defaults."""


class OptimizerState(Described, ABC):
    """The part of an optimizer that stores hyperparameters and state."""

    def __init__(
        self, learning_rate: float | Schedule, others: dict[str, float] | None = None, **options: Unpack[OptimizerOptions]
    ) -> None:
        check_options(options, _OPTIONS)
        chosen = _OPTIONS | {name: value for name, value in options.items() if value is not None}
        self.schedule = learning_rate if isinstance(learning_rate, Schedule) else None
        first = float(self.schedule(0.0)) if self.schedule is not None else positive("learning_rate", learning_rate)
        common = {name: chosen[name] for name in ("weight_decay", "l2", "ema_momentum")}
        self._hyper = Hyperparameters({"learning_rate": first, **(others or {}), **common})
        self._split_at = 1 + len(others or {})
        self._maximize, self._average = bool(chosen["maximize"]), bool(chosen["use_ema"])
        self._counts = self.schedule is not None or self._average
        every = chosen["ema_overwrite_frequency"]
        self._overwrite = None if every is None else count("ema_overwrite_frequency", every)
        self._undecayed: set[Variable] = set()
        self._undecayed_names: list[str] = []
        self._step = WeakVariable([0.0], "step")
        self._clip = Clipper(**{name: chosen[name] for name in CLIPPING})
        self._slots: dict[Variable, tuple[Variable, ...]] = {}
        self._numbers: tuple[Variable, ...] = ()
        self._starts: dict[Variable, Any] = {}
        self._fitted: list[Variable] = []
        self._cost: Tensor | None = None
        self._copied_from: dict[int, tuple[weakref.ref[Variable], Variable]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a pickle. The copy is marked as a copy until its first step."""
        return vars(self) | {"_copied_from": {}}

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return a copy with the same state for the copied Variables, or for the same Variables if they are not copied."""
        made = memo[id(self)] = type(self).__new__(type(self))
        vars(made).update({name: copy.deepcopy(value, memo) for name, value in self.__getstate__().items()})
        made._copied_from = {id(v): (weakref.ref(v), copied) for v, copied in zip(self._slots, made._slots, strict=True)}
        return made

    def _follow(self, variables: Sequence[Variable]) -> None:
        """Before the first step of a copy, find the Variables to which its state belongs.

        Raises ArgumentError if it belongs to none of them.
        """
        if self._copied_from is None:
            return
        for variable in variables:
            known, copied = self._copied_from.get(id(variable), (None, None))
            if known is not None and known() is variable and copied in self._slots:
                self._slots[variable] = self._slots.pop(copied)
                self._fitted = [variable if v is copied else v for v in self._fitted]
        if self._slots and not any(v in self._slots for v in variables):
            raise ArgumentError(
                f"The optimizer is a copy with state for {next(iter(self._slots)).name!r}, but it is applied to other "
                "Variables. "
                f"Copy or pickle it together with its Variables, or create a new one."
            )
        self._copied_from = None

    @property
    def learning_rate(self) -> float:
        """The step size, a float. It can be set at any time without recompilation."""
        return self._hyper.values["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.change(learning_rate=value)

    @property
    def hyperparameters(self) -> dict[str, float]:
        """The hyperparameters by name, a dict of floats. Change them with `change`."""
        return self._hyper.values

    def change(self, **values: float) -> None:
        """Change hyperparameters, beginning with the next step.

        Nothing is traced again unless a value changes from or to 0.

        Parameters
        ----------
        **values : float
            New values by name.

        Raises
        ------
        OptionError
            If no hyperparameter has this name.
        ArgumentError
            If a number is outside its range, or the learning rate follows a schedule.

        Examples
        --------
        >>> adam = jg.optimizers.Adam(0.01)
        >>> adam.change(learning_rate=0.001, beta_1=0.8)
        >>> adam.hyperparameters["beta_1"]
        0.8
        """
        if self.schedule is not None and "learning_rate" in values:
            raise ArgumentError(
                "The learning rate follows a schedule. Create an optimizer with a fixed learning rate to set it."
            )
        self._hyper.change(values)

    @property
    def structure(self) -> Any:
        """The settings that, together with the Variables, determine the computation of a step."""
        return self._hyper.used, len(self._undecayed), len(self._undecayed_names)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Exclude Variables from weight decay.

        Parameters
        ----------
        var_list : iterable of Variable, optional
            Variables to exclude.
        var_names : iterable of str, optional
            Strings; Variables whose names contain one of them are excluded.

        Examples
        --------
        >>> adam = jg.optimizers.AdamW()
        >>> adam.exclude_from_weight_decay(var_names=["bias"])
        """
        self._undecayed |= set(var_list or ())
        self._undecayed_names = [*self._undecayed_names, *(var_names or ())]

    def finalize_variable_values(self, variables: Iterable[Variable]) -> None:
        """Replace Variables by the averages that ``use_ema`` keeps; a model's fit does this at its end.

        Parameters
        ----------
        variables : iterable of Variable
            Variables to replace. Those without an average stay unchanged.
        """
        for variable in variables:
            if self._average and variable in self._slots:
                variable.assign(self._slots[variable][-1])

    @property
    def variables(self) -> list[Variable]:
        """The state of the optimizer, a list of Variables in the order of their creation."""
        counted = [self._step] if self._counts else []
        return [*counted, *self._numbers, *(v for slots in self._slots.values() for v in slots)]

    def get_state(self, variables: Sequence[Variable]) -> dict[str, Any]:
        """Return the state on which later steps depend, without the Variables themselves.

        Parameters
        ----------
        variables : sequence of Variable
            All Variables of the model. The state refers to them by position.

        Returns
        -------
        dict
            Nested dicts and lists of arrays.

        Raises
        ------
        ArgumentError
            If there is state for another Variable.

        See Also
        --------
        set_state : Restores the state.
        """
        self._follow(variables)
        place = {id(v): number for number, v in enumerate(variables)}
        for variable in self._fitted:
            if id(variable) not in place:
                raise ArgumentError(
                    f"The optimizer has state for {variable.name!r}, which the model does not contain. "
                    "Assign it to an attribute of the model."
                )
        return {
            "hyperparameters": np.array(self._hyper.variable.numpy()),
            "step": np.array(self._step.numpy()),
            "fitted": [place[id(v)] for v in self._fitted],
            "kept": [[np.array(v.numpy()) for v in kept] for kept in self._kept(self._fitted)],
        }

    def set_state(self, state: dict[str, Any], variables: Sequence[Variable]) -> None:
        """Restore a state that `get_state` returned.

        Parameters
        ----------
        state : dict
            State of an optimizer with the same arguments.
        variables : sequence of Variable
            Variables in the same order as in the call of `get_state`.

        Raises
        ------
        ShapeError
            If the state belongs to another optimizer or to other Variables. The optimizer is then unchanged.
        """
        fitted = [variables[int(number)] for number in state["fitted"]]
        if fitted:
            with trace.tracing():  # creates the state that steps require
                self._updates([(as_tensor(np.zeros(v.shape, v.dtype)), v) for v in fitted])
        hyper = self._hyper.variable
        pairs: list[tuple[Variable, np.ndarray]] = [(hyper, state["hyperparameters"]), (self._step, state["step"])]
        for own, given in zip(self._kept(fitted), state["kept"], strict=True):
            if len(own) != len(given):
                raise ShapeError(
                    f"{type(self).__name__} has {len(own)} arrays of state, and {len(given)} are given. "
                    "Give the state of an optimizer with the same arguments."
                )
            pairs += zip(own, given, strict=True)
        for variable, value in pairs:
            if value.shape != variable.shape or value.dtype != variable.dtype:
                raise ShapeError(
                    f"The state of {variable.name!r} has shape {value.shape} and dtype {value.dtype}, but shape "
                    f"{variable.shape} and "
                    f"dtype {variable.dtype} are expected. Give the state of an optimizer with the same arguments."
                )
        for variable, value in pairs:
            variable.store(value)
        self._hyper.note()
        self._fitted = fitted

    def reset(self) -> None:
        """Reset the state to its value before the first step.

        Hyperparameters stay unchanged, and nothing is traced again.
        """
        for variable, start in self._starts.items():
            variable.store(np.broadcast_to(np.asarray(start, variable.dtype), variable.shape))
        self._step.store([0.0])

    def _kept(self, fitted: Sequence[Variable]) -> list[tuple[Variable, ...]]:
        """Return the state shared by all Variables, followed by the state of each Variable."""
        return [self._numbers, *(self._slots.get(v, ()) for v in fitted)]

    def _shared(self, pairs: list[tuple[Tensor, Variable]], *starts: Any) -> tuple[Variable, ...]:
        """Return state that all Variables share. The first update creates it in the widest dtype, with the values ``starts``.

        State whose shape depends on the set of Variables is created again for other Variables.
        """
        shapes = [start.shape if isinstance(start, np.ndarray) else () for start in starts]
        if [v.shape for v in self._numbers] != shapes:
            widest = max((v.dtype for _, v in pairs), key=lambda dtype: dtype.itemsize)
            name = type(self).__name__.lower()
            self._numbers = tuple(
                Variable(np.array(start, widest), name=f"{name}/number_{i}", trainable=False) for i, start in enumerate(starts)
            )
            self._starts |= dict(zip(self._numbers, starts, strict=True))
        return self._numbers

    def _state(self, variable: Variable, *starts: Any) -> tuple[Variable, ...]:
        """Return the state of a Variable, which its first update creates. A number in ``starts`` fills the Variable's shape.

        If moving averages are kept, the Variable's average is stored last, and not returned.
        """
        if variable not in self._slots:
            starts = (*starts, 0.0) if self._average else starts
            values = [start if isinstance(start, np.ndarray) else np.full(variable.shape, start) for start in starts]
            made = self._slots[variable] = tuple(
                Variable(np.array(value, variable.dtype), name=f"{variable.name}/slot_{i}", trainable=False)
                for i, value in enumerate(values)
            )
            self._starts |= dict(zip(made, starts, strict=True))
        found = self._slots[variable]
        return found[:-1] if self._average else found

    @abstractmethod
    def _updates(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        """Return all state updates of one step."""
