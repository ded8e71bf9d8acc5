"""A pass on integrations: split states of which the equations only use single elements (scalar replacement of aggregates).

The tangents by several parameters are states of shape ``(parameters, elements)``. Equations that are written element by element
compute with columns of them, which are contiguous only if each element is a state by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from jitgrad.ops import Shape, Shapes
from jitgrad.ops.table import each_shape
from jitgrad.program.expression import Builder, Expression, Step, input_step, rewrite
from jitgrad.program.integrate import OPERANDS, Integration
from jitgrad.program.loop import inputs_of


def split_states(expression: Expression) -> Expression:
    """Split the states of integrations along their last axes, if tangents have rows."""
    parts: dict[int, list[int]] = {}  # for each integration, the number of states that each of its states becomes

    def integration(builder: Builder, step: Step) -> int | None:
        sizes = _sizes(step.attrs[0][1])
        if all(n == 0 for n in sizes):
            return None
        new = builder.add(_split(builder, step, sizes))
        parts[new] = sizes
        return new

    def get(builder: Builder, step: Step) -> int | None:
        sizes, index = parts.get(step.args[0]), step.attr("index")
        if sizes is None:
            return None
        first = list(accumulate((n or 1 for n in sizes), initial=0))
        if index >= len(sizes):
            return builder.op("get", step.args[0], index=index - len(sizes) + first[-1])
        if not sizes[index]:
            return builder.op("get", step.args[0], index=first[index])
        made = [builder.op("get", step.args[0], index=first[index] + k) for k in range(sizes[index])]
        return _joined(builder, made, step.shape)

    rules = {"integrate": integration, "get": get}
    return rewrite(expression, rules.get) if any(step.op == "integrate" for step in expression.steps) else expression


def _joined(builder: Builder, elements: Sequence[int], shape: Shape) -> int:
    """Join the elements of the last axis."""
    apart = [builder.op("reshape", i, shape=(*shape[:-1], 1)) for i in elements]
    return builder.op("concatenate", *apart, axis=len(shape) - 1)


def _sizes(integration: Integration) -> list[int]:
    """Return the numbers of elements into which to split the states, 0 for those that are kept.

    A controlled state and its tangents are split alike, because implicit methods solve for them in the same order. Matrices are
    kept: the order of their elements, which tolerances and the Jacobian have, would change.
    """
    states, n = integration.states, integration.n_controlled
    sizes = [0] * len(states)
    if len(states) % n or states[n:] == states[:n] * (len(states) // n - 1):
        return sizes
    for k in range(n):
        like = range(k, len(states), n)
        is_vector = len(states[k]) == 1 and all(states[j][-1:] == states[k] for j in like)
        if is_vector and all(_is_by_elements(integration, j) for j in like):
            for j in like:
                sizes[j] = states[k][-1]
    return sizes


def _is_by_elements(integration: Integration, k: int) -> bool:
    """Return whether the bodies read single elements of a state's last axis, and join its derivative from such elements."""
    shape, slope = integration.states[k], integration.body.steps[integration.body.outputs[k]]
    one = (*shape[:-1], 1)
    joins = slope.op == "concatenate" and slope.attr("axis") == len(shape) - 1
    if not joins or any(integration.body.steps[i].shape != one for i in slope.args):
        return False
    for body in integration.bodies:
        i = inputs_of(body)[1 + k]
        users = [step for step in body.steps if i in step.args]
        if i in body.outputs or not all(step.op == "slice" and step.shape == one and _keeps_order(step) for step in users):
            return False
    return True


def _keeps_order(step: Step) -> bool:
    """Return whether a slice of an element of the last axis has the others in order."""
    return not any(step.attr("starts")[:-1]) and all(n == 1 for n in step.attr("steps")[:-1])


def _split(builder: Builder, step: Step, sizes: Sequence[int]) -> Step:
    """Return the integration with split states, and add the elements of their initial values."""
    integration: Integration = step.attrs[0][1]
    states, n = integration.states, integration.n_controlled
    args, shapes, before = list(step.args[:OPERANDS]), list[Shape](), each_shape(step.shape)
    for arg, shape, result, size in zip(step.args[OPERANDS:], states, before, sizes, strict=False):
        if not size:
            args.append(arg)
            shapes.append(result)
            continue
        for k in range(size):
            element = builder.op(
                "slice", arg, starts=(0,) * (len(shape) - 1) + (k,), steps=(1,) * len(shape), shape=(*shape[:-1], 1)
            )
            args.append(builder.op("reshape", element, shape=shape[:-1]))
            shapes.append(result[:-1])
    args += step.args[OPERANDS + len(states) :]
    shapes += before[len(states) :]
    bodies = [_by_elements(body, sizes, k == 0) for k, body in enumerate(integration.bodies)]
    made = integration.with_bodies(bodies)._replace(
        n_states=sum(size or 1 for size in sizes), n_controlled=sum(size or 1 for size in sizes[:n])
    )
    return Step(step.op, tuple(args), (("integration", made),), Shapes(shapes))


def _by_elements(body: Expression, sizes: Sequence[int], is_right_hand_side: bool) -> Expression:
    """Return a body whose inputs, and for the right-hand side its outputs, are the elements of split states."""
    first = list(accumulate((size or 1 for size in sizes), initial=1))
    elements: dict[int, list[int]] = {}  # for the place of each split state, those of its elements

    def given(builder: Builder, step: Step) -> int:
        leaf = step.attr("leaf")
        k = leaf - 1
        if not 0 <= k < len(sizes) or not sizes[k]:
            number = leaf if leaf == 0 else first[min(k, len(sizes))] + max(k - len(sizes), 0)
            return builder.add(input_step(number, step.shape))
        inner = [builder.add(input_step(first[k] + j, step.shape[:-1])) for j in range(sizes[k])]
        elements[inner[0]] = inner
        return inner[0]

    def element(builder: Builder, step: Step) -> int | None:
        inner = elements.get(step.args[0])
        return None if inner is None else builder.op("reshape", inner[step.attr("starts")[-1]], shape=step.shape)

    rules: dict[str, Callable[[Builder, Step], int | None]] = {"input": given, "slice": element}
    made = rewrite(body, rules.get)
    if not is_right_hand_side:
        return made
    builder, outputs = Builder(list(made.steps)), list[int]()
    for i, size in zip(made.outputs, sizes, strict=False):
        step = made.steps[i]
        outputs += [builder.op("reshape", j, shape=step.shape[:-1]) for j in step.args] if size else [i]
    return Expression(tuple(builder.steps), ((made.entries[0][0], tuple(outputs)),))
