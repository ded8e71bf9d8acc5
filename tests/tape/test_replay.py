"""A step that does what an earlier one did: the same values to the bit, and nothing is differentiated."""

from __future__ import annotations

import functools
import gc
import itertools
import linecache
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import GradientTape, Variable, tensor
from jitgrad.program.context import Context
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


STATE: dict[str, Any] = {}


def begun(k: int, make: Callable[[], Any]) -> Any:
    """What a loop goes on with, made anew in its first step."""
    if k == 0:
        STATE["now"] = make()
    return STATE["now"]


def line(k: int) -> Any:
    w, b = begun(k, lambda: (Variable(np.full((3, 2), 0.5)), Variable(0.0)))
    with GradientTape() as tape:
        loss = jitgrad.sum(jitgrad.tanh(tensor(X + k) @ w + b) ** 2)
    gradients = tape.gradient(loss, [w, b])
    w.assign_sub(0.01 * gradients[0])
    b.assign_sub((0.01 + k / 100) * gradients[1])
    return loss, w.read(), b.read()


def stepped(name: str, k: int, **options: Any) -> Any:
    optimizer, w, b = begun(
        k, lambda: (jitgrad.optimizers.OPTIMIZERS[name](**options), Variable(np.full((3, 2), 0.5)), Variable(0.0))
    )
    with GradientTape() as tape:
        loss = jitgrad.sum(jitgrad.tanh(tensor(X + k % 3) @ w + b) ** 2)
    gradients = tape.gradient(loss, [w, b])
    optimizer.apply_gradients(zip(gradients, [w, b], strict=True))
    if k % 4 == 1:  # values are asked for between, or never
        return loss, gradients
    if k % 4 == 2:
        return gradients, w.read(), loss
    if k == 7 and optimizer.schedule is None:
        optimizer.learning_rate = 0.05
    return w.read() if k == 9 else ()


def several_optimizers(k: int) -> Any:
    (one, two), (w, b) = begun(
        k,
        lambda: ((jitgrad.optimizers.Adam(0.1), jitgrad.optimizers.SGD(0.1, momentum=0.9)), (Variable(X), Variable(X[0]))),
    )
    with GradientTape(persistent=True) as tape:
        first, second = jitgrad.sum((w - b) ** 2), jitgrad.mean(jitgrad.exp(w * b))
    one.apply_gradients([(tape.gradient(first, w), w)])
    two.apply_gradients([(tape.gradient(second, b), b)])
    return (first, second, w.read(), b.read()) if k % 3 == 0 else ()


def branches(k: int) -> Any:
    w = begun(k, lambda: Variable(1.5))
    with GradientTape() as tape:
        y = w * w
        if k % 3 == 0 and float(y) > 0:
            y = jitgrad.sin(y)
        for _ in range(k % 4):
            y = y * w
    gradient = tape.gradient(y, w)
    if k % 2 and float(gradient) > 1:
        gradient = gradient / 2.0
    w.assign_sub(0.01 * gradient)
    return y, w.read()


def written_outside(k: int) -> Any:
    w, optimizer = begun(k, lambda: (Variable([1.0, 2.0]), jitgrad.optimizers.Adam(0.1)))
    with GradientTape() as tape:
        loss = jitgrad.sum(w**2)
    optimizer.apply_gradients([(tape.gradient(loss, w), w)])
    if k % 3 == 1:
        w.assign([5.0, k])
    if k % 3 == 2:
        w.assign(w * 2.0)
    return loss, w.read()


def kept_for_later(k: int) -> Any:
    w, optimizer, kept = begun(k, lambda: (Variable([1.0, 2.0]), jitgrad.optimizers.SGD(0.1), []))
    with GradientTape() as tape:
        loss = jitgrad.sum(jitgrad.exp(w) * w)
    kept.append((loss, tape.gradient(loss, w)))
    optimizer.apply_gradients([(kept[-1][1], w)])
    return kept if k in (5, 9) else ()


def averaged_statistics(k: int) -> Any:
    """Assignments under the tape, as of batch normalisation."""
    w, mean, optimizer = begun(k, lambda: (Variable(X[0]), Variable(np.zeros(3)), jitgrad.optimizers.SGD(0.1)))
    with GradientTape() as tape:
        y = tensor(X + k % 2) * w
        mean.assign(0.9 * mean + 0.1 * jitgrad.mean(y, 0).detach())
        loss = jitgrad.mean((y - jitgrad.mean(y, 0)) ** 2)
    optimizer.apply_gradients([(tape.gradient(loss, w), w)])
    return (loss, mean.read()) if k % 2 else ()


def by_backward(k: int) -> Any:
    w, b, optimizer = begun(
        k, lambda: (Variable(X[0], requires_grad=True), Variable(0.5, requires_grad=True), jitgrad.optimizers.Adam(0.1))
    )
    loss = jitgrad.mean((tensor(X) * w + b) ** 2)
    loss.backward()
    if k % 3:  # they add up where they are not let go
        optimizer.apply_gradients([(w.grad, w), (b.grad, b)])
        w.zero_grad()
        b.zero_grad()
    return loss.item(), w.detach(), w.grad


def asked_for_after_backward(k: int) -> Any:
    v = Variable(np.arange(3.0) + k, requires_grad=True)
    h = v * 2.0
    jitgrad.sum(h * h).backward()
    return (h.numpy() if k % 5 == 2 else 0), v.grad


def used_after_backward(k: int) -> Any:
    v, optimizer = Variable(np.arange(3.0) + k, requires_grad=True), jitgrad.optimizers.SGD(0.1)
    loss = jitgrad.sum((v * 2.0) ** 2)
    loss.backward()
    gradient = v.grad
    optimizer.apply_gradients([(gradient, v)])
    found = [v.detach().numpy()]
    if k % 5 == 2:
        found.append((loss.detach() * 3.0).numpy())
    return found, gradient


def used_after_a_reset(k: int) -> Any:
    v = Variable(np.arange(3.0) + k)
    with GradientTape() as tape:
        h = v * 2.0
        loss = jitgrad.sum(h * h)
    gradient = tape.gradient(loss, v)
    tape.reset()
    found = [h.numpy(), (h * 3.0).numpy()] if k % 5 == 2 else []
    return found, gradient, loss


def shown_before_the_update(k: int) -> Any:
    v, optimizer = Variable(np.arange(3.0) + k, requires_grad=True), jitgrad.optimizers.SGD(0.1)
    jitgrad.sum((v * 2.0) ** 2).backward()
    optimizer.apply_gradients([(v.grad, v)])
    return (v.grad.numpy() if k % 5 == 2 else 0), v.detach()


def gradients_one_after_the_other(k: int) -> Any:
    w, b, optimizer = Variable(np.arange(3.0) + k), Variable(0.5), jitgrad.optimizers.SGD(0.1)
    with GradientTape(persistent=True) as tape:
        loss = jitgrad.sum((w + b) ** 2)
    first = tape.gradient(loss, w)
    optimizer.apply_gradients([(first, w)])
    shown = first.numpy()
    optimizer.apply_gradients([(tape.gradient(loss, b), b)])
    return shown, w, b


def bases_that_are_literals(k: int) -> Any:
    x, base = Variable(np.array([1.5, 2.5])), [2.0, 3.0, 0.5, 7.0, 1.25, 3.0, 5.0, 0.5, 11.0, 3.0][k]
    with GradientTape() as tape:
        y = jitgrad.sum(base**x)
    return tape.gradient(y, x), y


def frozen_after_a_write(k: int) -> Any:
    v = Variable(1.0)
    with GradientTape() as tape:
        y = v * v
        v.assign(3.0)
        v.trainable = k % 5 != 3
    return tape.gradient(y, v), v


def asked_for_when_the_gradient_is_known(k: int) -> Any:
    v = Variable(np.arange(3.0) + k, requires_grad=True)
    h = v * 2.0
    loss = jitgrad.sum(h * h)
    loss.backward()
    v.grad.numpy()
    with pytest.raises(jitgrad.errors.TapeError, match="released by an earlier backward"):
        jitgrad.sum(h * 3.0).backward()
    return h.numpy(), loss.numpy()


def two_backwards(k: int) -> Any:
    w = begun(k, lambda: Variable(X[0], requires_grad=True))
    w.zero_grad()
    y = jitgrad.sum(w * 2.0)
    z = jitgrad.sum(w * w)
    y.backward()
    z.backward()
    with jitgrad.no_grad():
        w.assign_sub(0.1 * w.grad)
    return w.grad, w.detach(), y.detach()


def several_results(k: int) -> Any:
    w = begun(k, lambda: Variable(np.eye(3) + 0.1))
    with GradientTape() as tape:
        values, vectors = jitgrad.linalg.eigh(w + w.T)
        loss = jitgrad.sum(values**2) + jitgrad.sum(vectors[0] ** 4)
    gradient = tape.gradient(loss, w)
    w.assign_sub(0.01 * gradient)
    return gradient, loss


def frozen_on_the_way(k: int) -> Any:
    w, b = begun(k, lambda: (Variable(2.0), Variable(3.0)))
    b.trainable = k % 3 != 1
    with GradientTape() as tape:
        y = w * b * b
    return [g for g in tape.gradient(y, [w, b]) if g is not None], y


def a_tape_that_is_reset(k: int) -> Any:
    tape, w = begun(k, lambda: (GradientTape(persistent=True), Variable(2.0)))
    with tape:
        y = w * w * (1.0 + k)
    gradient = tape.gradient(y, w)
    tape.reset()
    return gradient


def asked_beside_the_update(k: int) -> Any:
    """Values of the forward pass that are asked for while the update waits."""
    w, b, optimizer = begun(k, lambda: (Variable(np.ones(3)), Variable(0.5), jitgrad.optimizers.SGD(0.1)))
    with GradientTape() as tape:
        before = w.read()
        y = jitgrad.tanh(tensor(X) @ w + b)
        loss = jitgrad.sum(y**2)
    optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
    if k % 4 == 3:
        return loss, y, before
    hits = jitgrad.sum(y > 0.2)
    first = int(hits) if k % 2 else float(jitgrad.max(y))
    return tensor(first), before, loss, jitgrad.argmax(y), tensor(w.numpy())


def other_dtypes_beside_the_update(k: int) -> Any:
    (w,) = begun(k, lambda: (Variable(np.full(3, 0.1, np.float32)),))
    with GradientTape() as tape:
        loss = jitgrad.sum(w * w)
    w.assign_sub(0.3 * tape.gradient(loss, w))
    wide = jitgrad.sum(w.read() if k % 2 else loss * tensor(np.array(1 / 3)))
    return wide, loss, tensor(w.numpy())


def gradients_beside_the_update(k: int) -> Any:
    w, b = begun(k, lambda: (Variable(np.ones(3), requires_grad=True), Variable(np.full(3, 2.0), requires_grad=True)))
    for v in (w, b):
        v.zero_grad()
    loss = jitgrad.sum(w * b * w)
    loss.backward()
    w.assign_sub(0.1 * w.grad)
    norm = jitgrad.sum(w.grad * w.grad) + jitgrad.sum(b.grad)
    return tensor(norm.item()), tensor(loss.item()), w.detach()


OPTIMIZERS = [functools.partial(stepped, name) for name in jitgrad.optimizers.OPTIMIZERS]
OPTIMIZERS += [functools.partial(stepped, "sgd", clipnorm=0.1), functools.partial(stepped, "adamw", global_clipnorm=0.1)]
OPTIMIZERS += [
    functools.partial(stepped, "adam", learning_rate=jitgrad.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5)),
    functools.partial(stepped, "sgd", momentum=0.9, nesterov=True),
]

SCENARIOS = [
    line, several_optimizers, branches, written_outside, kept_for_later, averaged_statistics, by_backward, two_backwards,
    bases_that_are_literals, frozen_after_a_write, gradients_one_after_the_other,
    asked_for_when_the_gradient_is_known,
    asked_for_after_backward, used_after_backward, used_after_a_reset, shown_before_the_update,
    asked_beside_the_update, other_dtypes_beside_the_update, gradients_beside_the_update,
    several_results, frozen_on_the_way, a_tape_that_is_reset, *OPTIMIZERS,
    plain, several_targets, unconnected, watched_or_not, given_to_watch, intermediate, asked_for_within, not_recorded,
    read_twice, literals, new_literals_each_time, dtypes, shapes, second_order, after_a_living_tape, a_rule_that_looks,
    requires_grad, integers,
]  # fmt: skip


def values(nest: Any) -> list[Any]:
    return [None if g is None else np.array(g) for g in tree_leaves(nest)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda f: getattr(f, "__name__", "stepped"))
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


def test_numbers_of_rules_are_not_those_of_the_code() -> None:
    def gradient(factor: int, other: float) -> float:
        w = Variable(3.0)
        with GradientTape() as tape:
            y = factor * jitgrad.square(w) + other * w
        return float(tape.gradient(y, w))

    for k in range(12):  # the factor is the number that the rule makes, too
        gradient(2, 0.05 + k / 10)
    for factor in (5, 7, 2):
        np.testing.assert_allclose(gradient(factor, 0.3), factor * 6.0 + 0.3, rtol=1e-14)


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


def test_a_step_is_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(6):
        stepped("adam", k)
    runs: list[object] = []
    run = Context.run
    monkeypatch.setattr(Context, "run", lambda self, *part: (runs.append(self), run(self, *part)))
    optimizer, w, b = STATE["now"]
    w.numpy(), b.numpy()  # makes what the last step left
    runs.clear()
    for _ in range(10):
        with GradientTape() as tape:
            loss = jitgrad.sum(jitgrad.tanh(tensor(X) @ w + b) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
        assert np.isfinite(float(loss))
    assert len(runs) == 10


def test_a_step_is_one_run_with_what_is_asked_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(8):
        asked_beside_the_update(2 * k)
    runs: list[object] = []
    run = Context.run
    monkeypatch.setattr(Context, "run", lambda self, *part: (runs.append(self), run(self, *part)))
    optimizer, w = jitgrad.optimizers.SGD(0.1), Variable(np.ones(3), requires_grad=True)
    for _ in range(10):
        w.zero_grad()
        y = tensor(X) @ w
        loss = jitgrad.sum(y**2)
        loss.backward()
        optimizer.apply_gradients([(w.grad, w)])
        assert int(jitgrad.sum(y > 0)) >= 0
        assert loss.item() >= 0
    assert len(runs) == 10


def test_nothing_waits_for_ever() -> None:
    w = Variable(np.zeros(3))
    optimizer = jitgrad.optimizers.SGD(1.0)
    for k in range(50):
        optimizer.apply_gradients([(tensor(np.full(3, -1.0)), w)])
        w.assign(np.full(3, k) + 0.0 * w)
        optimizer.apply_gradients([(tensor(np.full(3, -1.0)), w)])
        w.assign_add(1.0)
    np.testing.assert_array_equal(w.numpy(), [51.0] * 3)


def test_threads_take_the_same_path() -> None:
    wrong: list[object] = []

    def use(seed: int) -> None:
        try:
            w, optimizer = Variable(np.full(3, float(seed))), jitgrad.optimizers.SGD(0.25)
            expected = np.full(3, float(seed))
            for _ in range(200):
                with GradientTape() as tape:
                    loss = jitgrad.sum(w * w)
                optimizer.apply_gradients([(tape.gradient(loss, w), w)])
                assert float(loss) == np.sum(expected * expected)
                expected = expected - 0.25 * (2 * expected)
                np.testing.assert_array_equal(w.numpy(), expected)
                w.assign_add(1.0 * seed)
                expected = expected + seed
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_variable_that_threads_share() -> None:
    w, lock = Variable(0.0), threading.Lock()

    def add() -> None:
        for _ in range(200):
            with lock:
                w.assign_add(1.0)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert float(w) == 800


def test_threads_that_write_at_once() -> None:
    a, b, wrong = Variable(np.ones(3)), Variable(np.full(3, 2.0)), []

    def train(k: int) -> None:
        optimizer, variables = jitgrad.optimizers.SGD(1e-4), [a, b] if k % 2 else [b, a]
        try:
            for _ in range(200):
                with GradientTape() as tape:
                    loss = jitgrad.sum(a * b * (1.0 + k))
                optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
                if k == 3:
                    assert np.isfinite(float(loss))
        except BaseException as error:
            wrong.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=train, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(interval)
    assert wrong == []


def test_an_exception_on_the_way_leaves_what_was_asked_for() -> None:
    w = Variable(1.0)

    def step() -> None:
        with GradientTape():
            w.assign(w * 2.0)
            raise ZeroDivisionError

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            step()
    assert float(w) == 8


def _interrupted(n: int, files: tuple[str, ...], step: Callable[[], Any]) -> bool:
    """Do a step with an interrupt before the n-th line that runs of these files; whether it came.

    None comes at a line ``with lock:``, which is traced once more before the lock is released, and none at ``try:``, which no
    block covers: no signal is handled there.
    """
    lines = itertools.count(1)

    def line(frame: Any, event: str, arg: Any) -> Any:
        text = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and not text.lstrip().startswith(("with ", "try:")) and next(lines) == n:
            raise KeyboardInterrupt
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, event, arg: line if frame.f_code.co_filename.endswith(files) else None)
    try:
        step()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_interrupt_anywhere_leaves_what_works() -> None:
    def step(w: Variable, b: Variable, optimizer: Any) -> None:
        with GradientTape() as tape:
            loss = jitgrad.sum((X @ w + b) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, [w, b]), [w, b], strict=True))
        b.assign(b * 0.9)

    def three(w: Any, b: Any) -> list[Any]:
        state = Variable(w), Variable(b), jitgrad.optimizers.SGD(0.1)
        for _ in range(3):
            step(*state)
        return values(list(state[:2]))

    expected = three(np.ones(3), 0.2)
    for n in itertools.count(1):
        interrupted = Variable(np.ones(3)), Variable(0.2), jitgrad.optimizers.SGD(0.1)
        came = _interrupted(n, ("pending.py", "groups.py", "runs.py", "context.py"), lambda: step(*interrupted))  # noqa: B023
        after = values(list(interrupted[:2]))
        step(*interrupted)
        again = Variable(after[0]), Variable(after[1]), jitgrad.optimizers.SGD(0.1)
        step(*again)
        for ours, theirs in zip(values(list(interrupted[:2])), values(list(again[:2])), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        for ours, theirs in zip(three(np.ones(3), 0.2), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        if not came:
            break
    other = threading.Thread(target=three, args=(np.ones(3), 0.2), daemon=True)  # no lock is held still
    other.start()
    other.join(30)
    assert not other.is_alive()


def test_steps_by_backward_leave_no_cycles() -> None:
    def train(steps: int) -> int:
        w, optimizer = Variable(np.ones(3), requires_grad=True), jitgrad.optimizers.SGD(0.1)
        gc.collect()
        for _ in range(steps):
            w.zero_grad()
            loss = jitgrad.sum((tensor(X) @ w) ** 2)
            loss.backward()
            optimizer.apply_gradients([(w.grad, w)])
        return gc.collect()

    gc.disable()
    train(40)
    few, many = train(20), train(80)
    gc.enable()
    assert many <= few


def test_steps_that_only_update_are_one_path() -> None:
    w, optimizer, one = Variable(np.zeros(3)), jitgrad.optimizers.SGD(1.0), tensor(np.full(3, -1.0))
    for _ in range(3):
        optimizer.apply_gradients([(one, w)])
    before = path.TREE.size
    for _ in range(100):
        optimizer.apply_gradients([(one, w)])
    assert path.TREE.size == before
    np.testing.assert_array_equal(w.numpy(), [103.0] * 3)


def test_a_tape_that_is_reset_differentiates_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    w, tape, found = Variable(2.0), GradientTape(), []
    for step in range(4):
        if step == 2:
            monkeypatch.setattr("jitgrad.tape.gradient_tape.differentiate", None)
        tape.reset()
        with tape:
            y = w * w
        found.append(float(tape.gradient(y, w)))
        w.assign_add(1.0)
    assert found == [4.0, 6.0, 8.0, 10.0]


def test_what_is_found_again_keeps_no_values() -> None:
    w, left = Variable(np.ones(3)), []
    for _ in range(3):
        x = tensor(np.ones((4, 3)))
        with GradientTape() as tape:
            loss = jitgrad.sum(x @ w)
        tape.gradient(loss, w).numpy()
        left.append(weakref.ref(x))
    gc.collect()
    assert not any(ref() is not None for ref in left[:-1])


def test_the_tree_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path, "MOST_EVENTS", 50)
    for n in range(40):
        assert float(jitgrad.sum(tensor(np.ones(n + 1)) * 2.0)) == 2 * (n + 1)
        assert path.TREE.size <= 50
    found = [values(plain(k)) for k in range(5)]
    monkeypatch.setattr(path, "LONGEST", 4)
    for ours, theirs in zip(found, [values(plain(k)) for k in range(5)], strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)
