"""How many threads NumPy's matrix products run on, where several fits run at once."""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Have each product run on the thread that asks for it, while this lasts.

    Products of many threads on many threads each would wait for one another, and take several times as long on a busy machine.
    It is so for any number of threads that fits run on, so that they do not change a bit.
    """
    library, prefix, suffix = _openblas()
    if library is None:
        yield
        return
    read, write = (getattr(library, f"{prefix}_{what}_num_threads{suffix}") for what in ("get", "set"))
    before = read()
    write(1)
    try:
        yield
    finally:
        write(before)


@functools.cache
def _openblas() -> tuple[Any, str, str]:
    """The library that NumPy calls, and how its functions are named; None where it is not OpenBLAS."""
    library = ctypes.CDLL(importlib.import_module("numpy.linalg._umath_linalg").__file__)
    for prefix in ("scipy_openblas", "openblas"):
        for suffix in ("64_", ""):
            if hasattr(library, f"{prefix}_set_num_threads{suffix}"):
                return library, prefix, suffix
    return None, "", ""
