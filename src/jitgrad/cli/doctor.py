"""``jitgrad doctor``: show the environment and check that jitgrad works."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import click
import numpy as np
from rich.markup import escape

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PACKAGES = ("numba", "llvmlite", "numpy", "scipy", "polars", "narwhals", "safetensors", "click", "rich", "matplotlib")
FEATURES = ("sse4.2", "avx", "avx2", "fma", "avx512f", "neon", "sve")


@click.command()
def doctor() -> None:
    """Show versions, processor and cache, and run self-tests.

    The self-tests take about ten seconds. The exit code is 1 if one of them fails.
    """
    from jitgrad.cli import report
    from jitgrad.vm import compiling
    from jitgrad.vm.groups import needed

    out = report.console()
    for name, value in _facts():
        out.print(f"[bold]{name:12}[/bold] {escape(value)}", soft_wrap=True)
    _show_code(out)
    tested = [*needed("float64", "least_squares"), *needed("float32")]
    compiling.ensure(*tested)  # compile all of them at once
    failed = 0
    tests = _grid("test", ["ms", "result"])
    for test in TESTS:
        started = time.perf_counter()
        fault = test()
        failed += bool(fault)
        tests.add_row(str(test.__doc__).rstrip("."), f"{(time.perf_counter() - started) * 1e3:.0f}", fault or "passed")
    out.print(tests)
    if failed:
        out.print(
            f"{failed} self-test{'' if failed == 1 else 's'} failed. Report this as a bug, with the complete output above."
        )
        click.get_current_context().exit(1)


def _grid(first: str, others: Sequence[str]) -> Table:
    """Return a table that wraps long paths instead of truncating them."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for name in others:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _facts() -> Iterator[tuple[str, str]]:
    from llvmlite import binding

    import jitgrad
    from jitgrad import platforms
    from jitgrad.vm.processor import processor
    from jitgrad.vm.threads import get_num_threads

    yield "jitgrad", jitgrad.__version__
    yield "Python", f"{platform.python_version()} at {sys.executable}"
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"
    untested = "" if platforms.is_tested() else f"; jitgrad is tested on {platforms.TESTED} only"
    yield "system", f"{platform.system()} {platform.release()}, {platform.machine()}{untested}"
    name, features = processor()
    host = binding.get_host_cpu_name()
    code = "" if name == host else f"; compiling for {name}"
    yield "processor", f"{host}{code} with {', '.join(f for f in FEATURES if features.get(f))}"
    yield "threads", f"{get_num_threads()} of {os.cpu_count()} cores"


def _show_code(out: Console) -> None:
    """Show which code is compiled, and how long the rest will take to compile."""
    from jitgrad.vm import cache, compiling
    from jitgrad.vm.cores import cores
    from jitgrad.vm.groups import GROUPS, UNITS

    table, missing = _grid("compiled code", ["dtype", "state", "kB"]), []
    table.add_column("location", overflow="fold")
    for unit in UNITS:
        kept = [compiling.kept(file) for _, file in unit.files()]
        size = sum(len(found.compiled.code) for found in kept if found)
        places = " and ".join(dict.fromkeys(str(found.place.parent) for found in kept if found))
        if None in kept:
            missing.append(unit)
            state = f"{'partly' if any(kept) else 'not compiled'}, {compiling.about([[unit]])}"
        else:
            state = "compiled"
        table.add_row(GROUPS[unit.group].what, unit.dtype, state, f"{size / 1e3:.0f}" if size else "", escape(places))
    out.print(table)
    if missing:
        place = cache.directory() or "memory only: set JITGRAD_CACHE_DIR to a writable directory to keep it"
        out.print(
            f"The rest is compiled on first use, or by `jitgrad warmup` "
            f"({compiling.about(compiling.shares(missing, cores()))}), "
            f"and stored in {escape(str(place))}",
            soft_wrap=True,
        )


def _test_ops() -> str:
    """Every elementwise op agrees with NumPy."""
    from jitgrad.ops import OPS
    from jitgrad.tape.evaluate import compute

    draw = np.random.default_rng(0)
    worst, where = 0.0, ""
    for op in OPS.values():
        if op.value is not None and op.name not in ("polygamma",):
            given = [draw.uniform(max(low, -3), min(high, 3), 64) for low, high in op.domain]
            made = op(*given)
            compute([made])
            expected = np.asarray(op.numpy(*given), float)
            error = float(np.max(np.abs(np.asarray(made.numpy(), float) - expected) / (1 + np.abs(expected))))
            if error > worst:
                worst, where = error, op.name
    return "" if worst < 1e-13 else f"{where} is off by {worst:.1g}"


def _test_gradients() -> str:
    """A network's gradient agrees with finite differences."""
    from jitgrad.errors import GradientError
    from jitgrad.functions.reductions import mean
    from jitgrad.ops.elementwise import tanh
    from jitgrad.transforms.check import check_grads

    draw = np.random.default_rng(1)
    x, w, v = draw.normal(size=(8, 3)), draw.normal(size=(3, 5)), draw.normal(size=(5, 2))
    try:
        check_grads(lambda w, v: mean(tanh(x @ w) @ v), (w, v), order=1)
    except GradientError as error:
        return str(error)
    return ""


def _test_fit() -> str:
    """A curve fit agrees with NIST's certified values (Misra1a)."""
    from jitgrad.curvefit import curve_fit

    x = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
    y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.4, 75.47, 81.78]
    found = curve_fit("b1 * (1 - exp(-b2 * x))", x, y, [500, 1e-4]).values
    digits = -np.log10(np.max(np.abs(found / [2.3894212918e02, 5.5015643181e-04] - 1)))
    return "" if digits > 9 else f"only {digits:.1f} digits agree"


def _test_threads() -> str:
    """Results are bit-identical on one thread and on all threads."""
    from jitgrad.functions.reductions import mean
    from jitgrad.optimizers import SGD
    from jitgrad.tape.variable import Variable
    from jitgrad.training.fit import fit
    from jitgrad.vm.threads import get_num_threads, set_num_threads

    def fitted() -> np.ndarray:
        x = np.random.default_rng(2).normal(size=(4096, 64)).astype(np.float32)
        w = Variable(np.zeros((64, 256), np.float32))
        fit(lambda xs: mean((xs @ w - 1) ** 2), (x,), SGD(0.1), [w], epochs=5, batch_size=1024, seed=0, verbose=0)
        return np.asarray(w.numpy())

    threads, together = get_num_threads(), fitted()
    set_num_threads(1)
    alone = fitted()
    set_num_threads(threads)
    return "" if np.array_equal(together, alone) else "results differ"


TESTS: tuple[Callable[[], str], ...] = (_test_ops, _test_gradients, _test_fit, _test_threads)
