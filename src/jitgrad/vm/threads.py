"""The thread pool: helpers that do tasks beside the thread that fits, in native code and without the GIL.

Between two uses they sleep. Within one they look for work all the time, for what is shared takes but microseconds.
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
    """The number of threads that a fit may use: what was set, else ``JITGRAD_NUM_THREADS``, else this process's cores.

    Of these at most ``OMP_NUM_THREADS``, with which joblib, Dask and others tell one process among many what its part is.

    Raises:
        ArgumentError: where ``JITGRAD_NUM_THREADS`` is no number from 1 on.
    """
    if _Settings.threads is None:
        part = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
        given = os.environ.get(_VARIABLE, str(min(cores(), int(part)) if part.isdecimal() and int(part) else cores()))
        _Settings.threads = arguments.count(_VARIABLE, int(given) if given.isdecimal() else given)
    return _Settings.threads


def set_num_threads(count: int) -> None:
    """Use at most ``count`` threads in fits, from the next one on. Results do not depend on it, only the time does.

    Args:
        count: 1 to 1024; 1 keeps to the calling thread, and more than 32 are not used.

    Raises:
        ArgumentError: for anything else.
    """
    _Settings.threads = arguments.count("count", count, high=1024)


class _Threads:
    """What threads share, and the helpers, made as they are needed."""

    def __init__(self) -> None:
        self.context = ContextDescriptor()
        self.pool = Pool(context=self.context)
        self.in_use = threading.Lock()
        self._wake = threading.Semaphore(0)
        self._helpers: list[threading.Thread] = []
        self._assist: Function | None = None

    def begin(self, execute: Function, assist: Function, helpers: int) -> None:
        """Call the helpers."""
        self.context.execute = execute.address
        self.pool.set(threads=helpers + 1, leave=0)
        self._assist = assist
        while len(self._helpers) < helpers and self._start():
            pass
        self._wake.release(helpers)

    def _start(self) -> bool:
        """Start a helper; whether the system could."""
        number = len(self._helpers) + 1
        helper = threading.Thread(target=self._help, args=(number,), name=f"jitgrad-{number}", daemon=True)
        try:
            helper.start()
        except RuntimeError:  # there are too many threads, and it goes on with fewer
            return False
        self._helpers.append(helper)
        return True

    def end(self) -> None:
        """Let the helpers go to sleep."""
        self.pool.leave = 1

    def close(self) -> None:
        """Wait until no helper is in native code, which is about to be unloaded."""
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
    """Have helpers for what runs in these contexts while it lasts.

    There are none where one thread is set, or while another thread has them.
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
    """A forked process has no threads but one."""
    global _threads
    _threads = _Threads()


atexit.register(lambda: _threads.close())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
