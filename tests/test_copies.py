"""Deep copies and pickles: state follows Variables, and nothing is shared or lost."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import callbacks, layers, losses, metrics, optimizers
from jitgrad.errors import ArgumentError
from jitgrad.layers import activations, constraints, initializers, regularizers
from jitgrad.optimizers import schedules

Copy = Callable[[Any], Any]


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


HOW = pytest.mark.parametrize("how", [copy.deepcopy, pickled])
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)

NAMED = {
    **{f"loss {name}": value for name, value in losses.LOSSES.items()},
    **{f"activation {name}": value for name, value in activations.ACTIVATIONS.items()},
}


@HOW
@pytest.mark.parametrize("name", NAMED)
def test_functions_are_themselves(name: str, how: Copy) -> None:
    assert how(NAMED[name]) is NAMED[name]


def square(x: Any) -> Any:
    return x * x


@HOW
@pytest.mark.parametrize("wrapped", [jitgrad.sin, square], ids=["op", "function"])
def test_a_traced_function_keeps_what_was_set_on_it(wrapped: Any, how: Copy) -> None:
    traced = jitgrad.function(wrapped)
    traced.unit = ["m"]  # type: ignore[attr-defined]
    traced(2.0)
    copied = how(traced)
    assert float(copied(2.0)) == float(traced(2.0))
    assert copied.unit == ["m"] and copied.unit is not traced.unit  # type: ignore[attr-defined]
    assert copied.function is copied.__wrapped__ is wrapped


SMALL: dict[str, Any] = {
    **{f"initializer {name}": value for name, value in initializers.INITIALIZERS.items()},
    **{f"schedule {type(s).__name__}": s for s in (
        schedules.StepDecay(0.1, 3), schedules.ExponentialDecay(0.1, 3), schedules.PiecewiseConstant([3], [0.1, 0.2]),
        schedules.CosineDecay(0.1, 9, warmup=2), schedules.OneCycle(0.1, 50),
    )},
    **{f"regularizer {name}": make() for name, make in regularizers.REGULARIZERS.items()},
}  # fmt: skip


def asked(name: str, value: Any) -> Any:
    if name.startswith("initializer"):
        return value((3, 4), np.random.default_rng(1))
    return np.asarray(value(5.0 if name.startswith("schedule") else np.arange(3.0)))


@HOW
@pytest.mark.parametrize("name", SMALL)
def test_small_things_do_the_same(name: str, how: Copy) -> None:
    np.testing.assert_array_equal(asked(name, how(SMALL[name])), asked(name, SMALL[name]))


@HOW
@pytest.mark.parametrize("name", metrics.METRICS)
def test_metrics_do_the_same(name: str, how: Copy) -> None:
    metric = metrics.get(name)
    logits = np.random.default_rng(0).random((8, 2)) + 0.1
    p = logits / logits.sum(1, keepdims=True)
    target: Any = np.arange(8) % 2
    if name in ("binary_accuracy", "r2", "rmse") or name.endswith(("_positives", "_negatives")):
        p = p[:, 1]
    elif name in ("categorical_accuracy", "top_k_categorical_accuracy", "cosine"):
        target = np.eye(2)[target]
    np.testing.assert_array_equal(how(metric)(target, p), metric(target, p))
    assert how(metric).name == metric.name


@HOW
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_variables(dtype: str, how: Copy) -> None:
    v = jitgrad.Variable(np.array([1, 0, 1], dtype), name="v", trainable=False)
    v.constraint = constraints.MaxNorm(2.0)
    other = how(v)
    np.testing.assert_array_equal(other.numpy(), v.numpy())
    assert (other.name, other.trainable, other.dtype, type(other.constraint)) == ("v", False, v.dtype, constraints.MaxNorm)
    v.assign(np.array([0, 0, 0], dtype))
    np.testing.assert_array_equal(other.numpy(), [1, 0, 1])


OPTIMIZERS: dict[str, Any] = {
    **optimizers.OPTIMIZERS,
    "momentum": lambda: optimizers.SGD(0.01, momentum=0.9, nesterov=True, clipnorm=1.0),
    "schedule": lambda: optimizers.Adam(schedules.CosineDecay(0.01, 100, warmup=3), global_clipnorm=1.0),
    "centred": lambda: optimizers.RMSprop(
        schedules.PiecewiseConstant([3, 6], [0.1, 0.01, 0.001]), centered=True, clipvalue=0.3
    ),
}


def steps(optimizer: Any, variables: list[Any], count: int) -> list[np.ndarray]:
    def cost() -> Any:
        return sum(jitgrad.sum(jitgrad.square(v - np.arange(3.0)) + v**4) for v in variables)

    for _ in range(count):
        optimizer.minimize(cost, variables)
    return [v.numpy() for v in variables]


@HOW
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_and_its_variables_go_on(name: str, first: bool, how: Copy) -> None:
    optimizer, variables = OPTIMIZERS[name](), [jitgrad.Variable(np.ones(3)), jitgrad.Variable(np.full(3, 0.5))]
    steps(optimizer, variables, 5)
    if first:
        other, others = how((optimizer, variables))
    else:
        others, other = how((variables, optimizer))
    again = how((other, others))
    expected = steps(optimizer, variables, 5)
    np.testing.assert_array_equal(steps(other, others, 5), expected)
    np.testing.assert_array_equal(steps(*again, 5), expected)
    assert other.learning_rate == optimizer.learning_rate


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_copied_alone_goes_on_with_the_same_variables(name: str) -> None:
    optimizer, variables = OPTIMIZERS[name](), [jitgrad.Variable(np.ones(3)), jitgrad.Variable(np.full(3, 0.5))]
    before = steps(optimizer, variables, 5)
    other = copy.deepcopy(optimizer)
    expected = steps(optimizer, variables, 5)
    for v, value in zip(variables, before, strict=True):
        v.assign(value)
    np.testing.assert_array_equal(steps(other, variables, 5), expected)


@pytest.mark.parametrize("make", [lambda o: pickled(o), lambda o: copy.deepcopy(o)])
def test_a_copy_is_not_for_variables_without_its_state(make: Any) -> None:
    optimizer = optimizers.Adam(0.1)
    w = jitgrad.Variable(np.ones(3), name="w")
    steps(optimizer, [w], 2)
    with pytest.raises(ArgumentError, match="is a copy with state for 'w', but it is applied to other Variables"):
        steps(make(optimizer), [jitgrad.Variable(np.ones(3))], 1)


def net() -> Any:
    model = jitgrad.Sequential([
        layers.Dense(4, "relu", kernel_regularizer="l2", kernel_constraint="max_norm"), layers.BatchNormalization(),
        layers.Dropout(0.1), layers.Dense(2, activations.softmax),
    ])  # fmt: skip
    model.compile(
        optimizers.Adam(schedules.CosineDecay(0.01, 100), clipnorm=1.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy", "auc", metrics.Recall(), losses.sparse_categorical_crossentropy],
    )
    return model


@HOW
@pytest.mark.parametrize("fitted", [False, True])
def test_models_compiled_and_fitted(fitted: bool, how: Copy) -> None:
    model = net()
    model.build((None, 6))
    if fitted:
        model.fit(X, Y, epochs=2, validation_split=0.2)
        model.predict(X)
    other = how(model)
    assert not {id(v) for v in model.variables} & {id(v) for v in other.variables}
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    figures = []
    for m in (model, other):
        jitgrad.random.seed(1)
        figures.append((m.fit(X, Y, epochs=3, seed=3).history, m.predict(X).tolist(), m.evaluate(X, Y)))
    assert figures[0] == figures[1]


@HOW
def test_an_unbuilt_model(how: Copy) -> None:
    first, second = how(net()), how(net())
    for model in (first, second):
        jitgrad.random.seed(0)
        model.fit(X, Y, epochs=1, seed=1)
    np.testing.assert_array_equal(first.predict(X), second.predict(X))


@HOW
def test_layers_share_in_a_copy_what_they_share(how: Copy) -> None:
    inner = layers.Dense(6)
    model = how(jitgrad.Sequential([jitgrad.Sequential([inner]), layers.Activation("tanh"), jitgrad.Sequential([inner])]))
    model.build((None, 6))
    assert model.count_params() == 42


@HOW
def test_callbacks_before_and_after_a_fit(how: Copy, tmp_path: Path) -> None:
    model = net()
    watchers = [
        callbacks.EarlyStopping("loss", patience=3, restore_best_weights=True), callbacks.ReduceLROnPlateau("loss", patience=3),
        callbacks.CSVLogger(tmp_path / "l.csv"), callbacks.ModelCheckpoint(tmp_path / "m"),
        callbacks.BackupAndRestore(tmp_path / "b", delete=True),
    ]  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, epochs=2, callbacks=[how(c) for c in watchers])
    model.fit(X, Y, epochs=2, callbacks=watchers)
    after = [how(c) for c in watchers]
    assert after[0].best == watchers[0].best  # type: ignore[attr-defined]
    assert model.fit(X, Y, epochs=2, callbacks=after).epochs == 2


@HOW
def test_a_history(how: Copy) -> None:
    history = net().fit(X, Y, epochs=2)
    assert how(history).history == history.history
