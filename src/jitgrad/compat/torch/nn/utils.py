"""``torch.nn.utils``: gradient clipping, and parameters as one vector."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.grad_mode import no_grad
from jitgrad.compat.torch.pointwise import clamp, div
from jitgrad.compat.torch.reductions import norm
from jitgrad.compat.torch.shapes import cat, stack
from jitgrad.compat.torch.tensor import Tensor


def _given(parameters: Any) -> list[Tensor]:
    """Return the parameters that have gradients."""
    return [p for p in _all(parameters) if p.grad is not None]


def _all(parameters: Any) -> list[Tensor]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """Return the norm of all elements of all tensors."""
    with no_grad():
        norms = [norm(tensor, norm_type) for tensor in _all(tensors)]
        total: Tensor = norm(stack(norms), norm_type) if norms else Tensor(0.0)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise TorchError(
            f"The total norm of order {norm_type} for gradients is non-finite, so it cannot be clipped. "
            f"Find the operation that produces nan or inf, or set error_if_nonfinite=False."
        )
    return total


def clip_grads_with_norm_(parameters: Any, max_norm: float, total_norm: Tensor, foreach: bool | None = None) -> None:
    """Scale gradients with the norm ``total_norm`` to a norm of at most ``max_norm``."""
    with no_grad():
        factor = clamp(div(max_norm, total_norm + 1e-6), max=1.0)
        for parameter in _given(parameters):
            parameter.grad.mul_(factor)


def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """Scale gradients to a total norm of at most ``max_norm``, and return the previous norm."""
    given = _given(parameters)
    total = get_total_norm([p.grad for p in given], norm_type, error_if_nonfinite)
    clip_grads_with_norm_(given, max_norm, total)
    return total


def clip_grad_value_(parameters: Any, clip_value: float, foreach: bool | None = None) -> None:
    """Clip each element of the gradients to the range from -clip_value to clip_value."""
    with no_grad():
        for parameter in _given(parameters):
            parameter.grad.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Concatenate all elements of the parameters."""
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy the elements of a vector into the parameters, in order."""
    at = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.data = vec[at : at + count].reshape(parameter.shape)
        at += count


__all__ = [
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
    "parameters_to_vector",
    "vector_to_parameters",
]

__getattr__ = missing(
    "torch.nn.utils",
    __all__,
    {
        "rnn": "jitgrad does not have recurrent layers; it fits tables.",
        "prune": "Set weights to zero in torch.no_grad() instead.",
        "spectral_norm": "Divide a weight by its largest singular value in forward() instead.",
        "weight_norm": "Compute the weight from a direction and a length in forward() instead.",
    },
)
