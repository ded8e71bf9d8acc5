"""Jacobians and Hessians: all rows or columns are computed in one run of one Program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from jitgrad.ops.linear import reshape, transpose
from jitgrad.tape.batching import basis, batched
from jitgrad.tape.groups import group
from jitgrad.tape.protocol import public
from jitgrad.tape.reverse_mode import constant
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.tree import tree_pack
from jitgrad.transforms.call import ArgNums, Call


def jacrev(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of ``f`` in reverse mode.

    Reverse mode is faster if the result has fewer elements than the arguments. ``jacobian`` is an alias.

    Parameters
    ----------
    f : callable
        A function of floats and arrays, or lists, tuples and dicts of them, which returns the same.
    argnums : int or sequence of int, default 0
        The positional arguments to differentiate with respect to.
    has_aux : bool, default False
        Whether ``f`` returns a pair ``(result, aux)``.

    Returns
    -------
    callable
        A function of the same arguments. In the structure of the result and, for each part of the result, in the structure
        of the arguments, it returns a Tensor of shape ``result.shape + argument.shape``; with ``has_aux=True`` a pair
        ``(jacobian, aux)``.

    See Also
    --------
    jacfwd : The Jacobian in forward mode.

    Examples
    --------
    >>> jg.jacrev(lambda x: jg.stack([x[0] * x[1], x[0] ** 2]))(np.array([2.0, 3.0])).numpy()
    array([[3., 2.],
           [4., 0.]])
    """
    return _jacobian("jacrev", _by_rows, f, argnums, has_aux)


def jacfwd(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of ``f`` in forward mode.

    Forward mode is faster if the arguments have fewer elements than the result.

    Parameters
    ----------
    f : callable
        A function of floats and arrays, or lists, tuples and dicts of them, which returns the same.
    argnums : int or sequence of int, default 0
        The positional arguments to differentiate with respect to.
    has_aux : bool, default False
        Whether ``f`` returns a pair ``(result, aux)``.

    Returns
    -------
    callable
        A function of the same arguments. In the structure of the result and, for each part of the result, in the structure
        of the arguments, it returns a Tensor of shape ``result.shape + argument.shape``; with ``has_aux=True`` a pair
        ``(jacobian, aux)``.

    See Also
    --------
    jacrev : The Jacobian in reverse mode.

    Examples
    --------
    >>> jg.jacfwd(lambda a: jg.exp(a * np.array([0.0, 1.0])))(0.0).numpy()
    array([0., 1.])
    """
    return _jacobian("jacfwd", _by_columns, f, argnums, has_aux)


jacobian = jacrev


def hessian(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the Hessian of ``f`` (forward over reverse mode).

    Parameters
    ----------
    f : callable
        A function of floats and arrays, or lists, tuples and dicts of them, which returns the same.
    argnums : int or sequence of int, default 0
        The positional arguments to differentiate with respect to.
    has_aux : bool, default False
        Whether ``f`` returns a pair ``(result, aux)``.

    Returns
    -------
    callable
        A function of the same arguments that returns Tensors of shape ``result.shape + argument.shape + argument.shape``, in
        the structure of the result and, twice, of the arguments.

    See Also
    --------
    hvp : The product of the Hessian with a vector, which is cheaper than the Hessian.

    Examples
    --------
    >>> jg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0])).numpy()
    array([[4., 2.],
           [2., 0.]])
    """
    return jacfwd(jacrev(f, argnums, has_aux), argnums, has_aux)


def _jacobian(
    name: str, blocks: Callable[[Call], list[list[Tensor]]], f: Callable[..., Any], argnums: ArgNums, has_aux: bool
) -> Callable[..., Any]:
    @public()
    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        call = Call(name, f, args, kwargs, argnums, has_aux)
        made = blocks(call)
        group([block for row in made for block in row])
        nested = tree_pack(call.result, [call.nested_inputs(row) for row in made])
        return (nested, call.aux) if has_aux else nested

    return function


def _by_rows(call: Call) -> list[list[Tensor]]:
    """Return the Jacobian of each output with respect to each input, in reverse mode."""
    made = []
    for k, y in enumerate(call.outputs):
        weight = Tensor(None, (), (), y.shape, y.level)
        weights: list[Tensor | None] = [constant(0.0, t) for t in call.outputs]
        weights[k] = weight
        rows = batched([_some(g) for g in call.pull_back(weights)], [weight], [basis(y)])
        made.append([reshape(g, shape=y.shape + x.shape) for g, x in zip(rows, call.inputs, strict=True)])
    return made


def _by_columns(call: Call) -> list[list[Tensor]]:
    """Return the Jacobian of each output with respect to each input, in forward mode."""
    columns = []
    for k, x in enumerate(call.inputs):
        tangent = Tensor(None, (), (), x.shape, x.level)
        tangents: list[Tensor | None] = [None] * len(call.inputs)
        tangents[k] = tangent
        pushed = [constant(0.0, y) if t is None else t for t, y in zip(call.push_forward(tangents), call.outputs, strict=True)]
        made = batched(pushed, [tangent], [basis(x)])
        last = [transpose(t, axes=(*range(1, t.ndim), 0)) for t in made]
        columns.append([reshape(t, shape=y.shape + x.shape) for t, y in zip(last, call.outputs, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)]


def _some(g: Tensor | None) -> Tensor:
    assert g is not None
    return g
