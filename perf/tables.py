"""Time whole fits of tables, and compare them with scikit-learn in its best form.

Run: python perf/tables.py [--json | --markdown] [--plot FILE] [JOB ...]

Jobs:
  logistic     two classes, six features, a million rows, no penalty. jitgrad also computes standard errors, and converges to
               10⁻¹⁰ of one; scikit-learn's solvers use their own tolerances
  grid_search  GridSearchCV with 20 points and 5 folds over networks of 30 inputs and 16 hidden units, each fitted for 50
               epochs by Adam in batches of 32 or 200 rows, with one process and with two. "difference" compares the scores
  elastic_net  100 penalties, 10 folds, 1000 rows and 5000 columns, 100 of which matter, with l1_ratio 0.5. ElasticNetCV uses
               two processes, with its default tol and a smaller one; "difference" is the error of its coefficients. Each side
               runs once; scikit-learn with the smaller tol takes many minutes

Both sides get the same arrays and all cores. "first" is the first fit in a process, including imports, compiling and lowering;
"median" and "minimum" are over later fits. Ratios are the peer's median divided by jitgrad's: above 1, jitgrad is faster.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import output
from output import Bars, Column, Row

COLUMNS = (
    Column("job", "job"),
    Column("side", "side"),
    Column("first", "first", output.seconds),
    Column("median", "seconds", output.seconds),
    Column("minimum", "least", output.seconds),
    Column("ratio", "ratio", output.ratio),
    Column("difference", "difference", lambda d: f"{d:.1e}"),
)
REPEATS = 5


def timed(job: str, side: str, fit: Callable[[], Any], repeats: int = REPEATS) -> tuple[Row, Any]:
    """Return a row, and the result of the last fit."""
    times = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        made = fit()
        times.append(time.perf_counter() - start)
    return {"job": job, "side": side, "first": times[0], "seconds": statistics.median(times[1:]), "least": min(times[1:])}, made


def beside(own: Row, peer: Row, ours: np.ndarray, theirs: np.ndarray) -> Row:
    """Return a peer's row with its ratio, and the largest error of its coefficients relative to the largest one."""
    difference = float(np.abs(ours - theirs).max() / np.abs(ours).max())
    return peer | {"ratio": peer["seconds"] / own["seconds"], "difference": difference}


def logistic() -> list[Row]:
    from sklearn.linear_model import LogisticRegression

    from jitgrad import glm

    draw = np.random.default_rng(0)
    x = draw.normal(size=(1_000_000, 6))
    y = (draw.random(len(x)) < 1 / (1 + np.exp(-(0.2 + x @ [0.5, -0.4, 0.3, -0.2, 0.1, 0.0])))).astype(float)
    own, fit = timed("logistic", "jitgrad", lambda: glm.fit(x, y, "binomial"))
    rows = [own]
    for solver in ("lbfgs", "newton-cholesky"):
        peer, made = timed("logistic", f"sklearn {solver}", lambda: LogisticRegression(C=np.inf, solver=solver).fit(x, y))  # noqa: B023
        rows.append(beside(own, peer, fit.coefficients[1:, 0], made.coef_[0]))
    return rows


def grid_search() -> list[Row]:
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import scale

    from jitgrad.sklearn import NetworkClassifier

    x, y = load_breast_cancer(return_X_y=True)
    x = scale(x)
    grid = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2, 1e-1], "learning_rate_init": [3e-4, 1e-3, 3e-3, 1e-2]}
    rows = []
    for size in (32, 200):

        def sides(kind: Any, side: str, repeats: int, size: int = size) -> list[tuple[Row, Any]]:
            network = kind((16,), batch_size=size, max_iter=50, tol=0.0, n_iter_no_change=50, random_state=0)
            searches = [GridSearchCV(network, grid, cv=5, n_jobs=processes) for processes in (1, 2)]
            return [
                timed(f"grid_search, batch {size}", f"{side}, {s.n_jobs} processes", lambda s=s: s.fit(x, y), repeats)
                for s in searches
            ]

        own, theirs = sides(NetworkClassifier, "jitgrad", 3), sides(MLPClassifier, "sklearn", 1)
        best, search = min(own, key=lambda pair: pair[0]["seconds"])
        scores = search.cv_results_["mean_test_score"]
        rows += [row for row, _ in own]
        rows += [beside(best, row, scores, made.cv_results_["mean_test_score"]) for row, made in theirs]
    return rows


TOLERANCES = (1e-4, 1e-7)
"""Tolerances of ElasticNetCV: its default, and one that brings its coefficients within 10⁻⁶ of the minimum."""


def elastic_net() -> list[Row]:
    from sklearn.linear_model import ElasticNetCV
    from sklearn.model_selection import KFold

    from jitgrad import glm

    draw = np.random.default_rng(0)
    x, b = draw.normal(size=(1000, 5000)), np.zeros(5000)
    b[draw.choice(5000, 100, replace=False)] = draw.normal(size=100)
    y = x @ b + draw.normal(size=1000) * np.sqrt(b @ b / 3)
    ours: dict[str, Any] = {"l1_ratio": 0.5, "standardize": False, "cv": np.arange(1000) // 100}
    own, found = once("elastic_net", "jitgrad", lambda: glm.cross_validated(x, y, **ours))
    rows = [own]
    for tol in TOLERANCES:
        model = ElasticNetCV(l1_ratio=0.5, cv=KFold(10), n_jobs=2, tol=tol, max_iter=10**6)
        peer, made = once("elastic_net", f"sklearn tol={tol:.0e}", functools.partial(model.fit, x, y))
        rows.append(beside(own, peer, found.coefficients, made.coef_))
    return rows


def once(job: str, side: str, fit: Callable[[], Any]) -> tuple[Row, Any]:
    """Return a row of one fit, and its result."""
    start = time.perf_counter()
    made = fit()
    return {"job": job, "side": side, "seconds": time.perf_counter() - start}, made


JOBS: dict[str, Callable[[], list[Row]]] = {"logistic": logistic, "elastic_net": elastic_net, "grid_search": grid_search}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    output.add_options(parser)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"any of {', '.join(JOBS)}; default: all")
    options = parser.parse_args()
    for name in options.jobs:
        if name not in JOBS:
            parser.error(f"unknown job {name!r}: choose from {', '.join(JOBS)}")
    warnings.simplefilter("ignore")  # scikit-learn warns about an infinite C
    rows = [row for name in options.jobs or JOBS for row in JOBS[name]()]
    output.present(rows, COLUMNS, Bars(("job", "side"), "seconds", "seconds a fit"), options, "job")


if __name__ == "__main__":
    main()
