"""How many threads NumPy's and SciPy's linear algebra runs on, where several fits run at once."""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MODULES = ("numpy.linalg._umath_linalg", "scipy.linalg._flapack")
"""NumPy and SciPy have a library each."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Have each product run on the thread that asks for it, while this lasts.

    Products of many threads on many threads each would wait for one another, and take several times as long on a busy machine.
    It is so for any number of threads that fits run on, so that they do not change a bit.
    """
    found = [functions for module in MODULES if (functions := _openblas(module)) is not None]
    before = [read() for read, _ in found]
    for _, write in found:
        write(1)
    try:
        yield
    finally:
        for (_, write), threads in zip(found, before, strict=True):
            write(threads)


@functools.cache
def _openblas(module: str) -> tuple[Any, Any] | None:
    """The functions that get and set the threads of the library that a module calls; None where it is not OpenBLAS."""
    library = ctypes.CDLL(importlib.import_module(module).__file__)
    for prefix in ("scipy_openblas", "openblas"):
        for suffix in ("64_", ""):
            if hasattr(library, f"{prefix}_set_num_threads{suffix}"):
                read, write = (getattr(library, f"{prefix}_{what}_num_threads{suffix}") for what in ("get", "set"))
                return read, write
    return None
