"""jitgrad: fit models with gradients, fast, on the CPU."""

from typing import TYPE_CHECKING, Any

from numpy import bool_, float32, float64, int64

from jitgrad import callbacks, curvefit, errors, graph, layers, losses, metrics, optimizers, pictures, random
from jitgrad.curvefit import curve_fit
from jitgrad.functions import linalg, methods, special, stats
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
    copysign,
    deg2rad,
    degrees,
    float_power,
    fmax,
    fmin,
    heaviside,
    isclose,
    isfinite,
    isinf,
    isnan,
    logaddexp2,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    nan_to_num,
    rad2deg,
    radians,
    reciprocal,
    round,
    signbit,
    sinc,
)
from jitgrad.functions.products import (
    cross,
    dot,
    einsum,
    inner,
    kron,
    matmul,
    matvec,
    outer,
    tensordot,
    trace,
    vdot,
    vecdot,
    vecmat,
)
from jitgrad.functions.reductions import (
    all,
    allclose,
    any,
    argmax,
    argmin,
    average,
    count_nonzero,
    cumprod,
    cumsum,
    cumulative_prod,
    cumulative_sum,
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
from jitgrad.functions.sampled import (
    convolve,
    correlate,
    digitize,
    gradient,
    interp,
    piecewise,
    polyval,
    searchsorted,
    select,
    trapezoid,
)
from jitgrad.functions.selection import (
    argsort,
    argwhere,
    diff,
    flatnonzero,
    gather,
    median,
    nonzero,
    sort,
    take,
    take_along_axis,
    top_k,
    unique,
)
from jitgrad.functions.shapes import (
    append,
    array_split,
    atleast_1d,
    atleast_2d,
    broadcast_arrays,
    broadcast_to,
    column_stack,
    concatenate,
    diag,
    diagonal,
    dstack,
    expand_dims,
    flip,
    fliplr,
    flipud,
    hstack,
    meshgrid,
    moveaxis,
    pad,
    ravel,
    repeat,
    reshape,
    roll,
    rot90,
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
from jitgrad.functions.statistics import (
    bincount,
    corrcoef,
    cov,
    nanmax,
    nanmean,
    nanmedian,
    nanmin,
    nanpercentile,
    nanprod,
    nanquantile,
    nanstd,
    nansum,
    nanvar,
    percentile,
    quantile,
)
from jitgrad.groupfit import fit_groups
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

if TYPE_CHECKING:
    from jitgrad.tabular import fit_table


def __getattr__(name: str) -> Any:
    """``fit_table`` where it is asked for: polars takes longer to import than all the rest."""
    if name == "fit_table":
        from jitgrad.tabular import fit_table

        globals()[name] = fit_table
        return fit_table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
