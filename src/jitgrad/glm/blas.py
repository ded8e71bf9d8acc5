"""Number of threads of NumPy's and SciPy's linear algebra during a fit."""

from __future__ import annotations

import ctypes
import functools
import importlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MODULES = ("numpy.linalg._umath_linalg", "scipy.linalg._flapack")
"""NumPy and SciPy each have their own library."""


_lock = threading.Lock()
_before: list[list[int]] = []
"""Thread counts before each active request for one thread."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Run linear algebra on the calling thread, as a context manager or decorator.

    With several threads, products are summed in a different order, so the last bits of a fit would depend on the machine. Also,
    many threads with many BLAS threads each would wait for one another, and BLAS threads keep cores busy after a product.
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
            if not _before:  # the last active request
                for (_, write), threads in zip(found, before, strict=True):
                    write(threads)


@functools.cache
def _openblas(module: str) -> tuple[Any, Any] | None:
    """Return the functions that get and set the thread count of a module's library, or None if it is not OpenBLAS."""
    library = ctypes.CDLL(importlib.import_module(module).__file__)
    for prefix in ("scipy_openblas", "openblas"):
        for suffix in ("64_", ""):
            if hasattr(library, f"{prefix}_set_num_threads{suffix}"):
                read, write = (getattr(library, f"{prefix}_{what}_num_threads{suffix}") for what in ("get", "set"))
                return read, write
    return None
