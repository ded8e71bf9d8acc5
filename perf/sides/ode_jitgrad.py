"""jitgrad's side of ``perf/ode.py``. Usage: ode_jitgrad.py JOB"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ode_jobs as jobs
from ode_jobs import row, worst

import jitgrad as jg
from jitgrad import curvefit

Row = dict[str, Any]


def predators(t: Any, y: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    return [a * y[0] - b * y[0] * y[1], d * y[0] * y[1] - c * y[1]]


def lorenz() -> Iterator[Row]:
    def slopes(t: Any, u: Any) -> Any:
        return [10 * (u[1] - u[0]), u[0] * (28 - u[2]) - u[1], u[0] * u[1] - 8 / 3 * u[2]]

    def solve(y0: Any, method: str) -> Any:
        return jg.solve_ivp(slopes, jobs.SPAN, y0, method, jobs.OUTPUTS, rtol=jobs.TOLERANCE, atol=jobs.TOLERANCE).y

    for method in ("auto", "DOP853", "RK45"):
        traced = jg.function(lambda y0, method=method: solve(y0, method))
        yield row(f"jitgrad {method}", jobs.timed(lambda traced=traced: traced(jobs.BEGIN).numpy()))
    yield row("jitgrad, a call of solve_ivp", jobs.timed(lambda: solve(jobs.BEGIN, "auto").numpy()))


def fit(once: bool = False) -> Iterator[Row]:
    data, times, begin = jobs.OBSERVED, jobs.TIMES, jobs.POPULATIONS
    rows = np.tile(times, 2)

    def model(t: Any, *parameters: Any) -> Any:
        solved = jg.solve_ivp(predators, (0.0, 20.0), begin, "DOP853", times, args=parameters, rtol=1e-8, atol=1e-8)
        return jg.log(solved.y).reshape((-1,))

    run = jobs.timed(lambda: curvefit.curve_fit(model, rows, np.log(data).ravel(), p0=list(jobs.START)), once)
    yield row("jitgrad, a function", run, result=list(run[2].parameters.values()))
    text = curvefit.ode(
        "x' = a*x - b*x*y; y' = d*x*y - c*y", initial={"x": 30, "y": 4}, observe={0: "x", 1: "y"}, which="animal"
    )
    table = {"t": rows, "animal": np.repeat([0, 1], len(times))}
    start = dict(zip("abcd", jobs.START, strict=True))
    run = jobs.timed(lambda: curvefit.curve_fit(text, table, data.ravel(), p0=start, errors="lognormal"))
    yield row("jitgrad, equations", run, result=[run[2].parameters[name] for name in "abcd"])


def first() -> Iterator[Row]:
    yield next(fit(once=True))


def stiff() -> Iterator[Row]:
    slopes = {
        "robertson": lambda t, y: [
            -0.04 * y[0] + 1e4 * y[1] * y[2],
            0.04 * y[0] - 1e4 * y[1] * y[2] - 3e7 * y[1] * y[1],
            3e7 * y[1] * y[1],
        ],
        "van der pol": lambda t, y: [y[1], jobs.MU * (1 - y[0] * y[0]) * y[1] - y[0]],
    }
    for name, (y0, end, rtol, atol, solution) in jobs.STIFF.items():
        for method in ("ESDIRK", "auto"):

            def solve(y0: Any, method: str = method, name: str = name, given: Any = (end, rtol, atol)) -> Any:
                end, rtol, atol = given
                return jg.solve_ivp(slopes[name], (0.0, end), y0, method, [end], rtol=rtol, atol=atol).y

            traced = jg.function(solve)
            run = jobs.timed(lambda traced=traced, y0=y0: traced(np.array(y0)).numpy()[:, -1])
            yield row(f"jitgrad {method}", run, problem=name, error=worst(run[2], solution))


def many() -> Iterator[Row]:
    sets = jobs.parameter_sets(jobs.SETS)

    def solve(p: Any) -> Any:
        return jg.solve_ivp(
            predators,
            (0.0, 20.0),
            jobs.POPULATIONS,
            "DOP853",
            jobs.TIMES,
            args=tuple(p[k] for k in range(4)),
            rtol=1e-8,
            atol=1e-8,
        ).y

    together = jg.function(jg.vmap(solve))
    begun, seconds, _ = jobs.timed(lambda: together(sets).numpy())
    yield {"side": "jitgrad", "first": begun, "seconds": seconds / len(sets)}


def neural() -> Iterator[Row]:
    def slopes(t: Any, y: Any, weights: Any) -> Any:
        a, b, c, d, e, f = weights
        return e @ jg.tanh(c @ jg.tanh(a @ y + b) + d) + f

    weights = jobs.network()
    for method in ("auto", "RK45"):

        def loss(weights: Any, method: str = method) -> Any:
            options = {"args": (weights,), "rtol": jobs.TOLERANCE, "atol": jobs.TOLERANCE}
            solved = jg.solve_ivp(slopes, (0.0, 2.0), jobs.NETWORK_BEGIN, method, jobs.NETWORK_TIMES, **options)
            return jg.mean((solved.y - jobs.TARGETS) ** 2)

        gradient = jg.function(jg.grad(loss))
        run = jobs.timed(lambda gradient=gradient: [g.numpy() for g in gradient(weights)])
        yield row(f"jitgrad {method}", run, error=jobs.norm_error(run[2]))


def detest() -> Iterator[Row]:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tests.integrate.problems import NONSTIFF_PROBLEMS

    for problem in NONSTIFF_PROBLEMS:
        made: Row = {"problem": str(problem)}
        for tolerance in (1e-4, 1e-7, 1e-10):
            solved = jg.solve_ivp(
                problem.fun, (0.0, problem.end), problem.y0, t_eval=[problem.end], rtol=tolerance, atol=tolerance
            )
            made[f"{tolerance:.0e}"] = float(np.abs(solved.y.numpy()[:, -1] - problem.solution).max() / tolerance)
        yield made


if __name__ == "__main__":
    print(json.dumps(list(globals()[sys.argv[1]]())))
