"""What is no Expression is refused, whatever is wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jitgrad.errors import ProgramError
from jitgrad.program import lowering
from jitgrad.program.expression import Expression, Step, Update, input_step, literal_step
from jitgrad.program.loop import Loop, loop_step
from jitgrad.program.lowering_rules.table import LOWERED, UPDATES
from jitgrad.program.verify import verify


def steps() -> list[Step]:
    """A state of three numbers, a matrix, 2 · exp(matrix) @ matrixᵀ, and its sum along the rows."""
    return [
        input_step(0, (3,)),
        input_step(1, (3, 4)),
        Step("exp", (1,), (), (3, 4)),
        literal_step(2.0),
        Step("multiply", (3, 2), (), (3, 4)),
        Step("matmul_nt", (4, 1), (), (3, 3)),
        Step("sum", (5,), (("axes", (0,)),), (3,)),
        Step("gather", (1, 0), (("axis", 0),), (3, 4)),
    ]


def whole(**parts: Any) -> Expression:
    """A sound expression, some of its parts replaced."""
    return Expression(tuple(steps()), (("value", (6,)),), (Update("assign", (0,), (6,)),))._replace(**parts)


def with_step(i: int, **parts: Any) -> Expression:
    made = steps()
    made[i] = made[i]._replace(**parts)
    return whole(steps=tuple(made))


def with_update(op: str, targets: tuple[int, ...], args: tuple[int, ...], *attrs: tuple[str, Any]) -> Expression:
    return whole(updates=(Update(op, targets, args, attrs),))


def with_loop(args: tuple[int, ...] = (0,), shape: tuple[int, ...] = (4,), trips: int = 3, get: int = 0) -> Expression:
    """A loop that takes the exponential of each row of the matrix."""
    body = Expression((input_step(0, (4,)), Step("exp", args, (), shape)), (("value", (1,)),))
    made = [*steps(), loop_step((1,), Loop(body, trips, n_moving=1)), Step("get", (8,), (("index", get),), (trips, 4))]
    return whole(steps=tuple(made))


BROKEN = {
    "an unknown op": (with_step(2, op="expo"), "The op 'expo' cannot be lowered"),
    "an operand after its use": (with_step(2, args=(4,)), "Step 2 .*precede their use"),
    "an operand that is itself": (with_step(2, args=(2,)), "Step 2 .*precede their use"),
    "a negative operand": (with_step(2, args=(-1,)), "Step 2 .*precede their use"),
    "an operand that is no number": (with_step(2, args=("x",)), "Step 2 .*precede their use"),
    "too many operands": (with_step(2, args=(1, 1)), "Step 2 .*2 operands"),
    "too few operands": (with_step(5, args=(4,)), "Step 5 .*invalid operands or attributes"),
    "a leaf with operands": (with_step(3, args=(0,)), "Step 3 .*leaf"),
    "another shape": (with_step(2, shape=(4, 3)), r"Step 2 .*gives \(3, 4\)"),
    "a literal with axes": (with_step(3, shape=(1,)), "Step 3 .*shape"),
    "operands that do not fit": (with_step(5, args=(4, 0)), "Step 5 .*invalid operands or attributes"),
    "an attribute too few": (with_step(6, attrs=()), "Step 6 .*attributes"),
    "an attribute too many": (with_step(6, attrs=(("axes", (0,)), ("keep", 1))), "Step 6 .*attributes"),
    "an attribute of an op without": (with_step(2, attrs=(("axis", 0),)), "Step 2 .*attributes"),
    "an attribute of a lowered op": (with_step(5, attrs=(("axis", 0),)), "Step 5 .*invalid operands or attributes"),
    "an attribute of another kind": (with_step(7, attrs=(("axis", "first"),)), "Step 7 .*invalid operands or attributes"),
    "an attribute without a hash": (with_step(6, attrs=(("axes", [0]),)), "Step 6 .*invalid operands or attributes"),
    "a literal that is no number": (with_step(3, attrs=(("value", "two"),)), "Step 3 .*invalid operands or attributes"),
    "an input without a number": (with_step(0, attrs=()), "consecutively from 0"),
    "two inputs of one number": (with_step(1, attrs=(("leaf", 0),)), "consecutively from 0"),
    "an input number left out": (with_step(1, attrs=(("leaf", 2),)), "consecutively from 0"),
    "an output that is not there": (whole(entries=(("value", (8,)),)), "'value' refers to steps"),
    "a negative output": (whole(entries=(("value", (6,)), ("jacobian", (-1,)))), "'jacobian' refers to steps"),
    "two entries of one name": (whole(entries=(("value", (6,)), ("value", (5,)))), "unique names"),
    "an entry called update": (whole(entries=(("update", (6,)),)), "unique names"),
    "an entry called gradient": (whole(entries=(("value", (6,)), ("gradient", (5,)))), "unique names"),
    "a result that there is not": (with_loop(get=2), "Step 9 .*invalid operands or attributes"),
    "a result of what has one": (with_step(6, op="get", attrs=(("index", 0),)), "Step 6 .*shape"),
    "a body that is none": (with_loop(args=(1,)), r"Step 8 \(loop\): Step 1 \(exp\) .*precede their use"),
    "a body of another shape": (with_loop(shape=(3,)), "Step 8 .*invalid operands or attributes|Step 8 .*shape"),
    "trips that are too many": (with_loop(trips=4), "Step 8 .*does not have one slice per trip"),
    "an unknown update": (with_update("assume", (0,), (6,)), "Update 0 .*is unknown"),
    "an update of what is no input": (with_update("assign", (6,), (0,)), "Update 0 .*Only inputs"),
    "an update of what is not there": (with_update("assign", (9,), (6,)), "Update 0 .*refers to steps"),
    "an update by what is not there": (with_update("assign", (0,), (-2,)), "Update 0 .*refers to steps"),
    "an update by too much": (with_update("assign", (0,), (6, 6)), "Update 0 .*2 arguments"),
    "an update of too much": (with_update("assign", (0, 1), (6,)), "Update 0 .*2 targets"),
    "an update of another shape": (with_update("assign", (0,), (5,)), "Update 0 .*shapes do not match"),
    "an update by too few hyperparameters": (with_update("bound_norms", (0,), (6,)), "Update 0 .*shapes do not match"),
    "a product that does not fit": (with_update("add_product", (1,), (1, 1)), "Update 0 .*shapes do not match"),
}


def test_a_sound_expression_is_none_of_them() -> None:
    verify(whole())
    verify(whole(entries=(("value", (6,)), ("jacobian", (5, 5)))))
    verify(with_loop())
    verify(Expression((), ()))


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_expression(name: str) -> None:
    expression, message = BROKEN[name]
    with pytest.raises(ProgramError, match=message):
        verify(expression)


def test_what_lowering_is_given_and_makes_is_verified_in_all_tests() -> None:
    with pytest.raises(ProgramError, match="precede their use"):
        lowering.lower(with_step(2, args=(4,)), np.dtype(float))
    names = [apply.__name__ for apply in lowering.RECIPE]
    assert names[0] == "checked" and names[1:3] == ["canonicalise", "cse"]
    with pytest.raises(ProgramError, match="Step 2"):
        lowering.RECIPE[2](with_step(2, shape=(9,)))


def test_every_row_says_how_it_is_lowered() -> None:
    """By instructions, as a view, or by a pass that replaces it."""
    replaced = {"with_gradient", "matmul"}
    for row in LOWERED.values():
        assert row.leaf or row.view is not None or row.emit is not None or row.name in replaced, row.name
    assert {"sgd", "momentum", "nesterov", "adam", "assign", "add_product", "advance"} <= UPDATES.keys()
