"""jitgrad: fit models with gradients, fast, on the CPU."""

from numpy import bool_, float32, float64, int64

from jitgrad import callbacks, curvefit, errors, graph, layers, losses, metrics, optimizers, pictures, random
from jitgrad.curvefit import curve_fit
from jitgrad.functions import linalg, methods
from jitgrad.functions.create import (
    arange,
    convert_to_tensor,
    eye,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from jitgrad.functions.elementwise import (
    clip,
    isfinite,
    isinf,
    isnan,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    nan_to_num,
    reciprocal,
    round,
)
from jitgrad.functions.products import dot, einsum, inner, kron, matmul, outer, tensordot, trace, vdot
from jitgrad.functions.reductions import (
    all,
    any,
    argmax,
    argmin,
    average,
    count_nonzero,
    cumprod,
    cumsum,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    prod,
    ptp,
    softmax,
    std,
    sum,
    var,
)
from jitgrad.functions.selection import argsort, diff, gather, median, sort, take, take_along_axis, top_k
from jitgrad.functions.shapes import (
    append,
    array_split,
    atleast_1d,
    atleast_2d,
    broadcast_arrays,
    broadcast_to,
    concatenate,
    diag,
    diagonal,
    expand_dims,
    flip,
    hstack,
    meshgrid,
    moveaxis,
    pad,
    ravel,
    repeat,
    reshape,
    roll,
    split,
    squeeze,
    stack,
    swapaxes,
    tile,
    transpose,
    tril,
    triu,
    vstack,
)
from jitgrad.functions.special import voigt_profile
from jitgrad.models import Input, Model, Sequential
from jitgrad.ops.elementwise import (
    abs,
    add,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cbrt,
    ceil,
    cos,
    cosh,
    digamma,
    divide,
    equal,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    floor,
    floor_divide,
    gammaln,
    greater,
    greater_equal,
    hypot,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    maximum,
    minimum,
    mod,
    multiply,
    multiply_add,
    negative,
    not_equal,
    polygamma,
    power,
    relu,
    rint,
    sigmoid,
    sign,
    sin,
    sinh,
    softplus,
    sqrt,
    square,
    stop_gradient,
    subtract,
    tan,
    tanh,
    trunc,
    where,
)
from jitgrad.pictures import plot_model
from jitgrad.saving import load_model
from jitgrad.tape.function import function, lower
from jitgrad.tape.gradient_tape import GradientTape
from jitgrad.tape.recording import no_grad
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import Variable
from jitgrad.training.fit import History, fit
from jitgrad.transforms.check import check_grads
from jitgrad.transforms.custom import custom_gradient, custom_op
from jitgrad.transforms.gradients import grad, hvp, jvp, value_and_grad, vjp
from jitgrad.transforms.jacobians import hessian, jacfwd, jacobian, jacrev
from jitgrad.transforms.vmap import vmap
from jitgrad.vm.flush import set_flush_denormal
from jitgrad.vm.threads import get_num_threads, set_num_threads

__version__ = "0.1.0"
