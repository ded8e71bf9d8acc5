"""Deferred updates of Variables: the updates of a step run together with its losses and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.tape import dtypes, path, segments
from jitgrad.tape.evaluate import check_not_tracing, compute, on_the_way, run_groups
from jitgrad.tape.executable import Storage, lowered
from jitgrad.tape.flatten import Flat
from jitgrad.tape.groups import Group, hide
from jitgrad.tape.path import LOST, Event, Path
from jitgrad.tape.recording import here
from jitgrad.tape.runs import is_kept, release, release_leaves, run
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.values import check_leaving
from jitgrad.tape.variable import Variable
from jitgrad.vm import forks

_LOCK = forks.lock()
"""Held while updates run. There is only one lock: with several, threads whose updates depend on each other would deadlock."""


class _Updated(Storage):
    """The storage of Variables while their updates run."""

    def write(self, leaf: Tensor, value: Any) -> None:
        leaf.variable.replace(value)  # type: ignore[union-attr]


_UPDATED = _Updated()


class _Pending:
    """The deferred updates of one path, in the dtype of one level."""

    __slots__ = ("_changes", "_event", "_groups", "_where", "level")

    def __init__(self, where: Path, level: int) -> None:
        self.level = level
        self._where = where
        self._event = where.event
        self._changes: list[StateUpdate] = []
        self._groups: list[Group] = []
        where.pending = self

    def add(self, changes: Sequence[StateUpdate], event: Event) -> bool:
        """Add updates. Return False if another thread is already running the pending ones."""
        with _LOCK:
            if self._where.pending is not self:
                return False
            try:
                for change in changes:
                    for variable in change.targets:
                        variable.pending = self
                groups = self._where.groups[:]
                for group in groups:
                    group.pending = self
                self._changes, self._event, self._groups = [*self._changes, *changes], event, groups
            except BaseException:  # an interrupt
                self._where.lose()
                raise
            return True

    def make(self, asked: Sequence[Tensor] = ()) -> None:
        """Run the updates now, in one run with their groups and with ``asked``."""
        where = self._where
        with _LOCK:
            if where.pending is not self:
                return
            where.pending = None
            if where.active is not here.active:
                where.foreign = True
            try:
                self._run(asked)
            finally:
                for group in self._groups:
                    group.pending = None
                for change in self._changes:
                    for variable in change.targets:
                        variable.pending = None
        where.over = True

    def joins(self, asked: Sequence[Tensor]) -> bool:
        """Return whether Tensors recorded later can be computed in the same run without changing its dtype."""
        where = self._where
        if where is not here.path or where.lost or not path.REPLAY or any(t.path is not where or t.place < 0 for t in asked):
            return False
        targets = self._targets()
        if is_kept(where, where.event, self._what(targets, asked)):
            return True
        groups = [node.group for node in on_the_way(asked) if node.group is not None]
        if not all(any(group is own for own in self._groups) for group in groups):
            return False
        alone = [*targets, *(t for change in self._changes for t in change.args)]
        shown = self._show()
        try:
            together, apart = Flat([*alone, *asked], level=self.level), Flat(alone, level=self.level)
            return together.dtype == apart.dtype and not segments.is_long(together)
        finally:
            hide(shown)

    def _targets(self) -> list[Tensor]:
        return [t for group in self._groups for t in group.targets if t.value is None]

    @staticmethod
    def _what(targets: Sequence[Tensor], asked: Sequence[Tensor]) -> Any:
        """Return the key of a run on a path."""
        return ("updated", len(targets), *[t.place for t in asked])

    def _show(self) -> list[Tensor]:
        """Show the graphs of the gradients, and return the gradients."""
        return [t for group in self._groups for t in group.show()]

    def _run(self, asked: Sequence[Tensor]) -> None:
        where, targets = self._where, self._targets()
        wanted, shown = [*targets, *asked], list[Tensor]()

        def flat_of() -> Flat:
            shown.extend(self._show())
            return Flat(wanted, self._changes)

        event, what = where.event if asked else self._event, self._what(targets, asked)
        try:
            values = run(where, event, what, flat_of, [t.level for t in wanted], _UPDATED)
        finally:
            if shown:
                hide(shown)
        for group in self._groups:
            group.give(targets, values[: len(targets)])
        if asked:
            for tensor, value in zip(asked, values[len(targets) :], strict=True):
                tensor.value = value
                if tensor.timestamp == 0:
                    release(tensor)
        if wanted and where is here.path:
            where.learn(wanted, *what)


def apply(changes: Sequence[StateUpdate]) -> None:
    """Update Variables when one of them is next read, or now if the updates cannot be deferred."""
    if here.active:
        arguments = [t for change in changes for t in change.args]
        check_not_tracing(arguments)
        for tensor in arguments:
            check_leaving(tensor, "an update of Variables", explicit=True)
    if not _later(changes):
        _now(changes)


def assign_later(pairs: Sequence[tuple[Variable, Tensor]]) -> bool:
    """Assign values to Variables of one dtype when they are next read.

    Parameters
    ----------
    pairs : sequence of (Variable, Tensor)
        The Variables and their values.

    Returns
    -------
    bool
        False if the values must be assigned now.
    """
    where, level = here.path, pairs[0][0].level
    tensors: list[Tensor] = []
    changes = []
    for variable, value in pairs:
        if variable.level <= dtypes.INTEGER or variable.level != level or dtypes.DTYPE[value.level] is not dtypes.DTYPE[level]:
            return False
        if variable.pending is not None:
            variable.pending.make()
        tensors += (variable.leaf, value)
        changes.append(StateUpdate("assign", (variable,), (value,)))
    return _wait(where, ["assign"], tensors, level, changes)


def _later(changes: Sequence[StateUpdate]) -> bool:
    """Defer updates if their operands were recorded on a path that is being followed. Return whether they were deferred."""
    for change in changes:
        for variable in change.targets:
            if variable.pending is not None:
                variable.pending.make()
    where = here.path
    if (where.over or where.event is LOST) and not here.active:
        made_here = [t for change in changes for t in change.args if t.path is where]
        if not made_here:  # and a step that reads no Variable begins with its updates
            where = here.begin()
    key: list[Any] = ["update"]
    tensors: list[Tensor] = []
    level = 0
    for op, targets, arguments, attrs in changes:
        key += (op, attrs, len(targets))
        for variable in targets:
            tensors.append(variable.leaf)
            if variable.level > level:
                level = variable.level
        tensors += arguments
    return _wait(where, key, tensors, level, changes)


def _wait(where: Path, key: list[Any], tensors: Sequence[Tensor], level: int, changes: Sequence[StateUpdate]) -> bool:
    """Add updates to the pending updates of a path. Return False if the path was abandoned.

    Parameters
    ----------
    where : Path
        The path.
    key : list
        The identity of the updates.
    tensors : sequence of Tensor
        The Variables and values that they read.
    level : int
        The level of their dtype.
    changes : sequence of StateUpdate
        The updates.
    """
    pending = where.pending
    if pending is not None and pending.level != level:
        pending.make()
        pending = None
    place = where.keyed(key, tensors)
    if place < 0:
        return False
    event = where.go(key, place - where.event.end)
    return event.place >= 0 and (pending or _Pending(where, level)).add(changes, event)


def _now(changes: Sequence[StateUpdate]) -> None:
    arguments = [t for change in changes for t in change.args]
    run_groups(arguments)
    for change in changes:
        for variable in change.targets:
            variable.leaf  # noqa: B018  (runs pending updates)
    flat = Flat((), changes)
    if segments.is_long(flat):
        compute(arguments)
        flat = Flat((), changes)
    lowered(flat, len(flat.leaves)).call(flat.leaves, ())
    release_leaves(flat.leaves)
