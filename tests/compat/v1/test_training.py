"""Optimizers, losses and layers of TensorFlow 1: defaults and results as TensorFlow's, recorded, and recomputed where it is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import jitgrad.compat.tensorflow.v1 as tf


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


DEFAULTS: dict[str, dict[str, Any]] = {
    "GradientDescentOptimizer": {"name": "GradientDescent"},
    "MomentumOptimizer": {"use_nesterov": False, "name": "Momentum"},
    "AdamOptimizer": {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "name": "Adam"},
    "AdagradOptimizer": {"initial_accumulator_value": 0.1, "name": "Adagrad"},
    "RMSPropOptimizer": {"decay": 0.9, "momentum": 0.0, "epsilon": 1e-10, "centered": False, "name": "RMSProp"},
    "AdadeltaOptimizer": {"learning_rate": 0.001, "rho": 0.95, "epsilon": 1e-8, "name": "Adadelta"},
}

# The weights, the bias and the loss after 30 steps of the regression below: TensorFlow 2.20's, to nine digits.
TRAINED: dict[str, tuple[Any, list[float]]] = {
    "sgd": (
        lambda tf: tf.train.GradientDescentOptimizer(0.1),
        [0.994702635, -1.99542913, 0.502292936, 1.00180407, 4.67751978e-05],
    ),
    "momentum": (
        lambda tf: tf.train.MomentumOptimizer(0.05, 0.9),
        [1.18165907, -2.15877207, 0.495422131, 0.977821084, 0.0492674338],
    ),
    "nesterov": (
        lambda tf: tf.train.MomentumOptimizer(0.05, 0.9, use_nesterov=True),
        [1.05347348, -2.03666407, 0.4963251, 0.986557275, 0.00364352885],
    ),
    "adam": (lambda tf: tf.train.AdamOptimizer(), [0.970172035, 0.970031003, 0.970145586, 0.0299372632, 11.5088911]),
    "adam with all": (
        lambda tf: tf.train.AdamOptimizer(0.1, beta1=0.8, beta2=0.9, epsilon=0.1),
        [0.898558865, -1.52897184, 0.476688712, 1.11654583, 0.233447914],
    ),
    "adagrad": (
        lambda tf: tf.train.AdagradOptimizer(0.5),
        [0.962238375, -1.78172648, 0.49742507, 1.04040099, 0.0494312993],
    ),
    "rmsprop": (
        lambda tf: tf.train.RMSPropOptimizer(0.05),
        [0.763564627, -0.673655992, 0.485544497, 1.12232636, 1.82454702],
    ),
    "rmsprop, centered": (
        lambda tf: tf.train.RMSPropOptimizer(0.05, momentum=0.5, centered=True),
        [0.988203674, -1.94025483, 0.499296483, 1.01273409, 0.0037208744],
    ),
    "adadelta": (
        lambda tf: tf.train.AdadeltaOptimizer(10.0),
        [0.874910508, 0.861053333, 0.87231991, 0.135676359, 10.3458399],
    ),
}


def trained(tf: Any, make: Any) -> list[float]:
    draw = np.random.RandomState(3)
    rows = draw.randn(50, 3)
    targets = rows @ np.array([[1.0], [-2.0], [0.5]]) + 1
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float64, [None, 3]), tf.placeholder(tf.float64, [None, 1])
        w, b = tf.Variable(tf.ones([3, 1], tf.float64)), tf.Variable(np.float64(0))
        loss = tf.reduce_mean(tf.square(tf.matmul(x, w) + b - y))
        train = make(tf).minimize(loss)
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for _ in range(30):
                session.run(train, {x: rows, y: targets})
            return [*session.run(w).ravel().tolist(), session.run(b), session.run(loss, {x: rows, y: targets})]


@pytest.mark.parametrize(("make", "wanted"), TRAINED.values(), ids=list(TRAINED))
def test_optimizers(make: Any, wanted: list[float]) -> None:
    np.testing.assert_allclose(trained(tf, make), wanted, rtol=1e-6)  # TensorFlow keeps the learning rate in float32


def test_optimizers_are_tensorflows() -> None:
    original = pytest.importorskip("tensorflow", reason="the figures are recomputed by TensorFlow").compat.v1
    for make, wanted in TRAINED.values():
        np.testing.assert_allclose(trained(original, make), wanted, rtol=1e-8)


def defaults_of(library: Any, name: str) -> dict[str, Any]:
    parameters = inspect.signature(getattr(library.train, name)).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty and p.name in DEFAULTS[name]}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults(name: str) -> None:
    assert defaults_of(tf, name) == DEFAULTS[name]


def test_defaults_are_tensorflows() -> None:
    original = pytest.importorskip("tensorflow", reason="the defaults are looked up in TensorFlow").compat.v1
    for name, wanted in DEFAULTS.items():
        assert defaults_of(original, name) == wanted


# Of the labels and logits below, TensorFlow 2.20's.
LOSSES: dict[str, tuple[Any, Any]] = {
    "mean_squared_error": (lambda tf, y, z: tf.losses.mean_squared_error(y, z), 1.0),
    "absolute_difference": (lambda tf, y, z: tf.losses.absolute_difference(y, z), 0.8),
    "huber": (lambda tf, y, z: tf.losses.huber_loss(y, z, delta=0.5), 0.2858333),
    "hinge": (lambda tf, y, z: tf.losses.hinge_loss(y, z), 1.283333),
    "log": (lambda tf, y, z: tf.losses.log_loss(y, tf.nn.softmax(z)), 0.7276664),
    "sigmoid": (lambda tf, y, z: tf.losses.sigmoid_cross_entropy(y, z), 0.927731),
    "sigmoid, smoothed": (lambda tf, y, z: tf.losses.sigmoid_cross_entropy(y, z, label_smoothing=0.1), 0.917731),
    "softmax": (lambda tf, y, z: tf.losses.softmax_cross_entropy(y, z), 1.328412),
    "softmax, smoothed": (lambda tf, y, z: tf.losses.softmax_cross_entropy(y, z, label_smoothing=0.1), 1.335079),
    "sparse": (lambda tf, y, z: tf.losses.sparse_softmax_cross_entropy([1, 0], z), 1.328412),
    "weighted": (lambda tf, y, z: tf.losses.softmax_cross_entropy(y, z, weights=[1.0, 0.0]), 0.3631355),
    "mean": (lambda tf, y, z: tf.losses.mean_squared_error(y, z, 2.0, reduction=tf.losses.Reduction.MEAN), 1.0),
    "sum": (lambda tf, y, z: tf.losses.absolute_difference(y, z, reduction=tf.losses.Reduction.SUM), 4.8),
    "none": (
        lambda tf, y, z: tf.losses.absolute_difference(labels=y, predictions=z, reduction="none"),
        [[0.2, 0.5, 0.3], [0.9, 0.9, 2.0]],
    ),
}


def losses(tf: Any) -> dict[str, Any]:
    y, z = tf.constant([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]), tf.constant([[0.2, 1.5, -0.3], [0.1, 0.9, 2.0]])
    made = {name: make(tf, y, z) for name, (make, _) in LOSSES.items()}
    with tf.Session() as session:
        return {name: value.tolist() for name, value in session.run(made).items()}


def test_losses() -> None:
    found = losses(tf)
    for name, (_, wanted) in LOSSES.items():
        np.testing.assert_allclose(found[name], wanted, rtol=1e-5, err_msg=name)
    assert len(tf.losses.get_losses()) == len(LOSSES) and len(tf.losses.get_total_loss().op.args[0]) == len(LOSSES)


def test_losses_are_tensorflows() -> None:
    original = pytest.importorskip("tensorflow", reason="the losses are recomputed by TensorFlow").compat.v1
    with original.Graph().as_default():
        for name, value in losses(original).items():
            np.testing.assert_allclose(value, LOSSES[name][1], rtol=1e-6, err_msg=name)


def test_layers() -> None:
    x = tf.placeholder(tf.float32, [None, 2, 3])
    flat = tf.layers.flatten(x)
    h = tf.layers.dense(flat, 4, activation=tf.nn.relu, name="first")
    out = tf.layers.dense(h, 2, kernel_initializer=tf.ones_initializer())
    assert str(out) == 'Tensor("dense/BiasAdd:0", shape=(?, 2), dtype=float32)' and flat.shape.as_list() == [None, 6]
    assert [v.name for v in tf.trainable_variables()] == ["first/kernel:0", "first/bias:0", "dense/kernel:0", "dense/bias:0"]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        hidden, values = session.run([h, out], {x: np.arange(12.0).reshape(2, 2, 3)})
    np.testing.assert_allclose(values, np.repeat(hidden.sum(1, keepdims=True), 2, 1), rtol=1e-6)


def test_dropout_by_a_placeholder() -> None:
    keep = tf.placeholder(tf.float32)
    dropped = tf.nn.dropout(tf.ones([4000]), keep)
    with tf.Session() as session:
        values = session.run(dropped, {keep: 0.8})
        assert set(np.unique(values)) == {np.float32(0), np.float32(1.25)} and 0.95 < values.mean() < 1.05
        assert session.run(dropped, {keep: 1.0}).min() == 1
        assert not np.array_equal(values, session.run(dropped, {keep: 0.8}))


@pytest.mark.parametrize(
    ("decayed", "wanted"),
    [
        (lambda step: tf.train.exponential_decay(0.1, step, 10, 0.5), [0.1, 0.0812252, 0.05, 0.0176777]),
        (lambda step: tf.train.exponential_decay(0.1, step, 10, 0.5, staircase=True), [0.1, 0.1, 0.05, 0.025]),
        (lambda step: tf.train.natural_exp_decay(0.1, step, 10, 0.5), [0.1, 0.0860708, 0.0606531, 0.0286505]),
        (lambda step: tf.train.inverse_time_decay(0.1, step, 10, 0.5), [0.1, 0.0869565, 0.0666667, 0.0444444]),
        (lambda step: tf.train.polynomial_decay(0.1, step, 20, 0.01), [0.1, 0.0865, 0.055, 0.01]),
        (lambda step: tf.train.piecewise_constant(step, [3, 10], [1.0, 0.5, 0.1]), [1.0, 1.0, 0.5, 0.1]),
    ],
)
def test_decays(decayed: Any, wanted: list[float]) -> None:
    step = tf.placeholder(tf.int32, [])
    rate = decayed(step)
    with tf.Session() as session:
        found = [session.run(rate, {step: n}) for n in (0, 3, 10, 25)]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
