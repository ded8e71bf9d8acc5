"""Compilation of all code that a program needs and that is not cached, in one process per core.

This process compiles a share itself; the others are workers (``warmup.py``). A unit is compiled by one process at a time. Other
processes that need it wait, and load it from the cache.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jitgrad.vm import cache, packaged
from jitgrad.vm.cores import cores
from jitgrad.vm.groups import FORMS, Unit, file_of, text
from jitgrad.vm.notices import say
from jitgrad.vm.objects import ObjectCode

_made: dict[str, ObjectCode] = {}
"""Code compiled by this process, in case it cannot be cached."""
_START = 0.6  # seconds that a worker takes to start; smaller shares are not given to workers


def find(name: str, dtype: str) -> ObjectCode | None:
    """Return the code of a function, or None if it must be compiled."""
    file = file_of(name, dtype)
    if file in _made:
        return _made[file]
    found = kept(file)
    return found and found.compiled


def kept(file: str) -> cache.Kept | None:
    """Return the object code stored under a name, in the wheel or else in a cache folder, or None."""
    return packaged.find(file) or cache.find(file)


def is_compiled(unit: Unit) -> bool:
    """Return whether the code of all functions of a unit exists."""
    return not _missing(unit)


def _missing(unit: Unit) -> list[str]:
    return [name for name, _ in unit.files() if find(name, unit.dtype) is None]


def ensure(*wanted: Unit) -> None:
    """Compile the missing code, and print a notice at the beginning and at the end."""
    units = [unit for unit in dict.fromkeys(wanted) if not is_compiled(unit)]
    if not units:
        return
    mine, *others = shares(units, cores())
    notice = Notice(units)
    with workers(others if others and _has_place() else [], stdout=subprocess.DEVNULL) as running:
        if running:
            notice.begin()
        for unit in mine:
            compile_unit(unit, notice)
        for worker in running:
            worker.wait()
    for unit in units:  # units that no worker compiled
        compile_unit(unit, notice)
    notice.end()


def compile_unit(unit: Unit, notice: Notice) -> None:
    """Compile the missing functions of a unit. If another process is compiling it, wait for that process instead."""
    if is_compiled(unit):
        return
    with cache.alone(str(unit), lambda: notice.wait(unit)):
        missing = _missing(unit)  # another process may have compiled it meanwhile
        if missing:
            notice.begin()
        for name in missing:
            native = getattr(importlib.import_module(FORMS[name].module), name)
            code: ObjectCode = native.compile(unit.dtype)
            cache.write(file_of(name, unit.dtype), code)
            _made[file_of(name, unit.dtype)] = code


class Notice:
    """Messages about a wait: a line at its beginning, once a wait is certain, and a line at its end.

    Parameters
    ----------
    units : list of Unit
        The units to compile.
    begun : bool
        Whether the first line is already printed, for a worker by the process that started it.
    """

    def __init__(self, units: list[Unit], begun: bool = False) -> None:
        self._units, self._begun, self._started = units, begun, time.perf_counter()

    def begin(self) -> None:
        """Report that this process or its workers compile units."""
        if not self._begun:
            self._begun, self._started = True, time.perf_counter()
            say(
                f"compiling {text(self._units)}, once per machine; this takes {about(shares(self._units, cores()))} "
                f"(`jitgrad warmup` compiles everything in advance)"
            )

    def wait(self, unit: Unit) -> None:
        """Report that another process compiles a unit."""
        if not self._begun:
            say(f"waiting for another process that compiles {text([unit])}")

    def end(self) -> None:
        """Report that everything is available."""
        if self._begun:
            say(f"compiled in {time.perf_counter() - self._started:.1f} s")


def shares(units: Iterable[Unit], most: int) -> list[list[Unit]]:
    """Divide units into at most ``most`` shares of similar duration. The first share contains the longest unit."""
    ordered = sorted(units, key=lambda unit: -unit.seconds)
    found: list[list[Unit]] = [[] for _ in ordered[:most]]
    for unit in ordered:
        least = min(found, key=_seconds)
        (least if least or unit.seconds >= _START else found[0]).append(unit)
    return [share for share in found if share]


def about(at_once: list[list[Unit]]) -> str:
    """Return the approximate duration of concurrent shares, as text."""
    return f"about {max(1, round(max(map(_seconds, at_once))))} s"


def _seconds(share: list[Unit]) -> float:
    return sum(unit.seconds for unit in share)


@contextlib.contextmanager
def workers(at_once: list[list[Unit]], stdout: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start processes, each of which compiles a share. They end when the block or this process ends, if not earlier.

    The system may allow fewer of them.
    """
    running: list[subprocess.Popen[bytes]] = []
    try:
        for share in at_once:
            with contextlib.suppress(OSError):
                running.append(_worker(share, stdout))
        yield running
    finally:
        for worker in running:
            worker.kill()  # no effect on workers that have ended
            worker.wait()
            assert worker.stdin is not None
            worker.stdin.close()


def _worker(share: list[Unit], stdout: int) -> subprocess.Popen[bytes]:
    """Start a worker with this process's import path, in its own session so that Ctrl-C does not reach it."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(os.path.abspath(place) for place in sys.path)}
    command = [sys.executable, "-P", "-m", "jitgrad.vm.warmup", *map(str, share)]
    options: Any = {"env": environment, "start_new_session": True}
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, **options)


def _has_place() -> bool:
    """Return whether workers can be used: this process is an ordinary Python, and compiled code can be cached."""
    return Path(sys.executable or "").name.lower().startswith("python") and cache.directory() is not None
