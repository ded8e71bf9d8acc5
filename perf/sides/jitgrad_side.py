"""jitgrad: whole epochs in native code."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jobs
import numpy as np

import jitgrad
from jitgrad import Variable, layers, losses
from jitgrad.models.data import as_data
from jitgrad.tape.tensor import placeholder
from jitgrad.training.step import TrainingStep, make_step


def line_parts() -> tuple[Any, Any, tuple[np.ndarray, np.ndarray]]:
    """Return the cost, the optimizer and the data."""
    a, b = Variable(np.float32(0)), Variable(np.float32(0))
    cost = jitgrad.function(lambda xs, ys: jitgrad.sum(jitgrad.square(ys - (a + b * xs))))
    return cost, jitgrad.optimizers.SGD(0.001), jobs.line_data()


def line() -> Callable[[int], float]:
    cost, optimizer, data = line_parts()
    return lambda epochs: jitgrad.fit(cost, data, optimizer, epochs=epochs, batch_size=None).loss[-1]


def tape() -> Callable[[int], float]:
    x, y = (jitgrad.tensor(v) for v in jobs.line_data())
    a, b = Variable(np.float32(0)), Variable(np.float32(0))

    def call(epochs: int) -> float:
        for _ in range(epochs):
            with jitgrad.GradientTape() as tape:
                loss = jitgrad.sum(jitgrad.square(y - (a + b * x)))
            da, db = tape.gradient(loss, [a, b])
            a.assign_sub(0.001 * da)
            b.assign_sub(0.001 * db)
        return float(loss)

    return call


def quadratic_parts() -> tuple[Any, Any]:
    w = Variable(np.float32(0))
    return jitgrad.function(lambda: w**2 - 10 * w + 25), jitgrad.optimizers.Adam(0.1)


def quadratic() -> Callable[[int], float]:
    cost, optimizer = quadratic_parts()
    return lambda epochs: optimizer.minimize(cost, steps=epochs).numpy()[-1]


def model_of(network: jobs.Network) -> jitgrad.Sequential:
    model = jitgrad.Sequential([jitgrad.Input((network.widths[0],))])
    weights = jobs.initial_weights(network)
    for number, (w, b) in enumerate(weights):
        dense = layers.Dense(len(b))
        model.add(dense)
        dense.set_weights([w, b])
        if number < network.normalised:
            model.add(layers.BatchNormalization(epsilon=jobs.NORM_EPSILON))
        if number < len(weights) - 1:
            model.add(layers.Activation("relu"))
    cross_entropy = functools.partial(losses.sparse_categorical_crossentropy, from_logits=True)
    optimizers = jitgrad.optimizers
    optimizer = optimizers.Adam(jobs.LR, epsilon=jobs.ADAM_EPSILON) if network.adam else optimizers.SGD(jobs.LR)
    model.compile(optimizer, cross_entropy if network.classes else "mse")
    return model


def network(job: str) -> Callable[[int], float]:
    """Drop the rows that do not fill the last batch, as the other libraries do."""
    described = jobs.NETWORKS[job]
    x, y = jobs.network_data(job)
    n = len(x) // described.batch * described.batch
    model = model_of(described)
    return lambda epochs: model.fit(x[:n], y[:n], batch_size=described.batch, epochs=epochs, verbose=0).history["loss"][-1]


def iris_tape() -> Callable[[int], float]:
    """A step as users write it, which reads the loss."""
    x, y = jobs.network_data("iris")
    model, draw = model_of(jobs.NETWORKS["iris"]), np.random.default_rng(0)
    batch = jobs.NETWORKS["iris"].batch

    def step(rows: np.ndarray, labels: np.ndarray) -> float:
        with jitgrad.GradientTape() as tape:
            loss = losses.sparse_categorical_crossentropy(labels, model(rows, training=True), from_logits=True)
        variables = model.trainable_variables
        model.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return float(loss)

    def call(epochs: int) -> float:
        for _ in range(epochs):
            order = draw.permutation(len(x))
            for start in range(0, len(x), batch):
                rows = order[start : start + batch]
                loss = step(x[rows], y[rows])
        return loss

    return call


def step_of(job: str) -> tuple[TrainingStep, list[np.ndarray]]:
    """Return a job's step and its first batch."""
    if job == "quadratic":
        cost, optimizer = quadratic_parts()
        return make_step(cost, [], optimizer), []
    if job == "line":
        cost, optimizer, data = line_parts()
        return make_step(cost, [placeholder(a.shape) for a in data], optimizer), list(data)
    described = jobs.NETWORKS[job]
    model = model_of(described)
    rows = as_data(*jobs.network_data(job), None).part(slice(0, described.batch))
    batch = [placeholder(a.shape, level) for a, level in zip(rows.arrays, rows.levels, strict=True)]
    return make_step(model.cost(rows.nest, training=True).function, batch, model.optimizer), rows.arrays


ALL: dict[str, Callable[[], Callable[[int], Any]]] = {
    "line": line,
    "tape": tape,
    "quadratic": quadratic,
    "iris-tape": iris_tape,
}
ALL |= {job: functools.partial(network, job) for job in jobs.NETWORKS}

if __name__ == "__main__":
    jobs.main(ALL)
