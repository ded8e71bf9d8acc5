"""``torch.autograd``."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.torch.autograd import function, functional
from jitgrad.compat.torch.autograd.function import Function
from jitgrad.compat.torch.autograd.functional import plain
from jitgrad.compat.torch.autograd.gradients import backward, grad
from jitgrad.compat.torch.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from jitgrad.compat.torch.tensor import Tensor
from jitgrad.compat.wrapper import unwrap
from jitgrad.errors import GradientError
from jitgrad.transforms.check import check_grads


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """Return the tensor itself. This is an obsolete name for a tensor."""
    return data.requires_grad_() if requires_grad else data


def gradcheck(func: Any, inputs: Any, *, raise_exception: bool = True, **options: Any) -> bool:
    """Compare gradients with finite differences; use float64 inputs."""
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    try:
        check_grads(plain(func), unwrap(given), order=1)
    except GradientError:
        if raise_exception:
            raise
        return False
    return True


__all__ = [
    "Function", "Variable", "backward", "enable_grad", "function", "functional", "grad", "gradcheck", "inference_mode",
    "no_grad", "set_grad_enabled",
]  # fmt: skip
__getattr__ = missing("torch.autograd", __all__)
