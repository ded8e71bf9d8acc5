"""Keras's initializers: objects that return the initial values of a weight, ``initializer(shape, dtype)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.arguments import Described
from jitgrad.compat.keras.border import dtype_name, values_of
from jitgrad.compat.keras.configs import config_of, deserialized, found_by_name, made_with_config, serialized
from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.tensor import wrap_array
from jitgrad.layers import initializers as library


class Initializer(Described):
    """Base class: a subclass defines ``__call__(self, shape, dtype=None)``, which returns a tensor or an array."""

    family = "keras.initializers"
    seed: int | None = None

    def draw(self, shape: Any, generator: np.random.Generator) -> Any:
        """Return values of the given shape. The library calls this method."""
        return values_of(type(self).__call__(self, tuple(shape)))

    def plain(self, shape: Any, generator: np.random.Generator) -> Any:
        """Return values of the given shape, drawn from the generator, or from one seeded with the initializer's seed."""
        return self.draw(shape, generator if self.seed is None else np.random.default_rng(self.seed))

    plain.is_plain = True  # type: ignore[attr-defined]

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        if type(self).draw is Initializer.draw:
            raise NotImplementedError(f"{type(self).__name__} has no __call__. Define __call__(self, shape, dtype=None).")
        size = (shape,) if isinstance(shape, int) else tuple(shape)
        return wrap_array(np.asarray(self.plain(size, random.generator()), dtype_name(dtype)))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return config_of(self, {})

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create an initializer from the result of ``get_config``."""
        return made_with_config(cls, config)


class Zeros(Initializer):
    """Fill with 0."""

    def draw(self, shape: Any, generator: np.random.Generator) -> Any:
        return library.zeros(shape, generator)


class Ones(Initializer):
    """Fill with 1."""

    def draw(self, shape: Any, generator: np.random.Generator) -> Any:
        return library.ones(shape, generator)


class _Drawn(Initializer):
    """An initializer of the library with Keras's arguments."""

    kind: Any
    """The corresponding class in jitgrad."""

    def draw(self, shape: Any, generator: np.random.Generator) -> Any:
        given = {key: values_of(value) for key, value in self.arguments.items() if key != "seed"}
        return self.kind(**given).values(shape, generator)


class Constant(_Drawn):
    """Fill with a value."""

    kind = library.Constant

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value


class Identity(_Drawn):
    """Use the identity matrix times ``gain``."""

    kind = library.IdentityMatrix

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain


class RandomUniform(_Drawn):
    """Draw from the uniform distribution from ``minval`` to ``maxval``."""

    kind = library.RandomUniform

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        self.minval, self.maxval, self.seed = minval, maxval, seed


class RandomNormal(_Drawn):
    """Draw from a normal distribution."""

    kind = library.RandomNormal

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        self.mean, self.stddev, self.seed = mean, stddev, seed


class TruncatedNormal(RandomNormal):
    """Draw from a normal distribution truncated at two standard deviations from the mean."""

    kind = library.TruncatedNormal


class Orthogonal(_Drawn):
    """Draw a matrix with orthonormal rows or columns, times ``gain``."""

    kind = library.Orthogonal

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        self.gain, self.seed = gain, seed


class VarianceScaling(_Drawn):
    """Draw with variance scale/n, with n the number of inputs, the number of outputs, or their mean."""

    kind = library.VarianceScaling

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        self.scale, self.seed = scale, seed
        self.mode: Any = mode
        self.distribution: Any = distribution
        made: Callable[..., Any] = library.VarianceScaling
        made(scale, mode, distribution)


class _Named(Initializer):
    """Base class of the named special cases of VarianceScaling."""

    name: str

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def draw(self, shape: Any, generator: np.random.Generator) -> Any:
        return library.INITIALIZERS[self.name](shape, generator)


class GlorotUniform(_Named):
    """Draw from a uniform distribution with variance 2/(inputs + outputs)."""

    name = "glorot_uniform"


class GlorotNormal(_Named):
    """Draw from a truncated normal distribution with variance 2/(inputs + outputs)."""

    name = "glorot_normal"


class HeUniform(_Named):
    """Draw from a uniform distribution with variance 2/inputs."""

    name = "he_uniform"


class HeNormal(_Named):
    """Draw from a truncated normal distribution with variance 2/inputs."""

    name = "he_normal"


class LecunUniform(_Named):
    """Draw from a uniform distribution with variance 1/inputs."""

    name = "lecun_uniform"


class LecunNormal(_Named):
    """Draw from a truncated normal distribution with variance 1/inputs."""

    name = "lecun_normal"


IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal
zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
random_uniform, random_normal, truncated_normal, variance_scaling = (
    RandomUniform,
    RandomNormal,
    TruncatedNormal,
    VarianceScaling,
)
glorot_uniform, glorot_normal, he_uniform, he_normal = GlorotUniform, GlorotNormal, HeUniform, HeNormal
lecun_uniform, lecun_normal, uniform, normal, one, zero = LecunUniform, LecunNormal, RandomUniform, RandomNormal, Ones, Zeros

_CLASSES = {
    name: value for name, value in list(globals().items()) if isinstance(value, type) and issubclass(value, Initializer)
}
_NAMED = {name: value for name, value in _CLASSES.items() if name not in ("Initializer", "_Drawn", "_Named")}


def get(identifier: Any) -> Any:
    """Return an initializer by name, config or class; other callables are returned unchanged."""
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if identifier is None or callable(identifier):
        return identifier
    return found_by_name("initializer", identifier, _NAMED)


def plain(identifier: Any) -> Callable[..., Any]:
    """Return the initializer as a function of a shape and a generator, for the library."""
    found = get(identifier)
    if isinstance(found, Initializer):
        return found.plain
    if getattr(found, "is_plain", False) or any(found is known for known in library.INITIALIZERS.values()):
        return found

    def drawn(shape: Any, generator: np.random.Generator) -> Any:
        return values_of(found(shape, dtype=dtype_name(None)))

    drawn.is_plain = True  # type: ignore[attr-defined]
    return drawn


def serialize(initializer: Any) -> Any:
    """Return the config of an initializer."""
    return serialized(initializer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the initializer for a config."""
    return deserialized(config, custom_objects)


__all__ = ["Initializer", "deserialize", "get", "serialize", *_NAMED]
__getattr__ = missing("keras.initializers", __all__, {"STFT": "It is for audio, which jitgrad does not support."})
