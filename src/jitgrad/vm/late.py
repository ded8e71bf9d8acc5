"""Native functions for those that do without llvmlite until they need one."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.vm import forks

if TYPE_CHECKING:
    from jitgrad.vm.native import Function


@functools.cache
def load(name: str, dtype: np.dtype[Any]) -> Function:
    """The native function ``name`` for a float dtype, see ``native.load``.

    A fork waits until the import is done: what another thread has half imported stays so in the child, which would wait for
    it for ever.
    """
    with forks.loading:
        from jitgrad.vm import native  # llvmlite, and the compiler where nothing is compiled yet

        return native.load(name, dtype)
