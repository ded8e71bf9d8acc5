"""The base class of modules: registration by name, calling and printing."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Self

from jitgrad.compat.torch.nn import hooks, state
from jitgrad.compat.torch.nn.parameter import Parameter, converted
from jitgrad.compat.torch.nn.registry import Registry
from jitgrad.compat.torch.tensor import Tensor
from jitgrad.errors import ArgumentError, JitgradError, OptionError, UnsupportedError


class ModuleError(JitgradError, RuntimeError, AttributeError):
    """A module was used before it was initialized."""


class MissingAttributeError(JitgradError, AttributeError):
    """An attribute that a module does not have."""


class Module:
    """Base class of modules.

    Parameters, buffers and submodules are ordinary attributes, and are also stored by name in ``_parameters``, ``_buffers`` and
    ``_modules``.
    """

    training: bool
    _hooks: hooks.Hooks | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            given = f"positional arguments {args}" if args else f"the argument {next(iter(kwargs))!r}"
            raise OptionError(f"{type(self).__name__}.__init__ takes no {given}. Call super().__init__() without arguments.")
        own = self.__dict__
        own["training"] = True
        own["_own_parameters"] = {}
        own["_own_buffers"] = {}
        own["_own_modules"] = {}
        own["_not_saved"] = set()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the module's output; to be overridden."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return self._hooks.call(self, args, kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        kept = own.get("_own_modules")
        if kept is None:
            if isinstance(value, (Module, Parameter)):
                raise ModuleError(
                    f"{type(self).__name__}.{name} is set before Module.__init__() was called. "
                    f"Call super().__init__() first in its __init__."
                )
            object.__setattr__(self, name, value)
            return
        if isinstance(value, Parameter):
            self._forget(name, but="_own_parameters")
            own["_own_parameters"][name] = value
        elif isinstance(value, Module):
            self._forget(name, but="_own_modules")
            kept[name] = value
        elif name in own["_own_parameters"] or name in kept:
            if value is not None:
                what, kind = ("parameter", "Parameter") if name in own["_own_parameters"] else ("child module", "Module")
                raise UnsupportedError(
                    f"cannot assign '{type(value).__name__}' as {what} '{name}' (torch.nn.{kind} or None expected)"
                )
            own["_own_parameters" if name in own["_own_parameters"] else "_own_modules"][name] = None
        elif name in own["_own_buffers"]:
            if value is not None and not isinstance(value, Tensor):
                raise UnsupportedError(
                    f"cannot assign '{type(value).__name__}' as buffer '{name}' (torch.Tensor or None expected)"
                )
            own["_own_buffers"][name] = value
        object.__setattr__(self, name, value)

    def _forget(self, name: str, but: str = "") -> None:
        """Remove a name from the attributes of other kinds before it is registered."""
        for kind in ("_own_parameters", "_own_buffers", "_own_modules"):
            if kind != but:
                self.__dict__[kind].pop(name, None)
        self._not_saved.discard(name)

    def __delattr__(self, name: str) -> None:
        self._forget(name)
        object.__delattr__(self, name)

    def __getattr__(self, name: str) -> Any:
        reason = f". {_REASONS[name]}" if name in _REASONS else ""
        error = MissingAttributeError(f"'{type(self).__name__}' object has no attribute '{name}'{reason}")
        error.name, error.obj = name, self  # Python uses these for its suggestions
        raise error

    @property
    def _parameters(self) -> MutableMapping[str, Any]:
        return Registry(self, self._own_parameters, "parameter")

    @property
    def _buffers(self) -> MutableMapping[str, Any]:
        return Registry(self, self._own_buffers, "buffer")

    @property
    def _modules(self) -> MutableMapping[str, Any]:
        return Registry(self, self._own_modules, "module")

    def _named(self, name: str, what: str) -> None:
        """Raise an error for a name that cannot be registered."""
        if not isinstance(name, str):
            raise UnsupportedError(f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name or not name:
            raise ArgumentError(f"A {what} is named {name!r}. Give a name that is not empty and has no dots.")
        if name in self.__dict__ or hasattr(type(self), name):
            kept = name in self._own_parameters or name in self._own_buffers or name in self._own_modules
            if not kept:
                raise ArgumentError(f"attribute '{name}' already exists. Choose another name for the {what}.")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter as ``name``; None registers an absent parameter."""
        self._named(name, "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise UnsupportedError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' (Parameter or None)")
        self._forget(name, but="_own_parameters")
        self._own_parameters[name] = param
        self.__dict__[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that is not a parameter; a persistent buffer is part of ``state_dict``."""
        self._named(name, "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise UnsupportedError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None)")
        self._forget(name, but="_own_buffers")
        self._own_buffers[name] = tensor
        self.__dict__[name] = tensor
        if not persistent:
            self._not_saved.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Register a submodule as ``name``."""
        self._named(name, "module")
        if module is not None and not isinstance(module, Module):
            raise UnsupportedError(f"{type(module).__name__} is not a Module subclass")
        self._forget(name, but="_own_modules")
        self._own_modules[name] = module
        self.__dict__[name] = module

    register_module = add_module

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Iterate over names and modules, the module itself first."""
        memo = set() if memo is None else memo
        if remove_duplicate and self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._own_modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Iterate over the module itself and all submodules."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Iterate over names and modules of the direct children."""
        seen: set[Module] = set()
        for name, module in self._own_modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """Iterate over the direct children."""
        return (module for _, module in self.named_children())

    def _below(self, kind: str, prefix: str, recurse: bool, once: bool) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        modules = self.named_modules(prefix=prefix, remove_duplicate=once) if recurse else [(prefix, self)]
        for path, module in modules:
            for name, value in module.__dict__[kind].items():
                if value is not None and not (once and id(value) in seen):
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Iterate over names and parameters, each once."""
        return self._below("_own_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """Iterate over the parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Iterate over names and buffers, each once."""
        return self._below("_own_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """Iterate over the buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """Return the module with a dotted name."""
        module: Module = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise MissingAttributeError(f"'{name}' is not an nn.Module. Give a name from named_modules().")
        return module

    def _owned(self, target: str, kind: type, what: str) -> Any:
        path, _, name = target.rpartition(".")
        value = getattr(self.get_submodule(path), name)
        if not isinstance(value, kind):
            raise MissingAttributeError(f"'{name}' is not {what}. It is of type {type(value).__name__}.")
        return value

    def get_parameter(self, target: str) -> Parameter:
        """Return the parameter with a dotted name."""
        return self._owned(target, Parameter, "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """Return the buffer with a dotted name."""
        return self._owned(target, Tensor, "a buffer")

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` with each submodule, then with this module."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Set training mode, which affects dropout and batch normalization."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"The mode is {mode!r}. Give True for training, False for evaluation.")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Call ``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set whether the parameters require gradients."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Reset all gradients to None or to zeros."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Convert floating-point parameters and buffers to another dtype; the device is always the CPU."""
        seen: dict[int, Any] = {}
        for module in self.modules():
            for kind in ("_own_parameters", "_own_buffers"):
                for name, value in list(module.__dict__[kind].items()):
                    if value is not None:
                        setattr(module, name, seen.setdefault(id(value), converted(value, args, kwargs)))
        return self

    def float(self) -> Self:
        """Convert parameters and buffers to float32."""
        from jitgrad.compat.torch.dtypes import float32

        return self.to(float32)

    def double(self) -> Self:
        """Convert parameters and buffers to float64."""
        from jitgrad.compat.torch.dtypes import float64

        return self.to(float64)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing, because recorded operations are always compiled."""

    def cpu(self) -> Self:
        """Return the module itself: everything is on the CPU."""
        return self

    def state_dict(
        self, *, destination: OrderedDict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Any]:
        """Return parameters and persistent buffers by their dotted names."""
        return state.collect(self, OrderedDict() if destination is None else destination, prefix, keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Load values by name. Raise RuntimeError if shapes or, with ``strict``, names do not match."""
        return state.load(self, state_dict, strict, assign)

    def _hook_lists(self) -> hooks.Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = hooks.Hooks()
        found = self._hooks
        assert found is not None
        return found

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> hooks.RemovableHandle:
        """Call ``hook(module, args, output)`` after each call; a result other than None replaces the output."""
        if always_call:
            raise UnsupportedError("always_call=True is not supported. Omit it.")
        return self._hook_lists().add("after", hook, prepend, with_kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> hooks.RemovableHandle:
        """Call ``hook(module, args)`` before each call; a result other than None replaces the arguments."""
        return self._hook_lists().add("before", hook, prepend, with_kwargs)

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return the text in parentheses in ``repr``."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): {indented(repr(module))}" for name, module in self._own_modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({extra})"
        body = "\n  ".join(lines + children)
        return f"{self._get_name()}(\n  {body}\n)" if body else f"{self._get_name()}()"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__()} - {"_own_parameters", "_own_buffers", "_own_modules", "_not_saved"})


_PROCESSOR = "jitgrad computes on the processor: leave it out, or write .to(device) with device = 'cpu'."
_HALF = "jitgrad computes in float32 and float64: use float() or double()."
_BACKWARD = "Look at .grad after backward(), or at outputs with retain_grad()."
_REASONS = {
    **dict.fromkeys(("cuda", "xpu", "ipu"), _PROCESSOR),
    **dict.fromkeys(("half", "bfloat16"), _HALF),
    **dict.fromkeys(("register_full_backward_hook", "register_backward_hook", "register_full_backward_pre_hook"), _BACKWARD),
}
"""Return the error for an attribute of PyTorch's modules that these modules lack."""

_LINE = re.compile("\n")


def indented(text: str) -> str:
    """Indent every line except the first by two spaces."""
    return _LINE.sub("\n  ", text)
