"""Functions that are traced once and replayed."""

from __future__ import annotations

import copy
import gc
import pickle
import re
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable
from jitgrad.errors import ArgumentError, RetracingWarning, TracingError
from jitgrad.tape.function import KEPT_TRACES


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


class Scale:
    def __init__(self, by: float) -> None:
        self.by = by

    def __repr__(self) -> str:
        return "Scale"


def test_static_arguments_are_told_apart_by_themselves() -> None:
    f = jitgrad.function(lambda scale, x: x * scale.by)
    assert [float(f(Scale(float(i)), 1.0)) for i in range(5)] == [0, 1, 2, 3, 4]
    g = jitgrad.function(lambda a, b: b * 10.0 if isinstance(a, str) else a * 100.0)
    assert (float(g(3.0, "*")), float(g("*", 3.0)), float(g("None", 3.0))) == (300, 30, 30)
    h = jitgrad.function(lambda n, x: x * n)
    assert (float(h(2, 1.0)), float(h(3, 1.0)), float(h(True, 1.0))) == (2, 3, 1)
    with pytest.raises(ArgumentError, match="unhashable"):
        f({1, 2}, 1.0)


def test_what_a_tensor_held_is_not_what_its_variable_holds() -> None:
    v = Variable(1.0)
    old = jitgrad.tensor(v)
    v.assign(2.0)
    assert float(jitgrad.function(lambda x: x + old)(0.0)) == 1
    v.assign(5.0)
    with GradientTape() as tape:
        y = jitgrad.square(v - old)
    assert float(tape.gradient(y, v)) == 8


def test_lower_shows_the_program() -> None:
    w = Variable(np.ones((3, 2), np.float32))
    program = jitgrad.lower(lambda x: jitgrad.relu(x @ w), np.ones((4, 3)))
    assert program.dtype == np.float32
    assert "matmul" in program.dump()
    program.validate()


def test_a_branch_on_a_traced_value_names_the_line() -> None:
    def f(x: Any) -> Any:
        if x > 0:  # the branch
            return x
        return -x

    with pytest.raises(TracingError, match=r"test_function.py:\d+: if x > 0:.*Use where\(\).*tape"):
        jitgrad.function(f)(1.0)


def test_a_method_is_bound() -> None:
    class Line:
        def __init__(self) -> None:
            self.a = Variable(2.0)

        @jitgrad.function
        def at(self, x: Any) -> Any:
            return self.a * x

    line = Line()
    assert float(line.at(3.0)) == 6
    line.a.assign(5.0)
    assert float(line.at(3.0)) == 15


class Counter:
    """What owns a Variable and functions that are traced with it."""

    def __init__(self) -> None:
        self.count = Variable(2.0)
        self.times = jitgrad.function(self._times)
        self.increase = jitgrad.function(self._increase)

    def _times(self, x: Any) -> Any:
        return self.count * x

    def _increase(self) -> Any:
        return self.count.assign_add(1.0) * 1.0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_is_traced_with_the_variables_of_the_copy(duplicate: Any) -> None:
    one = Counter()
    assert float(one.times(3.0)) == 6 and float(one.increase()) == 3
    other = duplicate(one)
    other.count.assign(10.0)
    assert float(other.times(3.0)) == 30 and float(one.times(3.0)) == 9
    assert float(other.increase()) == 11 and float(one.count) == 3
    assert float(other.count) == 11 and other.times.__name__ == "_times"


def test_the_traces_that_were_used_last_are_kept() -> None:
    traced: list[int] = []

    @jitgrad.function
    def f(x: Any, n: int) -> Any:
        traced.append(n)
        return x * n

    for n in range(KEPT_TRACES + 20):
        assert float(f(2.0, n)) == 2 * n
        assert float(f(3.0, 0)) == 0
    assert traced == [*range(KEPT_TRACES + 20)]
    f(1.0, KEPT_TRACES)
    assert len(traced) == KEPT_TRACES + 20
    f(1.0, 1)  # which was dropped
    assert traced[-1] == 1


def of_changing_values(f: Any, i: int) -> None:
    f(np.ones(3), i)


def of_changing_shapes(f: Any, i: int) -> None:
    f(np.ones(i + 1), 3)


def of_new_objects(f: Any, i: int) -> None:
    f(np.ones(3), 3, mode=object())


@pytest.mark.parametrize(
    ("call", "named"),
    [(of_changing_values, "'n'.*it was 11"), (of_changing_shapes, "'x'.*shape \\(12,\\)"), (of_new_objects, "'mode'.*object")],
)
def test_an_argument_that_retraces_each_call_is_named_once(call: Any, named: str) -> None:
    f = jitgrad.function(lambda x, n, *, mode=None: jitgrad.sum(x) * n)
    with warnings.catch_warnings(record=True, action="always") as warned:
        for i in range(40):
            call(f, i)
    (warning,) = warned
    assert warning.category is RetracingWarning
    assert re.search(named, str(warning.message))
    assert Path(warning.filename) == Path(__file__)


def test_calls_that_are_traced_now_and_then_do_not_warn() -> None:
    f = jitgrad.function(lambda x, n: jitgrad.sum(x) * n)
    for n in range(100):
        f(np.ones(3), n // 2)
    g = jitgrad.function(lambda x, n: jitgrad.sum(x) * n)
    for n in range(100):
        g(np.ones(n + 1) if n % 2 else 1.0, float(n))
        g(1.0, 2.0)


def test_memory_of_traces_is_bounded() -> None:
    f = jitgrad.function(lambda x, n: x * n)
    kept = []
    for n in range(3 * KEPT_TRACES):
        kept.append(weakref.ref(f.traced((1.0, n), {}, [jitgrad.tensor(1.0)])))
    gc.collect()
    assert sum(trace() is not None for trace in kept) == KEPT_TRACES


@pytest.mark.parametrize("unhashable", [{1, 2}, bytearray(b"ab")])
def test_an_argument_that_cannot_be_a_key_is_refused_from_the_first_call_on(unhashable: Any) -> None:
    f = jitgrad.function(lambda x, k: x)
    for _ in range(2):
        with pytest.raises(ArgumentError, match="Make it a constant of the function"):
            f(1.0, unhashable)
