"""``build`` makes the weights once, whoever calls it and when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import layers
from jitgrad.errors import ShapeError

X = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


class BuiltScale(layers.Layer):
    """A layer of one's own, which counts."""

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)
        self.shapes: list[Any] = []

    def build(self, input_shape: Any) -> None:
        self.shapes.append(input_shape)
        self.factor = self.add_weight("factor", input_shape[-1:], "ones")

    def call(self, x: Any) -> Any:
        return x * self.factor


class BuiltTwice(BuiltScale):
    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        self.offset = self.add_weight("offset", input_shape[-1:], "zeros")

    def call(self, x: Any) -> Any:
        return super().call(x) + self.offset


class Built(jitgrad.Model):
    """Its layers are built by a call."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = layers.Dense(3, "tanh"), layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))


class OwnBuilt(Built):
    """It has a build of its own."""

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight("factor", input_shape[-1:], "ones")
        super().build(input_shape)

    def call(self, x: Any) -> Any:
        return super().call(x * self.factor)


class LateBuilt(Built):
    """Its build makes layers, which the first call builds."""

    def build(self, input_shape: Any) -> None:
        self.last = layers.Dense(input_shape[-1])

    def call(self, x: Any) -> Any:
        return self.last(super().call(x))


MAKE: dict[str, Any] = {
    "Dense": lambda: layers.Dense(2),
    "BatchNormalization": lambda: layers.BatchNormalization(),
    "LayerNormalization": lambda: layers.LayerNormalization(),
    "own": lambda: BuiltScale(),
    "own on own": lambda: BuiltTwice(),
    "Sequential": lambda: jitgrad.Sequential([layers.Dense(3, "relu"), layers.BatchNormalization(), layers.Dense(1)]),
    "nested": lambda: jitgrad.Sequential([jitgrad.Sequential([layers.Dense(3)]), layers.Dense(1)]),
    "Model": lambda: Built(),
    "Model with build": lambda: OwnBuilt(),
}


@pytest.mark.parametrize("shape", [(None, 4), [None, 4], (5, 4)])
@pytest.mark.parametrize("name", MAKE)
def test_what_build_made_stays(name: str, shape: Any) -> None:
    layer = MAKE[name]()
    assert not layer.built
    layer.build(shape)
    variables = layer.variables
    assert layer.built and variables
    weights = [np.full_like(w, 0.25) for w in layer.get_weights()]
    layer.set_weights(weights)
    first = np.asarray(layer(X))
    layer.build((None, 4))
    np.testing.assert_array_equal(np.asarray(layer(X)), first)
    assert [id(v) for v in layer.variables] == [id(v) for v in variables]
    for got, given in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(got, given)


@pytest.mark.parametrize("name", MAKE)
def test_a_call_builds_what_build_would(name: str) -> None:
    built, called = [], []
    for made, how in ((built, lambda m: m.build((None, 4))), (called, lambda m: m(X))):
        jitgrad.random.seed(0)
        layer = MAKE[name]()
        how(layer)
        assert layer.built
        made += layer.get_weights()
    for a, b in zip(built, called, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", MAKE)
def test_another_shape_is_refused(name: str) -> None:
    layer = MAKE[name]()
    layer.build((None, 4))
    with pytest.raises(ShapeError, match=r"built for inputs of shape \(…, 4\)"):
        layer(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize("shape", [(), None, 4, "x", (None, "a"), (None, -1), (None, 1.5), [(None, 3), None]])
def test_what_is_no_shape(shape: Any) -> None:
    with pytest.raises(ShapeError, match="cannot be built for"):
        layers.Dense(2).build(shape)


@pytest.mark.parametrize("make", [lambda: layers.Dense(2), layers.BatchNormalization, layers.LayerNormalization])
def test_weights_of_an_open_size_are_refused(make: Any) -> None:
    with pytest.raises(ShapeError, match=r"cannot create '\w+' of shape .*None"):
        make().build((None, None))


def test_a_build_of_ones_own_is_called_once_with_the_shape() -> None:
    first, second = BuiltTwice(), BuiltTwice()
    first.build((None, 4))
    first(X)
    first(X)
    second(X)
    assert (first.shapes, second.shapes) == ([(None, 4)], [(5, 4)])
    assert len(first.variables) == 2


def test_a_model_whose_build_makes_layers() -> None:
    model = LateBuilt()
    model.build((None, 4))
    assert model.built
    assert model(X).shape == (5, 4)


@pytest.mark.parametrize("name", MAKE)
def test_a_built_model_is_fitted_and_saved(name: str, tmp_path: Path) -> None:
    layer = MAKE[name]()
    model = layer if isinstance(layer, jitgrad.Model) else jitgrad.Sequential([layer, layers.Dense(1)])
    model.build((None, 4))
    model.compile("sgd", "mse")
    before = [id(v) for v in model.variables]
    model.fit(X, X[:, 0], epochs=2)
    assert [id(v) for v in model.variables] == before
    model.save(tmp_path / "m")
    loaded = jitgrad.load_model(tmp_path / "m")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


@pytest.mark.parametrize(
    "make",
    [
        lambda: jitgrad.Sequential([layers.Dense(3, input_shape=(4,)), layers.Dense(1)]),
        lambda: jitgrad.Sequential([jitgrad.Input((4,)), layers.Dense(3), layers.Dense(1)]),
        lambda: jitgrad.Sequential([jitgrad.Input((4,)), layers.Dense(3, input_shape=(4,)), layers.Dense(1)]),
    ],
)
def test_a_sequential_that_knows_its_input_is_built_at_once(make: Any, tmp_path: Path) -> None:
    model = make()
    assert (model.built, model.count_params()) == (True, 19)
    weights = [np.full_like(w, 0.5) for w in model.get_weights()]
    model.set_weights(weights)
    np.testing.assert_allclose(np.asarray(model(np.ones((2, 4)))), 4.25)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jitgrad.load_model(tmp_path / "m").predict(X), model.predict(X))


def test_a_sequential_that_grows_is_built_anew() -> None:
    model = jitgrad.Sequential([layers.Dense(3)])
    model.build((None, 4))
    kernel = model.layers[0].kernel
    model.add(layers.Dense(1))
    assert not model.built
    model.build((None, 4))
    assert (model.layers[0].kernel is kernel, model.count_params()) == (True, 19)


@pytest.mark.parametrize("shape", [(None, 3), (None, 3, 2), (None,)])
def test_an_embedding_in_front_is_built_for_integers(shape: Any) -> None:
    model = jitgrad.Sequential([layers.Embedding(5, 2), layers.Flatten(), layers.Dense(1)])
    model.build(shape)
    assert model.count_params() == 10 + 2 * int(np.prod(shape[1:])) + 1
    assert jitgrad.Sequential([jitgrad.Input(shape[1:]), layers.Embedding(5, 2)]).built


class Products(layers.Layer):
    """A layer of several inputs."""

    def build(self, shapes: Any) -> None:
        first, second = shapes.values() if isinstance(shapes, dict) else shapes
        self.kernel = self.add_weight("kernel", (first[-1], second[-1]))

    def call(self, xs: Any) -> Any:
        first, second = xs.values() if isinstance(xs, dict) else xs
        return first @ self.kernel * second


class Joined(jitgrad.Model):
    def __init__(self) -> None:
        super().__init__()
        self.products = Products()

    def call(self, x: Any) -> Any:
        return self.products(x)


@pytest.mark.parametrize("make", [Products, Joined])
@pytest.mark.parametrize(
    ("shapes", "x"),
    [
        ([(None, 4), (None, 2)], [X, X[:, :2]]),
        ({"a": (None, 4), "b": (None, 2)}, {"a": X, "b": X[:, :2]}),
    ],
    ids=["list", "dict"],
)
def test_several_inputs(make: Any, shapes: Any, x: Any, tmp_path: Path) -> None:
    layer = make()
    layer.build(shapes)
    (kernel,) = layer.variables
    layer.set_weights([np.ones((4, 2))])
    assert layer(x).shape == (5, 2)
    assert layer.variables[0] is kernel
    called = make()
    called(x)
    assert called.variables[0].shape == (4, 2)
    other = [X[:, :3], X[:, :2]] if isinstance(x, list) else {"a": X[:, :3], "b": X[:, :2]}
    with pytest.raises(ShapeError):
        layer(other)
    if make is Joined:
        layer.save(tmp_path / "m")
        np.testing.assert_array_equal(jitgrad.load_model(tmp_path / "m").products.kernel.numpy(), np.ones((4, 2)))
