"""jitgrad: fit models with gradients, fast, on the CPU.

Fit data with a single call:

* ``fit_table``: regression models and networks for the columns of a table, with standard errors and tests;
* ``curve_fit``: a curve, given as a formula or a function, with the uncertainties of its parameters;
* ``fit_groups``: the same curve for many groups at once.

Build and train networks as in Keras: ``Sequential``, ``Model``, ``layers``, ``losses``, ``metrics``, ``optimizers``,
``callbacks``, ``load_model``.

Compute with arrays and their derivatives:

* ``Variable``, ``tensor`` and the functions of NumPy, from ``abs`` to ``zeros``, with ``linalg``, ``special``, ``stats`` and
  ``random``;
* ``GradientTape`` as in TensorFlow, ``Tensor.backward`` as in PyTorch, and ``grad``, ``jacobian``, ``hessian`` and ``vmap`` as
  in JAX;
* ``function`` compiles a function, ``fit`` runs a whole fitting loop natively, and ``custom_op`` defines an op.

Examples
--------
>>> import jitgrad as jg
>>> float(jg.grad(lambda x: x**3)(2.0))
12.0
"""

import importlib
from typing import TYPE_CHECKING, Any

from jitgrad import platforms

platforms.check()  # before the imports, which would fail on other platforms

# isort: split

from numpy import bool_, float32, float64, int64

from jitgrad import callbacks, curvefit, errors, graph, layers, losses, metrics, optimizers, pictures, random, timeseries
from jitgrad.control_flow import cond, fori_loop, scan, while_loop
from jitgrad.curvefit import curve_fit
from jitgrad.functions import linalg, methods, special, stats
from jitgrad.functions.convolution import convolve, correlate
from jitgrad.functions.create import convert_to_tensor, eye, full, full_like, ones, ones_like, tensor, zeros, zeros_like
from jitgrad.functions.cumulative import cumprod, cumsum, cumulative_prod, cumulative_sum, diff
from jitgrad.functions.diagonals import diag, diagonal, trace, tril, triu
from jitgrad.functions.einsum import einsum
from jitgrad.functions.elementwise import (
    clip,
    copysign,
    deg2rad,
    degrees,
    float_power,
    fmax,
    fmin,
    heaviside,
    logaddexp2,
    nan_to_num,
    rad2deg,
    radians,
    reciprocal,
    round,
    sinc,
)
from jitgrad.functions.extremes import argmax, argmin, max, min, ptp
from jitgrad.functions.faddeeva import voigt_profile
from jitgrad.functions.ignoring_nan import nanmax, nanmean, nanmin, nanprod, nanstd, nansum, nanvar
from jitgrad.functions.joining import append, array_split, column_stack, concatenate, dstack, hstack, split, stack, vstack
from jitgrad.functions.logic import (
    all,
    allclose,
    any,
    count_nonzero,
    isclose,
    isfinite,
    isinf,
    isnan,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    signbit,
)
from jitgrad.functions.piecewise import piecewise, select
from jitgrad.functions.products import cross, dot, inner, kron, matmul, matvec, outer, tensordot, vdot, vecdot, vecmat
from jitgrad.functions.quantiles import median, nanmedian, nanpercentile, nanquantile, percentile, quantile
from jitgrad.functions.ranges import arange, linspace, logspace
from jitgrad.functions.rearranging import flip, fliplr, flipud, pad, repeat, roll, rot90, tile
from jitgrad.functions.reductions import average, mean, prod, std, sum, var
from jitgrad.functions.sampled import digitize, gradient, interp, polyval, searchsorted, trapezoid
from jitgrad.functions.selection import (
    argsort,
    argwhere,
    flatnonzero,
    gather,
    nonzero,
    sort,
    take,
    take_along_axis,
    top_k,
    unique,
)
from jitgrad.functions.shapes import (
    atleast_1d,
    atleast_2d,
    broadcast_arrays,
    broadcast_to,
    expand_dims,
    meshgrid,
    moveaxis,
    ravel,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)
from jitgrad.functions.softmax import log_softmax, logsumexp, softmax
from jitgrad.functions.statistics import bincount, corrcoef, cov
from jitgrad.integrate import solve_ivp
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

__all__ = [
    "GradientTape", "History", "Input", "Model", "Sequential", "Tensor", "Variable", "abs", "add", "all", "allclose", "any",
    "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh", "argmax", "argmin",
    "argsort", "argwhere", "array_split", "atleast_1d", "atleast_2d", "average", "bincount", "bool_", "broadcast_arrays",
    "broadcast_to", "callbacks", "cbrt", "ceil", "check_grads", "clip", "column_stack", "concatenate", "cond",
    "convert_to_tensor", "convolve", "copysign", "corrcoef", "correlate", "cos", "cosh", "count_nonzero", "cov", "cross",
    "cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "curve_fit", "curvefit", "custom_gradient", "custom_op",
    "deg2rad", "degrees", "diag", "diagonal", "diff", "digamma", "digitize", "divide", "dot", "dstack", "einsum", "equal",
    "erf", "erfc", "errors", "exp", "exp2", "expand_dims", "expm1", "eye", "fit", "fit_groups", "fit_table", "flatnonzero",
    "flip", "fliplr", "flipud", "float32", "float64", "float_power", "floor", "floor_divide", "fmax", "fmin", "fori_loop",
    "full", "full_like", "function", "gammaln", "gather", "get_num_threads", "grad", "gradient", "graph", "greater",
    "greater_equal", "heaviside", "hessian", "hstack", "hvp", "hypot", "inner", "int64", "interp", "isclose", "isfinite",
    "isinf", "isnan", "jacfwd", "jacobian", "jacrev", "jvp", "kron", "layers", "less", "less_equal", "linalg", "linspace",
    "load_model", "log", "log1p", "log2", "log10", "log_softmax", "logaddexp", "logaddexp2", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logspace", "logsumexp", "losses", "lower", "matmul", "matvec", "max", "maximum", "mean",
    "median", "meshgrid", "metrics", "min", "minimum", "mod", "moveaxis", "multiply", "multiply_add", "nan_to_num",
    "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar",
    "negative", "no_grad", "nonzero", "not_equal", "ones", "ones_like", "optimizers", "outer", "pad", "percentile",
    "pictures", "piecewise", "plot_model", "polygamma", "polyval", "power", "prod", "ptp", "quantile", "rad2deg", "radians",
    "random", "ravel", "reciprocal", "relu", "repeat", "reshape", "rint", "roll", "rot90", "round", "scan", "searchsorted",
    "select", "set_flush_denormal", "set_num_threads", "sigmoid", "sign", "signbit", "sin", "sinc", "sinh", "softmax",
    "softplus", "solve_ivp", "sort", "special", "split", "sqrt", "square", "squeeze", "stack", "stats", "std", "stop_gradient",
    "subtract", "sum", "swapaxes", "take", "take_along_axis", "tan", "tanh", "tensor", "tensordot", "tile",
    "timeseries", "top_k", "trace", "transpose", "trapezoid", "tril", "triu", "trunc", "unique", "value_and_grad", "var",
    "vdot", "vecdot", "vecmat", "vjp", "vmap", "voigt_profile", "vstack", "where", "while_loop", "zeros", "zeros_like",
]  # fmt: skip

__version__ = "0.2.0"

if TYPE_CHECKING:
    from jitgrad import groupfit
    from jitgrad.groupfit import fit_groups
    from jitgrad.tabular import fit_table

_LATER = {"fit_groups": "jitgrad.groupfit", "fit_table": "jitgrad.tabular", "groupfit": "jitgrad.groupfit"}


def __getattr__(name: str) -> Any:
    """Import modules of tables on first use, because importing polars and narwhals takes longer than all other imports."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_LATER[name])
    globals()[name] = found = module if name == "groupfit" else getattr(module, name)
    return found
