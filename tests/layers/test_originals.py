"""Layers beside Keras's and PyTorch's: recorded figures, recomputed where these are installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import jitgrad
from jitgrad import layers
from jitgrad.layers import initializers

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(4, 6)).astype(np.float32)
DEEP = DRAW.normal(size=(3, 6, 4)).astype(np.float32)
PLACES = DRAW.integers(0, 5, (4, 3))
PAIR = [X, X[::-1].copy()]
NORMAL = {"gamma_initializer": initializers.Constant(1.5), "beta_initializer": initializers.Constant(0.5)}


class Case(NamedTuple):
    """A layer, an input, and the layer that it is to be like: of Keras, or of PyTorch where ``torch`` is its module."""

    ours: Callable[[], Any]
    x: Any
    theirs: Callable[[Any], Any]
    library: str = "keras"
    training: bool = False


def keras_normal(k: Any) -> dict[str, Any]:
    return {"gamma_initializer": k.initializers.Constant(1.5), "beta_initializer": k.initializers.Constant(0.5)}


CASES: dict[str, Case] = {
    "Multiply": Case(lambda: layers.Multiply(), PAIR, lambda k: k.layers.Multiply()),
    "Average": Case(lambda: layers.Average(), PAIR, lambda k: k.layers.Average()),
    "Subtract": Case(lambda: layers.Subtract(), PAIR, lambda k: k.layers.Subtract()),
    "Maximum": Case(lambda: layers.Maximum(), PAIR, lambda k: k.layers.Maximum()),
    "Minimum": Case(lambda: layers.Minimum(), PAIR, lambda k: k.layers.Minimum()),
    "Dot": Case(lambda: layers.Dot(1, normalize=True), PAIR, lambda k: k.layers.Dot(1, normalize=True)),
    "Dot of matrices": Case(lambda: layers.Dot((1, 2)), [DEEP, DEEP.swapaxes(1, 2).copy()], lambda k: k.layers.Dot((1, 2))),
    "ReLU": Case(lambda: layers.ReLU(0.8, 0.1, 0.2), X, lambda k: k.layers.ReLU(0.8, 0.1, 0.2)),
    "ReLU bounded": Case(lambda: layers.ReLU(0.8), X, lambda k: k.layers.ReLU(0.8)),
    "LeakyReLU": Case(lambda: layers.LeakyReLU(), X, lambda k: k.layers.LeakyReLU()),
    "ELU": Case(lambda: layers.ELU(0.5), X, lambda k: k.layers.ELU(0.5)),
    "PReLU": Case(
        lambda: layers.PReLU(initializers.Constant(0.25), shared_axes=[1]), DEEP,
        lambda k: k.layers.PReLU(k.initializers.Constant(0.25), shared_axes=[1]),
    ),
    "Softmax": Case(lambda: layers.Softmax(1), DEEP, lambda k: k.layers.Softmax(1)),
    "Permute": Case(lambda: layers.Permute((2, 1)), DEEP, lambda k: k.layers.Permute((2, 1))),
    "RepeatVector": Case(lambda: layers.RepeatVector(3), X, lambda k: k.layers.RepeatVector(3)),
    "mean of steps": Case(lambda: layers.GlobalAveragePooling1D(), DEEP, lambda k: k.layers.GlobalAveragePooling1D()),
    "largest of steps": Case(lambda: layers.GlobalMaxPooling1D(), DEEP, lambda k: k.layers.GlobalMaxPooling1D()),
    "GroupNormalization": Case(
        lambda: layers.GroupNormalization(2, **NORMAL), DEEP, lambda k: k.layers.GroupNormalization(2, **keras_normal(k))
    ),
    "GroupNormalization, each": Case(lambda: layers.GroupNormalization(-1), DEEP, lambda k: k.layers.GroupNormalization(-1)),
    "GroupNorm": Case(
        lambda: layers.GroupNormalization(3, 1, 1e-5), DEEP, lambda t: t.nn.GroupNorm(3, 6), library="torch"
    ),
    "LayerNormalization": Case(
        lambda: layers.LayerNormalization(**NORMAL), X, lambda k: k.layers.LayerNormalization(**keras_normal(k))
    ),
    "LayerNormalization of two axes": Case(
        lambda: layers.LayerNormalization(axis=(1, 2), center=False), DEEP,
        lambda k: k.layers.LayerNormalization((1, 2), center=False),
    ),
    "LayerNormalization of the first": Case(
        lambda: layers.LayerNormalization(axis=1, **NORMAL), DEEP, lambda k: k.layers.LayerNormalization(1, **keras_normal(k))
    ),
    "LayerNorm": Case(
        lambda: layers.LayerNormalization(1e-5, (-2, -1)), DEEP, lambda t: t.nn.LayerNorm((6, 4)), library="torch"
    ),
    "RMSNormalization": Case(lambda: layers.RMSNormalization(), X, lambda k: k.layers.RMSNormalization()),
    "UnitNormalization": Case(lambda: layers.UnitNormalization(), X, lambda k: k.layers.UnitNormalization()),
    "BatchNormalization": Case(
        lambda: layers.BatchNormalization(axis=1, scale=False, **NORMAL), DEEP,
        lambda k: k.layers.BatchNormalization(1, scale=False, **keras_normal(k)), training=True,
    ),
    "BatchNormalization, running": Case(
        lambda: layers.BatchNormalization(moving_mean_initializer="ones", center=False), X,
        lambda k: k.layers.BatchNormalization(moving_mean_initializer="ones", center=False),
    ),
    "BatchNorm1d": Case(
        lambda: layers.BatchNormalization(0.9, 1e-5, True, axis=1), DEEP, lambda t: t.nn.BatchNorm1d(6), library="torch",
        training=True,
    ),
    "Rescaling": Case(lambda: layers.Rescaling(0.5, -1), X, lambda k: k.layers.Rescaling(0.5, -1)),
    "Normalization, known": Case(
        lambda: layers.Normalization(None, 1.0, 4.0), X, lambda k: k.layers.Normalization(None, 1.0, 4.0)
    ),
    "Normalization, back": Case(
        lambda: layers.Normalization(mean=np.arange(6), variance=np.full(6, 4.0), invert=True), X,
        lambda k: k.layers.Normalization(mean=np.arange(6), variance=np.full(6, 4.0), invert=True),
    ),
    "Discretization": Case(
        lambda: layers.Discretization([-1.0, 0.0, 1.0]), X, lambda k: k.layers.Discretization([-1.0, 0.0, 1.0])
    ),
    "one-hot": Case(
        lambda: layers.CategoryEncoding(5, "one_hot"), PLACES[:, :1],
        lambda k: k.layers.CategoryEncoding(5, output_mode="one_hot"),
    ),
    "multi-hot": Case(lambda: layers.CategoryEncoding(5), PLACES, lambda k: k.layers.CategoryEncoding(5)),
    "count": Case(
        lambda: layers.CategoryEncoding(5, "count"), PLACES, lambda k: k.layers.CategoryEncoding(5, output_mode="count")
    ),
}  # fmt: skip


RECORDED: dict[str, tuple[tuple[int, ...], float]] = {
    "Multiply": ((4, 6), -8.940923),
    "Average": ((4, 6), 3.360315),
    "Subtract": ((4, 6), 0.6682635),
    "Maximum": ((4, 6), 7.088959),
    "Minimum": ((4, 6), -0.3683284),
    "Dot": ((4, 1), -0.01913049),
    "Dot of matrices": ((3, 4, 4), -2.2768),
    "ReLU": ((4, 6), 1.850981),
    "ReLU bounded": ((4, 6), 1.666672),
    "LeakyReLU": ((4, 6), 2.642026),
    "ELU": ((4, 6), 2.986737),
    "PReLU": ((3, 6, 4), 2.278316),
    "Softmax": ((3, 6, 4), 0.7545355),
    "Permute": ((3, 4, 6), -5.78613),
    "RepeatVector": ((4, 3, 6), 6.211992),
    "mean of steps": ((3, 4), -1.334216),
    "largest of steps": ((3, 4), -2.170024),
    "GroupNormalization": ((3, 6, 4), 4.256594),
    "GroupNormalization, each": ((3, 6, 4), 4.385116),
    "GroupNorm": ((3, 6, 4), 5.170274),
    "LayerNormalization": ((4, 6), 6.025498),
    "LayerNormalization of two axes": ((3, 6, 4), 2.23951),
    "LayerNormalization of the first": ((3, 6, 4), 7.185642),
    "LayerNorm": ((3, 6, 4), 2.240391),
    "RMSNormalization": ((4, 6), 4.658798),
    "UnitNormalization": ((4, 6), 1.901948),
    "BatchNormalization": ((3, 6, 4), 3.853418),
    "BatchNormalization, running": ((4, 6), 4.233245),
    "BatchNorm1d": ((3, 6, 4), 3.248482),
    "Rescaling": ((4, 6), 2.388138),
    "Normalization, known": ((4, 6), 2.117681),
    "Normalization, back": ((4, 6), -15.48091),
    "Discretization": ((4, 6), 2.95525),
    "one-hot": ((4, 5), 0.6223024),
    "multi-hot": ((4, 5), 1.059781),
    "count": ((4, 5), 2.593213),
}
"""Shape and figure of the result; Keras 3.15 and PyTorch 2.13 have the same."""


def ours(name: str) -> np.ndarray:
    case = CASES[name]
    return np.asarray(case.ours()(case.x, training=case.training))


def figure(y: np.ndarray) -> float:
    """A number that depends on every element and its place."""
    return float(np.cos(np.arange(y.size)) @ y.ravel().astype(np.float64))


@pytest.mark.parametrize("name", CASES)
def test_recorded_figures(name: str) -> None:
    y = ours(name)
    assert figure(y) == pytest.approx(RECORDED[name][1], rel=2e-5, abs=2e-5) and y.shape == RECORDED[name][0]


@pytest.mark.parametrize("name", CASES)
def test_installed_originals(name: str) -> None:
    case = CASES[name]
    library = pytest.importorskip(case.library, reason=f"{case.library} is not installed")
    layer = case.theirs(library)
    if case.library == "torch":
        expected = layer(library.as_tensor(case.x)).detach().numpy()
    else:
        expected = np.asarray(layer(case.x, training=True) if case.training else layer(case.x))
    np.testing.assert_allclose(ours(name), expected, rtol=2e-5, atol=2e-6)


def test_a_composite_layer_is_built_by_build() -> None:
    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = layers.Dense(4, "relu"), layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

    block = Block()
    block.build((None, 3))
    assert [v.shape for v in block.variables] == [(3, 4), (4,), (4, 2), (2,)]


def test_normalization_of_everything_together() -> None:
    layer = layers.Normalization(axis=None)
    layer.adapt(X[:, 0])
    assert layer.mean.shape == () and float(layer.mean) == pytest.approx(X[:, 0].mean(), rel=1e-6)
    np.testing.assert_allclose(layer(X[:, 0]), (X[:, 0] - X[:, 0].mean()) / X[:, 0].std(), rtol=1e-5)
    by_step = layers.Normalization(axis=1)
    by_step.adapt(DEEP)
    np.testing.assert_allclose(np.mean(np.asarray(by_step(DEEP)), (0, 2)), 0, atol=1e-6)


def test_noise_keeps_mean_and_spread() -> None:
    jitgrad.random.seed(0)
    x = np.asarray(layers.activations.selu(np.random.default_rng(1).normal(size=(1000, 100))))
    for layer in (layers.AlphaDropout(0.2, dtype="float64"), layers.GaussianDropout(0.2, dtype="float64")):
        y = layer(x, training=True).numpy()
        assert y.mean() == pytest.approx(x.mean(), abs=0.02)
        assert y.std() == pytest.approx(
            1.0 if isinstance(layer, layers.AlphaDropout) else np.sqrt(1.25 * np.mean(x**2)), abs=0.02
        )
        np.testing.assert_array_equal(layer(x), x)
    rows = layers.Dropout(0.5, (None, 1))(np.ones((100, 8)), training=True).numpy()
    assert (rows == rows[:, :1]).all() and set(np.unique(rows)) == {0, 2}


@pytest.mark.parametrize("inputs", [True, False])
def test_variables_that_require_gradients_together(inputs: bool) -> None:
    """Those that are built and those that are not; and a native fit goes on as ever."""
    model = jitgrad.Sequential([layers.Dense(3, "tanh"), layers.BatchNormalization(), layers.Dense(1)])
    if inputs:
        model.build((None, 6))
    assert model.requires_grad_() is model
    jitgrad.mean(jitgrad.square(model(X, training=True))).backward()
    assert len(model.trainable_variables) == 6 and all(v.grad is not None for v in model.trainable_variables)
    assert not any(v.requires_grad for v in model.variables if not v.trainable)
    optimizer = jitgrad.optimizers.SGD(0.1)
    before = model.get_weights()
    optimizer.apply_gradients((v.grad, v) for v in model.trainable_variables)
    assert not np.array_equal(before[0], model.get_weights()[0])
    model.zero_grad()
    assert all(v.grad is None for v in model.variables if v.requires_grad)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(X, X[:, 0], epochs=2, verbose=0).loss).all()
    model.requires_grad_(False)
    assert not any(v.requires_grad for v in model.variables)


def first(mode: str, kind: str, shape: Any = (300, 200), **more: Any) -> np.ndarray:
    return np.asarray(initializers.VarianceScaling(2.0, mode, kind, **more)(shape, np.random.default_rng(0)))


@pytest.mark.parametrize(("mode", "n"), [("fan_in", 300), ("fan_out", 200), ("fan_avg", 250)])
@pytest.mark.parametrize("kind", ["truncated_normal", "untruncated_normal", "uniform"])
def test_variance_scaling(mode: str, n: int, kind: str) -> None:
    values = first(mode, kind)
    assert values.std() == pytest.approx(np.sqrt(2 / n), rel=0.01) and abs(values.mean()) < 0.002
    np.testing.assert_array_equal(first(mode, kind, seed=3), first(mode, kind, seed=3))


def test_initializers_with_arguments() -> None:
    draw = np.random.default_rng(0)
    assert initializers.RandomNormal(1.0, 0.5)((10000,), draw).mean() == pytest.approx(1, abs=0.02)
    cut = initializers.TruncatedNormal(1.0, 0.5)((10000,), draw)
    assert cut.min() >= 0 and cut.max() <= 2
    flat = initializers.RandomUniform(1.0, 3.0)((10000,), draw)
    assert flat.min() >= 1 and flat.max() < 3
    np.testing.assert_array_equal(initializers.Constant([1.0, 2.0])((2,), draw), [1, 2])
    q = initializers.Orthogonal(2.0)((4, 3), draw)
    np.testing.assert_allclose(q.T @ q, 4 * np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(initializers.IdentityMatrix(2.0)((2, 3), draw), 2 * np.eye(2, 3))
