"""P3: indexing, shapes, Variables, and Y = 3 X − 2 with gradients in a dict.

Run: python scripts/p3_variables.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad

KEYS = {
    "an integer": 1, "a negative one": -1, "a range": slice(0, 1), "steps": (slice(None), slice(None, None, -1)),
    "an ellipsis": (..., 2), "newaxis": (slice(None), None, 0), "all of it": (1, 0, 2), "integers": np.array([1, 0, 1]),
    "integers for two axes": (np.array([0, 1]), np.array([1, 0])), "integers at the end": (..., [0, -1]),
}  # fmt: skip


def indexing(report: Report) -> None:
    for rank, shape in ((1, (5,)), (2, (3, 4)), (3, (2, 2, 3))):
        x = np.arange(float(np.prod(shape))).reshape(shape)
        t = jitgrad.tensor(x)
        report.check(f"rank {rank}, first and last", [x[0].sum(), x[-1].sum()], [float(jitgrad.sum(t[i])) for i in (0, -1)])
        report.check(f"rank {rank}, a mask that changes the shape", x[x > 2], t[t > 2])
    x = np.arange(12.0).reshape(2, 2, 3)
    t = jitgrad.tensor(x)
    for name, key in KEYS.items():
        report.check(f"(2, 2, 3) by {name}", x[key], t[key])
        ones = np.zeros(x.shape)
        np.add.at(ones, key, 1)
        report.check("    its gradient", ones, jitgrad.grad(lambda v, key=key: jitgrad.sum(v[key]))(x))


def shapes(report: Report) -> None:
    x = np.arange(24.0)
    t = jitgrad.tensor(x)
    for shape in ((4, 6), (-1, 6), (2, 3, 4)):
        report.check(f"24 elements as {shape}", x.reshape(shape), jitgrad.reshape(t, shape))
        report.check("    and back", x, jitgrad.reshape(jitgrad.reshape(t, shape), -1))
    m = t.reshape(4, 6)
    report.check("transpose", x.reshape(4, 6).T, m.T)
    report.check("squeeze, expand_dims", (24, 1, 1), jitgrad.expand_dims(jitgrad.expand_dims(t, 1), -1).shape)
    report.check("    and squeeze", x, jitgrad.squeeze(jitgrad.expand_dims(t, 0)))
    report.check("stack", (2, 24), jitgrad.stack([t, t]).shape)
    report.check("concatenate", np.concatenate([x, x]), jitgrad.concatenate([t, t]))


def variables(report: Report) -> None:
    v = jitgrad.Variable(np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), name="v")
    report.check("name, shape, dtype", "v (2, 2) float32", f"{v.name} {v.shape} {v.dtype}")
    kept = jitgrad.convert_to_tensor(v)
    for value, advice in (
        (np.zeros(3, np.float32), "Give a value of the Variable's shape"),
        (np.zeros((2, 2)), "Cast the value"),
    ):
        try:
            v.assign(value)
            said = ""
        except jitgrad.errors.JitgradError as error:
            said = str(error)
        report.check(f"assign of {value.shape} {value.dtype} raises an error", True, advice in said)
    report.check("    and leaves the value unchanged", [[1.0, 2.0], [3.0, 4.0]], v)
    v.assign(np.zeros((2, 2), np.float32))
    report.check("a converted Tensor does not change after assign", [[1.0, 2.0], [3.0, 4.0]], kept)


def line(report: Report) -> None:
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
    report.close("a", 3.0, float(a), 1e-3)
    report.close("b", -2.0, float(b), 1e-3)


def main() -> None:
    report = Report("P3")
    indexing(report)
    shapes(report)
    variables(report)
    line(report)
    report.finish()


if __name__ == "__main__":
    main()
