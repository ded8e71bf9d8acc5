"""What every side runs, and how it is timed: one place, so that all do the same."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WIDTHS = [4, 128, 64, 32, 16, 3]
BATCH = 4
EPOCHS_A_CALL = {"line": 2000, "quadratic": 1000, "iris": 10}
STEPS_AN_EPOCH = {"line": 1, "quadratic": 1, "iris": 28}
REPEATS = 15


def line_data() -> tuple[np.ndarray, np.ndarray]:
    """200 draws of x from U(0, 1), and y = 0.3 + 0.5 x + N(0, 0.3)."""
    draw = np.random.default_rng(0)
    x = draw.uniform(0, 1, 200)
    return x.astype(np.float32), (0.3 + 0.5 * x + draw.normal(0, 0.3, 200)).astype(np.float32)


def iris_data() -> tuple[np.ndarray, np.ndarray]:
    """112 rows of Fisher's table and their classes, 0 to 2."""
    lines = (Path(__file__).parents[2] / "data" / "iris.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in lines]
    names = sorted({row[-1] for row in rows})
    chosen = np.random.default_rng(0).permutation(len(rows))[:112]
    x = np.array([[float(v) for v in row[:-1]] for row in rows], np.float32)
    return x[chosen], np.array([names.index(row[-1]) for row in rows])[chosen]


def initial_weights() -> list[tuple[np.ndarray, np.ndarray]]:
    """The same start for every side."""
    draw = np.random.default_rng(1)
    return [
        ((draw.uniform(-1, 1, (m, n)) / np.sqrt(m)).astype(np.float32), np.zeros(n, np.float32))
        for m, n in itertools.pairwise(WIDTHS)
    ]


def report(job: str, call: Callable[[int], Any]) -> None:
    """Time ``call(epochs)``, which returns the last loss: the first call, then repeats. Prints one line of JSON."""
    epochs = EPOCHS_A_CALL[job]
    start = time.perf_counter()
    call(epochs)
    first = time.perf_counter() - start
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        loss = call(epochs)
        times.append((time.perf_counter() - start) / epochs)
    figures = {"first": first, "median": float(np.median(times)), "minimum": min(times), "steps": STEPS_AN_EPOCH[job]}
    print(json.dumps(figures | {"loss": float(loss)}))


def main(jobs: dict[str, Callable[[], Callable[[int], Any]]]) -> None:
    """Run the job named on the command line; print nothing for one that this side does not do."""
    job = sys.argv[1]
    if job in jobs:
        report(job, jobs[job]())
