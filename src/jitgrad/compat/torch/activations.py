"""Activations of ``torch.nn.functional``, by those of jitgrad."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from jitgrad.compat.torch.conversions import convert
from jitgrad.compat.torch.dtypes import as_dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.errors import users_level
from jitgrad.functions import elementwise, reductions, shapes
from jitgrad.layers import activations as lib
from jitgrad.ops import elementwise as ew
from jitgrad.tape import dtypes


def _done(input: Tensor, made: Any, name: str, inplace: bool) -> Tensor:
    """A result, or the tensor changed in place."""
    if not inplace:
        return wrap(made, name, input._integer)
    input._become(made, name)
    return input


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Negative elements become 0."""
    return _done(input, ew.relu(read("relu", input)), "ReluBackward0", inplace)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Held between 0 and 6."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Held between two numbers; the derivative there is 0."""
    x = read("hardtanh", input)
    inside = elementwise.logical_and(ew.greater(x, min_val), ew.less(x, max_val))
    return _done(
        input, ew.where(inside, x, ew.stop_gradient(elementwise.clip(x, min_val, max_val))), "HardtanhBackward0", inplace
    )


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha·(exp(x) - 1)."""
    return _done(input, lib.elu(read("elu", input), alpha), "EluBackward0", inplace)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507·elu(x, 1.6733)."""
    return _done(input, lib.selu(read("selu", input)), "EluBackward0", inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where it is positive, else alpha·(exp(x / alpha) - 1)."""
    x = read("celu", input)
    made = ew.where(ew.greater(x, 0), x, alpha * ew.expm1(ew.minimum(x, 0.0) / alpha))
    return _done(input, made, "CeluBackward0", inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where it is positive, else negative_slope·x."""
    return _done(input, lib.leaky_relu(read("leaky_relu", input), negative_slope), "LeakyReluBackward0", inplace)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """As ``leaky_relu``, with a slope for each channel (axis 1), or one."""
    x, slope = read("prelu", input), read("prelu", weight)
    if slope.size > 1:
        slope = shapes.reshape(slope, (slope.size,) + (1,) * (len(x.shape) - 2))
    return wrap(ew.where(ew.greater(x, 0), x, slope * x), "PreluKernelBackward0")


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x·Φ(x), exactly or by tanh."""
    if approximate not in ("none", "tanh"):
        raise TorchError("approximate argument must be either none or tanh. Give one of them.")
    return wrap(lib.gelu(read("gelu", input), approximate == "tanh"), "GeluBackward0")


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x·sigmoid(x)."""
    return _done(input, lib.silu(read("silu", input)), "SiluBackward0", inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·tanh(softplus(x))."""
    return _done(input, lib.mish(read("mish", input)), "MishBackward0", inplace)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta·x)) / beta; x itself where beta·x is above the threshold."""
    x = read("softplus", input)
    scaled = x if beta == 1 else x * beta
    smooth = ew.softplus(scaled)
    made = ew.where(ew.greater(scaled, threshold), x, smooth if beta == 1 else smooth / beta)
    return wrap(made, "SoftplusBackward0")


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """x / 6 + 1/2 held between 0 and 1."""
    made = elementwise.clip(read("hardsigmoid", input) / 6.0 + 0.5, 0.0, 1.0)
    return _done(input, made, "HardsigmoidBackward0", inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x·hardsigmoid(x)."""
    x = read("hardswish", input)
    return _done(input, x * elementwise.clip(x / 6.0 + 0.5, 0.0, 1.0), "HardswishBackward0", inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 between -lambd and lambd, else x."""
    x = read("hardshrink", input)
    return wrap(ew.where(ew.greater(ew.abs(x), lambd), x, 0.0), "HardshrinkBackward0")


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Nearer to 0 by lambd, 0 where it passes it."""
    x = read("softshrink", input)
    return wrap(ew.where(ew.greater(ew.abs(x), lambd), x - ew.sign(x) * lambd, 0.0), "SoftshrinkBackward0")


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    x = read("tanhshrink", input)
    return wrap(x - ew.tanh(x), "SubBackward0")


def softsign(input: Tensor) -> Tensor:
    """x / (1 + abs(x))."""
    x = read("softsign", input)
    return wrap(x / (1 + ew.abs(x)), "DivBackward0")


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where it is above the threshold, else ``value``."""
    x = read("threshold", input)
    return _done(input, ew.where(ew.greater(x, threshold), x, value), "ThresholdBackward0", inplace)


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return wrap(-ew.softplus(-read("logsigmoid", input)), "LogSigmoidBackward0")


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half along an axis, times the sigmoid of the second."""
    x = read("glu", input)
    if x.shape[dim] % 2:
        raise TorchError(f"Halving dimension must be even, but dimension {dim} is size {x.shape[dim]}. Give an even size.")
    a, b = shapes.split(x, 2, dim)
    return wrap(a * ew.sigmoid(b), "GluBackward0")


def _along(name: str, input: Tensor, dim: int | None, dtype: Any) -> tuple[Any, int]:
    """What a softmax is of, and along which axis."""
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


def softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis."""
    return wrap(reductions.softmax(*_along("softmax", input, dim, dtype)), "SoftmaxBackward0")


def softmin(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """``softmax`` of -x."""
    x, axis = _along("softmin", input, dim, dtype)
    return wrap(reductions.softmax(-x, axis), "SoftmaxBackward0")


def log_softmax(input: Tensor, dim: int | None = None, dtype: Any = None) -> Tensor:
    """The logarithm of ``softmax``, without overflow."""
    return wrap(reductions.log_softmax(*_along("log_softmax", input, dim, dtype)), "LogSoftmaxBackward0")


def _in_place(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def changed(input: Tensor, *args: Any) -> Tensor:
        return function(input, *args, inplace=True)

    changed.__name__ = changed.__qualname__ = f"{function.__name__}_"
    changed.__doc__ = f"As ``{function.__name__}``, in place."
    return changed


relu_, elu_, selu_, leaky_relu_, hardtanh_ = (_in_place(f) for f in (relu, elu, selu, leaky_relu, hardtanh))
for _name, _function in {"softmax": softmax, "log_softmax": log_softmax}.items():
    setattr(Tensor, _name, _function)
