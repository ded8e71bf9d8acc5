"""The thread pool: helpers that run tasks in parallel with the fitting thread, in native code and without the GIL.

Between fits they sleep. During a fit they poll for work, because shared work takes only microseconds.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from jitgrad import arguments
from jitgrad.vm.context import MOST_TASKS, ContextDescriptor, Pool
from jitgrad.vm.cores import cores
from jitgrad.vm.late import load
from jitgrad.vm.records import address

if TYPE_CHECKING:
    from jitgrad.vm.native import Function

_VARIABLE = "JITGRAD_NUM_THREADS"


class _Settings:
    threads: int | None = None


def get_num_threads() -> int:
    """Return the number of threads that a fit may use.

    Returns
    -------
    int
        The number set with `set_num_threads`, else the value of ``JITGRAD_NUM_THREADS``, else the number of cores that
        this process may use, limited by ``OMP_NUM_THREADS``.

    Raises
    ------
    ArgumentError
        If ``JITGRAD_NUM_THREADS`` is not a positive integer.

    Notes
    -----
    joblib, Dask and others set ``OMP_NUM_THREADS`` to divide the cores among their processes.

    See Also
    --------
    set_num_threads

    Examples
    --------
    >>> jg.get_num_threads() >= 1
    True
    """
    if _Settings.threads is None:
        part = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
        given = os.environ.get(_VARIABLE, str(min(cores(), int(part)) if part.isdecimal() and int(part) else cores()))
        _Settings.threads = arguments.count(_VARIABLE, int(given) if given.isdecimal() else given)
    return _Settings.threads


def set_num_threads(count: int) -> None:
    """Set the number of threads that a fit may use.

    Parameters
    ----------
    count : int
        Number of threads, from 1 to 1024. With 1, the calling thread works alone. At most 32 are used.

    Raises
    ------
    ArgumentError
        If ``count`` is out of range.

    Notes
    -----
    The setting takes effect with the next fit. Results do not depend on the number of threads.

    See Also
    --------
    get_num_threads

    Examples
    --------
    >>> jg.set_num_threads(1)
    >>> jg.get_num_threads()
    1
    """
    _Settings.threads = arguments.count("count", count, high=1024)


class _Threads:
    """State shared by threads, and the helpers, which are created on demand."""

    def __init__(self) -> None:
        self.context = ContextDescriptor()
        self.pool = Pool(context=self.context)
        self.in_use = threading.Lock()
        self._wake = threading.Semaphore(0)
        self._helpers: list[threading.Thread] = []
        self._assist: Function | None = None

    def begin(self, execute: Function, assist: Function, helpers: int) -> None:
        """Wake the helpers."""
        self.context.execute = execute.address
        self.pool.set(threads=helpers + 1, leave=0)
        self._assist = assist
        while len(self._helpers) < helpers and self._start():
            pass
        self._wake.release(helpers)

    def _start(self) -> bool:
        """Start a helper, and return whether this succeeded."""
        number = len(self._helpers) + 1
        helper = threading.Thread(target=self._help, args=(number,), name=f"jitgrad-{number}", daemon=True)
        try:
            helper.start()
        except RuntimeError:  # the system allows no more threads; continue with fewer
            return False
        self._helpers.append(helper)
        return True

    def end(self) -> None:
        """Put the helpers to sleep."""
        self.pool.leave = 1

    def close(self) -> None:
        """Wait until no helper is in native code, because the code is about to be unloaded."""
        self.end()
        self._assist = None
        self._wake.release(max(1, len(self._helpers)))
        for helper in self._helpers:
            helper.join()

    def _help(self, number: int) -> None:
        while True:
            self._wake.acquire()
            assist = self._assist
            if assist is None:
                return
            assist.call(address(self.pool), number)


_threads = _Threads()


@contextmanager
def thread_pool(contexts: Sequence[ContextDescriptor], dtype: np.dtype[np.floating]) -> Iterator[None]:
    """Provide helpers for work in these contexts within the block.

    There are none if one thread is set, or if another thread is using them.
    """
    helpers, mine = min(get_num_threads(), MOST_TASKS) - 1, False
    try:
        mine = helpers > 0 and _threads.in_use.acquire(blocking=False)
        if mine:
            _threads.begin(load("execute", dtype), load("assist", dtype), helpers)
            for context in contexts:
                context.set(pool=_threads.pool)
        yield
    finally:
        if mine:
            _threads.end()
            for context in contexts:
                context.pool = 0
            _threads.in_use.release()


def _after_fork() -> None:
    """Reset the pool in a forked process, which has a single thread."""
    global _threads
    _threads = _Threads()


atexit.register(lambda: _threads.close())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
