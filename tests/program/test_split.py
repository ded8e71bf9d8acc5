"""Large instructions in parts: the parts together do what the whole does, and threads do them without a trace."""

from __future__ import annotations

import dataclasses
import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

import jitgrad
from jitgrad.errors import ArgumentError, FitError, ProgramError
from jitgrad.layers import Dense
from jitgrad.program import split
from jitgrad.program.assembler import Assembler
from jitgrad.program.context import Context
from jitgrad.program.expression import Expression, Step, input_step
from jitgrad.program.lowering import lower
from jitgrad.program.program import Program
from jitgrad.vm import threads
from jitgrad.vm.cores import cores
from jitgrad.vm.instructions import INSTRUCTIONS, LEAST_ELEMENTS, OPCODE, Cut, Instruction

CUT = [kind for kind in INSTRUCTIONS if kind.splits is not None]
DTYPES = (np.float32, np.float64)


@pytest.fixture(autouse=True)
def set_threads() -> Iterator[None]:
    """Each test leaves the number as it was."""
    before = jitgrad.get_num_threads()
    yield
    jitgrad.set_num_threads(before)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cut, "__new__", _with_little_work(Cut.__new__))


def _with_little_work(new):  # type: ignore[no-untyped-def]
    """Cuts for which any work is enough."""
    return lambda cls, axis, moves, work, least=1, grain=16: new(cls, axis, moves, work, 1, grain)


def run(code: Assembler, arena: np.ndarray) -> np.ndarray:
    """The arena after some instructions."""
    table = np.array(code.table, np.int64).view(np.uint64)
    context = Context(Program(arena.dtype, code.code(), table, (), len(arena), (), (), (), ()))
    context.arena[:] = arena
    context.run()
    return context.arena.copy()


def fields_of(kind: Instruction, long: int) -> dict[str, int]:
    """Fields of an instruction of about ``long`` elements or rows, its places far apart."""
    sizes = {"n": long, "rows": 1, "cols": long, "m": long, "k": 7, "batch": 1}
    if kind.name == "matmul":
        sizes["n"] = 5
    places = [f for f in kind.fields if f in ("d", "x", "a", "b", "c", "p", "v", "g", "s", "h")]
    places += ["m"] * (kind.name == "adam")
    fields = dict.fromkeys(kind.fields, 0) | {k: v for k, v in sizes.items() if k in kind.fields}
    return fields | {place: 4096 * number for number, place in enumerate(places)}


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", CUT, ids=lambda kind: kind.name)
def test_parts_do_what_the_whole_does(kind: Instruction, dtype: type) -> None:
    variants = [{}]
    if kind.name == "matmul":
        left, turned = {"ra": 7}, {"ra": 300, "ta": 1}
        variants = [left, turned, left | {"tb": 1}, left | {"rc": 5}, turned | {"c": 0, "rc": 5}, left | {"c": 0}]
        variants += [left | {"batch": 20, "m": 8, "sa": 56, "sb": 35, "rc": 5}, left | {"batch": 20, "m": 8, "sb": 35, "c": 0}]
    elif kind.op is not None and "rows" in kind.fields:
        strides = {"r" + x: 8 if p == "v" else 1 for x, p in zip("cab"[-len(kind.pattern) :], kind.pattern, strict=True)}
        variants = [{}, {"rows": 300, "cols": 8} | strides]
    for variant in variants:
        fields = fields_of(kind, 300) | variant
        arena = np.random.default_rng(3).uniform(0.1, 0.9, 8 * 4096).astype(dtype)
        whole, apart = Assembler(np.dtype(dtype), whole=True), Assembler(np.dtype(dtype))
        for code in (whole, apart):
            code.emit(kind.name, **fields)
        names = [INSTRUCTIONS[row[0]].name for row in apart.code().tolist()]
        assert names[:3] == ["loop", kind.name, "next"]
        assert 4 <= apart.code()[0, 1] <= split.MOST_PARTS
        np.testing.assert_array_equal(run(apart, arena), run(whole, arena))


def test_small_instructions_are_whole() -> None:
    program = jitgrad.lower(lambda x: jitgrad.exp(x) @ x.T, np.ones((60, 100)))
    assert not program.shares
    assert split.parts(0) == split.parts(1) == 1
    assert split.parts(7) == 4
    assert split.parts(10**6) == split.MOST_PARTS


@pytest.mark.parametrize("added", [None, (128,), (32, 128)])
def test_a_product_of_few_rows_by_depth(added: tuple[int, ...] | None) -> None:
    draw = np.random.default_rng(1)
    operands = [draw.normal(size=(32, 784)), draw.normal(size=(784, 128))]
    operands += [] if added is None else [draw.normal(size=added)]
    leaves = [input_step(i, v.shape) for i, v in enumerate(operands)]
    step = Step("matmul_nn", tuple(range(len(operands))), (), (32, 128))
    program = lower(Expression((*leaves, step), (("value", (len(leaves),)),)), np.dtype(np.float64))
    assert program.shares and "batch=1" in program.dump() and "ra=784" in program.dump()
    context = Context(program)
    context.load(operands)
    context.run()
    expected = operands[0] @ operands[1] + (0 if added is None else operands[2])
    np.testing.assert_allclose(context.outputs[0], expected, rtol=1e-11, atol=1e-11)


def fitted(epochs: int = 3) -> np.ndarray:
    """The weights of a network that is large enough to be shared, after some epochs."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(700, 128)).astype(np.float32), draw.normal(size=(700, 1)).astype(np.float32)
    jitgrad.random.seed(1)
    model = jitgrad.Sequential([Dense(256, "relu"), Dense(256, "tanh"), Dense(1)])
    model.compile(jitgrad.optimizers.Adam(1e-3), "mse")
    model.fit(x, y, batch_size=256, epochs=epochs, verbose=0)
    return np.concatenate([np.ravel(v.numpy()) for v in model.variables])


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    results = []
    for count in (1, 2, 3, 1):
        jitgrad.set_num_threads(count)
        assert jitgrad.get_num_threads() == count
        results.append(fitted())
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


def test_fits_in_several_threads_of_the_caller() -> None:
    """One has the helpers, the others work alone."""
    jitgrad.set_num_threads(2)
    expected = fitted()
    results: list[np.ndarray] = []
    callers = [threading.Thread(target=lambda: results.append(fitted())) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(results) == 3
    for result in results:
        assert np.isfinite(result).all() and result.shape == expected.shape


FORK = """
import os
import numpy as np
import jitgrad
from jitgrad.layers import Dense

{fitted}
jitgrad.set_num_threads(2)
expected = fitted()
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(fitted(), expected) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_has_helpers_of_its_own() -> None:
    script = FORK.format(fitted=inspect.getsource(fitted))
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


FEWER = """
import numpy as np
import jitgrad
from jitgrad.layers import Dense

{fitted}
jitgrad.set_num_threads(17)
expected = fitted()
jitgrad.set_num_threads(2)
assert all(np.array_equal(fitted(), expected) for _ in range(5))
"""


def test_fewer_threads_than_before() -> None:
    """Helpers of the larger pool are still there. In a process of its own, which may hang."""
    script = FEWER.format(fitted=inspect.getsource(fitted))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def test_helpers_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    jitgrad.set_num_threads(1)
    expected = fitted(1)
    pool = threads._Threads()
    monkeypatch.setattr(threads, "_threads", pool)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    jitgrad.set_num_threads(3)
    np.testing.assert_array_equal(fitted(1), expected)
    pool.close()


def test_helpers_sleep_after_a_failure() -> None:
    jitgrad.set_num_threads(2)
    x = np.full((700, 256), 1e30, np.float32)
    model = jitgrad.Sequential([Dense(256, "relu"), Dense(1)])
    model.compile(jitgrad.optimizers.SGD(1e10), "mse")
    with pytest.raises(FitError, match="nan or infinite"):
        model.fit(x, x[:, :1], batch_size=256, epochs=3, verbose=0)
    assert threads._threads.pool.leave == 1
    assert not threads._threads.in_use.locked()


@pytest.mark.parametrize("count", [0, -1, 1.5, "two", None, 100_000])
def test_a_number_of_threads_that_is_none(count: object) -> None:
    with pytest.raises(ArgumentError, match="count is"):
        jitgrad.set_num_threads(count)  # type: ignore[arg-type]


def test_the_number_of_threads_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads._Settings, "threads", None)
    monkeypatch.setenv("JITGRAD_NUM_THREADS", "3")
    assert jitgrad.get_num_threads() == 3
    monkeypatch.setattr(threads._Settings, "threads", None)
    monkeypatch.setenv("JITGRAD_NUM_THREADS", "many")
    with pytest.raises(ArgumentError, match="JITGRAD_NUM_THREADS is 'many'"):
        jitgrad.get_num_threads()
    monkeypatch.setattr(threads._Settings, "threads", None)
    monkeypatch.delenv("JITGRAD_NUM_THREADS")
    for part in ("", "many", "0", "1000"):
        monkeypatch.setenv("OMP_NUM_THREADS", part)
        monkeypatch.setattr(threads._Settings, "threads", None)
        assert jitgrad.get_num_threads() == cores()
    monkeypatch.setenv("OMP_NUM_THREADS", "1,2")
    monkeypatch.setattr(threads._Settings, "threads", None)
    assert jitgrad.get_num_threads() == 1


# What threads may not share.


def shared(n: int = 2 * LEAST_ELEMENTS) -> Program:
    """A loop of two parts of one exponential, and of what is left."""
    program = jitgrad.lower(jitgrad.exp, np.ones(n))
    program.validate()
    return program


def test_a_large_instruction_is_a_loop_of_its_parts() -> None:
    assert [kind.name for kind, _ in map(shared().instruction, range(3))] == ["loop", "exp", "next"]
    with_rest = shared(2 * LEAST_ELEMENTS + 5)
    assert with_rest.instruction(0)[1]["tail"] == 1 and with_rest.stop == 4
    x = np.linspace(0, 1, 2 * LEAST_ELEMENTS + 5)
    np.testing.assert_array_equal(jitgrad.exp(jitgrad.tensor(x)).numpy(), jitgrad.exp(jitgrad.tensor(x[::-1])).numpy()[::-1])


LOOP = {"trips": 1, "length": 2, "tail": 3, "lanes": 4, "t": 5, "moves": 6}


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (0, LOOP["length"], 3, "beyond its entry"),
        (0, LOOP["length"], 0, "does not end with an instruction next"),
        (0, LOOP["tail"], 1, "beyond its entry"),
        (0, LOOP["trips"], 3, "does not end with an instruction next"),
        (0, LOOP["trips"], 0, "none or past the table"),
        (0, LOOP["lanes"], 3, "lanes=3 of trips=2"),
        (0, LOOP["moves"], 3, "past the table"),
        (0, LOOP["t"], 1, "past the table"),
        (1, 0, OPCODE["next"], "ends no loop|not a place"),
        (2, 0, OPCODE["loop"], "does not end with an instruction next|beyond its entry"),
        (1, 3, LEAST_ELEMENTS + 1, "the same memory|touches"),
    ],
)
def test_loops_that_are_not_whole_or_not_independent_are_found(row: int, column: int, value: int, message: str) -> None:
    good = shared()
    code = good.code.copy()
    code[row, column] = value
    with pytest.raises(ProgramError, match=message):
        dataclasses.replace(good, code=code).validate()


@pytest.mark.parametrize(
    ("number", "value", "message"),
    [
        (0, 3, "not a place"),  # a size
        (0, 16, "not a place"),  # past the body
        (1, 0, "the same memory"),  # all lanes write to one place
        (1, LEAST_ELEMENTS - 1, "the same memory"),
        (1, 2 * LEAST_ELEMENTS, "touches|never written|writes over"),
        (4, -1, "touches"),
    ],
)
def test_moves_that_lead_astray_are_found(number: int, value: int, message: str) -> None:
    good = shared()
    table = good.table.copy().view(np.int64)
    table[number] = value
    with pytest.raises(ProgramError, match=message):
        dataclasses.replace(good, table=table.view(np.uint64)).validate()


def test_numbers_of_the_table_have_one_position() -> None:
    code = Assembler(np.dtype(np.float64))
    for wanted in ([3, 2], [2, 2], [2, 2, 5], [], [5, 2]):
        assert code.numbers(wanted) == code.numbers(wanted)
    assert code.table == [3, 2, 2, 2, 2, 2, 5, 5, 2]
