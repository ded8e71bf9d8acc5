"""The registered parts of a module by kind and name, which programs can read and change."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any


class Registry(MutableMapping[str, Any]):
    """``module._modules``, ``module._parameters`` or ``module._buffers``; a change also changes the module's attribute."""

    def __init__(self, module: Any, own: dict[str, Any], kind: str) -> None:
        self._module = module
        self._own = own
        self._register = getattr(module, f"register_{kind}")

    def __getitem__(self, name: str) -> Any:
        return self._own[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._register(name, value)

    def __delitem__(self, name: str) -> None:
        if name not in self._own:
            raise KeyError(name)
        delattr(self._module, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)

    def __repr__(self) -> str:
        return repr(self._own)
