"""When recording happens: one clock, and the intervals of it that a tape, a trace or a transform counts.

A Tensor that is made while somebody records carries a moment of the clock, and keeps its operands. What carries no moment
of a recording's intervals is constant to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.tape.variable import Variable

clock = itertools.count(1)
"""Gives the next moment."""

active: list[Recording] = []
"""The recordings that run now."""

_OPEN = float("inf")


class Recording:
    """Intervals of the clock, opened by ``start`` and ``resume``, closed by ``stop`` and ``pause``.

    Attributes:
        read: the Variables that were read while an interval was open, by id.
    """

    def __init__(self) -> None:
        self.intervals: list[list[float]] = []
        self.read: dict[int, Variable] = {}

    @property
    def running(self) -> bool:
        """Whether an interval is open."""
        return bool(self.intervals) and self.intervals[-1][1] == _OPEN

    def start(self) -> None:
        """From now on what is made keeps its operands."""
        active.append(self)
        self.resume()

    def stop(self) -> None:
        self.pause()
        active[:] = [r for r in active if r is not self]

    def pause(self) -> None:
        """What is made now keeps its operands, for others, and is constant to this recording."""
        if self.running:
            self.intervals[-1][1] = next(clock)

    def resume(self) -> None:
        self.intervals.append([next(clock), _OPEN])

    def __enter__(self) -> Recording:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def forget(self) -> None:
        """What was recorded so far counts no more."""
        self.intervals = [[next(clock), _OPEN]] if self.running else []
        self.read.clear()

    def has(self, tensor: Tensor) -> bool:
        """Whether ``tensor`` was recorded in one of the intervals."""
        return any(start < tensor.order < stop for start, stop in self.intervals)


def is_active() -> bool:
    """Whether a tape, a trace or a transform is recording."""
    return bool(active)


@contextmanager
def paused(recordings: Iterable[Recording]) -> Iterator[None]:
    """Pause those of ``recordings`` that run, and resume them afterwards if they have not been stopped."""
    stopped = [r for r in recordings if r.running]
    for recording in stopped:
        recording.pause()
    try:
        yield
    finally:
        for recording in stopped:
            if recording in active:
                recording.resume()


_no_grads = 0


def grad_enabled() -> bool:
    """Whether results of Tensors that require gradients require them too: not inside ``no_grad``."""
    return _no_grads == 0


@contextmanager
def no_grad() -> Iterator[None]:
    """``with no_grad():`` what is computed inside is constant to every tape, and requires no gradient. Also a decorator."""
    global _no_grads
    _no_grads += 1
    try:
        with paused(active):
            yield
    finally:
        _no_grads -= 1
