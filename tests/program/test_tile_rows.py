"""Blocks of rows: the same results as all rows at once, in the memory of a few blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import Variable
from jitgrad.program import lowering
from jitgrad.program.loop import LANES
from jitgrad.program.passes import tile_rows
from jitgrad.program.program import Program
from jitgrad.tape import executable
from jitgrad.tape.lru import Recent
from jitgrad.tape.tensor import placeholder
from jitgrad.training.step import make_step


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tile_rows, "LEAST_ELEMENTS", 1000)
    monkeypatch.setattr(tile_rows, "BLOCK_ELEMENTS", 1)  # the least rows, 64


def linear(draw: np.random.Generator, dtype: type) -> tuple[list[Variable], Callable[..., Any]]:
    w, b = Variable(draw.normal(size=(3, 1)).astype(dtype)), Variable(dtype(0.5))
    return [w, b], lambda x, y: jitgrad.mean(jitgrad.square(x @ w + b - y))


def logistic(draw: np.random.Generator, dtype: type) -> tuple[list[Variable], Callable[..., Any]]:
    w, b = Variable(draw.normal(size=3).astype(dtype)), Variable(dtype(0.5))
    return [w, b], lambda x, y: jitgrad.mean(jitgrad.softplus(-(2 * (y[:, 0] > 0) - 1) * (x @ w + b)))


def network(draw: np.random.Generator, dtype: type) -> tuple[list[Variable], Callable[..., Any]]:
    shapes = [(3, 5), (5,), (5, 4), (4,), (4, 1), (1,)]
    v = [Variable(draw.normal(size=shape).astype(dtype)) for shape in shapes]

    def cost(x: Any, y: Any) -> Any:
        h = jitgrad.relu(x @ v[0] + v[1])
        h = jitgrad.softmax(h @ v[2] + v[3])
        return jitgrad.sum(jitgrad.abs(h @ v[4] + v[5] - y)) / 100 + 0.1 * jitgrad.sum(v[0] ** 2)

    return v, cost


def moments(draw: np.random.Generator, dtype: type) -> tuple[list[Variable], Callable[..., Any]]:
    a = Variable(draw.normal(size=(1, 3)).astype(dtype))
    return [a], lambda x, y: jitgrad.sum(jitgrad.sum(jitgrad.exp(-jitgrad.square(x - a)), axis=0) * [1.0, 2.0, 3.0]) * 1e-4


COSTS = [linear, logistic, network, moments]
ROWS = [1024, 1025, 1100, 2048 + 63, 5000]


def fitted(make: Callable[..., Any], rows: int, dtype: type, optimizer: Any) -> tuple[Program, list[np.ndarray]]:
    draw = np.random.default_rng(rows)
    x, y = draw.normal(size=(rows, 3)).astype(dtype), draw.normal(size=(rows, 1)).astype(dtype)
    variables, cost = make(draw, dtype)
    program = make_step(cost, [placeholder(x.shape), placeholder(y.shape)], optimizer()).program
    history = jitgrad.fit(cost, (x, y), optimizer(), epochs=3, batch_size=None)
    return program, [history.loss, *(v.numpy() for v in variables)]


def has_blocks(program: Program) -> bool:
    loops = [fields for kind, fields in map(program.instruction, range(program.stop)) if kind.name == "loop"]
    return any(loop["lanes"] == LANES and loop["length"] > 1 for loop in loops)


@pytest.mark.parametrize("optimizer", [lambda: jitgrad.optimizers.SGD(1e-3), lambda: jitgrad.optimizers.Adam(1e-2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("make", COSTS)
def test_the_same_as_all_rows_at_once(
    make: Callable[..., Any], rows: int, dtype: type, optimizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = lowering.RECIPE
    monkeypatch.setattr(lowering, "RECIPE", [p for p in recipe if p.__name__ != "tile_rows"])
    monkeypatch.setattr(executable, "PROGRAMS", Recent(executable.KEPT_PROGRAMS))
    whole, expected = fitted(make, rows, dtype, optimizer)
    monkeypatch.setattr(lowering, "RECIPE", recipe)
    monkeypatch.setattr(executable, "PROGRAMS", Recent(executable.KEPT_PROGRAMS))
    monkeypatch.setattr(tile_rows, "LEAST_ELEMENTS", 1000)
    monkeypatch.setattr(tile_rows, "BLOCK_ELEMENTS", 1)
    program, found = fitted(make, rows, dtype, optimizer)
    assert has_blocks(program) and not has_blocks(whole)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            ours, theirs, rtol=2e-4 if dtype is np.float32 else 1e-11, atol=1e-5 if dtype is np.float32 else 0
        )


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    "f",
    [
        lambda x: jitgrad.exp(x),  # rows are the result
        lambda x: jitgrad.sum(jitgrad.square(x - jitgrad.mean(x, axis=0))),  # rows after a sum
        lambda x: jitgrad.max(x),  # a maximum over rows
        lambda x: jitgrad.sum(x[::-1] * x),  # rows in another order
        lambda x: jitgrad.sum(x.T @ jitgrad.exp(x) @ x.T),  # a sum over rows and a row for each
        lambda x: jitgrad.sum(jitgrad.cumsum(x, axis=0)),
    ],
)
def test_what_does_not_go_row_by_row_stays_as_it_is(f: Callable[..., Any]) -> None:
    x = np.random.default_rng(0).normal(size=(2000, 3))
    program = jitgrad.lower(f, x)
    assert not has_blocks(program)


@pytest.mark.parametrize(
    ("f", "operands"),
    [
        (lambda x, w: jitgrad.sum(w * w), [np.ones((1024, 1024)), np.arange(3.0)]),  # nothing uses the rows
        (lambda x, w: w * 2, [np.ones((1000, 600)), np.ones(3)]),
        (lambda x, w: jitgrad.sum(w, axis=0), [np.ones((1000, 600)), np.ones((1000, 0))]),
    ],
)
def test_rows_that_nobody_uses(f: Callable[..., Any], operands: list[np.ndarray]) -> None:
    assert not has_blocks(jitgrad.lower(f, *operands))
    expected = f(*(jitgrad.tensor(x) for x in operands)).numpy()
    np.testing.assert_array_equal(jitgrad.function(f)(*operands).numpy(), expected)


def test_small_data_stay_as_they_are() -> None:
    assert not has_blocks(fitted(linear, 10_000, np.float32, jitgrad.optimizers.SGD)[0])


def test_results_do_not_depend_on_the_number_of_threads() -> None:
    before = jitgrad.get_num_threads()
    results = []
    for threads in (1, 2, 3):
        jitgrad.set_num_threads(threads)
        program, found = fitted(linear, 100_000, np.float32, jitgrad.optimizers.SGD)
        assert has_blocks(program)
        results.append(found)
    jitgrad.set_num_threads(before)
    for found in results[1:]:
        for ours, first in zip(found, results[0], strict=True):
            np.testing.assert_array_equal(ours, first)


def test_memory_is_that_of_the_rows_and_a_few_blocks() -> None:
    program, _ = fitted(network, 300_000, np.float32, jitgrad.optimizers.SGD)
    assert program.size < 1.6 * 300_000 * 4


def test_a_program_does_not_grow_with_its_rows() -> None:
    def dumped(rows: int) -> list[str]:
        x, y = placeholder((rows, 3)), placeholder((rows, 1))
        _, cost = network(np.random.default_rng(0), np.float32)
        return make_step(cost, [x, y], jitgrad.optimizers.Adam()).program.dump().splitlines()

    assert len(dumped(10**7)) == len(dumped(10**6)) < 130
