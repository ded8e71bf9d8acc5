"""jitgrad: fit models with gradients, fast, on the CPU."""

from jitgrad import errors, losses, optimizers, random
from jitgrad.ops.elementwise import (
    abs,
    add,
    cos,
    divide,
    equal,
    exp,
    expm1,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    negative,
    not_equal,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    stop_gradient,
    subtract,
    tan,
    tanh,
    where,
)
from jitgrad.tape.function import function, lower
from jitgrad.tape.functions import (
    broadcast_to,
    clip,
    concatenate,
    expand_dims,
    gather,
    logsumexp,
    matmul,
    max,
    mean,
    min,
    reshape,
    squeeze,
    stack,
    sum,
    tensor,
    transpose,
)
from jitgrad.tape.gradient_tape import GradientTape
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import Variable
from jitgrad.training.fit import History, fit

__version__ = "0.1.0"
