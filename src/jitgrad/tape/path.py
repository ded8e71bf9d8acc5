"""What a thread has done since its step began: a path through a tree of events that all threads and all steps share.

A step of a loop in Python does what the step before it did: it reads Variables, records ops, takes gradients, asks for values.
Each of these is an event, and is found from the one before it. What was concluded on the way (the shape of a result, which
gradients there are, the Program of a run) is kept with the event and found again where the same path is taken. Tensors have
numbers on a path, so that equal paths have equal graphs, and nobody looks at the graph.
"""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jitgrad.errors import TracingError
from jitgrad.ops import Shape

if TYPE_CHECKING:
    from jitgrad.tape.recording import Recording
    from jitgrad.tape.tensor import Tensor

LONGEST = 2000
"""Tensors of one path. What goes on longer is lost, and may be cut, see ``segments``."""

MOST_EVENTS = 100_000

REPLAY = True
"""Whether results of earlier steps are reused; tests turn it off."""


class Event:
    """Something that was done after what stands above it in the tree.

    Attributes:
        key: what it was; equal for what is the same.
        place: the number of the first Tensor that it made.
        end: the number that the next Tensor will have.
        shape, level: of the Tensor that it made.
        form: of an event that takes gradients, which of them there are.
        then: the event that came next when one first did.
        others: those that came next at other times, by key.
    """

    __slots__ = ("end", "form", "key", "level", "others", "place", "shape", "then")

    def __init__(self, key: Sequence[Any], place: int, end: int, shape: Shape = (), level: int = 0, form: Any = None) -> None:
        self.key = key
        self.place = place
        self.end = end
        self.shape = shape
        self.level = level
        self.form = form
        self.then: Event | None = None
        self.others: dict[Any, Event] | None = None

    def next(self, key: Sequence[Any]) -> Event | None:
        """The event of a key, if it ever came next."""
        then = self.then
        if then is not None and then.key == key:
            return then
        return None if self.others is None else self.others.get(tuple(key))


LOST = Event((), -1, -1)
"""Where a path is that is followed no more: from here on everything is found by looking at the graph."""


class _Tree:
    """Where all paths begin. It is dropped when it has become too large."""

    def __init__(self) -> None:
        self.root = Event((), 0, 0)
        self.size = 0

    def grow(self) -> None:
        self.size += 1
        if self.size > MOST_EVENTS:
            self.__init__()  # type: ignore[misc]


TREE = _Tree()

_NOTHING: dict[int, Any] = {}


class Path:
    """How far a thread is.

    Attributes:
        event: the last one.
        active: the recordings that run in the thread.
        tensors: leaves, by number.
        learned: Tensors whose values became known on the way, as long as somebody else has them, by number.
        numbers: of leaves, by id.
        read: the last number of each Variable that was read, by id.
        known: the last event that made values known: which ones are follows from it.
        groups: gradients that were taken and are not computed, see ``evaluate``.
        deferred: those that may still be asked for, and have no graphs yet.
        pending: updates of Variables that are still to be made.
        foreign: whether another thread made values known that were asked for here.
        open: whether something that was read requires a gradient.
        over: whether the updates of a step were made: what reads a Variable now begins another.
        tapes: how many were started.
    """

    __slots__ = (
        "active",
        "deferred",
        "event",
        "foreign",
        "groups",
        "known",
        "learned",
        "numbers",
        "open",
        "over",
        "pending",
        "read",
        "tapes",
        "tensors",
    )

    def __init__(self, active: list[Recording], lost: bool = False) -> None:
        self.event = LOST if lost else TREE.root
        self.active = active
        self.tensors: dict[int, Tensor] = {}
        self.learned: dict[int, weakref.ref[Tensor]] = {}
        self.read: dict[int, int] = {}
        self.numbers: dict[int, int] = {}
        self.known: Event | None = None
        self.groups: list[Any] = []
        self.deferred: list[weakref.ref[Any]] = []
        self.pending: Any = None
        self.foreign = self.open = self.over = False
        self.tapes = 0

    @property
    def lost(self) -> bool:
        """Whether it is followed no more, or what is known on it does not follow from its events."""
        return self.event is LOST or self.foreign

    def lose(self) -> None:
        """Follow it no more: something happens that no event tells."""
        self.event = LOST

    def leave(self) -> None:
        """The thread begins another one. Tensors that remember this one keep nothing else alive."""
        if not self.groups and self.pending is None:
            self.event = LOST
            self.tensors = self.learned = self.numbers = self.read = _NOTHING

    def step(self, *key: Any) -> Event:
        """Go on by an event that makes no Tensor."""
        return self.go(key)

    def go(self, key: Sequence[Any], read: int = 0) -> Event:
        """Go on by the event of a key, which makes no Tensor but for leaves that are read."""
        event = self.event.next(key)
        if event is None:
            return self.grow(key, read)
        self.event = event
        return event

    def grow(self, key: Sequence[Any], made: int = 0, shape: Shape = (), level: int = 0, form: Any = None) -> Event:
        """Add a new event, which makes ``made`` Tensors, and follow it. Other threads see it only when it is complete."""
        last = self.event
        if last.end > LONGEST:
            self.lose()
        if self.event is LOST:
            return Event(key, -1, -1, shape, level, form)
        TREE.grow()
        event = Event(key, last.end, last.end + made, shape, level, form)
        if last.then is None:
            last.then = event
        else:
            last.others = last.others or {}
            last.others[tuple(key)] = event
        self.event = event
        return event

    def number(self, leaf: Tensor) -> int:
        """The number of a leaf, which is read now if it was not before; -1 where it cannot be followed."""
        found = self.numbers.get(id(leaf))
        return self.enter(leaf) if found is None else found

    def enter(self, leaf: Tensor) -> int:
        """Give a number to a leaf that has none."""
        key: list[Any] = ["read"]
        self.keyed(key, (leaf,))
        if self.event is LOST:
            return -1
        return self.go(key, 1).place

    def keyed(self, key: list[Any], operands: Sequence[Tensor]) -> int:
        """Add to the key of an event the numbers of Tensors, and for leaves that have none, and are read now, what they are.

        Returns the number of the next Tensor that the event makes; -1 where it cannot be followed.
        """
        numbers, at = self.numbers, self.event.end
        for x in operands:
            if x.path is self:
                key.append(x.place)
                continue
            place = numbers.get(id(x))
            if place is None:
                at = self.entered(key, x, at)
            else:
                key.append(place)
        return at

    def entered(self, key: list[Any], leaf: Tensor, at: int) -> int:
        """Add to the key of an event what a leaf is that has no number, and gets this one; returns the next, or -1."""
        if leaf.gradient is not None:
            self.open = True
        if self.event is LOST:
            return -1
        variable = leaf.variable
        if variable is not None and variable._leaf is leaf:
            read = self.read
            key.append(variable.kind)
            key.append(read.get(id(variable), -1))
            read[id(variable)] = at
        else:
            self._describe(key, leaf, at)
        self.numbers[id(leaf)] = at
        self.tensors[at] = leaf
        return at + 1 if self.event is not LOST else -1

    def _describe(self, key: list[Any], leaf: Tensor, at: int) -> None:
        """The same of a leaf that is not the value of a Variable now."""
        if leaf.value is None and leaf.gradient is None and not self.active and leaf.path is not None:
            with contextlib.suppress(TracingError):  # it may depend on what is known later
                leaf.compute_apart()  # what was made before this step is data to it
        value, variable = leaf.value, leaf.variable
        if value is None or (leaf.path is not None and self._goes_on(leaf)):
            self.lose()
        kind = leaf.gradient is None, leaf.shape, leaf.level
        if variable is None:
            key += ("number" if type(value) is float else "array", leaf.path is None, kind)
        else:
            key += ((variable.trainable, *kind), self.read.get(id(variable), -1))
            self.read[id(variable)] = at

    def _goes_on(self, tensor: Tensor) -> bool:
        """Whether a gradient may be wanted through what was recorded on another path."""
        return tensor.gradient is not None or any(recording.has(tensor) for recording in self.active)

    def changed(self, leaf: Tensor) -> None:
        """Something about a leaf, or the Variable that it is the value of, is changed that an event has told."""
        if id(leaf) in self.numbers or (leaf.variable is not None and id(leaf.variable) in self.read):
            self.lose()

    def numbered(self, tensor: Tensor) -> int:
        """The number of a Tensor that was made on the path or is a leaf, read now if need be."""
        return tensor.place if tensor.path is self else self.number(tensor)

    def place_of(self, tensor: Tensor) -> int:
        """The number of a Tensor; -1 where it has none."""
        return tensor.place if tensor.path is self else self.numbers.get(id(tensor), -1)

    def learn(self, tensors: Sequence[Tensor], *key: Any) -> None:
        """The values of Tensors have become known; which ones follows from the key."""
        if self.event is LOST:
            return
        for tensor in tensors:
            if tensor.path is not self or tensor.place < 0:
                self.lose()
                return
            self.learned[tensor.place] = weakref.ref(tensor)
        self.known = self.step("known", "learned", *key)

    def knows(self, leaves: Sequence[Tensor]) -> bool:
        """Whether all leaves of a graph are on the path, or were made by rules of derivatives."""
        for leaf in leaves:
            place = self.place_of(leaf)
            if leaf.path is self:
                ref = self.learned.get(place)
                if ref is None or ref() is not leaf:
                    return False
            elif self.tensors.get(place) is not leaf and not (place < 0 and leaf.path is None and leaf.variable is None):
                return False
        return True

    def derive(self) -> None:
        """Make the graphs of gradients that have none, before what they are made from is let go."""
        refs, self.deferred = self.deferred, []
        for ref in refs:
            group = ref()
            if group is not None:
                group.derive()
