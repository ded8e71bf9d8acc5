"""P4: the gradient tape's reference values.

Run: python scripts/p4_tape.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad


def branching(x: Any, y: int) -> Any:
    out: Any = 1.0
    for i in range(y):
        if 1 < i < 5:
            out = out * x
    return out


def main() -> None:
    report = Report("P4")
    x = jitgrad.tensor(np.ones((2, 2)))
    with jitgrad.GradientTape() as tape:
        tape.watch(x)
        y = jitgrad.sum(x)
        z = y * y
    report.check("dz/dx of z = (Σx)² at ones", np.full((2, 2), 8.0), tape.gradient(z, x))

    x = jitgrad.tensor(3.0)
    with jitgrad.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x**2
        z = y**2
    report.check("dz/dx of x⁴ at 3", 108.0, tape.gradient(z, x))
    report.check("dy/dx of x² at 3", 6.0, tape.gradient(y, x))

    for n, expected in ((6, 12.0), (5, 12.0), (4, 4.0)):
        v = jitgrad.Variable(2.0)
        with jitgrad.GradientTape() as tape:
            out = branching(v, n)
        report.check(f"through if and for, y = {n}", expected, tape.gradient(out, v))

    v = jitgrad.Variable(1.0)
    with jitgrad.GradientTape() as outer:
        with jitgrad.GradientTape() as inner:
            y = v**3
        first = inner.gradient(y, v)
    report.check("d²y/dx² of x³ at 1", 6.0, outer.gradient(first, v))
    report.check("dy/dx of x³ at 1", 3.0, first)

    with jitgrad.GradientTape() as tape:
        y = v**2
    tape.gradient(y, v)
    try:
        tape.gradient(y, v)
        said = ""
    except jitgrad.errors.TapeError as error:
        said = str(error)
    report.check("a second gradient of the same tape says what to do", True, "persistent=True" in said)
    report.finish()


if __name__ == "__main__":
    main()
