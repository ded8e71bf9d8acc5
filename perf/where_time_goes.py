"""Where the time of a job's step goes: each instruction of its Program, and each kind of instruction.

Run: python perf/where_time_goes.py [--each] [--json] [--plot FILE] JOB

JOB is one of perf/epoch_throughput.py. --each lists every instruction. An instruction is repeated on the same
memory, so that what it works on is in cache if it fits there; "whole" is the whole step, timed in the same way.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "sides"))
import jitgrad_side
import jobs
import numpy as np
from rich.console import Console
from rich.table import Table

from jitgrad.program.machine import ONCE, Machine
from jitgrad.program.profile import Cost, profile
from jitgrad.training.passes import load_rest


def machine_of(job: str) -> Machine:
    """A machine for a job's step, on its first batch."""
    step, batch = jitgrad_side.step_of(job)
    machine = Machine(step.program)
    machine.load(batch, stop=step.n_batch)
    load_rest(step, machine)
    return machine


def whole(machine: Machine) -> float:
    """Seconds of a whole step, all instructions in order."""
    before, code = machine.arena.copy(), np.tile(machine.program.code, (20, 1))
    _, table, place = machine.addresses
    times = []
    for _ in range(20):
        machine.arena[:] = before
        start = time.perf_counter()
        machine.execute.call(code.ctypes.data, table, place, 0, len(code), *ONCE)
        times.append((time.perf_counter() - start) / 20)
    machine.arena[:] = before
    return min(times)


def by_name(costs: list[Cost]) -> list[dict[str, Any]]:
    """The costs of each kind of instruction together, the dearest first."""
    groups: defaultdict[str, list[Cost]] = defaultdict(list)
    for cost in costs:
        groups[cost.name].append(cost)
    rows = [row_of(name, "", group) for name, group in groups.items()]
    return sorted(rows, key=lambda row: -float(row["ns"]))


def row_of(name: str, what: str, costs: list[Cost]) -> dict[str, Any]:
    seconds = sum(cost.seconds for cost in costs)
    flops, touched = sum(cost.flops for cost in costs), sum(cost.bytes for cost in costs)
    return {
        "instruction": name, "fields": what, "calls": len(costs), "ns": seconds * 1e9,
        "gflops": flops / seconds / 1e9 if flops else None, "gbytes": touched / seconds / 1e9,
    }  # fmt: skip


def listed(costs: list[Cost]) -> list[dict[str, Any]]:
    shape = ("rows", "cols", "m", "k", "n", "outer", "reduced", "inner", "batch")
    return [
        row_of(f"{number} {c.name}", " ".join(f"{k}={c.fields[k]}" for k in shape if c.fields.get(k, 1) != 1), [c])
        for number, c in enumerate(costs)
    ]


def show(rows: list[dict[str, Any]], total: float, seconds: float) -> None:
    table = Table()
    for name in ("instruction", "fields", "calls", "ns", "share", "GFLOP/s", "GB/s"):
        table.add_column(name, justify="left" if name in ("instruction", "fields") else "right")
    for row in rows:
        rate = "" if row["gflops"] is None else f"{row['gflops']:.1f}"
        share = f"{row['ns'] / total:.1%}"
        table.add_row(
            row["instruction"], row["fields"], str(row["calls"]), f"{row['ns']:.0f}", share, rate, f"{row['gbytes']:.1f}"
        )
    Console().print(table)
    print(f"all instructions {total / 1e3:.2f} µs; whole step {seconds * 1e6:.2f} µs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=jobs.JOBS)
    parser.add_argument("--each", action="store_true", help="list every instruction")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", metavar="FILE", help="draw the kinds of instructions")
    options = parser.parse_args()
    machine = machine_of(options.job)
    seconds = whole(machine)
    costs = profile(machine)
    rows = listed(costs) if options.each else by_name(costs)
    total = sum(cost.seconds for cost in costs) * 1e9
    if options.json:
        print(json.dumps({"job": options.job, "whole": seconds, "instructions": rows}, indent=2))
    else:
        show(rows, total, seconds)
    if options.plot:
        draw(by_name(costs), options.plot, options.job)


def draw(rows: list[dict[str, Any]], path: str, job: str) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 0.3 * len(rows) + 1), layout="constrained")
    axes.barh([row["instruction"] for row in rows][::-1], [row["ns"] / 1e3 for row in rows][::-1])
    axes.set(xlabel="µs a step", title=job)
    figure.savefig(path)


if __name__ == "__main__":
    main()
