"""``backward`` accumulates gradients in the leaves that a value was computed from, as in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad.errors import ShapeError, TapeError
from jitgrad.tape import path
from jitgrad.tape.evaluate import check_not_tracing, compute
from jitgrad.tape.groups import taken
from jitgrad.tape.operators import Operators
from jitgrad.tape.path import Path
from jitgrad.tape.recording import here, no_grad
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.reverse_mode import differentiate, key_of, topological
from jitgrad.tape.tensor import Tensor, as_tensor, is_recorded_op, operands_of
from jitgrad.typing import ArrayLike


def backward(self: Operators, gradient: ArrayLike | None = None, retain_graph: bool = False) -> None:
    """Accumulate gradients of this value in ``grad`` of the values from which it was computed, if they require a gradient.

    Parameters
    ----------
    gradient : array_like, optional
        The cotangent, with the same shape as this value. The default is 1 for a value with a single element.
    retain_graph : bool, default False
        Whether ``backward`` will be called again through the same operations.

    Raises
    ------
    TapeError
        If nothing requires a gradient, or the operations were released by an earlier call.
    ShapeError
        If the cotangent has a different shape, or is missing for a value with several elements.

    Examples
    --------
    >>> x = jg.tensor([1.0, 2.0], requires_grad=True)
    >>> jg.sum(x**2).backward()
    >>> x.grad.numpy()
    array([2., 4.])
    """
    target, weight = as_tensor(self), None if gradient is None else as_tensor(gradient)
    check_not_tracing([target])
    if target.gradient is None:
        raise TapeError(
            "backward: this value does not require a gradient. Compute it from Tensors created with requires_grad=True."
        )
    if weight is None and target.size != 1:
        raise ShapeError(
            f"backward: this value has shape {target.shape}, so it needs a gradient of that shape. "
            f"Give backward(gradient=...), or reduce the value to a single number with sum() or mean()."
        )
    if weight is not None and weight.shape != target.shape:
        raise ShapeError(
            f"backward: the gradient has shape {weight.shape} and the value {target.shape}. Give it the same shape."
        )
    where = here.path
    if here.active or retain_graph:
        where.lose()
    sources = _sources(where, target, ("backward", where.numbered(target), retain_graph))

    def found(again: Sequence[int] | None = None) -> list[Tensor | None]:
        chosen = sources if again is None else [sources[i] for i in again]
        return differentiate([target], [key_of(t) for t in chosen], _requires, _requires, [weight])

    key = ("gradient", target.place, -1 if weight is None else where.numbered(weight))
    with no_grad():
        gradients = taken(where, key, [target], found)
        _add_up(sources, gradients)
    if not retain_graph:
        let_go(target)


def let_go(target: Tensor) -> None:
    """Mark the operations that ``backward`` has visited as released."""
    _of(target).spent = True
    stack = [target]
    while stack:
        for x in operands_of(stack.pop()):
            kept = x.gradient
            if kept is not None and not kept.spent and is_recorded_op(x):
                kept.spent = True
                stack.append(x)


def _sources(where: Path, target: Tensor, key: tuple[Any, ...]) -> list[Tensor]:
    """Return the values whose gradients are kept, looked up if the path is known. Raise TapeError on a second call."""
    event = where.event.next(key)
    if event is not None:
        where.event = event
        if path.REPLAY:
            return [where.tensors[place] for place in event.form]
    nodes = [t for t in topological([target], _followed) if t.gradient is not None]
    if any(_of(t).spent for t in nodes):
        raise TapeError(
            "backward: these operations were released by an earlier backward. "
            "Use backward(retain_graph=True) in the earlier call to differentiate them again."
        )
    sources = list({key_of(t): t for t in nodes if _of(t).wanted}.values())
    if event is None:
        places = [where.numbered(t) for t in sources]
        where.grow(key, form=places)
    return sources


def _add_up(sources: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    totals = []
    for source, gradient in zip(sources, gradients, strict=True):
        kept = _of(source)
        if gradient is not None and kept.value is not None:
            kept.value.force()
            kept.value = kept.value + gradient
            totals.append(kept.value)
        elif gradient is not None:
            kept.value = gradient
    if totals:  # otherwise the sums would grow with each call
        compute(totals)


def _requires(tensor: Tensor) -> bool:
    return tensor.gradient is not None


def _followed(tensor: Tensor) -> bool:
    """Return whether gradients flow through the op of a Tensor."""
    return tensor.gradient is not None and not tensor.gradient.spent


def _of(tensor: Tensor) -> Gradient:
    assert tensor.gradient is not None
    return tensor.gradient
