"""What lowering works on: a recorded expression as a flat, hashable list of steps.

A step names its operands by their position in the list, so equal structure means equal value and an Expression is its own
cache key. Leaves are the steps ``input`` (an array given at run time) and ``literal`` (a Python number).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from jitgrad.ops import OPS, Shape
from jitgrad.ops.table import size_of

V = TypeVar("V")
Attrs = tuple[tuple[str, Any], ...]


def picked(values: Sequence[V], numbers: Sequence[int]) -> tuple[V, ...]:
    """``values[i]`` for each of the numbers, of which there are mostly one or two: no loop, a pass does this for each step."""
    if len(numbers) == 2:
        a, b = numbers
        return values[a], values[b]
    if len(numbers) == 1:
        return (values[numbers[0]],)
    return tuple([values[i] for i in numbers])


class Step(NamedTuple):
    """One value: an op of the table (or a leaf, or what fusion makes), its operands, attributes and shape."""

    op: str
    args: tuple[int, ...]
    attrs: Attrs
    shape: Shape

    @property
    def size(self) -> int:
        """Elements of the value."""
        return size_of(self.shape)

    def at(self, places: Sequence[int]) -> Step:
        """The same step where step i has become step ``places[i]``."""
        op, args, attrs, shape = self
        return Step(op, picked(places, args), attrs, shape) if args else self

    def attr(self, name: str) -> Any:
        """One of the attributes."""
        return dict(self.attrs)[name]


class Update(NamedTuple):
    """A change of state after everything else: its name, the inputs it changes, what it takes, and attributes."""

    op: str
    targets: tuple[int, ...]
    args: tuple[int, ...]
    attrs: Attrs = ()


class Expression(NamedTuple):
    """Steps in an order in which operands come first, what is asked for, and the updates.

    Attributes:
        steps: the values.
        entries: names, and for each the steps that are its outputs. What an entry needs is computed before anything that only
            later ones need, so that a Program can be run up to there, or from there on.
        updates: run last, in the entry "update", or, in the body of a loop, at the end of a trip. Their targets are ``input``
            steps.
    """

    steps: tuple[Step, ...]
    entries: tuple[tuple[str, tuple[int, ...]], ...]
    updates: tuple[Update, ...] = ()

    @property
    def outputs(self) -> tuple[int, ...]:
        """Those of all entries."""
        return tuple(i for _, outputs in self.entries for i in outputs)

    @property
    def state(self) -> set[int]:
        """The inputs that updates change, those in the bodies of loops too."""
        inside = {step.args[k] for step in self.steps if step.op == "loop" for k in step.attr("loop").changes}
        return {i for update in self.updates for i in update.targets} | inside

    def shapes(self, steps: Sequence[int]) -> tuple[Shape, ...]:
        """The shapes of some steps."""
        return shapes_of(self.steps, steps)


def shapes_of(steps: Sequence[Step], numbers: Sequence[int]) -> tuple[Shape, ...]:
    """The shapes of some of ``steps``."""
    if len(numbers) == 2:
        a, b = numbers
        return steps[a].shape, steps[b].shape
    return tuple([steps[i].shape for i in numbers])


@functools.lru_cache(maxsize=4096)
def input_step(leaf: int, shape: Shape) -> Step:
    return Step("input", (), (("leaf", leaf),), shape)


def literal_step(value: float) -> Step:
    """A Python number. Its text is the attribute: it tells 0.0 from -0.0 and lets nan equal nan."""
    return Step("literal", (), (("value", repr(value)),), ())


def literal_value(step: Step) -> float:
    return float(step.attrs[0][1])


@dataclass
class Builder:
    """Collects the steps of a rewritten expression.

    Attributes:
        steps: so far.
        uses: how often the expression asks for each of them, where a pass needs to know.
    """

    steps: list[Step]
    uses: Counter[int] = field(default_factory=Counter)

    def add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def literal(self, value: float) -> int:
        return self.add(literal_step(value))

    def step(self, name: str, *args: int, **attrs: Any) -> Step:
        """A step of an op of the table, its shape by its own rule."""
        row = OPS[name]
        shape = row.shape(row, shapes_of(self.steps, args), attrs)
        return Step(name, args, tuple(attrs.items()), shape)

    def op(self, name: str, *args: int, **attrs: Any) -> int:
        """Add an op of the table."""
        return self.add(self.step(name, *args, **attrs))

    def shapes(self, steps: Sequence[int]) -> tuple[Shape, ...]:
        """The shapes of some steps."""
        return shapes_of(self.steps, steps)

    def literal_at(self, i: int) -> float | None:
        """The number at ``i`` if it is a literal."""
        step = self.steps[i]
        return literal_value(step) if step.op == "literal" else None


Rule = Callable[[Builder, Step], int | None]
"""Gives the position of what a step is replaced by, or None."""
UpdateRule = Callable[[Builder, Update], Update | None]


def rewrite(
    expression: Expression,
    rule_of: Callable[[str], Rule | None],
    update_rule: UpdateRule | None = None,
    count: bool = False,
) -> Expression:
    """One sweep: each step, its operands renamed, goes through the rule of its op, if any, and then each update through its.

    With ``count`` the Builder knows how often what a rule meets is asked for.
    """
    found = {op: rule_of(op) for op in {step.op for step in expression.steps}}
    rules = {op: rule for op, rule in found.items() if rule is not None}
    if not rules and update_rule is None:
        return expression
    builder, uses = Builder([]), _uses(expression) if count else None
    steps, place, moved = builder.steps, list[int](), False
    for i, step in enumerate(expression.steps):
        if moved:
            step = step.at(place)
        rule = rules.get(step.op)
        new = None if rule is None else rule(builder, step)
        if new is None:
            new = len(steps)
            steps.append(step)
        moved = moved or new != i
        place.append(new)
        if uses is not None:
            builder.uses[new] += uses[i]
    made = renamed(expression, (), place) if moved else expression
    updates = made.updates if update_rule is None else tuple([update_rule(builder, u) or u for u in made.updates])
    return Expression(tuple(steps), made.entries, updates)


def _uses(expression: Expression) -> Counter[int]:
    uses = Counter([i for step in expression.steps for i in step.args])
    uses.update([*expression.outputs, *(i for update in expression.updates for i in update.args)])
    return uses


def renamed(expression: Expression, steps: Iterable[Step], place: Sequence[int]) -> Expression:
    """The expression over new ``steps``, where ``place[i]`` is the new position of step i."""

    def moved(numbers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([place[i] for i in numbers])

    entries = tuple((name, moved(outputs)) for name, outputs in expression.entries)
    updates = tuple(u._replace(targets=moved(u.targets), args=moved(u.args)) for u in expression.updates)
    return Expression(tuple(steps), entries, updates)
