"""Gradients and products with Jacobians, as functions of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.errors import ArgumentError
from jitgrad.tape.groups import group
from jitgrad.tape.protocol import public
from jitgrad.tape.reverse_mode import constant
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.tree import tree_pack
from jitgrad.transforms.call import ArgNums, Call


def grad(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of ``f``, as a function of the same arguments.

    Args:
        f: returns one number; with ``has_aux`` a pair of that and anything.
        argnums: by which positional argument to differentiate, or a sequence of them. Each may be any nesting of floats
            and arrays.
        has_aux: whether the gradient comes in a pair with what ``f`` returned beside its result.

    Returns:
        A function that returns the gradient, nested as the argument; a tuple of them where argnums is a sequence. It can be
        differentiated again, and traced by ``jitgrad.function``.

    Raises (when called):
        ShapeError: where the result is not one number.
        DTypeError: where an argument to differentiate by is an integer, or the result a boolean.

    Example:
        >>> float(grad(lambda x: x**3)(2.0))
        12.0
    """

    @public()
    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = _both("grad", f, argnums, has_aux, args, kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def value_and_grad(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As ``grad``, and the function returns the pair of the value and the gradient, computed in one run.

    With ``has_aux`` the value is the pair that ``f`` returns.
    """

    @public()
    @functools.wraps(f)
    def both(*args: Any, **kwargs: Any) -> Any:
        return _both("value_and_grad", f, argnums, has_aux, args, kwargs)

    return both


def _both(name: str, f: Callable[..., Any], argnums: ArgNums, has_aux: bool, args: Any, kwargs: Any) -> tuple[Any, Any]:
    call = Call(name, f, args, kwargs, argnums, has_aux)
    value = call.scalar()
    gradients = call.pull_back([None])
    group([value, *gradients])
    return ((value, call.aux) if has_aux else value), call.nested_inputs(gradients)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """``f(*primals)`` and its vector-Jacobian product (reverse mode).

    Returns:
        The result of ``f``; a function from a cotangent, nested and shaped as the result, to a tuple with a cotangent for each
        of ``primals``; and with ``has_aux`` what ``f`` returned beside its result.
    """
    call = Call("vjp", f, primals, has_aux=has_aux)

    def pull_back(cotangent: Any) -> Any:
        found = call.pull_back(list(call.like_outputs(cotangent)))
        group(found)
        return call.nested_inputs(found)

    return (call.result, pull_back, call.aux) if has_aux else (call.result, pull_back)


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> tuple[Any, ...]:
    """``f(*primals)`` and its Jacobian-vector product (forward mode), in one run.

    Args:
        f: any function of floats and arrays, nested or not.
        primals: its arguments, a tuple or list.
        tangents: the directions, nested and shaped as ``primals``.
        has_aux: whether ``f`` returns a pair of its result and anything, which comes third.

    Returns:
        The result, and the derivative of it in the direction, nested and shaped alike.
    """
    _sequences("jvp", primals, tangents)
    call = Call("jvp", f, primals, has_aux=has_aux)
    pushed: list[Tensor] = [
        constant(0.0, y) if t is None else t
        for t, y in zip(call.push_forward(call.like_inputs(tangents)), call.outputs, strict=True)
    ]
    group([*call.outputs, *pushed])
    tangent = tree_pack(call.result, list(pushed))
    return (call.result, tangent, call.aux) if has_aux else (call.result, tangent)


def hvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any]) -> Any:
    """The product of the Hessian of ``f`` at ``primals`` with ``tangents``: forward over reverse mode.

    Returns:
        The product, nested as the only one of ``primals``; a tuple where there are several.
    """
    _sequences("hvp", primals, tangents)
    product = jvp(grad(f, argnums=tuple(range(len(primals)))), primals, tangents)[1]
    return product[0] if len(primals) == 1 else product


def _sequences(name: str, primals: Any, tangents: Any) -> None:
    for what, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, (tuple, list)):
            raise ArgumentError(f"{name}: {what} is a {type(value).__name__}. Give a tuple with an entry for each argument.")
    if len(primals) != len(tangents):
        raise ArgumentError(f"{name}: there are {len(primals)} primals and {len(tangents)} tangents. Give as many of both.")
