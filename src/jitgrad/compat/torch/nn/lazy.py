"""A Linear layer that infers its number of inputs from the first input."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.torch.creation import zeros
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.nn.linear import Linear
from jitgrad.compat.torch.nn.module import Module
from jitgrad.compat.torch.nn.parameter import Parameter, held


class UninitializedParameter(Parameter):
    """A parameter whose shape is not known yet. The same object becomes a Parameter later."""

    __slots__ = ()

    def materialize(self, shape: tuple[int, ...]) -> None:
        """Convert this object to a Parameter of zeros."""
        self.__class__ = Parameter  # type: ignore[assignment]
        self._tensor = held(zeros(shape, dtype=self.dtype), self.requires_grad)

    def _unknown(self, *args: Any, **options: Any) -> Any:
        raise TorchError("A parameter of a lazy module has no shape yet. Call the module on a batch first.")

    numel = nelement = detach = __deepcopy__ = __reduce_ex__ = _unknown
    size = _unknown  # type: ignore[assignment]
    shape = property(_unknown)

    def __repr__(self) -> str:
        return "<UninitializedParameter>"

    __str__ = __repr__


UninitializedParameter.__module__ = "torch.nn.parameter"  # as programs print it


class LazyLinear(Linear):
    """A Linear layer that infers ``in_features`` from the first input and then becomes a Linear."""

    def __init__(self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        Module.__init__(self)
        self.in_features = 0
        self.out_features = out_features
        self.weight = UninitializedParameter(zeros(0, device=device, dtype=dtype))
        self.register_parameter("bias", UninitializedParameter(zeros(0, device=device, dtype=dtype)) if bias else None)

    def forward(self, input: Any) -> Any:
        self.in_features = input.shape[-1]
        self.weight.materialize((self.out_features, self.in_features))
        if self.bias is not None:
            self.bias.materialize((self.out_features,))
        self.__class__ = Linear  # type: ignore[assignment]
        self.reset_parameters()
        return self.forward(input)
