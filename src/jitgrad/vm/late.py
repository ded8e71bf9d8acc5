"""Native functions for modules that defer the import of llvmlite until they need one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.vm import forks

if TYPE_CHECKING:
    from jitgrad.vm.native import Function


@functools.cache
def load(name: str, dtype: np.dtype[Any]) -> Function:
    """Load the native function ``name`` for a float dtype, see ``native.load``.

    A fork waits until the import is done. Otherwise a half-imported module would block the child forever.
    """
    with forks.loading:
        from jitgrad.vm import native  # imports llvmlite, and also the compiler if something must be compiled

        return native.load(name, dtype)
