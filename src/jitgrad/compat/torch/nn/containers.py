"""Containers of modules and parameters, as sequences and mappings."""

from __future__ import annotations

import itertools
import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from jitgrad.compat.torch.nn.module import Module, indented
from jitgrad.compat.torch.nn.parameter import Parameter
from jitgrad.compat.torch.tensor import Tensor
from jitgrad.errors import ArgumentError, IndexingError, UnsupportedError


class _Numbered(Module):
    """Modules with the names "0", "1", …."""

    def _name(self, index: Any) -> str:
        """Return the name for an index, which may be negative."""
        number, length = operator.index(index), len(self)
        if not -length <= number < length:
            raise IndexingError(
                f"index {number} is out of range for {length} modules. Give one from {-length} to {length - 1}."
            )
        return list(self._own_modules)[number]

    def _renew(self, modules: Iterable[Any]) -> None:
        """Replace the modules, with new numbers as names."""
        for name in list(self._own_modules):
            delattr(self, name)
        for number, module in enumerate(modules):
            self.add_module(str(number), module)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._of(list(self._own_modules.items())[index])
        return self._own_modules[self._name(index)]

    def _of(self, named: list[tuple[str, Module]]) -> Any:
        return type(self)([module for _, module in named])

    def __setitem__(self, index: Any, module: Module) -> None:
        setattr(self, self._name(index), module)

    def __delitem__(self, index: Any) -> None:
        names = list(self._own_modules)
        gone = set(names[index]) if isinstance(index, slice) else {self._name(index)}
        self._renew([module for name, module in self._own_modules.items() if name not in gone])

    def __len__(self) -> int:
        return len(self._own_modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._own_modules.values()))

    def append(self, module: Module) -> Self:
        """Append a module."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Append several modules."""
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Any:
        """Insert a module before the one at ``index``."""
        modules = list(self)
        modules.insert(index, module)
        self._renew(modules)
        return self

    def pop(self, key: int) -> Any:
        """Remove and return a module."""
        module = self[key]
        del self[key]
        return module

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]


class Sequential(_Numbered):
    """Modules applied one after another, given as arguments or as an OrderedDict."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for number, module in enumerate(args):
                self.add_module(str(number), module)

    def forward(self, input: Any) -> Any:
        for module in self._own_modules.values():
            input = module(input)
        return input

    def _of(self, named: list[tuple[str, Module]]) -> Any:
        return type(self)(OrderedDict(named))

    def __delitem__(self, index: Any) -> None:
        names = list(self._own_modules)
        gone = set(names[index]) if isinstance(index, slice) else {self._name(index)}
        if all(name.isdigit() for name in names):
            self._renew([module for name, module in self._own_modules.items() if name not in gone])
        else:
            for name in gone:
                delattr(self, name)

    def __add__(self, other: Any) -> Sequential:
        if not isinstance(other, Sequential):
            raise UnsupportedError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)


class ModuleList(_Numbered):
    """A list of registered modules."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """Print equal neighbors on one line: ``(0-2): 3 x ReLU()``."""
        lines = []
        at = 0
        for text, group in itertools.groupby(map(repr, self)):
            count = len(list(group))
            place = f"({at}): " if count == 1 else f"({at}-{at + count - 1}): {count} x "
            lines.append(place + indented(text))
            at += count
        body = "\n  ".join(lines)
        return f"{self._get_name()}(\n  {body}\n)" if body else f"{self._get_name()}()"


class ModuleDict(Module):
    """A dictionary of registered modules."""

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Any:
        return self._own_modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._own_modules)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._own_modules))

    def __contains__(self, key: str) -> bool:
        return key in self._own_modules

    def keys(self) -> Any:
        """Return the names."""
        return self._own_modules.keys()

    def values(self) -> Any:
        """Return the modules."""
        return self._own_modules.values()

    def items(self) -> Any:
        """Return pairs of names and modules."""
        return self._own_modules.items()

    def pop(self, key: str) -> Any:
        """Remove and return a module."""
        module = self[key]
        del self[key]
        return module

    def clear(self) -> None:
        """Remove all modules."""
        for key in self:
            del self[key]

    def update(self, modules: Any) -> None:
        """Add modules from a mapping, or from pairs of names and modules."""
        for key, module in _pairs(modules):
            self[key] = module


def _pairs(given: Any) -> list[tuple[str, Any]]:
    return list(given.items()) if isinstance(given, (Mapping, ModuleDict, ParameterDict)) else list(given)


def _as_parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """A list of parameters; tensors become parameters."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._length = 0
        if values is not None:
            self.extend(values)

    def _name(self, index: Any) -> str:
        number, length = operator.index(index), len(self)
        if not -length <= number < length:
            raise IndexingError(f"index {number} is out of range for {length} values. Give one from {-length} to {length - 1}.")
        return str(number % length)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return ParameterList([self[i] for i in range(len(self))[index]])
        return getattr(self, self._name(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._name(index), _as_parameter(value))

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def append(self, value: Any) -> Self:
        """Append a value."""
        self._length += 1
        self[-1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Append several values."""
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        return "\n".join(_described(number, value, False) for number, value in enumerate(self))


class ParameterDict(Module):
    """A dictionary of parameters; tensors become parameters."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if key not in self._keys and (key in self.__dict__ or hasattr(type(self), key)):
            raise ArgumentError(f"attribute '{key}' already exists. Choose another key.")
        self._keys[key] = None
        setattr(self, key, _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def keys(self) -> Any:
        """Return the names."""
        return self._keys.keys()

    def values(self) -> Any:
        """Return the parameters."""
        return [self[key] for key in self]

    def items(self) -> Any:
        """Return pairs of names and parameters."""
        return [(key, self[key]) for key in self]

    def update(self, parameters: Any) -> None:
        """Add parameters from a mapping, or from pairs of names and parameters."""
        for key, value in _pairs(parameters):
            self[key] = value

    def pop(self, key: str) -> Any:
        """Remove and return a parameter."""
        value = self[key]
        del self[key]
        return value

    def extra_repr(self) -> str:
        return "\n".join(_described(key, value, True) for key, value in self.items())


def _described(name: Any, value: Any, by_type: bool) -> str:
    """Return a line that describes a parameter: its dtype or the name of its type, and its size."""
    if not isinstance(value, Tensor):
        return f"  ({name}): Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    what = f"torch.{value.dtype.title}Tensor" if by_type else str(value.dtype)
    return f"  ({name}): {kind} containing: [{what} of size {'x'.join(map(str, value.shape))}]"
