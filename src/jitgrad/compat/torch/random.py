"""Random numbers, by jitgrad's generator: another sequence than PyTorch's, and the same for the same seed everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad import random as library
from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.creation import check_device, sizes_of
from jitgrad.compat.torch.dtypes import INT64, as_dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, leaf_of, wrap
from jitgrad.tape import dtypes

_seed = 0


class Generator:
    """A sequence of random numbers of its own."""

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device)
        self._seed = 0
        self.numbers = library.generator()

    def manual_seed(self, seed: int) -> Generator:
        """Begin the sequence that belongs to a seed."""
        self._seed = int(seed)
        self.numbers = library.generator(self._seed)
        return self

    def initial_seed(self) -> int:
        """The seed that it was given."""
        return self._seed


def manual_seed(seed: int) -> Generator:
    """Seed everything that jitgrad draws."""
    global _seed
    _seed = int(seed)
    library.seed(_seed % 2**64)
    return Generator()


def seed() -> int:
    """Seed by chance; returns the seed."""
    chosen = int(np.random.default_rng().integers(2**31))
    manual_seed(chosen)
    return chosen


def initial_seed() -> int:
    """The seed that was given last."""
    return _seed


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator behind PyTorch's, or the common one."""
    return library.generator() if generator is None else generator.numbers


def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Numbers from 0 on and below 1, each as likely."""
    return _drawn(numpy_generator(generator).random(sizes_of(size)), dtype, requires_grad, device)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None
) -> Tensor:
    """Normally distributed numbers, of mean 0 and variance 1."""
    return _drawn(numpy_generator(generator).standard_normal(sizes_of(size)), dtype, requires_grad, device)


def randint(
    *bounds: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
    **named: Any,
) -> Tensor:
    """``randint(high, size)`` or ``randint(low, high, size)``: integers from ``low`` on and below ``high``."""
    names = ("low", "high", "size") if len(bounds) + len(named) >= 3 else ("high", "size")
    given = {"low": 0} | dict(zip(names, bounds, strict=False)) | named
    if given.keys() != {"low", "high", "size"} or len(bounds) > 3:
        raise TypeError("randint() takes high and size, or low, high and size. Give two or three arguments.")
    low, high = int(given["low"]), int(given["high"])
    if low >= high:
        raise TorchError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}. Give low below high.")
    drawn = numpy_generator(generator).integers(low, high, sizes_of((given["size"],)))
    return _drawn(drawn, types.int64 if dtype is None else dtype, requires_grad, device)


def randperm(n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None) -> Tensor:
    """The integers below ``n`` in random order."""
    return _drawn(numpy_generator(generator).permutation(n), types.int64 if dtype is None else dtype, False, device)


def rand_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """As ``rand``, in the shape and dtype of ``input``."""
    return rand(input.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, device=device)


def randn_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """As ``randn``, in the shape and dtype of ``input``."""
    return randn(input.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, device=device)


def _drawn(values: Any, dtype: Any, requires_grad: bool, device: Any) -> Tensor:
    check_device(device)
    wanted = types.default() if dtype is None else as_dtype(dtype)
    made = wrap(leaf_of(values, wanted), "", wanted.numpy if wanted.level == dtypes.INTEGER else INT64)
    return made.requires_grad_() if requires_grad else made
