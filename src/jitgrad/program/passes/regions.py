"""Passes on region ops: lower their bodies, and write the outputs of bodies in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jitgrad.program.adjoint import Adjoint
from jitgrad.program.branches import REGIONS, While, bodies_of, branches_of, branching_step, with_bodies
from jitgrad.program.expression import Builder, Expression, Step, input_step, rewrite
from jitgrad.program.integrate import OPERANDS, Integration
from jitgrad.program.loop import inputs_of, loop_of, loop_step
from jitgrad.program.lowering_rules.table import lowered
from jitgrad.program.memory import owners
from jitgrad.program.passes.cse import dce, in_order
from jitgrad.program.rows import Rows


def lower_bodies(lower: Callable[[Expression], Expression]) -> Callable[[Expression], Expression]:
    """Return the pass that lowers the bodies of each region op with ``lower``."""

    def lowered(builder: Builder, step: Step) -> int | None:
        return builder.add(with_bodies(step, [lower(body) for body in bodies_of(step)]))

    return lambda expression: rewrite(expression, lambda op: lowered if op in REGIONS else None)


def legalise_regions(expression: Expression) -> Expression:
    """Convert region ops to the form that native code runs.

    Literals of a body become constants of the step, because they are stored in memory. Each stacked value of a loop, and each
    output of a branch or a right-hand side, becomes a separate step, which can write to its place.
    """
    return rewrite(expression, _LEGAL.get)


def _legal_loop(builder: Builder, step: Step) -> int:
    loop = loop_of(step)
    literals: dict[Step, int] = {}
    bodies = [_lifted(_with_copies(body), literals, len(step.args)) for body in loop.bodies]
    bodies = [_carries_last(_own_outputs(body, loop.n_carries), loop.n_carries) for body in bodies]
    loop = loop.with_bodies(bodies)._replace(parallel=loop.parallel and not _calls(loop.body))
    return builder.add(loop_step((*step.args, *(builder.add(literal) for literal in literals)), loop))


def _legal_branches(builder: Builder, step: Step) -> int:
    """Convert a ``while``, whose body has carries, or a ``cond``. Each body has all lifted literals as inputs."""
    literals: dict[Step, int] = {}
    region, first = branches_of(step), len(step.args) - (step.op == "cond")
    bodies = [_lifted(_with_copies(body), literals, first) for body in region.bodies]
    if isinstance(region, While):
        bodies = [bodies[0], _carries_last(_own_outputs(bodies[1], region.n_carries), region.n_carries)]
    else:
        bodies = [_own_outputs(body, 0) for body in bodies]
    bodies = [_with_inputs(body, first, literals) for body in bodies]
    args = (*step.args, *(builder.add(literal) for literal in literals))
    return builder.add(branching_step(step.op, args, region.with_bodies(bodies)))


def _legal_integration(builder: Builder, step: Step) -> int:
    """Convert an ``integrate``, an ``integrate_rows`` or an ``adjoint``. The parts of joined outputs are computed in place."""
    literals: dict[Step, int] = {}
    integration: Integration | Rows | Adjoint = step.attrs[0][1]
    first = 1 + len(step.args) - OPERANDS
    bodies = [dce(_own_outputs(_apart(_lifted(_with_copies(body), literals, first)), 0)) for body in integration.bodies]
    bodies = [_with_inputs(body, first, literals) for body in bodies]
    args = (*step.args, *(builder.add(literal) for literal in literals))
    return builder.add(with_bodies(step._replace(args=args), bodies))


_LEGAL = {
    "loop": _legal_loop,
    "while": _legal_branches,
    "cond": _legal_branches,
    "integrate": _legal_integration,
    "integrate_rows": _legal_integration,
    "adjoint": _legal_integration,
}


def _apart(body: Expression) -> Expression:
    """Return a body with the parts of its joined outputs as outputs."""
    outputs = tuple(part for output in body.outputs for part in _parts(body, output))
    return body._replace(entries=((body.entries[0][0], outputs),))


def _parts(body: Expression, i: int) -> Iterator[int]:
    """Yield the steps whose values are joined to the value of a step."""
    step = body.steps[i]
    if step.op == "reshape":
        yield from _parts(body, step.args[0])
    elif step.op == "concatenate" and all(n == 1 for n in step.shape[: step.attr("axis")]):
        for j in step.args:
            yield from _parts(body, j)
    else:
        yield i


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


def _carries_last(body: Expression, n: int) -> Expression:
    """Move the steps of the next carries that no other step uses to the end, where they can replace the current carries."""
    used = {j for step in body.steps for j in step.args}
    moved = [i for i in dict.fromkeys(body.outputs[:n]) if i not in used and not lowered(body.steps[i].op).leaf]
    return in_order(body, [*(i for i in range(len(body.steps)) if i not in moved), *moved])
