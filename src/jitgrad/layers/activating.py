"""Activations as layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from jitgrad.arguments import nonnegative
from jitgrad.functions.softmax import softmax
from jitgrad.layers import activations
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import ActivationLike, ConstraintLike, InitializerLike, LayerOptions, RegularizerLike
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import minimum, relu, where
from jitgrad.tape.tensor import Tensor


class Activation(Layer):
    """Apply an activation function.

    Parameters
    ----------
    activation : str or callable
        Name of an activation, such as ``"relu"`` (see `jitgrad.layers.activations`), or a function of a Tensor.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    See Also
    --------
    Dense : Accepts an activation as an argument.

    Examples
    --------
    >>> layer = jg.layers.Activation("relu")
    >>> layer([[1.0, -2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[1. 0.]]>
    """

    def __init__(self, activation: ActivationLike, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.activation = activations.get(activation)

    def call(self, x: Any) -> Any:
        """Apply the activation.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        return self.activation(x)


class ReLU(Layer):
    """Rectified linear unit, optionally with a slope, a threshold and an upper bound.

    Parameters
    ----------
    max_value : float, optional
        Upper bound of the result.
    negative_slope : float, default 0.0
        Slope below the threshold.
    threshold : float, default 0.0
        Value from which inputs are passed through.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Notes
    -----
    The result is x if ``x >= threshold`` and ``negative_slope·(x - threshold)`` otherwise, but at most
    `max_value`.

    Examples
    --------
    >>> layer = jg.layers.ReLU(max_value=6.0)
    >>> layer([[-1.0, 2.0, 8.0]])
    <Tensor shape=(1, 3) dtype=float64 [[0. 2. 6.]]>
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        self.max_value = None if max_value is None else nonnegative("max_value", max_value)
        self.negative_slope = nonnegative("negative_slope", negative_slope)
        self.threshold = nonnegative("threshold", threshold)

    def call(self, x: Tensor) -> Tensor:
        """Apply the function to each element.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        if self.threshold == 0 == self.negative_slope:
            y = relu(x)
        else:
            y = where(x >= self.threshold, x, self.negative_slope * (x - self.threshold))
        return y if self.max_value is None else minimum(y, self.max_value)


class LeakyReLU(Layer):
    """Leaky rectified linear unit: x if it is positive, otherwise ``negative_slope·x``.

    Parameters
    ----------
    negative_slope : float, default 0.3
        Slope for negative inputs.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    See Also
    --------
    PReLU : A variant whose slope is fitted.

    Notes
    -----
    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models",
    2013.

    Examples
    --------
    >>> layer = jg.layers.LeakyReLU(0.1)
    >>> layer([[-1.0, 2.0]])
    <Tensor shape=(1, 2) dtype=float64 [[-0.1  2. ]]>
    """

    def __init__(self, negative_slope: float = 0.3, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.negative_slope = nonnegative("negative_slope", negative_slope)

    def call(self, x: Tensor) -> Tensor:
        """Apply the function to each element.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        return activations.leaky_relu(x, self.negative_slope)


class ELU(Layer):
    """Exponential linear unit: x if it is positive, otherwise ``alpha·(exp(x) - 1)``.

    Parameters
    ----------
    alpha : float, default 1.0
        Negative of the limit for large negative inputs.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Notes
    -----
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential
    linear units (ELUs)", 2016.

    Examples
    --------
    >>> layer = jg.layers.ELU()
    >>> np.round(layer([[-1.0, 2.0]]), 3)
    <Tensor shape=(1, 2) dtype=float64 [[-0.632  2.   ]]>
    """

    def __init__(self, alpha: float = 1.0, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.alpha = float(alpha)

    def call(self, x: Tensor) -> Tensor:
        """Apply the function to each element.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        return activations.elu(x, self.alpha)


class PReLU(Layer):
    """Parametric rectified linear unit: x if it is positive, otherwise ``alpha·x`` with a fitted alpha.

    There is one alpha for each element of a row.

    Parameters
    ----------
    alpha_initializer : str or callable, default "zeros"
        Initializer of alpha; see `jitgrad.layers.initializers`.
    alpha_regularizer : str or Regularizer, optional
        Penalty on alpha.
    alpha_constraint : str or Constraint, optional
        Constraint on alpha.
    shared_axes : sequence of int, optional
        Axes along which alpha is shared; the first axis of a row is 1.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    See Also
    --------
    LeakyReLU : A variant with a fixed slope.

    Notes
    -----
    He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015.

    Examples
    --------
    >>> layer = jg.layers.PReLU(alpha_initializer="ones")
    >>> layer([[-1.0, 2.0]]).shape
    (1, 2)
    >>> layer.alpha.shape
    (2,)
    """

    def __init__(
        self,
        alpha_initializer: InitializerLike = "zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: Sequence[int] | None = None,
        **common: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**common)
        self.shared_axes = tuple(shared_axes or ())
        self._bias: dict[str, Any] = {
            "initializer": alpha_initializer,
            "regularizer": alpha_regularizer,
            "constraint": alpha_constraint,
        }

    def build(self, input_shape: Shape) -> None:
        """Create alpha.

        Parameters
        ----------
        input_shape : tuple
            Shape of the inputs with the rows first.
        """
        shape = tuple(1 if n in self.shared_axes else size for n, size in enumerate(input_shape[1:], 1))
        self.alpha = self.add_weight("alpha", shape, **self._bias)

    def call(self, x: Tensor) -> Tensor:
        """Apply the function to each element.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        made: Tensor = where(x > 0, x, self.alpha * x)
        return made


class Softmax(Layer):
    """Softmax: exponentials divided by their sum, so that the results sum to 1.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Axis along which the results sum to 1, or several axes together.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> layer = jg.layers.Softmax()
    >>> np.round(layer([[1.0, 2.0, 3.0]]), 3)
    <Tensor shape=(1, 3) dtype=float64 [[0.09  0.245 0.665]]>
    """

    def __init__(self, axis: int | Sequence[int] = -1, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def call(self, x: Tensor) -> Tensor:
        """Apply the softmax.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        return softmax(x, self.axis)
