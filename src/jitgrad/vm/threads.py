"""Helpers: threads that do runs of instructions beside the thread that fits, in native code and without the GIL.

Between two uses they sleep. Within one they look for work all the time, for what is shared takes but microseconds.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from jitgrad import arguments
from jitgrad.vm.late import load
from jitgrad.vm.team import EXECUTE, LEAVE, MOST_RUNS, TEAM_SIZE, THREADS

if TYPE_CHECKING:
    from jitgrad.vm.native import Function

_VARIABLE = "JITGRAD_NUM_THREADS"


def _cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Settings:
    threads: int | None = None


def get_num_threads() -> int:
    """The number of threads that a fit may use: what was set, else ``JITGRAD_NUM_THREADS``, else this process's cores.

    Raises:
        ArgumentError: where the environment variable is no number from 1 on.
    """
    if _Settings.threads is None:
        given = os.environ.get(_VARIABLE, str(_cores()))
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


class _Team:
    """The words that threads share, and the helpers, made as they are needed."""

    def __init__(self) -> None:
        self.words = np.zeros(TEAM_SIZE, np.uint64)
        self.in_use = threading.Lock()
        self._wake = threading.Semaphore(0)
        self._helpers: list[threading.Thread] = []
        self._assist: Function | None = None

    def begin(self, execute: Function, assist: Function, helpers: int) -> None:
        """Call the helpers."""
        self.words[EXECUTE], self.words[THREADS], self.words[LEAVE] = execute.address, helpers + 1, 0
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
        self.words[LEAVE] = 1

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
            assist.call(self.words.ctypes.data, 0, number)


_team = _Team()


@contextmanager
def team(execute: Function, dtype: np.dtype[np.floating]) -> Iterator[int]:
    """Have helpers while it lasts. Yields what the interpreter is given as its team: 0 where this thread works alone.

    So it does where one thread is set, or while another thread has the helpers.
    """
    helpers, mine = min(get_num_threads(), MOST_RUNS) - 1, False
    try:
        mine = helpers > 0 and _team.in_use.acquire(blocking=False)
        if mine:
            _team.begin(execute, load("assist", dtype), helpers)
        yield _team.words.ctypes.data if mine else 0
    finally:
        if mine:
            _team.end()
            _team.in_use.release()


def _after_fork() -> None:
    """A forked process has no threads but one."""
    global _team
    _team = _Team()


atexit.register(lambda: _team.close())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
