"""A pass on integrations: unite those of the same equations, such as the derivatives by several parameters.

The steps of an integration depend on its controlled states only. Integrations with the same controlled states therefore take
the same steps, and their other states can be computed by one of them. This also applies to parallel loops of integrations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from jitgrad.ops import Shapes
from jitgrad.program.expression import Expression, Step, entry_numbers, input_step, needed_by
from jitgrad.program.integrate import OPERANDS, Integration
from jitgrad.program.loop import Loop, loop_of, loop_step
from jitgrad.program.passes.cse import cse, in_order


def unite_integrations(expression: Expression) -> Expression:
    """Unite integrations that have the same controlled states and that the same entries need."""
    while True:
        united = next(_united(expression), None)
        if united is None:
            return expression
        expression = united


def _united(expression: Expression) -> Iterator[Expression]:
    """Yield the expression with two integrations united, for all pairs for which this is possible."""
    steps = expression.steps
    alike: dict[Any, list[int]] = defaultdict(list)
    kept = {*expression.outputs}
    found = [i for i, step in enumerate(steps) if i not in kept and (step.op == "integrate" or _integrates(step))]
    entries = entry_numbers(expression) if len(found) > 1 else []
    for i in found if entries else ():
        alike[entries[i], _key(steps[i])].append(i)
    for group in alike.values():
        for k, j in enumerate(group):
            for i in group[:k]:
                if needed_by(expression, steps[j].args)[i]:
                    continue
                both = _both if steps[i].op == "integrate" else _both_loops
                if (step := both(steps[i], steps[j])) is not None:
                    yield _replaced(expression, i, j, step)


def _integrates(step: Step) -> bool:
    """Return whether a step is a parallel loop of integrations."""
    if step.op != "loop" or not loop_of(step).parallel or loop_of(step).tail is not None:
        return False
    return _count(loop_of(step).body) > 0


def _count(body: Expression) -> int:
    return sum(step.op == "integrate" for step in body.steps)


def _key(step: Step) -> Any:
    """Return what integrations, or loops, that can be united have in common."""
    if step.op == "loop":
        return loop_of(step).trips
    integration = _integration(step)
    return integration.method, integration.detection, step.args[: OPERANDS + integration.n_controlled]


def _integration(step: Step) -> Integration:
    found: Integration = step.attrs[0][1]
    return found


def _both(first: Step, second: Step) -> Step | None:
    """Return the integration of the states of both, or None if the equations of the controlled states differ."""
    one, other = _integration(first), _integration(second)
    n, states = one.n_controlled, one.n_states + other.n_states - one.n_controlled
    a, b = first.args[OPERANDS:], second.args[OPERANDS:]
    constants = list(dict.fromkeys((*a[one.n_states :], *b[other.n_states :])))
    place = {arg: 1 + states + k for k, arg in enumerate(constants)}
    numbers = [*range(1 + one.n_states), *(place[arg] for arg in a[one.n_states :])]
    others = [*range(1 + n), *range(1 + one.n_states, 1 + states), *(place[arg] for arg in b[other.n_states :])]
    bodies = []
    for k, (body, another) in enumerate(zip(one.bodies, other.bodies, strict=True)):
        joined = cse(_joined(body, another, numbers, others))
        size = len(body.outputs)
        ours, theirs = joined.outputs[:size], joined.outputs[size:]
        shared = n if k == 0 else size
        if ours[:shared] != theirs[:shared]:
            return None
        bodies.append(joined._replace(entries=((body.entries[0][0], (*ours, *theirs[shared:])),)))
    args = (*first.args[: OPERANDS + one.n_states], *b[n : other.n_states], *constants)
    made = one.with_bodies(bodies)._replace(n_states=states)
    shapes = Shapes((*first.shape[: one.n_states], *second.shape[n : other.n_states], *first.shape[one.n_states :]))
    return Step(first.op, args, (("integration", made),), shapes)


def _both_loops(first: Step, second: Step) -> Step | None:
    """Return the loop that does both, or None if it has as many integrations as they have."""
    one, other = loop_of(first), loop_of(second)
    moving = list(dict.fromkeys((*first.args[: one.n_moving], *second.args[: other.n_moving])))
    fixed = list(dict.fromkeys((*first.args[one.n_moving :], *second.args[other.n_moving :])))
    bodies = []
    for step, loop in ((first, one), (second, other)):
        numbers = [moving.index(i) for i in step.args[: loop.n_moving]]
        bodies.append((loop.body, [*numbers, *(len(moving) + fixed.index(i) for i in step.args[loop.n_moving :])]))
    (body, numbers), (another, others) = bodies
    joined = unite_integrations(cse(_joined(body, another, numbers, others)))
    if _count(joined) == _count(body) + _count(another):
        return None
    return loop_step((*moving, *fixed), Loop(joined, one.trips, 0, len(moving), parallel=True))


def _joined(first: Expression, second: Expression, numbers: Sequence[int], others: Sequence[int]) -> Expression:
    """Return both bodies, with new numbers of their inputs, as one body with the outputs of both."""
    steps: list[Step] = []
    inputs: dict[int, int] = {}
    outputs: list[int] = []
    for body, renumbered in ((first, numbers), (second, others)):
        place: list[int] = []
        for step in body.steps:
            if step.op == "input":
                leaf = renumbered[step.attr("leaf")]
                if leaf not in inputs:
                    inputs[leaf] = len(steps)
                    steps.append(input_step(leaf, step.shape))
                place.append(inputs[leaf])
            else:
                steps.append(step.at(place))
                place.append(len(steps) - 1)
        outputs += [place[i] for i in body.outputs]
    return Expression(tuple(steps), ((first.entries[0][0], tuple(outputs)),))


def _places(first: Step, second: Step) -> tuple[list[int], list[int]]:
    """Return the numbers of the results of two integrations among those of both."""
    one, other = _integration(first), _integration(second)
    n, more = one.n_controlled, other.n_states - one.n_controlled
    rest = [one.n_states + more + k for k in range(len(first.shape) - one.n_states)]
    return [*range(one.n_states), *rest], [*range(n), *range(one.n_states, one.n_states + more), *rest]


def _places_in_loop(first: Step, second: Step) -> tuple[list[int], list[int]]:
    """Return the numbers of the results of two loops among those of both."""
    n = len(first.shape)
    return [*range(n)], [*range(n, n + len(second.shape))]


def _replaced(expression: Expression, i: int, j: int, step: Step) -> Expression:
    """Return the expression with ``step`` in place of the integrations, or loops, i < j."""
    steps = list(expression.steps)
    place = _places_in_loop if step.op == "loop" else _places
    one, other = place(steps[i], steps[j])
    later = {i}
    for k in range(i + 1, j):
        if any(arg in later for arg in steps[k].args):
            later.add(k)
    for k, user in enumerate(steps):
        if user.op == "get" and user.args[0] in (i, j):
            index = (one if user.args[0] == i else other)[user.attr("index")]
            steps[k] = user._replace(args=(j,), attrs=(("index", index),))
    steps[j] = step
    order = [k for k in range(j) if k not in later] + [j, *sorted(later - {i}), *range(j + 1, len(steps))]
    return in_order(expression._replace(steps=tuple(steps)), order)
