"""Parameters and buffers: the tensors of modules."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from jitgrad.compat.torch.creation import zeros
from jitgrad.compat.torch.dtypes import INT64
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, of_array, wrap
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import known
from jitgrad.tape.variable import Variable


class Parameter(Tensor):
    """A tensor that becomes a parameter of a module when it is assigned to an attribute.

    Parameters
    ----------
    data : Tensor
        The initial value. It is copied, whereas PyTorch shares the memory.
    requires_grad : bool
        Whether ``backward`` computes its gradient.
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        super().__init__(np.zeros(0) if data is None else data)
        self._integer = data._integer if isinstance(data, Tensor) else INT64
        self._tensor = held(self, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        made = type(self).__new__(type(self))
        made._tensor = copy.deepcopy(self._tensor, memo)
        made._integer, made._name, made._grad = self._integer, "", None
        memo[id(self)] = made
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        made = _parameter if type(self) is Parameter else type(self)
        return made, (of_array(self.detach().numpy()), self.requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

    __str__ = __repr__


Parameter.__module__ = "torch.nn.parameter"  # as programs print it


def _parameter(data: Tensor, requires_grad: bool) -> Parameter:
    """Return a parameter. Pickles call this function."""
    return Parameter(data, requires_grad)


def held(value: Tensor, requires_grad: bool) -> Variable:
    """Return a jitgrad Variable with the value of a tensor."""
    plain = value._tensor._read()
    if requires_grad and plain.level <= dtypes.INTEGER:
        raise TorchError(
            "Only Tensors of floating point dtype can require gradients. Give requires_grad=False, or convert it with float()."
        )
    return Variable(known(np.asarray(plain.force(), plain.dtype), plain.level), requires_grad=requires_grad)


def buffer(array: Any, dtype: Any) -> Tensor:
    """A tensor that a module changes as it runs."""
    made = wrap(known(np.zeros(0), dtypes.FLOAT64))
    made._tensor = Variable(np.asarray(array, dtype.numpy))
    return made


class Count(Tensor):
    """A counter that adds Python integers and creates a tensor only when it is read."""

    __slots__ = ("_made", "more")
    _made: Plain

    def __init__(self, start: Tensor) -> None:
        self._integer, self._name, self._grad = INT64, "", None
        self._tensor = start._tensor._read()

    @property
    def _tensor(self) -> Any:
        if self.more:
            self._tensor = known(np.asarray(int(self._made.force()) + self.more), dtypes.INTEGER)
        return self._made

    @_tensor.setter
    def _tensor(self, value: Any) -> None:
        self._made, self.more = value, 0


def converted(value: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Convert a module's tensor for ``to``: parameters remain the same objects, and only float dtypes change."""
    changed = value.data.to(*args, **kwargs)
    if changed.dtype is value.dtype or value._tensor.level <= dtypes.INTEGER:
        return value
    if not changed.dtype.is_floating_point:
        raise TorchError(
            f"nn.Module.to only accepts floating point dtypes, but got {changed.dtype}. Give torch.float64, for example."
        )
    if isinstance(value._tensor, Variable):
        gradient = value.grad
        value._tensor = held(changed, value.requires_grad)
        if gradient is not None:
            value.grad = gradient.detach().to(changed.dtype)
        return value
    return changed


def empty_parameter(shape: tuple[int, ...], device: Any, dtype: Any) -> Parameter:
    """Return a parameter of zeros, to be initialized by ``init``."""
    return Parameter(zeros(shape, device=device, dtype=dtype))
