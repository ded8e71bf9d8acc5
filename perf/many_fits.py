"""Time many small fits and compare them with other libraries on all cores; also fit a file of up to a million groups.

Run: python perf/many_fits.py [--scale X] [--python PYTHON] [--json | --markdown] [--plot FILE] [JOB ...]

Jobs:
  exponentials  two exponentials, 100 points, 4 parameters, starts 30 % off, to a relative step of 1e-8, float64
  gaussians     the benchmark of Gpufit: 2D Gaussians on 5 × 5 pixels, 5 parameters, signal-to-noise ratio 10, tolerance 1e-4,
                at most 10 iterations; the data are float32, and jitgrad computes in float64
  parquet       10⁴, 10⁵ and 10⁶ groups of 25 rows from one Parquet file to another: the time, its exponent from one size to
                the next, the share of processor time spent in the native solver, and the peak memory

Each peer runs in its strongest form in its own process: SciPy's curve_fit in a loop, also with analytical derivatives, and
with these in one process per core; xarray's curvefit, also on Dask with one process per core; lmfit in a loop; optimistix
under vmap in JAX, compiled once; and Cpufit, Gpufit's algorithm on the CPU, if the environment variable CPUFIT names the
library. Peers that are not installed are listed at the end. PYTHON is an interpreter that has them, if this one does not. Times
are minima over several runs. "minimum" is the share of fits whose cost is at most that of the true parameters. X scales the
numbers of groups.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import output
from output import Bars, Column, Row

SIDES = Path(__file__).parent / "sides"
JOBS = ("exponentials", "gaussians", "parquet")
OURS = {"jitgrad": 200_000, "jitgrad, 1 thread": 100_000}
SIZES = (10_000, 100_000, 1_000_000)


class Peer(NamedTuple):
    """The modules that a peer needs, and the number of groups that it fits in a few seconds."""

    modules: tuple[str, ...]
    groups: int


PEERS = {
    "scipy": Peer(("scipy",), 1000),
    "scipy, jac": Peer(("scipy",), 1000),
    "scipy, jac, processes": Peer(("scipy",), 4000),
    "xarray": Peer(("xarray",), 1000),
    "xarray on dask": Peer(("xarray", "dask", "cloudpickle"), 2000),
    "lmfit": Peer(("lmfit",), 300),
    "optimistix": Peer(("jax", "optimistix"), 2048),
    "cpufit": Peer((), 100_000),
}
PUBLISHED = {"Cpufit, published": (60_957, 96_322), "Gpufit on a GPU, published": (2_673_797, 3_038_590)}
"""Fits per second for ten million fits, as published in Gpufit's documentation and the readme of its benchmark: one core, and
two graphics cards of the time."""

COLUMNS = (
    Column("job", "job"),
    Column("side", "side"),
    Column("groups", "groups", "{:,}".format),
    Column("first", "first", output.seconds),
    Column("per fit", "seconds", output.seconds),
    Column("fits/s", "rate", lambda rate: f"{rate:,.0f}"),
    Column("minimum", "minimum", "{:.1%}".format),
    Column("memory", "memory", output.mebibytes),
    Column("ratio", "ratio", output.ratio),
    Column("exponent", "exponent", "{:.3f}".format),
    Column("solver", "solver", "{:.0%}".format),
)


def run(script: str, *arguments: str, python: str = sys.executable) -> dict[str, Any]:
    """Return the last line that a side prints, or nothing if it prints nothing."""
    done = subprocess.run([python, SIDES / script, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{script} {' '.join(arguments)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else {}


def absent(name: str, job: str, python: str) -> str:
    """Return why a peer cannot run a job, or an empty string."""
    if name == "cpufit":
        if job != "gaussians":
            return "it does not have this model"
        return "" if os.environ.get("CPUFIT") else "CPUFIT is not set to the library's path"
    code = f"import importlib.util as u; print(*[m for m in {PEERS[name].modules} if u.find_spec(m) is None])"
    missing = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    return f"not installed: {missing}" if missing else ""


def fits(job: str, scale: float, python: str, left_out: list[str]) -> list[Row]:
    """Run all sides on a job."""
    rows: list[Row] = []
    for side, groups in OURS.items():
        rows.append({"side": side} | run("many_jitgrad.py", side, job, str(math.ceil(scale * groups))))
    for side, peer in PEERS.items():
        why = absent(side, job, python)
        if why:
            left_out.append(f"{side} on {job}, {why}")
            continue
        count = max(16, math.ceil(scale * peer.groups))
        rows.append({"side": side} | run("many_peers.py", side, job, str(count), python=python))
    if job == "gaussians":
        rows += [{"side": side, "seconds": 1 / rates[1]} for side, rates in PUBLISHED.items()]
    for row in rows:
        row |= {"job": job, "rate": 1 / row["seconds"], "ratio": row["seconds"] / rows[0]["seconds"]}
    return rows


def files(scale: float) -> list[Row]:
    """Fit files of different sizes, from disk to disk: the minimum time and the maximum memory of three runs."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        for groups in (math.ceil(scale * size) for size in SIZES):
            path = str(Path(place) / "readings.parquet")
            run("many_jitgrad.py", "write", path, str(groups))
            found = [run("many_jitgrad.py", "read", path) for _ in range(3)]
            best = min(found, key=lambda row: row["seconds"])
            row = {"job": "parquet", "side": "jitgrad", "groups": groups, "first": best["seconds"], "solver": best["solver"]}
            row |= {"seconds": best["seconds"] / groups, "rate": groups / best["seconds"]}
            row |= {"memory": max(row["memory"] for row in found)}
            if rows:
                row["exponent"] = math.log(row["first"] / rows[-1]["first"]) / math.log(groups / rows[-1]["groups"])
            rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", default=[], metavar="JOB", help=f"any of {', '.join(JOBS)}; default: all")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="factor for the numbers of groups")
    parser.add_argument("--python", default=sys.executable, help="a Python interpreter that has the peers")
    output.add_options(parser)
    options = parser.parse_args()
    unknown = set(options.jobs) - set(JOBS)
    if unknown:
        parser.error(f"unknown job {', '.join(sorted(unknown))}; choose from {', '.join(JOBS)}")
    rows, left_out = [], []
    for job in options.jobs or JOBS:
        rows += files(options.scale) if job == "parquet" else fits(job, options.scale, options.python, left_out)
    output.present(rows, COLUMNS, Bars(("job", "side"), "seconds", "seconds a fit"), options, group="job")
    if left_out:
        print("\nLeft out: " + "; ".join(left_out) + ".", file=sys.stderr if options.json else sys.stdout)


if __name__ == "__main__":
    main()
