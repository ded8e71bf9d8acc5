"""Functions that are traced once and replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable
from jitgrad.errors import TracingError


def test_traced_once_for_shapes_and_dtypes() -> None:
    calls = []
    w = Variable(2.0)

    @jitgrad.function
    def f(x: Any, scale: float, name: str = "a") -> Any:
        calls.append(name)
        return {"y": x * w * scale, "nothing": None}

    x = np.arange(3.0)
    np.testing.assert_array_equal(np.asarray(f(x, 1.0)["y"]), 2 * x)
    w.assign(3.0)
    np.testing.assert_array_equal(np.asarray(f(x + 1, 2.0)["y"]), 6 * (x + 1))
    assert len(calls) == 1
    f(np.ones(4), 1.0)
    f(x, 1.0, name="b")
    assert calls == ["a", "a", "b"]
    assert f(x, 1.0)["nothing"] is None
    assert f.__name__ == "f"


def test_assignments_happen_when_it_is_called() -> None:
    count, swapped = Variable(0.0), Variable(10.0)

    @jitgrad.function
    def step(x: Any) -> Any:
        old = count * 1
        count.assign_add(x)
        mixed = count * 100
        a, b = jitgrad.tensor(count), jitgrad.tensor(swapped)
        count.assign(b)
        swapped.assign(a)
        return old, mixed

    old, mixed = step(2.0)
    assert (float(old), float(mixed), float(count), float(swapped)) == (0, 200, 10, 2)
    step(1.0)
    assert (float(count), float(swapped)) == (2, 11)


def test_returning_a_variable_that_is_assigned_returns_its_old_value() -> None:
    v = Variable(1.0)

    @jitgrad.function
    def f() -> Any:
        old = v.read()
        v.assign(5.0)
        return old

    assert float(f()) == 1
    assert float(v) == 5
    assert float(f()) == 5


@pytest.mark.parametrize(
    "ask",
    [lambda x, v: bool(x > 0), lambda x, v: float(x), lambda x, v: x.numpy(), lambda x, v: v.numpy(), lambda x, v: f"{x}"],
)
def test_asking_for_a_value_while_tracing_is_an_error(ask: Any) -> None:
    v = Variable(1.0)

    @jitgrad.function
    def f(x: Any) -> Any:
        ask(x, v)
        return x

    with pytest.raises(TracingError, match="traced"):
        f(np.float64(1))
    assert float(v) == 1


def test_under_a_tape_it_records() -> None:
    x = Variable(3.0)
    square = jitgrad.function(lambda t: t * t)
    assert float(square(x)) == 9
    with GradientTape() as tape:
        y = square(x)
    assert float(tape.gradient(y, x)) == 6


def test_what_was_recorded_before_is_constant() -> None:
    v = Variable(2.0)
    with GradientTape():
        doubled = v * 2
    f = jitgrad.function(lambda x: x * doubled)
    assert float(f(1.0)) == 4
    v.assign(10.0)
    assert float(f(1.0)) == 4


def test_lower_shows_the_program() -> None:
    w = Variable(np.ones((3, 2), np.float32))
    program = jitgrad.lower(lambda x: jitgrad.relu(x @ w), np.ones((4, 3)))
    assert program.dtype == np.float32
    assert "matmul_nn" in program.dump()
    program.validate()
