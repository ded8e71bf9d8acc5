"""Reverse-mode differentiation: a transform from Tensors to Tensors.

Cotangents are recorded expressions, so a gradient can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from jitgrad.ops.linear import broadcast_to
from jitgrad.ops.table import Shapes
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor, cast, results
from jitgrad.tape.tree import operands_first


def key_of(tensor: Tensor) -> int:
    """Return the key of a source of gradients: the id of a Variable for its value, or of the Tensor."""
    return id(tensor) if tensor.variable is None else id(tensor.variable)


def differentiate(
    targets: Sequence[Tensor],
    sources: Sequence[int],
    watched: Callable[[Tensor], bool],
    recorded: Callable[[Tensor], bool],
    weights: Sequence[Tensor | None] | None = None,
) -> list[Tensor | None]:
    """Return the gradients of the sum of all elements of ``targets``, times their weights.

    Parameters
    ----------
    targets : sequence of Tensor
        The values to differentiate; integers and booleans have no gradient.
    sources : sequence of int
        The keys of Variables or Tensors; see ``key_of``.
    watched : callable
        Whether a leaf may have a gradient.
    recorded : callable
        Whether a Tensor was recorded; others are constant.
    weights : sequence of Tensor or None, optional
        The cotangents of the targets. None stands for ones.

    Returns
    -------
    list of Tensor or None
        The gradient of each source, or None if no recorded path leads to it.
    """
    order = topological(targets, recorded)
    nodes = [node for node in order if node.op is not None and recorded(node)]
    wanted = set(sources)
    useful = useful_of(order, wanted, watched, {id(node) for node in nodes})
    cotangents: dict[int, Any] = {}  # a list for several results
    for target, weight in zip(targets, weights or [None] * len(targets), strict=True):
        if id(target) in useful:
            _accumulate(cotangents, target, constant(1.0, target) if weight is None else weight)
    propagate(nodes, cotangents, useful)
    found: dict[int, Tensor] = {}
    for node in reversed(order):
        key = key_of(node)
        if key in wanted and id(node) in cotangents:
            own = cast(cotangents[id(node)], node.level)
            found[key] = found[key] + own if key in found else own
    return [found.get(source) for source in sources]


def propagate(nodes: Sequence[Tensor], cotangents: dict[int, Any], useful: Container[int]) -> None:
    """Propagate cotangents from the last to the first of ``nodes``.

    Parameters
    ----------
    nodes : sequence of Tensor
        Recorded ops, operands first.
    cotangents : dict
        Cotangents by id; a list for several results, with None for results without one.
    useful : container of int
        See ``useful_of``.
    """
    for node in reversed(nodes):
        g, op = cotangents.get(id(node)), node.op
        if g is None or op is None:
            continue
        operands = [i for i, x in enumerate(node.inputs) if id(x) in useful and op.passes(i)]
        for i, contribution in zip(operands, _pulled_back(node, g, operands), strict=True):
            _accumulate(cotangents, node.inputs[i], contribution)


def constant(value: float, like: Tensor) -> Tensor:
    """Return ``value`` in the shape and dtype of ``like``."""
    return broadcast_to(Tensor(None, (), (), (), like.level, value), shape=like.shape)


def _pulled_back(node: Tensor, g: Any, operands: Sequence[int]) -> list[Any]:
    """Return the cotangents of operands. For several results, the cotangent is a list, with None if there is none."""
    op: Any = node.op
    y: Any = node
    if type(node.shape) is Shapes:
        y = results(node)
        g = tuple([constant(0.0, one) if part is None else part for part, one in zip(g, y, strict=True)])
    return op.pull_back(operands, g, y, node.inputs, dict(node.attrs))


def _accumulate(cotangents: dict[int, Any], tensor: Tensor, g: Any) -> None:
    if type(g) is tuple:  # the cotangent of one of several results
        index, g = g
        parts = cotangents.setdefault(id(tensor), [None] * len(tensor.shape))
        parts[index] = g if parts[index] is None else parts[index] + g
        return
    if type(g) is not Tensor:
        g = constant(float(g), tensor)
    seen = cotangents.get(id(tensor))
    cotangents[id(tensor)] = g if seen is None else seen + g


def topological(targets: Sequence[Tensor], recorded: Callable[[Tensor], bool]) -> list[Tensor]:
    """Return all Tensors that the targets were recorded from, operands first."""
    return operands_first(targets, lambda node: node.inputs if node.op is not None and recorded(node) else ())


def useful_of(
    order: Sequence[Tensor], sources: Container[int], watched: Callable[[Tensor], bool], ops: Container[int]
) -> set[int]:
    """Return the ids of the Tensors that cotangents must reach: those on a path from a source to a target.

    Parameters
    ----------
    order : sequence of Tensor
        All Tensors, operands first.
    sources, watched
        See ``differentiate``.
    ops : container of int
        The ids of the recorded Tensors.
    """
    depends: set[int] = set()
    useful: set[int] = set()
    for node in order:
        if node.level <= dtypes.INTEGER:
            continue
        key, op, variable = id(node), node.op, node.variable
        depending, leading = watched(node), (key if variable is None else id(variable)) in sources
        if op is not None and key in ops:
            for i, x in enumerate(node.inputs):
                if id(x) in depends and op.passes(i):
                    depending = True
                    if id(x) in useful:
                        leading = True
        if depending:
            depends.add(key)
            if leading:
                useful.add(key)
    return useful
