"""Loop distribution: random bodies against the same loops run trip by trip, and what becomes of typical recurrences."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.program.passes import distribute, tile_rows
from jitgrad.tape.executable import PROGRAMS
from jitgrad.tape.loop import loop

Function = Callable[..., Any]
SHAPES = [(), (3,), (2, 2)]


def random_body(seed: int) -> tuple[Function, list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return a random body of bounded values, and the shapes of its carries and slices."""
    rng = np.random.default_rng(seed)
    shapes = [SHAPES[k] for k in rng.integers(len(SHAPES), size=2)]
    carries = [shapes[k] for k in rng.integers(2, size=rng.integers(1, 4))]
    slices = [shapes[k] for k in rng.integers(2, size=rng.integers(0, 3))]
    lines = [(int(rng.integers(9)), *rng.integers(1000, size=3).tolist()) for _ in range(rng.integers(1, 9))]
    outputs = rng.integers(1000, size=len(carries) + 2).tolist()

    def body(h: Any, x: Any, c: Any) -> Any:
        known = [*h, *x, c, 0.5 * h[0]]
        for op, i, j, k in lines:
            a, b, s = (known[n % len(known)] for n in (i, j, k))
            fits = {b.shape, ()} >= {a.shape} or {a.shape, ()} >= {b.shape}
            if not fits or op == 8:
                made = jg.sum(0.3 * a)
            elif op == 4:
                made = jg.where(jg.sum(s) > 0, a, b)
            else:
                made = [
                    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: jg.tanh(a) * b, lambda a, b: a / (2 + b * b), None,
                    jg.maximum, lambda a, b: 0.7 * a - 0.1, lambda a, b: jg.tanh(a * b),
                ][op](a, b)  # fmt: skip
            known.append(made)
        found = [known[n % len(known)] for n in outputs]
        following = [_shaped(y, shape) for y, shape in zip(found, carries, strict=False)]
        return [0.5 * jg.tanh(y) + 0.3 * y if n % 2 else 0.8 * y for n, y in zip(outputs, following, strict=False)], found[-2:]

    return body, carries, slices


def _shaped(y: Any, shape: tuple[int, ...]) -> Any:
    return y if y.shape == shape else jg.sum(y) * 0.1 + np.zeros(shape)


def of_a_loop(seed: int, trips: int) -> tuple[Function, list[np.ndarray]]:
    """Return a scalar function of the operands of a random loop, and operands."""
    body, carries, slices = random_body(seed)
    rng = np.random.default_rng(seed + 1000)
    operands = [rng.normal(size=shape) for shape in carries] + [rng.normal(size=(trips, *shape)) for shape in slices]
    operands.append(rng.normal())
    reverse, n = bool(seed % 2), len(carries)

    def f(*operands: Any) -> Any:
        last, stacks = loop(lambda h, x: body(h, x, operands[-1]), trips, operands[:n], operands[n:-1], reverse=reverse)
        return sum(jg.sum(jg.sin(y)) for y in (*last, *stacks, *operands))

    return f, operands


def run(f: Function, operands: list[Any]) -> list[np.ndarray]:
    """Lower a function and run it."""
    PROGRAMS.clear()
    found = jg.function(f)(*operands)
    return [y.numpy() for y in (found[0], *found[1])] if isinstance(found, tuple) else [found.numpy()]


@pytest.mark.parametrize("trips", [1, 2, 7])
@pytest.mark.parametrize("seed", range(40))
def test_random_bodies(seed: int, trips: int, monkeypatch: pytest.MonkeyPatch) -> None:
    f, operands = of_a_loop(seed, trips)
    gradient = jg.value_and_grad(f, argnums=tuple(range(len(operands))))

    def second(*operands: Any) -> Any:
        return jg.jvp(lambda *x: jg.grad(f)(*x), operands, operands)[1]

    found = run(gradient, operands) + run(second, operands)
    monkeypatch.setattr(distribute, "_distributes", lambda loop: False)
    expected = run(gradient, operands) + run(second, operands)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11)


X = np.linspace(-1.0, 1.0, 9)


def smoothing(a: Any) -> Any:
    """Simple exponential smoothing: the squared errors of one step ahead."""
    _, (e,) = loop(lambda h, x: ([a * x[0] + (1 - a) * h[0]], [x[0] - h[0]]), 9, [X[0]], [X])
    return jg.sum(e * e)


def holt(a: Any) -> Any:
    """Holt's method: a level and a trend, which are affine in each other."""

    def body(h: Any, x: Any) -> Any:
        level = a * x[0] + (1 - a) * (h[0] + h[1])
        return [level, 0.2 * (level - h[0]) + 0.8 * h[1]], [x[0] - h[0] - h[1]]

    _, (e,) = loop(body, 9, [X[0], 0.1], [X])
    return jg.sum(e * e)


def autoregression(a: Any) -> Any:
    (h, _), _ = loop(lambda h, x: ([a * h[0] - 0.3 * h[1] + x[0], h[0]], []), 9, [0.1, 0.2], [X])
    return h


def garch(a: Any) -> Any:
    """The variance of the next day depends on the return and the variance of the day before, which is a delay."""

    def body(h: Any, x: Any) -> Any:
        variance = 0.1 + a * h[0] + 0.8 * h[1]
        return [x[0] * x[0], variance], [jg.log(variance) + x[0] * x[0] / variance]

    _, (y,) = loop(body, 9, [0.5, 0.5], [X])
    return jg.sum(y)


def total(a: Any) -> Any:
    (h,), _ = loop(lambda h, x: ([h[0] + jg.exp(a * x[0])], []), 9, [0.0], [X], reverse=True)
    return h


def held(a: Any) -> Any:
    """A carry that keeps its value if a condition holds."""
    (h,), (y,) = loop(lambda h, x: ([jg.where(x[0] > 0, h[0], a * h[0] + x[0])], [h[0]]), 9, [0.3], [X])
    return h + jg.sum(y)


def logistic(a: Any) -> Any:
    _, (y,) = loop(lambda h, x: ([a * h[0] * (1 - h[0])], [h[0] + jg.exp(x[0])]), 9, [0.3], [X])
    return jg.sum(y)


def largest(a: Any) -> Any:
    (h,), _ = loop(lambda h, x: ([jg.maximum(0.9 * h[0], jg.sin(a * x[0]))], []), 9, [0.3], [X])
    return h


def large(a: Any) -> Any:
    """A matrix product, larger than anything that the loop reads or stores: it remains."""
    (h,), _ = loop(lambda h, x: ([h[0] + jg.sum(jg.exp(a * x[0] * np.ones((30, 30))))], []), 9, [0.0], [X])
    return h


@pytest.mark.parametrize(
    ("f", "loops", "recurrences"),
    [
        (smoothing, 0, 1), (holt, 0, 1), (autoregression, 0, 1), (garch, 0, 1), (total, 0, 0), (held, 0, 1), (logistic, 1, 0),
        (largest, 1, 0), (large, 1, 0),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)  # fmt: skip
def test_what_becomes_of_a_loop(f: Function, loops: int, recurrences: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dump = jg.lower(f, 0.4).dump()
    assert (dump.count(" loop "), dump.count(" linear_recurrence ")) == (loops, recurrences)
    found = [*run(f, [0.4]), *run(jg.grad(f), [0.4])]
    monkeypatch.setattr(distribute, "_distributes", lambda loop: False)
    np.testing.assert_allclose(found, [*run(f, [0.4]), *run(jg.grad(f), [0.4])], rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("a", [0.0, -0.97, 1.0, 1e-9, 1e9, np.nan, np.inf], ids=str)
@pytest.mark.parametrize("trips", [2, 3, 4, 11])
def test_a_constant_coefficient(a: float, trips: int, reverse: bool, dtype: Any) -> None:
    """The trips are computed four at a time, unless powers of the coefficient could underflow or overflow."""
    x = np.random.default_rng(0).normal(size=trips).astype(dtype)
    with np.errstate(all="ignore"):
        expected, h = np.zeros_like(x), dtype(0.5)
        for t in reversed(range(trips)) if reverse else range(trips):
            expected[t] = h = dtype(a) * h + x[t]
    body: Any = lambda h, s: ([a * h[0] + s[0]], [a * h[0] + s[0]])  # noqa: E731
    found = jg.function(lambda x: loop(body, trips, [jg.stop_gradient(x[0] * 0 + dtype(0.5))], [x], reverse=reverse)[1][0])(x)
    assert found.dtype == dtype
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5 if dtype is np.float32 else 1e-13)


def test_a_nan_spreads_from_its_trip_on() -> None:
    x = np.ones(20)
    x[7] = np.nan
    y = jg.function(lambda x: loop(lambda h, s: ([0.5 * h[0] + s[0]], [h[0]]), 20, [0.0], [x])[1][0])(x).numpy()
    np.testing.assert_array_equal(np.isnan(y), np.arange(20) > 7)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape", [(), (3,)], ids=str)
@pytest.mark.parametrize("k", [2, 3])
def test_a_nan_stays_in_the_recurrences_that_depend_on_it(k: int, shape: tuple[int, ...], reverse: bool) -> None:
    def f(first: Any, xs: Any) -> Any:
        return jg.scan(lambda h, x: ([h[-1] * 0.5 + x, *h[:-1]], h[0]), first, xs, reverse=reverse)[1]

    x = np.ones((20, *shape))
    x[8] = np.nan
    y = run(lambda *args: (args[0], [f([*args[:-1]], args[-1])]), [*np.ones((k, *shape)), x])[-1]
    trips = np.arange(20)[:: -1 if reverse else 1]
    expected, h = np.empty((20, *shape)), [np.ones(shape)] * k
    for t in trips:
        expected[t], h = h[0], [h[-1] * 0.5 + x[t], *h[:-1]]
    assert 0 < np.isnan(expected).sum() < expected.size / 2
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_a_last_value_may_be_a_step_within_a_recurrence() -> None:
    def f(x: Any, xs: Any) -> Any:
        (_, inner), _ = jg.scan(lambda c, x: ((0.5 * (0.25 * c[0] + 1) + x, 0.25 * c[0] + 1), None), (x, 0.0), xs)
        return inner

    (found,) = run(f, [2.0, np.array([1.0, 2.0, 4.0])])
    assert found == 0.25 * (0.5 * (0.25 * (0.5 * (0.25 * 2 + 1) + 1) + 1) + 2) + 1


def test_a_long_loop_without_arrays_needs_no_memory_for_each_trip() -> None:
    program = jg.lower(lambda c: loop(lambda h, x: ([0.5 * h[0] + c], []), 10**8, [c])[0][0], 1.0)
    assert program.size < 100


@pytest.mark.parametrize("trips", [2048, 2100])
@pytest.mark.parametrize("seed", [2, 11, 17, 36, 48, 54, 76, 80, 87])
def test_blocks_of_trips(seed: int, trips: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long loops: what is vectorized is computed for one block of trips after the other, between recurrences."""
    f, operands = of_a_loop(seed, trips)
    gradient = jg.value_and_grad(f, argnums=tuple(range(len(operands))))
    monkeypatch.setattr(tile_rows, "LEAST_ELEMENTS", 1)
    monkeypatch.setattr(tile_rows, "BLOCK_ELEMENTS", 128)
    assert re.search(r" loop .* lanes=8 ", jg.lower(gradient, *operands).dump())
    found = run(gradient, operands)
    monkeypatch.setattr(distribute, "_distributes", lambda loop: False)
    for ours, theirs in zip(found, run(gradient, operands), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)
