"""A module's ``state_dict``, and loading values from one."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from jitgrad.compat.torch.tensor import Tensor
from jitgrad.errors import JitgradError, UnsupportedError

if TYPE_CHECKING:
    from jitgrad.compat.torch.nn.module import Module


class StateError(JitgradError, RuntimeError):
    """A state that does not match the module."""


class _Keys(NamedTuple):
    missing_keys: list[str]
    unexpected_keys: list[str]


class IncompatibleKeys(_Keys):
    """The names that a state lacks, and its names that the module does not have."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"_IncompatibleKeys(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


def _places(module: Module, prefix: str = "") -> Iterator[tuple[str, Module, str, Tensor]]:
    """Iterate over the dotted name, owner, local name and tensor of all saved values, in PyTorch's order."""
    own = module.__dict__
    for name, value in [*own["_own_parameters"].items(), *own["_own_buffers"].items()]:
        if value is not None and name not in own["_not_saved"]:
            yield prefix + name, module, name, value
    for name, child in own["_own_modules"].items():
        if child is not None:
            yield from _places(child, f"{prefix}{name}.")


def collect(module: Module, destination: OrderedDict[str, Any], prefix: str, keep_vars: bool) -> OrderedDict[str, Any]:
    """Write all tensors of a module to ``destination`` by their dotted names."""
    for name, _, _, value in _places(module, prefix):
        destination[name] = value if keep_vars else value.detach()
    return destination


def load(module: Module, given: Mapping[str, Any], strict: bool, assign: bool) -> IncompatibleKeys:
    """Load a state into a module's tensors; if an entry does not match, none is changed."""
    if not isinstance(given, Mapping):
        raise UnsupportedError(f"Expected state_dict to be dict-like, got {type(given)}.")
    places = list(_places(module))
    known = {name for name, *_ in places}
    missing = [name for name, *_ in places if name not in given]
    unexpected = [name for name in given if name not in known]
    problems = []
    if strict and unexpected:
        problems.append(f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
    if strict and missing:
        problems.append(f"Missing key(s) in state_dict: {_quoted(missing)}. ")
    for name, _, _, value in places:
        if name not in given:
            continue
        if not isinstance(given[name], Tensor):
            problems.append(
                f'While copying the parameter named "{name}", expected torch.Tensor or Tensor-like object from checkpoint '
                f"but received {type(given[name])}"
            )
        elif given[name].shape != value.shape:
            problems.append(
                f"size mismatch for {name}: copying a param with shape {given[name].shape} from checkpoint, "
                f"the shape in current model is {value.shape}."
            )
    if problems:
        raise StateError(
            "Error(s) in loading state_dict for {}:\n\t{}".format(type(module).__name__, "\n\t".join(problems)),
        )
    for name, owner, own_name, value in places:
        if name in given:
            if assign:
                setattr(owner, own_name, type(value)(given[name], value.requires_grad) if _is_parameter(value) else given[name])
            else:
                value.detach().copy_(given[name])
    return IncompatibleKeys(missing, unexpected)


@contextlib.contextmanager
def replaced(module: Module, given: Mapping[str, Tensor], tied: bool, strict: bool) -> Iterator[None]:
    """Replace tensors of a module within the block; if ``tied``, replace a shared tensor under all of its names."""
    places = list(_all_places(module))
    missing = [name for name, *_ in places if name not in given]
    unexpected = sorted(set(given) - {name for name, *_ in places})
    if unexpected or (strict and missing):
        what, names = ("Unexpected", unexpected) if unexpected else ("Missing", missing)
        raise StateError(f"{what} key(s): {_quoted(names)}. Give names from named_parameters() or named_buffers().")
    own_tensors = {name: owner.__dict__[kind][own] for name, owner, own, kind in places}
    by_identity = {id(own_tensors[name]): value for name, value in given.items()} if tied else {}
    try:
        for name, owner, own, kind in places:
            value = given.get(name, by_identity.get(id(own_tensors[name])))
            if value is not None:
                owner.__dict__[kind][own] = owner.__dict__[own] = value
        yield
    finally:
        for name, owner, own, kind in places:
            owner.__dict__[kind][own] = owner.__dict__[own] = own_tensors[name]


def _all_places(module: Module) -> Iterator[tuple[str, Module, str, str]]:
    """Iterate over the dotted name, owner, local name and storage of each parameter and buffer."""
    for path, owner in module.named_modules(remove_duplicate=False):
        for kind in ("_own_parameters", "_own_buffers"):
            for own, value in owner.__dict__[kind].items():
                if value is not None:
                    yield f"{path}.{own}" if path else own, owner, own, kind


def _is_parameter(value: Tensor) -> bool:
    return type(value) is not Tensor


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
