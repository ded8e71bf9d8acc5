"""Optimizers whose steps are computed by jitgrad: each group of parameters has a jitgrad optimizer."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.grad_mode import enable_grad
from jitgrad.compat.torch.optim.optimizer import Optimizer
from jitgrad.compat.torch.tensor import Tensor, of_array
from jitgrad.errors import ArgumentError
from jitgrad.optimizers import Optimizer as Library
from jitgrad.tape.variable import Variable


class Part:
    """Parameters that have taken the same steps, and the jitgrad optimizer for them."""

    __slots__ = ("library", "parameters", "steps")

    def __init__(self, parameters: list[Tensor], library: Library, steps: int = 0) -> None:
        self.parameters = parameters
        self.library = library
        self.steps = steps

    def state(self) -> dict[str, Any]:
        """Return the state of the jitgrad optimizer."""
        return self.library.get_state(self.held())

    def held(self) -> list[Variable]:
        """Return the Variables of the parameters."""
        return [p._tensor for p in self.parameters if isinstance(p._tensor, Variable)]

    def give(self, state: dict[str, Any], kept: list[list[Any]]) -> None:
        """Restore a state from the shared arrays and the arrays of each parameter."""
        held = self.held()
        arrays = [[np.asarray(value) for value in values] for values in kept]
        self.library.set_state({**state, "fitted": list(range(len(held))), "kept": arrays}, held)


class _Group:
    """A group of parameters: its parts, and the most recently used options."""

    __slots__ = ("kind", "known", "options", "parts")

    def __init__(self, kind: FittedOptimizer, options: dict[str, Any]) -> None:
        self.kind = kind
        self.options = options
        self.known = [options[name] for name in kind.watched]
        self.parts = [self.begun(options["params"])]

    def begun(self, parameters: list[Tensor], steps: int = 0) -> Part:
        """Return parameters with a new optimizer that has no state yet."""
        library = self.kind.make({**self.options, "lr": self.options["lr"] or 1.0})  # a positive rate is required
        library.change(**self.kind.numbers(self.options))
        return Part(parameters, library, steps)

    def step(self) -> None:
        options = self.options
        if [options[name] for name in self.kind.watched] != self.known:
            self.change()
        for part in self.parts:
            pairs: list[tuple[Any, Any]] = []
            for p in part.parameters:
                held = p._tensor
                kept = held.gradient
                if kept is not None and kept.value is not None:
                    pairs.append((kept.value, held))
            if len(pairs) == len(part.parameters):
                part.library.update(pairs)
                part.steps += 1
            elif pairs:
                self.split(part, {id(held) for _, held in pairs})
                self.step()
                return

    def change(self) -> None:
        """Update the options of the jitgrad optimizer."""
        kind, options = self.kind, self.options
        for name, before in zip(kind.watched, self.known, strict=True):
            if name in kind.forms and options[name] != before and any(part.steps for part in self.parts):
                raise TorchError(f"{name} changes from {before} to {options[name]} between steps. Create a new optimizer.")
        kind._check(options)
        self.known = [options[name] for name in kind.watched]
        numbers = kind.numbers(options)
        for part in self.parts:
            part.library.change(**numbers)

    def split(self, part: Part, having: set[int]) -> None:
        """Split a part into the parameters that have a gradient and those that do not."""
        state = part.state() if part.steps else None
        self.parts.remove(part)
        for wanted in (True, False):
            places = [i for i, p in enumerate(part.parameters) if (id(p._tensor) in having) is wanted]
            made = self.begun([part.parameters[i] for i in places], part.steps)
            if state is not None:
                made.give(state, [state["kept"][0], *(state["kept"][1 + i] for i in places)])
            self.parts.append(made)


class FittedOptimizer(Optimizer):
    """Base class of PyTorch's optimizers.

    Attributes
    ----------
    names : dict
        jitgrad's name of each numeric option.
    forms : tuple of str
        The options that determine the form of a step.
    slots : tuple of str
        PyTorch's names of the arrays that jitgrad stores for a parameter.
    """

    names: dict[str, str]
    forms: tuple[str, ...] = ("maximize",)
    slots: tuple[str, ...] = ()

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.watched = (
            *(name for name in self.names if name in defaults),
            *(n for n in ("betas",) if n in defaults),
            *self.forms,
        )
        self._groups: list[_Group] = []
        super().__init__(params, defaults)

    @abstractmethod
    def make(self, group: dict[str, Any]) -> Library:
        """Return the jitgrad optimizer for the options of a group."""

    def slots_of(self, parameter: Tensor) -> tuple[str, ...]:
        """Return the names of the arrays of a parameter."""
        return self.slots

    def numbers(self, group: dict[str, Any]) -> dict[str, Any]:
        """Return the numeric options of a group under jitgrad's names."""
        given = {self.names[name]: float(group[name]) for name in self.names}
        if "betas" in group:
            given["beta_1"], given["beta_2"] = (float(beta) for beta in group["betas"])
        return given

    def _check(self, group: dict[str, Any]) -> None:
        if not float(group["lr"]) >= 0:
            raise ArgumentError(f"Invalid learning rate: {group['lr']}. Give a nonnegative number.")
        if "eps" in self.names and not group["eps"] >= 0:
            raise ArgumentError(f"Invalid epsilon value: {group['eps']}. Give a nonnegative number.")
        if not group.get("weight_decay", 0) >= 0:
            raise ArgumentError(f"Invalid weight_decay value: {group['weight_decay']}. Give a nonnegative number.")
        for number, beta in enumerate(group.get("betas", ())):
            if not 0 <= beta < 1:
                raise ArgumentError(
                    f"Invalid beta parameter at index {number}: {beta}. Give a number of at least 0 and less than 1."
                )
        if group.get("differentiable"):
            raise TorchError("differentiable=True is not supported: gradients do not pass through a step. Omit it.")

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        super().add_param_group(param_group)
        self._groups.append(_Group(self, self.param_groups[-1]))

    def step(self, closure: Any = None) -> Any:
        """Update the parameters; if a ``closure`` is given, call it first and return the loss."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._stepped = True
        for group in self._groups:
            group.step()
        return loss

    # State. In addition to PyTorch's names, the state has an entry "shared", which all parameters of a part have in common.

    @property
    def state(self) -> Any:
        """Return the state of each parameter that has taken a step."""
        return {p: kept for group in self._groups for part in group.parts if part.steps for p, kept in self._kept(part)}

    @state.setter
    def state(self, value: Any) -> None:
        pass  # the array belongs to jitgrad

    def _kept(self, part: Part) -> list[tuple[Tensor, dict[str, Any]]]:
        shared, *each = part.state()["kept"]
        common = {"step": of_array(np.float32(part.steps)), "shared": [of_array(array) for array in shared]}
        return [
            (p, {**common, **{name: of_array(array) for name, array in zip(self.slots_of(p), arrays, strict=False)}})
            for p, arrays in zip(part.parameters, each, strict=True)
        ]

    def _take(self, state: dict[Tensor, dict[str, Any]]) -> None:
        for group in self._groups:
            by_steps: dict[int, list[Tensor]] = {}
            for p in group.options["params"]:
                by_steps.setdefault(int(state[p]["step"]) if p in state else 0, []).append(p)
            group.parts = [group.begun(members, steps) for steps, members in by_steps.items()]
            group.known = [group.options[name] for name in self.watched]
            for part in group.parts:
                if part.steps:
                    saved = [state[p] for p in part.parameters]
                    shared = [array.numpy() for array in saved[0]["shared"]]
                    each = zip(part.parameters, saved, strict=True)
                    kept = [shared, *([one[name].numpy() for name in self.slots_of(p) if name in one] for p, one in each)]
                    part.give(part.state(), kept)
