"""Derivatives of functions with one result: gradients and products with vectors."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, overload

from jitgrad.errors import ArgumentError
from jitgrad.tape.groups import group
from jitgrad.tape.protocol import public
from jitgrad.tape.reverse_mode import constant
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.tree import tree_pack
from jitgrad.transforms.call import ArgNums, Call

R = TypeVar("R")
A = TypeVar("A")


@overload
def grad(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: Literal[False] = False) -> Callable[..., Any]: ...


@overload
def grad(f: Callable[..., Any], argnums: ArgNums = 0, *, has_aux: Literal[True]) -> Callable[..., tuple[Any, Any]]: ...


@overload
def grad(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]: ...


def grad(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of ``f``.

    Parameters
    ----------
    f : callable
        A function that returns a single number, or with ``has_aux=True`` a pair of that number and any other value.
    argnums : int or sequence of int, default 0
        The positional arguments to differentiate with respect to. Each may be a float, an array, or lists, tuples and dicts
        of these.
    has_aux : bool, default False
        Whether ``f`` returns a pair ``(result, aux)``.

    Returns
    -------
    callable
        A function of the same arguments that returns the gradient, in the structure of the argument; a tuple of gradients
        if ``argnums`` is a sequence; a pair ``(gradient, aux)`` with ``has_aux=True``. It can be differentiated again and
        traced by ``jitgrad.function``.

    Raises
    ------
    ShapeError
        When it is called, if the result of ``f`` is not a single number.
    DTypeError
        When it is called, if an argument to differentiate with respect to is an integer, or the result is boolean.

    See Also
    --------
    value_and_grad : Compute the value and the gradient.
    GradientTape : Record any computation and differentiate it.

    Examples
    --------
    >>> float(jg.grad(lambda x: x**3)(2.0))
    12.0

    Differentiate with respect to all entries of a dict:

    >>> def loss(weights, x, y):
    ...     return jg.mean(jg.square(weights["a"] * x + weights["b"] - y))
    >>> x = np.array([0.0, 1.0, 2.0])
    >>> gradient = jg.grad(loss)({"a": 1.0, "b": 0.0}, x, 2 * x + 1)
    >>> float(gradient["b"])
    -4.0
    """

    @public()
    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = _both("grad", f, argnums, has_aux, args, kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def value_and_grad(f: Callable[..., R], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., tuple[R, Any]]:
    """Return a function that computes the value and the gradient of ``f`` in one run.

    Parameters
    ----------
    f : callable
        A function that returns a single number, or with ``has_aux=True`` a pair of that number and any other value.
    argnums : int or sequence of int, default 0
        The positional arguments to differentiate with respect to.
    has_aux : bool, default False
        Whether ``f`` returns a pair ``(result, aux)``.

    Returns
    -------
    callable
        A function of the same arguments that returns a pair: the result of ``f`` and the gradient.

    See Also
    --------
    grad : The gradient alone, with a description of the arguments.

    Examples
    --------
    >>> value, gradient = jg.value_and_grad(lambda x: x**3)(2.0)
    >>> float(value), float(gradient)
    (8.0, 12.0)
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


@overload
def vjp(f: Callable[..., R], *primals: Any, has_aux: Literal[False] = False) -> tuple[R, Callable[[Any], tuple[Any, ...]]]: ...


@overload
def vjp(
    f: Callable[..., tuple[R, A]], *primals: Any, has_aux: Literal[True]
) -> tuple[R, Callable[[Any], tuple[Any, ...]], A]: ...


@overload
def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]: ...


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Compute ``f(*primals)`` and return a function for its vector-Jacobian products (reverse mode).

    Parameters
    ----------
    f : callable
        A function of floats and arrays, or lists, tuples and dicts of them, which returns the same.
    *primals : array_like
        The arguments of ``f``.
    has_aux : bool, default False
        Whether ``f`` returns a pair ``(result, aux)``.

    Returns
    -------
    result : Tensor or structure of Tensors
        The result of ``f``.
    pull_back : callable
        A function from a cotangent, with the structure and shapes of the result, to a tuple with one cotangent for each
        element of ``primals``.
    aux : object
        The second value that ``f`` returns. Only with ``has_aux=True``.

    See Also
    --------
    jvp : Jacobian-vector products (forward mode).

    Examples
    --------
    >>> result, pull_back = jg.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull_back(np.array([1.0, 10.0]))[0].numpy()
    array([ 2., 40.])
    """
    call = Call("vjp", f, primals, has_aux=has_aux)

    def pull_back(cotangent: Any) -> Any:
        found = call.pull_back(list(call.like_outputs(cotangent)))
        group(found)
        return call.nested_inputs(found)

    return (call.result, pull_back, call.aux) if has_aux else (call.result, pull_back)


@overload
def jvp(
    f: Callable[..., R], primals: Sequence[Any], tangents: Sequence[Any], has_aux: Literal[False] = False
) -> tuple[R, R]: ...


@overload
def jvp(
    f: Callable[..., tuple[R, A]], primals: Sequence[Any], tangents: Sequence[Any], has_aux: Literal[True]
) -> tuple[R, R, A]: ...


@overload
def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> tuple[Any, ...]: ...


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> tuple[Any, ...]:
    """Compute ``f(*primals)`` and its Jacobian-vector product in one run (forward mode).

    Parameters
    ----------
    f : callable
        A function of floats and arrays, or lists, tuples and dicts of them, which returns the same.
    primals : tuple or list of array_like
        The arguments of ``f``.
    tangents : tuple or list of array_like
        The direction, with the structure and shapes of ``primals``.
    has_aux : bool, default False
        Whether ``f`` returns a pair ``(result, aux)``.

    Returns
    -------
    result : Tensor or structure of Tensors
        The result of ``f``.
    tangent : Tensor or structure of Tensors
        The directional derivative of the result, with its structure and shapes.
    aux : object
        The second value that ``f`` returns. Only with ``has_aux=True``.

    See Also
    --------
    vjp : Vector-Jacobian products (reverse mode).

    Examples
    --------
    >>> result, tangent = jg.jvp(lambda x: x**2, (3.0,), (1.0,))
    >>> float(result), float(tangent)
    (9.0, 6.0)
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
    """Compute the product of the Hessian of ``f`` with a vector, without the Hessian (forward over reverse mode).

    Parameters
    ----------
    f : callable
        A function that returns a single number.
    primals : tuple or list of array_like
        The arguments of ``f``.
    tangents : tuple or list of array_like
        The vector, with the structure and shapes of ``primals``.

    Returns
    -------
    Tensor or structure of Tensors
        The product, in the structure of the argument; a tuple if there are several arguments.

    Examples
    --------
    >>> jg.hvp(lambda x: jg.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),)).numpy()
    array([ 6., 12.])
    """
    _sequences("hvp", primals, tangents)
    product = jvp(grad(f, argnums=tuple(range(len(primals)))), primals, tangents)[1]
    return product[0] if len(primals) == 1 else product


def _sequences(name: str, primals: Any, tangents: Any) -> None:
    for what, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, (tuple, list)):
            raise ArgumentError(f"{name}: {what} is a {type(value).__name__}. Give a tuple with an entry for each argument.")
    if len(primals) != len(tangents):
        raise ArgumentError(
            f"{name}: there are {len(primals)} primals and {len(tangents)} tangents. Give one tangent for each primal."
        )
