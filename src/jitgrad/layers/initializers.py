"""Initializers of weights: functions of a shape and a random number generator.

The numbers of inputs and outputs of a weight are counted as in Keras: for a matrix, they are the numbers of rows
and columns; with more axes, they are the sizes of the last two axes times the product of the remaining sizes.
Names such as ``"glorot_uniform"``, ``"he_normal"`` and ``"lecun_normal"`` stand for `variance_scaling` with the
corresponding arguments. ``"fan_in_uniform"``, which is uniform between ±1/√n for n inputs, is the initializer of
PyTorch's linear layers.

Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010;
He, Zhang, Ren and Sun, "Delving deep into rectifiers", 2015; LeCun, Bottou, Orr and
Müller, "Efficient backprop", 1998; Saxe, McClelland and Ganguli, "Exact solutions to the
nonlinear dynamics of learning in deep linear neural networks", 2014.
"""

from __future__ import annotations

import functools

from jitgrad.arguments import by_name
from jitgrad.layers.initializer_functions import (
    Initializer,
    identity,
    normal,
    ones,
    orthogonal,
    truncated_normal,
    uniform,
    variance_scaling,
    zeros,
)
from jitgrad.layers.initializer_objects import (
    Constant,
    IdentityMatrix,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)

__all__ = [
    "INITIALIZERS",
    "Constant",
    "IdentityMatrix",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "get",
    "identity",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "zeros",
]

INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform,
    "normal": normal,
    "truncated_normal": truncated_normal,
    "orthogonal": orthogonal,
    "identity": identity,
    **{
        f"{name}_{kind}": functools.partial(variance_scaling, scale=scale, mode=mode, kind=kind)
        for name, scale, mode in (("glorot", 1.0, "mean"), ("he", 2.0, "in"), ("lecun", 1.0, "in"))
        for kind in ("uniform", "normal")
    },
    "fan_in_uniform": functools.partial(variance_scaling, scale=1 / 3, mode="in", kind="uniform"),
}
"""The initializers by name."""


def get(initializer: str | Initializer) -> Initializer:
    """Return an initializer.

    Parameters
    ----------
    initializer : str or callable
        Name of an initializer (a key of ``INITIALIZERS``); or a function of a shape and a generator, which is
        returned unchanged.

    Returns
    -------
    callable
        The initializer.

    Raises
    ------
    ArgumentError
        If no initializer has this name.

    Examples
    --------
    >>> jg.layers.initializers.get("zeros") is jg.layers.initializers.zeros
    True
    """
    if callable(initializer):
        return initializer
    return by_name("initializer", initializer, INITIALIZERS, also=", or a function of shape and generator")
