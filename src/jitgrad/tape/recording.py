"""Recordings: intervals of a clock during which a tape, a trace or a transform is active.

A Tensor that is created during a recording has a timestamp and keeps its operands. A Tensor whose timestamp is outside the
intervals of a recording is constant to it. Each thread has its own recordings.
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
"""Returns the next timestamp."""


class _Here(threading.local):
    """The recordings of this thread.

    Attributes
    ----------
    active : list of Recording
        The recordings that are active.
    no_grads : int
        The number of enclosing ``no_grad`` blocks.
    path : Path
        The operations since the beginning of the step.
    """

    def __init__(self) -> None:
        self.active: list[Recording] = []
        self.no_grads = 0
        self.path = Path(self.active)

    def begin(self) -> Path:
        """Begin a step and return its path."""
        self.path.leave()
        self.path = Path(self.active)
        if self.no_grads:
            self.path.step("no_grad")
        return self.path


here = _Here()

living: dict[int, weakref.ref[Recording]] = {}
"""All recordings that may still be differentiated, by number. Some of them may no longer exist."""

_numbers = itertools.count()
_MOST_GONE = 64

_OPEN = float("inf")


class Recording:
    """Intervals of the clock, opened by ``start`` and ``resume``, closed by ``stop`` and ``pause``.

    Attributes
    ----------
    name : str
        The name of the transform that records, or an empty string.
    sources : list of Tensor
        The Tensors that the transform differentiates with respect to.
    read : dict
        The Variables that were read during an interval, by id.
    path : Path or None
        The path on which the recording was started.
    number : int
        The number of the recording among the tapes that were started on the path.
    unknown : bool
        Whether it starts from Tensors without values: the inputs of a body, or a row of all rows.
    """

    def __init__(self, name: str = "", unknown: bool = False) -> None:
        self.name, self.unknown = name, unknown
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
        """Open an interval: new Tensors keep their operands."""
        here.path.lose()
        here.active.append(self)
        self.resume()

    def start_on_path(self, *key: object) -> None:
        """Start as an event of a path, with a key that identifies it."""
        path = here.path if here.active else here.begin()
        if self.path is not None:  # the recording was started before
            path.lose()
        path.step("tape", *key)
        self.path, self.number = path, path.tapes
        path.tapes += 1
        here.active.append(self)
        self._open()

    def note(self, *key: object) -> None:
        """Add an event to the path."""
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
        """Close the interval: new Tensors are constant to this recording, but keep their operands for others."""
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
        """Discard everything recorded so far."""
        running = self.running
        self.note("forget")
        self.starts, self.stops, self.read = [], [], {}
        if running:
            self.resume()
        else:
            self.path = None

    def has(self, tensor: Tensor) -> bool:
        """Return whether ``tensor`` was recorded in one of the intervals."""
        return _is_in(self.starts, self.stops, tensor)

    def so_far(self) -> Callable[[Tensor], bool]:
        """Return a function like ``has`` that a later ``forget`` does not affect."""
        return functools.partial(_is_in, self.starts, self.stops)

    def depends(self, tensor: Tensor) -> bool:
        """Return whether ``tensor`` depends on one of ``sources`` through differentiable ops."""
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
        """Return whether an earlier call found that ``tensor`` does not depend on a source."""
        found = None if self._constant is None else self._constant.get(id(tensor))
        return found is not None and found() is tensor


def _is_in(starts: list[float], stops: list[float], tensor: Tensor) -> bool:
    if len(starts) == 1:
        return starts[0] <= tensor.timestamp < stops[0]
    i = bisect.bisect(starts, tensor.timestamp) - 1
    return i >= 0 and tensor.timestamp < stops[i]


def is_recorded(tensor: Tensor) -> bool:
    """Return whether any recording, in any thread, may be differentiated through ``tensor``."""
    return any(recording.has(tensor) for recording in alive())


def alive() -> list[Recording]:
    """Return all recordings that may still be differentiated."""
    found = []
    for number, ref in list(living.items()):
        recording = ref()
        if recording is None:
            living.pop(number, None)
        else:
            found.append(recording)
    return found


def is_active() -> bool:
    """Return whether a tape, a trace or a transform is recording."""
    return bool(here.active)


@contextmanager
def paused(recordings: Iterable[Recording]) -> Iterator[None]:
    """Pause the recordings that are running, and resume them afterwards unless they were stopped."""
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
    """Return whether results inherit ``requires_grad``. They do not inside ``no_grad``."""
    return here.no_grads == 0


@contextmanager
def no_grad() -> Iterator[None]:
    """Disable recording: values computed inside are constant to every tape and do not require a gradient.

    It can be used as a context manager and as a decorator.

    Yields
    ------
    None

    See Also
    --------
    stop_gradient : Treat a single value as a constant.

    Examples
    --------
    >>> w = jg.tensor(2.0, requires_grad=True)
    >>> with jg.no_grad():
    ...     y = w * 3
    >>> y.requires_grad
    False
    """
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
    """Keep operations inside off the path."""
    path, here.path = here.path, Path(here.active, lost=True)
    try:
        yield here.path
    finally:
        here.path = path
