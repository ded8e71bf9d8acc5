"""Seconds an epoch of the reference jobs, and with --peers the same jobs on what else is installed.

Run: python perf/epoch_throughput.py [--peers] [--json] [JOB ...]

Jobs, all in float32 and from the same data:
  line       P1: 200 rows, full batch, gradient descent; an epoch is one step
  quadratic  P2: w² − 10 w + 25 by Adam; an epoch is one step, 1000 of them a call
  iris       P5: 4–128–64–32–16–3, three of them batch-normalised, 112 rows, batch 4, gradient descent; 28 steps an epoch
  fashion    P6: 784–128–10 on 60,000 rows, batch 32, Adam; 1875 steps an epoch
  wide       64–256–256–1 on 100,000 rows, batch 256, Adam; 390 steps an epoch

scikit-learn has no batch normalisation, and goes through the line row by row. Each side runs in a process of its own. "first"
is the first call in it, with all that compiles or loads; then come median and minimum over repeats of the steady state. Ratios
are the peer's median over jitgrad's: above 1 jitgrad is faster.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PEERS = {"jax": "jax", "torch": "torch", "sklearn": "sklearn"}
JOBS = ("line", "quadratic", "iris", "fashion", "wide")
SIDES = Path(__file__).parent / "sides"


def measure(side: str, job: str) -> dict[str, Any] | None:
    """One side on one job, in a process of its own; None where it does not do that job."""
    done = subprocess.run([sys.executable, SIDES / f"{side}_side.py", job], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{side} failed on {job}:\n{done.stderr}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", default=[], metavar="JOB", help=f"of {', '.join(JOBS)}; all by default")
    parser.add_argument("--peers", action="store_true", help="also run jax, torch and scikit-learn where installed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    unknown = set(options.jobs) - set(JOBS)
    if unknown:
        parser.error(f"no such job: {', '.join(sorted(unknown))}. Use {', '.join(JOBS)}.")
    peers = [side for side, module in PEERS.items() if options.peers and importlib.util.find_spec(module)]
    results = []
    for job in options.jobs or JOBS:
        ours = measure("jitgrad", job)
        assert ours is not None
        results.append(ours | {"side": "jitgrad", "job": job, "ratio": 1.0})
        for side in peers:
            theirs = measure(side, job)
            if theirs is not None:
                results.append(theirs | {"side": side, "job": job, "ratio": theirs["median"] / ours["median"]})
    if options.json:
        print(json.dumps(results, indent=2))
    else:
        show(results)


def show(results: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in ("job", "side", "first call s", "epoch median", "epoch minimum", "steps/s", "peak memory", "ratio"):
        table.add_column(name, justify="left" if name in ("job", "side") else "right")
    for number, r in enumerate(results):
        table.add_row(
            r["job"], r["side"], f"{r['first']:.3f}", _time(r["median"]), _time(r["minimum"]),
            _rate(r["steps"] / r["median"]), f"{r['memory'] / 2**20:.0f} MiB", f"{r['ratio']:.2f}",
            end_section=number + 1 < len(results) and results[number + 1]["job"] != r["job"],
        )  # fmt: skip
    Console().print(table)


def _rate(steps: float) -> str:
    return f"{steps / 1e6:.3g} M" if steps >= 1e6 else f"{steps / 1e3:.3g} k"


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


if __name__ == "__main__":
    main()
