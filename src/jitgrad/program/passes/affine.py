"""Affine recurrences in the body of a loop: carries whose next values are sums of multiples of the carries, and other values.

The coefficients and the constant terms do not depend on these carries, so they are computed for all trips at once.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import NamedTuple

from jitgrad.program.expression import Builder, Expression
from jitgrad.program.passes.vectorise import Value, aligned

Number = float | Value
"""A coefficient: the same number in all trips, or a value."""


class Form(NamedTuple):
    """An affine form of carries: the coefficient of each carry, and the constant term, None if there is none."""

    coefficients: dict[int, Number]
    constant: Value | None


def is_affine(body: Expression, group: Sequence[int]) -> bool:
    """Return whether the steps of a group, which depend on one another through carries, are affine in these carries."""
    steps, members = body.steps, set(group)
    carries: dict[int, frozenset[int]] = {}
    for i in sorted(group):
        step, inside = steps[i], [j in members for j in steps[i].args]
        if step.shape != steps[group[0]].shape:
            return False
        if step.op == "input":
            carries[i] = frozenset((i,))
            continue
        found = [carries[j] for j in step.args if j in carries]
        if step.op not in _RULES or inside in _NOT_LINEAR.get(step.op, ()):
            return False
        if step.op == "where" and (len(found) < 2 or found[0] != found[1]):
            return False  # a coefficient of 0 would not stop an infinite carry
        carries[i] = frozenset[int]().union(*found)
    return True


_NOT_LINEAR = {
    "multiply": ([True, True],),
    "divide": ([True, True], [False, True]),
    "where": ([True, False, False], [True, True, False], [True, False, True], [True, True, True]),
}
"""Operands that depend on the carries for which an op is not affine in these."""


def coefficients_move(body: Expression, group: Sequence[int], moves: Container[int]) -> bool:
    """Return whether a coefficient of an affine group differs from trip to trip."""
    factors = {j for i in group if body.steps[i].op in _NOT_LINEAR for j in body.steps[i].args}
    return any(j in moves for j in factors.difference(group))


class Forms:
    """The affine forms of the steps of a group.

    Parameters
    ----------
    builder : Builder
        Collects the steps of coefficients and constant terms.
    add : callable
        ``add(op, *values)`` adds a step for all trips.
    """

    def __init__(self, builder: Builder, add: Callable[..., Value]) -> None:
        self.builder, self.add = builder, add

    def of(self, body: Expression, group: Sequence[int], outside: Mapping[int, Value]) -> dict[int, Form]:
        """Return the form of each step of a group, given the values of the other steps."""
        forms: dict[int, Form] = {}
        for i in sorted(group):
            step = body.steps[i]
            if step.op == "input":
                forms[i] = Form({i: 1.0}, None)
            else:
                forms[i] = _RULES[step.op](self, *(forms[j] if j in forms else outside[j] for j in step.args))
        return forms

    def value(self, x: Number) -> Value:
        return x if isinstance(x, Value) else Value(self.builder.literal(x), False)

    def scaled(self, op: str, form: Form, factor: Value) -> Form:
        """Multiply or divide a form."""
        number = self.builder.literal_at(factor.place)

        def coefficient(x: Number) -> Number:
            if op == "multiply" and x == 1.0:
                return factor if number is None else number
            if op == "multiply" and number is not None and not isinstance(x, Value):
                return x * number
            return self.add(op, self.value(x), factor)

        made = {k: coefficient(x) for k, x in form.coefficients.items()}
        return Form(made, None if form.constant is None else self.add(op, form.constant, factor))

    def product(self, a: Form | Value, b: Form | Value) -> Form:
        form, factor = (a, b) if isinstance(a, Form) else (b, a)
        assert isinstance(form, Form) and isinstance(factor, Value)
        return self.scaled("multiply", form, factor)

    def negative(self, a: Form) -> Form:
        made = {k: -x if not isinstance(x, Value) else self.add("negative", x) for k, x in a.coefficients.items()}
        return Form(made, None if a.constant is None else self.add("negative", a.constant))

    def sum(self, a: Form | Value, b: Form | Value) -> Form:
        a, b = (x if isinstance(x, Form) else Form({}, x) for x in (a, b))
        made = dict(a.coefficients)
        for k, x in b.coefficients.items():
            made[k] = self._total(made[k], x) if k in made else x
        if a.constant is None or b.constant is None:
            return Form(made, b.constant if a.constant is None else a.constant)
        return Form(made, self.add("add", a.constant, b.constant))

    def _total(self, x: Number, y: Number) -> Number:
        if isinstance(x, Value) or isinstance(y, Value):
            return self.add("add", self.value(x), self.value(y))
        return x + y

    def difference(self, a: Form | Value, b: Form | Value) -> Form:
        return self.sum(a, self.negative(b) if isinstance(b, Form) else self.add("negative", b))

    def chosen(self, condition: Value, a: Form, b: Form) -> Form:
        """Choose between forms of the same carries."""

        def choose(x: Number, y: Number) -> Number:
            return x if x == y else self.add("where", condition, self.value(x), self.value(y))

        made = {k: choose(x, b.coefficients[k]) for k, x in a.coefficients.items()}
        if a.constant is None and b.constant is None:
            return Form(made, None)
        zero = self.value(0.0)
        return Form(made, self.add("where", condition, a.constant or zero, b.constant or zero))


_RULES: dict[str, Callable[..., Form]] = {
    "add": Forms.sum,
    "subtract": Forms.difference,
    "multiply": Forms.product,
    "divide": lambda forms, a, b: forms.scaled("divide", a, b),
    "negative": Forms.negative,
    "where": Forms.chosen,
}


def full(builder: Builder, trips: int, shape: tuple[int, ...], x: Value, moves: bool) -> int:
    """Broadcast a value to the shape of a carry, for each trip if it ``moves``."""
    wanted = (trips, *shape) if moves else shape
    place = aligned(builder, x, len(shape))
    return place if builder.steps[place].shape == wanted else builder.op("broadcast_to", place, shape=wanted)
