"""Show where the time of a step goes: each instruction of its Program, and each kind of instruction.

Run: python perf/where_time_goes.py [--each] [--json | --markdown] [--plot FILE] JOB

JOB is one of the jobs of perf/epoch_throughput.py. --each lists every instruction. Instructions are repeated on the same
memory, so their operands are in the cache if they fit. The last rows are the whole step, timed in the same way, and the
instructions of the value, and of value and gradient together, with the share relative to the value's time.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "sides"))
import jitgrad_side
import jobs
import numpy as np
import output
from output import Bars, Column

from jitgrad.program.context import Context
from jitgrad.program.profile import Cost, profile


def context_of(job: str) -> Context:
    """Return a context for a job's step, on its first batch."""
    step, batch = jitgrad_side.step_of(job)
    context = Context(step.program)
    context.load(batch, stop=step.executable.n_given)
    step.executable.load(context)
    return context


def whole(context: Context) -> float:
    """Return the seconds of a whole step, with all instructions in order."""
    before = context.arena.copy()
    repeated = Context(replace(context.program, code=np.tile(context.program.code, (20, 1))), context.arena)
    times = []
    for _ in range(20):
        context.arena[:] = before
        start = time.perf_counter()
        repeated.run()
        times.append((time.perf_counter() - start) / 20)
    context.arena[:] = before
    return min(times)


def by_name(costs: list[Cost]) -> list[dict[str, Any]]:
    """Return the total cost of each kind of instruction, the most expensive first."""
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


COLUMNS = (
    Column("instruction", "instruction"),
    Column("fields", "fields"),
    Column("calls", "calls"),
    Column("ns", "ns", "{:.0f}".format),
    Column("share", "share", "{:.1%}".format),
    Column("GFLOP/s", "gflops", "{:.1f}".format),
    Column("GB/s", "gbytes", "{:.1f}".format),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=sorted(jobs.JOBS.keys() - {"tape"}))
    parser.add_argument("--each", action="store_true", help="list every instruction")
    output.add_options(parser)
    options = parser.parse_args()
    context = context_of(options.job)
    seconds = whole(context)
    costs = profile(context)
    rows = listed(costs) if options.each else by_name(costs)
    total = sum(row["ns"] for row in rows)
    rows = [row | {"share": row["ns"] / total} for row in rows]
    value, gradient = (sum(c.seconds for c in costs if c.entry in parts) for parts in (("value",), ("value", "gradient")))
    rows.append({"instruction": "whole step", "fields": "", "ns": seconds * 1e9})
    rows.append({"instruction": "value", "fields": "", "ns": value * 1e9})
    rows.append({"instruction": "value and gradient", "fields": "", "ns": gradient * 1e9, "share": gradient / value})
    columns = COLUMNS if options.each else [c for c in COLUMNS if c.key != "fields"]
    output.present(rows, columns, Bars(("instruction",), "ns", f"ns per step of {options.job}"), options)


if __name__ == "__main__":
    main()
