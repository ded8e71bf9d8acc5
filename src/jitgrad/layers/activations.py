"""Activation functions with Keras's names. All except softmax, log_softmax, softmin and glu work element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from jitgrad.arguments import by_name
from jitgrad.functions.joining import split
from jitgrad.functions.softmax import log_softmax, softmax
from jitgrad.layers.rectifiers import celu, elu, gelu, hard_silu, leaky_relu, mish, relu6, selu, silu, sparse_plus, squareplus
from jitgrad.layers.shrinkage import hard_shrink, soft_shrink, tanh_shrink
from jitgrad.layers.squashing import hard_sigmoid, hard_tanh, log_sigmoid, sigmoid, softsign, sparse_sigmoid, tanh
from jitgrad.ops.elementwise import exp, greater_equal, relu
from jitgrad.ops.elementwise import sigmoid as sigmoid_op
from jitgrad.ops.elementwise import softplus as softplus_op
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike

__all__ = [
    "ACTIVATIONS",
    "celu",
    "elu",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "mish",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmin",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "step",
    "tanh",
    "tanh_shrink",
]

Activation: TypeAlias = Callable[[Any], Any]


@public()
def linear(x: ArrayLike) -> Tensor:
    """Return the input.

    Parameters
    ----------
    x : array_like
        Input.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> jg.layers.activations.linear([1.0, -2.0])
    <Tensor shape=(2,) dtype=float64 [ 1. -2.]>
    """
    return as_tensor(x)


@public()
def step(x: ArrayLike) -> Tensor:
    """Compute the unit step: 1 if x is at least 0, otherwise 0. Its derivative is 0.

    Parameters
    ----------
    x : array_like
        Input.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> jg.layers.activations.step([1.0, -2.0])
    <Tensor shape=(2,) dtype=float64 [1. 0.]>
    """
    return greater_equal(x, 0) * 1.0


@public()
def glu(x: ArrayLike, axis: int = -1) -> Tensor:
    """Compute the gated linear unit: the first half of the input times the sigmoid of the second half.

    Parameters
    ----------
    x : array_like
        Input, of even size along `axis`.
    axis : int, default -1
        Axis along which the input is divided into halves.

    Returns
    -------
    Tensor
        Result, half as large along `axis`.

    Notes
    -----
    Dauphin, Fan, Auli and Grangier, "Language modeling with gated convolutional networks", 2017.

    Examples
    --------
    >>> jg.layers.activations.glu([1.0, 2.0, 0.0, 0.0])
    <Tensor shape=(2,) dtype=float64 [0.5 1. ]>
    """
    a, b = split(x, 2, axis)
    return a * sigmoid_op(b)


@public()
def softmin(x: ArrayLike, axis: int = -1) -> Tensor:
    """Compute the softmax of ``-x``.

    Parameters
    ----------
    x : array_like
        Input.
    axis : int, default -1
        Axis along which the results sum to 1.

    Returns
    -------
    Tensor
        Result, of the shape of `x`.

    Examples
    --------
    >>> np.round(jg.layers.activations.softmin([1.0, 2.0, 3.0]), 3)
    <Tensor shape=(3,) dtype=float64 [0.665 0.245 0.09 ]>
    """
    return softmax(-as_tensor(x), axis)


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear, "step": step, "sigmoid": sigmoid, "tanh": tanh, "softplus": softplus_op, "relu": relu,
    "leaky_relu": leaky_relu, "elu": elu, "selu": selu, "gelu": gelu, "silu": silu, "swish": silu, "mish": mish,
    "softmax": softmax, "log_softmax": log_softmax, "exponential": exp, "celu": celu, "relu6": relu6, "hard_tanh": hard_tanh,
    "hard_sigmoid": hard_sigmoid, "hard_silu": hard_silu, "hard_swish": hard_silu, "softsign": softsign,
    "log_sigmoid": log_sigmoid, "tanh_shrink": tanh_shrink, "soft_shrink": soft_shrink, "hard_shrink": hard_shrink,
    "sparse_plus": sparse_plus, "sparse_sigmoid": sparse_sigmoid, "squareplus": squareplus, "glu": glu, "softmin": softmin,
}  # fmt: skip
"""The activations by name."""


def get(activation: str | Activation | None) -> Activation:
    """Return an activation function.

    Parameters
    ----------
    activation : str, callable or None
        Name of an activation (a key of ``ACTIVATIONS``); a function, which is returned unchanged; or None, for
        `linear`.

    Returns
    -------
    callable
        The activation function.

    Raises
    ------
    ArgumentError
        If no activation has this name.

    Examples
    --------
    >>> jg.layers.activations.get("swish") is jg.layers.activations.silu
    True
    """
    if activation is None:
        return linear
    if callable(activation):
        return activation
    return by_name("activation", activation, ACTIVATIONS, also=", or a function")
