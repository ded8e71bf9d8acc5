"""When recording happens: one clock, and the intervals of it that a tape, a trace or a transform counts.

A Tensor that is made while somebody records carries a moment of the clock, and keeps its operands. What carries no moment
of a recording's intervals is constant to it. Each thread records for itself.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from jitgrad.tape.path import Path

if TYPE_CHECKING:
    from jitgrad.tape.tensor import Tensor
    from jitgrad.tape.variable import Variable

clock = itertools.count(1)
"""Gives the next moment."""


class _Here(threading.local):
    """What this thread records.

    Attributes:
        active: the recordings that run.
        no_grads: how many ``no_grad`` blocks it is in.
        path: what it has done since its step began.
    """

    def __init__(self) -> None:
        self.active: list[Recording] = []
        self.no_grads = 0
        self.path = Path(self.active)

    def begin(self) -> Path:
        """Begin a step."""
        self.path.leave()
        self.path = Path(self.active)
        if self.no_grads:
            self.path.step("no_grad")
        return self.path


here = _Here()

living: dict[int, weakref.ref[Recording]] = {}
"""All recordings that may still be asked for a derivative, by number, and some that are gone."""

_numbers = itertools.count()
_MOST_GONE = 64

_OPEN = float("inf")


class Recording:
    """Intervals of the clock, opened by ``start`` and ``resume``, closed by ``stop`` and ``pause``.

    Attributes:
        name: of the transform that records, if it is one.
        sources: the Tensors that the transform differentiates by.
        read: the Variables that were read while an interval was open, by id.
        path: the one that it was started on.
        number: among the tapes that were started on it.
    """

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.path: Path | None = None
        self.number = -1
        self.sources: list[Tensor] = []
        self._constant: dict[int, weakref.ref[Tensor]] | None = None
        self.starts: list[float] = []
        self.stops: list[float] = []
        self.read: dict[int, Variable] = {}
        living[next(_numbers)] = weakref.ref(self)
        if len(living) > _MOST_GONE:
            alive()

    @property
    def running(self) -> bool:
        """Whether an interval is open."""
        return bool(self.stops) and self.stops[-1] == _OPEN

    def start(self) -> None:
        """From now on what is made keeps its operands."""
        here.path.lose()
        here.active.append(self)
        self.resume()

    def start_on_path(self, *key: object) -> None:
        """The same, as an event of a path, with what else it follows from."""
        path = here.path if here.active else here.begin()
        if self.path is not None:  # it was started before
            path.lose()
        path.step("tape", *key)
        self.path, self.number = path, path.tapes
        path.tapes += 1
        here.active.append(self)
        self._open()

    def note(self, *key: object) -> None:
        """What happens to it is an event of its path."""
        if self.path is not None and self.path is here.path:
            self.path.step(self.number, *key)
        elif self.path is not None:
            self.path.lose()

    def stop(self) -> None:
        self.pause()
        active = here.active
        if active and active[-1] is self:
            active.pop()
        else:
            active[:] = [r for r in active if r is not self]

    def pause(self) -> None:
        """What is made now keeps its operands, for others, and is constant to this recording."""
        stops = self.stops
        if stops and stops[-1] == _OPEN:
            stops[-1] = next(clock)
            self.note("pause")

    def resume(self) -> None:
        self.note("resume")
        self._open()

    def _open(self) -> None:
        self.starts.append(next(clock))
        self.stops.append(_OPEN)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def forget(self) -> None:
        """What was recorded so far counts no more."""
        running = self.running
        self.note("forget")
        self.starts, self.stops, self.read = [], [], {}
        if running:
            self.resume()
        else:
            self.path = None

    def has(self, tensor: Tensor) -> bool:
        """Whether ``tensor`` was recorded in one of the intervals."""
        return _is_in(self.starts, self.stops, tensor)

    def so_far(self) -> Callable[[Tensor], bool]:
        """As ``has``, whatever is forgotten later."""
        return functools.partial(_is_in, self.starts, self.stops)

    def depends(self, tensor: Tensor) -> bool:
        """Whether a derivative passes from one of ``sources`` to ``tensor``."""
        sources = {id(source) for source in self.sources}
        seen: dict[int, Tensor] = {}
        stack = [tensor]
        while stack:
            node = stack.pop()
            if id(node) in sources:
                return True
            if id(node) in seen or node.op is None or not self.has(node) or self._is_constant(node):
                continue
            seen[id(node)] = node
            if node.dtype.kind == "f":
                stack += [x for i, x in enumerate(node.inputs) if node.op.passes(i)]
        self._constant = (self._constant or {}) | {key: weakref.ref(node) for key, node in seen.items()}
        return False

    def _is_constant(self, tensor: Tensor) -> bool:
        """Whether it was found to depend on no source before."""
        found = None if self._constant is None else self._constant.get(id(tensor))
        return found is not None and found() is tensor


def _is_in(starts: list[float], stops: list[float], tensor: Tensor) -> bool:
    if len(starts) == 1:
        return starts[0] <= tensor.timestamp < stops[0]
    i = bisect.bisect(starts, tensor.timestamp) - 1
    return i >= 0 and tensor.timestamp < stops[i]


def is_recorded(tensor: Tensor) -> bool:
    """Whether some recording that lives, in any thread, may be asked for a derivative through ``tensor``."""
    return any(recording.has(tensor) for recording in alive())


def alive() -> list[Recording]:
    """All recordings that may still be asked for a derivative."""
    found = []
    for number, ref in list(living.items()):
        recording = ref()
        if recording is None:
            living.pop(number, None)
        else:
            found.append(recording)
    return found


def is_active() -> bool:
    """Whether a tape, a trace or a transform is recording."""
    return bool(here.active)


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
            if recording in here.active:
                recording.resume()


def grad_enabled() -> bool:
    """Whether results of Tensors that require gradients require them too: not inside ``no_grad``."""
    return here.no_grads == 0


@contextmanager
def no_grad() -> Iterator[None]:
    """``with no_grad():`` what is computed inside is constant to every tape, and requires no gradient. Also a decorator."""
    here.no_grads += 1
    try:
        here.path.step("no_grad")
        with paused(here.active):
            yield
    finally:
        here.no_grads -= 1
        here.path.step("grad")


@contextmanager
def unfollowed() -> Iterator[Path]:
    """Keep what is done inside off the path."""
    path, here.path = here.path, Path(here.active, lost=True)
    try:
        yield here.path
    finally:
        here.path = path
