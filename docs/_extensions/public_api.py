"""Let autodoc see the public names as users do, while the site is built.

Ops are instances of ``Op`` that are called like functions: each is replaced, in the modules that export it, by a function with
its docstring and signature. Modules that users reach as attributes, such as ``jitgrad.linalg``, become importable by that name.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx

import jitgrad
from jitgrad.ops.table import Op

ALIASES = {f"jitgrad.{name}": getattr(jitgrad, name) for name in ("linalg", "special", "stats")}


def as_function(op: Op, module: str, name: str) -> Any:
    """Return a function that documents an op."""

    def function(*operands: Any) -> Any:
        raise NotImplementedError

    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    function.__doc__ = op.__doc__
    if hasattr(op, "__signature__"):
        function.__signature__ = op.__signature__  # type: ignore[attr-defined]
    else:
        names = ("x",) if op.arity == 1 else ("a", "b", "c")[: op.arity]
        kind = inspect.Parameter.POSITIONAL_ONLY
        function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [inspect.Parameter(parameter, kind) for parameter in names]
        )
    return function


def _replace_ops(name: str, module: ModuleType) -> None:
    for exported in module.__all__:
        value = getattr(module, exported)
        if isinstance(value, Op):
            setattr(module, exported, as_function(value, name, exported))


def setup(app: Sphinx) -> dict[str, Any]:
    """Replace ops and register the aliases."""
    sys.modules.update(ALIASES)
    for name in ("jitgrad", *ALIASES):
        _replace_ops(name, importlib.import_module(name))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
