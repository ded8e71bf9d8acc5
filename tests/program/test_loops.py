"""Loops as steps: what does not fit together, and what passes make of them."""

from __future__ import annotations

import numpy as np
import pytest

from jitgrad.errors import ProgramError
from jitgrad.program.context import Context
from jitgrad.program.expression import Expression, Step, Update, input_step, literal_step
from jitgrad.program.loop import Loop, loop_of, loop_step
from jitgrad.program.lowering import lower, optimise
from jitgrad.program.passes.cse import cse, dce
from jitgrad.program.verify import verify

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


def test_nothing_is_stacked_that_nobody_asks_for() -> None:
    trimmed = dce(looped(Loop(body(4, 5, 7), 4, 1, 1), gets=((0, 2),)))
    verify(trimmed)
    (loop,) = [loop_of(step) for step in trimmed.steps if step.op == "loop"]
    assert loop.body.outputs == (4, 7)
    assert len(optimise(trimmed).steps) < len(optimise(looped(Loop(body(4, 5, 7), 4, 1, 1), gets=((0, 1), (0, 2)))).steps) + 1


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
