"""Show where the time of a model's fit goes: P5 with metrics and validation, 200 epochs, default verbosity.

Run: python perf/fit_profile.py [--profile]

"first" is the first fit in the process, which loads compiled code and lowers the model. "new" is a fit of a new model with
the same structure, and "again" another fit of the same model. --profile lists the Python functions of a "new" fit.
"""

from __future__ import annotations

import cProfile
import pstats
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts"))
import numpy as np
from p5_iris import make, table


def fit(model: Any, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the seconds of a fit, and how many of them are spent in native code."""
    start = time.perf_counter()
    history = model.fit(x[:112], y[:112], batch_size=4, epochs=200, validation_data=(x[112:], y[112:]), seed=0)
    return time.perf_counter() - start, history.seconds


def main() -> None:
    x, y = table()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]
    found: dict[str, list[tuple[float, float]]] = {"first": [], "new": [], "again": []}
    for number in range(11):
        model = make()
        found["new" if number else "first"].append(fit(model, x, y))
        found["again"].append(fit(model, x, y))
    print("fit     seconds  in native code  in Python")
    for name, times in found.items():
        whole, native = np.median(times, axis=0)
        print(f"{name:6} {whole:8.4f} {native:15.4f} {1 - native / whole:9.1%}")
    if "--profile" in sys.argv:
        profile = cProfile.Profile()
        model = make()
        profile.runcall(fit, model, x, y)
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)


if __name__ == "__main__":
    main()
