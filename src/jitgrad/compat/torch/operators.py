"""The operators of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.torch import pointwise as pw
from jitgrad.compat.torch.tensor import Tensor


def _reflected(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    return lambda self, other: function(other, self)


for _name, _function in {"add": pw.add, "sub": pw.sub, "mul": pw.mul, "truediv": pw.div, "pow": pw.pow}.items():
    setattr(Tensor, f"__{_name}__", _function)
    setattr(Tensor, f"__r{_name}__", _reflected(_function))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Tensor, f"__{_name}__", getattr(pw, _name))
