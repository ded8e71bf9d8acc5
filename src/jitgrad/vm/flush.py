"""Subnormal numbers: flushed to zero in native training loops, and in the calling thread if the user requests it."""

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
    """Treat subnormal numbers as zero in the calling thread, or compute with them as in IEEE 754.

    Parameters
    ----------
    mode : bool
        True to flush subnormal numbers to zero, False for gradual underflow.

    Returns
    -------
    bool
        Whether the processor supports the mode (x86-64 and AArch64 do) and it is now set.

    Raises
    ------
    ArgumentError
        If ``mode`` is not a bool.

    Notes
    -----
    Numbers below 2.2e-308 in float64 and 1.2e-38 in float32 have reduced precision, and on many processors an operation with
    them takes as long as a hundred others. Native training loops (``fit``, ``minimize`` with ``steps``, ``evaluate``) always
    flush them to zero, in all threads, and restore the mode of the calling thread. Everything else (the values of Tensors,
    functions, curve fits) follows the mode, which is the mode of IEEE 754 unless it is set.

    Like the PyTorch function of the same name, it sets the mode of the processor for the calling thread, so it affects NumPy
    and Python in this thread as well. Threads that start later inherit it; running threads do not.

    See Also
    --------
    set_num_threads

    Examples
    --------
    >>> jg.set_flush_denormal(True)
    True
    >>> float(jg.tensor(1e-300) * 1e-20)
    0.0
    >>> jg.set_flush_denormal(False)
    True
    >>> float(jg.tensor(1e-300) * 1e-20)
    1e-320
    """
    if not isinstance(mode, (bool, np.bool_)):
        raise ArgumentError(f"mode is {mode!r}. Pass True or False.")
    change, bits = _change()
    asked = bits if mode else 0
    change.call(asked)
    return bits != 0 and change.call(asked) == asked


@functools.cache
def _change() -> tuple[Function, int]:
    """Return the native function that sets the mode, see ``subnormals.py``, and its bits. It compiles in negligible time."""
    with forks.loading:  # see late.py
        from jitgrad.vm import native, subnormals

        return native.emitted(subnormals.setter(), "change", CFUNCTYPE(c_uint64, c_uint64)), subnormals.FLUSH
