"""The curves that every side of perf/many_fits.py fits, and how the fits are timed."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Job(NamedTuple):
    """Many groups of rows, and the model that each of them follows.

    Attributes
    ----------
    model : str
        A formula.
    function : callable
        The same model as a NumPy function of the columns, in one array if there are several, and the parameters.
    derivatives : callable
        Its analytical derivatives with respect to the parameters, (rows, parameters).
    columns : sequence of ndarray, shape (rows,)
        The independent variables, which are the same for all groups.
    y : ndarray, shape (groups, rows)
        The responses.
    starts, truth : ndarray, shape (groups, parameters)
        Starting values, and the parameters that generated the data.
    names : sequence of str
        The names of the parameters.
    tolerance : float
        The relative step, or change of the cost, at which a fit stops.
    most : int or None
        The maximum number of iterations; None for no limit.
    """

    model: str
    function: Callable[..., Any]
    derivatives: Callable[..., Any]
    columns: dict[str, np.ndarray]
    y: np.ndarray
    starts: np.ndarray
    truth: np.ndarray
    names: tuple[str, ...]
    tolerance: float
    most: int | None

    @property
    def x(self) -> np.ndarray:
        """The columns in one array: (rows,) for one column, (columns, rows) for several."""
        x = np.array(list(self.columns.values()))
        return x[0] if len(x) == 1 else x

    def costs(self, parameters: np.ndarray) -> np.ndarray:
        """Return the sums of squared residuals, (groups,)."""
        return np.sum((self.function(self.x, *np.asarray(parameters, np.float64).T[:, :, None]) - self.y) ** 2, axis=1)


def _two(x: Any, a: Any, k: Any, b: Any, m: Any) -> Any:
    return a * np.exp(-k * x) + b * np.exp(-m * x)


def _two_by_parameters(x: Any, a: Any, k: Any, b: Any, m: Any) -> Any:
    slow, fast = np.exp(-k * x), np.exp(-m * x)
    return np.column_stack([slow, -a * x * slow, fast, -b * x * fast])


def exponentials(groups: int) -> Job:
    """Two exponentials at 100 points with noise 0.02; each starting value is 30 % too large or too small."""
    draw, x = np.random.default_rng(0), np.linspace(0, 5, 100)
    truth = np.column_stack([draw.uniform(*ends, groups) for ends in ((1, 3), (0.5, 1), (2, 5), (2, 4))])
    y = _two(x, *truth.T[:, :, None]) + draw.normal(0, 0.02, (groups, len(x)))
    starts = truth * (1 + 0.3 * draw.choice([-1, 1], truth.shape))
    model = "a * exp(-k * x) + b * exp(-m * x)"
    return Job(model, _two, _two_by_parameters, {"x": x}, y, starts, truth, ("a", "k", "b", "m"), 1e-8, None)


def _peak(x: Any, a: Any, p: Any, q: Any, s: Any, c: Any) -> Any:
    u, v = x
    return a * np.exp(-((u - p) ** 2 + (v - q) ** 2) / (2 * s**2)) + c


def _peak_by_parameters(x: Any, a: Any, p: Any, q: Any, s: Any, c: Any) -> Any:
    u, v = x
    du, dv = u - p, v - q
    square = du**2 + dv**2
    peak = np.exp(-square / (2 * s**2))
    high = a * peak / s**2
    return np.column_stack([peak, high * du, high * dv, high * square / s, np.ones_like(u)])


def gaussians(groups: int) -> Job:
    """The benchmark of Gpufit: peaks on 5 × 5 pixels, signal-to-noise ratio 10, starts up to 10 % off, all in float32.

    The numbers are from examples/c++/gpu_vs_cpu_profiling/Gpufit_Cpufit_Performance_Comparison.cpp.
    """
    draw, side = np.random.default_rng(0), np.arange(5.0)
    middle = np.array([500.0, 2.0, 2.0, 1.0, 10.0])
    truth = middle * draw.uniform(0.9, 1.1, (groups, 5))
    starts = truth * draw.uniform(0.9, 1.1, (groups, 5))
    u, v = (axis.ravel() for axis in np.meshgrid(side, side))
    y = _peak((u, v), *truth.T[:, :, None])
    y += draw.normal(0, 2 * np.pi * 500 / 4.292**2 / 10, y.shape)
    model = "a * exp(-((u - p)**2 + (v - q)**2) / (2 * s**2)) + c"
    starts, y = starts.astype(np.float32), y.astype(np.float32)
    return Job(model, _peak, _peak_by_parameters, {"u": u, "v": v}, y, starts, truth, ("a", "p", "q", "s", "c"), 1e-4, 10)


JOBS = {"exponentials": exponentials, "gaussians": gaussians}
_MOST_RUNS, _SECONDS = 5, 6.0


def report(job: Job, call: Callable[[], Any]) -> None:
    """Time ``call()``, which returns all parameters, (groups, parameters): first call and repeats. Print one line of JSON.

    "minimum" is the share of fits whose cost is at most that of the true parameters, as it is at the global minimum.
    """
    start = time.perf_counter()
    call()
    first = time.perf_counter() - start
    times: list[float] = []
    while not times or (len(times) < _MOST_RUNS and sum(times) < _SECONDS):
        start = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - start)
    figures = {
        "groups": len(job.y),
        "first": first,
        "seconds": min(times) / len(job.y),
        "minimum": float(np.mean(job.costs(found) <= job.costs(job.truth))),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    print(json.dumps(figures))


def main(sides: dict[str, Callable[[Job], Callable[[], Any]]]) -> None:
    """Run ``SIDE JOB GROUPS`` from the command line."""
    side, name, groups = sys.argv[1:4]
    job = JOBS[name](int(groups))
    report(job, sides[side](job))
