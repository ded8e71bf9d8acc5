"""Activations of ``torch.nn.functional``, implemented with jitgrad's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from jitgrad.compat.torch.conversions import convert
from jitgrad.compat.torch.dtypes import as_dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.numpy_names import numpy_names
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.errors import users_level
from jitgrad.functions import networks
from jitgrad.functions import softmax as softmaxes
from jitgrad.layers import activations as lib
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes
from jitgrad.tape.composite import composite

_hard_tanh, _hard_sigmoid, _hard_silu, _hard_shrink = map(
    composite, (lib.hard_tanh, lib.hard_sigmoid, lib.hard_silu, lib.hard_shrink)
)
_elu, _selu, _celu, _leaky_relu, _gelu, _glu = map(composite, (lib.elu, lib.selu, lib.celu, lib.leaky_relu, lib.gelu, lib.glu))
_silu, _mish, _softsign, _log_sigmoid = map(composite, (lib.silu, lib.mish, lib.softsign, lib.log_sigmoid))
_soft_shrink, _tanh_shrink, _softmin = map(composite, (lib.soft_shrink, lib.tanh_shrink, lib.softmin))
_softmax, _log_softmax = map(composite, (softmaxes.softmax, softmaxes.log_softmax))


def _done(input: Tensor, made: Any, name: str, inplace: bool) -> Tensor:
    """Return a result, or write it into the tensor if ``inplace``."""
    if not inplace:
        return wrap(made, name, input._integer)
    input._become(made, name)
    return input


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Set negative elements to 0."""
    return _done(input, ew.relu(read("relu", input)), "ReluBackward0", inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Clip to the range from 0 to 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Clip to a range; the derivative at its ends is 0."""
    return _done(input, _hard_tanh(read("hardtanh", input), low=min_val, high=max_val), "HardtanhBackward0", inplace)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Compute x if it is positive, else alpha·(exp(x) - 1)."""
    return _done(input, _elu(read("elu", input), alpha=alpha), "EluBackward0", inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Compute 1.0507·elu(x, alpha=1.6733)."""
    return _done(input, _selu(read("selu", input)), "EluBackward0", inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Compute x if it is positive, else alpha·(exp(x / alpha) - 1)."""
    return _done(input, _celu(read("celu", input), alpha=alpha), "CeluBackward0", inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Compute x if it is positive, else negative_slope·x."""
    made = _leaky_relu(read("leaky_relu", input), negative_slope=negative_slope)
    return _done(input, made, "LeakyReluBackward0", inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Compute ``leaky_relu`` with one slope, or a slope for each channel (axis 1)."""
    return wrap(networks.sloped(read("prelu", input), read("prelu", weight)), "PreluKernelBackward0")


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Compute x·Φ(x), exactly or by the tanh approximation."""
    if approximate not in ("none", "tanh"):
        raise TorchError("approximate argument must be either none or tanh. Give one of them.")
    return wrap(_gelu(read("gelu", input), approximate=approximate == "tanh"), "GeluBackward0")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Compute x·sigmoid(x)."""
    return _done(input, _silu(read("silu", input)), "SiluBackward0", inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Compute x·tanh(softplus(x))."""
    return _done(input, _mish(read("mish", input)), "MishBackward0", inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Compute log(1 + exp(beta·x)) / beta, or x if beta·x is above the threshold."""
    return wrap(networks.scaled_softplus(read("softplus", input), beta=beta, threshold=threshold), "SoftplusBackward0")


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Clip x / 6 + 1/2 to the range from 0 to 1."""
    return _done(input, _hard_sigmoid(read("hardsigmoid", input)), "HardsigmoidBackward0", inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Compute x·hardsigmoid(x)."""
    return _done(input, _hard_silu(read("hardswish", input)), "HardswishBackward0", inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return 0 between -lambd and lambd, else x."""
    return wrap(_hard_shrink(read("hardshrink", input), threshold=lambd), "HardshrinkBackward0")


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Shrink x toward 0 by lambd, and return 0 between -lambd and lambd."""
    return wrap(_soft_shrink(read("softshrink", input), threshold=lambd), "SoftshrinkBackward0")


def tanhshrink(input: Tensor) -> Tensor:
    """Compute x - tanh(x)."""
    return wrap(_tanh_shrink(read("tanhshrink", input)), "SubBackward0")


def softsign(input: Tensor) -> Tensor:
    """Compute x / (1 + abs(x))."""
    return wrap(_softsign(read("softsign", input)), "DivBackward0")


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return x if it is above the threshold, else ``value``."""
    x = read("threshold", input)
    return _done(input, ew.where(ew.greater(x, threshold), x, value), "ThresholdBackward0", inplace)


def logsigmoid(input: Tensor) -> Tensor:
    """Compute log(sigmoid(x)) without overflow."""
    return wrap(_log_sigmoid(read("logsigmoid", input)), "LogSigmoidBackward0")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Multiply the first half along an axis by the sigmoid of the second half."""
    x = read("glu", input)
    if x.shape[dim] % 2:
        raise TorchError(f"Halving dimension must be even, but dimension {dim} is size {x.shape[dim]}. Give an even size.")
    return wrap(_glu(x, axis=dim), "GluBackward0")


def _along(name: str, input: Tensor, dim: int | None, dtype: Any) -> tuple[Any, int]:
    """Return the operand of a softmax, and its axis."""
    x = read(name, input if dtype is None else convert(input, as_dtype(dtype)))
    if x.level <= dtypes.INTEGER:
        raise NotImplementedError(f'"{name}" not implemented for {input.dtype.title!r}. Convert the input with float() first.')
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
            stacklevel=users_level(),
        )
        dim = 0 if len(x.shape) in (0, 1, 3) else 1
    return x, dim


@numpy_names
def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Compute exp(x) / sum(exp(x)) along an axis."""
    x, axis = _along("softmax", input, dim, dtype)
    return wrap(_softmax(x, axis=axis), "SoftmaxBackward0")


def softmin(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Compute ``softmax`` of -x."""
    x, axis = _along("softmin", input, dim, dtype)
    return wrap(_softmin(x, axis=axis), "SoftmaxBackward0")


@numpy_names
def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """Compute the logarithm of ``softmax`` without overflow."""
    x, axis = _along("log_softmax", input, dim, dtype)
    return wrap(_log_softmax(x, axis=axis), "LogSoftmaxBackward0")


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def changed(input: Tensor, *args: Any) -> Tensor:
        return function(input, *args, inplace=True)

    changed.__name__ = changed.__qualname__ = f"{function.__name__}_"
    changed.__doc__ = f"As ``{function.__name__}``, in place."
    return changed


relu_, elu_, selu_, leaky_relu_, hardtanh_ = (_in_place(f) for f in (relu, elu, selu, leaky_relu, hardtanh))
for _name, _function in {"softmax": softmax, "log_softmax": log_softmax}.items():
    setattr(Tensor, _name, _function)
