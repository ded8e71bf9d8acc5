"""A Program that is not valid never reaches the interpreter."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import jitgrad
from jitgrad.errors import ProgramError
from jitgrad.program.machine import Machine
from jitgrad.program.program import Program, Slot
from jitgrad.training.step import make_step
from jitgrad.vm.instructions import INSTRUCTIONS

PLACES = ("d", "x", "a", "b", "c", "p", "m", "v", "g", "s", "h")
"""The fields that are places in the arena."""


def program() -> Program:
    return jitgrad.lower(lambda x: jitgrad.sum(jitgrad.exp(x).T[::-1] * 2, axis=0), np.ones((2, 3)))


def edited(good: Program, row: int, column: int, value: int) -> Program:
    code = good.code.copy()
    code[row, column] = value
    return dataclasses.replace(good, code=code)


def test_a_lowered_program_is_valid() -> None:
    program().validate()


@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("value", [10**9, 2**63])
def test_places_outside_the_arena_are_found(row: int, value: int) -> None:
    good = program()
    kind, _ = good.instruction(row)
    for field in [name for name in kind.fields if name in PLACES]:
        with pytest.raises(ProgramError):
            edited(good, row, kind.fields.index(field) + 1, value).validate()


def test_an_operand_before_its_use_is_found() -> None:
    good = program()
    swapped = dataclasses.replace(good, code=good.code[::-1].copy())
    with pytest.raises(ProgramError, match="before it is written"):
        swapped.validate()


def test_other_faults() -> None:
    good = program()
    with pytest.raises(ProgramError, match="unknown opcode"):
        edited(good, 0, 0, len(INSTRUCTIONS)).validate()
    with pytest.raises(ProgramError, match="out of order"):
        dataclasses.replace(good, forward_stop=good.stop + 1).validate()
    with pytest.raises(ProgramError, match="never written"):
        dataclasses.replace(good, size=good.size + 1, outputs=(Slot(good.size, ()),)).validate()
    with pytest.raises(ProgramError, match="arena"):
        dataclasses.replace(good, outputs=(Slot(good.size, (5,)),)).validate()
    kind, _ = good.instruction(0)
    with pytest.raises(ProgramError, match="writes over an input"):
        edited(good, 0, kind.fields.index("d") + 1, good.inputs[0].offset).validate()


def test_the_table_of_views_is_bounded() -> None:
    good = jitgrad.lower(lambda x: x.T + 0.5, np.ones((2, 3)))
    kind, _ = good.instruction(0)
    assert kind.name == "copy_from"
    with pytest.raises(ProgramError, match="past the table"):
        edited(good, 0, kind.fields.index("t") + 1, 100).validate()


def test_updates_write_state_alone() -> None:
    w = jitgrad.Variable(1.0)
    good = make_step(lambda: w**2, [], jitgrad.optimizers.SGD(0.1), [w]).program
    kind, _ = good.instruction(good.stop - 1)
    assert kind.name == "sgd"
    for wrong in (good.literals[0][0], good.inputs[-1].offset):
        with pytest.raises(ProgramError, match="no state"):
            edited(good, good.stop - 1, kind.fields.index("p") + 1, wrong).validate()


def test_a_result_over_its_operand_is_found() -> None:
    good = jitgrad.lower(lambda x: jitgrad.exp(jitgrad.sin(x)), np.ones(5))
    kind, fields = good.instruction(1)
    with pytest.raises(ProgramError, match="own operand"):
        edited(good, 1, kind.fields.index("d") + 1, fields["x"]).validate()


def test_loops_that_always_look_at_one_element() -> None:
    good = jitgrad.lower(lambda x: jitgrad.max(x), np.ones(5))
    kind, _ = good.instruction(0)
    without = edited(good, 0, kind.fields.index("reduced") + 1, 0)
    with pytest.raises(ProgramError):
        edited(without, 0, kind.fields.index("a") + 1, good.size).validate()
    view = jitgrad.lower(lambda x: x.T + 0.5, np.ones((2, 3)))
    kind, _ = view.instruction(0)
    with pytest.raises(ProgramError, match="table"):
        edited(view, 0, kind.fields.index("rank") + 1, 0).validate()


def test_a_program_is_immutable() -> None:
    good = program()
    with pytest.raises(ValueError, match="read-only"):
        good.code[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        good.size = 3  # type: ignore[misc]


def test_a_dump_is_read_again_and_runs_the_same() -> None:
    good = program()
    again = Program.parse(good.dump())
    assert again.dump() == good.dump()
    x = np.arange(6.0).reshape(2, 3)
    results = []
    for p in (good, again):
        machine = Machine(p)
        machine.load([x])
        machine.run()
        results.append(machine.outputs[0].copy())
    np.testing.assert_array_equal(*results)


def test_a_dump_of_a_training_step_is_read_again() -> None:
    w = jitgrad.Variable(np.zeros(3))
    step = make_step(lambda: jitgrad.sum((w - 1.0) ** 2), [], jitgrad.optimizers.Adam(), None)
    assert Program.parse(step.program.dump()).dump() == step.program.dump()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("exp ", "exq ", "Line .*'exq'"),
        ("program float64", "program float16", "Line 1 .*float16"),
        ("program float64", "program int32", "starts with"),
        ("arena ", "arena -", "below 0"),
        ("[0:6]", "[a:6]", "Line 2"),
        (" d=", " e=", "Line .*'d'"),
        ("output", "outputs", "Line"),
        ("  0 exp", "  0 tanh", None),
        ("program", "", "starts with"),
    ],
)
def test_a_damaged_dump_is_refused(old: str, new: str, message: str | None) -> None:
    text = program().dump()
    damaged = text.replace(old, new, 1)
    assert damaged != text
    if message is None:
        assert Program.parse(damaged).dump() != text
        return
    with pytest.raises(ProgramError, match=message):
        Program.parse(damaged)


def test_calls_are_dumped_by_name_and_checked() -> None:
    good = jitgrad.lower(jitgrad.linalg.solve, np.eye(2), np.ones((2, 1)))
    assert "kernel=solve-float64" in good.dump()
    assert Program.parse(good.dump()).dump() == good.dump()
    with pytest.raises(ProgramError, match="which this process has not"):
        Program.parse(good.dump().replace("solve-float64", "solve-float16"))
    kind = next(i for i in range(good.stop) if good.instruction(i)[0].name == "call")
    with pytest.raises(ProgramError, match="no function is known"):
        edited(good, kind, 1, 12345).validate()
