"""Loops as steps: what does not fit together, and what passes make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ProgramError
from jitgrad.program.assembler import row
from jitgrad.program.branches import Branches, While, branching_step
from jitgrad.program.context import Context
from jitgrad.program.expression import Expression, Step, Update, input_step, literal_step
from jitgrad.program.loop import Loop, loop_of, loop_step
from jitgrad.program.loop_extents import check_jumps, ranges_of
from jitgrad.program.lowering import lower
from jitgrad.program.passes.cse import cse, dce
from jitgrad.program.profile import profile
from jitgrad.program.program import Program
from jitgrad.program.verify import verify
from jitgrad.vm.instructions import JUMPS

FLOAT64 = np.dtype(np.float64)


def body(*outputs: int) -> Expression:
    """Of a carry h, a slice x and a constant c, all numbers: h·c + x, its square, and twice the slice."""
    steps = (
        *(input_step(number, ()) for number in range(3)),
        Step("multiply", (0, 2), (), ()),
        Step("add", (3, 1), (), ()),
        Step("square", (4,), (), ()),
        literal_step(2.0),
        Step("multiply", (6, 1), (), ()),
    )
    return Expression(steps, (("value", outputs),))


def looped(*loops: Loop, gets: tuple[tuple[int, int], ...]) -> Expression:
    """Loops of the same operands, and some of their results: pairs of a loop and a number."""
    steps = [input_step(0, ()), input_step(1, (4,)), input_step(2, ())]
    steps += [loop_step((0, 1, 2), loop) for loop in loops]
    for loop, index in gets:
        steps.append(Step("get", (3 + loop,), (("index", index),), loops[loop].results[index]))
    outputs = tuple(range(3 + len(loops), len(steps)))
    return Expression(tuple(steps), (("value", outputs),))


def run(expression: Expression) -> list[np.ndarray]:
    context = Context(lower(expression, FLOAT64))
    context.load([0.5, np.array([1.0, 2.0, 3.0, 4.0]), 0.25])
    context.run()
    first = [out.copy() for out in context.outputs]
    context.run()  # its body is again what it was
    for out, before in zip(context.outputs, first, strict=True):
        np.testing.assert_array_equal(out, before)
    return first


def expected(reverse: bool = False) -> tuple[float, list[float], list[float]]:
    h, states, doubled = 0.5, [], []
    for x in (4.0, 3.0, 2.0, 1.0) if reverse else (1.0, 2.0, 3.0, 4.0):
        h = h * 0.25 + x
        states.append(h * h)
        doubled.append(2 * x)
    return h, *((states[::-1], doubled[::-1]) if reverse else (states, doubled))


@pytest.mark.parametrize("reverse", [False, True])
def test_carries_slices_constants_and_stacks(reverse: bool) -> None:
    loop = Loop(body(4, 5, 7), 4, 1, 1, reverse)
    for found, right in zip(run(looped(loop, gets=((0, 0), (0, 1), (0, 2)))), expected(reverse), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-15)


def test_loops_that_differ_in_what_they_stack_are_one() -> None:
    loops = Loop(body(4), 4, 1, 1), Loop(body(4, 5), 4, 1, 1), Loop(body(4, 0, 7), 4, 1, 1)
    expression = looped(*loops, gets=((0, 0), (1, 1), (2, 1), (2, 2)))
    once = cse(expression)
    verify(once)
    assert sum(step.op == "loop" for step in once.steps) == 1
    h, states, doubled = expected()
    found = run(expression)
    np.testing.assert_allclose(found[0], h, rtol=1e-15)
    np.testing.assert_allclose(found[1], states, rtol=1e-15)
    np.testing.assert_allclose(found[2], [0.5, *np.sqrt(states[:-1])], rtol=1e-15)
    np.testing.assert_allclose(found[3], doubled, rtol=1e-15)


@pytest.mark.parametrize(
    ("gets", "outputs", "carries", "operands"),
    [((2,), ["multiply"], 0, 1), ((0,), ["add"], 1, 3), ((1,), ["add", "square"], 1, 3), ((0, 2), ["add", "multiply"], 1, 3)],
)
def test_unused_parts_of_a_loop_are_removed(gets: tuple[int, ...], outputs: list[str], carries: int, operands: int) -> None:
    """A loop stacks the square of its carry, and twice the slice, which does not need the carry."""
    expression = looped(Loop(body(4, 5, 7), 4, 1, 1), gets=tuple((0, index) for index in gets))
    trimmed = dce(expression)
    verify(trimmed)
    ((step, loop),) = [(step, loop_of(step)) for step in trimmed.steps if step.op == "loop"]
    assert [loop.body.steps[i].op for i in loop.body.outputs] == outputs
    assert (loop.n_carries, len(step.args)) == (carries, operands)
    found = run(trimmed)
    for index, value in zip(gets, found, strict=True):
        np.testing.assert_allclose(value, expected()[index], rtol=1e-15)


def test_unused_parts_of_branches_are_removed() -> None:
    """A while whose second carry nothing reads, and a cond with two results of which one is used."""
    inputs = tuple(input_step(number, ()) for number in range(3))
    test = Expression((*inputs, Step("less", (2, 0), (), ())), (("value", (3,)),))
    trip = Expression((*inputs, Step("multiply", (0, 2), (), ()), Step("add", (0, 1), (), ())), (("value", (3, 4)),))
    for op, region, args in (("while", While(test, trip, 2), (0, 1, 2)), ("cond", Branches(trip, trip), (0, 0, 1, 2))):
        steps = (*inputs, branching_step(op, args, region), Step("get", (3,), (("index", 0),), ()))
        trimmed = dce(Expression(steps, (("value", (4,)),)))
        verify(trimmed)
        (step,) = [step for step in trimmed.steps if step.op == op]
        assert len(step.args) == len(args) - 1
        assert len(step.shape) == 1


def test_a_body_may_update_state() -> None:
    """A counter that each trip adds a slice to, and what it was before."""
    steps = (input_step(0, ()), input_step(1, ()), Step("add", (0, 1), (), ()), Step("square", (0,), (), ()))
    inner = Expression(steps, (("value", (3,)),), (Update("assign", (0,), (2,)),))
    loop = Loop(inner._replace(steps=(input_step(1, ()), input_step(0, ()), *steps[2:])), 4, 0, 1)
    outer = (input_step(0, ()), input_step(1, (4,)), loop_step((1, 0), loop), Step("get", (2,), (("index", 0),), (4,)))
    program = lower(Expression(outer, (("steps", (3,)),)), FLOAT64)
    assert program.state == (0,)
    context = Context(program)
    context.load([10.0, np.array([1.0, 2.0, 3.0, 4.0])])
    context.run()
    np.testing.assert_array_equal(context.outputs[0], np.square([10.0, 11.0, 13.0, 16.0]))
    assert context.inputs[0] == 20.0


@pytest.mark.parametrize(
    ("loop", "shapes", "message"),
    [
        (Loop(body(4), 4, 1, 1), ((), (4,)), "2 operands and its body 3"),
        (Loop(body(4), 4, 1, 1), ((3,), (4,), ()), "Operand 0 of a loop has shape"),
        (Loop(body(4), 5, 1, 1), ((), (4,), ()), "does not have one slice per trip"),
        (Loop(body(4), 4, 1, 1, parallel=True), ((), (4,), ()), "depend on one another"),
        (Loop(body(4), 3, 1, 1, tail=body(4)), ((), (4,), ()), "does not continue"),
        (Loop(body(5, 7), 3, 0, 1, tail=body(5)), ((3,), (), ()), "Operand 0|does not continue"),
    ],
)
def test_what_does_not_fit_is_refused(loop: Loop, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        loop.check(shapes)


def conditional(op: str) -> Expression:
    """A step ``while`` or ``cond`` of a number and a constant: h·c while h > c, and h·c or h + c."""
    inputs = input_step(0, ()), input_step(1, ())
    product = Expression((*inputs, Step("multiply", (0, 1), (), ())), (("value", (2,)),))
    other = Expression((*inputs, Step("less" if op == "while" else "add", (1, 0), (), ())), (("value", (2,)),))
    region: Any = While(other, product, 1) if op == "while" else Branches(product, other)
    args = (0, 1) if op == "while" else (0, 0, 1)
    steps = (*inputs, branching_step(op, args, region), Step("get", (2,), (("index", 0),), ()))
    return Expression(steps, (("value", (3,)),))


@pytest.mark.parametrize(
    ("op", "inputs", "expected"),
    [
        ("while", (8.0, 0.5), 0.5),
        ("while", (0.25, 0.5), 0.25),
        ("while", (np.nan, 0.5), np.nan),
        ("cond", (3.0, 0.5), 1.5),
        ("cond", (0.0, 0.5), 0.5),
        ("cond", (-0.0, 0.5), 0.5),
        ("cond", (np.nan, 0.5), np.nan),
    ],
)
def test_jumps(op: str, inputs: tuple[float, float], expected: float) -> None:
    expression = conditional(op)
    verify(expression)
    program = lower(expression, FLOAT64)
    context = Context(Program.parse(program.dump()))
    context.load(inputs)
    context.run()
    np.testing.assert_equal(context.outputs[0][()], expected)
    assert profile(context)


@pytest.mark.parametrize("op", ["while", "cond"])
def test_jumps_stay_within_their_entry(op: str) -> None:
    program = lower(conditional(op), FLOAT64)
    for i in range(program.stop):
        kind, fields = program.instruction(i)
        if kind.name in JUMPS:
            for length in (fields["length"] + 100, 2**63):
                code = program.code.copy()
                code[i, 1 + kind.fields.index("length")] = length
                with pytest.raises(ProgramError, match="beyond its loop"):
                    replace(program, code=code).validate()


@pytest.mark.parametrize(
    ("name", "at", "length", "message"),
    [
        ("jump", 3, 0, None),
        ("jump", 3, 3, "beyond its loop"),
        ("back", 3, 3, "beyond its loop"),
        ("jump", 0, 2, "beyond its loop"),
    ],
)
def test_jumps_stay_within_their_loop(name: str, at: int, length: int, message: str | None) -> None:
    """A jump instead of an instruction of a program: copy, loop, its instructions, next."""
    program = lower(looped(Loop(body(5), 4, 1, 1), gets=((0, 0),)), FLOAT64)
    code = program.code.copy()
    names = [program.instruction(i)[0].name for i in range(program.stop)]
    assert names[1] == "loop" and names[-1] == "next", names
    code[at] = row(name, {"length": length, "p": 0})
    changed = replace(program, code=code)
    if message is None:
        check_jumps(changed, ranges_of(changed))
    else:
        with pytest.raises(ProgramError, match=message):
            check_jumps(changed, ranges_of(changed))


@pytest.mark.parametrize(
    ("region", "shapes", "message"),
    [
        (While(body(4), body(4), 1), ((), ()), "does not take"),
        (While(body(4, 5), body(4), 1), ((), (), ()), "single number"),
        (While(body(4), body(4), 2), ((), (), ()), "Keep their shapes"),
        (Branches(body(4), body(4)), ((2,), (), (), ()), "predicate"),
        (Branches(body(4), body(4, 5)), ((), (), (), ()), "Make them agree"),
        (Branches(body(4), body(4)), ((), (), ()), "does not take"),
    ],
)
def test_branches_that_do_not_fit_are_refused(
    region: While | Branches, shapes: tuple[tuple[int, ...], ...], message: str
) -> None:
    with pytest.raises(ProgramError, match=message):
        region.check(shapes)


@pytest.mark.parametrize(
    ("f", "init", "copies"),
    [
        (lambda h: jg.tanh(h), 0.5, 0),
        (lambda h: jg.exp(-h) * h, 0.5, 0),
        (lambda h: jg.matmul(np.eye(2), jg.tanh(h)), np.array([0.5, 1.0]), 0),
        (lambda h: jg.tanh(h), np.array([0.5, 1.0]), 1),
    ],
    ids=["one_step", "two_steps", "an_array_that_the_last_step_does_not_read", "an_array_that_it_reads"],
)
def test_carries_are_computed_in_place(f: Any, init: Any, copies: int) -> None:
    def repeated(h: Any) -> Any:
        return jg.fori_loop(0, 3, lambda i, h: f(h), h)

    program = jg.lower(repeated, init)
    kinds = [program.instruction(i)[0].name for i in range(program.stop)]
    body = kinds[kinds.index("loop") : kinds.index("next")]
    assert body.count("copy") == copies
    np.testing.assert_allclose(repeated(init).numpy(), f(f(f(init))).numpy(), rtol=1e-14)


def test_an_instruction_may_replace_only_a_single_number() -> None:
    """A program whose results are where the operands are is refused if they are arrays."""
    for shape, valid in (((), True), ((4,), False)):
        step = Step("tanh", (0,), (), shape)
        program = lower(Expression((input_step(0, shape), step, step._replace(args=(1,))), (("value", (2,)),)), FLOAT64)
        code = program.code.copy()
        kind, fields = program.instruction(1)
        code[1, 1 + kind.fields.index("d")] = fields["x"]
        changed = replace(program, code=code, outputs=(program.outputs[0]._replace(offset=fields["x"]),))
        if valid:
            changed.validate()
        else:
            with pytest.raises(ProgramError, match="overwrites its own operand"):
                changed.validate()
