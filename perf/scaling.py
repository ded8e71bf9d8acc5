"""Measure how time and memory grow with rows, features, parameters and batch size, and fit the exponents.

Run: python perf/scaling.py [--json | --markdown] [--plot FILE] [WHAT ...]

  rows        a linear fit of 4 features on all of 1,000 to 10,000,000 rows at once; also GB/s of rows read
  features    a linear fit of 10,000 rows on 4 to 256 features
  parameters  a network 64–h–h–1 on batches of 64, h from 32 to 512
  batch       a network 64–128–128–1 on batches of 16 to 1024

Times are per step. The exponent is the slope of log(time) over log(size); 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import output
from output import Bars, Column, Row

SIZES: dict[str, tuple[int, ...]] = {
    "rows": (1_000, 10_000, 100_000, 1_000_000, 10_000_000),
    "features": (4, 16, 64, 256),
    "parameters": (32, 64, 128, 256, 512),
    "batch": (16, 64, 256, 1024),
}

COLUMNS = (
    Column("what", "what"),
    Column("size", "size", "{:,}".format),
    Column("step", "seconds", output.seconds),
    Column("GB/s of rows", "bandwidth", "{:.1f}".format),
    Column("peak memory", "memory", output.mebibytes),
    Column("exponent", "exponent", "{:.2f}".format),
)


def linear(rows: int, features: int) -> tuple[float, int]:
    """Return the seconds of a step of a full-batch linear fit, and the bytes of its rows."""
    import numpy as np

    import jitgrad
    from jitgrad import Variable

    draw = np.random.default_rng(0)
    x = draw.standard_normal((rows, features), np.float32)
    y = x @ draw.standard_normal((features, 1), np.float32)
    w, b = Variable(np.zeros((features, 1), np.float32)), Variable(np.float32(0))
    cost = jitgrad.function(lambda xs, ys: jitgrad.mean(jitgrad.square(xs @ w + b - ys)))
    optimizer = jitgrad.optimizers.SGD(0.01)
    return _seconds(lambda n: jitgrad.fit(cost, (x, y), optimizer, epochs=n, batch_size=None).seconds), x.nbytes + y.nbytes


def network(width: int, batch: int) -> tuple[float, int]:
    """Return the seconds of a step of a network, and the bytes of its rows."""
    import numpy as np

    import jitgrad
    from jitgrad.layers import Dense

    draw, steps = np.random.default_rng(0), 20
    x = draw.standard_normal((steps * batch, 64), np.float32)
    model = jitgrad.Sequential([jitgrad.Input((64,)), Dense(width, "relu"), Dense(width, "relu"), Dense(1)])
    model.compile(jitgrad.optimizers.Adam(), "mse")
    y = np.tanh(x[:, :1])
    fit = model.fit
    seconds = _seconds(lambda n: fit(x, y, batch_size=batch, epochs=n, verbose=0, shuffle=False).seconds)
    return seconds / steps, (x.nbytes + y.nbytes) // steps


def _seconds(run: Callable[[int], float]) -> float:
    """Return the seconds of an epoch: the minimum over several runs with many epochs each."""
    run(1)
    once = run(2) / 2
    epochs = max(2, min(100_000, int(0.3 / max(once, 1e-7))))
    return min(run(epochs) / epochs for _ in range(4))


JOBS: dict[str, Callable[[int], tuple[float, int]]] = {
    "rows": lambda n: linear(n, 4),
    "features": lambda n: linear(10_000, n),
    "parameters": lambda n: network(n, 64),
    "batch": lambda n: network(128, n),
}


def one(what: str, size: int) -> None:
    """Measure in this process and print JSON."""
    seconds, touched = JOBS[what](size)
    status = Path("/proc/self/status").read_text().splitlines()
    memory = int(next(line.split()[1] for line in status if line.startswith("VmHWM"))) * 1024
    print(json.dumps({"seconds": seconds, "bandwidth": touched / seconds / 1e9, "memory": memory}))


def measured(what: str) -> list[Row]:
    import numpy as np

    rows: list[Row] = []
    for size in SIZES[what]:
        done = subprocess.run([sys.executable, __file__, "--one", what, str(size)], check=True, capture_output=True, text=True)
        rows.append({"what": what, "size": size} | json.loads(done.stdout))
    work = [row["size"] ** 2 + 66 * row["size"] if what == "parameters" else row["size"] for row in rows]
    slope = np.polyfit(np.log(work), np.log([row["seconds"] for row in rows]), 1)[0]
    rows[-1]["exponent"] = float(slope)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"any of {', '.join(SIZES)}; default: all")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    output.add_options(parser)
    options = parser.parse_args()
    if options.one:
        one(options.one[0], int(options.one[1]))
        return
    unknown = set(options.what) - set(SIZES)
    if unknown:
        parser.error(f"unknown quantity {', '.join(sorted(unknown))}; choose from {', '.join(SIZES)}")
    rows = [row for what in options.what or SIZES for row in measured(what)]
    output.present(rows, COLUMNS, Bars(("what", "size"), "seconds", "seconds per step"), options, group="what")


if __name__ == "__main__":
    main()
