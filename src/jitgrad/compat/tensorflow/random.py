"""``tf.random``: random numbers from the library's global generator, from Generators with their own state, and from seeds."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from jitgrad import random as library
from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.arguments import integer, sizes
from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError
from jitgrad.compat.tensorflow.tensor import Held, Tensor, convert, made, wrap_array
from jitgrad.compat.tensorflow.variable import Variable
from jitgrad.functions.extremes import argmax
from jitgrad.functions.selection import take


def set_seed(seed: Any) -> None:
    """Seed all random numbers, including those of jitgrad's layers and shuffling."""
    library.seed(integer(seed))
    _sources.clear()
    _global_seed[:] = [integer(seed)]


_global_seed = [0]
_sources: dict[int, np.random.Generator] = {}


def _source(seed: Any) -> np.random.Generator:
    """Return the global generator or, if an operation has a seed, a generator seeded with both seeds."""
    if seed is None:
        return library.generator()
    return _sources.setdefault(integer(seed), np.random.default_rng([_global_seed[0] % 2**64, integer(seed) % 2**64]))


def _float(dtype: Any) -> DType:
    kind = as_dtype(dtype)
    if not kind.is_floating or kind.level < 0:
        raise ConversionError(f"Random numbers of dtype {kind.name} are not supported. Use float32 or float64.")
    return kind


def uniform(
    shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Tensor:
    """Draw from the uniform distribution on [minval, maxval), by default [0, 1). For integers, `maxval` is required."""
    kind = as_dtype(dtype)
    if kind.is_integer:
        low, high = _integer_limits(kind, minval, maxval)
        if seed is None and 0 < high - low <= 2**24:
            return made(library.randint(low, high, sizes(shape)), kind.dtype)
        return wrap_array(_source(seed).integers(low, high, sizes(shape)), kind)
    kind = _float(kind)
    if seed is None:
        unit = library.uniform(sizes(shape), dtype=kind.dtype)
    else:
        unit = wrap_array(_source(seed).random(sizes(shape), kind.dtype), kind)._read()
    least, most = convert(minval, kind)._read(), convert(1 if maxval is None else maxval, kind)._read()
    return made(least + (most - least) * unit)


def _integer_limits(kind: DType, minval: Any, maxval: Any) -> tuple[int, int]:
    if maxval is None:
        raise ConversionError(f"Must specify maxval for integer dtype {kind!r}.")
    return integer(minval), integer(maxval)


def normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Tensor:
    """Draw from a normal distribution."""
    kind = _float(dtype)
    if seed is None:
        drawn = library.normal(sizes(shape), dtype=kind.dtype)
    else:
        drawn = wrap_array(_source(seed).standard_normal(sizes(shape), kind.dtype), kind)._read()
    return made(convert(mean, kind)._read() + drawn * convert(stddev, kind)._read())


def _cut(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw from a normal distribution truncated at two standard deviations."""
    values = draw.normal(size=shape)
    while (far := np.abs(values) > 2).any():
        values = np.where(far, draw.normal(size=shape), values)
    return values


def truncated_normal(
    shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Tensor:
    """Draw from a normal distribution truncated at two standard deviations."""
    kind = _float(dtype)
    if seed is None:
        unit = library.truncated_normal(sizes(shape), dtype=kind.dtype)
    else:
        unit = wrap_array(_cut(_source(seed), sizes(shape)), kind)._read()
    return made(convert(mean, kind)._read() + unit * convert(stddev, kind)._read())


def shuffle(value: Any, seed: Any = None, name: str | None = None) -> Tensor:
    """Shuffle the rows."""
    x = convert(value)
    if isinstance(x, Held):
        return Held(_source(seed).permutation(x.numpy()))
    if seed is None:
        return made(library.permutation(x._read()), x._integer)
    return made(take(x._read(), _source(seed).permutation(x._plain_shape[0]), 0), x._integer)


def categorical(logits: Any, num_samples: Any, dtype: Any = dtypes.int64, seed: Any = None, name: str | None = None) -> Tensor:
    """Draw ``num_samples`` classes for each row of logits."""
    z = convert(logits)._read()
    unit = np.maximum(_source(seed).random((z.shape[0], integer(num_samples), z.shape[1])), np.finfo(float).tiny)
    return made(argmax(z[:, None, :] + -np.log(-np.log(unit)), axis=-1), as_dtype(dtype).dtype)


def poisson(shape: Any, lam: Any, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None) -> Tensor:
    """Draw Poisson counts: an array of shape ``shape`` for each mean in ``lam``."""
    means = np.asarray(convert(lam).numpy())
    return wrap_array(_source(seed).poisson(means, (*sizes(shape), *means.shape)), as_dtype(dtype))


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dtypes.float32, seed: Any = None, name: str | None = None
) -> Tensor:
    """Draw from gamma distributions of shape ``alpha`` and rate ``beta``, without gradients."""
    a = np.asarray(convert(alpha).numpy(), float)
    scale = 1 / np.asarray(1.0 if beta is None else convert(beta).numpy(), float)
    found = _source(seed).gamma(a, scale, (*sizes(shape), *np.broadcast_shapes(a.shape, scale.shape)))
    return wrap_array(found, as_dtype(dtype))


# Stateless functions, whose results are determined by their seed.


def _seeded(seed: Any) -> np.random.Generator:
    numbers = np.asarray(convert(seed).numpy()).ravel().astype(np.int64)
    if len(numbers) != 2:
        raise ConversionError(f"A seed of a stateless function is {numbers.tolist()}. Give two integers.")
    return np.random.Generator(np.random.Philox(key=numbers.view(np.uint64)))


def _drawn(draw: np.random.Generator, how: str, shape: Any, dtype: Any, a: Any, b: Any) -> Tensor:
    kind, size = as_dtype(dtype), sizes(shape)
    if how == "uniform" and kind.is_integer:
        return wrap_array(draw.integers(*_integer_limits(kind, a, b), size), kind)
    if how == "uniform":
        low, high = float(a), 1.0 if b is None else float(b)
        return wrap_array(low + (high - low) * draw.random(size, kind.dtype), kind)
    unit = _cut(draw, size) if how == "truncated" else draw.standard_normal(size, kind.dtype)
    mean, std = convert(a, kind)._read(), convert(b, kind)._read()
    return made(mean + wrap_array(unit, kind)._read() * std)


def stateless_uniform(
    shape: Any, seed: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw like ``uniform``, determined by the seed."""
    return _drawn(_seeded(seed), "uniform", shape, dtype, minval, maxval)


def stateless_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw like ``normal``, determined by the seed."""
    return _drawn(_seeded(seed), "normal", shape, dtype, mean, stddev)


def stateless_truncated_normal(
    shape: Any, seed: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None,
    alg: Any = "auto_select",
) -> Tensor:  # fmt: skip
    """Draw like ``truncated_normal``, determined by the seed."""
    return _drawn(_seeded(seed), "truncated", shape, dtype, mean, stddev)


class Generator:
    """A random number generator with its own state: a counter of two numbers, and a key.

    Parameters
    ----------
    state : array of int64
        Counter and key.
    alg : str or int
        "philox", the only algorithm.
    """

    def __init__(self, copy_from: Generator | None = None, state: Any = None, alg: Any = "philox") -> None:
        first = copy_from.state.numpy() if copy_from is not None else np.asarray(convert(state).numpy(), np.int64)
        self._state_var = Variable(first, name="StateVar", trainable=False, dtype=dtypes.int64)

    @classmethod
    def from_seed(cls, seed: Any, alg: Any = "philox") -> Generator:
        """Create a Generator from a seed."""
        return cls(state=_state_of(seed), alg=alg)

    @classmethod
    def from_state(cls, state: Any, alg: Any = "philox") -> Generator:
        """Create a Generator from a state."""
        return cls(state=state, alg=alg)

    @classmethod
    def from_key_counter(cls, key: Any, counter: Any, alg: Any = "philox") -> Generator:
        """Create a Generator from a key and a counter."""
        return cls(state=np.array([*np.asarray(counter).ravel(), integer(key)], np.int64), alg=alg)

    @classmethod
    def from_non_deterministic_state(cls, alg: Any = "philox") -> Generator:
        """Create a Generator with a random state."""
        return cls(state=np.random.default_rng().integers(-(2**62), 2**62, 3), alg=alg)

    @property
    def state(self) -> Variable:
        """The counter and the key."""
        return self._state_var

    @property
    def key(self) -> Tensor:
        """The key."""
        return self._state_var[2]

    @property
    def algorithm(self) -> int:
        """TensorFlow's number for the algorithm."""
        return 1

    def reset(self, state: Any) -> None:
        """Set the state."""
        self._state_var.assign(state)

    def reset_from_seed(self, seed: Any) -> None:
        """Reset the state to the state of a new Generator with this seed."""
        self._state_var.assign(_state_of(seed))

    def skip(self, delta: Any) -> None:
        """Skip numbers."""
        low, high, key = (int(n) for n in self._state_var.numpy())
        counter = (low % 2**64 + (high % 2**64 << 64) + integer(delta)) % 2**128
        self._state_var.assign(np.array([_signed(counter % 2**64), _signed(counter >> 64), key], np.int64))

    def _draw(self, shape: Any) -> np.random.Generator:
        low, high, key = (int(n) % 2**64 for n in self._state_var.numpy())
        self.skip(256 * int(np.prod(sizes(shape), dtype=np.int64)))
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, low, high]))

    def normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Draw from a normal distribution."""
        return _drawn(self._draw(shape), "normal", shape, dtype, mean, stddev)

    def truncated_normal(
        self, shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Draw from a normal distribution truncated at two standard deviations."""
        return _drawn(self._draw(shape), "truncated", shape, dtype, mean, stddev)

    def uniform(
        self, shape: Any, minval: Any = 0, maxval: Any = None, dtype: Any = dtypes.float32, name: str | None = None
    ) -> Tensor:
        """Draw from the uniform distribution on [minval, maxval)."""
        return _drawn(self._draw(shape), "uniform", shape, dtype, minval, maxval)

    def binomial(self, shape: Any, counts: Any, probs: Any, dtype: Any = dtypes.int32, name: str | None = None) -> Tensor:
        """Draw the number of successes in ``counts`` trials."""
        n, p = (np.asarray(convert(x).numpy()) for x in (counts, probs))
        return wrap_array(self._draw(shape).binomial(n.astype(int), p, sizes(shape)), as_dtype(dtype))

    def make_seeds(self, count: Any = 1) -> Tensor:
        """Return seeds for stateless functions, one per column."""
        n = integer(count)
        drawn = self._draw([n]).integers(-(2**63), 2**63 - 1, n)
        return wrap_array(np.stack([drawn, np.zeros(n, np.int64)]), dtypes.int64)

    def split(self, count: int = 1) -> list[Generator]:
        """Return Generators with new keys."""
        keys = self.make_seeds(count).numpy()[0]
        return [Generator(state=np.array([0, 0, key], np.int64)) for key in keys]


def _state_of(seed: Any) -> np.ndarray:
    return np.array([_signed(integer(seed) % 2**64), 0, 0], np.int64)


def _signed(n: int) -> int:
    return n - 2**64 if n >= 2**63 else n


_global: list[Generator] = []


def get_global_generator() -> Generator:
    """Return the global Generator."""
    if not _global:
        _global.append(Generator.from_non_deterministic_state())
    return _global[0]


def set_global_generator(generator: Generator) -> None:
    """Replace the global Generator."""
    _global[:] = [generator]


def create_rng_state(seed: Any, alg: Any = "philox") -> np.ndarray:
    """Return the state of a Generator for a seed."""
    return _state_of(seed)


def split(seed: Any, num: int = 2, alg: Any = "auto_select") -> Tensor:
    """Derive seeds from a seed."""
    return wrap_array(_seeded(seed).integers(-(2**31), 2**31, (num, 2)).astype(np.int32))


def fold_in(seed: Any, data: Any, alg: Any = "auto_select") -> Tensor:
    """Derive a seed from a seed and a number."""
    text = np.asarray([*np.ravel(convert(seed).numpy()), integer(data)], np.int64).tobytes()
    return wrap_array(np.frombuffer(hashlib.sha256(text).digest()[:8], np.int32))


__all__ = [
    "Generator", "categorical", "create_rng_state", "fold_in", "gamma", "get_global_generator", "normal", "poisson",
    "set_global_generator", "set_seed", "shuffle", "split", "stateless_normal", "stateless_truncated_normal",
    "stateless_uniform", "truncated_normal", "uniform",
]  # fmt: skip
__getattr__ = missing("tensorflow.random", __all__)
