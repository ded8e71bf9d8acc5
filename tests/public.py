"""The public names, which the documentation describes and the tests of docstrings check."""

from __future__ import annotations

import importlib
import inspect
from collections import ChainMap
from collections.abc import Iterator
from typing import Any

import numpy as np

from jitgrad.errors import MissingError

MODULES = [
    "jitgrad",
    "jitgrad.callbacks",
    "jitgrad.control_flow",
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
    "jitgrad.integrate",
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
    "jitgrad.timeseries",
    "jitgrad.transforms",
    "jitgrad.typing",
]
"""The modules with public names, each of which has ``__all__``."""


def public_names() -> Iterator[tuple[str, Any]]:
    """Yield each public function, op, class and object, such as a distribution, once, by its name in the first module."""
    seen: set[int] = set()
    for module_name in MODULES:
        try:
            module = importlib.import_module(module_name)
        except MissingError:  # an engine is not installed
            continue
        for name in module.__all__:
            obj = getattr(module, name)
            is_ours = str(getattr(obj, "__module__", type(obj).__module__)).startswith("jitgrad")
            if is_ours and not isinstance(obj, np.dtype) and id(obj) not in seen:
                seen.add(id(obj))
                yield f"{module_name}.{name}", obj


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of a class: its own, and those of its private and shared bases."""
    public = {id(obj) for name, obj in public_names() if inspect.isclass(obj)}
    bases = [base for base in cls.__mro__[1:] if base.__module__.startswith("jitgrad") and id(base) not in public]
    for name, value in ChainMap(*map(vars, (cls, *bases))).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, (property, classmethod, staticmethod))):
            yield name, value
