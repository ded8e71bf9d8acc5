"""What the passes make of expressions: golden dumps, and checks of single rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import Variable
from jitgrad.program.program import Program
from jitgrad.tape.tensor import as_tensor, placeholder
from jitgrad.training.step import make_step


def names(program: Program) -> list[str]:
    return [program.instruction(i)[0].name for i in range(program.stop)]


def test_golden_quadratic_by_adam() -> None:
    w = Variable(np.float32(0))
    step = make_step(lambda: w**2 - 10 * w + 25, [], jitgrad.optimizers.Adam(0.1), [w])
    assert (
        step.program.dump()
        == """\
program float32 arena 18
state 0 [0:3] (3,)
state 1 [3:4] ()
state 2 [4:5] ()
state 3 [5:6] ()
input 4 [6:13] (7,)
literal [13] -10.0
literal [14] 25.0
literal [15] 2.0
value:
    0 square         d=16 x=3 n=1
    1 multiply_add.1 d=17 c=16 a=13 b=3
    2 add.1          d=16 a=17 b=14
gradient:
    3 multiply_add.1 d=17 c=13 a=15 b=3
update:
    4 adam_rate      s=0 h=6
    5 adam           p=3 m=4 v=5 s=0 g=17 h=6 n=1
output [16:17] ()
"""
    )


def test_golden_line_by_gradient_descent() -> None:
    a, b = Variable(np.float32(0)), Variable(np.float32(0))
    batch = [as_tensor(np.zeros(200)), as_tensor(np.zeros(200))]
    step = make_step(lambda x, y: jitgrad.sum(jitgrad.square(y - (a + b * x))), batch, jitgrad.optimizers.SGD(0.001), [a, b])
    assert (
        step.program.dump()
        == """\
program float32 arena 848
input 0 [16:216] (200,)
input 1 [224:424] (200,)
state 2 [0:1] ()
state 3 [1:2] ()
input 4 [424:430] (6,)
literal [430] -2.0
value:
    0 multiply_add.ssv d=432 rows=1 cols=200 c=0 rc=0 a=1 ra=0 b=16 rb=0
    1 subtract.vv    d=640 rows=1 cols=200 a=224 ra=0 b=432 rb=0
    2 dot            d=432 a=640 b=640 n=200
gradient:
    3 sum_axis       d=433 a=640 outer=1 reduced=200 inner=1
    4 multiply.1     d=434 a=430 b=433
    5 dot            d=433 a=640 b=16 n=200
    6 multiply.1     d=435 a=430 b=433
update:
    7 sgd            p=0 g=434 h=424 n=1
    8 sgd            p=1 g=435 h=424 n=1
output [432:433] ()
"""
    )


X = np.ones((4, 3))


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x * 1.0, []),
        (lambda x: jitgrad.negative(-x), []),
        (lambda x: -(-x / (x * x)), ["multiply.vv", "divide.vv"]),
        (lambda x: jitgrad.concatenate([x]) + x, ["add.vv"]),
        (lambda x: x**1, []),
        (lambda x: x**2, ["square"]),
        (lambda x: x**0, ["copy_from"]),
        (lambda x: -(2.0 * x), ["multiply.sv"]),
        (lambda x: 0.5 * (3.0 * x), ["multiply.sv"]),
        (lambda x: 0.3 * (3.0 * x), ["multiply.sv", "multiply.sv"]),
        (lambda x: x / 4, ["multiply.sv"]),
        (lambda x: x / 3, ["divide.vs"]),
        (lambda x: x + -x, ["subtract.vv"]),
        (lambda x: x > 1, ["less.sv"]),
        (lambda x: x.T.T, []),
        (lambda x: x.reshape(12).reshape(3, 4), []),
        (lambda x: jitgrad.stop_gradient(x), []),
        (lambda x: jitgrad.broadcast_to(2.0, (4, 3)) * x, ["multiply.sv"]),
        (lambda x: jitgrad.exp(x) + jitgrad.exp(x), ["exp", "add.vv"]),
        (lambda x: jitgrad.sum(x * x), ["dot"]),
        (lambda x: jitgrad.sum(x, axis=0), ["sum_axis"]),
        (lambda x: x @ x.T, ["matmul"]),
        (lambda x: x.T @ x, ["matmul"]),
        (lambda x: (x.T @ np.ones((4, 2))).T, ["matmul"]),
        (lambda x: (np.ones((2, 3)) @ x.T).T, ["matmul"]),
        (lambda x: (x @ np.ones((3, 2))).T, ["matmul", "copy_from"]),
        (lambda x: x @ np.ones((3, 2)) + np.ones(2), ["matmul"]),
        (lambda x: np.ones((4, 2)) + x @ np.ones((3, 2)), ["matmul"]),
        (lambda x: x @ np.ones((3, 2)) + np.ones((4, 1)), ["matmul", "add.sv"]),
        (lambda x: x * x + x, ["multiply_add.vvv"]),
        (lambda x: x - 3.0 * x, ["multiply_add.vsv"]),
        (lambda x: 3.0 * x - x, ["multiply.sv", "subtract.vv"]),
        (lambda x: 2.0 + x * np.ones(3), ["multiply_add.svv"]),
        (lambda x: 2.0 + x * 0.3, ["multiply_add.ssv"]),
        (lambda x: jitgrad.sum(0.3 * x), ["sum_axis", "multiply.1"]),
        (lambda x: jitgrad.sum(-x, axis=0), ["sum_axis", "negative"]),
        (lambda x: jitgrad.sum(x * (0.3 * x)), ["dot", "multiply.1"]),
        (lambda x: jitgrad.sum((0.3 * x) * (x * 0.7), axis=1), ["multiply.vv", "sum_axis", "multiply.sv", "multiply.sv"]),
        (lambda x: x[1:3], []),
        (lambda x: x[:, 1], ["copy_from"]),
    ],
)
def test_rules(f: Callable[..., Any], expected: list[str]) -> None:
    assert names(jitgrad.lower(f, X)) == expected


def test_a_product_with_two_uses_is_made_once() -> None:
    def f(x: Any) -> Any:
        product = x @ np.ones((3, 2))
        return product + np.ones(2), product

    assert names(jitgrad.lower(f, X)) == ["matmul", "add.vv"]


def test_gradient_descent_stores_no_gradient_of_a_product() -> None:
    w = Variable(np.zeros((3, 2)))
    step = make_step(lambda x: jitgrad.sum(x @ w), [placeholder((4, 3))], jitgrad.optimizers.SGD(0.5))
    program = step.program
    updates = [program.instruction(i) for i in range(program.entry("update").start, program.stop)]
    assert [(kind.name, fields["c"] == fields["d"], fields["rc"]) for kind, fields in updates] == [("matmul", True, 2)]
    jitgrad.fit(lambda x: jitgrad.sum(x @ w), X, jitgrad.optimizers.SGD(0.5), batch_size=None)
    np.testing.assert_array_equal(w.numpy(), np.full((3, 2), -2.0))


def test_signed_zero_and_nan_literals_stay_apart() -> None:
    x = Variable(np.array([1.0]))
    assert np.signbit(np.asarray(x * 0.0)).tolist() == [False]
    assert np.signbit(np.asarray(x * -0.0)).tolist() == [True]
    assert np.isnan(np.asarray(x * float("nan"))).all()


def test_memory_is_reused() -> None:
    def f(x: Any) -> Any:
        for _ in range(100):
            x = jitgrad.sin(x)
        return x

    program = jitgrad.lower(f, np.zeros(1000))
    assert program.size <= 4 * 1008


def test_a_result_never_overlaps_its_operands() -> None:
    def f(x: Any, y: Any) -> Any:
        for _ in range(20):
            x, y = jitgrad.tanh(x + y[:, :1]), jitgrad.sin(y) * x
        return jitgrad.sum(x @ y.T)

    program = jitgrad.lower(f, np.zeros((5, 7)), np.zeros((5, 7)))
    for i in range(program.stop):
        kind, fields = program.instruction(i)
        for start, count in kind.writes(fields, program.table):
            for other, length in kind.reads(fields, program.table):
                assert start + count <= other or other + length <= start


def test_factors_that_keep_a_sum_from_overflowing_stay() -> None:
    v, s = np.float32([1e25, 2e25]), Variable(np.float32(1e-25))
    assert abs(float(jitgrad.function(lambda v: jitgrad.sum((v * s) * (v * s)))(v)) - 5) < 1e-5
    assert "dot" in jitgrad.lower(lambda v: jitgrad.sum(v * (1e-30 * v)), v).dump()
    assert abs(float(jitgrad.function(lambda v: jitgrad.sum(v * (1e-30 * v)))(v)) - 5e20) < 1e15


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 3, 4, 17, 100])
@pytest.mark.parametrize("pattern", ["vvv", "vsv", "vvs", "ssv", "svv"])
def test_a_fused_sum_is_rounded_as_two_ops_are(pattern: str, n: int, dtype: type) -> None:
    draw = np.random.default_rng(n)
    c, a, b = (draw.normal(size=n if kind == "v" else ()).astype(dtype) for kind in pattern)
    for f in (lambda c, a, b: c + a * b, lambda c, a, b: a * b + c, lambda c, a, b: c - 0.3 * (a * b)):
        assert "multiply_add" in jitgrad.lower(f, *map(jitgrad.tensor, (c, a, b))).dump()
        np.testing.assert_array_equal(jitgrad.function(f)(*map(jitgrad.tensor, (c, a, b))).numpy(), _in(dtype, f)(c, a, b))


def _in(dtype: type, f: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's value in one dtype: a Python number is of it, too."""
    return lambda c, a, b: f(*(np.asarray(x, dtype) for x in (c, a, b))).astype(dtype)
