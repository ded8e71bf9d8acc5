"""Names, in summaries and files, for functions that are called on symbols, and lookup of functions by these names."""

from __future__ import annotations

import importlib
from typing import Any

from jitgrad.compat.keras.symbol import item, operation_name
from jitgrad.errors import ArgumentError, DataError
from jitgrad.ops import OPS

_MODULES = (
    "jitgrad.compat.tensorflow.operators", "jitgrad.compat.tensorflow.elementwise", "jitgrad.compat.tensorflow.reductions",
    "jitgrad.compat.tensorflow.shapes", "jitgrad.compat.tensorflow.constants", "jitgrad.compat.tensorflow.indices",
    "jitgrad.compat.tensorflow.linalg", "jitgrad.compat.tensorflow.math", "jitgrad.compat.tensorflow.nn",
    "jitgrad.compat.tensorflow.activations", "jitgrad.compat.keras.activations", "jitgrad.compat.keras.losses",
    "jitgrad.compat.keras.symbol", "jitgrad",
)  # fmt: skip
"""The modules in which functions named in files are looked up."""


def name_of(function: Any) -> dict[str, str]:
    """Return the name under which a file stores a function of jitgrad. Raises ArgumentError for a user's function."""
    if function is item:
        return {"function": "jitgrad.compat.keras.symbol:item"}
    name = operation_name(function)
    if OPS.get(name) is function:
        return {"op": name}
    for module in _MODULES:
        where = importlib.import_module(module)
        for known in where.__all__ if hasattr(where, "__all__") else ():
            if _is(getattr(where, known), function):
                return {"function": f"{module}:{known}"}
    raise ArgumentError(f"The model calls {name!r}, one of your functions, on symbols. Wrap it in a Lambda layer.")


def _is(known: Any, function: Any) -> bool:
    """Return whether a function is the given function or a wrapper of it."""
    while known is not None:
        if known is function or any(cell.cell_contents is function for cell in getattr(known, "__closure__", None) or ()):
            return True
        known = getattr(known, "__wrapped__", None)
    return False


def function_of(named: dict[str, str]) -> Any:
    """Return the jitgrad function that a file refers to. Raises DataError for any other."""
    text = named.get("function") or named["op"]
    module, _, name = text.partition(":")
    if "op" in named and text in OPS:
        return OPS[text]
    if module in _MODULES and (name == "item" or name in getattr(importlib.import_module(module), "__all__", ())):
        return getattr(importlib.import_module(module), name)
    raise DataError(f"The file names the function {text!r}, which does not exist in jitgrad. Save the model again.")
