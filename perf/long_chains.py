"""Measure the cost of an op in a long chain with its gradient, where the time goes, and how memory grows.

Run: python perf/long_chains.py [--phases] [--json | --markdown] [--plot FILE] [CHAIN ...]

  product   y = y * 1.0001
  mixed     y = sin(y) * 0.99 + x
  vectors   the same with 8 elements
  varied    ops drawn at random, so nothing repeats
  value     as "varied", without a gradient: the values of all recorded ops

Each chain has 1,000 to 1,000,000 recorded ops and runs in its own process, after a short chain. The time is from the first op
to the numbers. --phases splits it into phases for 100,000 ops; "other" is the time outside all phases.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import output
from output import Bars, Column, Row

import jitgrad
from jitgrad import GradientTape, Variable
from jitgrad.program import context, lowering, program
from jitgrad.tape import evaluate, flatten, gradient_tape, groups, segments

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PHASED = 100_000
SHORT = 100

COLUMNS = (
    Column("chain", "chain"),
    Column("ops", "ops", "{:,}".format),
    Column("phase", "phase"),
    Column("µs an op", "cost", "{:.2f}".format),
    Column("bytes an op", "bytes", "{:,.0f}".format),
    Column("peak memory", "memory", output.mebibytes),
)


def product(x: Any, n: int) -> Any:
    y = x
    for _ in range(n):
        y = y * 1.0001
    return y


def mixed(x: Any, n: int) -> Any:
    y = x
    for _ in range(n // 3):
        y = jitgrad.sin(y) * 0.99 + x
    return y


def varied(x: Any, n: int) -> Any:
    y, z = x, x
    for which, c in zip(*drawn(n), strict=True):
        y, z = OPS[which](y, z, c), y
    return y


OPS: tuple[Callable[[Any, Any, float], Any], ...] = (
    lambda y, z, c: jitgrad.sin(y),
    lambda y, z, c: jitgrad.tanh(y),
    lambda y, z, c: y * c,
    lambda y, z, c: y + z,
    lambda y, z, c: y - z,
    lambda y, z, c: y * z,
    lambda y, z, c: y / (c + 2.0),
)


def drawn(n: int) -> tuple[list[int], list[float]]:
    draw = np.random.default_rng(0)
    return draw.integers(len(OPS), size=n).tolist(), draw.normal(size=n).tolist()


CHAINS: dict[str, tuple[Callable[[Any, int], Any], Any]] = {
    "product": (product, 1.0),
    "mixed": (mixed, 1.0),
    "vectors": (mixed, np.linspace(0.1, 1, 8)),
    "varied": (varied, 1.0),
    "value": (varied, 1.0),
}

spent: defaultdict[str, float] = defaultdict(float)


def timed(owner: Any, name: str, phase: str) -> None:
    """Attribute the time of calls of a function to a phase, and not to the phase that calls it."""
    called = getattr(owner, name)

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inside = sum(spent.values())
        start = time.perf_counter()
        made = called(*args, **kwargs)
        spent[phase] += time.perf_counter() - start - (sum(spent.values()) - inside)
        return made

    setattr(owner, name, wrapper)


def time_phases() -> None:
    timed(gradient_tape.GradientTape, "gradient", "gradient")
    timed(gradient_tape, "differentiate", "differentiate")
    for module in (segments, groups, evaluate):
        timed(module, "Flat", "flatten")
    timed(flatten.Flat, "expression", "expression")
    timed(lowering, "lower", "encode")
    for module in (segments, sys.modules["jitgrad.tape.executable"]):
        timed(module, "lower", "encode")
    passes = []
    for number, apply in enumerate(lowering.RECIPE):
        holder = argparse.Namespace(apply=apply)
        timed(holder, "apply", f"pass {number} {getattr(apply, '__name__', 'pass').strip('<>')}")
        passes.append(holder.apply)
    lowering.RECIPE = tuple(passes)  # type: ignore[assignment]
    timed(lowering, "_by_entries", "order of entries")
    timed(lowering, "assign_memory", "memory")
    timed(lowering, "_program", "program")
    timed(program.Program, "validate", "validate")
    timed(context.Context, "__init__", "context")
    timed(context.Context, "run", "run")


def once(chain: str, n: int) -> None:
    record, start = CHAINS[chain]
    x = Variable(start)
    begun = time.perf_counter()
    with GradientTape() as tape:
        y = record(x, n)
    spent["recording"] += time.perf_counter() - begun
    if chain == "value":
        y.numpy()
    else:
        tape.gradient(y, x).numpy()


def one(chain: str, n: int, phases: bool) -> None:
    """Measure in this process and print JSON."""
    drawn(n)
    once(chain, SHORT)
    before = peak()
    if phases:
        time_phases()
    spent.clear()
    start = time.perf_counter()
    once(chain, n)
    whole = time.perf_counter() - start
    parts = {"other": whole - sum(spent.values()), **spent} if phases else {}
    print(json.dumps({"seconds": whole, "memory": peak(), "grown": peak() - before, "phases": parts}))


def peak() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmHWM"))) * 1024


def measured(chain: str, phases: bool) -> list[Row]:
    rows: list[Row] = []
    for n in (PHASED,) if phases else SIZES:
        command = [sys.executable, __file__, "--one", chain, str(n), *["--phases"] * phases, chain]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for phase, seconds in ({"all": found["seconds"]} | found["phases"]).items():
            rows.append({"chain": chain, "ops": n, "phase": phase, "cost": seconds / n * 1e6})
        rows[-1 - len(found["phases"])] |= {"bytes": found["grown"] / n, "memory": found["memory"]}
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chains", nargs="*", metavar="CHAIN", help=f"any of {', '.join(CHAINS)}; default: all")
    parser.add_argument("--phases", action="store_true", help="where the time goes")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    output.add_options(parser)
    options = parser.parse_args()
    if options.one:
        one(options.one[0], int(options.one[1]), options.phases)
        return
    unknown = set(options.chains) - set(CHAINS)
    if unknown:
        parser.error(f"unknown chain {', '.join(sorted(unknown))}; choose from {', '.join(CHAINS)}")
    rows = [row for chain in options.chains or CHAINS for row in measured(chain, options.phases)]
    output.present(rows, COLUMNS, Bars(("chain", "ops", "phase"), "cost", "µs an op"), options, group="chain")


if __name__ == "__main__":
    main()
