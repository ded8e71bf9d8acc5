"""Time recurrences over many rows, with their gradients, and compare them with arch and statsmodels.

Run: python perf/recurrences.py [--json | --markdown] [--plot FILE]

  garch      the log-likelihood of GARCH(1,1) of 100,000 returns, and its gradient by three parameters. The peer is the package
             arch, whose fits use differences: a likelihood for each parameter and one more
  smoothing  the one-step predictions of simple exponential smoothing of 100,000 rows. The peer is statsmodels
  holt       the sum of squared errors of Holt's method of 100,000 rows, and its gradient by two parameters
  logistic   a sum over a logistic map, which is not affine in its carry, of 10,000 to 1,000,000 steps, and its gradient
  linear     the same for a linear recurrence

"difference" is the largest relative difference from the peer's values. A peer that is not installed is skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import output
from output import Bars, Column, Row

import jitgrad as jg

ROWS = 100_000
STEPS = (10_000, 100_000, 1_000_000)

COLUMNS = (
    Column("job", "job"),
    Column("rows", "rows", "{:,}".format),
    Column("time", "seconds", output.seconds),
    Column("per row", "per_row", lambda s: f"{s * 1e9:.1f} ns"),
    Column("peer", "peer"),
    Column("peer's time", "peer_seconds", output.seconds),
    Column("ratio", "ratio", output.ratio),
    Column("difference", "difference", lambda d: f"{d:.0e}"),
)


def least(function: Callable[[], Any], runs: int = 30) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measured(job: str, rows: int, function: Callable[[], Any], runs: int = 30) -> Row:
    function()
    seconds = least(function, runs)
    return {"job": job, "rows": rows, "seconds": seconds, "per_row": seconds / rows}


def compared(row: Row, peer: str, function: Callable[[], Any], evaluations: int, difference: float) -> Row:
    """Add the time of a peer, which evaluates a function several times."""
    seconds = evaluations * least(function, 20)
    row |= {"peer": peer, "peer_seconds": seconds, "ratio": seconds / row["seconds"], "difference": difference}
    return row


def installed(package: str) -> bool:
    if importlib.util.find_spec(package) is not None:
        return True
    print(f"{package} is not installed, so there is no comparison with it.", file=sys.stderr)
    return False


def returns() -> np.ndarray:
    """Returns of a GARCH(1,1) process."""
    noise = np.random.default_rng(0).standard_normal(ROWS)
    made, variance = np.empty(ROWS), 1.0
    for t in range(ROWS):
        made[t] = np.sqrt(variance) * noise[t]
        variance = 0.1 + 0.1 * made[t] ** 2 + 0.8 * variance
    return made


def garch_likelihood(parameters: Any, squares: Any, begun: float) -> Any:
    """The log-likelihood of squared returns, from a given variance before the first."""
    omega, alpha, beta = parameters[0], parameters[1], parameters[2]

    def day(variance: Any, square: Any) -> tuple[Any, Any]:
        return omega + alpha * square + beta * variance, jg.log(variance) + square / variance

    _, terms = jg.scan(day, omega + (alpha + beta) * begun, squares)
    return -0.5 * (ROWS * np.log(2 * np.pi) + jg.sum(terms))


def garch() -> Row:
    r, parameters = returns(), np.array([0.1, 0.1, 0.8])
    weights = 0.94 ** np.arange(75)
    begun = float(weights @ r[:75] ** 2 / weights.sum())  # as in arch
    both = jg.function(lambda p, squares: jg.value_and_grad(garch_likelihood)(p, squares, begun))
    squares = jg.Variable(r**2)
    row = measured("garch", ROWS, lambda: np.asarray(both(parameters, squares)[1]))
    if not installed("arch"):
        return row
    from arch import arch_model

    model = arch_model(r, mean="Zero", vol="GARCH", p=1, q=1, rescale=False)
    bounds, variances = model.volatility.variance_bounds(r), np.zeros(ROWS)

    def theirs() -> float:
        return float(model._loglikelihood(parameters, variances, begun, bounds))

    value = float(both(parameters, squares)[0])
    return compared(row, "arch", theirs, len(parameters) + 1, abs(theirs() + value) / abs(value))


def series() -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.cumsum(0.1 * rng.normal(size=ROWS)) + rng.normal(size=ROWS)


def smoothing() -> Row:
    y = series()
    predicted = jg.function(lambda a, y: jg.scan(lambda level, x: (a * x + (1 - a) * level, level), y[0], y)[1])
    data = jg.Variable(y)
    row = measured("smoothing", ROWS, lambda: np.asarray(predicted(0.3, data)))
    if not installed("statsmodels"):
        return row
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    def theirs() -> np.ndarray:
        model = SimpleExpSmoothing(y, initialization_method="known", initial_level=y[0])
        return np.asarray(model.fit(smoothing_level=0.3, optimized=False).fittedvalues)

    difference = np.max(np.abs(theirs() - np.asarray(predicted(0.3, data)))) / np.max(np.abs(y))
    return compared(row, "statsmodels", theirs, 1, float(difference))


def holt() -> Row:
    y = jg.Variable(series())

    def errors(parameters: Any, y: Any) -> Any:
        a, b = parameters[0], parameters[1]

        def row(state: Any, x: Any) -> Any:
            level, trend = state
            following = a * x + (1 - a) * (level + trend)
            return (following, b * (following - level) + (1 - b) * trend), x - level - trend

        return jg.sum(jg.scan(row, (y[0], y[1] - y[0]), y)[1] ** 2)

    both = jg.function(jg.value_and_grad(errors))
    parameters = np.array([0.3, 0.1])
    return measured("holt", ROWS, lambda: np.asarray(both(parameters, y)[1]))


def growing(job: str, step: Callable[[Any, Any], Any]) -> Iterator[Row]:
    """Time a sum over a recurrence, and its gradient, for growing numbers of steps."""
    for n in STEPS:
        f = jg.function(jg.grad(lambda p, n=n: jg.sum(jg.scan(lambda x, _: (step(p, x), x), 0.3 * p, None, n)[1])))
        yield measured(job, n, lambda f=f: np.asarray(f(0.7)), 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    output.add_options(parser)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = [garch(), smoothing(), holt()]
    rows += growing("logistic", lambda p, x: 4 * p * x * (1 - x))
    rows += growing("linear", lambda p, x: p * x + 1)
    output.present(rows, COLUMNS, Bars(("job", "rows"), "seconds", "Recurrences and their gradients"), options, "job")


if __name__ == "__main__":
    main()
