"""Time solutions and fits of differential equations, and compare them with SciPy, diffrax and a loop written in Numba.

Run: python perf/ode.py [--python PYTHON] [--json | --markdown] [--plot FILE] [JOB ...]

Jobs:
  lorenz  t from 0 to 100, 1001 outputs, rtol = atol = 1e-8. The ratio is that to Dormand and Prince's method of order 5,
          written by hand for this problem in Numba
  fit     four parameters of Lotka-Volterra from 21 times of both states with errors of 5 %, from a start 30 % off,
          rtol = atol = 1e-8: a fit after the first
  first   the same as the first fit in a new process, including imports. Compiled code is cached, unless a library has no cache
  stiff   Robertson to 1e11, and van der Pol with mu = 1000 to 2000: the time, and the largest relative error at the end. SciPy
          gets compiled right-hand sides and Jacobians
  many    10,000 sets of parameters of Lotka-Volterra under vmap: the time of one set. Peers solve fewer
  neural  the gradient of a mean of squares at 21 times by the 2752 weights of a network (2, 50, 50 and 2 units) that is the
          right-hand side, rtol = atol = 1e-8; the error is that of the gradient's norm
  detest  the largest error at the end of each problem of DETEST, divided by the tolerance

PYTHON is an interpreter that has the peers, if this one does not. Those that are not installed are listed at the end. Times are
minima over several runs. The ratio is a side's time to that of the first row of jitgrad, and in "lorenz" to the loop by hand.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import output
from output import Bars, Column, Row

SIDES = Path(__file__).parent / "sides"
JOBS = ("lorenz", "fit", "first", "stiff", "many", "neural")
PEERS = {
    "lorenz": {"numba": ("numba",), "scipy": ("scipy", "numba"), "diffrax": ("diffrax",)},
    "fit": {"scipy": ("scipy", "numba"), "diffrax": ("diffrax", "optimistix")},
    "first": {"scipy": ("scipy", "numba"), "diffrax": ("diffrax", "optimistix")},
    "stiff": {"scipy": ("scipy", "numba")},
    "many": {"scipy": ("scipy", "numba"), "diffrax": ("diffrax",)},
    "neural": {"diffrax": ("diffrax",)},
}
"""The sides of each job, with the modules that they need."""
PROCESSES = 3
"""Number of processes of the job "first"."""

COLUMNS = (
    Column("job", "job"),
    Column("side", "side"),
    Column("first", "first", output.seconds),
    Column("time", "seconds", output.seconds),
    Column("ratio", "ratio", output.ratio),
    Column("error", "error", "{:.0e}".format),
)
TOLERANCES = ("1e-04", "1e-07", "1e-10")
DETEST = (
    Column("problem", "problem"),
    *(Column(f"error / {tolerance}", tolerance, "{:.2g}".format) for tolerance in TOLERANCES),
)


def run(script: str, *arguments: str, python: str = sys.executable) -> list[Row]:
    """Return the rows of a side."""
    done = subprocess.run([python, SIDES / script, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{script} {' '.join(arguments)} failed:\n{done.stderr}")
    rows: list[Row] = json.loads(done.stdout.splitlines()[-1])
    return rows


def missing(modules: tuple[str, ...], python: str) -> str:
    code = f"import importlib.util as u; print(*[m for m in {modules} if u.find_spec(m) is None])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def processes(script: str, *arguments: str, python: str = sys.executable) -> list[Row]:
    """Return the rows of a side with the time of its whole process, the minimum over several."""
    times = []
    for _ in range(PROCESSES):
        start = time.perf_counter()
        rows = run(script, *arguments, python=python)
        times.append(time.perf_counter() - start)
    return [row | {"seconds": min(times)} for row in rows]


def measured(job: str, python: str, left_out: list[str]) -> list[Row]:
    """Run all sides on a job."""
    runs = processes if job == "first" else run
    rows = runs("ode_jitgrad.py", job)
    for side, modules in PEERS[job].items():
        if absent := missing(modules, python):
            left_out.append(f"{side} on {job}, not installed: {absent}")
            continue
        rows += runs("ode_peers.py", side, job, python=python)
    for row in rows:
        alike = [other for other in rows if other.get("problem") == row.get("problem")]
        base = next((other for other in alike if job == "lorenz" and other["side"].startswith("Numba")), alike[0])
        row |= {"job": row.get("problem", job), "ratio": row["seconds"] / base["seconds"]}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", default=[], metavar="JOB", help=f"any of {', '.join(JOBS)}, detest; default: all")
    parser.add_argument("--python", default=sys.executable, help="a Python interpreter that has the peers")
    output.add_options(parser)
    options = parser.parse_args()
    unknown = set(options.jobs) - {*JOBS, "detest"}
    if unknown:
        parser.error(f"unknown job {', '.join(sorted(unknown))}; choose from {', '.join(JOBS)}, detest")
    chosen = options.jobs or [*JOBS, "detest"]
    left_out: list[str] = []
    rows = [row for job in chosen if job != "detest" for row in measured(job, options.python, left_out)]
    if rows:
        output.present(rows, COLUMNS, Bars(("job", "side"), "seconds", "seconds"), options, group="job")
    if "detest" in chosen:
        print()
        output.present(run("ode_jitgrad.py", "detest"), DETEST, Bars(("problem",), "1e-07", "error / tolerance"), options)
    if left_out:
        print("\nLeft out: " + "; ".join(left_out) + ".", file=sys.stderr if options.json else sys.stdout)


if __name__ == "__main__":
    main()
