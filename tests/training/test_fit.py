"""The native loop: against the same steps in NumPy, its determinism, and how it ends badly."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import Variable, losses
from jitgrad.errors import ArgumentError, DataError, DTypeError, FitError, ShapeError
from jitgrad.optimizers import SGD, Adam
from jitgrad.tape.function import placeholder
from jitgrad.training import epochs
from jitgrad.training.step import STEPS_AT_ONCE, make_step


class Line:
    """y = a + b·x."""

    def __init__(self, dtype: type = np.float64) -> None:
        self.a, self.b = Variable(dtype(0), name="a"), Variable(dtype(0), name="b")

    def cost(self, x: Any, y: Any) -> Any:
        return losses.mean_squared_error(y, self.a + self.b * x)


@pytest.fixture
def line(draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    x = draw.uniform(0, 1, 103)
    return x, 0.3 + 0.5 * x + draw.normal(0, 0.1, 103)


def test_batches_in_order_are_numpys(line: Any) -> None:
    x, y = line
    model = Line()
    history = jitgrad.fit(model.cost, line, SGD(0.1), epochs=3, batch_size=20, shuffle=False)
    a = b = 0.0
    for epoch in range(3):
        total = 0.0
        for start in range(0, 103, 20):
            xb, yb = x[start : start + 20], y[start : start + 20]
            e = a + b * xb - yb
            total += np.sum(e**2)
            a, b = a - 0.1 * 2 * np.mean(e), b - 0.1 * 2 * np.mean(e * xb)
        assert history.loss[epoch] == pytest.approx(total / 103, rel=1e-13)
    assert float(model.a) == pytest.approx(a, rel=1e-12)
    assert float(model.b) == pytest.approx(b, rel=1e-12)
    assert history.history["loss"] == history.loss.tolist()
    assert history.epochs == 3


def test_every_row_is_used_once_an_epoch() -> None:
    rows = np.arange(1000.0)
    total = Variable(0.0)

    def cost(x: Any) -> Any:
        total.assign_add(jitgrad.sum(x))
        return unused**2

    unused = Variable(1.0)
    jitgrad.fit(cost, rows, SGD(1e-6), epochs=3, batch_size=7, seed=1)
    assert float(total) == 3 * rows.sum()


def test_the_order_of_rows_depends_on_seed_and_epoch() -> None:
    def losses_of(seed: int, shuffle: bool = True) -> np.ndarray:
        w = Variable(0.0)
        return jitgrad.fit(
            lambda x: jitgrad.sum(jitgrad.square(x - w)), np.arange(10.0), SGD(0.01), epochs=4, batch_size=1, seed=seed,
            shuffle=shuffle,
        ).loss  # fmt: skip

    np.testing.assert_array_equal(losses_of(1), losses_of(1))
    assert not np.array_equal(losses_of(1), losses_of(2))
    np.testing.assert_array_equal(losses_of(1, shuffle=False), losses_of(2, shuffle=False))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_seed_gives_the_same_bits_wherever_the_loop_is_cut(
    line: Any, dtype: type, monkeypatch: pytest.MonkeyPatch
) -> None:

    results = []
    for chunk in (10.0, 1e-7):
        monkeypatch.setattr(epochs, "CHUNK_SECONDS", chunk)
        model = Line(dtype)
        jitgrad.fit(model.cost, line, Adam(0.01), epochs=20, batch_size=16, seed=5)
        results.append((model.a.numpy().tobytes(), model.b.numpy().tobytes()))
    assert results[0] == results[1]


def test_the_common_seed() -> None:
    def once() -> float:
        w = Variable(0.0)
        jitgrad.random.seed(3)
        jitgrad.fit(lambda x: jitgrad.mean(jitgrad.square(x - w)), np.arange(9.0), SGD(0.1), epochs=2, batch_size=2)
        return float(w)

    assert once() == once()


def test_full_batches_reach_the_least_squares_line(line: Any) -> None:
    model = Line()
    jitgrad.fit(model.cost, line, Adam(0.05), epochs=3000, batch_size=None)
    slope, intercept = np.polyfit(*line, 1)
    assert float(model.a) == pytest.approx(intercept, abs=1e-9)
    assert float(model.b) == pytest.approx(slope, abs=1e-9)


def test_only_the_named_variables_change(line: Any) -> None:
    model = Line()
    jitgrad.fit(model.cost, line, SGD(0.1), [model.b], epochs=2)
    assert float(model.a) == 0
    assert float(model.b) != 0


def test_a_traced_cost_is_traced_once(line: Any) -> None:
    model, calls = Line(), []

    @jitgrad.function
    def cost(x: Any, y: Any) -> Any:
        calls.append(1)
        return model.cost(x, y)

    optimizer = SGD(0.1)
    first = jitgrad.fit(cost, line, optimizer, epochs=2, batch_size=None).loss
    optimizer.learning_rate = 0.2
    second = jitgrad.fit(cost, line, optimizer, epochs=2, batch_size=None).loss
    assert len(calls) == 1
    assert second[0] < first[-1]


def test_divergence_keeps_the_last_finite_parameters(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(epochs, "CHUNK_SECONDS", 1e-7)
    w = Variable(1.0)
    with pytest.raises(FitError, match=r"epoch \d+.*smaller learning rate"):
        jitgrad.fit(lambda x: jitgrad.sum(x * jitgrad.square(jitgrad.square(w))), np.ones(3), SGD(0.3), epochs=100)
    assert np.isfinite(float(w))


def test_a_loss_that_is_infinite_while_the_parameters_are_not() -> None:
    w = Variable(1.0)

    def cost() -> Any:
        return w + jitgrad.stop_gradient(jitgrad.where(w > 0.55, 0.0, np.inf))

    with pytest.raises(FitError, match="epoch 6"):
        SGD(0.1).minimize(cost, steps=100)
    assert float(w) == 1


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((np.ones(3), np.ones(4)), DataError, "Data array 0 has 3, Data array 1 has 4"),
        (np.array([1.0, np.nan]), DataError, "row 1"),
        ((np.ones(2), np.array([np.inf, 1.0])), DataError, "Data array 1 has nan or inf in row 0"),
        (np.zeros((0, 2)), DataError, "no rows"),
        ((), DataError, "no data arrays"),
        (np.array([object()]), DTypeError, "dtype object"),
    ],
)
def test_bad_data(data: Any, error: type[Exception], message: str) -> None:
    w = Variable(0.0)
    with pytest.raises(error, match=message):
        jitgrad.fit(lambda *xs: jitgrad.sum(w * xs[0]), data, SGD())
    assert float(w) == 0


def test_bad_arguments(line: Any) -> None:
    model = Line()
    with pytest.raises(ArgumentError, match="epochs is 0"):
        jitgrad.fit(model.cost, line, SGD(), epochs=0)
    with pytest.raises(ArgumentError, match="batch_size is -1"):
        jitgrad.fit(model.cost, line, SGD(), batch_size=-1)
    with pytest.raises(ShapeError, match="Reduce it"):
        jitgrad.fit(lambda x, y: x * model.a, line, SGD())
    with pytest.raises(ArgumentError, match="no trainable Variable"):
        jitgrad.fit(lambda x, y: jitgrad.sum(x), line, SGD())
    with pytest.raises(ShapeError, match=r"add: shapes \(32,\) and \(5,\)"):
        jitgrad.fit(lambda x, y: jitgrad.sum(x + np.ones(5) * model.a), line, SGD())


def test_ctrl_c_leaves_the_last_finished_chunk() -> None:
    w = Variable(0.0)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    started = time.perf_counter()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        jitgrad.fit(lambda x: jitgrad.mean(jitgrad.square(x - w)), np.arange(100.0), SGD(1e-9), epochs=10**8, batch_size=None)
    assert time.perf_counter() - started < 3
    assert 0 < float(w) < 50
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_progress_goes_to_stderr(line: Any, capsys: pytest.CaptureFixture[str]) -> None:
    jitgrad.fit(Line().cost, line, SGD(0.1), epochs=5, verbose=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "5/5" in err
    assert "loss" in err
    jitgrad.fit(Line().cost, line, SGD(0.1), epochs=5)
    assert capsys.readouterr() == ("", "")


def test_threads_fit_at_the_same_time(line: Any) -> None:
    def work(results: list[float]) -> None:
        model = Line()
        jitgrad.fit(model.cost, line, SGD(0.1), epochs=50, seed=0)
        results.append(float(model.a))

    results: list[float] = []
    threads = [threading.Thread(target=work, args=(results,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_a_last_batch_that_changes_other_variables_is_refused() -> None:
    a, wide = Variable(1.0), Variable(np.full(1000, 1e-3))

    def cost(x: Any) -> Any:
        loss = jitgrad.mean(jitgrad.square(x - a))
        return loss + jitgrad.sum(wide * wide) if x.shape[0] == 4 else loss

    with (
        pytest.warns(UserWarning, match="no gradient"),
        pytest.raises(ArgumentError, match="different Variables for the last batch of 2 rows than for one of 4"),
    ):
        jitgrad.fit(cost, np.ones(10), SGD(0.1), epochs=3, batch_size=4)
    assert float(a) == 1


def test_the_order_in_which_a_last_batch_uses_variables_does_not_matter() -> None:
    a, b = Variable(1.0), Variable(100.0)

    def cost(x: Any) -> Any:
        first, second = jitgrad.square(x - a), 3 * jitgrad.square(x - b)
        return jitgrad.mean(first + second if x.shape[0] == 4 else second + first)

    assert jitgrad.fit(cost, np.zeros(6), SGD(1e-12), epochs=1, batch_size=4).loss[0] == pytest.approx(30001)
    assert float(a) == pytest.approx(1)
    assert float(b) == pytest.approx(100)


def test_a_value_read_before_the_fit_stays_what_it_was() -> None:
    found = []
    for anchor in (lambda w: jitgrad.tensor(w), lambda w: w.read(), lambda w: +w, lambda w: w.reshape(()), lambda w: 1.0):
        w = Variable(1.0)
        start = anchor(w)

        def cost(x: Any, w: Variable = w, start: Any = start) -> Any:
            return jitgrad.mean(jitgrad.square(x - w)) + 10 * jitgrad.square(w - start)

        jitgrad.fit(cost, np.full(8, 5.0), SGD(0.01), epochs=300, batch_size=None)
        found.append(float(w))
    assert found == pytest.approx([found[-1]] * 5, rel=1e-12)


def test_data_that_a_program_cannot_hold() -> None:
    w = Variable(np.float32(0))
    with pytest.raises(DTypeError, match="not exact in float32"):
        jitgrad.fit(lambda x: jitgrad.mean(jitgrad.square(x - w)), np.array([2**24 + 1]), SGD())
    with pytest.raises(DataError, match="in row 1 that exceeds the range of float32"):
        jitgrad.fit(lambda x: jitgrad.mean(jitgrad.square(x - w)), np.array([1.0, 1e300]), SGD())
    assert float(w) == 0


def test_freezing_a_variable_between_two_fits() -> None:
    a, b = Variable(1.0), Variable(1.0)
    cost = jitgrad.function(lambda: jitgrad.square(a) + jitgrad.square(b))
    optimizer = SGD(0.1)
    optimizer.minimize(cost, steps=1)
    b.trainable = False
    optimizer.minimize(cost, steps=1)
    assert (float(a), float(b)) == (pytest.approx(0.64), pytest.approx(0.8))


def test_arguments_of_other_kinds(line: Any) -> None:
    model = Line()
    jitgrad.fit(model.cost, line, SGD(0.1), model.b, epochs=np.int64(1))
    assert float(model.b) != 0
    for more in ({"seed": -1}, {"seed": 2**64}, {"epochs": 1e1}, {"batch_size": 2.5}):
        with pytest.raises(ArgumentError, match=next(iter(more))):
            jitgrad.fit(model.cost, line, SGD(0.1), **more)


def test_large_sums_of_a_full_batch_do_not_fill_the_memory() -> None:
    """Steps on all rows keep their sums until the run of the Program ends: fewer steps, where the sums are many."""
    w = Variable(np.zeros(3))

    def cost(x: Any) -> Any:
        return jitgrad.mean(jitgrad.square(x @ w - 1.0)), jitgrad.tile(jitgrad.sum(x), (70_000,))

    step = make_step(cost, [placeholder((4, 3))], SGD(0.1), None, STEPS_AT_ONCE)
    assert step.trips == 1 and step.program.size < 10 * 70_000
