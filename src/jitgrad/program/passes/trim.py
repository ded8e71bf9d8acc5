"""Remove the parts of region ops that nothing uses: stacks, carries, results of branches, and operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jitgrad.program.branches import REGIONS, Branches, While
from jitgrad.program.expression import Expression, Step, input_step, needed_by
from jitgrad.program.loop import Loop, inputs_of


class _Part(NamedTuple):
    """What remains of a region op: the region, and the numbers of its operands and of its results."""

    region: Any
    operands: list[int]
    results: list[int]


def trim(expression: Expression) -> Expression:
    """Return the expression without unused parts of its loops and branches. Loops with updates or a tail are unchanged."""
    regions = [i for i, step in enumerate(expression.steps) if step.op in REGIONS]
    if not regions:
        return expression
    used = _used_results(expression, regions)
    parts = {i: part for i in regions if i in used and (part := _part(expression.steps[i], used[i])) is not None}
    if not parts:
        return expression
    steps = list(expression.steps)
    for i, part in parts.items():
        step = steps[i]
        args = tuple([step.args[k] for k in part.operands])
        steps[i] = Step(step.op, args, ((step.attrs[0][0], part.region),), part.region.results)
    for i, step in enumerate(steps):
        if step.op == "get" and step.args[0] in parts:
            index = parts[step.args[0]].results.index(step.attr("index"))
            steps[i] = step._replace(attrs=(("index", index),))
    return expression._replace(steps=tuple(steps))


def _used_results(expression: Expression, regions: Sequence[int]) -> dict[int, set[int]]:
    """Return the results of region ops that are used, by position, for those ops that are only used by ``get``."""
    used: dict[int, set[int]] = {i: set() for i in regions}
    whole = {*expression.outputs, *(i for update in expression.updates for i in update.args)}
    for step in expression.steps:
        if step.op != "get":
            whole.update(step.args)
        elif step.args[0] in used:
            used[step.args[0]].add(step.attr("index"))
    return {i: found for i, found in used.items() if i not in whole}


def _part(step: Step, used: set[int]) -> _Part | None:
    """Return the part of a region op that these results need, or None if all of it is needed."""
    region = step.attrs[0][1]
    if isinstance(region, Loop):
        if region.tail is not None or region.changes:
            return None
        part = _part_of_loop(region, used)
    elif isinstance(region, While):
        part = _part_of_while(region, used)
    elif isinstance(region, Branches):
        part = _part_of_branches(region, used)
    else:
        return None
    everything = len(part.operands) == len(step.args) and len(part.results) == len(region.results)
    return None if everything else part


def _part_of_loop(loop: Loop, used: set[int]) -> _Part:
    n, outputs = loop.n_carries, loop.body.outputs
    stacks = [k for k in range(n, len(outputs)) if k in used]
    carries = _carries(n, used, loop.body, [outputs[k] for k in stacks], ())
    results = [*carries, *stacks]
    wanted = [outputs[k] for k in results]
    operands = [*carries, *(k for k in _inputs_read(loop.body, wanted) if k >= n)]
    moving = sum(n <= k < n + loop.n_moving for k in operands)
    body = _with_only(loop.body, wanted, operands)
    return _Part(loop._replace(body=body, n_carries=len(carries), n_moving=moving), operands, results)


def _part_of_while(region: While, used: set[int]) -> _Part:
    n, tested = region.n_carries, _inputs_read(region.test, region.test.outputs)
    carries = _carries(n, used, region.body, (), tested)
    wanted = [region.body.outputs[k] for k in carries]
    read = {*tested, *_inputs_read(region.body, wanted)}
    operands = [*carries, *sorted(k for k in read if k >= n)]
    test = _with_only(region.test, region.test.outputs, operands)
    return _Part(While(test, _with_only(region.body, wanted, operands), len(carries)), operands, carries)


def _part_of_branches(region: Branches, used: set[int]) -> _Part:
    results = sorted(used)
    wanted = [[body.outputs[k] for k in results] for body in region.bodies]
    read = {k for body, outputs in zip(region.bodies, wanted, strict=True) for k in _inputs_read(body, outputs)}
    operands = sorted(read)
    bodies = [_with_only(body, outputs, operands) for body, outputs in zip(region.bodies, wanted, strict=True)]
    return _Part(region.with_bodies(bodies), [0, *(1 + k for k in operands)], results)


def _carries(n: int, used: set[int], body: Expression, also: Sequence[int], read: Sequence[int]) -> list[int]:
    """Return the carries that are used, read elsewhere, or needed by other outputs or by a carry that is needed."""
    needed = {k for k in range(n) if k in used or k in read}
    while True:
        found = needed | {k for k in _inputs_read(body, [*(body.outputs[k] for k in sorted(needed)), *also]) if k < n}
        if found == needed:
            return sorted(needed)
        needed = found


def _inputs_read(body: Expression, outputs: Sequence[int]) -> list[int]:
    """Return the numbers of the inputs that some outputs depend on."""
    needed = needed_by(body, outputs)
    return [number for number, i in enumerate(inputs_of(body)) if needed[i]]


def _with_only(body: Expression, outputs: Sequence[int], operands: Sequence[int]) -> Expression:
    """Return a body with only these outputs and inputs, and the steps that they need."""
    needed, number = needed_by(body, outputs), {k: number for number, k in enumerate(operands)}
    place = [-1] * len(body.steps)
    steps: list[Step] = []
    for i, step in enumerate(body.steps):
        if step.op == "input" and step.attr("leaf") in number:
            step = input_step(number[step.attr("leaf")], step.shape)
        elif step.op == "input" or not needed[i]:
            continue
        place[i] = len(steps)
        steps.append(step.at(place))
    return Expression(tuple(steps), ((body.entries[0][0], tuple([place[i] for i in outputs])),))
