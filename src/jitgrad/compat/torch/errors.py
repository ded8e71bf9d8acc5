"""The RuntimeError that PyTorch raises for most kinds of misuse."""

from __future__ import annotations

from jitgrad.errors import JitgradError


class TorchError(JitgradError, RuntimeError):
    """An operation is invalid; PyTorch also rejects it."""


def not_a_tensor(name: str, value: object, position: int = 1) -> TypeError:
    """Return the error for an argument that is not a tensor."""
    return TypeError(
        f"{name}(): argument {position} must be Tensor, not {type(value).__name__}. Create a tensor with torch.tensor()."
    )
