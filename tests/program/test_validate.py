"""A Program that is not valid never reaches the interpreter."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import jitgrad
from jitgrad.errors import ProgramError
from jitgrad.program.context import Context
from jitgrad.program.program import Program
from jitgrad.program.slots import Entry, Slot
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
        dataclasses.replace(good, entries=(Entry("value", 0, good.stop + 1),)).validate()
    with pytest.raises(ProgramError, match="never written"):
        dataclasses.replace(good, size=good.size + 1, outputs=(Slot(good.size, ()),)).validate()
    with pytest.raises(ProgramError, match="arena"):
        dataclasses.replace(good, outputs=(Slot(good.size, (5,)),)).validate()
    kind, _ = good.instruction(0)
    with pytest.raises(ProgramError, match="overwrites an input"):
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
        with pytest.raises(ProgramError, match="which is not state"):
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
        edited(view, 0, kind.fields.index("ndim") + 1, 0).validate()


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
        context = Context(p)
        context.load([x])
        context.run()
        results.append(context.outputs[0].copy())
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
        ("arena ", "arena 9999999999999999999", "too large"),
        ("arena ", "arena 999999999999999", "memory"),
        ("table ", "table 99999999999999999999 ", "Line .*too large"),
        ("table ", "table -99999999999999999999 ", "Line .*below"),
        (" d=", " d=-", "Line .*below 0"),
        (" d=", " d=99999999999999999999", "Line .*too large"),
        (" n=6", " n=0", "writes nothing"),
        ("(2, 3)", "(-2, -3)", "shape"),
        ("[0:6] (2, 3)", "[0:0] (0, 99999999999, 99999999999)", "shape"),
        ("[0:6] (2, 3)", f"[0:1] ({'1,' * 70}1)", "shape"),
        ("(2, 3)", "(2, 4294967296)", "Line 2 .*6 elements of shape"),
        ("[0:6]", "[0:7]", "Line 2 .*7 elements of shape"),
        ("[0:6]", "[0]", "Line 2"),
        ("value:\n", "", "Line .*before the first entry"),
        ("output", "value:\n  0 exp d=6 x=0 n=6\noutput", "Line .*duplicate entry"),
        ("output", "update:\ngradient:\n  0 exp d=6 x=0 n=6\noutput", "out of order"),
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


@pytest.mark.parametrize("text", [None, b"program float64 arena 9", 3, ""])
def test_what_is_no_dump(text: Any) -> None:
    with pytest.raises(ProgramError, match="starts with"):
        Program.parse(text)


def of(function: Any, *shapes: tuple[int, ...], dtype: type = np.float64) -> Program:
    return jitgrad.lower(function, *(np.ones(shape, dtype) for shape in shapes))


@jitgrad.custom_op
@numba.njit
def product(x, y):  # type: ignore[no-untyped-def]
    return x * y


product.def_vjp(numba.njit(lambda g, out, x, y: (g * y, g * x)))


def stepped(w: jitgrad.Variable) -> Program:
    return make_step(lambda: jitgrad.sum(w**2), [], jitgrad.optimizers.Adam(), None).program


PROGRAMS = {
    "views": lambda: program(),
    "pad": lambda: of(lambda x: jitgrad.pad(x.T, 1) * 2, (2, 3)),
    "matmul": lambda: of(lambda a, b, c: a @ b + c, (70, 5), (5, 3), (3,)),
    "matmul_tn": lambda: of(lambda a, b: a.T @ b, (9, 4), (9, 1)),
    "matmul_nt": lambda: of(lambda a, b, c: a @ b.T + c, (3, 20), (17, 20), (3, 17), dtype=np.float32),
    "batches": lambda: of(lambda a, b: jitgrad.swapaxes(a, 1, 2) @ b, (3, 5, 4), (3, 5, 6)),
    "rows": lambda: of(lambda x: jitgrad.max(x, axis=0) + jitgrad.sum(x, axis=0) + jitgrad.cumsum(x, axis=1)[0], (300, 3)),
    "order": lambda: of(lambda x: jitgrad.argsort(x) + jitgrad.argmax(x), (3, 9)),
    "gather": lambda: of(jitgrad.grad(lambda x: jitgrad.sum(jitgrad.take(x, np.array([0, 2, 2]), axis=0) ** 2)), (3, 4)),
    "broadcast": lambda: of(lambda a, b: jitgrad.where(a < b, a * b, a / b) + 2.0, (4, 5), (5,)),
    "solve": lambda: of(jitgrad.linalg.solve, (3, 3), (3, 2)),
    "determinant": lambda: of(jitgrad.linalg.det, (2, 3, 3), dtype=np.float32),
    "cholesky": lambda: of(jitgrad.linalg.cholesky, (2, 3, 3)),
    "cofactor": lambda: of(jitgrad.grad(jitgrad.linalg.det), (3, 3)),
    "eigh": lambda: of(lambda x: jitgrad.linalg.eigh(x)[1] * 2, (2, 3, 3), dtype=np.float32),
    "svd": lambda: of(jitgrad.linalg.svd, (2, 4, 3)),
    "qr": lambda: of(jitgrad.linalg.qr, (4, 3)),
    "custom": lambda: of(product, (2, 3), (2, 3)),
    "custom vjp": lambda: of(jitgrad.grad(lambda x, y: jitgrad.sum(product(x, y) ** 2)), (2, 3), (2, 3)),
    "blocks": lambda: of(lambda x: jitgrad.sum(jitgrad.exp(x) * x, axis=0), (4096, 128)),
    "update": lambda: stepped(jitgrad.Variable(np.ones(3))),
}
EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 64, 100, 1000, 4097, 2**31, 2**32 + 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1, -1, -8]


def mutated(draw: random.Random, text: str) -> str:
    """A dump with one to three numbers changed, or its lines exchanged, doubled or dropped."""
    lines = text.splitlines()
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        i, j, what = draw.randrange(len(lines)), draw.randrange(len(lines)), draw.random()
        numbers = list(re.finditer(r"-?\d+", lines[i]))
        if what < 0.9 and numbers:
            found = draw.choice(numbers)
            value = int(found.group())
            other = draw.choice([*EDGES, value + 1, value - 1, 2 * value, value ^ 1, value + 8, -value])
            lines[i] = f"{lines[i][: found.start()]}{other}{lines[i][found.end() :]}"
        elif what < 0.94:
            lines[i], lines[j] = lines[j], lines[i]
        elif what < 0.97:
            lines.insert(j, lines[i])
        else:
            del lines[i]
    return "\n".join(lines)


def survivors(texts: list[str]) -> list[str]:
    """The mutated dumps that are Programs, of moderate size. The others raise ProgramError, and nothing else."""
    found = []
    for text in texts:
        try:
            if Program.parse(text).size < 10**6:
                found.append(text)
        except ProgramError:
            continue
    return found


def test_mutated_programs_are_refused_or_run() -> None:
    """In a process of their own, which must come to its end."""
    texts = []
    for name in PROGRAMS.keys() - {"custom", "custom vjp"}:
        draw, text = random.Random(name), PROGRAMS[name]().dump()
        texts += survivors([mutated(draw, text) for _ in range(150 if len(text) < 20_000 else 10)])
    assert len(texts) > 300
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("guarded.py")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["custom", "custom vjp"])
def test_mutated_calls_of_custom_ops_are_refused(name: str) -> None:
    draw, text = random.Random(name), PROGRAMS[name]().dump()
    for kept in survivors([mutated(draw, text) for _ in range(300)]):
        calls = [p.instruction(i)[1] for p in [Program.parse(kept)] for i in range(p.stop)]
        assert {fields["n"] for fields in calls if "kernel" in fields} <= {6, 12}


@pytest.mark.parametrize(
    ("name", "instruction", "edits"),
    [
        ("matmul", "matmul", {"rc": 1}), ("matmul", "matmul", {"rc": 4}), ("matmul", "matmul", {"ta": 2}),
        ("matmul", "matmul", {"tb": 7}), ("matmul", "matmul", {"m": 0}), ("rows", "cumsum", {"reverse": 2}),
        ("views", "copy_from", {"n": 5}), ("views", "copy_from", {"ndim": 9}), ("views", "copy_from", {"t": 10**6}),
        ("solve", "call", {"count": 1}), ("solve", "call", {"room": 3}), ("solve", "call", {"n": 5}),
        ("solve", "call", {"t": 1}), pytest.param("custom", "call", {"n": 7}, marks=pytest.mark.slow),
        pytest.param("custom vjp", "call", {"count": 3}, marks=pytest.mark.slow),
        ("order", "argmax", {"outer": 0}), ("rows", "max_axis", {"inner": 0}),
    ],
)  # fmt: skip
def test_numbers_that_no_extent_bounds(name: str, instruction: str, edits: dict[str, int]) -> None:
    good = PROGRAMS[name]()
    row = next(i for i in range(good.stop) if good.instruction(i)[0].name == instruction)
    kind, fields = good.instruction(row)
    for field, value in edits.items():
        assert fields[field] != value
        with pytest.raises(ProgramError, match=rf"Instruction {row} \({instruction}\)"):
            edited(good, row, kind.fields.index(field) + 1, value).validate()


@pytest.mark.parametrize(
    ("name", "place"),
    [("solve", -1), ("solve", -2), ("solve", 1), pytest.param("custom vjp", -1, marks=pytest.mark.slow), ("views", 0)],
)
def test_numbers_of_the_table_that_no_extent_bounds(name: str, place: int) -> None:
    good = PROGRAMS[name]()
    for value in (0, 10**6, 2**62, 2**63):
        table = good.table.copy()
        table[place] = value
        with pytest.raises(ProgramError):
            dataclasses.replace(good, table=table).validate()


def test_a_kernel_is_of_the_programs_dtype() -> None:
    of(jitgrad.linalg.solve, (3, 3), (3, 2), dtype=np.float32)
    with pytest.raises(ProgramError, match="kernel of float32 in a Program of float64"):
        Program.parse(PROGRAMS["solve"]().dump().replace("solve-float64", "solve-float32"))


def test_arrays_of_another_kind_are_found() -> None:
    good = program()
    for wrong in (good.code.astype(np.int64), good.code[:, :-1], np.asfortranarray(good.code), good.code.astype(np.uint32)):
        with pytest.raises(ProgramError, match="code of the Program"):
            dataclasses.replace(good, code=wrong.copy(order="K")).validate()
    with pytest.raises(ProgramError, match="table of the Program"):
        dataclasses.replace(good, table=good.table.astype(np.int64)).validate()
    with pytest.raises(ProgramError, match="state"):
        dataclasses.replace(good, state=(7,)).validate()


def test_calls_are_dumped_by_name_and_checked() -> None:
    good = jitgrad.lower(jitgrad.linalg.solve, np.eye(2), np.ones((2, 1)))
    assert "kernel=solve-float64" in good.dump()
    assert Program.parse(good.dump()).dump() == good.dump()
    with pytest.raises(ProgramError, match="which is not registered in this process"):
        Program.parse(good.dump().replace("solve-float64", "solve-float16"))
    kind = next(i for i in range(good.stop) if good.instruction(i)[0].name == "call")
    with pytest.raises(ProgramError, match="no function is registered"):
        edited(good, kind, 1, 12345).validate()


@pytest.mark.parametrize("count", [3, 40])
def test_the_first_fault_is_named(count: int) -> None:
    """Whether instructions of a kind are few or many, which are looked at together."""

    def chain(x: Any) -> Any:
        every = [x]
        for _ in range(count):
            every += [jitgrad.sin(every[-1])]
            every += [every[-1] * x]
        return jitgrad.concatenate(every)  # so that no place is used again

    good = jitgrad.lower(chain, np.ones(3))
    row = 2 * (count // 2)
    kind, fields = good.instruction(row)
    later = edited(good, row + 3, 1, 10**6)
    faults = {
        "touches": ("d", 10**6),
        "before it is written": ("x", good.instruction(row + 1)[1]["d"]),
        "writes nothing": ("n", 0),
        "input or a literal": ("d", good.inputs[0].offset),
        "own operand": ("d", fields["x"]),
    }
    for message, (field, value) in faults.items():
        wrong = edited(later, row, kind.fields.index(field) + 1, value)
        with pytest.raises(ProgramError, match=rf"Instruction {row} \(sin\) .*{message}"):
            wrong.validate()
    kind, _ = good.instruction(row + 3)
    with pytest.raises(ProgramError, match=rf"Instruction {row + 3} \({kind.name}\) touches"):
        later.validate()


@pytest.mark.parametrize(
    ("table", "wrong"),
    [("5 0 1 2 0 0", "5 0 1 3 0 0"), ("5 0 1 2 0 0", "5 0 4 2 0 0"), (" 1 1 0 0\n", " 1 1 0\n")],
    ids=["no such value", "too many", "past the table"],
)
def test_links_of_a_linear_recurrence(table: str, wrong: str) -> None:
    def f(y: Any) -> Any:
        return jitgrad.scan(lambda h, x: ([h[-1] * 0.5 + x, *h[:-1]], h[0]), [y, y, y], np.arange(5.0))[1]

    text = jitgrad.lower(f, 1.3).dump()
    assert table in text
    with pytest.raises(ProgramError, match=r"linear_recurrence.*not the links of k values"):
        Program.parse(text.replace(table, wrong))
