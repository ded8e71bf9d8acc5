"""Dense, Embedding, Lambda and the input layer."""

from __future__ import annotations

from typing import Any

from jitgrad import layers as library
from jitgrad.compat.keras import activations, constraints, initializers, regularizers
from jitgrad.compat.keras.border import bordered
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.errors import ArgumentError
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor, cast


def weight_options(initializer: Any, regularizer: Any, constraint: Any) -> tuple[Any, Any, Any]:
    """Return the library's arguments for the initializer, regularizer and constraint of a weight."""
    return initializers.plain(initializer), regularizers.get(regularizer), constraints.get(constraint)


class Dense(Layer, library.Dense):
    """Compute ``activation(inputs @ kernel + bias)``."""

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        kernel = weight_options(kernel_initializer, kernel_regularizer, kernel_constraint)
        bias = weight_options(bias_initializer, bias_regularizer, bias_constraint)
        super().__init__(
            units, activations.plain(activation), use_bias, kernel[0], bias[0], kernel[1], bias[1], kernel[2], bias[2],
            activity_regularizer=activity_regularizer, **kwargs,
        )  # fmt: skip


class Embedding(Layer, library.Embedding):
    """Look up a vector for each integer below ``input_dim``; floats are truncated to integers, as in Keras."""

    def __init__(
        self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform", embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None, mask_zero: bool = False, input_length: int | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        if mask_zero:
            raise ArgumentError("Embedding: mask_zero is for sequences, which jitgrad does not support. Omit it.")
        super().__init__(
            input_dim,
            output_dim,
            *weight_options(embeddings_initializer, embeddings_regularizer, embeddings_constraint),
            **kwargs,
        )

    def call(self, x: Tensor) -> Tensor:
        return super().call(x if x.level <= dtypes.INTEGER else cast(x, dtypes.INTEGER))


class Identity(Layer, library.Identity):
    """Return the inputs unchanged."""


class ActivityRegularization(Layer, library.Identity):
    """Return the inputs unchanged, and add an activity penalty to the loss."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1, l2), **kwargs)


class Lambda(Layer, library.Lambda):
    """A layer that applies a function."""

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: dict[str, Any] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(bordered(function), arguments, **kwargs)


class InputLayer(Layer, library.Identity):
    """A layer that represents the inputs of a model."""

    def __init__(self, shape: Any = None, input_tensor: Any = None, **kwargs: Any) -> None:
        if shape is not None:
            kwargs["input_shape"] = tuple(shape)
        super().__init__(**kwargs)
        self._symbol = input_tensor

    @property
    def output(self) -> Any:
        """The symbol for the inputs."""
        return self._symbol

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"batch_shape": (None, *(self.declared_shape or ())), "dtype": str(self.dtype), "name": self.name}
