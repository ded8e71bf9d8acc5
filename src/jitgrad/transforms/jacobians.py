"""Jacobians and Hessians: all rows or columns in one run of one Program."""

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
    """The Jacobian of ``f`` as a function of the same arguments, by reverse mode: best where results are few.

    Returns:
        A function that returns, nested as the result of ``f`` and in each of its places nested as the arguments, a Tensor of
        shape ``result.shape + argument.shape``; with ``has_aux`` a pair of that and what ``f`` returned beside its result.
    """
    return _jacobian("jacrev", _by_rows, f, argnums, has_aux)


def jacfwd(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As ``jacrev``, by forward mode: best where arguments are few."""
    return _jacobian("jacfwd", _by_columns, f, argnums, has_aux)


jacobian = jacrev


def hessian(f: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The Hessian of ``f`` as a function of the same arguments, forward over reverse mode, of shape
    ``result.shape + argument.shape + argument.shape``."""
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
    """For each output the Jacobian by each input."""
    made = []
    for k, y in enumerate(call.outputs):
        weight = Tensor(None, (), (), y.shape, y.level)
        weights: list[Tensor | None] = [constant(0.0, t) for t in call.outputs]
        weights[k] = weight
        rows = batched([_some(g) for g in call.pull_back(weights)], [weight], [basis(y)])
        made.append([reshape(g, shape=y.shape + x.shape) for g, x in zip(rows, call.inputs, strict=True)])
    return made


def _by_columns(call: Call) -> list[list[Tensor]]:
    """The same, by inputs first."""
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
