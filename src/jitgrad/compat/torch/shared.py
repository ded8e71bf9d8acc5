"""Tensors and NumPy arrays that share their elements: a change of one changes the other.

A jitgrad Tensor never changes, so a shared tensor compares itself with its array whenever it is read. This would be slow for
large arrays: arrays with more than ``MOST`` elements are copied and made read-only, so a later change raises an error.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.conversions import convert
from jitgrad.compat.torch.creation import check_device, tensor
from jitgrad.compat.torch.dtypes import as_dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, leaf_of, wrap
from jitgrad.compat.wrapper import Wrapper
from jitgrad.tape.recording import here
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.variable import Variable

MOST = 2**15
_held: Any = Wrapper.__dict__["_tensor"]


class Shared(Tensor):
    """A tensor that shares the elements of an array: ``_array`` is the array, and ``_tensor`` was created from it."""

    __slots__ = ()

    @property
    def _tensor(self) -> Any:
        held = _held.__get__(self)
        if not np.array_equal(held.value, self._array):
            held = leaf_of(self._array, types.of_numpy(self._array.dtype))
            _held.__set__(self, held)
        return held

    @_tensor.setter
    def _tensor(self, value: Any) -> None:
        """Stop sharing the array."""
        self.__class__ = Tensor  # type: ignore[assignment]
        self._tensor = value

    def _become(self, value: Plain, name: str = "") -> None:
        if value.gradient is not None or here.active:
            self._tensor = value
            self._name = name
        elif self._array.flags.writeable:
            np.copyto(self._array, np.asarray(value._value()), casting="unsafe")
        else:
            raise TorchError("The array that this tensor shares its elements with is read-only. clone() the tensor first.")


def from_numpy(ndarray: np.ndarray) -> Tensor:
    """Return a tensor that shares the elements of an array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__}). Give an array, or use torch.tensor().")
    wanted = types.of_numpy(ndarray.dtype)
    made = wrap(leaf_of(ndarray, wanted), "", wanted.integer)
    if ndarray.size > MOST:
        ndarray.flags.writeable = False
        return made
    return _sharing(made, ndarray)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """Return ``data`` if it is a tensor of that dtype, share the elements of an array, or make a tensor of other data."""
    check_device(device)
    if isinstance(data, np.ndarray) and (dtype is None or as_dtype(dtype).numpy == data.dtype):
        return from_numpy(data)
    if isinstance(data, Tensor):
        return data if dtype is None else convert(data, as_dtype(dtype))
    return tensor(data, dtype=dtype)


def _sharing(made: Tensor, array: np.ndarray) -> Tensor:
    made._array = array
    made.__class__ = Shared
    return made


def numpy(self: Tensor, *, force: bool = False) -> Any:
    """Return an array that shares the tensor's elements, or a read-only one if that is impossible."""
    if not force and self._tensor.gradient is not None:
        raise TorchError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if type(self) is Shared:
        return self._array
    array = np.asarray(self._leaving("numpy()", explicit=True))
    held = self._tensor
    if type(self) is Tensor and not isinstance(held, Variable) and held.gradient is None and not here.active:
        if array.size <= MOST:
            held.force()
            self._tensor = leaf_of(array, self.dtype)
            return _sharing(self, array)._array
        array.flags.writeable = False
    elif shows_another(self):
        array.flags.writeable = False
    return array


def shows_another(x: Tensor) -> bool:
    """Return whether an array of the tensor's elements would have to change along with another tensor."""
    held = x._tensor
    return isinstance(held, Variable) or getattr(x, "_base", None) is not None


Shared.__name__, Shared.__qualname__, Shared.__module__ = "Tensor", "Tensor", "torch"
for _name, _method in {"numpy": numpy}.items():
    setattr(Tensor, _name, _method)
