"""Time what happens before the first result: imports, compiling, a new model's first epoch, and the whole command.

Run: python perf/startup.py [--cold] [--json | --markdown] [--plot FILE]

Each figure is the minimum over several new processes. For "new model", a process that has already fitted a line makes a
network of perf/epoch_throughput.py, fits it for one epoch and reads the loss; the time of making the data is included. --cold
also measures the first use on a machine, which compiles: several commands in a row, each alone, and everything at once.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import output
from output import Bars, Column, Row

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
IRIS = DATA / "iris.csv"

SKLEARN = """
import sys
import numpy as np
import polars
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
table = polars.read_csv(sys.argv[1])
x, y = table.drop("species").to_numpy(), table["species"].to_numpy()
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=0)
model = MLPClassifier(max_iter=1000, random_state=0).fit(x_train, y_train)
print(model.score(x_train, y_train), model.score(x_test, y_test))
"""

COLUMNS = (
    Column("what", "what"),
    Column("side", "side"),
    Column("time", "seconds", output.seconds),
    Column("ratio", "ratio", output.ratio),
)


def process(*command: object, runs: int = 5, **environment: str) -> float:
    """Return the seconds of a whole process, the minimum over several runs."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([*map(str, command)], check=True, capture_output=True, env=os.environ | environment)
        times.append(time.perf_counter() - start)
    return min(times)


def python(code: str, *arguments: object) -> float:
    return process(sys.executable, "-c", code, *arguments)


def new_model(side: str, job: str) -> float:
    """Return the seconds until a new model's first epoch is done."""
    command = [sys.executable, HERE / "sides" / f"{side}_side.py", job, "first"]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(3)]
    return min(json.loads(run)["seconds"] for run in runs)


def first_uses(jitgrad: Path, iris: list[object]) -> list[tuple[str, str, float]]:
    """Time commands that find nothing compiled, or only what earlier commands needed."""
    curve = [jitgrad, "fit", DATA / "puromycin.csv", "--target", "rate", "--model", "v * concentration / (k + concentration)"]
    network = [*iris, "--hidden", "64,32", "--epochs", "1"]
    turns = (
        (("first: a fit of iris.csv", iris), ("then: a curve", curve), ("then: a float32 network", network)),
        (("first: a curve", curve),),
        (("first: a float32 network", network),),
        (("first: warmup", [jitgrad, "warmup"]),),
    )
    rows = []
    for turn in turns:
        with tempfile.TemporaryDirectory() as kept:
            rows += [(what, "jitgrad", process(*command, runs=1, JITGRAD_CACHE_DIR=kept)) for what, command in turn]
    return rows


def measured(cold: bool) -> list[Row]:
    peers = [name for name in ("jax", "torch", "sklearn") if importlib.util.find_spec(name)]
    command = [Path(sys.executable).with_name("jitgrad"), "fit", IRIS, "--target", "species"]
    process(*command, runs=1)  # compile everything first
    rows = [("nothing: python -c pass", "python", python("pass"))]
    rows += [("import", name, python(f"import {name}")) for name in ("jitgrad", *peers)]
    for job in ("iris", "fashion"):
        rows += [(f"new model: {job}", side, new_model(side, job)) for side in ("jitgrad", *peers) if side != "sklearn"]
    rows.append(("a fit of iris.csv, whole process", "jitgrad", process(*command)))
    if "sklearn" in peers:
        rows.append(("a fit of iris.csv, whole process", "sklearn", python(SKLEARN, IRIS)))
    if cold:
        rows += first_uses(Path(sys.executable).with_name("jitgrad"), command)
    ours = {what: seconds for what, side, seconds in rows if side == "jitgrad"}
    return [
        {"what": what, "side": side, "seconds": seconds, "ratio": seconds / ours[what] if what in ours else None}
        for what, side, seconds in rows
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cold", action="store_true", help="also measure the first use on a machine")
    output.add_options(parser)
    options = parser.parse_args()
    output.present(measured(options.cold), COLUMNS, Bars(("what", "side"), "seconds", "seconds"), options, group="what")


if __name__ == "__main__":
    main()
