"""JAX in its strongest form: whole epochs by ``scan`` inside one ``jit``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jobs


def scanned(step: Callable[[Any], tuple[Any, Any]], state: Any) -> Callable[[int], Any]:
    """``epochs`` steps in one compiled call, on from where the last call ended."""

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


def quadratic() -> Callable[[int], Any]:
    def step(state: Any) -> Any:
        w, m, v, k = state
        loss, g = jax.value_and_grad(lambda q: q**2 - 10 * q + 25)(w)
        k, m, v = k + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w = w - 0.1 * (m / (1 - 0.9**k)) / (jnp.sqrt(v / (1 - 0.999**k)) + 1e-8)
        return (w, m, v, k), loss

    return scanned(step, (jnp.float32(0),) * 4)


def iris() -> Callable[[int], Any]:
    x, y = (jnp.array(v) for v in jobs.iris_data())
    weights = [(jnp.array(w), jnp.array(b)) for w, b in jobs.initial_weights()]
    n = len(x) // jobs.BATCH

    def loss_of(p: Any, xs: Any, ys: Any) -> Any:
        h = xs
        for w, b in p[:-1]:
            h = jax.nn.relu(h @ w + b)
        h = h @ p[-1][0] + p[-1][1]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(h), ys[:, None], 1))

    def step(p: Any, rows: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(p, x[rows], y[rows])
        return jax.tree.map(lambda a, b: a - 0.001 * b, p, g), loss

    def epoch(state: Any) -> Any:
        p, key = state
        key, now = jax.random.split(key)
        order = jax.random.permutation(now, len(x)).reshape(n, jobs.BATCH)
        p, losses = jax.lax.scan(step, p, order)
        return (p, key), losses.mean()

    return scanned(epoch, (weights, jax.random.PRNGKey(0)))


jobs.main({"line": line, "quadratic": quadratic, "iris": iris})
