"""Let autodoc see the public names as users do, while the site is built.

Ops are instances of ``Op`` that are called like functions: each is replaced, in the modules that export it, by a function with
its docstring and signature. Modules that users reach as attributes, such as ``jitgrad.linalg``, become importable by that name.
The modules for clusters are imported without their engines.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature
from tests.public import public_names

import jitgrad
from jitgrad.ops.table import Op

PUBLIC = {obj for _, obj in public_names() if isinstance(obj, type)}
ALIASES = {f"jitgrad.{name}": getattr(jitgrad, name) for name in ("linalg", "special", "stats")}


def as_function(op: Op, module: str, name: str) -> Any:
    """Return a function that documents an op."""

    def function(*operands: Any, **options: Any) -> Any:
        return op(*operands, **options)

    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    function.__doc__ = op.__doc__
    function.__signature__ = op.__signature__  # type: ignore[attr-defined]
    return function


def _replace_ops(name: str, module: ModuleType) -> None:
    for exported in module.__all__:
        value = getattr(module, exported)
        if isinstance(value, Op):
            setattr(module, exported, as_function(value, name, exported))


def _import_without_engines() -> None:
    """Import the modules for clusters, with a stand-in for each engine that is not installed."""
    engines = ("dask", "dask.dataframe", "pyarrow", "pyspark", "pyspark.sql", "ray", "ray.data", "ray.data.expressions")
    missing = [name for name in engines if importlib.util.find_spec(name.partition(".")[0]) is None]
    sys.modules.update({name: MagicMock(name=name) for name in missing})
    for name in ("dask", "ray", "spark"):
        importlib.import_module(f"jitgrad.distributed.{name}")
    for name in missing:
        del sys.modules[name]


def _signature(app: Sphinx, kind: str, name: str, obj: Any, *_: Any) -> tuple[str, str] | None:
    """Return the signature of a class's ``__init__``, also where a base class has a ``__new__`` that takes any arguments."""
    if kind != "class":
        return None
    try:
        return stringify_signature(inspect.signature(obj), show_annotation=False), ""
    except ValueError:
        return None


def _skip(app: Sphinx, kind: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out members that scikit-learn's base classes add, whose docstrings refer to its own pages, and operations."""
    function = inspect.unwrap(obj) if callable(obj) else obj
    routing = name.startswith("set_") and name.endswith("_request")
    foreign = str(getattr(function, "__module__", "")).startswith("sklearn.")
    return True if routing or foreign or isinstance(obj, Op) else None


def _public_bases(app: Sphinx, name: str, obj: Any, options: Any, bases: list[Any]) -> None:
    """Replace a base class that is not documented by its own bases."""
    bases[:] = dict.fromkeys(found for base in bases for found in _documented(base)) or [object]


def _documented(cls: Any) -> list[Any]:
    if not isinstance(cls, type) or cls in PUBLIC or not cls.__module__.startswith(("jitgrad", "abc")):
        return [cls]
    return [found for base in cls.__bases__ if base is not object for found in _documented(base)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Replace ops and register the aliases."""
    sys.modules.update(ALIASES)
    for name in ("jitgrad", *ALIASES):
        _replace_ops(name, importlib.import_module(name))
    _import_without_engines()
    app.connect("autodoc-process-bases", _public_bases)
    app.connect("autodoc-skip-member", _skip)
    app.connect("autodoc-process-signature", _signature, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
