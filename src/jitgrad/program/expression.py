"""What lowering works on: a recorded expression as a flat, hashable list of steps.

A step names its operands by their position in the list, so equal structure means equal value and an Expression is its own
cache key. Leaves are the steps ``input`` (an array given at run time) and ``literal`` (a Python number).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from jitgrad.ops import OPS, Shape

Attrs = tuple[tuple[str, Any], ...]


class Step(NamedTuple):
    """One value: an op of the table (or a leaf, or what fusion makes), its operands, attributes and shape."""

    op: str
    args: tuple[int, ...]
    attrs: Attrs
    shape: Shape


class Update(NamedTuple):
    """A change of state after everything else: an update instruction, the inputs it changes, what it takes, other fields."""

    op: str
    targets: tuple[int, ...]
    args: tuple[int, ...]
    attrs: Attrs = ()


class Expression(NamedTuple):
    """Steps in an order in which operands come first, the values asked for, and the updates.

    Targets of updates are positions of ``input`` steps. The first ``ahead`` outputs are computed before anything that only
    the others need; by default all are.
    """

    steps: tuple[Step, ...]
    outputs: tuple[int, ...]
    updates: tuple[Update, ...] = ()
    ahead: int | None = None


def input_step(leaf: int, shape: Shape) -> Step:
    return Step("input", (), (("leaf", leaf),), shape)


def literal_step(value: float) -> Step:
    """A Python number. Its text is the attribute: it tells 0.0 from -0.0 and lets nan equal nan."""
    return Step("literal", (), (("value", repr(value)),), ())


def literal_value(step: Step) -> float:
    return float(step.attrs[0][1])


@dataclass
class Builder:
    """Collects the steps of a rewritten expression."""

    steps: list[Step]

    def add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    def literal(self, value: float) -> int:
        return self.add(literal_step(value))

    def step(self, name: str, *args: int, **attrs: Any) -> Step:
        """A step of an op of the table, its shape by its own rule."""
        row = OPS[name]
        shape = row.shape(row, tuple(self.steps[i].shape for i in args), attrs)
        return Step(name, args, tuple(attrs.items()), shape)

    def op(self, name: str, *args: int, **attrs: Any) -> int:
        """Add an op of the table."""
        return self.add(self.step(name, *args, **attrs))

    def literal_at(self, i: int) -> float | None:
        """The number at ``i`` if it is a literal."""
        step = self.steps[i]
        return literal_value(step) if step.op == "literal" else None


Rule = Callable[[Builder, Step], int | None]


def rewrite(expression: Expression, rule: Rule) -> Expression:
    """One sweep: each step, its operands renamed, goes through ``rule``, which gives the position of a replacement or None."""
    builder = Builder([])
    place: list[int] = []
    for step in expression.steps:
        if step.args:
            step = step._replace(args=tuple([place[i] for i in step.args]))
        replaced = rule(builder, step)
        place.append(builder.add(step) if replaced is None else replaced)
    return renamed(expression, builder.steps, place)


def renamed(expression: Expression, steps: list[Step], place: list[int]) -> Expression:
    """The expression over new ``steps``, where ``place[i]`` is the new position of step i."""
    return expression._replace(
        steps=tuple(steps),
        outputs=tuple(place[i] for i in expression.outputs),
        updates=tuple(
            u._replace(targets=tuple(place[i] for i in u.targets), args=tuple(place[i] for i in u.args))
            for u in expression.updates
        ),
    )
