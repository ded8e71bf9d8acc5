"""Passes on region ops: merge equal loops, drop unused stacks, lower bodies, and write the outputs of bodies in place."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from jitgrad.program.branches import REGIONS, While, bodies_of, branches_of, branching_step, with_bodies
from jitgrad.program.expression import Builder, Expression, Step, input_step, rewrite
from jitgrad.program.loop import inputs_of, loop_of, loop_step
from jitgrad.program.lowering_rules.table import lowered
from jitgrad.program.memory import owners


def unite_stacks(expression: Expression) -> Expression:
    """Give loops that differ only in their stacks the same stacks, which makes them common subexpressions."""
    wanted: dict[Any, dict[int, None]] = defaultdict(dict)
    loops = _loops_of(expression)
    for step in loops.values():
        wanted[_but_for_stacks(step)] |= dict.fromkeys(loop_of(step).stacked)
    return _with_stacks(expression, {i: tuple(wanted[_but_for_stacks(step)]) for i, step in loops.items()})


def trim_stacks(expression: Expression) -> Expression:
    """Drop stacks that no step uses."""
    wanted: dict[int, dict[int, None]] = {i: {} for i in _loops_of(expression)}
    if not wanted:
        return expression
    whole = {*expression.outputs, *(i for update in expression.updates for i in update.args)}
    for step in expression.steps:
        if step.op != "get":
            whole.update(step.args)
        elif step.args[0] in wanted:
            loop, index = loop_of(expression.steps[step.args[0]]), step.attr("index")
            if index >= loop.n_carries:
                wanted[step.args[0]][loop.body.outputs[index]] = None
    return _with_stacks(expression, {i: tuple(asked) for i, asked in wanted.items() if i not in whole})


def _but_for_stacks(step: Step) -> Any:
    loop = loop_of(step)
    return step.args, loop.stacking(())


def _with_stacks(expression: Expression, stacks: Mapping[int, tuple[int, ...]]) -> Expression:
    """Return the expression with new stacked outputs of loops, by position. A loop with a tail is unchanged."""
    before, steps = expression.steps, list(expression.steps)
    for i, outputs in stacks.items():
        loop = loop_of(before[i])
        if loop.tail is None and outputs != loop.stacked:
            steps[i] = loop_step(before[i].args, loop.stacking(outputs))
    if all(new is old for new, old in zip(steps, before, strict=True)):
        return expression
    for i, step in enumerate(before):
        if step.op == "get" and steps[step.args[0]] is not before[step.args[0]]:
            old, new, index = loop_of(before[step.args[0]]), loop_of(steps[step.args[0]]), step.attr("index")
            if index >= old.n_carries:
                index = new.n_carries + new.stacked.index(old.body.outputs[index])
                steps[i] = step._replace(attrs=(("index", index),))
    return expression._replace(steps=tuple(steps))


def lower_bodies(lower: Callable[[Expression], Expression]) -> Callable[[Expression], Expression]:
    """Return the pass that lowers the bodies of each region op with ``lower``."""

    def lowered(builder: Builder, step: Step) -> int | None:
        return builder.add(with_bodies(step, [lower(body) for body in bodies_of(step)]))

    return lambda expression: rewrite(expression, lambda op: lowered if op in REGIONS else None)


def legalise_regions(expression: Expression) -> Expression:
    """Convert region ops to the form that native code runs.

    Literals of a body become constants of the step, because they are stored in memory. Each stacked value of a loop, and each
    output of a branch, becomes a separate step, which can write to its place.
    """
    return rewrite(expression, {"loop": _legal_loop, "while": _legal_branches, "cond": _legal_branches}.get)


def _loops_of(expression: Expression) -> dict[int, Step]:
    """Return the positions of loops."""
    return {i: step for i, step in enumerate(expression.steps) if step.op == "loop"}


def _legal_loop(builder: Builder, step: Step) -> int:
    loop = loop_of(step)
    literals: dict[Step, int] = {}
    bodies = [_own_outputs(_lifted(_with_copies(body), literals, len(step.args)), loop.n_carries) for body in loop.bodies]
    loop = loop.with_bodies(bodies)._replace(parallel=loop.parallel and not _calls(loop.body))
    return builder.add(loop_step((*step.args, *(builder.add(literal) for literal in literals)), loop))


def _legal_branches(builder: Builder, step: Step) -> int:
    """Convert a ``while``, whose body has carries, or a ``cond``. Each body has all lifted literals as inputs."""
    literals: dict[Step, int] = {}
    region, first = branches_of(step), len(step.args) - (step.op == "cond")
    bodies = [_lifted(_with_copies(body), literals, first) for body in region.bodies]
    if isinstance(region, While):
        bodies = [bodies[0], _own_outputs(bodies[1], region.n_carries)]
    else:
        bodies = [_own_outputs(body, 0) for body in bodies]
    bodies = [_with_inputs(body, first, literals) for body in bodies]
    args = (*step.args, *(builder.add(literal) for literal in literals))
    return builder.add(branching_step(step.op, args, region.with_bodies(bodies)))


def _with_inputs(body: Expression, first: int, literals: Mapping[Step, int]) -> Expression:
    """Return a body with an input for each literal, also for those of another body."""
    present = {body.steps[i].attr("leaf") for i in inputs_of(body)}
    missing = [input_step(number, ()) for number in range(first, first + len(literals)) if number not in present]
    return body._replace(steps=(*body.steps, *missing)) if missing else body


def _calls(body: Expression) -> bool:
    """Return whether a body, including bodies in it, calls a function by address."""
    return any(lowered(step.op).by_address or any(map(_calls, bodies_of(step))) for step in body.steps)


def _lifted(body: Expression, literals: dict[Step, int], first: int) -> Expression:
    """Return a body whose literals are inputs, numbered from ``first`` on."""
    place: dict[Step, int] = {}

    def lifted(builder: Builder, step: Step) -> int | None:
        if step not in place:
            place[step] = builder.add(input_step(literals.setdefault(step, first + len(literals)), ()))
        return place[step]

    return rewrite(body, lambda op: lifted if op == "literal" else None)


def _with_copies(body: Expression) -> Expression:
    return rewrite(body, lambda op: _still if lowered(op).by_address else None)


def _still(builder: Builder, step: Step) -> int:
    """Copy operands of functions called by address. They find operands through the table, whose entries cannot move."""
    args = tuple([builder.add(Step("copy", (i,), (), builder.steps[i].shape)) for i in step.args])
    return builder.add(step._replace(args=args))


def _own_outputs(body: Expression, n: int) -> Expression:
    """Give each output after the first n, the next carries, a separate step, which can move; separate carries that are aliases.

    The next carries are copied to the places of the current carries in sequence, so a next carry that is a current carry is
    saved first.
    """
    owner, inputs = owners(body), inputs_of(body)
    builder, outputs, taken = Builder(list(body.steps)), list(body.outputs), set[int]()
    for number, i in enumerate(body.outputs):
        row = lowered(body.steps[i].op)
        if number < n:
            aside = owner[i] in inputs[:n] and i != inputs[number]
        else:
            aside = owner[i] != i or row.leaf or row.by_address or i in taken
            taken.add(i)
        if aside:
            outputs[number] = builder.add(Step("copy", (i,), (), body.steps[i].shape))
    return body._replace(steps=tuple(builder.steps), entries=((body.entries[0][0], tuple(outputs)),))
