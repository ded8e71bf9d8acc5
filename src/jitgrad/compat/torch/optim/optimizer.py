"""The base of all optimizers: groups of parameters, and their state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from jitgrad.compat.torch.tensor import Tensor
from jitgrad.errors import ArgumentError, UnsupportedError


class Optimizer:
    """Base class; user-defined subclasses define ``step``.

    Parameters
    ----------
    params : iterable
        Tensors, pairs of names and tensors, or dicts of "params" and the options that differ from ``defaults``.
    defaults : dict
        The options of groups that do not override them.

    Attributes
    ----------
    param_groups : list of dict
        The groups: "params" and options, which may be changed at any time.
    state : dict
        The state that a subclass stores for each parameter.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise UnsupportedError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, but got a Tensor. "
                "Give [tensor], or model.parameters()."
            )
        self.defaults = defaults
        self.param_groups: list[dict[str, Any]] = []
        self.state: Any = defaultdict(dict)
        self._stepped = False
        given = list(params)
        if not given:
            raise ArgumentError("optimizer got an empty parameter list. Give model.parameters(), or a list of tensors.")
        for group in given if isinstance(given[0], dict) else [{"params": given}]:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group: a dict of "params" and the options that differ from the defaults."""
        if not isinstance(param_group, dict):
            raise UnsupportedError(f"param_group must be a dict, but got {type(param_group)}.")
        given = param_group["params"]
        tensors = [given] if isinstance(given, Tensor) else self._ordered(given)
        group: dict[str, Any] = {"params": tensors, **{k: v for k, v in param_group.items() if k != "params"}}
        known = {id(p) for other in self.param_groups for p in other["params"]}
        if len({id(p) for p in tensors}) < len(tensors) or known & {id(p) for p in tensors}:
            raise ArgumentError("some parameters appear in more than one parameter group. Pass each parameter once.")
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        self._check(group)
        self.param_groups.append(group)

    def _ordered(self, given: Iterable[Any]) -> list[Tensor]:
        if isinstance(given, (set, frozenset)):
            raise UnsupportedError("optimizer parameters need to be organized in ordered collections. Give a list.")
        tensors = [p[1] if isinstance(p, tuple) else p for p in given]
        for p in tensors:
            if not isinstance(p, Tensor):
                raise UnsupportedError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}.")
            if not p.is_leaf:
                raise ArgumentError(
                    "can't optimize a non-leaf Tensor. Give a tensor that you created, for example with requires_grad=True."
                )
        return tensors

    def _check(self, group: dict[str, Any]) -> None:
        """Raise ArgumentError for options out of range."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset all gradients to None or to zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if not set_to_none:
                    if p.grad is not None:
                        p.grad.zero_()
                elif p._grad is not None:  # the gradient has been read, so it keeps its value
                    p.grad = None
                else:
                    kept = p._tensor.gradient
                    if kept is not None:
                        kept.value = None

    def step(self, closure: Any = None) -> Any:
        """Update the parameters; if a ``closure`` is given, call it first and return the loss."""
        raise NotImplementedError("A subclass of Optimizer defines step().")

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with indices in place of the parameters."""
        numbers: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            chosen = [numbers.setdefault(id(p), len(numbers)) for p in group["params"]]
            groups.append({**{name: value for name, value in group.items() if name != "params"}, "params": chosen})
        state = {numbers[id(p)]: dict(kept) for p, kept in self.state.items()}
        return {"state": state, "param_groups": groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the state of an optimizer of the same kind with the same number of parameters."""
        groups = state_dict["param_groups"]
        if len(groups) != len(self.param_groups):
            raise ArgumentError("loaded state dict has a different number of parameter groups. Create the same groups first.")
        if any(len(a["params"]) != len(b["params"]) for a, b in zip(groups, self.param_groups, strict=True)):
            raise ArgumentError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group. "
                "Create the same groups first."
            )
        parameters: dict[Any, Tensor] = {}
        for saved, group in zip(groups, self.param_groups, strict=True):
            parameters.update(zip(saved["params"], group["params"], strict=True))
            group.update({name: value for name, value in saved.items() if name != "params"})
        state = {int(number): kept for number, kept in state_dict["state"].items()}
        self._take({parameters[number]: kept for number, kept in sorted(state.items())})

    def _take(self, state: dict[Tensor, dict[str, Any]]) -> None:
        """Restore the state of parameters."""
        self.state = defaultdict(dict, {p: dict(kept) for p, kept in state.items()})

    def __repr__(self) -> str:
        lines = []
        for number, group in enumerate(self.param_groups):
            lines.append(f"\nParameter Group {number}")
            lines += [f"    {name}: {group[name]}" for name in sorted(group) if name != "params"]
        return f"{type(self).__name__} (" + "\n".join(lines) + "\n)"
