"""Functions around functions: ``functools.wraps`` gives a wrapper the attributes of what it wraps, and not its state."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

import jitgrad
from jitgrad import losses, metrics
from jitgrad.arguments import function_name


def cube(x: Any) -> Any:
    return x**3


@numba.njit
def compiled(x: Any) -> Any:
    return x * x


class Cubes:
    @jitgrad.function
    def method(self, x: Any) -> Any:
        return x**3

    def __call__(self, x: Any) -> Any:
        return x**3


class CubeOfUserAttributes:
    """A callable whose own attributes have the names of a Function's and a custom op's."""

    def __init__(self) -> None:
        self.function = self.name = self._traced = self._forward = self.steps = "mine"

    def __call__(self, x: Any) -> Any:
        return x**3


CUBES: dict[str, Callable[..., Any]] = {
    "traced": jitgrad.function(cube),
    "twice traced": jitgrad.function(jitgrad.function(cube)),
    "custom op": jitgrad.custom_op(cube),
    "custom op with vjp": jitgrad.custom_op(cube, vjp=lambda g, y, x: g * 3 * x**2),
    "traced custom op": jitgrad.function(jitgrad.custom_op(cube)),
    "custom gradient": jitgrad.custom_gradient(lambda x: (x**3, lambda g: g * 3 * x**2)),
    "partial": functools.partial(jitgrad.function(lambda n, x: x**n), 3),
    "partial of no name": jitgrad.function(functools.partial(lambda n, x: x**n, 3)),
    "custom gradient of a partial": jitgrad.custom_gradient(
        functools.partial(lambda n, x: (x**n, lambda g: g * n * x ** (n - 1)), 3)
    ),
    "method": Cubes().method,
    "callable": Cubes(),
    "attributes": jitgrad.function(CubeOfUserAttributes()),
    "custom op of attributes": jitgrad.custom_op(CubeOfUserAttributes()),
}

# What becomes of a function f of one number, and its value at 2 for x³.
TRANSFORMS: dict[str, tuple[Callable[..., Any], float]] = {
    "grad": (jitgrad.grad, 12),
    "grad of grad": (lambda f: jitgrad.grad(jitgrad.grad(f)), 12),
    "value": (lambda f: lambda x: jitgrad.value_and_grad(f)(x)[0], 8),
    "value_and_grad": (lambda f: lambda x: jitgrad.function(jitgrad.value_and_grad(f))(x)[1], 12),
    "jacrev": (jitgrad.jacrev, 12),
    "jacfwd": (jitgrad.jacfwd, 12),
    "hessian": (jitgrad.hessian, 12),
    "vjp": (lambda f: functools.wraps(f)(lambda x: jitgrad.vjp(f, x)[1](1.0)[0]), 12),
    "jvp": (lambda f: functools.wraps(f)(lambda x: jitgrad.jvp(f, (x,), (1.0,))[1]), 12),
    "hvp": (lambda f: functools.wraps(f)(lambda x: jitgrad.hvp(f, (x,), (1.0,))), 12),
    "wraps": (lambda f: functools.wraps(f)(lambda x: 5 * f(x)), 40),
    "grad of wraps": (lambda f: jitgrad.grad(functools.wraps(f)(lambda x: 5 * f(x))), 60),
    "partial": (lambda f: functools.partial(jitgrad.grad(f)), 12),
}


@pytest.mark.parametrize("outer", [jitgrad.function, jitgrad.custom_op, lambda f: jitgrad.function(jitgrad.custom_op(f))])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", CUBES)
def test_a_wrapper_is_what_it_does(name: str, transform: str, outer: Any) -> None:
    made, expected = TRANSFORMS[transform]
    wrapped = outer(made(CUBES[name]))
    assert [float(wrapped(2.0)), float(wrapped(2.0))] == [expected, expected]
    assert float(jitgrad.grad(outer(CUBES[name]))(2.0)) == 12


@pytest.mark.parametrize("name", CUBES)
def test_lowering_a_wrapper(name: str) -> None:
    f = CUBES[name]
    assert jitgrad.lower(jitgrad.function(jitgrad.grad(f)), 2.0).dump() == jitgrad.lower(jitgrad.grad(f), 2.0).dump()
    assert jitgrad.lower(jitgrad.grad(f), 2.0).dump() != jitgrad.lower(f, 2.0).dump()


def test_a_wrapper_keeps_the_attributes_that_are_the_functions() -> None:
    def f(x: Any) -> Any:
        """The square."""
        return x * x

    f.unit = "m²"  # type: ignore[attr-defined]
    traced = jitgrad.function(jitgrad.grad(jitgrad.function(f)))
    assert (traced.__name__, traced.__doc__, traced.unit) == ("f", "The square.", "m²")  # type: ignore[attr-defined]


def test_a_wrapper_of_compiled_code_is_not_compiled() -> None:
    op = jitgrad.custom_op(functools.wraps(compiled)(lambda x: 3 * jitgrad.square(x)))
    assert float(op(2.0)) == 12 and float(jitgrad.grad(op)(2.0)) == 12


def test_a_wrapper_of_a_loss_is_the_metric_that_it_computes() -> None:
    loss = losses.mean_squared_error

    @functools.wraps(loss)
    def tenfold(target: Any, prediction: Any) -> Any:
        return 10 * loss.by_row(target, prediction)

    assert metrics.Mean(tenfold)(np.zeros((2, 1)), np.array([[1.0], [2.0]])) == 25
    assert metrics.Mean(loss)(np.zeros((2, 1)), np.array([[1.0], [2.0]])) == 2.5


@pytest.mark.parametrize(
    ("f", "name"),
    [(cube, "cube"), (functools.partial(functools.partial(cube)), "cube"), (Cubes(), "Cubes"), (CUBES["traced"], "cube")],
)
def test_what_errors_call_a_function(f: Any, name: str) -> None:
    assert function_name(f) == name
