"""What PyTorch raises for most wrong uses: a RuntimeError."""

from __future__ import annotations

from jitgrad.errors import JitgradError


class TorchError(JitgradError, RuntimeError):
    """A use of tensors that PyTorch refuses, too."""


def not_a_tensor(name: str, value: object, position: int = 1) -> TypeError:
    """What is raised for an argument that is no tensor."""
    return TypeError(f"{name}(): argument {position} must be Tensor, not {type(value).__name__}. Make one with torch.tensor().")
