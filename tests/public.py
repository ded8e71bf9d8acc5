"""The public names: what the documentation describes, and what the tests of docstrings walk over."""

from __future__ import annotations

import importlib
import inspect
from collections import ChainMap
from collections.abc import Iterator
from typing import Any

import numpy as np

from jitgrad.errors import MissingError
from jitgrad.tape.tensor import Tensor

MODULES = [
    "jitgrad",
    "jitgrad.callbacks",
    "jitgrad.curvefit",
    "jitgrad.distributed.dask",
    "jitgrad.distributed.ray",
    "jitgrad.distributed.spark",
    "jitgrad.errors",
    "jitgrad.functions.linalg",
    "jitgrad.functions.special",
    "jitgrad.functions.stats",
    "jitgrad.glm",
    "jitgrad.graph",
    "jitgrad.groupfit",
    "jitgrad.layers",
    "jitgrad.layers.activations",
    "jitgrad.layers.constraints",
    "jitgrad.layers.initializers",
    "jitgrad.layers.regularizers",
    "jitgrad.losses",
    "jitgrad.metrics",
    "jitgrad.models",
    "jitgrad.optimizers",
    "jitgrad.optimizers.schedules",
    "jitgrad.pictures",
    "jitgrad.random",
    "jitgrad.reports",
    "jitgrad.saving",
    "jitgrad.sklearn",
    "jitgrad.tabular",
    "jitgrad.transforms",
    "jitgrad.typing",
]
"""Each has ``__all__``, the public names in it."""


def public_names() -> Iterator[tuple[str, Any]]:
    """Each public function, op and class by its full name, once: at the first module that has it."""
    seen: set[int] = set()
    for module_name in MODULES:
        try:
            module = importlib.import_module(module_name)
        except MissingError:  # an engine that is not installed
            continue
        for name in module.__all__:
            obj = getattr(module, name)
            is_ours = str(getattr(obj, "__module__", type(obj).__module__)).startswith("jitgrad")
            if callable(obj) and is_ours and not isinstance(obj, np.dtype) and id(obj) not in seen:
                seen.add(id(obj))
                yield f"{module_name}.{name}", obj


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class defines itself; for a Tensor, those that it shares with Variables, too."""
    inherited = [vars(base) for base in Tensor.__mro__[1:-1]] if cls is Tensor else []
    for name, value in ChainMap(vars(cls), *inherited).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod))):
            yield name, value
