"""Define-by-run: ``backward`` goes back from a Tensor and adds gradients up where they are wanted."""

from __future__ import annotations

from typing import Any

from jitgrad.errors import ShapeError, TapeError
from jitgrad.tape.evaluate import compute, group, release
from jitgrad.tape.recording import no_grad
from jitgrad.tape.requires_grad import Gradient
from jitgrad.tape.reverse_mode import differentiate, key_of, topological
from jitgrad.tape.tensor import Tensor, as_tensor


def backward(self: Any, gradient: Any = None, retain_graph: bool = False) -> None:
    """Add the gradient of this value to ``.grad`` of everything that it was computed from and that wants one.

    Args:
        gradient: the cotangent, of this value's shape; ones by default, which only a single number may leave out.
        retain_graph: whether ``backward`` will be called again through the same operations.

    Raises:
        TapeError: where nothing requires a gradient, or on a second call through what was let go.
        ShapeError: for a cotangent of another shape, or none for more than one number.
    """
    target, weight = as_tensor(self), None if gradient is None else as_tensor(gradient)
    if target.gradient is None:
        raise TapeError("backward: this value requires no gradient. Compute it from Tensors made with requires_grad=True.")
    if weight is None and target.size != 1:
        raise ShapeError(
            f"backward: this value has shape {target.shape}, so it needs a gradient of that shape. "
            f"Give backward(gradient=...), or reduce it to one number with sum() or mean()."
        )
    if weight is not None and weight.shape != target.shape:
        raise ShapeError(
            f"backward: the gradient has shape {weight.shape} and the value {target.shape}. Give it the same shape."
        )
    nodes = [t for t in topological([target], _followed) if t.gradient is not None]
    if any(_of(t).spent for t in nodes):
        raise TapeError(
            "backward: these operations were let go by an earlier backward. "
            "Use backward(retain_graph=True) there to go through them twice."
        )
    wanted = {key_of(t): t for t in nodes if _of(t).wanted}
    with no_grad():
        found = differentiate([target], list(wanted), lambda t: t.gradient is not None, _followed, [weight])
        totals = [
            (_of(t), g if _of(t).value is None else _of(t).value + g)
            for t, g in zip(wanted.values(), found, strict=True)
            if g is not None
        ]
        group([target, *(total for _, total in totals)])
        compute([total for _, total in totals])
    for kept, total in totals:
        kept.value = total
    if not retain_graph:
        for t in nodes:
            if t.op is not None:
                _of(t).spent = True
                if t.value is not None and t.timestamp == 0:  # no tape is about
                    release(t)


def _followed(tensor: Tensor) -> bool:
    """Whether gradients pass through the op that made it."""
    return tensor.gradient is not None and not tensor.gradient.spent


def _of(tensor: Tensor) -> Gradient:
    assert tensor.gradient is not None
    return tensor.gradient
