"""Updates of Variables that nobody has asked for yet: those of a step are one run with its losses and gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.tape import dtypes, segments
from jitgrad.tape.evaluate import check_not_tracing, compute, run_groups
from jitgrad.tape.executable import lowered
from jitgrad.tape.flatten import Flat
from jitgrad.tape.groups import Group, hide
from jitgrad.tape.path import Event, Path
from jitgrad.tape.recording import here
from jitgrad.tape.runs import release_leaves, run
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.values import check_leaving
from jitgrad.tape.variable import Variable
from jitgrad.vm import forks

_LOCKS = [forks.lock() for _ in range(16)]
"""Whoever makes updates holds one of these: a lock for each would be one for each step."""


class _Pending:
    """Updates that were asked for on one path, in the dtype of one level."""

    def __init__(self, where: Path, level: int) -> None:
        self.level = level
        self._where = where
        self._event: Event | None = None
        self._changes: list[StateUpdate] = []
        self._groups: list[Group] = []
        self._lock = _LOCKS[id(self) // 64 % len(_LOCKS)]
        where.pending = self

    def add(self, changes: Sequence[StateUpdate], event: Event) -> bool:
        """These, too; False where another thread makes them already."""
        with self._lock:
            if self._where.pending is not self:
                return False
            self._changes += changes
            self._event = event
            self._groups = self._where.groups[:]
            for group in self._groups:
                group.pending = self
            for change in changes:
                for variable in change.targets:
                    variable.wait(self)
            return True

    def make(self) -> None:
        """Make them now, and what else is one run with them."""
        with self._lock:
            if self._where.pending is not self:
                return
            self._where.pending = None
            try:
                self._run()
            finally:
                for group in self._groups:
                    group.pending = None
                for change in self._changes:
                    for variable in change.targets:
                        variable.wait(None)
        self._where.over = True

    def _run(self) -> None:
        assert self._event is not None
        unknown = [group.unknown for group in self._groups]
        targets = [t for some in unknown for t in some]
        shown: list[Tensor] = []

        def flat_of() -> Flat:
            shown.extend(t for group in self._groups for t in group.show())
            return Flat(targets, self._changes)

        try:
            values = run(self._where, self._event, ("update", *map(len, unknown)), flat_of, [t.level for t in targets])
        finally:
            hide(shown)
        for group, some in zip(self._groups, unknown, strict=True):
            group.give(some, values[: len(some)])
            values = values[len(some) :]
        if self._where is here.path:
            self._where.learn(targets, "updated")


def apply(changes: Sequence[StateUpdate]) -> None:
    """Update Variables, when somebody asks for one of them or, where that cannot wait, now."""
    arguments = [t for change in changes for t in change.args]
    check_not_tracing(arguments)
    if here.active:
        for tensor in arguments:
            check_leaving(tensor, "an update of Variables", explicit=True)
    if not _later(changes):
        _now(changes)


def assign_later(variable: Variable, value: Tensor) -> bool:
    """Have a Variable take a value when somebody asks for it; False where that cannot wait."""
    fits = variable.level > dtypes.INTEGER and value.dtype == variable.dtype
    return fits and _later([StateUpdate("assign", (variable,), (value,))])


def _later(changes: Sequence[StateUpdate]) -> bool:
    """Whether updates can wait: where the path is followed on which all that they take was made."""
    leaves = [[variable.leaf for variable in change.targets] for change in changes]  # which makes what is pending for them
    where = here.path
    key: list[Any] = ["update"]
    for change, targets in zip(changes, leaves, strict=True):
        key += (change.op, change.attrs)
        key += [where.number(leaf) for leaf in targets]
        key += [t.place if t.path is where else where.number(t) for t in change.args]
    if where.lost:
        return False
    level = max([leaf.level for targets in leaves for leaf in targets])
    pending = where.pending
    if pending is not None and pending.level != level:
        pending.make()
        return _later(changes)
    event = where.step(*key)
    if event.place < 0:
        return False
    return (pending or _Pending(where, level)).add(changes, event)


def _now(changes: Sequence[StateUpdate]) -> None:
    arguments = [t for change in changes for t in change.args]
    run_groups(arguments)
    for change in changes:
        for variable in change.targets:
            variable.leaf  # noqa: B018  (makes what is pending)
    flat = Flat((), changes)
    if segments.is_long(flat):
        compute(arguments)
        flat = Flat((), changes)
    lowered(flat, len(flat.leaves)).call(flat.leaves, ())
    release_leaves(flat.leaves)
