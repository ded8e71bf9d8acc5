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
from jitgrad.functions.joining import concatenate
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.graph import Node
from jitgrad.ops.elementwise import equal, mod, where
from jitgrad.optimizers.clipping import CLIPPING, Clipper
from jitgrad.optimizers.hyperparameters import Hyperparameters, check_options
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

_OPTIONS: dict[str, Any] = {
    "weight_decay": 0.0, "l2": 0.0, "maximize": False, **dict.fromkeys(CLIPPING),
    "use_ema": False, "ema_momentum": 0.99, "ema_overwrite_frequency": None,
}  # fmt: skip
"""What every optimizer takes beside its own arguments."""


def assigned(*pairs: tuple[Variable, Tensor]) -> list[StateUpdate]:
    """Changes that give each Variable a new value."""
    return [StateUpdate("assign", (variable,), (value,)) for variable, value in pairs]


def _train(loss: Any, optimizer: Optimizer, variables: list[Variable] | None) -> None:
    """A step on a loss that is being traced."""
    trace_updates(as_tensor(loss), optimizer, variables)


_train.changes_state = True  # type: ignore[attr-defined]


class Optimizer(Described, ABC):
    """Base class. A subclass says which hyperparameters and state it has, and how far each Variable moves.

    State is kept in Variables, made when a Variable is first updated.

    Args:
        learning_rate: the step size, positive; or a Schedule.
        others: hyperparameters of the subclass by name.
        options: what every optimizer takes, each by name:
            ``weight_decay``: before a step, ``w ← w·(1 − lr·weight_decay)``, apart from the gradient, as in Keras.
            ``l2``: ``g ← g + l2·w``, what PyTorch calls weight_decay in all optimizers but AdamW.
            ``maximize``: whether the cost shall grow.
            ``clipvalue`` (each element of a gradient between -c and c), ``clipnorm`` (each gradient's norm at most c) or
            ``global_clipnorm`` (that of all gradients together).
            ``use_ema``, ``ema_momentum``, ``ema_overwrite_frequency``: whether running means ``a ← m·a + (1 − m)·w`` of the
            Variables are kept, their m, and after how many steps each the Variables take them; see
            ``finalize_variable_values``.
    """

    def __init__(self, learning_rate: float | Schedule, others: dict[str, float] | None = None, **options: Any) -> None:
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
        self._clip = Clipper(**{name: value for name, value in options.items() if name in CLIPPING})
        self._slots: dict[Variable, tuple[Variable, ...]] = {}
        self._numbers: tuple[Variable, ...] = ()
        self._starts: dict[Variable, Any] = {}
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
        return self._hyper.values["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self.change(learning_rate=value)

    @property
    def hyperparameters(self) -> dict[str, float]:
        """The numbers that ``change`` changes, by name."""
        return self._hyper.values

    def change(self, **values: float) -> None:
        """Change hyperparameters from the next step on. No Program is lowered again for that, unless one was 0, or becomes it.

        Raises OptionError for a name that there is not, and ArgumentError for a number outside its range.
        """
        if self.schedule is not None and "learning_rate" in values:
            raise ArgumentError("The learning rate follows a schedule. Make another optimizer for a fixed one.")
        self._hyper.change(values)

    @property
    def structure(self) -> Any:
        """What decides, beside Variables, what a step computes."""
        return self._hyper.used, len(self._undecayed), len(self._undecayed_names)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Let ``weight_decay`` not touch these Variables, nor those that have one of these texts in their names."""
        self._undecayed |= set(var_list or ())
        self._undecayed_names = [*self._undecayed_names, *(var_names or ())]

    def finalize_variable_values(self, variables: Iterable[Variable]) -> None:
        """Give Variables the running means that ``use_ema`` keeps of them; a model's fit ends with it. Others stay."""
        for variable in variables:
            if self._average and variable in self._slots:
                variable.assign(self._slots[variable][-1])

    @property
    def variables(self) -> list[Variable]:
        """The optimizer's state, in the order in which it was made."""
        counted = [self._step] if self._counts else []
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
            "hyperparameters": np.array(self._hyper.variable.numpy()),
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
                self._updates([(as_tensor(np.zeros(v.shape, v.dtype)), v) for v in fitted])
        hyper = self._hyper.variable
        pairs: list[tuple[Variable, np.ndarray]] = [(hyper, state["hyperparameters"]), (self._step, state["step"])]
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
        self._hyper.note()
        self._fitted = fitted

    def reset(self) -> None:
        """Begin anew, as if there had been no step. Hyperparameters stay, and so does what was traced with it."""
        for variable, start in self._starts.items():
            variable.store(np.broadcast_to(np.asarray(start, variable.dtype), variable.shape))
        self._step.store([0.0])

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
        self.update(pairs)

    _apply.changes_state = True  # type: ignore[attr-defined]

    def update(self, pairs: list[tuple[Tensor, Variable]]) -> None:
        """As ``apply_gradients``, of Tensors that are known to fit: nothing is checked."""
        self._fitted = [variable for _, variable in pairs]
        if self._copied_from is not None:
            self._follow(self._fitted)
        changes = self._updates(pairs)
        tracing = trace.current()
        if tracing is not None:
            tracing.update(changes)
        else:
            apply(changes)

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

    def _updates(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        """All update instructions of one step, of gradients as they are given."""
        hyper = self._hyperparameters()
        if self._maximize:
            pairs = [(-g, w) for g, w in pairs]
        pairs = self._clip(pairs)
        if "l2" in self._hyper.used:
            strength = self._hyper.of(hyper, "l2")
            pairs = [(g + strength * w.leaf, w) for g, w in pairs]
        changes = self._changes(pairs, hyper)
        changes += [w.constraint.change(w) for _, w in pairs if w.constraint is not None]
        return [*self._counted(hyper), *changes] if self._counts else changes

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        """What changes the Variables, and the state with them. A subclass that has an instruction of its own uses it here."""
        changes, moves = self._moves(pairs, hyper)
        factor = self._factor(hyper)
        for (_, w), move in zip(pairs, moves, strict=True):
            new = self._shrunk(w, factor) - move
            changes += self._averaged(w, new, hyper) if self._average else assigned((w, new))
        return changes

    @abstractmethod
    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        """Changes of the state, and how far each Variable goes: ``w ← w − move``."""

    def _averaged(self, w: Variable, new: Tensor, hyper: Tensor) -> list[StateUpdate]:
        """A Variable takes a value, and so does its running mean, which begins with the first."""
        self._state(w)
        average = self._slots[w][-1]
        done = getitem(self._step.leaf, 0)
        m = where(equal(done, 0.0), 0.0, self._hyper.of(hyper, "ema_momentum"))
        mean = m * average.leaf + (1.0 - m) * new
        if self._overwrite is not None:
            new = where(equal(mod(done + 1.0, float(self._overwrite)), 0.0), mean, new)
        return assigned((average, mean), (w, new))

    def _factor(self, hyper: Tensor) -> Tensor | None:
        """What weight decay multiplies Variables with; None without it."""
        if "weight_decay" not in self._hyper.used:
            return None
        return 1.0 - self._hyper.of(hyper, "learning_rate") * self._hyper.of(hyper, "weight_decay")

    def _decays(self, w: Variable) -> bool:
        return w not in self._undecayed and not any(name in w.name for name in self._undecayed_names)

    def _shrunk(self, w: Variable, factor: Tensor | None) -> Tensor:
        """Where the step of a Variable begins: its value, less the weight decay."""
        return w.leaf if factor is None or not self._decays(w) else w.leaf * factor

    def _shrinking(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        """The same as changes in front of a step's own instructions."""
        factor = self._factor(hyper)
        if factor is None:
            return []
        return assigned(*((w, self._shrunk(w, factor)) for _, w in pairs if self._decays(w)))

    def _hyperparameters(self) -> Tensor:
        """The hyperparameters of this step, for update instructions: the learning rate first."""
        leaf = self._hyper.variable.leaf
        if self.schedule is None:
            return leaf
        rate = as_tensor(self.schedule(getitem(self._step.leaf, 0)))
        return concatenate([reshape(rate, (1,)), getitem(leaf, slice(1, None))])

    def _own(self, hyper: Tensor) -> list[Tensor]:
        """The learning rate and the subclass's hyperparameters as Tensors without axes, for updates that are made of ops."""
        return [getitem(hyper, i) for i in range(self._split_at)]

    def _counted(self, hyper: Tensor) -> list[StateUpdate]:
        """The number of the next step; a scheduled learning rate is kept, to be shown."""
        kept = [] if self.schedule is None else [(self._hyper.variable, hyper)]
        return assigned(*kept, (self._step, self._step.leaf + 1.0))

    def _shared(self, pairs: list[tuple[Tensor, Variable]], *starts: Any) -> tuple[Variable, ...]:
        """State for all Variables together, its first values ``starts``, made on the first update in the widest dtype.

        Where it depends on which Variables there are, it begins anew for others.
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
        """State of a Variable, made on its first update: a number stands for as many as the Variable has, an array for itself.

        Where running means are kept, that of the Variable is behind it.
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
