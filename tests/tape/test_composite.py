"""Composites are what they are made of: values, derivatives and updates are the same to the bit, whoever looks at the graph."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jitgrad
from jitgrad import GradientTape, Variable, tensor
from jitgrad.errors import ArgumentError, ShapeError, TracingError
from jitgrad.functions import networks
from jitgrad.tape import path
from jitgrad.tape.composite import Composite, composite
from jitgrad.tape.tensor import Composed, Tensor
from jitgrad.tape.tree import tree_leaves
from tests.tape.test_replay import values

RNG = np.random.default_rng(5)
X, K, B = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 4)), RNG.normal(size=4)
POSITIVE = np.abs(B) + 0.5
LABELS = np.array([0, 3, 1, 2, 2])


@composite
def several(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """An operand, a result twice, and one of an op with several results."""
    made = jitgrad.linalg.svd(x * y)[1]
    return x, made, made, jitgrad.sum(x * y)


@composite
def alone(x: Tensor) -> Tensor:
    return x


@composite
def with_constants(x: Tensor, factor: float = 2.0) -> Tensor:
    return x * np.arange(4.0) * factor + 2.0


@composite
def of_integers(x: Tensor) -> tuple[Tensor, Tensor]:
    return jitgrad.argmax(x, -1), jitgrad.max(x, -1)


CALLS: dict[str, tuple[Composite, tuple[Any, ...], dict[str, Any]]] = {
    "linear": (networks.linear, (X, K, B), {}),
    "batch_norm": (networks.batch_norm, (X, B, B, B, POSITIVE), {"momentum": 0.9, "epsilon": 1e-5, "unbiased": True}),
    "fixed_norm": (networks.fixed_norm, (X, B, B, B, POSITIVE), {"epsilon": 1e-5}),
    "layer_norm": (networks.layer_norm, (X, B, B), {"epsilon": 1e-3}),
    "class_losses": (networks.class_losses, (LABELS, X), {}),
    "several": (several, (X, B), {}),
    "alone": (alone, (X,), {}),
    "with_constants": (with_constants, (X,), {"factor": 3.0}),
    "of_integers": (of_integers, (X,), {}),
}


def called(name: str, *operands: Any) -> tuple[Any, ...]:
    """The results of a composite, in a tuple."""
    function, _, options = CALLS[name]
    made = function(*operands, **options)
    return made if isinstance(made, tuple) else (made,)


def total(results: tuple[Any, ...]) -> Any:
    """One number of all of them that are floats."""
    return sum((jitgrad.sum(jitgrad.tanh(y)) for y in results if y.dtype.kind == "f"), start=0.0)


def variables(operands: tuple[Any, ...], **options: Any) -> list[Any]:
    return [tensor(a) if a.dtype.kind == "i" else Variable(a, **options) for a in operands]


def floats(given: list[Any]) -> list[Any]:
    return [v for v in given if isinstance(v, Variable)]


def by_value(name: str, operands: Any) -> Any:
    return called(name, *variables(operands))


def by_tape(name: str, operands: Any) -> Any:
    own = variables(operands)
    with GradientTape() as tape:
        made = called(name, *own)
        loss = total(made)
    return tape.gradient(loss, floats(own), unconnected_gradients="zero"), loss, made


def asked_on_the_way(name: str, operands: Any) -> Any:
    own = variables(operands)
    with GradientTape() as tape:
        made = called(name, *own)
        first = float(jitgrad.sum(made[0] * 1.0))
        loss = total(made)
    return tensor(first), loss, tape.gradient(loss, floats(own), unconnected_gradients="zero")


def by_backward(name: str, operands: Any) -> Any:
    own = variables(operands, requires_grad=True)
    made = called(name, *own)
    assert [y.requires_grad for y in made] == [y.requires_grad for y in path_free(name, own)]
    loss = total(made)
    loss.backward()
    return [v.grad for v in floats(own)], loss, [y.detach() for y in made]


def path_free(name: str, own: Any) -> tuple[Any, ...]:
    function, _, options = CALLS[name]
    made = function.function(*[v.leaf if isinstance(v, Variable) else v for v in own], **options)
    return made if isinstance(made, tuple) else (made,)


def backward_through_one_result(name: str, operands: Any) -> Any:
    own = variables(operands, requires_grad=True)
    made = called(name, *own)
    jitgrad.sum(made[-1] * 1.0).backward() if made[-1].requires_grad else None
    return [v.grad for v in floats(own) if v.grad is not None], [y.detach() for y in made]


def second_order(name: str, operands: Any) -> Any:
    own = variables(operands)
    with GradientTape() as outer:
        with GradientTape() as inner:
            loss = total(called(name, *own))
        first = inner.gradient(loss, floats(own), unconnected_gradients="zero")
        again = sum((jitgrad.sum(g * g) for g in first), start=0.0)
    return outer.gradient(again, floats(own), unconnected_gradients="zero"), first


def by_jacobian(name: str, operands: Any) -> Any:
    own = variables(operands)
    with GradientTape() as tape:
        y = called(name, *own)[0] * 1.0
    return tape.jacobian(y, floats(own), unconnected_gradients="zero")


def by_jvp(name: str, operands: Any) -> Any:
    free = [a for a in operands if a.dtype.kind == "f"]
    fixed = [a for a in operands if a.dtype.kind == "i"]
    return jitgrad.jvp(lambda *own: total(called(name, *fixed, *own)), tuple(free), tuple(np.ones_like(a) for a in free))


def by_function(name: str, operands: Any) -> Any:
    return jitgrad.function(lambda *own: called(name, *own))(*operands)


def within_no_grad(name: str, operands: Any) -> Any:
    own = variables(operands, requires_grad=True)
    with jitgrad.no_grad():
        made = called(name, *own)
    assert not any(y.requires_grad for y in made[1:])
    return [y.detach() for y in made]


def in_updates(name: str, operands: Any) -> Any:
    own = variables(operands)
    kept = Variable(np.zeros(()))
    for _ in range(3):
        with GradientTape() as tape:
            loss = total(called(name, *own))
            kept.assign(kept + loss)
        for v, g in zip(floats(own), tape.gradient(loss, floats(own), unconnected_gradients="zero"), strict=True):
            v.assign_sub(0.01 * g)
    return kept.numpy(), [v.numpy() for v in floats(own)]


def chained(name: str, operands: Any) -> Any:
    own = variables(operands)
    with GradientTape() as tape:
        y: Any = 0.0
        for _ in range(300):
            y = total(called(name, *own)) + 0.5 * y
    return tape.gradient(y, floats(own), unconnected_gradients="zero"), y


WAYS: list[Callable[[str, Any], Any]] = [
    by_value, by_tape, asked_on_the_way, by_backward, backward_through_one_result, second_order, by_jacobian, by_jvp,
    by_function, within_no_grad, in_updates,
]  # fmt: skip


def same(found: Any, expected: Any) -> None:
    for ours, theirs in zip(values(found), values(expected), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)
def test_the_same_to_the_bit(way: Any, name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "several" and way in (second_order, by_jacobian):
        pytest.skip("singular values have no such derivative here")
    operands = tuple(a.astype(dtype) if a.dtype.kind == "f" else a for a in CALLS[name][1])
    found = [way(name, operands) for _ in range(3)]
    for one in found:
        tree_leaves(one)
    monkeypatch.setattr(path, "REPLAY", False)
    for one in found:
        same(one, way(name, operands))


@pytest.mark.parametrize("name", [name for name in CALLS if name != "several"])
def test_long_chains(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [chained(name, CALLS[name][1]) for _ in range(2)]
    monkeypatch.setattr(path, "REPLAY", False)
    expected = chained(name, CALLS[name][1])
    for one in found:
        for ours, theirs in zip(values(one), values(expected), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_a_result_looks_like_a_tensor() -> None:
    y = networks.linear(tensor(X), tensor(K), tensor(B))
    assert isinstance(y, Tensor) and type(y) is Composed and y.shape == (5, 4)
    assert y.op is not None and y.op.name == "add" and type(y) is Tensor
    with pytest.raises(AttributeError):
        networks.linear(tensor(X), tensor(K), tensor(B)).nothing  # noqa: B018


def test_errors_are_those_of_the_ops() -> None:
    for operands in ((X, K.T[:3], B), (X, K, np.ones(3))):
        with pytest.raises(ShapeError) as found:
            networks.linear(*map(tensor, operands))
        with pytest.raises(ShapeError) as expected:
            networks.linear.function(*map(tensor, operands))
        assert str(found.value) == str(expected.value)


def test_what_a_composite_may_not_do() -> None:
    w = Variable(np.ones(3))
    with pytest.raises(ArgumentError, match="is not among its operands"):
        composite(lambda x: x * w)(tensor(np.ones(3)))
    with pytest.raises(TracingError):
        composite(lambda x: x * 2.0 if x[0] > 0 else x)(tensor(np.ones(3)))


def test_nothing_is_expanded_in_a_step_that_was_taken_before(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [jitgrad.layers.Dense(4), jitgrad.layers.BatchNormalization(), jitgrad.layers.Dense(3)]
    optimizer = jitgrad.optimizers.SGD(0.1)

    def step() -> float:
        with GradientTape() as tape:
            y: Any = tensor(X.astype(np.float32))
            for layer in layers:
                y = layer(y, training=True)
            loss = jitgrad.losses.sparse_categorical_crossentropy(LABELS % 3, y, from_logits=True)
        weights = [v for layer in layers for v in layer.trainable_variables]
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return float(loss)

    before = [step() for _ in range(3)]
    monkeypatch.setattr("jitgrad.tape.composite.Call.expand", None)
    assert step() < before[-1]


def test_nothing_is_kept() -> None:
    def alive() -> int:
        for _ in range(5):
            by_tape("batch_norm", CALLS["batch_norm"][1])
            by_backward("batch_norm", CALLS["batch_norm"][1])
        gc.collect()
        return sum(isinstance(x, Tensor) for x in gc.get_objects())

    alive()
    before = alive()
    assert alive() <= before


def test_threads() -> None:
    wrong: list[Any] = []
    expected = values(by_tape("batch_norm", CALLS["batch_norm"][1]))

    def use() -> None:
        try:
            for _ in range(50):
                for ours, theirs in zip(values(by_tape("batch_norm", CALLS["batch_norm"][1])), expected, strict=True):
                    np.testing.assert_array_equal(ours, theirs)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


Program = list[tuple[int, int, int]]


def run(program: Program, steps: int) -> Any:
    """Random programs of composites and ops, some of whose values are asked for on the way."""
    weights = [Variable(X), Variable(K), Variable(B)]
    state = Variable(np.zeros(4), trainable=False)
    shown = []
    for _ in range(steps):
        with GradientTape() as tape:
            known: list[Any] = [weights[0] * 1.0]
            for kind, first, second in program:
                a, b = known[first % len(known)], known[second % len(known)]
                if kind == 0:
                    known.append(networks.linear(a, weights[1], weights[2]))
                elif kind == 1:
                    y, mean, variance = networks.batch_norm(
                        a, weights[2], weights[2], state, state, momentum=0.5, epsilon=1e-3, unbiased=False
                    )
                    state.assign(mean + variance)
                    known.append(y)
                elif kind == 2:
                    known.append(networks.layer_norm(b, weights[2], state, epsilon=1e-3))
                elif kind == 3:
                    known.append(jitgrad.tanh(a) * b)
                else:
                    shown.append(a.numpy())
            loss = jitgrad.mean(jitgrad.tanh(known[-1] + known[len(known) // 2]))
        gradients = tape.gradient(loss, weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            if gradient is not None:
                weight.assign_sub(0.1 * gradient)
        if len(program) % 2:
            shown.append(loss.numpy())
    return [*shown, loss.numpy(), state.numpy(), *[w.numpy() for w in weights]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_random_programs(program: Program) -> None:
    found = run(program, 3)
    path.REPLAY = False
    try:
        expected = run(program, 3)
    finally:
        path.REPLAY = True
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
