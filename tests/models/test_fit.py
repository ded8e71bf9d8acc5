"""Models fitted natively: P5's network against PyTorch's trajectory, digits, and what wrong use says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import layers
from jitgrad.errors import ArgumentError


def p5(dtype: str) -> jitgrad.Sequential:
    model = jitgrad.Sequential(dtype=dtype)
    for units in (128, 64, 32):
        model.add(layers.Dense(units, dtype=dtype))
        model.add(layers.BatchNormalization(momentum=0.9, epsilon=1e-5, unbiased=True, dtype=dtype))
        model.add(layers.Activation("relu", dtype=dtype))
    model.add(layers.Dense(16, "relu", dtype=dtype))
    model.add(layers.Dense(3, dtype=dtype))
    return model


def cross_entropy(target: Any, logits: Any) -> Any:
    return jitgrad.losses.sparse_categorical_crossentropy(target, logits, from_logits=True)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-10)])
def test_the_trajectory_of_p5_is_pytorchs(dtype: str, tolerance: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(28, 4)).astype(dtype), rng.integers(0, 3, 28)
    jitgrad.random.seed(0)
    model = p5(dtype)
    model.compile(jitgrad.optimizers.SGD(0.01), cross_entropy)
    model(x[:1])
    parts: list[Any] = []
    for layer in model.layers:
        if isinstance(layer, layers.Dense):
            made = torch.nn.Linear(*layer.kernel.shape)
            made.weight.data = torch.tensor(layer.kernel.numpy().T.copy())
            made.bias.data = torch.tensor(layer.bias.numpy())
            parts += [made, torch.nn.ReLU()] if layer.units == 16 else [made]
        elif isinstance(layer, layers.BatchNormalization):
            parts += [torch.nn.BatchNorm1d(layer.gamma.shape[0], dtype=getattr(torch, dtype)), torch.nn.ReLU()]
    net = torch.nn.Sequential(*parts)
    history = model.fit(x, y, batch_size=4, epochs=20, shuffle=False)
    optimizer, losses = torch.optim.SGD(net.parameters(), 0.01), []
    for _ in range(20):
        total = 0.0
        for i in range(0, 28, 4):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(torch.tensor(x[i : i + 4])), torch.tensor(y[i : i + 4]))
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) / 7
        losses.append(total)
    np.testing.assert_allclose(history.loss, losses, rtol=tolerance)
    net.eval()
    if dtype == "float64":  # float32's roundings grow through twenty epochs
        np.testing.assert_allclose(model.predict(x), net(torch.tensor(x)).detach().numpy(), rtol=1e-8)


def test_digits() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    images, labels = datasets.load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8).astype(np.float32)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:1400], order[1400:]
    jitgrad.random.seed(1)
    model = jitgrad.Sequential([layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.fit(images[train], labels[train], epochs=1, seed=0).loss[0]
    history = model.fit(images[train], labels[train], epochs=40, seed=0)
    assert history.loss[-1] < 0.05 < before
    chances = model.predict(images[test], batch_size=100)
    assert chances.shape == (len(test), 10)
    assert (chances.argmax(1) == labels[test]).mean() >= 0.97
    assert model.evaluate(images[test], labels[test]) < 0.2


def test_the_same_seed_gives_the_same_weights() -> None:
    def fitted() -> list[np.ndarray]:
        jitgrad.random.seed(3)
        model = jitgrad.Sequential([layers.Dense(8, "tanh"), layers.Dropout(0.3), layers.Dense(1)])
        model.compile("rmsprop", "mae")
        x = np.linspace(-1, 1, 30)[:, None]
        model.fit(x, x**2, epochs=5, batch_size=7)
        return model.get_weights()

    for a, b in zip(fitted(), fitted(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_frozen_layers_stay() -> None:
    model = jitgrad.Sequential([layers.Dense(4, "tanh"), layers.Dense(1)])
    x = np.linspace(-1, 1, 20)[:, None]
    model(x)
    model.layers[0].trainable = False
    before = [layer.get_weights() for layer in model.layers]
    model.compile("sgd", "mse")
    model.fit(x, 2 * x, epochs=3)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], before[0][0])
    assert (model.layers[1].get_weights()[0] != before[1][0]).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.fit(np.ones((2, 1)), np.ones((2, 1))), "is not compiled"),
        (lambda m: m.compile("adaam"), "no optimizer 'adaam'. Did you mean 'adam'"),
        (lambda m: m.compile("adam", "mes"), "no loss 'mes'. Did you mean 'mse'"),
        (lambda m: m.predict(np.ones((2, 1)), batch_size=0), "batch_size is 0"),
    ],
)
def test_wrong_use_says_what_to_do(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(jitgrad.Sequential([layers.Dense(1)]))
