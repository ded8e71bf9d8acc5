"""Random numbers from jitgrad's generator. They differ from PyTorch's, but a seed gives the same numbers on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad import random as library
from jitgrad.compat.modules import missing
from jitgrad.compat.torch import dtypes as types
from jitgrad.compat.torch.creation import check_device, sizes_of
from jitgrad.compat.torch.dtypes import as_dtype
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, into, leaf_of, wrap

_seed = 0


class Generator:
    """An independent sequence of random numbers."""

    def __init__(self, device: Any = "cpu") -> None:
        check_device(device)
        self._seed = 0
        self.numbers = library.generator()

    def manual_seed(self, seed: int) -> Generator:
        """Restart the sequence with the given seed."""
        self._seed = int(seed)
        self.numbers = library.generator(self._seed)
        return self

    def initial_seed(self) -> int:
        """The seed of the generator."""
        return self._seed


def manual_seed(seed: int) -> Generator:
    """Seed all of jitgrad's random numbers."""
    global _seed
    _seed = int(seed)
    library.seed(_seed % 2**64)
    return Generator()


def seed() -> int:
    """Seed with a random number, and return it."""
    chosen = int(np.random.default_rng().integers(2**31))
    manual_seed(chosen)
    return chosen


def initial_seed() -> int:
    """Return the last seed."""
    return _seed


def numpy_generator(generator: Generator | None) -> np.random.Generator:
    """Return the NumPy generator of a PyTorch generator, or the global one."""
    return library.generator() if generator is None else generator.numbers


def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Return uniformly distributed numbers from 0 (inclusive) to 1 (exclusive)."""
    made = _drawn(numpy_generator(generator).random(sizes_of(size)), dtype, requires_grad, device)
    return made if out is None else into(out, made)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, requires_grad: bool = False, device: Any = None,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Return standard normal numbers."""
    made = _drawn(numpy_generator(generator).standard_normal(sizes_of(size)), dtype, requires_grad, device)
    return made if out is None else into(out, made)


def randint(
    *bounds: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
    device: Any = None,
    **named: Any,
) -> Tensor:
    """``randint(high, size)`` or ``randint(low, high, size)``: integers from ``low`` (inclusive) to ``high`` (exclusive)."""
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
    """Return the integers below ``n`` in random order."""
    return _drawn(numpy_generator(generator).permutation(n), types.int64 if dtype is None else dtype, False, device)


def rand_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Like ``rand``, with the shape and dtype of ``input``."""
    return rand(input.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, device=device)


def randn_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False, device: Any = None) -> Tensor:
    """Like ``randn``, with the shape and dtype of ``input``."""
    return randn(input.shape, dtype=dtype or input.dtype, requires_grad=requires_grad, device=device)


def _drawn(values: Any, dtype: Any, requires_grad: bool, device: Any) -> Tensor:
    check_device(device)
    wanted = types.default() if dtype is None else as_dtype(dtype)
    made = wrap(leaf_of(values, wanted), "", wanted.integer)
    return made.requires_grad_() if requires_grad else made


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Return normally distributed numbers with the given means and standard deviations."""
    centre, width = (x.numpy() if isinstance(x, Tensor) else x for x in (mean, std))
    shape = np.broadcast_shapes(np.shape(centre), np.shape(width)) if size is None else sizes_of((size,))
    return _drawn(centre + width * numpy_generator(generator).standard_normal(shape), dtype, requires_grad, device)


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """Return ones with the probabilities of ``input``, else zeros."""
    drawn = numpy_generator(generator).random(input.shape) < input.numpy(force=True)
    return _drawn(drawn, input.dtype, False, None)


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None) -> Tensor:
    """Draw indices with probabilities proportional to ``input``, or to each of its rows."""
    weights = input.numpy(force=True).astype(np.float64)
    rows = np.atleast_2d(weights)
    if np.any(rows < 0) or np.any(rows.sum(1) <= 0):
        raise TorchError("multinomial: weights must be nonnegative, and at least one positive. Change them.")
    if not replacement and np.any((rows > 0).sum(1) < num_samples):
        raise TorchError("cannot sample n_sample > prob_dist.size(-1) samples without replacement. Set replacement=True.")
    draw = numpy_generator(generator)
    drawn = [draw.choice(rows.shape[1], num_samples, replacement, row / row.sum()) for row in rows]
    return _drawn(np.reshape(drawn, (*weights.shape[:-1], num_samples)), types.int64, False, None)


def get_rng_state() -> Any:
    """Return the state of the global generator, for ``set_rng_state``."""
    return library.get_state()


def set_rng_state(new_state: Any) -> None:
    """Restore a state returned by ``get_rng_state``."""
    library.set_state(new_state)


__all__ = [
    "Generator", "bernoulli", "get_rng_state", "initial_seed", "manual_seed", "multinomial", "normal", "rand", "rand_like",
    "randint", "randn", "randn_like", "randperm", "seed", "set_rng_state",
]  # fmt: skip
__getattr__ = missing("torch.random", __all__)
