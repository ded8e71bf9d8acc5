"""Measure the overhead of one iteration of a loop: ``python perf/loops.py``.

The body has one multiplication and one addition of scalars. It is not linear in the carry, since a linear recurrence does not
run as a loop. An iteration also copies the carry if it is needed and, in some of the cases, moves slices. The output compares
it with the time of the body's instructions alone (``program/profile.py``).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import jitgrad
from jitgrad.program.context import Context
from jitgrad.program.profile import profile
from jitgrad.tape.loop import loop

TRIPS = 10**6
REPEATS = 7


def carried(x: Any) -> Any:
    (h,), _ = loop(lambda h, _: ([h[0] * h[0] + 0.1], []), TRIPS, [0.0])
    return h + x[0]


def moving(x: Any) -> Any:
    (h,), (y,) = loop(lambda h, s: ([h[0] * h[0] + s[0]], [h[0]]), TRIPS, [0.0], [x])
    return h + y[0]


def main() -> None:
    x = np.random.default_rng(0).uniform(-0.1, 0.1, size=TRIPS)
    for name, f in (("one carry", carried), ("a carry, a slice and a stack", moving), ("its gradient", jitgrad.grad(moving))):
        context = Context(jitgrad.lower(f, x))
        context.load([x], stop=1)
        costs = sum(cost.seconds for cost in profile(context)) / TRIPS
        best = np.inf
        for _ in range(REPEATS):
            started = time.perf_counter()
            context.run()
            best = min(best, (time.perf_counter() - started) / TRIPS)
        print(f"{name:30} {best * 1e9:6.1f} ns per trip, instructions {costs * 1e9:6.1f}, overhead {1e9 * (best - costs):5.1f}")


if __name__ == "__main__":
    main()
