"""Activations and dropout: functions of ``torch.nn.functional`` as modules with the same arguments and defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from jitgrad.compat.torch.nn import functional as F  # noqa: N812  (as everybody calls it)
from jitgrad.compat.torch.nn import init
from jitgrad.compat.torch.nn.module import Module
from jitgrad.compat.torch.nn.parameter import empty_parameter
from jitgrad.errors import ArgumentError


class Function(Module):
    """A module for a function of one tensor. The constructor sets the function's other arguments.

    A subclass defines the function and how its arguments are printed; ``inplace`` is printed only if it is True.
    """

    _function: ClassVar[Callable[..., Any]]
    _signature: ClassVar[inspect.Signature]
    _shown: ClassVar[str]
    __constants__: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, function: Callable[..., Any] | None = None, shown: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if function is None:
            return
        others = list(inspect.signature(function).parameters.values())[1:]
        cls._function = staticmethod(function)
        cls._signature = inspect.Signature([p for p in others if p.name not in ("training", "dtype", "_stacklevel")])
        cls.__constants__ = tuple(cls._signature.parameters)
        cls._shown = shown

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        given = self._signature.bind(*args, **kwargs)
        given.apply_defaults()
        for name, value in given.arguments.items():
            setattr(self, name, value)

    def forward(self, input: Any) -> Any:
        own = self.__dict__
        return self._function(input, **{name: own[name] for name in self.__constants__})

    def extra_repr(self) -> str:
        parts = [self._shown.format(**self.__dict__)] if self._shown else []
        return ", ".join(parts + ["inplace=True"] * bool(self.__dict__.get("inplace", False)))


class ReLU(Function, function=F.relu):
    """Rectified linear unit: max(0, x)."""


class ReLU6(Function, function=F.relu6):
    """Clip x to the range from 0 to 6."""


class LeakyReLU(Function, function=F.leaky_relu, shown="negative_slope={negative_slope}"):
    """Leaky rectified linear unit: x if it is positive, else negative_slope·x."""


class ELU(Function, function=F.elu, shown="alpha={alpha}"):
    """Exponential linear unit: x if it is positive, else alpha·(eˣ − 1)."""


class SELU(Function, function=F.selu):
    """Scaled ELU, with self-normalizing constants."""


class CELU(Function, function=F.celu, shown="alpha={alpha}"):
    """Continuously differentiable ELU: x if it is positive, else alpha·(e^(x/alpha) − 1)."""


class GELU(Function, function=F.gelu, shown="approximate={approximate!r}"):
    """Gaussian error linear unit: x·Φ(x), or its "tanh" approximation."""


class SiLU(Function, function=F.silu):
    """Sigmoid linear unit: x·sigmoid(x)."""


class Mish(Function, function=F.mish):
    """Mish: x·tanh(softplus(x))."""


class Hardswish(Function, function=F.hardswish):
    """Hard swish: x·relu6(x + 3)/6."""

    def extra_repr(self) -> str:
        return ""


class Hardsigmoid(Function, function=F.hardsigmoid):
    """Hard sigmoid: relu6(x + 3)/6."""

    def extra_repr(self) -> str:
        return ""


class Hardtanh(Function, function=F.hardtanh, shown="min_val={min_val}, max_val={max_val}"):
    """Clip x to the range from ``min_val`` to ``max_val``."""


class Hardshrink(Function, function=F.hardshrink, shown="{lambd}"):
    """Hard shrinkage: 0 from -lambd to lambd, else x."""


class Softshrink(Function, function=F.softshrink, shown="{lambd}"):
    """Soft shrinkage: x moved toward 0 by ``lambd``, or 0 if |x| is at most ``lambd``."""


class Tanhshrink(Function, function=F.tanhshrink):
    """Tanh shrinkage: x − tanh(x)."""


class Threshold(Function, function=F.threshold, shown="threshold={threshold}, value={value}"):
    """Threshold: x if it is above ``threshold``, else ``value``."""


class Softplus(Function, function=F.softplus, shown="beta={beta}, threshold={threshold}"):
    """Softplus: log(1 + e^(beta·x))/beta."""


class Softsign(Function, function=F.softsign):
    """Softsign: x/(1 + |x|)."""


class Sigmoid(Function, function=F.sigmoid):
    """Logistic sigmoid: 1/(1 + e⁻ˣ)."""


class Tanh(Function, function=F.tanh):
    """The hyperbolic tangent."""


class LogSigmoid(Function, function=F.logsigmoid):
    """Logarithm of the sigmoid: log(sigmoid(x))."""


class Softmax(Function, function=F.softmax, shown="dim={dim}"):
    """The softmax along ``dim``."""


class Softmin(Function, function=F.softmin, shown="dim={dim}"):
    """The softmax of −x."""


class LogSoftmax(Function, function=F.log_softmax, shown="dim={dim}"):
    """The logarithm of the softmax."""


class GLU(Function, function=F.glu, shown="dim={dim}"):
    """Gated linear unit: the first half along ``dim`` times the sigmoid of the second half."""


class PReLU(Module):
    """Parametric rectified linear unit: x if it is positive, else x times a learned slope."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = empty_parameter((num_parameters,), device, dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Reset the slope to its initial value."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class Dropout(Function, function=F.dropout):
    """During training, set elements to 0 with probability ``p`` and scale the remaining ones."""

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        if not 0 <= p <= 1:
            raise ArgumentError(f"dropout probability has to be between 0 and 1, but got {p}.")
        super().__init__(p=p, inplace=inplace)

    def forward(self, input: Any) -> Any:
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"
