"""jitgrad's side: whole epochs natively."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jobs
import numpy as np

import jitgrad
from jitgrad import Variable, losses


def line() -> Callable[[int], float]:
    x, y = jobs.line_data()
    a, b = Variable(np.float32(0)), Variable(np.float32(0))
    optimizer = jitgrad.optimizers.SGD(0.001)
    cost = jitgrad.function(lambda xs, ys: jitgrad.sum(jitgrad.square(ys - (a + b * xs))))
    return lambda epochs: jitgrad.fit(cost, (x, y), optimizer, epochs=epochs, batch_size=None).loss[-1]


def quadratic() -> Callable[[int], float]:
    w = Variable(np.float32(0))
    optimizer = jitgrad.optimizers.Adam(0.1)
    cost = jitgrad.function(lambda: w**2 - 10 * w + 25)
    return lambda epochs: optimizer.minimize(cost, [w], steps=epochs)[-1]


def iris() -> Callable[[int], float]:
    x, labels = jobs.iris_data()
    y = np.eye(3, dtype=np.float32)[labels]
    layers = [(Variable(w), Variable(b)) for w, b in jobs.initial_weights()]
    optimizer = jitgrad.optimizers.SGD(0.001)

    def network(h: Any) -> Any:
        for w, b in layers[:-1]:
            h = jitgrad.relu(h @ w + b)
        return h @ layers[-1][0] + layers[-1][1]

    cost = jitgrad.function(lambda xs, ys: losses.categorical_crossentropy(ys, network(xs), from_logits=True))
    return lambda epochs: jitgrad.fit(cost, (x, y), optimizer, epochs=epochs, batch_size=jobs.BATCH, seed=0).loss[-1]


jobs.main({"line": line, "quadratic": quadratic, "iris": iris})
