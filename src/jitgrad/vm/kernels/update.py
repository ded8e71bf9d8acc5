"""Updates in place of optimizers and constraints: an element of the parameter ``p``, of its gradient ``g`` and of slots.

Each is a function of ``Value``, see ``compiler/emitter.py``, and returns the new values. ``h`` has the hyperparameters, ``s``
numbers of a step. The formulas are Keras's. Momentum: Sutskever et al., "On the importance of initialization and momentum in
deep learning", 2013. Adam: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, with the bias correction in the
step size.
"""

from __future__ import annotations

from collections.abc import Sequence

from jitgrad.vm.compiler.emitter import Value
from jitgrad.vm.kernels.mathfun import sqrt, where

Numbers = Sequence[Value]
Changed = dict[str, Value]


def sgd(p: Value, g: Value, h: Numbers) -> Changed:
    return {"p": p - h[0] * g}


def momentum(p: Value, v: Value, g: Value, h: Numbers) -> Changed:
    lr, mu = h
    step = mu * v - lr * g
    return {"v": step, "p": p + step}


def nesterov(p: Value, v: Value, g: Value, h: Numbers) -> Changed:
    lr, mu = h
    step = mu * v - lr * g
    return {"v": step, "p": p + (mu * step - lr * g)}


def adam_rate(s: Numbers, h: Numbers) -> dict[str, Numbers]:
    """Update at ``s``, once per step, the powers of beta_1 and beta_2 and the bias-corrected step size."""
    first, second = s[0] * h[1], s[1] * h[2]
    return {"s": (first, second, h[0] * sqrt(1 - second) / (1 - first))}


def adam(p: Value, m: Value, v: Value, s: Numbers, g: Value, h: Numbers) -> Changed:
    first = m + (1 - h[1]) * (g - m)
    second = v + (1 - h[2]) * (g * g - v)
    return {"m": first, "v": second, "p": p - s[2] * first / (sqrt(second) + h[3])}


def nonnegative(p: Value) -> Changed:
    """Set negative elements to 0."""
    return {"p": where(p < 0, 0, p)}
