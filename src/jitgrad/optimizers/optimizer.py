"""What all optimizers share: their state, applying gradients, and minimising a cost."""

from __future__ import annotations

import copy
import warnings
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from jitgrad.arguments import Described, count, positive
from jitgrad.errors import ArgumentError, DTypeError, ShapeError, users_level
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import concatenate, reshape
from jitgrad.graph import Node
from jitgrad.optimizers.clipping import Clipper
from jitgrad.optimizers.schedules import Schedule
from jitgrad.tape import dtypes, trace
from jitgrad.tape.gradient_tape import GradientTape
from jitgrad.tape.indexing import getitem
from jitgrad.tape.operators import Operators
from jitgrad.tape.pending import apply
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.tree import tree_leaves
from jitgrad.tape.variable import Variable, WeakVariable
from jitgrad.training.data_pass import Pass
from jitgrad.training.epochs import run_epochs
from jitgrad.training.rows import Batches
from jitgrad.training.step import STEPS_AT_ONCE, make_step, trace_updates, variables_of


def assigned(*pairs: tuple[Variable, Tensor]) -> list[StateUpdate]:
    """Changes that give each Variable a new value."""
    return [StateUpdate("assign", (variable,), (value,)) for variable, value in pairs]


def _train(loss: Any, optimizer: Optimizer, variables: list[Variable] | None) -> None:
    """A step on a loss that is being traced."""
    trace_updates(as_tensor(loss), optimizer, variables)


_train.changes_state = True  # type: ignore[attr-defined]


class Optimizer(Described, ABC):
    """Base class. A subclass says which hyperparameters and state it has, and which update instructions they make.

    State is kept in Variables, made when a Variable is first updated.

    Args:
        learning_rate: the step size, positive; or a Schedule.
        others: hyperparameters of the subclass.
        clipping: at most one of ``clipvalue`` (each element of a gradient between -c and c), ``clipnorm`` (each gradient's norm
            at most c) and ``global_clipnorm`` (that of all gradients together).
    """

    def __init__(self, learning_rate: float | Schedule, *others: float, **clipping: float | None) -> None:
        self.schedule = learning_rate if isinstance(learning_rate, Schedule) else None
        first = float(self.schedule(0.0)) if self.schedule is not None else positive("learning_rate", learning_rate)
        self._hyper = WeakVariable([first, *others], "hyperparameters")
        self._step = WeakVariable([0.0], "step")
        self._clip = Clipper(**clipping)
        self._slots: dict[Variable, tuple[Variable, ...]] = {}
        self._numbers: tuple[Variable, ...] = ()
        self._fitted: list[Variable] = []
        self._copied_from: dict[int, tuple[weakref.ref[Variable], Variable]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """For a pickle. Until its first step, what is made of it knows that it is a copy."""
        return vars(self) | {"_copied_from": {}}

    def __deepcopy__(self, memo: dict[int, Any]) -> Optimizer:
        """Another one with the same state, for the copies of its Variables; where it is copied alone, for themselves."""
        made = memo[id(self)] = type(self).__new__(type(self))
        vars(made).update({name: copy.deepcopy(value, memo) for name, value in self.__getstate__().items()})
        made._copied_from = {id(v): (weakref.ref(v), copied) for v, copied in zip(self._slots, made._slots, strict=True)}
        return made

    def _follow(self, variables: Sequence[Variable]) -> None:
        """Before the first step of a copy: find whose state it has. Raises ArgumentError where that is of none of these."""
        if self._copied_from is None:
            return
        for variable in variables:
            known, copied = self._copied_from.get(id(variable), (None, None))
            if known is not None and known() is variable and copied in self._slots:
                self._slots[variable] = self._slots.pop(copied)
                self._fitted = [variable if v is copied else v for v in self._fitted]
        if self._slots and not any(v in self._slots for v in variables):
            raise ArgumentError(
                f"The optimizer is a copy with state for {next(iter(self._slots)).name!r}, and is given other Variables. "
                f"Copy or pickle it together with its Variables, or make a new one."
            )
        self._copied_from = None

    @property
    def learning_rate(self) -> float:
        """The step size. It may be changed at any time; no Program is lowered again for it."""
        return float(self._hyper.leaf.value[0])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if self.schedule is not None:
            raise ArgumentError("The learning rate follows a schedule. Make another optimizer for a fixed one.")
        values = self._hyper.leaf.value.copy()
        values[0] = positive("learning_rate", value)
        self._hyper.store(values)

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's state, in the order in which it was made."""
        counted = [self._step] if self.schedule is not None else []
        return [*counted, *self._numbers, *(v for slots in self._slots.values() for v in slots)]

    def get_state(self, variables: Sequence[Variable]) -> dict[str, Any]:
        """All that the next steps depend on beside the Variables, as nested dicts and lists of arrays.

        Args:
            variables: of the model; state is told by their positions.

        Raises ArgumentError where there is state for another Variable.
        """
        self._follow(variables)
        place = {id(v): number for number, v in enumerate(variables)}
        for variable in self._fitted:
            if id(variable) not in place:
                raise ArgumentError(
                    f"The optimizer has state for {variable.name!r}, which the model does not own. Make it an attribute of it."
                )
        return {
            "hyperparameters": np.array(self._hyper.numpy()),
            "step": np.array(self._step.numpy()),
            "fitted": [place[id(v)] for v in self._fitted],
            "kept": [[np.array(v.numpy()) for v in kept] for kept in self._kept(self._fitted)],
        }

    def set_state(self, state: dict[str, Any], variables: Sequence[Variable]) -> None:
        """Go on as from a state that ``get_state`` returned, for Variables alike, of an optimizer alike.

        Raises ShapeError where the state is of another optimizer or of other Variables; nothing has changed then.
        """
        fitted = [variables[int(number)] for number in state["fitted"]]
        if fitted:
            with trace.tracing():  # makes the state that steps will look for, where there is none
                self._changes([(as_tensor(np.zeros(v.shape, v.dtype)), v) for v in fitted])
        pairs: list[tuple[Variable, np.ndarray]] = [(self._hyper, state["hyperparameters"]), (self._step, state["step"])]
        for own, given in zip(self._kept(fitted), state["kept"], strict=True):
            if len(own) != len(given):
                raise ShapeError(
                    f"{type(self).__name__} keeps {len(own)} arrays where the state has {len(given)}. Give that of one alike."
                )
            pairs += zip(own, given, strict=True)
        for variable, value in pairs:
            if value.shape != variable.shape or value.dtype != variable.dtype:
                raise ShapeError(
                    f"State of {variable.name!r} has shape {value.shape} and dtype {value.dtype}, not {variable.shape} and "
                    f"{variable.dtype}. Give that of an optimizer alike."
                )
        for variable, value in pairs:
            variable.store(value)
        self._fitted = fitted

    def _kept(self, fitted: Sequence[Variable]) -> list[tuple[Variable, ...]]:
        """The state for all Variables together, and that of each."""
        return [self._numbers, *(self._slots.get(v, ()) for v in fitted)]

    def apply_gradients(self, grads_and_variables: Iterable[tuple[Any, Variable]]) -> None:
        """Update each Variable by its gradient, all in one run. A Variable whose gradient is None stays, with a warning.

        Raises:
            ArgumentError: where no Variable has a gradient, or one is named twice.
            ShapeError: where a gradient has not its Variable's shape.
            DTypeError: for a Variable of integers or booleans.
        """
        return self._apply(list(grads_and_variables))

    @public()
    def _apply(self, grads_and_variables: list[tuple[Any, Variable]]) -> None:
        pairs = []
        for gradient, variable in grads_and_variables:
            if gradient is None:
                warnings.warn(
                    f"There is no gradient for Variable {variable.name!r}, so it is not updated. "
                    f"Compute the cost from it, or leave it out.",
                    stacklevel=users_level(),
                )
                continue
            if variable.level <= dtypes.INTEGER:
                raise DTypeError(
                    f"apply_gradients: Variable {variable.name!r} has dtype {variable.dtype}. "
                    f"Only floating Variables are optimised; make it with dtype='float64'."
                )
            tensor = gradient if type(gradient) is Tensor else as_tensor(gradient)
            if tensor.shape != variable.shape:
                raise ShapeError(
                    f"apply_gradients: Variable {variable.name!r} has shape {variable.shape} and its gradient "
                    f"{tensor.shape}. Give the gradients in the order of their Variables."
                )
            pairs.append((tensor, variable))
        if len({id(variable) for _, variable in pairs}) < len(pairs):
            raise ArgumentError("A Variable is named twice. Name each Variable once.")
        if not pairs:
            raise ArgumentError("No Variable has a gradient. Compute the cost from the Variables inside the tape.")
        self._fitted = [variable for _, variable in pairs]
        self._follow(self._fitted)
        back = [variable.constraint.change(variable) for _, variable in pairs if variable.constraint is not None]
        changes = [*self._scheduled(), *self._changes(self._clip(pairs)), *back]
        tracing = trace.current()
        if tracing is not None:
            tracing.update(changes)
        else:
            apply(changes)

    _apply.changes_state = True  # type: ignore[attr-defined]

    def minimize(
        self, cost: Callable[[], Any] | Node, variables: Sequence[Variable] | Variable | None = None, steps: int | None = None
    ) -> Tensor:
        """Make ``cost`` smaller.

        Args:
            cost: a function without arguments that returns a scalar Tensor; or a Node of a static graph.
            variables: what to change; by default every trainable Variable that the cost uses.
            steps: None for one step, recorded anew. A number to trace the cost once and run so many steps natively; a cost made
                by ``jitgrad.function`` is not even traced again by the next call.

        Returns:
            The cost before each step, (steps,); also of one step, (1,). Of a Node, as everywhere, a Node: it does a step when a
            session runs it.

        Raises:
            FitError: where a cost becomes nan or infinite on the way; the Variables keep their last finite values.
        """
        if isinstance(cost, Operators) and not isinstance(cost, Node):
            raise ArgumentError(
                "minimize: the cost is a value already. Give a function that computes it, or a Node of a graph."
            )
        if isinstance(cost, Node):
            train: Any = Node(_train, (cost, self, None if variables is None else tree_leaves(variables)))
            return train
        if steps is not None:
            count("steps", steps)
            step = make_step(cost, [], self, variables, STEPS_AT_ONCE)
            loop, _ = run_epochs(Pass(step, None, Batches()), steps)
            return as_tensor(loop.training.losses)
        with GradientTape() as tape:
            loss = as_tensor(cost())
            chosen = [v for v in variables_of(loss) if v.trainable] if variables is None else tree_leaves(variables)
            tape.watch(chosen)
        gradients = tape.gradient(loss, chosen)
        self.apply_gradients(zip(gradients, chosen, strict=True))
        return reshape(loss if loss.shape == () else sum(loss), (1,))

    @abstractmethod
    def _changes(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        """The update instructions of one step."""

    def _hyperparameters(self) -> Tensor:
        """The hyperparameters of this step, for update instructions: the learning rate first."""
        leaf = self._hyper.leaf
        if self.schedule is None:
            return leaf
        rate = as_tensor(self.schedule(getitem(self._step.leaf, 0)))
        return concatenate([reshape(rate, (1,)), getitem(leaf, slice(1, None))])

    def _hypers(self) -> list[Tensor]:
        """The same as Tensors without axes, for updates that are made of ops."""
        values = self._hyperparameters()
        return [getitem(values, i) for i in range(values.size)]

    def _scheduled(self) -> list[StateUpdate]:
        """The learning rate of this step is kept, to be shown, and the number of the next."""
        if self.schedule is None:
            return []
        return assigned((self._hyper, self._hyperparameters()), (self._step, self._step.leaf + 1.0))

    def _shared(self, pairs: list[tuple[Tensor, Variable]], *starts: Any) -> tuple[Variable, ...]:
        """State for all Variables together, its first values ``starts``, made on the first update in the widest dtype.

        Where it depends on which Variables there are, it begins anew for others.
        """
        if [v.shape for v in self._numbers] != [np.shape(start) for start in starts]:
            widest = max((v.dtype for _, v in pairs), key=lambda dtype: dtype.itemsize)
            name = type(self).__name__.lower()
            self._numbers = tuple(
                Variable(np.array(start, widest), name=f"{name}/number_{i}", trainable=False) for i, start in enumerate(starts)
            )
        return self._numbers

    def _state(self, variable: Variable, count: int, start: float = 0.0) -> tuple[Variable, ...]:
        """``count`` Variables like ``variable``, full of ``start``, made on its first update."""
        if variable not in self._slots:
            first = np.full(variable.shape, start, variable.dtype)
            self._slots[variable] = tuple(
                Variable(first, name=f"{variable.name}/slot_{i}", trainable=False) for i in range(count)
            )
        return self._slots[variable]
