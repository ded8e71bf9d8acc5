"""Subnormal numbers: zero in native training loops, and wherever the calling thread computes if the user wants it so."""

from __future__ import annotations

import functools
from ctypes import CFUNCTYPE, c_uint64
from typing import TYPE_CHECKING

import numpy as np

from jitgrad.errors import ArgumentError
from jitgrad.vm import forks

if TYPE_CHECKING:
    from jitgrad.vm.native import Function


def set_flush_denormal(mode: bool) -> bool:
    """Treat subnormal numbers as zero in the calling thread, or compute with them as IEEE 754 says.

    Numbers below 2.2e-308 in float64 and 1.2e-38 in float32 have fewer digits, and on many processors one operation with
    them takes as long as a hundred others. Native training loops (``fit``, ``minimize`` with ``steps``, ``evaluate``) always
    treat them as zero, in all their threads, and leave the calling thread's mode as it was. Everything else follows the
    mode, which is IEEE's unless it is set: the values of Tensors, functions, curve fits.

    As PyTorch's function of this name, it sets the mode of the processor for the calling thread, and so for NumPy and
    Python there, too. Threads that are started later take it over; those that run do not.

    Parameters
    ----------
    mode : bool
        True to treat subnormal numbers as zero, False for gradual underflow.

    Returns
    -------
    bool
        Whether the processor has such a mode (x86-64 and AArch64 have) and it is now as asked for.

    Raises
    ------
    ArgumentError
        If ``mode`` is no bool.

    Examples
    --------
    >>> import jitgrad
    >>> jitgrad.set_flush_denormal(True)
    True
    >>> print(jitgrad.tensor(1e-300) * 1e-20)
    0.0
    >>> jitgrad.set_flush_denormal(False)
    True
    >>> print(jitgrad.tensor(1e-300) * 1e-20)
    1e-320
    """
    if not isinstance(mode, (bool, np.bool_)):
        raise ArgumentError(f"mode is {mode!r}. Give True or False.")
    change, bits = _change()
    asked = bits if mode else 0
    change.call(asked)
    return bits != 0 and change.call(asked) == asked


@functools.cache
def _change() -> tuple[Function, int]:
    """The native function that sets the mode, see ``subnormals.py``, and its bits. LLVM makes it in no time."""
    with forks.loading:  # as in late.py
        from jitgrad.vm import native, subnormals

        return native.emitted(subnormals.setter(), "change", CFUNCTYPE(c_uint64, c_uint64)), subnormals.FLUSH
