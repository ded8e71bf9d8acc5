"""Creation of tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.dtypes import as_dtype, dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, leaf_of, wrap
from jitgrad.errors import DTypeError
from jitgrad.tape.tree import contains, tree_map


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """Create a tensor with a copy of ``data``: numbers, nested lists, an array or tensors."""
    check_device(device)
    if isinstance(data, Tensor):
        value, found = data.detach().numpy(), data.dtype
    else:
        value, found = _array(data)
    return _leaf(value, found if dtype is None else as_dtype(dtype), requires_grad)


def full(size: Any, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create a tensor filled with ``fill_value``."""
    check_device(device)
    number = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    wanted = _array(number)[1] if dtype is None else as_dtype(dtype)
    return _leaf(np.full(sizes_of((size,)), number), wanted, requires_grad)


def zeros(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create a tensor of zeros."""
    return _filled(size, 0.0, dtype, requires_grad, device)


def ones(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create a tensor of ones."""
    return _filled(size, 1.0, dtype, requires_grad, device)


def empty(*size: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create a tensor to be filled later. In jitgrad, it contains zeros."""
    return _filled(size, 0.0, dtype, requires_grad, device)


def _filled(size: Any, value: float, dtype: Any, requires_grad: bool, device: Any) -> Tensor:
    check_device(device)
    wanted = types.default() if dtype is None else as_dtype(dtype)
    return _leaf(np.full(sizes_of(size), value, wanted.numpy), wanted, requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create zeros with the shape and dtype of ``input``."""
    return zeros(input.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, device=device)


def ones_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create ones with the shape and dtype of ``input``."""
    return ones(input.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, device=device)


def empty_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create a tensor like ``input`` to be filled later. In jitgrad, it contains zeros."""
    return zeros_like(input, dtype=dtype, requires_grad=requires_grad, device=device)


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Create a tensor like ``input`` filled with ``fill_value``."""
    return full(input.shape, fill_value, dtype=dtype or input.dtype, requires_grad=requires_grad, device=device)


def arange(*bounds: Any, dtype: Any = None, requires_grad: bool = False, device: Any = None, **named: Any) -> Tensor:
    """``arange(end)``, ``arange(start, end)`` or ``arange(start, end, step)``: numbers up to, but excluding, ``end``."""
    check_device(device)
    start, end, step = _bounds(bounds, named)
    whole = all(isinstance(x, (int, np.integer)) for x in (start, end, step))
    wanted = (types.int64 if whole else types.default()) if dtype is None else as_dtype(dtype)
    if step == 0 or (end - start) * step < 0:
        raise TorchError("upper bound and lower bound inconsistent with step sign. Give a step that leads from start to end.")
    count = math.ceil((end - start) / step)
    return _leaf(start + step * np.arange(count), wanted, requires_grad)


def _bounds(given: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    names = ("end",) if len(given) == 1 and not {"end", "step"} & named.keys() else ("start", "end", "step")
    bounds = {"start": 0, "step": 1} | dict(zip(names, given, strict=False)) | named
    if len(given) > 3 or bounds.keys() != {"start", "end", "step"}:
        raise TypeError("arange() takes end, or start and end, or start, end and step. Give one, two or three numbers.")
    return [x.item() if isinstance(x, Tensor) else x for x in (bounds["start"], bounds["end"], bounds["step"])]


def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return ``steps`` evenly spaced numbers, including both ends."""
    check_device(device)
    wanted = types.default() if dtype is None else as_dtype(dtype)
    return _leaf(np.linspace(float(start), float(end), steps), wanted, requires_grad)


def logspace(
    start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Return ``base`` raised to evenly spaced powers."""
    check_device(device)
    wanted = types.default() if dtype is None else as_dtype(dtype)
    return _leaf(np.logspace(float(start), float(end), steps, base=base), wanted, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Return a matrix with ones on the diagonal and zeros elsewhere."""
    check_device(device)
    return _leaf(np.eye(n, m), types.default() if dtype is None else as_dtype(dtype), requires_grad)


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Tensor:
    """Return the row and column indices of the lower triangle."""
    return _leaf(np.stack(np.tril_indices(row, offset, col)), types.int64 if dtype is None else as_dtype(dtype), False)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Tensor:
    """Return the row and column indices of the upper triangle."""
    return _leaf(np.stack(np.triu_indices(row, offset, col)), types.int64 if dtype is None else as_dtype(dtype), False)


def scalar_tensor(s: Any, *, dtype: Any = None) -> Tensor:
    """Create a tensor from one number, float32 by default."""
    return tensor(s, dtype=dtype or types.default())


def sizes_of(size: Any) -> tuple[int, ...]:
    """Return a shape given as separate integers or as one sequence."""
    given = size[0] if len(size) == 1 and not isinstance(size[0], (int, np.integer)) else size
    if isinstance(given, Tensor):
        given = given.tolist() if given.ndim else (given.item(),)
    sizes = tuple(int(n) for n in given)
    if any(n < 0 for n in sizes):
        raise TorchError(f"Trying to create tensor with negative dimension: {list(sizes)}. Give nonnegative sizes.")
    return sizes


def check_device(device: Any) -> None:
    """Raise TorchError for a device other than the CPU."""
    if device is not None and str(device).split(":")[0] != "cpu":
        raise TorchError(f"jitgrad computes only on the CPU, but device is {str(device)!r}. Give 'cpu', or omit it.")


def _array(data: Any) -> tuple[np.ndarray, dtype]:
    """Return data as an array, and the dtype that PyTorch would give it."""
    explicit = isinstance(data, (np.ndarray, np.generic))
    if contains(data, Tensor):
        data = tree_map(lambda x: x.tolist() if isinstance(x, Tensor) else x, data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"torch.tensor: {error}. Give lists of equal length.") from None
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"torch.tensor: data of type {array.dtype}. Give numbers, or arrays and lists of them.")
    if explicit or _has_arrays(data):
        return array, types.of_numpy(array.dtype)
    kind = types.default() if array.dtype.kind == "f" else types.bool_ if array.dtype.kind == "b" else types.int64
    return array, kind


def _has_arrays(data: Any) -> bool:
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (np.ndarray, np.generic))


def _leaf(value: Any, wanted: dtype, requires_grad: bool) -> Tensor:
    made = wrap(leaf_of(value, wanted), "", wanted.integer)
    return made.requires_grad_() if requires_grad else made
