"""P2: minimize w² − 10 w + 25 with Adam in three ways.

Run: python scripts/p2_quadratic.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad

COEFFICIENTS = np.array([1.0, -10.0, 25.0])


def cost(w: jitgrad.Variable) -> jitgrad.Tensor:
    return COEFFICIENTS[0] * w**2 + COEFFICIENTS[1] * w + COEFFICIENTS[2]


def by_tape(w: jitgrad.Variable, optimizer: jitgrad.optimizers.Adam, steps: int) -> None:
    for _ in range(steps):
        with jitgrad.GradientTape() as tape:
            loss = cost(w)
        gradients = tape.gradient(loss, [w])
        optimizer.apply_gradients(zip(gradients, [w], strict=True))


def by_minimize(w: jitgrad.Variable, optimizer: jitgrad.optimizers.Adam, steps: int) -> None:
    for _ in range(steps):
        optimizer.minimize(lambda: cost(w), [w])


def natively(w: jitgrad.Variable, optimizer: jitgrad.optimizers.Adam, steps: int) -> None:
    optimizer.minimize(lambda: cost(w), [w], steps=steps)


def main() -> None:
    report = Report("P2")
    for way in (by_tape, by_minimize, natively):
        w = jitgrad.Variable(0.0, dtype="float32", name="w")
        optimizer = jitgrad.optimizers.Adam(0.1)
        way(w, optimizer, 1)
        report.check(f"{way.__name__}, one step", np.float32(0.09999997), w.numpy())
        way(w, optimizer, 1000)
        report.check(f"{way.__name__}, 1000 more", np.float32(5.000001), w.numpy())
    report.finish()


if __name__ == "__main__":
    main()
