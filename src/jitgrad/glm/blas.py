"""How many threads NumPy's and SciPy's linear algebra runs on while something is fitted."""

from __future__ import annotations

import ctypes
import functools
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MODULES = ("numpy.linalg._umath_linalg", "scipy.linalg._flapack")
"""NumPy and SciPy have a library each."""


_lock = threading.Lock()
_before: list[list[int]] = []
"""How many threads there were before each of those that ask for one thread now."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Have each product run on the thread that asks for it, while this lasts; also decorates a function.

    A product on several threads adds in another order, so that the last bits of a fit would depend on the machine. Products of
    many threads on many threads each would besides wait for one another, and a thread that was woken for one product keeps a
    core busy for long after it.
    """
    found = [functions for module in MODULES if (functions := _openblas(module)) is not None]
    with _lock:
        _before.append(_before[0] if _before else [read() for read, _ in found])
        for _, write in found:
            write(1)
    try:
        yield
    finally:
        with _lock:
            before = _before.pop()
            if not _before:  # the last of those that ran at once
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
