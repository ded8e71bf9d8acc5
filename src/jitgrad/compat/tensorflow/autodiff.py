"""``tf.autodiff``: forward-mode derivatives."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.compat.tensorflow.tape import UnconnectedGradients
from jitgrad.compat.tensorflow.tensor import convert, made
from jitgrad.functions.create import zeros_like
from jitgrad.tape.forward_mode import push_forward
from jitgrad.tape.recording import Recording
from jitgrad.tape.tree import tree_leaves, tree_pack


class ForwardAccumulator:
    """Computes products of the Jacobian and tangents for the computations in its ``with`` block.

    Parameters
    ----------
    primals : nested tensors or Variables
        The inputs of the function that is differentiated.
    tangents : nested tensors
        The direction.
    """

    def __init__(self, primals: Any, tangents: Any) -> None:
        self._leaves = [x.leaf if hasattr(x, "leaf") else convert(x)._read() for x in tree_leaves(primals)]
        self._tangents = [convert(t)._read() for t in tree_leaves(tangents)]
        for x, t in zip(self._leaves, self._tangents, strict=True):
            if x.shape != t.shape:
                raise ConversionError(
                    f"A primal has shape {x.shape} and its tangent has {t.shape}. Give tangents of the same shapes."
                )
        self._recording = Recording()

    def __enter__(self) -> ForwardAccumulator:
        self._recording.start()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._recording.stop()

    def jvp(self, primals: Any, unconnected_gradients: Any = UnconnectedGradients.NONE) -> Any:
        """Return the directional derivative of a result; None if it does not depend on the primals."""
        targets = [convert(x)._read() for x in tree_leaves(primals)]
        directions = {id(x): t for x, t in zip(self._leaves, self._tangents, strict=True)}
        found = push_forward(targets, directions, self._recording.has)
        if UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.ZERO:
            found = [zeros_like(x) if t is None else t for x, t in zip(targets, found, strict=True)]
        return tree_pack(primals, [None if t is None else made(t) for t in found])


__all__ = ["ForwardAccumulator"]
__getattr__ = missing("tensorflow.autodiff", __all__)
