"""Time fits of NIST's data sets from both starts, compare them with SciPy's curve_fit, and count the correct digits.

Run: python perf/curve_fit.py [--json | --markdown] [--plot FILE] [DIRECTORY]

DIRECTORY contains NIST's files, by default the ones in the tests, for which models are defined. "fit" is a call of curve_fit
whose model was fitted before. "first" is a call with the text of a formula in a new process, which parses, differentiates and
lowers it. SciPy gets the same formula as a Python function of NumPy and uses its default tolerances.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
import numpy as np
import output
import scipy.optimize
from output import Bars, Column, Row
from tests.curvefit import nist

from jitgrad import curve_fit

COLUMNS = (
    Column("set", "set"),
    Column("start", "start"),
    Column("fit", "seconds", output.seconds),
    Column("SciPy", "scipy", output.seconds),
    Column("ratio", "ratio", output.ratio),
    Column("digits", "digits", lambda d: f"{d:.1f}"),
    Column("SciPy's digits", "scipy_digits", lambda d: f"{d:.1f}"),
    Column("first", "first", output.seconds),
)
FIRST = """
import sys, time
import jitgrad
from tests.curvefit import nist
known = nist.read("DanWood")
jitgrad.curve_fit("a + b * x", known.x, known.y, [1, 1])
known = nist.read(sys.argv[1])
start = time.perf_counter()
jitgrad.curve_fit(nist.MODELS[sys.argv[1]], known.x, known.y, known.starts[int(sys.argv[2])])
print(time.perf_counter() - start)
"""


def least(function: Callable[[], Any], runs: int = 50) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def first(name: str, start: int) -> float:
    command = [sys.executable, "-c", FIRST, name, str(start)]
    place = Path(__file__).parents[1]
    return min(float(subprocess.run(command, check=True, capture_output=True, text=True, cwd=place).stdout) for _ in range(3))


def measured(name: str, start: int) -> Row:
    known, text = nist.read(name), nist.MODELS[name]
    names = list(known.values)
    function = eval(f"lambda x, {', '.join(names)}: {text}", {"exp": np.exp})
    p0 = list(known.starts[start].values())
    ours = curve_fit(text, known.x, known.y, known.starts[start])
    by_order = [known.starts[start][k] for k in ours.names]
    row: Row = {"set": name, "start": start + 1, "digits": nist.digits(ours.parameters, known.values)}
    row["seconds"] = least(lambda: curve_fit(text, known.x, known.y, by_order))
    row["scipy_digits"] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = scipy.optimize.curve_fit(function, known.x, known.y, p0)[0]
            row["scipy_digits"] = max(0.0, nist.digits(dict(zip(names, theirs, strict=True)), known.values))
            row["scipy"] = least(lambda: scipy.optimize.curve_fit(function, known.x, known.y, p0), 10)
            row["ratio"] = row["scipy"] / row["seconds"]
        except RuntimeError:  # it did not converge
            row["scipy"] = row["ratio"] = None
    row["first"] = first(name, start)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    output.add_options(parser)
    parser.add_argument("directory", nargs="?", type=Path, help="of NIST's files")
    options = parser.parse_args()
    if options.directory:
        nist.PLACE = options.directory
    rows = [measured(name, start) for name in nist.MODELS for start in (0, 1)]
    keys = ("seconds", "scipy", "ratio", "digits", "scipy_digits", "first")
    middle = {key: float(np.median([row[key] for row in rows if row[key] is not None])) for key in keys}
    rows.append({"set": "median", "start": None} | middle)
    output.present(rows, COLUMNS, Bars(("set", "start"), "seconds", "seconds a fit"), options)


if __name__ == "__main__":
    main()
