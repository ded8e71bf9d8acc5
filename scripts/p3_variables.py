"""P3: Y = 3 X − 2 by gradients that come back as a dict.

Run: python scripts/p3_variables.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad


def main() -> None:
    x = np.random.default_rng(0).normal(size=10)
    y = 3 * x - 2
    a, b = jitgrad.Variable(0.0, name="a"), jitgrad.Variable(0.0, name="b")
    for epoch in range(200):
        with jitgrad.GradientTape() as tape:
            mse = jitgrad.mean(jitgrad.square(y - (a * x + b)))
        gradients = tape.gradient(mse, {"a": a, "b": b})
        a.assign_sub(0.1 * gradients["a"])
        b.assign_sub(0.1 * gradients["b"])
        if epoch % 20 == 0:
            print(f"epoch {epoch:3}  mse = {float(mse):.3e}  a = {float(a):.6f}  b = {float(b):.6f}")
    report = Report("P3")
    report.close("a", 3.0, float(a), 1e-3)
    report.close("b", -2.0, float(b), 1e-3)
    report.finish()


if __name__ == "__main__":
    main()
