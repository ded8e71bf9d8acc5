"""A step that does what an earlier one did: the same values to the bit, and nothing is differentiated."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable, tensor
from jitgrad.tape import path
from jitgrad.tape.tree import tree_leaves

X = np.linspace(0.1, 1.0, 6).reshape(2, 3)


def plain(k: int) -> Any:
    w, b = Variable(np.full((3, 2), 0.5 + k)), Variable(np.float64(k))
    with GradientTape() as tape:
        loss = jitgrad.sum(jitgrad.tanh(tensor(X + k) @ w + b) ** 2)
    return tape.gradient(loss, {"w": w, "b": [b]}), loss


def several_targets(k: int) -> Any:
    a, b = Variable(1.0 + k), Variable(2.0)
    with GradientTape() as tape:
        y, z = a * b, jitgrad.exp(a)
    return tape.gradient([y, z, y], [b, a]), y, z


def unconnected(k: int) -> Any:
    a, b = Variable(1.0 + k), Variable(2.0)
    with GradientTape() as tape:
        y = a * 3.0
    return tape.gradient(y, [a, b]), y


def watched_or_not(k: int) -> Any:
    a = Variable(1.5, trainable=k % 2 == 0)
    with GradientTape() as tape:
        y = a * a
    return tape.gradient(y, a)


def given_to_watch(k: int) -> Any:
    x, z = tensor(1.5 + k), tensor(2.0)
    with GradientTape() as tape:
        tape.watch(x if k < 2 else z)
        y = x * x * z
    return tape.gradient(y, [x, z])


def intermediate(k: int) -> Any:
    a = Variable(1.5 + k)
    with GradientTape(persistent=True) as tape:
        y = a * a
        z = jitgrad.sin(y) * a
    return tape.gradient(z, [y, a]), tape.gradient(z, a), tape.gradient(y, [a, y]), tape.gradient(z, z)


def asked_for_within(k: int) -> Any:
    a = Variable(1.5 + k)
    with GradientTape() as tape:
        y = a * a
        if k % 2:
            y.numpy()
        z = jitgrad.sin(y)
    return tape.gradient(z, a), z


def not_recorded(k: int) -> Any:
    a = Variable(1.5 + k)
    with GradientTape() as tape:
        y = a * a
        with tape.stop_recording():
            c = a * 10.0
            if k % 2:
                c.numpy()
        z = y * c
    return tape.gradient(z, a), z


def read_twice(k: int) -> Any:
    a = Variable(1.5 + k)
    with GradientTape() as tape:
        y = a * a
        a.assign(3.0)
        z = y * a
    return tape.gradient(z, a), z


def literals(k: int) -> Any:
    a = Variable(2.0)
    with GradientTape() as tape:
        y = a * [0.0, -0.0, np.nan, 1.0, -1.0][k % 5] + a ** float(k % 3)
    gradient = tape.gradient(y, a)
    return gradient, 1 / (y + 0.0)


def new_literals_each_time(k: int) -> Any:
    a = Variable(2.0)
    with GradientTape() as tape:
        y = jitgrad.exp(a * (0.25 + k / 7))
    return tape.gradient(y, a), y


def dtypes(k: int) -> Any:
    a = Variable(np.ones(3, np.float32 if k % 2 else np.float64))
    with GradientTape() as tape:
        y = jitgrad.mean(a * np.arange(3 + 0 * k))
    return tape.gradient(y, a), y


def shapes(k: int) -> Any:
    a = Variable(np.ones((1 + k % 2, 3)))
    with GradientTape() as tape:
        y = jitgrad.sum(jitgrad.reshape(a, (-1,)) ** 2)
    return tape.gradient(y, a), y


def second_order(k: int) -> Any:
    a = Variable(1.5 + k)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = a**3
        first = inner.gradient(y, a)
    return outer.gradient(first, a), first


def after_a_living_tape(k: int) -> Any:
    a = Variable(1.5 + k)
    with GradientTape() as outer:
        b = a * 2.0
    with GradientTape() as tape:
        tape.watch(b)
        y = b * b
    return tape.gradient(y, b), outer.gradient(b, a)


def a_rule_that_looks(k: int) -> Any:
    @jitgrad.custom_gradient
    def f(x: Any) -> Any:
        y = x * 1.0
        return y, lambda g: g * float(x)

    a = Variable(1.5 + k)
    with GradientTape() as tape:
        y = f(a) * 2.0
    return tape.gradient(y, a)


def requires_grad(k: int) -> Any:
    x = tensor(1.5 + k, requires_grad=True)
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    g = tape.gradient(y, x)
    y.backward()
    return g.detach(), x.grad


def integers(k: int) -> Any:
    a, places = Variable(np.arange(4.0) + k), np.array([k % 4, 1])
    with GradientTape() as tape:
        y = jitgrad.sum(jitgrad.gather(a, places) ** 2)
    return tape.gradient(y, a), y


SCENARIOS = [
    plain, several_targets, unconnected, watched_or_not, given_to_watch, intermediate, asked_for_within, not_recorded,
    read_twice, literals, new_literals_each_time, dtypes, shapes, second_order, after_a_living_tape, a_rule_that_looks,
    requires_grad, integers,
]  # fmt: skip


def values(nest: Any) -> list[Any]:
    return [None if g is None else g.numpy() for g in tree_leaves(nest)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda f: f.__name__)
def test_the_same_as_differentiating_anew(scenario: Callable[[int], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = [values(scenario(k % 10)) for k in range(20)]
    monkeypatch.setattr(path, "REPLAY", False)
    expected = [values(scenario(k % 10)) for k in range(20)]
    for ours, theirs in zip(found, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert (a is None) == (b is None)
            if b is not None:
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)


def test_nothing_is_differentiated_again(monkeypatch: pytest.MonkeyPatch) -> None:
    plain(0)
    monkeypatch.setattr("jitgrad.tape.gradient_tape.differentiate", None)
    gradients, loss = plain(1)
    assert np.isfinite(gradients["w"].numpy()).all() and loss.value is not None


def test_sources_given_twice() -> None:
    x, y = Variable(np.arange(3.0)), Variable(np.ones(3))

    def gradients(sources: list[Variable]) -> list[Any]:
        with GradientTape() as tape:
            loss = jitgrad.sum(x * x)
        return values(tape.gradient(loss, sources))

    for sources in ([x, x], [y, x], [x, y], [x, x, y], [y, y], [x], [x, x]):
        for source, found in zip(sources, gradients(sources), strict=True):
            assert (found is None) == (source is y)
            np.testing.assert_array_equal(2 * np.arange(3.0) if found is not None else 0, 0 if found is None else found)


def test_operands_are_not_mistaken_for_targets() -> None:
    x = Variable(np.arange(3.0))
    for _ in range(2):
        with GradientTape() as tape:
            u, w = x * 2.0, x * 3.0
            c = jitgrad.concatenate([u, w])
        tape.gradient([w, c], x)
        with GradientTape() as tape:
            u, w = x * 2.0, x * 3.0
            c = jitgrad.concatenate([u, w, w])
        tape.gradient([c], x)
        np.testing.assert_array_equal(c.numpy(), np.tile(np.arange(3.0), 3) * np.repeat([2.0, 3.0, 3.0], 3))


def test_literals_that_keep_changing_are_differentiated_few_times(monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(10):
        new_literals_each_time(k)
    monkeypatch.setattr("jitgrad.tape.gradient_tape.differentiate", None)
    for k in range(50):
        gradient, y = new_literals_each_time(100 + k)
        c = 0.25 + (100 + k) / 7
        np.testing.assert_allclose([float(y), float(gradient)], [np.exp(2 * c), c * np.exp(2 * c)], rtol=1e-14)


def test_constants_that_rules_make_are_closed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def gradient(k: int) -> np.ndarray:
        a = Variable(np.array([[4.0, 1.0], [1.0, 3.0]]) + k * np.eye(2))
        with GradientTape() as tape:
            y = jitgrad.sum(jitgrad.linalg.cholesky(a))
        return np.asarray(tape.gradient(y, a))

    gradient(0)
    monkeypatch.setattr("jitgrad.tape.gradient_tape.differentiate", None)
    found = gradient(1)
    monkeypatch.undo()
    monkeypatch.setattr(path, "REPLAY", False)
    np.testing.assert_array_equal(found, gradient(1))


def test_gradients_of_the_users_are_let_go() -> None:
    @jitgrad.custom_gradient
    def f(x: Any) -> Any:
        return x * 1.0, lambda g: g * x

    def alive() -> int:
        for _ in range(20):
            a = Variable(np.ones(10))
            with GradientTape() as tape:
                y = jitgrad.sum(f(a) * 2.0)
            tape.gradient(y, a).numpy()
        gc.collect()
        return sum(type(x) is jitgrad.Tensor for x in gc.get_objects())

    before = alive()
    assert alive() <= before


def test_memory_does_not_grow() -> None:
    def tensors() -> int:
        gc.collect()
        return sum(type(x) is jitgrad.Tensor for x in gc.get_objects())

    for k in range(30):
        plain(k)
    before = tensors()
    for k in range(30):
        plain(k)
    assert tensors() <= before
