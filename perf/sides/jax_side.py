"""JAX in its strongest form: whole epochs with ``scan`` inside one ``jit``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jobs
import numpy as np


def scanned(step: Callable[[Any], tuple[Any, Any]], state: Any) -> Callable[[int], Any]:
    """Run ``epochs`` steps in one compiled call, continuing from the end of the last call."""

    def scan(s: Any, epochs: int) -> Any:
        s, losses = jax.lax.scan(lambda c, _: step(c), s, None, length=epochs)
        return s, losses[-1]

    run = jax.jit(scan, static_argnums=1)
    kept = [state]

    def call(epochs: int) -> Any:
        kept[0], loss = run(kept[0], epochs)
        return loss.block_until_ready()

    return call


def line() -> Callable[[int], Any]:
    x, y = (jnp.array(v) for v in jobs.line_data())

    def step(p: Any) -> Any:
        loss, g = jax.value_and_grad(lambda q: jnp.sum((y - (q[0] + q[1] * x)) ** 2))(p)
        return jax.tree.map(lambda a, b: a - 0.001 * b, p, g), loss

    return scanned(step, (jnp.float32(0), jnp.float32(0)))


def tape() -> Callable[[int], Any]:
    """A compiled step and a loop in Python."""
    x, y = (jnp.array(v) for v in jobs.line_data())

    @jax.jit
    def step(p: Any) -> Any:
        loss, g = jax.value_and_grad(lambda q: jnp.sum((y - (q[0] + q[1] * x)) ** 2))(p)
        return loss, jax.tree.map(lambda a, b: a - 0.001 * b, p, g)

    kept = [(jnp.float32(0), jnp.float32(0))]

    def call(epochs: int) -> Any:
        for _ in range(epochs):
            loss, kept[0] = step(kept[0])
        return loss.block_until_ready()

    return call


def quadratic() -> Callable[[int], Any]:
    def step(state: Any) -> Any:
        w, m, v, k = state
        loss, g = jax.value_and_grad(lambda q: q**2 - 10 * q + 25)(w)
        k, m, v = k + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - 0.1 * (m / (1 - 0.9**k)) / (jnp.sqrt(v / (1 - 0.999**k)) + 1e-8)
        return (w, m, v, k), loss

    return scanned(step, (jnp.float32(0),) * 4)


def network(job: str) -> Callable[[int], Any]:
    step, state, (count, batch) = network_step(job)
    batches = count // batch

    def epoch(state: Any) -> Any:
        inner, key = state
        key, now = jax.random.split(key)
        order = jax.random.permutation(now, count)[: batches * batch].reshape(batches, batch)
        inner, losses = jax.lax.scan(step, inner, order)
        return (inner, key), losses.mean()

    return scanned(epoch, (state, jax.random.PRNGKey(0)))


def iris_tape() -> Callable[[int], Any]:
    """A compiled step and a loop in Python that reads the loss of each step."""
    step, state, (count, batch) = network_step("iris")
    compiled, kept, draw = jax.jit(step), [state], np.random.default_rng(0)

    def call(epochs: int) -> Any:
        for _ in range(epochs):
            order = draw.permutation(count)
            for start in range(0, count, batch):
                kept[0], loss = compiled(kept[0], order[start : start + batch])
                float(loss)
        return loss

    return call


def network_step(job: str) -> tuple[Callable[[Any, Any], Any], Any, tuple[int, int]]:
    """Return a step from state and rows to state and loss, the initial state, the number of rows, and the batch size."""
    described = jobs.NETWORKS[job]
    x, y = (jnp.array(v) for v in jobs.network_data(job))
    weights = [(jnp.array(w), jnp.array(b)) for w, b in jobs.initial_weights(described)]
    norms = [(jnp.ones(n), jnp.zeros(n)) for n in described.widths[1 : described.normalised + 1]]

    def loss_of(p: Any, xs: Any, ys: Any) -> Any:
        weights, norms = p
        h = xs
        for number, (w, b) in enumerate(weights):
            h = h @ w + b
            if number < len(norms):
                h = (h - h.mean(0)) / jnp.sqrt(h.var(0) + jobs.NORM_EPSILON) * norms[number][0] + norms[number][1]
            if number < len(weights) - 1:
                h = jax.nn.relu(h)
        if described.classes:
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(h), ys[:, None], 1))
        return jnp.mean((h - ys) ** 2)

    def step(state: Any, rows: Any) -> Any:
        p, m, v, k = state
        loss, g = jax.value_and_grad(loss_of)(p, x[rows], y[rows])
        if not described.adam:
            return (jax.tree.map(lambda a, b: a - jobs.LR * b, p, g), m, v, k), loss
        k = k + 1
        m = jax.tree.map(lambda a, b: jobs.BETA1 * a + (1 - jobs.BETA1) * b, m, g)
        v = jax.tree.map(lambda a, b: jobs.BETA2 * a + (1 - jobs.BETA2) * b * b, v, g)
        rate = jobs.LR * jnp.sqrt(1 - jobs.BETA2**k) / (1 - jobs.BETA1**k)
        return (jax.tree.map(lambda a, b, c: a - rate * b / (jnp.sqrt(c) + jobs.ADAM_EPSILON), p, m, v), m, v, k), loss

    zeros = jax.tree.map(jnp.zeros_like, (weights, norms)) if described.adam else ()
    return step, ((weights, norms), zeros, zeros, jnp.float32(0)), (len(x), described.batch)


jobs.main(
    {"line": line, "tape": tape, "quadratic": quadratic, "iris-tape": iris_tape}
    | {job: functools.partial(network, job) for job in jobs.NETWORKS}
)
