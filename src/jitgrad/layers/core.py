"""Dense and Embedding layers, and functions as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

import numpy as np

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, IndexingError, ShapeError
from jitgrad.functions import networks
from jitgrad.functions.products import matmul
from jitgrad.functions.selection import gather
from jitgrad.layers import activations
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import ActivationLike, ConstraintLike, InitializerLike, LayerOptions, RegularizerLike
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import less, where
from jitgrad.tape import dtypes
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import checked


class Dense(Layer):
    """A fully connected layer: ``activation(x @ kernel + bias)``.

    Parameters
    ----------
    units : int
        Number of units: the size of the last axis of the result.
    activation : str or callable, optional
        Activation of the result. By default, there is none. See `jitgrad.layers.activations`.
    use_bias : bool, default True
        Whether to add a bias.
    kernel_initializer : str or callable, default "glorot_uniform"
        Initializer of the kernel; see `jitgrad.layers.initializers`.
    bias_initializer : str or callable, default "zeros"
        Initializer of the bias.
    kernel_regularizer : str or Regularizer, optional
        Penalty on the kernel that is added to the loss; see `jitgrad.layers.regularizers`.
    bias_regularizer : str or Regularizer, optional
        Penalty on the bias.
    kernel_constraint : str or Constraint, optional
        Constraint on the kernel that is enforced after each update; see `jitgrad.layers.constraints`.
    bias_constraint : str or Constraint, optional
        Constraint on the bias.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Attributes
    ----------
    kernel : Variable, shape (features, units)
        Weights, once the layer is built.
    bias : Variable, shape (units,)
        Bias, once the layer is built.

    Notes
    -----
    Inputs have shape ``(rows, ..., features)``, results ``(rows, ..., units)``. `Linear` is an alias of
    this class.

    Examples
    --------
    >>> layer = jg.layers.Dense(2, "relu", kernel_initializer="ones")
    >>> layer([[1.0, 2.0, 3.0], [1.0, -2.0, -3.0]])
    <Tensor shape=(2, 2) dtype=float32
    [[6. 6.]
     [0. 0.]]>
    >>> layer.kernel.shape
    (3, 2)
    """

    def __init__(
        self,
        units: int,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        if isinstance(activation, int):
            raise ArgumentError(
                f"Dense({units}, {activation}) has two sizes, as in PyTorch's Linear. Give only the size of the result, "
                f"Dense({activation}): the layer determines the size of its inputs when it is first called."
            )
        self.units = count("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._kernel: dict[str, Any] = {
            "initializer": kernel_initializer,
            "regularizer": kernel_regularizer,
            "constraint": kernel_constraint,
        }
        self._bias: dict[str, Any] = {
            "initializer": bias_initializer,
            "regularizer": bias_regularizer,
            "constraint": bias_constraint,
        }

    def fits(self, shape: Shape) -> bool:
        """Return whether the last axis of a row has the size for which the layer was built.

        Parameters
        ----------
        shape : tuple
            Shape of a row.

        Returns
        -------
        bool
            Whether the layer accepts it.
        """
        return shape[-1:] == (self.input_shape or ())[-1:]

    def build(self, input_shape: Shape) -> None:
        """Create the kernel and the bias.

        Parameters
        ----------
        input_shape : tuple
            Shape of the inputs with the rows first.
        """
        if len(input_shape) < 2:
            raise ShapeError(
                f"Layer {self.name!r} is called with shape {input_shape}. Give an array of shape (rows, features)."
            )
        self.kernel = self.add_weight("kernel", (input_shape[-1], self.units), **self._kernel)
        if self.use_bias:
            self.bias = self.add_weight("bias", (self.units,), **self._bias)

    def call(self, x: Any) -> Any:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor, shape (rows, ..., features)
            Inputs.

        Returns
        -------
        Tensor, shape (rows, ..., units)
            Result.
        """
        return self.activation(networks.linear(x, self.kernel, self.bias) if self.use_bias else matmul(x, self.kernel))


class Identity(Layer):
    """Return the input unchanged.

    Parameters
    ----------
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.Identity()([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 2.]]>
    """

    def __init__(self, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)

    def call(self, x: Any) -> Any:
        """Return the input.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            The input.
        """
        return x


class Lambda(Layer):
    """Apply a function as a layer.

    Variables that the function refers to are not found, fitted or saved. A model with a Lambda can be saved
    if the function has a name. Pass the function to ``load_model`` in ``custom_objects`` under this name. A
    lambda expression has no name.

    Parameters
    ----------
    function : callable
        Function of the input.
    arguments : mapping of str to object, optional
        Further arguments of the function, by name.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Raises
    ------
    ArgumentError
        If `function` is not callable.

    See Also
    --------
    Layer : Base class for layers with weights.

    Examples
    --------
    >>> layer = jg.layers.Lambda(jg.square)
    >>> layer([[1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 4.]]>
    """

    def __init__(
        self, function: Callable[..., Any], arguments: Mapping[str, Any] | None = None, **common: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**common)
        if not callable(function):
            raise ArgumentError(f"The function of Lambda is {function!r}. Give a function of the input.")
        self.function, self._options = function, dict(arguments or {})

    def call(self, x: Any) -> Any:
        """Call the function.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result of the function.
        """
        return self.function(x, **self._options)


class Embedding(Layer):
    """Look up a vector for each integer.

    Parameters
    ----------
    input_dim : int
        Number of vectors. Inputs are integers from 0 to ``input_dim - 1``.
    output_dim : int
        Size of the vectors.
    embeddings_initializer : str or callable, default "uniform"
        Initializer of the vectors.
    embeddings_regularizer : str or Regularizer, optional
        Penalty on the vectors.
    embeddings_constraint : str or Constraint, optional
        Constraint on the vectors.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Attributes
    ----------
    embeddings : Variable, shape (input_dim, output_dim)
        The vectors, once the layer is built.

    Raises
    ------
    IndexingError
        If the layer is called on values that are not integers in this range.

    Notes
    -----
    Inputs have shape ``(rows, ...)``, results ``(rows, ..., output_dim)``.

    Examples
    --------
    >>> layer = jg.layers.Embedding(5, 3)
    >>> layer([[0, 4], [1, 1]]).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        self.input_dim, self.output_dim = count("input_dim", input_dim), count("output_dim", output_dim)
        self._options: dict[str, Any] = {
            "initializer": embeddings_initializer,
            "regularizer": embeddings_regularizer,
            "constraint": embeddings_constraint,
        }

    @property
    def input_dtype(self) -> np.dtype[Any]:
        """The dtype of the inputs, int64."""
        return np.dtype(np.int64)

    def fits(self, shape: Shape) -> bool:
        """Return True: rows of any shape are accepted.

        Parameters
        ----------
        shape : tuple
            Shape of a row.

        Returns
        -------
        bool
            Whether the layer accepts it.
        """
        return True

    def build(self, input_shape: Shape) -> None:
        """Create the vectors.

        Parameters
        ----------
        input_shape : tuple
            Shape of the inputs with the rows first.
        """
        self.embeddings = self.add_weight("embeddings", (self.input_dim, self.output_dim), **self._options)

    def call(self, x: Any) -> Tensor:
        """Look up the vectors.

        Parameters
        ----------
        x : Tensor of int, shape (rows, ...)
            Indices.

        Returns
        -------
        Tensor, shape (rows, ..., output_dim)
            Vectors.
        """
        places = as_tensor(x)
        if places.level != dtypes.INTEGER:
            raise IndexingError(
                f"Layer {self.name!r} takes integers from 0 to {self.input_dim - 1}, but the input has dtype {places.dtype}. "
                f'Convert them first, for example with .astype("int64"), and pass dtype="int64" to Input.'
            )
        if not checked(places, self._check, f"The input of layer {self.name!r}"):
            places = where(less(places, 0), self.input_dim, places)  # computed: an index out of range gives nan
        return gather(self.embeddings, places)

    def _check(self, name: str, places: np.ndarray) -> None:
        found = np.argwhere((places < 0) | (places >= self.input_dim))
        if len(found):
            row = f" in row {found[0][0]}" if places.ndim else ""
            raise IndexingError(
                f"{name} has {places[tuple(found[0])]}{row}, but Embedding {self.name!r} has vectors for 0 to "
                f"{self.input_dim - 1}. Correct it, or make input_dim larger."
            )
