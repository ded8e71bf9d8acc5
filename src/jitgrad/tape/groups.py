"""Groups: gradients that are computed together with their targets when one of them is requested.

Such a gradient is a Tensor without a graph. On a known path, its graph is built only if it is needed for a computation that has
not run before.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from jitgrad.ops import Shape
from jitgrad.tape import path
from jitgrad.tape.flatten import Flat
from jitgrad.tape.path import Event, Path
from jitgrad.tape.recording import here, unfollowed
from jitgrad.tape.runs import release, run, values_of
from jitgrad.tape.tensor import Tensor, is_recorded_op, later

Gradients = list[Tensor | None]
Differentiate = Callable[..., Gradients]
"""Returns all gradients or, if numbers are given, the existing gradients with these numbers."""


class Group:
    """Values that are computed in one run.

    Attributes
    ----------
    where, event
        The path on which the gradients were requested, and the event that it had reached.
    targets : sequence of Tensor
        The recorded targets.
    pending : object
        Updates that run together with the targets.
    """

    __slots__ = (
        "__weakref__", "_again", "_differentiate", "_found", "_levels", "_results", "event", "pending", "targets", "where",
    )  # fmt: skip

    def __init__(self, where: Path, event: Event, targets: Iterable[Tensor | None]) -> None:
        self.where = where
        self.event = event
        members = {id(t): t for t in targets if t is not None and t.value is None and is_recorded_op(t) and t.group is None}
        self.targets = list(members.values())
        self.pending: Any = None
        self._results: list[weakref.ref[Tensor]] = []
        self._levels: list[int] = []
        self._differentiate: Differentiate = list
        self._again: Sequence[int] = ()
        self._found: list[Tensor] | None = []
        for target in self.targets:
            target.group = self
        if not where.lost:
            where.groups.append(self)

    def add(
        self, results: Sequence[Tensor], found: list[Tensor] | None, differentiate: Differentiate, again: list[int]
    ) -> None:
        """Set the gradients of the targets, their graphs if they exist, and the function that builds the graphs."""
        self._results = [weakref.ref(result) for result in results]
        self._levels = [result.level for result in results]
        self._found, self._differentiate, self._again = found, differentiate, again
        if found is None:
            self.where.deferred.append(weakref.ref(self))

    def value(self, tensor: Tensor) -> None:
        """Compute a member together with all other members, or a target together with pending updates."""
        pending = self.pending
        if pending is not None and any(tensor is target for target in self.targets):
            pending.make()
        if tensor.value is None:
            self.run()

    def run(self) -> None:
        """Compute all members."""
        if self.where.active is not here.active:
            self.where.foreign = True
        targets = [t for t in self.targets if t.value is None]
        levels = [*(t.level for t in targets), *self._levels]
        if self.where.lost:
            found = [*targets, *self._graph()]
            values = values_of(Flat(found), found)
        else:
            values = run(self.where, self.event, len(targets), lambda: Flat([*targets, *self._graph()]), levels)
        results = [result() for result in self._results]
        known = [t for t in (*targets, *results) if t is not None]
        for tensor, value in reversed(
            [*zip((*targets, *results), values, strict=True)]
        ):  # the targets last, because they are released
            if tensor is not None:
                self._give(tensor, value)
        self._found = None
        self._let_go()
        if self.where is here.path:
            self.where.learn(known, self.event.end, len(targets))
        else:
            self.where.lose()

    def give(self, targets: Sequence[Tensor], values: Sequence[Any]) -> None:
        """Set the values of the targets. They keep their operands for gradients that may still be requested."""
        in_use = self._in_use()
        for tensor, value in zip(targets, values, strict=True):
            if tensor.group is self:
                self._give(tensor, value, in_use)
        if not in_use:
            self._found = None
        self._let_go()

    def derive(self) -> None:
        """Build the graphs of gradients that may still be requested."""
        if self._in_use():
            self._graph()

    def _in_use(self) -> bool:
        """Return whether a gradient may still be requested."""
        for ref in self._results:
            result = ref()
            if result is not None and result.value is None:
                return True
        return False

    @staticmethod
    def _give(tensor: Tensor, value: Any, in_use: bool = False) -> None:
        tensor.value = value
        tensor.group = None
        if tensor.timestamp == 0 and not in_use:
            release(tensor)

    def _let_go(self) -> None:
        self.pending = None
        groups = self.where.groups
        if len(groups) == 1 and groups[0] is self:
            groups.clear()
        else:
            groups[:] = [group for group in groups if group is not self]

    def _graph(self) -> list[Tensor]:
        if self._found is None:
            with unfollowed():
                self._found = distinct(self._differentiate(self._again))
        return self._found

    def show(self) -> list[Tensor]:
        """Show the graphs of the gradients without values, and return these gradients."""
        shown: list[Tensor] = []
        if not self._in_use():
            return shown
        for ref, made in zip(self._results, self._graph(), strict=True):
            result = ref()
            if result is not None and result.value is None:
                result.op, result.inputs, result.attrs, result.value = made.op, made.inputs, made.attrs, made.value
                shown.append(result)
        return shown


def hide(shown: Iterable[Tensor]) -> None:
    """Hide the graphs of gradients."""
    for tensor in shown:
        tensor.op, tensor.inputs, tensor.attrs = None, (), ()


class _Form(NamedTuple):
    """The gradients of a request: their kinds (or None), shapes and levels, and the sources that have one."""

    chosen: list[int | None]
    kinds: list[tuple[Shape, int]]
    there: list[int]


def _form(every: Gradients, found: Sequence[Tensor]) -> _Form:
    numbers = {id(g): number for number, g in enumerate(found)}
    chosen = [None if g is None else numbers[id(g)] for g in every]
    there = [source for source, number in enumerate(chosen) if number is not None]
    return _Form(chosen, [(g.shape, g.level) for g in found], there)


def taken(where: Path, key: Sequence[Any], targets: Sequence[Tensor], differentiate: Differentiate) -> Gradients:
    """Return the gradients that ``differentiate`` finds, to be computed together with the targets when they are requested.

    Parameters
    ----------
    where : Path
        The path.
    key : sequence
        The identity of the request on the path.
    targets : sequence of Tensor
        The targets.
    differentiate : callable
        Differentiates the targets.
    """
    event = where.event.next(key)
    found: list[Tensor] | None = None
    if event is None or not path.REPLAY:
        with unfollowed():
            every = differentiate()
        found = distinct(every)
        if event is None:
            event = where.grow(key, len(found), form=_form(every, found))
    if not where.lost:
        where.event = event
    form: _Form = event.form
    made = Group(where, event, targets)
    place = event.place
    results = [later(shape, level, where, place + i if place >= 0 else -1, made) for i, (shape, level) in enumerate(form.kinds)]
    made.add(results, found, differentiate, form.there)
    return [None if number is None else results[number] for number in form.chosen]


def distinct(tensors: Iterable[Tensor | None]) -> list[Tensor]:
    """Return the distinct Tensors, without None."""
    return list({id(t): t for t in tensors if t is not None}.values())


def group(tensors: Sequence[Tensor | None]) -> None:
    """Compute recorded Tensors in one run.

    In a body or a row, those that do not depend on its inputs can be computed, and the others cannot. Each is then by itself.
    """
    if any(recording.unknown for recording in here.active):
        return
    where = here.path
    Group(where, where.step("group", *[-1 if t is None else where.place_of(t) for t in tensors]), tensors)
