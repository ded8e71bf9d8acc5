"""Native functions for those that do without llvmlite until they need one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jitgrad.vm import forks
from jitgrad.vm.context import FUNCTIONS

if TYPE_CHECKING:
    from jitgrad.vm.native import Function


@functools.cache
def load(name: str, dtype: np.dtype[Any], *beside: str) -> Function:
    """The native function ``name`` for a float dtype, see ``native.load``.

    A fork waits until the import is done: what another thread has half imported stays so in the child, which would wait for
    it for ever.
    """
    with forks.loading:
        from jitgrad.vm import native  # llvmlite, and Numba where nothing is compiled yet

        return native.load(name, dtype, *beside)


@functools.cache
def _addresses(dtype: np.dtype[Any]) -> np.ndarray:
    return np.zeros(len(FUNCTIONS), np.uint64)


def functions(dtype: np.dtype[Any], groups: Sequence[str] = ()) -> np.ndarray:
    """The addresses of ``FUNCTIONS``: the interpreter, the groups that are asked for, and those that were before."""
    found = _addresses(dtype)
    for name in (FUNCTIONS[0], *groups):
        number = FUNCTIONS.index(name)
        if not found[number]:
            found[number] = load(name, dtype, *groups).address
    return found
