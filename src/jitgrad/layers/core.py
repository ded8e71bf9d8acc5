"""Dense and Embedding layers, and functions as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, IndexingError, ShapeError
from jitgrad.functions import networks
from jitgrad.functions.products import matmul
from jitgrad.functions.selection import gather
from jitgrad.layers import activations
from jitgrad.layers.layer import Layer
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import less, where
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import checked


class Dense(Layer):
    """``activation(x @ kernel + bias)`` over the last axis.

    Args:
        units: the size of the result's last axis.
        activation: a name or a function; linear by default.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: names or functions of a shape and a generator.
        kernel_regularizer, bias_regularizer: penalties, see ``layers.regularizers``.
        kernel_constraint, bias_constraint: see ``layers.constraints``.
        name, dtype, trainable: as every layer's.
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if isinstance(activation, int):
            raise ArgumentError(
                f"Dense({units}, {activation}) is given two sizes, as PyTorch's Linear takes them. Give that of the result "
                f"alone, Dense({activation}): the layer finds that of its inputs when it is first called."
            )
        self.units = count("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._kernel = {"initializer": kernel_initializer, "regularizer": kernel_regularizer, "constraint": kernel_constraint}
        self._bias = {"initializer": bias_initializer, "regularizer": bias_regularizer, "constraint": bias_constraint}

    def fits(self, shape: Shape) -> bool:
        return shape[-1:] == (self.input_shape or ())[-1:]

    def build(self, input_shape: Shape) -> None:
        if len(input_shape) < 2:
            raise ShapeError(f"Layer {self.name!r} gets shape {input_shape}. Give rows of features, (rows, features).")
        self.kernel = self.add_weight("kernel", (input_shape[-1], self.units), **self._kernel)
        if self.use_bias:
            self.bias = self.add_weight("bias", (self.units,), **self._bias)

    def call(self, x: Any) -> Any:
        return self.activation(networks.linear(x, self.kernel, self.bias) if self.use_bias else matmul(x, self.kernel))


class Identity(Layer):
    """Its input itself."""

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)

    def call(self, x: Any) -> Any:
        return x


class Lambda(Layer):
    """A function as a layer.

    Variables that the function closes over are not found, not fitted and not saved. A model with a Lambda can be saved where
    the function has a name, under which ``load_model`` is given it again; a lambda has none.

    Args:
        function: of the input.
        arguments: further ones, by name.
    """

    def __init__(self, function: Callable[..., Any], arguments: Mapping[str, Any] | None = None, **common: Any) -> None:
        super().__init__(**common)
        if not callable(function):
            raise ArgumentError(f"Lambda is given {function!r}. Give a function of the input.")
        self.function, self._options = function, dict(arguments or {})

    def call(self, x: Any) -> Any:
        return self.function(x, **self._options)


class Embedding(Layer):
    """A vector for each integer from 0 on and below ``input_dim``: shape (…) to (…, output_dim)."""

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.input_dim, self.output_dim = count("input_dim", input_dim), count("output_dim", output_dim)
        self._options = {
            "initializer": embeddings_initializer,
            "regularizer": embeddings_regularizer,
            "constraint": embeddings_constraint,
        }

    @property
    def input_dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int64)

    def fits(self, shape: Shape) -> bool:
        return True

    def build(self, input_shape: Shape) -> None:
        self.embeddings = self.add_weight("embeddings", (self.input_dim, self.output_dim), **self._options)

    def call(self, x: Any) -> Tensor:
        places = as_tensor(x)
        if places.level != dtypes.INTEGER:
            raise IndexingError(
                f"Layer {self.name!r} takes integers from 0 to {self.input_dim - 1} and gets {places.dtype}. "
                f'Convert them first, for example with .astype("int64"), and give Input dtype="int64".'
            )
        if not checked(places, self._check, f"The input of layer {self.name!r}"):
            places = where(less(places, 0), self.input_dim, places)  # computed: a row that is not there is nan
        return gather(self.embeddings, places)

    def _check(self, name: str, places: np.ndarray) -> None:
        found = np.argwhere((places < 0) | (places >= self.input_dim))
        if len(found):
            row = f" in row {found[0][0]}" if places.ndim else ""
            raise IndexingError(
                f"{name} has {places[tuple(found[0])]}{row}, and Embedding {self.name!r} has vectors for 0 to "
                f"{self.input_dim - 1}. Correct it, or make input_dim larger."
            )
