"""Conversions to other dtypes and devices, and creation of tensors like existing ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.torch import creation
from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.creation import check_device
from jitgrad.compat.torch.device import CPU, device
from jitgrad.compat.torch.dtypes import as_dtype, dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, leaf_of, wrap
from jitgrad.ops.elementwise import not_equal, stop_gradient, trunc
from jitgrad.tape import dtypes
from jitgrad.tape.recording import here
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import cast, retyped


def convert(x: Tensor, wanted: dtype, copy: bool = False) -> Tensor:
    """Return a tensor in another dtype, or the tensor itself if it has that dtype."""
    if x.dtype is wanted:
        return x.clone() if copy else x
    held = x._tensor._read()
    integer = wanted.integer
    if held.value is not None and held.gradient is None and not here.active:  # data only: nothing to record
        return wrap(leaf_of(_truncated(x._value(), wanted), wanted), "", integer)
    return wrap(converted(held, wanted), "ToCopyBackward0", integer)


def _truncated(value: Any, wanted: dtype) -> Any:
    return np.nan_to_num(np.trunc(value)) if wanted.level == dtypes.INTEGER and np.asarray(value).dtype.kind == "f" else value


def converted(held: Plain, wanted: dtype) -> Plain:
    """Return a jitgrad Tensor in another dtype."""
    if wanted.level == dtypes.BOOL:
        return not_equal(held, 0)
    if wanted.level == dtypes.INTEGER and held.level > dtypes.INTEGER:
        return retyped(trunc(stop_gradient(held)), dtypes.INTEGER)
    return cast(held, wanted.level)


def to(self: Tensor, *args: Any, **options: Any) -> Tensor:
    """Convert to a dtype, to a device, or to the dtype of another tensor."""
    wanted = options.get("dtype")
    places = [options.get("device")]
    for arg in args:
        if isinstance(arg, Tensor):
            wanted = arg.dtype
        elif isinstance(arg, (str, device)):
            places.append(arg)
        elif arg is not None and not isinstance(arg, bool):
            wanted = arg
    for place in places:
        check_device(place)
    return convert(self, self.dtype if wanted is None else as_dtype(wanted), bool(options.get("copy", False)))


def type_of(self: Tensor, dtype: Any = None) -> Any:
    """Return the name of the tensor's type, or the tensor in another dtype."""
    if dtype is None:
        return f"torch.{self.dtype.title}Tensor"
    if isinstance(dtype, str):
        named = {f"torch.{d.title}Tensor": d for d in types.ALL}
        if dtype not in named:
            raise TorchError(f"invalid type: {dtype!r}. Give one such as 'torch.FloatTensor', or a dtype.")
        return convert(self, named[dtype])
    return convert(self, as_dtype(getattr(dtype, "dtype", dtype)))


def type_as(self: Tensor, other: Tensor) -> Tensor:
    """Convert to the dtype of another tensor."""
    return convert(self, other.dtype)


def _to(wanted: dtype) -> Callable[[Tensor], Tensor]:
    def function(self: Tensor) -> Tensor:
        return convert(self, wanted)

    function.__doc__ = f"As torch.{wanted.name}."
    return function


def cpu(self: Tensor) -> Tensor:
    """Return the tensor itself."""
    return self


def cuda(self: Tensor, *args: Any, **options: Any) -> Tensor:
    """Raise TorchError: not supported."""
    raise TorchError("jitgrad computes only on the CPU. Omit cuda(), or check torch.cuda.is_available() first.")


def _new(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def method(self: Tensor, *args: Any, **options: Any) -> Tensor:
        return function(*args, **{"dtype": self.dtype} | options)

    method.__doc__ = f"As torch.{function.__name__}, in the dtype of this tensor."
    return method


def is_tensor(obj: Any) -> bool:
    """Return whether an object is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> bool:
    """Return whether the elements are floats."""
    return input.dtype.is_floating_point


def is_complex(input: Tensor) -> bool:
    """Return False: there are no complex tensors."""
    return False


def is_nonzero(input: Tensor) -> bool:
    """Return whether the only element is nonzero."""
    return bool(input.item())


def _typed(d: dtype) -> Callable[..., Tensor]:
    def make(*data: Any) -> Tensor:
        return Tensor(*data).to(d) if data and isinstance(data[0], int) else creation.tensor(data[0] if data else [], dtype=d)

    make.__name__ = f"{d.title}Tensor"
    make.dtype = d  # type: ignore[attr-defined]
    make.__doc__ = f"A tensor of torch.{d.name}, of data or of a shape."
    return make


FloatTensor, DoubleTensor, LongTensor, IntTensor, BoolTensor, ByteTensor = (
    _typed(d) for d in (types.float32, types.float64, types.int64, types.int32, types.bool_, types.uint8)
)


_METHODS: dict[str, Any] = {
    "to": to, "type": type_of, "type_as": type_as, "cpu": cpu, "cuda": cuda,
    "float": _to(types.float32), "double": _to(types.float64), "long": _to(types.int64), "int": _to(types.int32),
    "short": _to(types.int16), "char": _to(types.int8), "byte": _to(types.uint8), "bool": _to(types.bool_),
    "new_zeros": _new(creation.zeros), "new_ones": _new(creation.ones), "new_full": _new(creation.full),
    "new_empty": _new(creation.empty), "new_tensor": _new(creation.tensor),
    "is_floating_point": is_floating_point, "is_complex": is_complex, "is_nonzero": is_nonzero,
    "element_size": lambda self: self.dtype.itemsize, "get_device": lambda self: -1,
    "is_cuda": property(lambda self: False), "device": property(lambda self: CPU), "is_sparse": property(lambda self: False),
    "itemsize": property(lambda self: self.dtype.itemsize), "nbytes": property(lambda self: self.dtype.itemsize * self.numel()),
    "real": property(lambda self: self), "is_pinned": lambda self: False, "pin_memory": cpu,
}  # fmt: skip
for _name, _method in _METHODS.items():
    setattr(Tensor, _name, _method)
