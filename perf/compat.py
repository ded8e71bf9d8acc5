"""Compare programs written for other libraries with the same programs run by jitgrad: imports, first result and step.

Run: python perf/compat.py [PROGRAM ...] [--turns N] [--json | --markdown] [--plot FILE]

The programs in perf/programs are run unchanged. A step is one pass of the Python loop; for keras_fashion it is an epoch. Each
figure is the minimum over several turns, which alternate between the two libraries. The time to the first result starts with
the imports and includes making the data.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import output
from output import Bars, Column, Row

PROGRAMS = Path(__file__).parent / "programs"
LIBRARY = {"tf_line": "tensorflow", "torch_iris": "torch", "keras_fashion": "tensorflow"}

COLUMNS = (
    Column("program", "program"),
    Column("run by", "side"),
    Column("import", "import", output.seconds),
    Column("first result", "first", output.seconds),
    Column("step", "step", output.seconds),
    Column("ratio of steps", "ratio", output.ratio),
)


def figures(name: str, ours: bool) -> dict[str, float]:
    """Return the figures that a program prints about itself."""
    how = ["-m", "jitgrad.compat"] if ours else []
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, *how, PROGRAMS / f"{name}.py"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def measured(names: list[str], turns: int) -> list[Row]:
    rows = []
    for name in names:
        sides = {"jitgrad": True}
        if importlib.util.find_spec(LIBRARY[name]):
            sides[LIBRARY[name]] = False
        runs = [{side: figures(name, ours) for side, ours in sides.items()} for _ in range(turns)]
        least = {side: {key: min(run[side][key] for run in runs) for key in ("import", "first", "step")} for side in sides}
        rows += [
            {"program": name, "side": side, **found, "ratio": found["step"] / least["jitgrad"]["step"]}
            for side, found in least.items()
        ]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=f"any of {', '.join(LIBRARY)}; default: all")
    parser.add_argument("--turns", type=int, default=3)
    output.add_options(parser)
    options = parser.parse_args()
    unknown = set(options.programs) - set(LIBRARY)
    if unknown:
        parser.error(f"unknown program {', '.join(sorted(unknown))}; choose from {', '.join(LIBRARY)}")
    rows = measured(options.programs or list(LIBRARY), options.turns)
    output.present(rows, COLUMNS, Bars(("program", "side"), "step", "seconds per step"), options, group="program")


if __name__ == "__main__":
    main()
