"""Integrations of many rows in lanes: a parallel loop over rows whose body is an integration becomes ``integrate_rows``.

An instruction of the right-hand side then computes the values of all lanes, for which it takes little longer than for one.
Integrations for which this is not possible remain loops: those by implicit methods, with events, with tolerances that differ
from row to row, or whose right-hand sides do more than elementwise operations, views, sums and products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from jitgrad.ops import OPS, Shape
from jitgrad.program.expression import Builder, Expression, Step, input_step, renamed
from jitgrad.program.integrate import METHOD, OPERANDS, SETTINGS, START, Integration
from jitgrad.program.loop import LANES, Loop, inputs_of, loop_of, loop_step
from jitgrad.program.passes.cse import dce
from jitgrad.program.rows import Rows
from jitgrad.vm.integrate import layout
from jitgrad.vm.integrate.tableaux import METHODS

LEAST_ROWS = 2
"""The smallest number of rows that are integrated in lanes."""
MOST_ROWS = 256
"""Number of rows of a part that one thread integrates, if there are enough rows for all threads."""
MOST_PRODUCTS = 1024
"""Number of products of elements up to which a product of two matrices that differ from lane to lane is a sum of products."""
_VIEWS = ("reshape", "transpose", "broadcast_to", "slice", "pad", "concatenate", "gather")


def integrate_in_lanes(expression: Expression) -> Expression:
    """Replace parallel loops of integrations by integrations in lanes, in parts that threads share."""
    if not any(step.op == "loop" and loop_of(step).parallel for step in expression.steps):
        return expression
    builder, place = Builder([]), list[int]()
    results: dict[int, list[int]] = {}
    whole = {*expression.outputs, *(j for step in expression.steps if step.op != "get" for j in step.args)}
    for i, step in enumerate(expression.steps):
        if step.op == "get" and step.args[0] in results:
            place.append(results[step.args[0]][step.attr("index")])
            continue
        many = _many(builder, step.at(place), i in whole) if step.op == "loop" else None
        if many is None:
            place.append(builder.add(step.at(place)))
            continue
        made, every = _in_parts(builder, many)
        results[i] = [every[k] for k in many.wanted]
        place.append(made)
    return dce(renamed(expression, builder.steps, place)) if results else expression


class _Many(NamedTuple):
    """An integration for many rows.

    Attributes
    ----------
    rows : Rows
        For all rows.
    operands : list of int
        Its operands.
    wanted : list of int
        The numbers of the results that the loop stacks.
    """

    rows: Rows
    operands: list[int]
    wanted: list[int]


def _many(builder: Builder, step: Step, whole: bool) -> _Many | None:
    """Return the integration that a loop does for each trip, or None if it must remain a loop.

    ``whole`` is whether all results are used together.
    """
    loop = loop_of(step)
    steps, numbers = loop.body.steps, {i: k for k, i in enumerate(inputs_of(loop.body))}
    found = [i for i, inside in enumerate(steps) if inside.op == "integrate"]
    others = {inside.op for inside in steps} - {"integrate", "input", "literal", "get"}
    if not loop.parallel or loop.tail is not None or len(found) != 1 or others or loop.trips < LEAST_ROWS:
        return None
    outputs, integration, args = [steps[i] for i in loop.body.outputs], steps[found[0]].attrs[0][1], steps[found[0]].args
    if any(output.op != "get" for output in outputs):
        return None
    wanted = [output.attr("index") for output in outputs]
    moving = {k for k, i in enumerate(args) if numbers.get(i, loop.n_moving) < loop.n_moving}
    if (
        (whole and wanted != [*range(len(steps[found[0]].shape))])
        or not _is_explicit(integration)
        or moving & {SETTINGS, METHOD}
    ):
        return None
    lanes = in_lanes(integration.body, integration.n_states, [k + 1 - OPERANDS for k in moving if k >= OPERANDS])
    if lanes is None:
        return None
    operands = [builder.add(steps[i]) if steps[i].op == "literal" else step.args[numbers[i]] for i in args]
    needed = {START, *range(OPERANDS, OPERANDS + integration.n_states)}
    for k in needed - moving:
        operands[k] = builder.op("broadcast_to", operands[k], shape=(loop.trips, *builder.steps[operands[k]].shape))
    return _Many(Rows(integration, lanes, loop.trips, tuple(sorted(moving | needed))), operands, wanted)


def _is_explicit(integration: Integration) -> bool:
    """Return whether an integration takes explicit steps, at least at first, and returns no events and steps."""
    plain = integration.events is None and not integration.detection.recorded
    return plain and not METHODS[integration.method][0].implicit


def _in_parts(builder: Builder, many: _Many) -> tuple[int, list[int]]:
    """Add the integration, as a parallel loop over parts of the rows if there are enough. Return it and its results."""
    n, moving, shapes = many.rows.rows, many.rows.moving, builder.shapes(many.operands)
    size = min(MOST_ROWS, max(2 * layout.LANES, -(-n // LANES)))
    if size >= n:
        made = builder.add(_part(many, many.operands, shapes, n))
        return made, [builder.op("get", made, index=k) for k in range(len(many.rows.results(shapes)))]
    order = [*moving, *(k for k in range(len(shapes)) if k not in moving)]
    bodies = [_body(many, shapes, order, count) for count in (size, n % size) if count]
    loop = Loop(bodies[0], n // size, 0, len(moving), parallel=True, tail=bodies[1] if len(bodies) > 1 else None)
    made = builder.add(loop_step(tuple(many.operands[k] for k in order), loop))
    whole = many.rows.results(shapes)
    return made, [builder.op("reshape", builder.op("get", made, index=k), shape=shape) for k, shape in enumerate(whole)]


def _body(many: _Many, shapes: Sequence[Shape], order: Sequence[int], count: int) -> Expression:
    """Return the integration of some rows as the body of a loop, whose inputs are the operands in another order."""
    own = [(count, *shape[1:]) if k in many.rows.moving else shape for k, shape in enumerate(shapes)]
    builder = Builder([input_step(number, own[k]) for number, k in enumerate(order)])
    made = builder.add(_part(many, [order.index(k) for k in range(len(own))], own, count))
    outputs = tuple(builder.op("get", made, index=k) for k in range(len(many.rows.results(shapes))))
    return Expression(tuple(builder.steps), (("value", outputs),))


def _part(many: _Many, args: Sequence[int], shapes: Sequence[Shape], count: int) -> Step:
    """Return the integration of some rows."""
    rows = many.rows._replace(rows=count)
    return Step("integrate_rows", tuple(args), (("rows", rows),), rows.results(shapes))


def in_lanes(body: Expression, n_states: int, moving: Sequence[int]) -> Expression | None:
    """Return the body for all lanes, which are a new last axis, or None if it has steps for which this is not possible.

    The lanes differ in the time, the states, and the inputs with the numbers ``moving``.
    """
    builder, place, has = Builder([]), list[int](), list[bool]()
    differ = {*range(1 + n_states), *moving}
    for step in body.steps:
        here = any(has[j] for j in step.args)
        if step.op == "input" and step.attr("leaf") in differ:
            here = True
            made = builder.add(input_step(step.attr("leaf"), (*step.shape, layout.LANES)))
        elif not here:
            made = builder.add(step.at(place))
        elif (found := _with_lanes(builder, step, [place[j] for j in step.args], [has[j] for j in step.args])) is not None:
            made = found
        else:
            return None
        place.append(made)
        has.append(here)
    outputs = tuple(place[i] if has[i] else _repeated(builder, place[i]) for i in body.outputs)
    return Expression(tuple(builder.steps), ((body.entries[0][0], outputs),))


def _with_lanes(builder: Builder, step: Step, args: Sequence[int], has: Sequence[bool]) -> int | None:
    """Add a step for all lanes, or return None if it is not elementwise, a view, a sum or a product."""
    row, attrs, lanes = OPS.get(step.op), dict(step.attrs), layout.LANES
    if step.op == "matmul":
        return _product(builder, step, args, has)
    if row is None or (row.value is None and step.op not in (*_VIEWS, "sum")) or (step.op == "gather" and has[1]):
        return None
    if row.value is not None and step.op not in _VIEWS:
        return builder.op(step.op, *(i if lane else _beside(builder, i) for i, lane in zip(args, has, strict=True)), **attrs)
    if step.op == "transpose":
        attrs["axes"] = (*attrs["axes"], len(attrs["axes"]))
    if step.op in ("slice", "pad"):
        attrs |= {"starts": (*attrs["starts"], 0), "steps": (*attrs["steps"], 1)}
    if "shape" in attrs:
        attrs["shape"] = (*attrs["shape"], lanes)
    if step.op == "concatenate":
        args = [i if lane else _repeated(builder, i) for i, lane in zip(args, has, strict=True)]
    return builder.op(step.op, *args, **attrs)


def _product(builder: Builder, step: Step, args: Sequence[int], has: Sequence[bool]) -> int | None:
    """Add a product of matrices: as one product with a matrix that all lanes share, or as a sum of products if it is small."""
    (left, right), result = args, (*step.shape, layout.LANES)
    shapes = [builder.steps[i].shape for i in args]
    if not has[0] and len(shapes[0]) == 2:
        before = len(shapes[1]) - 3  # axes of the right operand before those of its matrices
        first = builder.op("transpose", right, axes=(before, *range(before), before + 1, before + 2)) if before else right
        flat = builder.op("reshape", first, shape=(shapes[0][1], math.prod(shapes[1]) // shapes[0][1]))
        made = builder.op("reshape", builder.op("matmul", left, flat), shape=(result[-3], *result[:-3], *result[-2:]))
        return builder.op("transpose", made, axes=(*range(1, before + 1), 0, before + 1, before + 2)) if before else made
    if not has[1] and len(shapes[1]) == 2:
        other = _product(builder, _turned(step), [_transposed(builder, right, 0), _transposed(builder, left, 1)], (False, True))
        return None if other is None else _transposed(builder, other, 1)
    a, b = (shape[: len(shape) - lane] for shape, lane in zip(shapes, has, strict=True))
    if step.size * a[-1] > MOST_PRODUCTS:
        return None
    lanes = [(layout.LANES,) if lane else (1,) for lane in has]
    rows = builder.op("reshape", left, shape=(*a, 1, *lanes[0]))
    columns = builder.op("reshape", right, shape=(*b[:-2], 1, *b[-2:], *lanes[1]))
    return builder.op("sum", builder.op("multiply", rows, columns), axes=(len(step.shape) - 1,))


def _turned(step: Step) -> Step:
    """Return a product with the shape of its transpose."""
    return step._replace(shape=(*step.shape[:-2], step.shape[-1], step.shape[-2]))


def _transposed(builder: Builder, i: int, after: int) -> int:
    """Exchange the two axes that ``after`` others follow."""
    order = list(range(len(builder.steps[i].shape)))
    n = len(order) - after
    order[n - 2 : n] = n - 1, n - 2
    return builder.op("transpose", i, axes=tuple(order))


def _beside(builder: Builder, i: int) -> int:
    """Return a value that all lanes share in a shape that broadcasts along them."""
    shape = builder.steps[i].shape
    return builder.op("reshape", i, shape=(*shape, 1)) if shape else i


def _repeated(builder: Builder, i: int) -> int:
    """Return a value that all lanes share, once for each lane."""
    return builder.op("broadcast_to", _beside(builder, i), shape=(*builder.steps[i].shape, layout.LANES))
