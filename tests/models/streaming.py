"""Fit to batches of four times the bytes that the process may take: ``python streaming.py stream|rows``."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import jitgrad
from jitgrad import layers

ALLOWED = 64 * 2**20
WIDTH, ROWS = 256, 1024
BATCHES = 4 * ALLOWED // (4 * WIDTH * ROWS)


def batches(count: int = BATCHES) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for number in range(count):
        x = np.random.default_rng(number).random((ROWS, WIDTH), np.float32)
        yield x, x.mean(1)


def main(kind: str) -> None:
    model = jitgrad.Sequential([layers.Dense(8, "relu"), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(lambda: batches(2))  # loads and lowers all that is needed
    model.evaluate(batches(2))
    sizes = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    now = int(sizes["VmSize"].split()[0]) * 1024
    resource.setrlimit(resource.RLIMIT_AS, (now + ALLOWED, now + ALLOWED))
    if kind == "rows":
        parts = list(batches())
        model.fit(np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts]))
    else:
        loss = model.fit(batches, epochs=2).loss
        assert loss[-1] < loss[0]
        assert model.evaluate(batches()) < loss[0]


if __name__ == "__main__":
    main(sys.argv[1])
