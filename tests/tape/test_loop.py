"""Loops against the same trips written one after the other: values, and derivatives of both modes and of second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad as jg
from jitgrad.errors import ArgumentError, ShapeError, TracingError, UnsupportedError
from jitgrad.tape.loop import loop


def unrolled(
    body: Any, trips: int, carries: Any = (), moving: Any = (), *, reverse: bool = False, parallel: bool = False
) -> tuple[list[Any], list[Any]]:
    """What ``loop`` computes, without a loop."""
    carries, stacked = list(carries), []
    for k in reversed(range(trips)) if reverse else range(trips):
        carries, row = body(carries, [x[k] for x in moving])
        stacked.append(row)
    if reverse:
        stacked.reverse()
    return list(carries), [jg.stack(list(column)) for column in zip(*stacked, strict=True)]


Case = Callable[[Any, Any, Any, Any], Any]
"""A function of a loop, a vector of three, a matrix of six rows and a number, to a scalar."""


def recurrence(loop: Any, v: Any, m: Any, c: Any) -> Any:
    (h,), (y,) = loop(lambda h, x: ([jg.tanh(h[0] * c + x[0])], [h[0] * x[0]]), 6, [v], [m])
    return jg.sum(h * h) + jg.sum(jg.sin(y))


def backwards(loop: Any, v: Any, m: Any, c: Any) -> Any:
    (h,), (y,) = loop(lambda h, x: ([h[0] * 0.5 + x[0] * c], [jg.exp(h[0])]), 6, [v], [m], reverse=True)
    return jg.sum(h) + jg.sum(y * m)


def swapped(loop: Any, v: Any, m: Any, c: Any) -> Any:
    (a, b, k), _ = loop(lambda h, x: ([h[1], h[0] + c * h[1], h[2] + 1], []), 5, [v, 2 * v, 0])
    return jg.sum(a * b) + k


def unchanged(loop: Any, v: Any, m: Any, c: Any) -> Any:
    (a, b), (y, z, w) = loop(lambda h, x: ([h[0], x[0]], [x[0], h[0], jg.reshape(h[1] * c, (1, 3))]), 6, [v, v], [m])
    return jg.sum(a * b) + jg.sum(y * y) + jg.sum(z) + jg.sum(w * w)


def side_by_side(loop: Any, v: Any, m: Any, c: Any) -> Any:
    _, (y, z) = loop(lambda h, x: ([], [jg.sum(jg.sin(x[0]) * v), x[0] / (1 + c * c)]), 6, [], [m], parallel=True)
    return jg.sum(y * y) + jg.sum(z)


def nested(loop: Any, v: Any, m: Any, c: Any) -> Any:
    def inner(h: Any, x: Any) -> Any:
        return [h[0] * c + x[0]], [h[0] * h[0]]

    def outer(h: Any, x: Any) -> Any:
        (a,), (s,) = loop(inner, 3, [jg.sum(h[0])], [x[0]])
        return [h[0] * 0.3 + a], [jg.sum(s)]

    (h,), (y,) = loop(outer, 6, [v], [m])
    return jg.sum(h * h) + jg.sum(y)


def products(loop: Any, v: Any, m: Any, c: Any) -> Any:
    w = jg.reshape(m, (2, 9))[:, :9]
    w = jg.reshape(w[0], (3, 3)) * 0.3
    (h,), (y,) = loop(lambda h, x: ([jg.tanh(jg.matmul(w, h[0]) + c)], [jg.max(h[0])]), 7, [jg.reshape(v, (3, 1))])
    return jg.sum(h) + jg.sum(y * y)


def solved(loop: Any, v: Any, m: Any, c: Any) -> Any:
    def body(h: Any, x: Any) -> Any:
        return [jg.linalg.solve(jg.reshape(jg.exp(x[0]), (3, 1)) * np.eye(3) + 0.1, h[0])], [jg.linalg.det(np.eye(3) * h[0])]

    (h,), (y,) = loop(body, 6, [v], [m])
    return jg.sum(h * c) + jg.sum(y)


CASES = [recurrence, backwards, swapped, unchanged, side_by_side, nested, products, solved]
V, M, C = np.array([0.5, -0.3, 0.8]), np.random.default_rng(0).normal(size=(6, 3)), 0.7


@pytest.fixture(params=CASES, ids=lambda case: case.__name__)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_values(case: Case, dtype: str) -> None:
    given = [jg.tensor(np.asarray(x, dtype)) for x in (V, M, C)]
    found, expected = case(loop, *given), case(unrolled, *given)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12 if dtype == "float64" else 2e-5)


@pytest.mark.parametrize("argument", [0, 1, 2])
def test_gradients(case: Case, argument: int) -> None:
    found, expected = (jg.grad(lambda *x, how=how: case(how, *x), argnums=argument)(V, M, C) for how in (loop, unrolled))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-11, atol=1e-13)


def test_directional_derivatives(case: Case) -> None:
    along = (V[::-1].copy(), np.cos(M), 1.5)
    (y, found), (expected_y, expected) = (
        jg.jvp(lambda *x, how=how: case(how, *x), (V, M, C), along) for how in (loop, unrolled)
    )
    np.testing.assert_allclose(y.numpy(), expected_y.numpy(), rtol=1e-12)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-11)


def test_second_derivatives(case: Case) -> None:
    found, expected = (jg.hessian(lambda v, how=how: case(how, v, M, C))(V) for how in (loop, unrolled))
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-10, atol=1e-12)


def test_a_tape_and_a_traced_function(case: Case) -> None:
    v, c = jg.Variable(V), jg.Variable(C)

    def gradients() -> Any:
        with jg.GradientTape() as tape:
            y = case(loop, v, M, c)
        return tape.gradient(y, [v, c])

    expected = [jg.grad(lambda *x: case(unrolled, *x), argnums=k)(V, M, C).numpy() for k in (0, 2)]
    for found in (gradients(), jg.function(gradients)(), jg.function(gradients)()):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-11, atol=1e-13)


def test_no_trip_gives_the_first_carries_and_empty_stacks() -> None:
    (h,), (y,) = loop(lambda h, x: ([h[0] + x[0]], [h[0]]), 0, [V], [np.zeros((0, 3))])
    np.testing.assert_array_equal(h.numpy(), V)
    assert y.shape == (0, 3)


def test_a_single_trip_whose_carry_is_its_slice() -> None:
    (last,), _ = loop(lambda h, x: ([x[0]], []), 1, [0.5], [jg.Variable([3.0]) * 2.0])
    assert last.item() == 6.0


@pytest.mark.parametrize("reverse", [False, True])
def test_one_trip(reverse: bool) -> None:
    (h,), (y,) = loop(lambda h, x: ([h[0] + x[0]], [h[0] * x[0]]), 1, [V], [M[:1]], reverse=reverse)
    np.testing.assert_array_equal(h.numpy(), V + M[0])
    np.testing.assert_array_equal(y.numpy(), V[None] * M[:1])


def test_a_loop_is_one_step_and_its_gradient_another() -> None:
    def f(v: Any) -> Any:
        return recurrence(loop, v, M, C)

    assert jg.lower(f, V).dump().count(" loop ") == 1
    dump = jg.lower(jg.value_and_grad(f), V).dump()
    assert dump.count(" loop ") == 1  # stores the carries
    assert dump.count(" linear_recurrence ") == 1  # in reverse, since the derivative is linear in the cotangents


def test_the_program_does_not_grow_with_the_trips() -> None:
    def dumped(trips: int) -> int:
        x = np.ones((trips, 3))
        return len(
            jg.lower(jg.grad(lambda v: jg.sum(loop(lambda h, s: ([h[0] * s[0]], []), trips, [v], [x])[0][0])), V)
            .dump()
            .splitlines()
        )

    assert dumped(3) == dumped(100_000)


def test_trips_without_carries_are_shared_by_threads_to_the_bit() -> None:
    x = np.random.default_rng(1).normal(size=(64, 20_000))

    def fitted(threads: int) -> list[Any]:
        jg.set_num_threads(threads)
        v = jg.Variable(np.ones(20_000))

        def cost(rows: Any) -> Any:
            _, (sums,) = loop(lambda h, s: ([], [jg.sum(jg.tanh(s[0] * v))]), 64, [], [rows], parallel=True)
            return jg.sum(sums)

        history = jg.fit(cost, x, jg.optimizers.SGD(1e-4), epochs=3, batch_size=None)
        return [history.loss, v.numpy()]

    before = jg.get_num_threads()
    try:
        one, *others = [fitted(threads) for threads in (1, 2, 3)]
    finally:
        jg.set_num_threads(before)
    for other in others:
        for ours, first in zip(other, one, strict=True):
            np.testing.assert_array_equal(ours, first)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="moving input 0 has shape"):
        loop(lambda h, x: ([], []), 3, [], [np.ones(4)])
    with pytest.raises(ShapeError, match=r"carry 0 has shape \(\) before a trip and \(2,\) after it"):
        loop(lambda h, x: ([jg.stack([h[0], h[0]])], []), 3, [1.0])
    with pytest.raises(ShapeError, match="parallel trips cannot have carries"):
        loop(lambda h, x: (h, []), 3, [1.0], parallel=True)


def test_large_stacks_and_their_gradients() -> None:
    """Copies of a large carry are loops of parts within the loop."""
    n = 2 * 65536 + 3

    def f(h: Any) -> Any:
        (last,), (kept,) = loop(lambda h, x: ([h[0] * 0.5 + 1.0], [h[0]]), 3, [h])
        return jg.sum(last * last) + jg.sum(kept)

    x = np.linspace(-1, 1, n)
    states = [x, 0.5 * x + 1, 0.25 * x + 1.5]
    last = 0.125 * x + 1.75
    np.testing.assert_allclose(f(jg.tensor(x)).numpy(), np.sum(last**2) + np.sum(states), rtol=1e-12)
    np.testing.assert_allclose(jg.grad(f)(x).numpy(), 0.25 * last + 1.75, rtol=1e-12)


def test_a_called_op_in_a_loop_within_a_parallel_loop() -> None:
    def outer(h: Any, s: Any) -> Any:
        return [], [loop(lambda c, _: ([jg.linalg.inv(c[0])], []), 3, [s[0]])[0][0]]

    a = np.stack([np.eye(2) * k for k in range(1, 5)])
    np.testing.assert_allclose(loop(outer, 4, [], [a], parallel=True)[1][0].numpy(), np.linalg.inv(a), rtol=1e-14)


@jg.custom_gradient
def doubled(x: Any) -> Any:
    return 2 * x, lambda g: 2 * g


V0 = jg.Variable(1.0)


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (lambda h, x: ([h[0] + float(2 * h[0])], []), TracingError, "in each trip of a loop"),
        (lambda h, x: ([h[0] * 2 if h[0] > 1 else h[0]], []), TracingError, "in each trip of a loop"),
        (lambda h, x: (V0.assign(2 * h[0]), ([h[0]], []))[1], TracingError, "in each trip of a loop"),
        (lambda h, x: ([h[0] + jg.random.uniform(())], []), UnsupportedError, "one row for each trip"),
        (lambda h, x: ([doubled(h[0])], []), UnsupportedError, "a custom gradient"),
    ],
)
def test_what_a_body_cannot_do_is_refused(body: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        loop(body, 3, [1.5])
    assert V0.numpy() == 1.0


def test_a_number_of_trips_is_a_count() -> None:
    for trips in (2.5, -1, "3"):
        with pytest.raises(ArgumentError, match="trips is"):
            loop(lambda h, x: (h, []), trips, [1.0])  # type: ignore[arg-type]


def _with_constants(x: Any, a: Any, d: Any) -> tuple[Any, ...]:
    def body(carries: list[Any], slices: list[Any]) -> tuple[list[Any], list[Any]]:
        y = jg.tanh(a * carries[0] + slices[0] * jg.sum(d))
        return [y, carries[1] + 1.0], [y * y, slices[0]]

    carries, stacked = loop(body, 5, [x, 0.0], [np.linspace(0, 1, 5)])
    return *carries, *stacked


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, None), (0, 0, 0)], ids=str)
def test_rows_of_a_loop_are_one_loop_and_equal_to_each_alone(axes: tuple[int | None, ...]) -> None:
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=shape) for shape in ((3, 2), (3,), (3, 4))]
    given = [x if axis == 0 else x[0] for x, axis in zip(rows, axes, strict=True)]
    found = jg.vmap(_with_constants, in_axes=axes)(*given)
    for row in range(3):
        alone = _with_constants(*[x[row] if axis == 0 else x for x, axis in zip(given, axes, strict=True)])
        for many, one in zip(found, alone, strict=True):
            np.testing.assert_allclose(many.numpy()[row], one.numpy(), rtol=1e-14)
    assert jg.lower(jg.vmap(_with_constants, in_axes=axes), *given).dump().count(" loop ") == 1


def test_a_parallel_loop_within_a_parallel_loop() -> None:
    def outer(h: Any, x: Any) -> Any:
        inner = loop(lambda h, s: ([], [jg.sum(jg.cumsum(jg.tanh(s[0] * np.arange(5.0))))]), 3, [], [x[0]], parallel=True)
        return [], inner[1]

    x = np.linspace(0.5, 2.0, 21).reshape(7, 3)
    found = loop(outer, 7, [], [x], parallel=True)[1][0]
    np.testing.assert_allclose(found.numpy(), np.tanh(x[..., None] * np.arange(5.0)).cumsum(-1).sum(-1), rtol=1e-13)
