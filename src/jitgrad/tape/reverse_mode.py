"""Reverse-mode differentiation: a transform from Tensors to Tensors.

Cotangents are recorded expressions like any other, so a gradient can be differentiated again.
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
    """What a gradient is asked for by: the Variable that a Tensor is the value of, or the Tensor itself."""
    return id(tensor) if tensor.variable is None else id(tensor.variable)


def differentiate(
    targets: Sequence[Tensor],
    sources: Sequence[int],
    watched: Callable[[Tensor], bool],
    recorded: Callable[[Tensor], bool],
    weights: Sequence[Tensor | None] | None = None,
) -> list[Tensor | None]:
    """The gradients of the sum of all elements of ``targets``, times their weights.

    Args:
        targets: any shapes; integers and booleans have no gradient.
        sources: keys of Variables or Tensors, see ``key_of``.
        watched: whether a leaf may have a gradient at all.
        recorded: whether an op was recorded; what was not is a constant.
        weights: for each target the cotangent, of its shape; None for ones.

    Returns:
        For each source its gradient, of its shape, or None where no recorded path leads to it.
    """
    order = topological(targets, recorded)
    nodes = [node for node in order if node.op is not None and recorded(node)]
    wanted = set(sources)
    useful = useful_of(order, wanted, watched, {id(node) for node in nodes})
    cotangents: dict[int, Any] = {}  # of several results a list
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
    """From the last to the first of ``nodes``, add to the cotangents of operands what comes from that of the node.

    Args:
        nodes: recorded ops, operands first.
        cotangents: by id; of several results a list with None for those without.
        useful: see ``useful_of``.
    """
    for node in reversed(nodes):
        g, op = cotangents.get(id(node)), node.op
        if g is None or op is None:
            continue
        operands = [i for i, x in enumerate(node.inputs) if id(x) in useful and op.passes(i)]
        for i, contribution in zip(operands, _pulled_back(node, g, operands), strict=True):
            _accumulate(cotangents, node.inputs[i], contribution)


def constant(value: float, like: Tensor) -> Tensor:
    """``value`` in the shape and dtype of ``like``."""
    return broadcast_to(Tensor(None, (), (), (), like.level, value), shape=like.shape)


def _pulled_back(node: Tensor, g: Any, operands: Sequence[int]) -> list[Any]:
    """The cotangents of operands from that of a node, or of several results from a list with None for those without."""
    op: Any = node.op
    y: Any = node
    if type(node.shape) is Shapes:
        y = results(node)
        g = tuple([constant(0.0, one) if part is None else part for part, one in zip(g, y, strict=True)])
    return op.pull_back(operands, g, y, node.inputs, dict(node.attrs))


def _accumulate(cotangents: dict[int, Any], tensor: Tensor, g: Any) -> None:
    if type(g) is tuple:  # of one of several results
        index, g = g
        parts = cotangents.setdefault(id(tensor), [None] * len(tensor.shape))
        parts[index] = g if parts[index] is None else parts[index] + g
        return
    if type(g) is not Tensor:
        g = constant(float(g), tensor)
    seen = cotangents.get(id(tensor))
    cotangents[id(tensor)] = g if seen is None else seen + g


def topological(targets: Sequence[Tensor], recorded: Callable[[Tensor], bool]) -> list[Tensor]:
    """All Tensors that the targets were recorded from, operands first."""
    return operands_first(targets, lambda node: node.inputs if node.op is not None and recorded(node) else ())


def useful_of(
    order: Sequence[Tensor], sources: Container[int], watched: Callable[[Tensor], bool], ops: Container[int]
) -> set[int]:
    """The ids of the Tensors that cotangents must reach: on a path from a source that depends on something watched.

    Args:
        order: all, operands first.
        sources, watched: see ``differentiate``.
        ops: the ids of those that were recorded.
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
