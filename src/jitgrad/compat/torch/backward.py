"""``backward`` of a tensor, with PyTorch's errors."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.wrapper import Wrapper
from jitgrad.errors import TapeError
from jitgrad.tape.backward import backward

TWICE = (
    "Trying to backward through the graph a second time: its operations were let go by the first. "
    "Use backward(retain_graph=True) the first time."
)


def run_backward(tensor: Wrapper, gradient: Any, retain_graph: bool | None, create_graph: bool, inputs: Any) -> None:
    """Compute the gradients of the leaves: ``tensor.backward(...)``."""
    target = tensor._tensor
    if create_graph or inputs is not None:
        raise TorchError("backward() does not support create_graph and inputs. Use torch.autograd.grad(), which supports both.")
    check_target(target, gradient)
    try:
        backward(target, None if gradient is None else gradient._tensor, bool(retain_graph))
    except TapeError as error:
        raise TorchError(TWICE) from error


def check_target(target: Any, gradient: Any) -> None:
    """Raise TorchError if a tensor has no gradient or a cotangent has the wrong shape."""
    if target.gradient is None:
        raise TorchError(
            "element 0 of tensors does not require grad and does not have a grad_fn. "
            "Compute it from tensors that require gradients."
        )
    if gradient is None and target.size != 1:
        raise TorchError(
            f"grad can be implicitly created only for scalar outputs, and this has shape {target.shape}. "
            f"Give backward(gradient=...), or reduce it by sum() or mean()."
        )
    if gradient is not None and gradient._tensor.shape != target.shape:
        raise TorchError(
            f"Mismatch in shape: the gradient has shape {gradient._tensor.shape} and the output {target.shape}. "
            "Make them equal."
        )
