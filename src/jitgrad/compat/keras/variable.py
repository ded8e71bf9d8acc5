"""Keras's variables: the library's, with TensorFlow's operators and Keras's printed form."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad import random
from jitgrad.compat.keras import border
from jitgrad.compat.keras.names import unique
from jitgrad.compat.tensorflow.methods import TensorMethods
from jitgrad.compat.tensorflow.tensor import INT32, Tensor, made
from jitgrad.tape import variable
from jitgrad.tape.operators import Operators
from jitgrad.tape.protocol import NEVER_DEFERRED


class Variable(TensorMethods, variable.Variable):  # type: ignore[misc]
    """A weight or state.

    Parameters
    ----------
    initializer : array_like or callable
        The value, or a function of a shape that returns it.
    shape, dtype, trainable, name : optional
        As in Keras. The default dtype of floats is ``floatx()``.
    """

    __slots__ = ("_integer", "path")
    shape = variable.Variable.shape  # type: ignore[assignment]
    dtype = variable.Variable.dtype  # type: ignore[assignment]
    ndim = Operators.ndim
    take = variable.Variable.take

    def __init__(
        self, initializer: Any, shape: Any = None, dtype: Any = None, trainable: bool = True, autocast: bool = True,
        aggregation: str = "none", synchronization: str = "auto", name: str | None = None,
    ) -> None:  # fmt: skip
        if callable(initializer):
            initializer = initializer(tuple(shape), dtype=border.dtype_name(dtype))
        value = initializer.numpy() if isinstance(initializer, Operators) else np.asarray(initializer)
        if dtype is not None or (value.dtype.kind == "f" and not hasattr(initializer, "dtype")):
            value = value.astype(border.dtype_name(dtype))
        self._integer = value.dtype if value.dtype.kind in "iu" else INT32
        variable.Variable.__init__(self, value, name=name or unique("variable"), trainable=trainable)

    @property
    def name(self) -> str:
        """The name without the layer's name, which is part of ``path``."""
        return self.path.rpartition("/")[2]

    @name.setter
    def name(self, value: str) -> None:
        self.path = value

    @property
    def value(self) -> Tensor:
        """The current value."""
        return made(self.read(), self._integer)

    def read_value(self) -> Tensor:
        """Return the current value."""
        return self.value

    def __repr__(self) -> str:
        value = self.leaf.value
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={value}>"

    __str__ = __repr__


NEVER_DEFERRED.add(Variable)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and jitgrad, like ``keras.utils.set_random_seed``."""
    import random as python

    python.seed(seed)
    np.random.seed(seed)
    random.seed(seed)
