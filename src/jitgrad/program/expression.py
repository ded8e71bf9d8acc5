"""The intermediate representation: a recorded expression as a flat, hashable list of steps.

A step refers to its operands by position, so equal structure means equal value, and an Expression is its own cache key. Leaves
are the steps ``input`` (an array passed at run time) and ``literal`` (a Python number).
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
    """Return ``values[i]`` for each index.

    One and two indices are special cases, which avoids a loop for each step of a pass.
    """
    if len(numbers) == 2:
        a, b = numbers
        return values[a], values[b]
    if len(numbers) == 1:
        return (values[numbers[0]],)
    return tuple([values[i] for i in numbers])


class Step(NamedTuple):
    """One value: an op of the table, a leaf, or a fused op, with its operands, attributes and shape."""

    op: str
    args: tuple[int, ...]
    attrs: Attrs
    shape: Shape

    @property
    def size(self) -> int:
        """Number of elements of the value."""
        return size_of(self.shape)

    def at(self, places: Sequence[int]) -> Step:
        """Return the step with its operands renumbered by ``places``."""
        op, args, attrs, shape = self
        return Step(op, picked(places, args), attrs, shape) if args else self

    def attr(self, name: str) -> Any:
        """Return an attribute."""
        return dict(self.attrs)[name]


class Update(NamedTuple):
    """A change of state after all steps: its name, the inputs that it changes, its arguments, and attributes."""

    op: str
    targets: tuple[int, ...]
    args: tuple[int, ...]
    attrs: Attrs = ()


class Expression(NamedTuple):
    """Steps in topological order, entries, and updates.

    Attributes
    ----------
    steps : tuple of Step
        The values.
    entries : tuple
        Names, each with the steps that are its outputs. Steps that an entry needs precede steps that only later entries need,
        so a Program can run up to the end of an entry, or resume from there.
    updates : tuple of Update
        They run last, in the entry "update", or at the end of a trip in the body of a loop. Their targets are ``input`` steps.
    """

    steps: tuple[Step, ...]
    entries: tuple[tuple[str, tuple[int, ...]], ...]
    updates: tuple[Update, ...] = ()

    @property
    def outputs(self) -> tuple[int, ...]:
        """The outputs of all entries."""
        return tuple(i for _, outputs in self.entries for i in outputs)

    @property
    def state(self) -> set[int]:
        """The inputs that updates change, including updates in the bodies of loops."""
        inside = {step.args[k] for step in self.steps if step.op == "loop" for k in step.attr("loop").changes}
        return {i for update in self.updates for i in update.targets} | inside

    def shapes(self, steps: Sequence[int]) -> tuple[Shape, ...]:
        """Return the shapes of some steps."""
        return shapes_of(self.steps, steps)


def shapes_of(steps: Sequence[Step], numbers: Sequence[int]) -> tuple[Shape, ...]:
    """Return the shapes of the given positions of ``steps``."""
    if len(numbers) == 2:
        a, b = numbers
        return steps[a].shape, steps[b].shape
    return tuple([steps[i].shape for i in numbers])


@functools.lru_cache(maxsize=4096)
def input_step(leaf: int, shape: Shape) -> Step:
    return Step("input", (), (("leaf", leaf),), shape)


def literal_step(value: float) -> Step:
    """Return the step of a number. Its attribute is text, which distinguishes 0.0 from -0.0 and makes nan equal nan."""
    return Step("literal", (), (("value", repr(value)),), ())


def literal_value(step: Step) -> float:
    return float(step.attrs[0][1])


@dataclass
class Builder:
    """Collects the steps of a rewritten expression.

    Attributes
    ----------
    steps : list of Step
        The steps so far.
    uses : sequence of int
        Number of uses of each step of the original expression, if a pass needs it.
    """

    steps: list[Step]
    uses: Counter[int] = field(default_factory=Counter)

    def add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def literal(self, value: float) -> int:
        return self.add(literal_step(value))

    def step(self, name: str, *args: int, **attrs: Any) -> Step:
        """Make a step of a recorded op, with the shape that its rule infers."""
        row = OPS[name]
        shape = row.shape(row, shapes_of(self.steps, args), attrs)
        return Step(name, args, tuple(attrs.items()), shape)

    def op(self, name: str, *args: int, **attrs: Any) -> int:
        """Add a recorded op."""
        return self.add(self.step(name, *args, **attrs))

    def shapes(self, steps: Sequence[int]) -> tuple[Shape, ...]:
        """Return the shapes of some steps."""
        return shapes_of(self.steps, steps)

    def literal_at(self, i: int) -> float | None:
        """Return the number at position ``i`` if it is a literal."""
        step = self.steps[i]
        return literal_value(step) if step.op == "literal" else None


Rule = Callable[[Builder, Step], int | None]
"""A rewrite rule, which returns the position of the replacement for a step, or None to keep it."""
UpdateRule = Callable[[Builder, Update], Update | None]


def rewrite(
    expression: Expression,
    rule_of: Callable[[str], Rule | None],
    update_rule: UpdateRule | None = None,
    count: bool = False,
) -> Expression:
    """Rewrite an expression in one sweep: apply the rule of its op to each step, then the update rule to each update.

    With ``count``, the Builder provides the number of uses of each step.
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
    """Return the expression over new ``steps``, where ``place[i]`` is the new position of step i."""

    def moved(numbers: tuple[int, ...]) -> tuple[int, ...]:
        return tuple([place[i] for i in numbers])

    entries = tuple((name, moved(outputs)) for name, outputs in expression.entries)
    updates = tuple(u._replace(targets=moved(u.targets), args=moved(u.args)) for u in expression.updates)
    return Expression(tuple(steps), entries, updates)


def needed_by(expression: Expression, roots: Iterable[int]) -> list[bool]:
    """Return, for each step, whether one of ``roots`` depends on it."""
    needed = [False] * len(expression.steps)
    for i in roots:
        needed[i] = True
    for i in range(len(expression.steps) - 1, -1, -1):
        if needed[i]:
            for j in expression.steps[i].args:
                needed[j] = True
    return needed


def entry_numbers(expression: Expression) -> list[int]:
    """Return, for each step, the number of the first entry that needs it, or the number of entries if no output needs it."""
    numbers = [len(expression.entries)] * len(expression.steps)
    for k in range(len(expression.entries) - 1, -1, -1):
        for i, needed in enumerate(needed_by(expression, expression.entries[k][1])):
            if needed:
                numbers[i] = k
    return numbers
