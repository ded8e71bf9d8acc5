"""``tf.initializers``: initial values for ``tf.get_variable``. Each run of an initializer draws new numbers."""

from __future__ import annotations

from typing import Any

from jitgrad import random as library
from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.tensor import convert, made
from jitgrad.compat.tensorflow.v1 import random
from jitgrad.compat.tensorflow.v1.ops import constant as constant_tensor
from jitgrad.compat.tensorflow.v1.staging import staged
from jitgrad.errors import ArgumentError
from jitgrad.layers import initializers as layers


class Initializer:
    """A function of a shape: ``initializer([2, 3])`` is a tensor of the graph."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = as_dtype(dtype)

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None) -> Any:
        """Return initial values of a shape."""
        return self._values(shape, self.dtype if dtype is None else as_dtype(dtype))

    def _values(self, shape: Any, dtype: dtypes.DType) -> Any:
        raise NotImplementedError


class zeros(Initializer):
    """Fill with 0."""

    def __init__(self, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)

    def _values(self, shape: Any, dtype: dtypes.DType) -> Any:
        return constant_tensor(0, dtype, shape)


class ones(zeros):
    """Fill with 1."""

    def _values(self, shape: Any, dtype: dtypes.DType) -> Any:
        return constant_tensor(1, dtype, shape)


class constant(Initializer):
    """Fill with a value, or with values in row-major order."""

    def __init__(self, value: Any = 0, dtype: Any = dtypes.float32, verify_shape: bool = False) -> None:
        super().__init__(dtype)
        self.value = value

    def _values(self, shape: Any, dtype: dtypes.DType) -> Any:
        return constant_tensor(self.value, dtype, shape)


class random_normal(Initializer):
    """Draw from a normal distribution."""

    _draw = staticmethod(random.random_normal)

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.mean, self.stddev = mean, stddev

    def _values(self, shape: Any, dtype: dtypes.DType) -> Any:
        return self._draw(shape, self.mean, self.stddev, dtype)


class truncated_normal(random_normal):
    """Draw from a normal distribution truncated at two standard deviations."""

    _draw = staticmethod(random.truncated_normal)


class random_uniform(Initializer):
    """Draw from a uniform distribution."""

    def __init__(self, minval: Any = 0.0, maxval: Any = None, seed: Any = None, dtype: Any = dtypes.float32) -> None:
        super().__init__(dtype)
        self.minval, self.maxval = minval, maxval

    def _values(self, shape: Any, dtype: dtypes.DType) -> Any:
        return random.random_uniform(shape, self.minval, self.maxval, dtype)


class _Drawn:
    """A NumPy-like generator for the library's initializers whose numbers are drawn in each run."""

    def uniform(self, low: float, high: float, shape: Any) -> Any:
        return library.uniform(shape, low, high)

    def normal(self, mean: float = 0.0, std: float = 1.0, size: Any = ()) -> Any:
        return library.normal(size, mean, std)


class variance_scaling(Initializer):
    """Draw with variance scale/n, where n is the number of inputs, of outputs, or their mean."""

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: Any = None,
        dtype: Any = dtypes.float32,
    ) -> None:  # fmt: skip
        super().__init__(dtype)
        modes = {"fan_in": "in", "fan_avg": "mean"}
        if mode not in modes or distribution not in ("uniform", "normal", "truncated_normal"):
            raise ArgumentError(
                f"variance_scaling does not support mode {mode!r} with {distribution!r}. Use 'fan_in' or 'fan_avg'."
            )
        self.scale, self.mode, self.kind = scale, modes[mode], "uniform" if distribution == "uniform" else "normal"

    def _values(self, shape: Any, dtype: dtypes.DType) -> Any:
        sizes = tuple(int(n) for n in shape)

        def draw() -> Any:
            drawn = layers.variance_scaling(sizes, _Drawn(), self.scale, self.mode, self.kind)  # type: ignore[arg-type]
            return made(convert(1, dtype)._read() * drawn)

        return staged("random_uniform", draw, draws=True)()


def _scaling(name: str, scale: float, mode: str, distribution: str) -> type[Initializer]:
    class Scaling(variance_scaling):
        def __init__(self, seed: Any = None, dtype: Any = dtypes.float32) -> None:
            super().__init__(scale, mode, distribution, seed, dtype)

    Scaling.__name__ = Scaling.__qualname__ = name
    Scaling.__doc__ = f"Variance {scale:g}/n, n being {mode.removeprefix('fan_')}; {distribution}."
    return Scaling


glorot_uniform = _scaling("glorot_uniform", 1.0, "fan_avg", "uniform")
glorot_normal = _scaling("glorot_normal", 1.0, "fan_avg", "truncated_normal")
he_uniform = _scaling("he_uniform", 2.0, "fan_in", "uniform")
he_normal = _scaling("he_normal", 2.0, "fan_in", "truncated_normal")
lecun_uniform = _scaling("lecun_uniform", 1.0, "fan_in", "uniform")
lecun_normal = _scaling("lecun_normal", 1.0, "fan_in", "truncated_normal")

__all__ = [
    "constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform", "ones",
    "random_normal", "random_uniform", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip
__getattr__ = missing("tensorflow.v1.initializers", __all__)
