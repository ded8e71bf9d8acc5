"""Seconds of whole fits of tables, beside scikit-learn's in its best form.

Run: python perf/tables.py [--json | --markdown] [--plot FILE] [JOB ...]

Jobs:
  logistic   two classes by six features, a million rows, without a penalty. jitgrad's fit has standard errors, and ends at
             10⁻¹⁰ of one; scikit-learn's solvers have their own tolerances

Both sides have the same arrays and all cores. "first" is the first fit in a process, with what it imports, compiles or lowers;
then come the median and the minimum of later ones. Ratios are the peer's median over jitgrad's: above 1 jitgrad is faster.
"""

from __future__ import annotations

import argparse
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
    """A row, and what the last fit returned."""
    times = []
    for _ in range(1 + repeats):
        start = time.perf_counter()
        made = fit()
        times.append(time.perf_counter() - start)
    return {"job": job, "side": side, "first": times[0], "seconds": statistics.median(times[1:]), "least": min(times[1:])}, made


def beside(own: Row, peer: Row, ours: np.ndarray, theirs: np.ndarray) -> Row:
    """A peer's row with its ratio, and how far its coefficients are off ours, beside the largest."""
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


JOBS: dict[str, Callable[[], list[Row]]] = {"logistic": logistic}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    output.add_options(parser)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=f"{', '.join(JOBS)}; all by default")
    options = parser.parse_args()
    for name in options.jobs:
        if name not in JOBS:
            parser.error(f"no job {name!r}: choose from {', '.join(JOBS)}")
    warnings.simplefilter("ignore")  # scikit-learn's of a penalty that is infinite
    rows = [row for name in options.jobs or JOBS for row in JOBS[name]()]
    output.present(rows, COLUMNS, Bars(("job", "side"), "seconds", "seconds a fit"), options, "job")


if __name__ == "__main__":
    main()
