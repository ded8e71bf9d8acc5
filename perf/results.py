"""Run all benchmarks and write perf/RESULTS.md: the tables, the machine and the versions.

Run: python perf/results.py [--tensorflow PYTHON]

This takes a while, mostly because of PyTorch's compiler. Nothing else should run at the same time.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PACKAGES = ("numba", "llvmlite", "numpy", "scipy", "jax", "torch", "scikit-learn", "optimistix", "xarray", "dask", "lmfit")

SECTIONS = {
    "An epoch, compared with other libraries": ("epoch_throughput.py", "--peers"),
    "Time to the first result": ("startup.py", "--cold"),
    "A curve, compared with SciPy": ("curve_fit.py",),
    "Many small fits, compared with other libraries": ("many_fits.py",),
    "Differential equations, compared with other libraries": ("ode.py",),
    "Models of tables, compared with scikit-learn": ("tables.py",),
    "Recurrences": ("recurrences.py",),
    "Scaling": ("scaling.py",),
    "Kernels, float32": ("kernels.py",),
    "Kernels, float64": ("kernels.py", "--dtype", "float64"),
}
JOBS = ("line", "quadratic", "iris", "fashion", "wide")


def printed(script: str, *arguments: str) -> str:
    """Return what a script prints."""
    command = [sys.executable, str(HERE / script), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def processor() -> str:
    """Return the name of the processor and the number of cores."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def versions(tensorflow: str | None) -> str:
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {name}")
    if tensorflow:
        code = "import tensorflow as tf; print('tensorflow', tf.__version__, 'with keras', tf.keras.__version__)"
        found.append(subprocess.run([tensorflow, "-c", code], check=True, capture_output=True, text=True).stdout.strip())
    return ", ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tensorflow", metavar="PYTHON", help="a Python interpreter that has TensorFlow, if this one does not")
    options = parser.parse_args()
    text = [
        "# Results",
        f"Written by `perf/results.py` on {datetime.now(UTC):%Y-%m-%d}: {processor()}, {platform.system()}, "
        f"{versions(options.tensorflow)}. The machine is shared: times of the same job vary "
        "by a factor of up to two, so compare ratios rather than times.",
    ]
    for title, (script, *arguments) in SECTIONS.items():
        more = ["--tensorflow", options.tensorflow] if script == "epoch_throughput.py" and options.tensorflow else []
        print(f"{script} {' '.join(arguments)}", file=sys.stderr)
        text += [
            f"## {title}",
            f"`perf/{' '.join((script, *arguments))}`",
            printed(script, *arguments, *more, "--markdown").strip(),
        ]
    text.append("## Where the time of a step goes, by instruction")
    for job in JOBS:
        text += [f"`perf/where_time_goes.py {job}`", printed("where_time_goes.py", job, "--markdown").strip()]
    (HERE / "RESULTS.md").write_text("\n\n".join(text) + "\n")


if __name__ == "__main__":
    main()
