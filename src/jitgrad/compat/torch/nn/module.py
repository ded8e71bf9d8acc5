"""The base of modules: what they own, found by name, and how they are called and printed."""

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
    """A module that is used before it is ready."""


class MissingAttributeError(JitgradError, AttributeError):
    """An attribute that a module does not have."""


class Module:
    """Base class of modules.

    Parameters, buffers and submodules are attributes like others, and are kept by name as well, in ``_parameters``,
    ``_buffers`` and ``_modules``.
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
        """What the module computes; a subclass defines it."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks is None:
            return self.forward(*args, **kwargs)
        return self._hooks.call(self, args, kwargs)

    # What it owns, by name.

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
        """Own nothing under a name, but of the kind of what takes its place there."""
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
        error.name, error.obj = name, self  # by which Python says what comes near
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
        """Raises for a name that cannot be registered."""
        if not isinstance(name, str):
            raise UnsupportedError(f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name or not name:
            raise ArgumentError(f"A {what} is named {name!r}. Give a name that is not empty and has no dots.")
        if name in self.__dict__ or hasattr(type(self), name):
            kept = name in self._own_parameters or name in self._own_buffers or name in self._own_modules
            if not kept:
                raise ArgumentError(f"attribute '{name}' already exists. Choose another name for the {what}.")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Own a parameter under ``name``; None for a place that stays empty."""
        self._named(name, "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise UnsupportedError(f"cannot assign '{type(param).__name__}' object to parameter '{name}' (Parameter or None)")
        self._forget(name, but="_own_parameters")
        self._own_parameters[name] = param
        self.__dict__[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Own a tensor that is no parameter; in ``state_dict`` where it is persistent."""
        self._named(name, "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise UnsupportedError(f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' (Tensor or None)")
        self._forget(name, but="_own_buffers")
        self._own_buffers[name] = tensor
        self.__dict__[name] = tensor
        if not persistent:
            self._not_saved.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Own a submodule under ``name``."""
        self._named(name, "module")
        if module is not None and not isinstance(module, Module):
            raise UnsupportedError(f"{type(module).__name__} is not a Module subclass")
        self._forget(name, but="_own_modules")
        self._own_modules[name] = module
        self.__dict__[name] = module

    register_module = add_module

    # All that is below it.

    def named_modules(
        self, memo: set[Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """Names and modules, itself first, then what is below."""
        memo = set() if memo is None else memo
        if remove_duplicate and self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._own_modules.items():
            if module is not None:
                yield from module.named_modules(memo, f"{prefix}.{name}" if prefix else name, remove_duplicate)

    def modules(self) -> Iterator[Module]:
        """Itself and all modules below it."""
        return (module for _, module in self.named_modules())

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """Names and modules of the attributes."""
        seen: set[Module] = set()
        for name, module in self._own_modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules of the attributes."""
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
        """Names and parameters, each once."""
        return self._below("_own_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Names and buffers, each once."""
        return self._below("_own_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module of a dotted name."""
        module: Module = self
        for name in target.split(".") if target else ():
            module = getattr(module, name)
            if not isinstance(module, Module):
                raise MissingAttributeError(f"'{name}' is not an nn.Module. Name a module, as named_modules() does.")
        return module

    def _owned(self, target: str, kind: type, what: str) -> Any:
        path, _, name = target.rpartition(".")
        value = getattr(self.get_submodule(path), name)
        if not isinstance(value, kind):
            raise MissingAttributeError(f"'{name}' is not {what}. It is of type {type(value).__name__}.")
        return value

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of a dotted name."""
        return self._owned(target, Parameter, "an nn.Parameter")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of a dotted name."""
        return self._owned(target, Tensor, "a buffer")

    # Modes, and changes of all that is below.

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Call ``fn`` with each module below, then with this one."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Let dropout and batch normalisation act as in training."""
        if not isinstance(mode, bool):
            raise ArgumentError(f"The mode is {mode!r}. Give True for training, False for evaluation.")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """``train(False)``."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Whether gradients of the parameters are wanted."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or make them zeros."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """With floating parameters and buffers of another dtype; the device is the processor."""
        seen: dict[int, Any] = {}
        for module in self.modules():
            for kind in ("_own_parameters", "_own_buffers"):
                for name, value in list(module.__dict__[kind].items()):
                    if value is not None:
                        setattr(module, name, seen.setdefault(id(value), converted(value, args, kwargs)))
        return self

    def float(self) -> Self:
        """With parameters and buffers of float32."""
        from jitgrad.compat.torch.dtypes import float32

        return self.to(float32)

    def double(self) -> Self:
        """With parameters and buffers of float64."""
        from jitgrad.compat.torch.dtypes import float64

        return self.to(float64)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: what is recorded is compiled anyway."""

    def cpu(self) -> Self:
        """The module itself: all is on the processor."""
        return self

    # State.

    def state_dict(
        self, *, destination: OrderedDict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> OrderedDict[str, Any]:
        """Parameters and persistent buffers by their dotted names."""
        return state.collect(self, OrderedDict() if destination is None else destination, prefix, keep_vars)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take values by their names. Raises RuntimeError where names, if ``strict``, or shapes do not match."""
        return state.load(self, state_dict, strict, assign)

    # Hooks.

    def _hook_lists(self) -> hooks.Hooks:
        if self._hooks is None:
            self.__dict__["_hooks"] = hooks.Hooks()
        found = self._hooks
        assert found is not None
        return found

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> hooks.RemovableHandle:
        """Call ``hook(module, args, output)`` after each call; what it returns, if not None, is the output."""
        if always_call:
            raise UnsupportedError("always_call=True is not supported. Leave it out.")
        return self._hook_lists().add("after", hook, prepend, with_kwargs)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> hooks.RemovableHandle:
        """Call ``hook(module, args)`` before each call; what it returns, if not None, are the arguments."""
        return self._hook_lists().add("before", hook, prepend, with_kwargs)

    # Printing.

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands in parentheses in ``repr``."""
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
"""Of what PyTorch's modules have and these have not."""

_LINE = re.compile("\n")


def indented(text: str) -> str:
    """With two spaces more before each line but the first."""
    return _LINE.sub("\n  ", text)
