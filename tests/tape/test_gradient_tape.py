"""The gradient tape: reference values, nesting, and what it says when it is used wrongly."""

from __future__ import annotations

import gc
import math
import threading
import time
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable, tensor
from jitgrad.errors import ArgumentError, DTypeError, ShapeError, TapeError
from jitgrad.tape import recording

pytestmark = pytest.mark.usefixtures("both_ways")


def test_square_of_a_sum() -> None:
    x = jitgrad.tensor(np.ones((2, 2)))
    with GradientTape() as tape:
        tape.watch(x)
        y = jitgrad.sum(x)
        z = y * y
    np.testing.assert_array_equal(np.asarray(tape.gradient(z, x)), np.full((2, 2), 8.0))


def test_persistent_tape() -> None:
    x = jitgrad.tensor(3.0)
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x**2
        z = y**2
    assert float(tape.gradient(z, x)) == 108
    assert float(tape.gradient(y, x)) == 6
    assert float(tape.gradient(z, y)) == 18


def test_a_spent_tape_says_what_to_do() -> None:
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x**2
    tape.gradient(y, x)
    with pytest.raises(TapeError, match="persistent=True"):
        tape.gradient(y, x)


@pytest.mark.parametrize(("y", "expected"), [(6, 12.0), (5, 12.0), (4, 4.0)])
def test_python_control_flow(y: int, expected: float) -> None:
    def f(x: Any) -> Any:
        out = 1.0
        for i in range(y):
            if 1 < i < 5:
                out = out * x
        return out

    x = Variable(2.0)
    with GradientTape() as tape:
        out = f(x)
    assert float(tape.gradient(out, x)) == expected


def test_control_flow_on_values_while_recording() -> None:
    x = Variable(np.ones(2))
    with GradientTape() as tape:
        y = x * 2
        while jitgrad.sqrt(jitgrad.sum(jitgrad.square(y))) < 1000:
            y = y * 2
        loss = jitgrad.sum(y)
    np.testing.assert_array_equal(np.asarray(tape.gradient(loss, x)), np.full(2, 1024.0))


def test_nested_tapes_give_higher_derivatives() -> None:
    x = Variable(1.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x**3
        first = inner.gradient(y, x)
    assert float(outer.gradient(first, x)) == 6
    assert float(first) == 3
    with GradientTape() as a:
        with GradientTape() as b:
            with GradientTape() as c:
                y = jitgrad.exp(2 * x)
            first = c.gradient(y, x)
        second = b.gradient(first, x)
    assert float(a.gradient(second, x)) == pytest.approx(8 * math.exp(2), rel=1e-15)


class Pair(NamedTuple):
    first: Any
    second: Any


def test_sources_of_any_nesting() -> None:
    a, b, c = Variable(1.0), Variable(2.0), Variable(3.0)
    sources = {"a": a, "rest": [b, (c,)], "pair": Pair(a, b)}
    with GradientTape() as tape:
        y = a * b * c
    found = tape.gradient(y, sources)
    assert float(found["a"]) == 6
    assert float(found["rest"][0]) == 3
    assert float(found["rest"][1][0]) == 2
    assert isinstance(found["pair"], Pair)
    assert float(found["pair"].second) == 3


def test_dicts_of_other_kinds() -> None:
    x = Variable(2.0)
    with GradientTape() as tape:
        y = x * x
    found = tape.gradient(y, defaultdict(list, {"x": x}))
    assert isinstance(found, defaultdict)
    assert float(found["x"]) == 4


def test_a_call_that_failed_does_not_spend_the_tape() -> None:
    x = Variable(2.0)
    with GradientTape() as tape:
        y = x * x
    with pytest.raises(TapeError, match="sources"):
        tape.gradient(y, 3.0)
    assert float(tape.gradient(y, x)) == 4


def test_a_target_that_is_no_scalar_is_summed() -> None:
    x = Variable(np.array([1.0, 2.0]))
    with GradientTape(persistent=True) as tape:
        y = x**2
        z = 3 * x
    np.testing.assert_array_equal(np.asarray(tape.gradient(y, x)), [2, 4])
    np.testing.assert_array_equal(np.asarray(tape.gradient([y, z], x)), [5, 7])


def test_what_is_not_recorded_has_no_gradient() -> None:
    x, other = Variable(2.0), Variable(1.0)
    frozen = Variable(1.0, trainable=False)
    constant = jitgrad.tensor(2.0)
    before = x * 3
    with GradientTape(persistent=True) as tape:
        y = before * 2 + constant * frozen
        z = x * frozen
    assert tape.gradient(y, x) is None
    assert tape.gradient(y, constant) is None
    assert tape.gradient(z, [x, other, frozen])[1:] == [None, None]
    after = z * 2
    assert tape.gradient(after, x) is None


def test_watching_a_frozen_variable() -> None:
    frozen = Variable(2.0, trainable=False)
    with GradientTape() as tape:
        tape.watch(frozen)
        y = frozen**2
    assert float(tape.gradient(y, frozen)) == 4


def test_integers_have_no_gradient() -> None:
    n = Variable(np.int64(3))
    with GradientTape() as tape:
        y = n * 2.0
    with pytest.raises(DTypeError, match=r"int64.*dtype='float64'"):
        tape.gradient(y, n)


def test_a_list_of_tensors_is_stacked() -> None:
    a, b = Variable(2.0), Variable(3.0)
    with GradientTape() as tape:
        y = jitgrad.sum(jitgrad.square([[a, b], [a, 1.0]]))
    assert float(y) == 18
    assert [float(g) for g in tape.gradient(y, [a, b])] == [8, 6]


def test_gradients_add_over_uses_and_over_assignments() -> None:
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
        x.assign(5.0)
        y = y + 2 * x
    assert float(y) == 19
    assert float(tape.gradient(y, x)) == 8


def test_the_gradient_has_the_sources_dtype() -> None:
    single, double = Variable(np.float32(2)), Variable(2.0)
    with GradientTape() as tape:
        y = jitgrad.sum(single * double)
    a, b = tape.gradient(y, [single, double])
    assert (a.dtype, b.dtype) == (np.float32, np.float64)
    with GradientTape() as tape:
        y = jitgrad.sum(single)
    assert tape.gradient(y, single).dtype == np.float32


@pytest.mark.parametrize("bad", [1.0, np.ones(2), "x"])
def test_only_tensors_and_variables_are_watched(bad: Any) -> None:
    with pytest.raises(TapeError, match="Tensor"), GradientTape() as tape:
        tape.watch(bad)
    with pytest.raises(TapeError, match="sources"):
        GradientTape().gradient(jitgrad.tensor(1.0), bad)


def test_a_tape_does_not_enter_itself() -> None:
    with GradientTape() as tape, pytest.raises(TapeError, match="second GradientTape"):
        tape.__enter__()


def test_a_line_by_hand(draw: np.random.Generator) -> None:
    """P1: the loss falls steeply over ten epochs, and the result goes to the least-squares line."""
    x = draw.uniform(0, 1, 200)
    y = 0.3 + 0.5 * x + draw.normal(0, 0.3, 200)
    a, b = Variable(0.0), Variable(0.0)
    losses = []
    for _ in range(3000):
        with GradientTape() as tape:
            loss = jitgrad.sum(jitgrad.square(y - (a + b * x)))
        da, db = tape.gradient(loss, (a, b))
        a.assign_sub(0.001 * da)
        b.assign_sub(0.001 * db)
        losses.append(float(loss))
    assert losses[10] < 0.5 * losses[0]
    slope, intercept = np.polyfit(x, y, 1)
    assert float(a) == pytest.approx(intercept, abs=1e-5)
    assert float(b) == pytest.approx(slope, abs=1e-5)


def test_a_deep_chain_does_not_overflow_the_stack() -> None:
    x = Variable(1.0)
    with GradientTape() as tape:
        y = x * 1.0
        for _ in range(20_000):
            y = y + x
    assert float(tape.gradient(y, x)) == 20_001


def test_variables_are_watched_when_they_are_read() -> None:
    a, b, c = Variable(1.0), Variable(2.0, trainable=False), Variable(3.0)
    with GradientTape() as tape:
        y = a * b
    assert tape.watched_variables() == (a,)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(c)
        y = a * c
    assert tape.watched_variables() == (c,)
    da, dc = tape.gradient(y, [a, c])
    assert da is None and float(dc) == 1


def test_stop_recording_and_reset() -> None:
    x = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = x**2
        with tape.stop_recording():
            constant = x * 10
        z = y * constant
        first = tape.gradient(z, x)
        tape.reset()
        w = x**3
    assert float(first) == 6 * 30
    assert tape.gradient(z, x) is None
    assert float(tape.gradient(w, x)) == 27


def test_no_grad_is_constant_to_a_tape() -> None:
    x = Variable(3.0)
    with GradientTape() as tape:
        with jitgrad.no_grad():
            c = x * 2
        y = c * x
    assert float(tape.gradient(y, x)) == 6


def test_unconnected_and_output_gradients() -> None:
    x, y = Variable(np.ones(2)), Variable(np.ones(3))
    with GradientTape(persistent=True) as tape:
        z = x * np.array([2.0, 3.0])
    assert tape.gradient(z, [x, y])[1] is None
    assert tape.gradient(z, [x, y], unconnected_gradients="zero")[1].numpy().tolist() == [0, 0, 0]
    assert tape.gradient(z, x, output_gradients=np.array([1.0, 10.0])).numpy().tolist() == [2, 30]
    assert tape.gradient([z, z], x, output_gradients=[np.ones(2), np.array([1.0, 2.0])]).numpy().tolist() == [4, 9]
    with pytest.raises(ShapeError, match=r"output gradient has shape \(3,\)"):
        tape.gradient(z, x, output_gradients=np.ones(3))
    by_key = tape.gradient({"a": z, "b": 2 * z}, x, output_gradients={"b": np.zeros(2), "a": np.ones(2)})
    assert by_key.numpy().tolist() == [2, 3]
    assert tape.gradient(z, x, output_gradients=[1.0, 10.0]).numpy().tolist() == [2, 30]
    with pytest.raises(ArgumentError, match=r"output_gradients has 1 items .* of 2"):
        tape.gradient([z, z], x, output_gradients=[np.ones(2)])
    with pytest.raises(ArgumentError, match="'none' or 'zero'"):
        tape.gradient(z, x, unconnected_gradients="zeros")  # type: ignore[arg-type]


def test_jacobian_and_batch_jacobian() -> None:
    rng = np.random.default_rng(0)
    a, x, other = rng.normal(size=(3, 2)), Variable(rng.normal(size=(4, 2))), Variable(1.0)
    with GradientTape(persistent=True) as tape:
        y = jitgrad.tanh(x @ a.T)
    jacobian = tape.jacobian(y, {"x": x, "other": other})
    assert jacobian["other"] is None
    whole = jacobian["x"].numpy()
    assert whole.shape == (4, 3, 4, 2)
    rows = tape.batch_jacobian(y, x).numpy()
    expected = (1 - y.numpy() ** 2)[:, :, None] * a
    np.testing.assert_allclose(rows, expected, rtol=1e-12)
    np.testing.assert_allclose(whole[range(4), :, range(4)], expected, rtol=1e-12)
    assert whole[0, :, 1:].any() == np.False_
    assert tape.jacobian(y, other, unconnected_gradients="zero").shape == (4, 3)
    with pytest.raises(ShapeError, match="batch_jacobian: shapes"):
        tape.batch_jacobian(y, other)


def test_a_jacobian_is_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from jitgrad.program.context import Context

    runs = []
    monkeypatch.setattr(Context, "run", lambda self, run=Context.run: (runs.append(1), run(self)))
    x = np.linspace(0, 1, 50)
    jitgrad.jacrev(lambda t: jitgrad.sin(t) * jitgrad.sum(t))(x).numpy()
    assert len(runs) == 1


def test_what_no_tape_knows_any_more_lets_go_of_its_operands() -> None:
    w, h = Variable(0.5), tensor(1.0)

    def alive_after_fifty_tapes() -> int:
        nonlocal h
        for _ in range(50):
            with GradientTape() as tape:
                h = jitgrad.tanh(w * h)
            tape.gradient(h, w).numpy()
            h.numpy()
        gc.collect()
        return sum(type(x) is jitgrad.Tensor for x in gc.get_objects())

    alive = alive_after_fifty_tapes()
    assert alive_after_fifty_tapes() <= alive + 5


def test_threads_record_for_themselves() -> None:
    x, entered, leave = Variable(2.0), threading.Event(), threading.Event()

    def other() -> None:
        with jitgrad.no_grad(), GradientTape():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait()
    try:
        with GradientTape() as tape:
            y = x * x
        assert float(tape.gradient(y, x)) == 4
        assert (tensor(1.0, requires_grad=True) * 2).requires_grad
        calls: list[int] = []
        f = jitgrad.function(lambda t: (calls.append(1), t * 2)[1])
        assert float(f(1.0)) == 2 and float(f(2.0)) == 4 and len(calls) == 1
    finally:
        leave.set()
        thread.join()


def test_an_exception_in_the_block_ends_the_recording() -> None:
    with pytest.raises(ZeroDivisionError), GradientTape(), jitgrad.no_grad():
        1 / 0  # noqa: B018
    assert not recording.is_active() and recording.grad_enabled()


def test_third_derivative_by_nesting() -> None:
    x = Variable(2.0)
    with GradientTape() as t3, GradientTape() as t2:
        with GradientTape() as t1:
            y = x**4
        first = t1.gradient(y, x)
        second = t2.gradient(first, x)
    assert float(t3.gradient(second, x)) == 48


def test_a_deep_chain_takes_linear_time() -> None:
    def seconds(n: int) -> float:
        x = Variable(1.0)
        start = time.process_time()  # not of whoever else uses the machine
        with GradientTape() as tape:
            y = x.read()
            for _ in range(n):
                y = y * 1.00001
        assert float(tape.gradient(y, x)) == pytest.approx(1.00001**n)
        return time.process_time() - start

    seconds(100)
    short, long = min(seconds(1_000 + i) for i in range(3)), seconds(100_000)  # of other lengths: no Program is met again
    assert long < 100 * short * 2.5
