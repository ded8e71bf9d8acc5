"""Aliases of modules, and errors for names that a module does not have."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, NoReturn

from jitgrad.errors import JitgradError, listed, near_name


class MissingNameError(JitgradError, AttributeError):
    """A name in another library that jitgrad does not provide."""


class MissingModuleError(JitgradError, ModuleNotFoundError):
    """A module of another library that jitgrad does not provide."""


def missing(library: str, known: Sequence[str], reasons: Mapping[str, str] | None = None) -> Callable[[str], NoReturn]:
    """Return a ``__getattr__`` for a module, which raises MissingNameError with the nearest name.

    Parameters
    ----------
    library : str
        The module's name in the original library, such as "tensorflow.math".
    known : sequence of str
        The names that the module has.
    reasons : mapping of str to str, optional
        For names that are intentionally missing, a sentence with the reason or the alternative.
    """

    def refuse(name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        advice = (reasons or {}).get(name) or near_name(name, known).strip() or f"It has {listed(sorted(known))}."
        raise MissingNameError(f"jitgrad does not have {library}.{name}. {advice}")

    refuse.library = library  # type: ignore[attr-defined]
    return refuse


class _Aliases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Find modules by their aliases; a module is the same object under both names."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        real = self._real(name)
        return None if real is None else importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        real = self._real(spec.name)
        assert real is not None
        try:
            module = importlib.import_module(real)
        except ModuleNotFoundError as error:
            if error.name is None or not (real + ".").startswith(error.name + "."):
                raise  # a package that the module needs
            raise MissingModuleError(
                f"jitgrad does not have the module {spec.name}. Import names from a module that docs/compat.md lists.",
            ) from None
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        module.__spec__ = spec.loader_state  # importing it under another name has replaced it

    def _real(self, name: str) -> str | None:
        """Return the original name of a module that has an alias."""
        parent = name
        while parent:
            if parent in self.targets:
                return self.targets[parent] + name[len(parent) :]
            parent = parent.rpartition(".")[0]
        return None


_ALIASES = _Aliases()


def alias(name: str, target: str) -> None:
    """Import ``target`` and its submodules under the name ``name``.

    Raises
    ------
    JitgradError
        If another module of that name has already been imported.
    """
    loaded = sys.modules.get(name)
    if loaded is not None and loaded is not sys.modules.get(target):
        raise JitgradError(f"{name} is imported already, from {loaded.__file__}. Start a new process for this program.")
    _ALIASES.targets[name] = target
    if _ALIASES not in sys.meta_path:
        sys.meta_path.insert(0, _ALIASES)
