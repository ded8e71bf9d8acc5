"""Forward-mode differentiation: tangents are pushed from the sources through the recorded graph.

Ops need no separate rules for this. An elementwise op has its partial derivatives, a linear op is its own derivative, and the
vjp of any other op is linear in the cotangent, so the transpose of the vjp is the jvp.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jitgrad.errors import TapeError
from jitgrad.ops.elementwise import where
from jitgrad.ops.linear import broadcast_to, get
from jitgrad.ops.table import Shapes
from jitgrad.tape import dtypes
from jitgrad.tape.reverse_mode import constant, differentiate, topological
from jitgrad.tape.tensor import Tensor, cast, results

Tangents = Sequence[Tensor | None]
Held = Callable[[Tensor], Tensor]
"""Returns a mask of 0 and 1 for the elements of a Tensor that are known not to change."""


def push_forward(
    targets: Sequence[Tensor], tangents: Mapping[int, Tensor], recorded: Callable[[Tensor], bool], held: Held | None = None
) -> list[Tensor | None]:
    """Return the directional derivatives of ``targets``.

    Parameters
    ----------
    targets : sequence of Tensor
        The values to differentiate; integers and booleans have no derivative.
    tangents : dict
        The directions, by the id of their Tensors.
    recorded : callable
        Whether a Tensor was recorded; others are constant.
    held : callable, optional
        Which elements of an elementwise result have a tangent of 0, regardless of the partial derivatives.

    Returns
    -------
    list of Tensor or None
        The tangent of each target, or None if it does not depend on a source.
    """
    known: dict[int, Any] = dict(tangents)  # a list for several results
    order = topological(targets, recorded)
    for node in order:
        if id(node) in known or node.op is None or node.level <= dtypes.INTEGER or not recorded(node):
            continue
        given = [known.get(id(x)) if node.op.passes(i) else None for i, x in enumerate(node.inputs)]
        if any(t is not None for t in given):
            tangent = _jvp(node, given, held)
            if tangent is not None:
                known[id(node)] = cast(tangent, node.level) if type(tangent) is Tensor else tangent
    return [known.get(id(target)) for target in targets]


def _jvp(node: Tensor, given: Sequence[Any], held: Held | None) -> Any:
    assert node.op is not None
    if node.op is get:
        return given[0][dict(node.attrs)["index"]]
    if node.op.partials:
        return _by_partials(node, given, held)
    if node.op.jvp is not None:
        y = results(node) if type(node.shape) is Shapes else node
        return node.op.jvp(given, y, *node.inputs, **dict(node.attrs))
    return _by_linearity(node, given) if node.op.linear else _by_transposition(node, given)


def _by_partials(node: Tensor, given: Tangents, held: Held | None) -> Tensor | None:
    assert node.op is not None
    terms, finite = [], True
    for tangent, partial in zip(given, node.op.partials, strict=True):
        if tangent is None or partial is None:
            continue
        d = partial(*node.inputs, node)
        if isinstance(d, int):
            if d != 0:
                terms.append(tangent if d == 1 else -tangent)
        elif d.level == dtypes.BOOL:
            terms.append(where(d, tangent, 0.0))  # a selection, because values that are not selected may be infinite or nan
        else:
            terms.append(tangent * d)
            finite = False
    total = _total(node, terms)
    return total if held is None or total is None or finite else where(held(node), 0.0, total)


def _by_linearity(node: Tensor, given: Tangents) -> Tensor | None:
    op, attrs = node.op, dict(node.attrs)
    assert op is not None
    if op.arity is None:
        return op(*[constant(0.0, x) if t is None else t for t, x in zip(given, node.inputs, strict=True)], **attrs)
    moved = [(i, t) for i, t in enumerate(given) if t is not None]
    return _total(node, [op(*node.inputs[:i], t, *node.inputs[i + 1 :], **attrs) for i, t in moved])


def _by_transposition(node: Tensor, given: Tangents) -> Tensor | list[Tensor | None] | None:
    """Return the jvp as the gradient of ⟨vjp(g), tangent⟩ with respect to g, which is linear in g."""
    op, several = node.op, type(node.shape) is Shapes
    assert op is not None
    y = results(node) if several else (node,)
    g = tuple([Tensor(None, (), (), one.shape, one.level) for one in y])
    moved = [i for i, tangent in enumerate(given) if tangent is not None]
    back = op.pull_back(moved, g if several else g[0], y if several else node, node.inputs, dict(node.attrs))
    pulled = [(x, given[i]) for i, x in zip(moved, back, strict=True) if type(x) is Tensor]
    outside = {id(x) for x in (node, *node.inputs, *given) if x is not None}
    leaves = [id(x) for x in g]
    found = differentiate(
        [x for x, _ in pulled], leaves, lambda t: id(t) in leaves, lambda t: id(t) not in outside, [t for _, t in pulled]
    )
    if _depend_on([t for t in found if t is not None], leaves, outside):
        raise TapeError(
            f"The vjp of {op.name} is not linear in the cotangent, so forward mode is not available. Use reverse mode."
        )
    return found if several else found[0]


def _depend_on(tensors: Sequence[Tensor], leaves: Sequence[int], outside: set[int]) -> bool:
    return any(id(node) in leaves for node in topological(tensors, lambda t: id(t) not in outside))


def _total(node: Tensor, terms: list[Tensor]) -> Tensor | None:
    """Return the sum of terms, in the shape of ``node``."""
    if not terms:
        return None
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total if total.shape == node.shape else broadcast_to(total, shape=node.shape)
