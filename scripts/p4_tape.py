"""P4: reference values for the gradient tape, backward(), and custom ops.

Run: python scripts/p4_tape.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad


def branching(x: Any, y: int) -> Any:
    out: Any = 1.0
    for i in range(y):
        if 1 < i < 5:
            out = out * x
    return out


def tape(report: Report) -> None:
    x = jitgrad.tensor(np.ones((2, 2)))
    with jitgrad.GradientTape() as tape:
        tape.watch(x)
        y = jitgrad.sum(x)
        z = y * y
    report.check("dz/dx of z = (Σx)² at ones", np.full((2, 2), 8.0), tape.gradient(z, x))

    x = jitgrad.tensor(3.0)
    with jitgrad.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = x**2
        z = y**2
    report.check("dz/dx of x⁴ at 3", 108.0, tape.gradient(z, x))
    report.check("dy/dx of x² at 3", 6.0, tape.gradient(y, x))

    for n, expected in ((6, 12.0), (5, 12.0), (4, 4.0)):
        v = jitgrad.Variable(2.0)
        with jitgrad.GradientTape() as tape:
            out = branching(v, n)
        report.check(f"through if and for, y = {n}", expected, tape.gradient(out, v))

    v = jitgrad.Variable(1.0)
    with jitgrad.GradientTape() as outer:
        with jitgrad.GradientTape() as inner:
            y = v**3
        first = inner.gradient(y, v)
    report.check("d²y/dx² of x³ at 1", 6.0, outer.gradient(first, v))
    report.check("dy/dx of x³ at 1", 3.0, first)

    with jitgrad.GradientTape() as tape:
        y = v**2
    tape.gradient(y, v)
    try:
        tape.gradient(y, v)
        said = ""
    except jitgrad.errors.TapeError as error:
        said = str(error)
    report.check("a second gradient of the same tape raises a helpful error", True, "persistent=True" in said)


def define_by_run(report: Report) -> None:
    x = jitgrad.tensor(np.ones((2, 2)), requires_grad=True)
    y = x + 2
    z = 3 * y**2
    out = jitgrad.mean(z)
    y.retain_grad()
    z.retain_grad()
    out.backward()
    report.check("out", 27.0, out)
    for name, value, expected in (("x", x, 4.5), ("y", y, 4.5), ("z", z, 0.25)):
        report.check(f"{name}.grad", np.full((2, 2), expected), value.grad)
    report.check("grad_fn of y", "add", y.grad_fn.name)
    report.check("a result requires a gradient", True, y.requires_grad)
    with jitgrad.no_grad():
        report.check("    not under no_grad", False, (x * 2).requires_grad)
    report.check("    nor after detach, with the same value", [False, 3.0], [y.detach().requires_grad, float(y.detach()[0, 0])])

    x = jitgrad.tensor([0.5, -1.0, 2.0], requires_grad=True)
    y = x * 2
    while jitgrad.linalg.norm(y) < 1000:
        y = y * 2
    y.backward([0.1, 1.0, 0.0001])
    report.check("a loop that depends on the norm", [51.2, 512.0, 0.0512], np.round(x.grad.numpy(), 10))

    x = jitgrad.tensor(3.0, requires_grad=True)
    y = x * x
    y.backward(retain_graph=True)
    y.backward()
    report.check("backward twice with retain_graph", 12.0, x.grad)
    try:
        y.backward()
        said = ""
    except jitgrad.errors.TapeError as error:
        said = str(error)
    report.check("    a third time raises a helpful error", True, "retain_graph=True" in said)


@jitgrad.custom_op
def product(x: Any, y: Any) -> Any:
    return x * y


@product.def_vjp
def _product_vjp(g: Any, out: Any, x: Any, y: Any) -> Any:
    return y * g, x * g


def own_op(report: Report) -> None:
    x, y = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    for name, op in (("of Tensors", product), ("compiled", compiled_product())):
        report.check(
            f"custom op {name}, by grad", [x, y], jitgrad.grad(lambda a, b, op=op: jitgrad.sum(op(b, a)), (1, 0))(x, y)
        )
        v = jitgrad.Variable(x)
        with jitgrad.GradientTape() as tape:
            z = jitgrad.sum(op(v, v))
        report.check("    by a tape", 2 * x, tape.gradient(z, v))
        report.check("    in a flat program", x * y, jitgrad.function(op)(x, y))
        w = jitgrad.Variable(0.0)
        jitgrad.optimizers.SGD(0.1).minimize(lambda w=w, op=op: op(w - 3.0, w - 3.0), [w], steps=100)
        report.close("    in the native loop", 3.0, float(w), 1e-6)
        jitgrad.check_grads(op, (x, y), order=2)
        report.check("    by the gradient checker", True, True)


def compiled_product() -> Any:
    import numba

    op = jitgrad.custom_op(numba.njit(lambda x, y: x * y), name="product")
    op.def_vjp(lambda g, out, x, y: (y * g, x * g))
    return op


def node_rules(report: Report) -> None:
    a, b = 2.0, -3.0
    for name, f, expected in (
        ("add", lambda a, b: a + b, [1.0, 1.0]),
        ("multiply", lambda a, b: a * b, [b, a]),
        ("sigmoid", lambda a, b: jitgrad.sigmoid(a + 0 * b), [1 / (1 + np.exp(-a)) * (1 - 1 / (1 + np.exp(-a))), 0.0]),
        ("max: gradient to the larger", jitgrad.maximum, [1.0, 0.0]),
        ("fan-out: they add", lambda a, b: a * b + a, [b + 1, a]),
    ):
        for expected_one, got in zip(expected, jitgrad.grad(f, argnums=(0, 1))(a, b), strict=True):
            report.close(f"{name}", expected_one, float(got), 1e-15)
    x = np.array([0.5, 2.0])
    jacobian = jitgrad.jacobian(lambda x: jitgrad.stack([x[0] * x[1], x[0] ** 2, jitgrad.sum(x)]))(x)
    report.check("Jacobian of (x₀x₁, x₀², x₀+x₁)", [[2.0, 0.5], [1.0, 0.0], [1.0, 1.0]], jacobian)
    report.check("gradient of x₀x₁", [2.0, 0.5], jitgrad.grad(lambda x: x[0] * x[1])(x))


def main() -> None:
    report = Report("P4")
    tape(report)
    define_by_run(report)
    own_op(report)
    node_rules(report)
    report.finish()


if __name__ == "__main__":
    main()
