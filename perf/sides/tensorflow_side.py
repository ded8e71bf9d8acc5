"""TensorFlow with a ``tf.function`` per step, or eager for ``tape``. ``tensorflow_side.py JOB keras`` uses Keras's ``fit``."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Any

import jobs

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

KERAS = sys.argv[2:] == ["keras"]


def tape() -> Callable[[int], float]:
    return _line(lambda step: step)


def line() -> Callable[[int], float]:
    return _line(tf.function)


def _line(prepared: Callable[[Any], Any]) -> Callable[[int], float]:
    x, y = (tf.constant(v) for v in jobs.line_data())
    a, b = tf.Variable(0.0), tf.Variable(0.0)

    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(y - (a + b * x)))
        da, db = tape.gradient(loss, [a, b])
        a.assign_sub(0.001 * da)
        b.assign_sub(0.001 * db)
        return loss

    return _steps(prepared(step))


def quadratic() -> Callable[[int], float]:
    w = tf.Variable(0.0)
    optimizer = tf.keras.optimizers.Adam(0.1)
    optimizer.build([w])

    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = w**2 - 10 * w + 25
        optimizer.apply_gradients(zip(tape.gradient(loss, [w]), [w], strict=True))
        return loss

    return _steps(tf.function(step))


def _steps(step: Callable[[], Any]) -> Callable[[int], float]:
    def call(epochs: int) -> float:
        for _ in range(epochs):
            loss = step()
        return float(loss)

    return call


def network(job: str) -> Callable[[int], float]:
    described = jobs.NETWORKS[job]
    x, y = jobs.network_data(job)
    model = model_of(described)
    losses, optimizers = tf.keras.losses, tf.keras.optimizers
    loss_of = losses.SparseCategoricalCrossentropy(from_logits=True) if described.classes else losses.MeanSquaredError()
    optimizer = optimizers.Adam(jobs.LR, epsilon=jobs.ADAM_EPSILON) if described.adam else optimizers.SGD(jobs.LR)
    n = len(x) // described.batch * described.batch
    if KERAS:
        model.compile(optimizer, loss_of)
        return lambda epochs: model.fit(x[:n], y[:n], batch_size=described.batch, epochs=epochs, verbose=0).history["loss"][-1]
    xs, ys = tf.constant(x), tf.constant(y)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(rows: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(tf.gather(ys, rows), model(tf.gather(xs, rows), training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    def call(epochs: int) -> float:
        for _ in range(epochs):
            order = tf.random.shuffle(tf.range(len(x)))[:n]
            for rows in tf.split(order, n // described.batch):
                loss = step(rows)
        return float(loss)

    return call


def model_of(network: jobs.Network) -> Any:
    layers = tf.keras.layers
    model = tf.keras.Sequential([tf.keras.Input((network.widths[0],))])
    weights = jobs.initial_weights(network)
    for number, (w, b) in enumerate(weights):
        dense = layers.Dense(len(b))
        model.add(dense)
        dense.set_weights([w, b])
        if number < network.normalised:
            model.add(layers.BatchNormalization(epsilon=jobs.NORM_EPSILON))
        if number < len(weights) - 1:
            model.add(layers.ReLU())
    return model


networks = {job: functools.partial(network, job) for job in jobs.NETWORKS}
jobs.main(networks if KERAS else {"line": line, "tape": tape, "quadratic": quadratic} | networks)
