"""Paths: the events of a thread since the beginning of its step, as a path through a tree that all threads and steps share.

A step of a Python loop does the same as the previous step: it reads Variables, records ops, takes gradients and requests
values. Each action is an event, which is looked up from the preceding event. Derived facts (the shape of a result, which
gradients exist, the Program of a run) are stored with the event, and reused when the same path is taken. Tensors have
numbers on a path, so equal paths have equal graphs, and the graph need not be examined.
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
"""The number of Tensors on one path. A longer path is abandoned, and its expression may be split; see ``segments``."""

MOST_EVENTS = 100_000

REPLAY = True
"""Whether results of earlier steps are reused. Tests disable it."""


class Event:
    """A node of the tree of events.

    Attributes
    ----------
    key : sequence
        A description of the event; equal for equal events.
    place : int
        The number of the first Tensor of the event.
    end : int
        The number that the next Tensor will have.
    shape, level
        The shape and the level of the Tensor of the event.
    form : object
        Which gradients exist, for an event that takes gradients.
    then : Event or None
        The event that followed first.
    others : dict
        The events that followed at other times, by key.
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
        """Return the event with this key, if one has followed this event."""
        then = self.then
        if then is not None and then.key == key:
            return then
        return None if self.others is None else self.others.get(tuple(key))


LOST = Event((), -1, -1)
"""The event of a path that is no longer followed. From here on, everything is determined by examining the graph."""


class _Tree:
    """The root of all paths. It is replaced when the tree becomes too large."""

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
    """The position of a thread.

    Attributes
    ----------
    event : Event
        The last event.
    active : list of Recording
        The recordings of the thread that are active.
    tensors : dict
        Leaves, by number.
    learned : WeakValueDictionary
        Tensors whose values became known on the path, by number.
    numbers : dict
        The numbers of leaves, by id.
    read : dict
        The last number of each Variable that was read, by id.
    known : Event
        The last event that made values known, which determines the known values.
    groups : list
        Gradients that have not been computed; see ``evaluate``.
    deferred : list
        Gradients that may still be requested and do not have graphs yet.
    pending : object
        Deferred updates of Variables.
    foreign : bool
        Whether another thread computed values that were requested here.
    open : bool
        Whether a value that was read requires a gradient.
    over : bool
        Whether the updates of a step were computed. Reading a Variable then begins another step.
    tapes : int
        The number of tapes that were started.
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
        """Whether the path is no longer followed, or the known values do not follow from its events."""
        return self.event is LOST or self.foreign

    def lose(self) -> None:
        """Stop following the path, because something happened that no event describes."""
        self.event = LOST

    def leave(self) -> None:
        """Switch to another path. Tensors that refer to this path keep nothing else alive."""
        if not self.groups and self.pending is None:
            self.event = LOST
            self.tensors = self.learned = self.numbers = self.read = _NOTHING

    def step(self, *key: Any) -> Event:
        """Advance by an event without a Tensor."""
        return self.go(key)

    def go(self, key: Sequence[Any], read: int = 0) -> Event:
        """Advance by the event of a key, whose only Tensors are leaves that are read."""
        event = self.event.next(key)
        if event is None:
            return self.grow(key, read)
        self.event = event
        return event

    def grow(self, key: Sequence[Any], made: int = 0, shape: Shape = (), level: int = 0, form: Any = None) -> Event:
        """Add a new event with ``made`` Tensors, and follow it. Other threads see it only when it is complete."""
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
        """Return the number of a leaf, which is read now if necessary, or -1 if it cannot be followed."""
        found = self.numbers.get(id(leaf))
        return self.enter(leaf) if found is None else found

    def enter(self, leaf: Tensor) -> int:
        """Give a number to a leaf without one."""
        key: list[Any] = ["read"]
        self.keyed(key, (leaf,))
        if self.event is LOST:
            return -1
        return self.go(key, 1).place

    def keyed(self, key: list[Any], operands: Sequence[Tensor]) -> int:
        """Append the numbers of Tensors to the key of an event, and descriptions of leaves that are read now.

        Return the number of the next Tensor of the event, or -1 if the path cannot be followed.
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
        """Append the description of a new leaf to the key of an event, and number it. Return the next number, or -1."""
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
        """Append the description of a leaf that is not the current value of a Variable."""
        if leaf.value is None and leaf.gradient is None and not self.active and leaf.path is not None:
            with contextlib.suppress(TracingError):  # it may depend on a value that is known later
                leaf.compute_apart()  # a Tensor from before this step is data
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
        """Return whether a gradient may be required through operations recorded on another path."""
        return tensor.gradient is not None or any(recording.has(tensor) for recording in self.active)

    def changed(self, leaf: Tensor) -> None:
        """Abandon the path, because a property of a leaf or Variable that an event depends on has changed."""
        if id(leaf) in self.numbers or (leaf.variable is not None and id(leaf.variable) in self.read):
            self.lose()

    def numbered(self, tensor: Tensor) -> int:
        """Return the number of a Tensor of the path or of a leaf, which is read now if necessary."""
        return tensor.place if tensor.path is self else self.number(tensor)

    def place_of(self, tensor: Tensor) -> int:
        """Return the number of a Tensor, or -1."""
        return tensor.place if tensor.path is self else self.numbers.get(id(tensor), -1)

    def learn(self, tensors: Sequence[Tensor], *key: Any) -> None:
        """Note that the values of Tensors became known, as determined by the key."""
        if self.event is LOST:
            return
        for tensor in tensors:
            if tensor.path is not self or tensor.place < 0:
                self.lose()
                return
            self.learned[tensor.place] = weakref.ref(tensor)
        self.known = self.step("known", "learned", *key)

    def knows(self, leaves: Sequence[Tensor]) -> bool:
        """Return whether all leaves of a graph are on the path, or were created by derivative rules."""
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
        """Build the graphs of gradients without one, before the Tensors that they depend on are released."""
        refs, self.deferred = self.deferred, []
        for ref in refs:
            group = ref()
            if group is not None:
                group.derive()
