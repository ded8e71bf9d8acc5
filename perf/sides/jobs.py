"""The jobs that every side runs, and how they are timed."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Job(NamedTuple):
    """How to time a job."""

    epochs_a_call: int
    steps_an_epoch: int
    repeats: int


JOBS = {
    "line": Job(20_000, 1, 9),
    "tape": Job(300, 1, 15),
    "quadratic": Job(20_000, 1, 9),
    "iris": Job(100, 28, 7),
    "iris-tape": Job(2, 28, 15),
    "fashion": Job(1, 1875, 3),
    "wide": Job(1, 390, 5),
}


class Network(NamedTuple):
    """A multilayer perceptron with ReLU between its layers; the first ``normalised`` layers have batch normalization.

    The loss is the cross-entropy, or the mean squared error if the last layer has one unit. The optimizer is gradient descent
    with learning rate 0.001, or Adam with Keras's defaults.
    """

    widths: tuple[int, ...]
    normalised: int
    batch: int
    adam: bool

    @property
    def classes(self) -> bool:
        return self.widths[-1] > 1


NETWORKS = {
    "iris": Network((4, 128, 64, 32, 16, 3), 3, 4, False),
    "fashion": Network((784, 128, 10), 0, 32, True),
    "wide": Network((64, 256, 256, 1), 0, 256, True),
}
LR, BETA1, BETA2, ADAM_EPSILON, NORM_EPSILON = 0.001, 0.9, 0.999, 1e-7, 1e-5


def line_data() -> tuple[np.ndarray, np.ndarray]:
    """Draw 200 values of x from U(0, 1), and y = 0.3 + 0.5 x + N(0, 0.3)."""
    draw = np.random.default_rng(0)
    x = draw.uniform(0, 1, 200)
    return x.astype(np.float32), (0.3 + 0.5 * x + draw.normal(0, 0.3, 200)).astype(np.float32)


def network_data(job: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a job's rows, and their classes (int64) or values (n, 1)."""
    draw = np.random.default_rng(0)
    if job == "iris":
        lines = (Path(__file__).parents[2] / "data" / "iris.csv").read_text().splitlines()[1:]
        rows = [line.split(",") for line in lines]
        names = sorted({row[-1] for row in rows})
        chosen = draw.permutation(len(rows))[:112]
        x = np.array([[float(v) for v in row[:-1]] for row in rows], np.float32)
        return x[chosen], np.array([names.index(row[-1]) for row in rows])[chosen]
    if job == "fashion":
        labels = draw.integers(0, 10, 60_000)
        patterns = draw.normal(size=(10, 784)).astype(np.float32) * np.float32(0.15)
        pictures = draw.standard_normal((60_000, 784), np.float32)
        for start in range(0, len(labels), 1000):  # in parts, to keep the peak memory of the data small
            part = pictures[start : start + 1000]
            part[...] = 1 / (1 + np.exp(-part - patterns[labels[start : start + 1000]]))
        return pictures, labels
    x = draw.standard_normal((100_000, 64), np.float32)
    return x, np.tanh(x @ draw.standard_normal((64, 1), np.float32) / 8)


def initial_weights(network: Network) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the same initial weights for every side."""
    draw = np.random.default_rng(1)
    return [
        ((draw.uniform(-1, 1, (m, n)) / np.sqrt(m)).astype(np.float32), np.zeros(n, np.float32))
        for m, n in itertools.pairwise(network.widths)
    ]


def report(name: str, call: Callable[[int], Any]) -> None:
    """Time ``call(epochs)``, which returns the last loss: the first call, then repeats. Print one line of JSON."""
    job = JOBS[name]
    start = time.perf_counter()
    call(job.epochs_a_call)
    first = time.perf_counter() - start
    times = []
    for _ in range(job.repeats):
        start = time.perf_counter()
        loss = call(job.epochs_a_call)
        times.append((time.perf_counter() - start) / job.epochs_a_call)
    figures = {"first": first, "median": float(np.median(times)), "minimum": min(times), "steps": job.steps_an_epoch}
    print(json.dumps(figures | {"loss": float(loss), "memory": _peak_memory()}))


def _peak_memory() -> int:
    """Return the peak memory of this process in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))) * 1024


def main(jobs: dict[str, Callable[[], Callable[[int], Any]]]) -> None:
    """Run the job named on the command line. Print nothing if this side does not implement it.

    With the second argument "first", print the seconds until a new model's first epoch is done, in a process that has already
    run another job.
    """
    job = sys.argv[1]
    if job in jobs and sys.argv[2:] == ["first"]:
        jobs["line"]()(1)
        start = time.perf_counter()
        jobs[job]()(1)
        print(json.dumps({"seconds": time.perf_counter() - start}))
    elif job in jobs:
        report(job, jobs[job]())
