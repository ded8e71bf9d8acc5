"""Time an epoch of the reference jobs, and with --peers the same jobs in other libraries.

Run: python perf/epoch_throughput.py [--peers] [--tensorflow PYTHON] [--json | --markdown] [--plot FILE] [JOB ...]

Jobs, all in float32 and with the same data:
  line       P1: 200 rows, full batch, gradient descent; an epoch is one step
  tape       the same as a loop in Python: a tape, a gradient and two updates per step
  quadratic  P2: w² − 10 w + 25 by Adam; an epoch is one step; 20,000 per call, as for the line
  iris       P5: 4–128–64–32–16–3, three layers batch-normalized, 112 rows, batch 4, gradient descent; 28 steps per epoch
  iris-tape  the same as a loop in Python: a tape, gradients, an optimizer, and the value of the loss in each step
  fashion    P6: 784–128–10 on 60,000 rows, batch 32, Adam; 1875 steps per epoch
  wide       64–256–256–1 on 100,000 rows, batch 256, Adam; 390 steps per epoch

JAX runs whole epochs with scan inside one jit, and TensorFlow one tf.function per step. The line and the quadratic are also
written by hand in Numba, as a lower limit of the time. scikit-learn has no batch normalization, and fits the line row by row.
Each side runs in its own process. "first" is the first call, including compiling and loading; "median" and "minimum" are over
repeats of the steady state. Ratios are the peer's median divided by jitgrad's: above 1, jitgrad is faster.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import output
from output import Bars, Column, Row

JOBS = ("line", "tape", "quadratic", "iris", "iris-tape", "fashion", "wide")
SIDES = Path(__file__).parent / "sides"


class Side(NamedTuple):
    """A library to measure: the module it needs, its script, and further arguments of the script."""

    module: str
    script: str
    arguments: tuple[str, ...] = ()


JITGRAD = Side("jitgrad", "jitgrad_side.py")
PEERS = {
    "numba": Side("numba", "numba_side.py"),
    "jax": Side("jax", "jax_side.py"),
    "torch": Side("torch", "torch_side.py"),
    "torch, 1 thread": Side("torch", "torch_side.py", ("single",)),
    "torch.compile": Side("torch", "torch_side.py", ("compile",)),
    "tensorflow": Side("tensorflow", "tensorflow_side.py"),
    "keras": Side("tensorflow", "tensorflow_side.py", ("keras",)),
    "sklearn": Side("sklearn", "sklearn_side.py"),
}

COLUMNS = (
    Column("job", "job"),
    Column("side", "side"),
    Column("first call", "first", output.seconds),
    Column("epoch, median", "median", output.seconds),
    Column("minimum", "minimum", output.seconds),
    Column("peak memory", "memory", output.mebibytes),
    Column("ratio", "ratio", output.ratio),
)


def measure(side: Side, job: str, python: str) -> Row | None:
    """Run one side on one job in a new process. Return None if it does not implement the job."""
    command = [python, SIDES / side.script, job, *side.arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side.script} failed on {job}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1]) if done.stdout.strip() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", default=[], metavar="JOB", help=f"any of {', '.join(JOBS)}; default: all")
    parser.add_argument("--peers", action="store_true", help="also run the other libraries that are installed")
    parser.add_argument("--tensorflow", metavar="PYTHON", help="a Python interpreter that has TensorFlow, if this one does not")
    output.add_options(parser)
    options = parser.parse_args()
    unknown = set(options.jobs) - set(JOBS)
    if unknown:
        parser.error(f"unknown job {', '.join(sorted(unknown))}; choose from {', '.join(JOBS)}")
    others = {"tensorflow": options.tensorflow} if options.tensorflow else {}
    peers = {name: s for name, s in PEERS.items() if s.module in others or importlib.util.find_spec(s.module)}
    rows: list[Row] = []
    for job in options.jobs or JOBS:
        ours = measure(JITGRAD, job, sys.executable)
        assert ours is not None
        rows.append({"job": job, "side": "jitgrad", **ours, "ratio": 1.0})
        for name, side in peers.items() if options.peers else ():
            theirs = measure(side, job, others.get(side.module, sys.executable))
            if theirs is not None:
                rows.append({"job": job, "side": name, **theirs, "ratio": theirs["median"] / ours["median"]})
    output.present(rows, COLUMNS, Bars(("job", "side"), "ratio", "time of an epoch divided by jitgrad's"), options, group="job")


if __name__ == "__main__":
    main()
