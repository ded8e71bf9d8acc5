"""Compare each kernel with NumPy and its BLAS, and with the peak rates of one core, which are measured too.

Run: python perf/kernels.py [--dtype float64] [--json | --markdown] [--plot FILE]

Elementwise ops and reductions use 4096 elements, which stay in the level-1 cache. Matrix products have the sizes of small
networks, and some large ones. NumPy's loops write into an existing array, and its BLAS uses one thread. A ratio is NumPy's
time divided by jitgrad's: above 1, jitgrad is faster. The peaks are the fastest product and a copy of 256 MiB.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
import numpy as np
import output
from output import Bars, Column, Row

from jitgrad.ops import OPS
from jitgrad.program.context import Context
from jitgrad.program.expression import Expression, Step, input_step
from jitgrad.program.lowering import lower
from jitgrad.vm.instructions import WIDTH

N = 4096
PRODUCTS = {
    "matmul_nn": [
        (4, 4, 128), (4, 128, 64), (4, 64, 32), (16, 128, 64), (32, 784, 128), (256, 256, 256), (1000, 1000, 1000),
        (1000, 8, 1),
    ],
    "matmul_nt": [(4, 64, 128), (32, 10, 128), (256, 256, 256)],
    "matmul_tn": [(128, 4, 64), (784, 32, 128), (256, 256, 256)],
}  # fmt: skip
FORMS = {"matmul_nn": (False, False), "matmul_nt": (False, True), "matmul_tn": (True, False)}

COLUMNS = (
    Column("kernel", "kernel"),
    Column("jitgrad", "seconds", output.seconds),
    Column("NumPy", "numpy", output.seconds),
    Column("ratio", "ratio", output.ratio),
    Column("GFLOP/s", "gflops", "{:.1f}".format),
    Column("GB/s", "gbytes", "{:.0f}".format),
    Column("of peak", "of_peak", "{:.0%}".format),
)


def least(run: Callable[[int], object]) -> float:
    """Return the seconds of one of the calls that ``run(count)`` makes."""
    count = 1
    while True:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            run(count)
            times.append((time.perf_counter() - start) / count)
        if min(times) * count > 2e-3:
            return min(times)
        count = max(2 * count, int(3e-3 / min(times)))


def ours(step: Step, operands: list[np.ndarray]) -> float:
    """Return the seconds of a step in the interpreter, whose instructions are repeated within one call."""
    leaves = [input_step(i, x.shape) for i, x in enumerate(operands)]
    context = Context(lower(Expression((*leaves, step), (("value", (len(leaves),)),)), operands[0].dtype))
    context.load(operands)

    def run(count: int) -> None:
        code = np.tile(context.program.code, (count, 1)).reshape(-1, WIDTH)
        Context(replace(context.program, code=code), context.arena).run()

    return least(run)


def times(count: int, call: Callable[[], object]) -> None:
    for _ in range(count):
        call()


def elementwise(dtype: np.dtype[np.floating]) -> list[Row]:
    rows = []
    for op in OPS.values():
        if op.value is None or not isinstance(op.numpy, np.ufunc) or op.result in ("bool", "integer"):
            continue
        draw = np.random.default_rng(0)
        operands = [draw.uniform(low + 1e-3 * (high - low), high, N).astype(dtype) for low, high in op.domain]
        out, ufunc = np.empty(N, dtype), op.numpy
        theirs = least(lambda count, f=ufunc, x=operands, o=out: times(count, lambda: f(*x, out=o)))  # type: ignore[misc]
        step = Step(op.name, tuple(range(len(operands))), (), (N,))
        touched = (len(operands) + 1) * N * dtype.itemsize
        rows.append(row_of(op.name, ours(step, operands), theirs, touched=touched))
    return rows


def reductions(dtype: np.dtype[np.floating]) -> list[Row]:
    rows, x = [], np.random.default_rng(0).random((64, 64)).astype(dtype)
    for f, axes in ((np.sum, (0, 1)), (np.sum, (0,)), (np.sum, (1,)), (np.max, (0, 1)), (np.max, (1,))):
        kept = tuple(n for axis, n in enumerate(x.shape) if axis not in axes)
        name = f.__name__.removeprefix("a")
        step = Step(name, (0,), (("axes", axes),), kept)
        theirs = least(lambda count, f=f, a=axes: times(count, lambda: f(x, axis=a)))  # type: ignore[misc]
        rows.append(row_of(f"{name} of (64, 64) over {axes}", ours(step, [x]), theirs, touched=x.nbytes))
    return rows


def products(dtype: np.dtype[np.floating]) -> list[Row]:
    rows = []
    for form, (m, k, n) in [(form, sizes) for form, all_sizes in PRODUCTS.items() for sizes in all_sizes]:
        draw = np.random.default_rng(0)
        left, right = FORMS[form]
        a = draw.normal(size=(k, m) if left else (m, k)).astype(dtype)
        b = draw.normal(size=(n, k) if right else (k, n)).astype(dtype)
        x, y, out = a.T if left else a, b.T if right else b, np.empty((m, n), dtype)
        theirs = least(lambda count, x=x, y=y, o=out: times(count, lambda: np.matmul(x, y, out=o)))  # type: ignore[misc]
        seconds = ours(Step(form, (0, 1), (), (m, n)), [a, b])
        rows.append(row_of(f"{form} {m}·{k}·{n}", seconds, theirs, flops=2 * m * k * n))
    peak = max(row["gflops"] for row in rows)
    return [row | {"of_peak": row["gflops"] / peak} for row in rows]


def copying() -> list[Row]:
    x = np.zeros(2**26, np.float32)
    y = np.empty_like(x)
    seconds = least(lambda count: times(count, lambda: np.copyto(y, x)))
    return [{"kernel": "NumPy's copy of 256 MiB", "numpy": seconds, "gbytes": 2 * x.nbytes / seconds / 1e9}]


def row_of(kernel: str, seconds: float, theirs: float, flops: int = 0, touched: int = 0) -> Row:
    return {
        "kernel": kernel, "seconds": seconds, "numpy": theirs, "ratio": theirs / seconds,
        "gflops": flops / seconds / 1e9 if flops else None, "gbytes": touched / seconds / 1e9 if touched else None,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    output.add_options(parser)
    options = parser.parse_args()
    dtype = np.dtype(options.dtype)
    rows = [*elementwise(dtype), *reductions(dtype), *products(dtype), *copying()]
    output.present(rows, COLUMNS, Bars(("kernel",), "ratio", "NumPy's time divided by jitgrad's"), options)


if __name__ == "__main__":
    main()
