"""PyTorch's interface on top of jitgrad: ``import jitgrad.compat.torch as torch``."""

# ruff: noqa: I001  (names in rows)
# fmt: off
from math import e, inf, nan, pi
from jitgrad.compat.modules import missing
from jitgrad.compat.torch import (
    accelerator, autograd, backends, cuda, func, linalg, nn, optim, random, return_types, special, utils,
)
from jitgrad.compat.torch import inplace as _inplace  # noqa: F401  (it puts methods on Tensor)
from jitgrad.compat.torch import methods as _methods  # noqa: F401  (it puts methods on Tensor)
from jitgrad.compat.torch import views as _views  # noqa: F401  (it puts methods on Tensor)
from jitgrad.compat.torch.activations import softmax, log_softmax, relu_, celu, selu, prelu, threshold, hardshrink
from jitgrad.compat.torch.assembled import block_diag, cartesian_prod, combinations, diag_embed, meshgrid, vander
from jitgrad.compat.torch.conversions import (
    BoolTensor, ByteTensor, DoubleTensor, FloatTensor, IntTensor, LongTensor, is_complex, is_floating_point, is_nonzero,
    is_tensor,
)
from jitgrad.compat.torch.creation import (
    arange, empty, empty_like, eye, full, full_like, linspace, logspace, ones, ones_like, scalar_tensor, tensor, tril_indices,
    triu_indices, zeros, zeros_like,
)
from jitgrad.compat.torch.device import device
from jitgrad.compat.torch.dtypes import (
    dtype, finfo, float32, float64, get_default_dtype, iinfo, int8, int16, int32, int64, promote_types, set_default_dtype,
    uint8,
)
from jitgrad.compat.torch.func import vmap
from jitgrad.compat.torch.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from jitgrad.compat.torch.indexing import (
    argsort, argwhere, bucketize, diff, gather, index_add, index_copy, index_fill, index_select, isin, masked_fill,
    masked_select, msort, nonzero, scatter, scatter_add, searchsorted, sort, take, take_along_dim, topk, unique,
    unique_consecutive,
)
from jitgrad.compat.torch.layers import (
    batch_norm, bilinear, cdist, cosine_similarity, dropout, embedding, group_norm, layer_norm, pairwise_distance, rms_norm,
)
from jitgrad.compat.torch.linalg import cholesky, det, qr, slogdet, matrix_power
from jitgrad.compat.torch.pointwise import (
    abs, absolute, acos, acosh, add, addcdiv, addcmul, allclose, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh,
    asin, asinh, atan, atan2, atanh, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor,
    ceil, clamp, clip, copysign, cos, cosh, deg2rad, digamma, div, eq, equal, erf, erfc, exp, exp2, expm1, fix, float_power,
    floor, floor_divide, fmax, fmin, fmod, frac, ge, greater, greater_equal, gt, heaviside, hypot, isclose, isfinite, isinf,
    isnan, le, lerp, less, less_equal, lgamma, log, log10, log1p, log2, logaddexp, logaddexp2, logical_and, logical_not,
    logical_or, logical_xor, logit, lt, maximum, minimum, mul, nan_to_num, ne, neg, negative, not_equal, polygamma, positive,
    pow, rad2deg, reciprocal, relu, remainder, round, rsqrt, rsub, sgn, sigmoid, sign, signbit, sin, sinc, sinh, sqrt, square,
    sub, tan, tanh, trunc, where, xlogy,
)
from jitgrad.compat.torch.printing import set_printoptions
from jitgrad.compat.torch.products import (
    addmm, addmv, baddbmm, bmm, cross, dot, einsum, ger, inner, kron, matmul, mm, mv, outer, tensordot, vdot,
)
from jitgrad.compat.torch.promotion import result_type
from jitgrad.compat.torch.random import (
    Generator, bernoulli, get_rng_state, initial_seed, manual_seed, multinomial, normal, rand, rand_like, randint, randn,
    randn_like, randperm, seed, set_rng_state,
)
from jitgrad.compat.torch.reductions import (
    all, amax, amin, aminmax, any, argmax, argmin, count_nonzero, cummax, cummin, cumprod, cumsum, dist, logsumexp, max, mean,
    min, norm, prod, std, std_mean, sum, var, var_mean,
)
from jitgrad.compat.torch.shapes import (
    atleast_1d, atleast_2d, atleast_3d, broadcast_tensors, broadcast_to, cat, chunk, clone,
    column_stack, concat, concatenate, diag, diagonal, dstack, flatten, flip, fliplr, flipud, hstack,
    moveaxis, movedim, narrow, numel, permute, ravel, repeat_interleave, reshape, roll, rot90, row_stack, select,
    split, squeeze, stack, swapaxes, swapdims, t, tensor_split, tile, trace, transpose, tril, triu, unbind, unflatten,
    unsqueeze, vstack,
)
from jitgrad.compat.torch.settings import (
    are_deterministic_algorithms_enabled, compile, get_float32_matmul_precision, set_float32_matmul_precision,
    use_deterministic_algorithms,
)
from jitgrad.compat.torch.special import erfinv, i0
from jitgrad.compat.torch.shared import as_tensor, from_numpy
from jitgrad.compat.torch.inplace import (
    abs_, ceil_, clamp_, cos_, erf_, exp_, expm1_, floor_, log_, log1p_, neg_, reciprocal_, round_, rsqrt_, sigmoid_, sin_,
    sqrt_, square_, tan_, tanh_, trunc_,
)
from jitgrad.compat.torch.statistics import (
    bincount, corrcoef, cov, cumulative_trapezoid, gradient, histc, kthvalue, median, mode, nanmean, nanmedian, nanquantile,
    nansum, quantile, trapezoid, trapz,
)
from jitgrad.compat.torch.size import Size
from jitgrad.compat.torch.tensor import Tensor
from jitgrad.compat.torch.dtypes import bool_ as bool
from jitgrad.compat.torch.dtypes import float32 as float
from jitgrad.compat.torch.dtypes import float64 as double
from jitgrad.compat.torch.dtypes import int16 as short
from jitgrad.compat.torch.dtypes import int32 as int
from jitgrad.compat.torch.dtypes import int64 as long
from jitgrad.compat.torch.linalg import inv as inverse
from jitgrad.compat.torch.linalg import old_svd as svd
from jitgrad.compat.torch.linalg import pinv as pinverse
from jitgrad.compat.torch.serialization import load, save
from jitgrad.vm.threads import get_num_threads, set_num_threads
# fmt: on

divide = true_divide = div
multiply = mul
subtract = sub
newaxis = None
__version__ = "2.13.0"  # the version that these names are from

__all__ = [
    "BoolTensor", "ByteTensor", "DoubleTensor", "FloatTensor", "Generator", "IntTensor", "LongTensor", "Size", "Tensor", "abs",
    "abs_", "absolute", "accelerator", "acos", "acosh", "add", "addcdiv", "addcmul", "addmm", "addmv", "all", "allclose",
    "amax", "amin", "aminmax", "any", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "are_deterministic_algorithms_enabled", "argmax", "argmin", "argsort", "argwhere", "as_tensor", "asin", "asinh", "atan",
    "atan2", "atanh", "atleast_1d", "atleast_2d", "atleast_3d", "autograd", "backends", "baddbmm", "batch_norm", "bernoulli",
    "bilinear", "bincount", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "block_diag", "bmm", "bool", "broadcast_tensors", "broadcast_to", "bucketize", "cartesian_prod", "cat",
    "cdist", "ceil", "ceil_", "celu", "cholesky", "chunk", "clamp", "clamp_", "clip", "clone", "column_stack", "combinations",
    "compile", "concat", "concatenate", "copysign", "corrcoef", "cos", "cos_", "cosh", "cosine_similarity", "count_nonzero",
    "cov", "cross", "cuda", "cummax", "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "deg2rad", "det", "device", "diag",
    "diag_embed", "diagonal", "diff", "digamma", "dist", "div", "divide", "dot", "double", "dropout", "dstack", "dtype", "e",
    "einsum", "embedding", "empty", "empty_like", "enable_grad", "eq", "equal", "erf", "erf_", "erfc", "erfinv", "exp", "exp2",
    "exp_", "expm1", "expm1_", "eye", "finfo", "fix", "flatten", "flip", "fliplr", "flipud", "float", "float32", "float64",
    "float_power", "floor", "floor_", "floor_divide", "fmax", "fmin", "fmod", "frac", "from_numpy", "full", "full_like", "func",
    "gather", "ge", "ger", "get_default_dtype", "get_float32_matmul_precision", "get_num_threads", "get_rng_state", "gradient",
    "greater", "greater_equal", "group_norm", "gt", "hardshrink", "heaviside", "histc", "hstack", "hypot", "i0", "iinfo",
    "index_add", "index_copy", "index_fill", "index_select", "inf", "inference_mode", "initial_seed", "inner", "int", "int8",
    "int16", "int32", "int64", "inverse", "is_complex", "is_floating_point", "is_grad_enabled", "is_nonzero", "is_tensor",
    "isclose", "isfinite", "isin", "isinf", "isnan", "kron", "kthvalue", "layer_norm", "le", "lerp", "less", "less_equal",
    "lgamma", "linalg", "linspace", "load", "log", "log1p", "log1p_", "log2", "log10", "log_", "log_softmax", "logaddexp",
    "logaddexp2", "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "logspace", "logsumexp", "long", "lt",
    "manual_seed", "masked_fill", "masked_select", "matmul", "matrix_power", "max", "maximum", "mean", "median", "meshgrid",
    "min", "minimum", "mm", "mode", "moveaxis", "movedim", "msort", "mul", "multinomial", "multiply", "mv", "nan", "nan_to_num",
    "nanmean", "nanmedian", "nanquantile", "nansum", "narrow", "ne", "neg", "neg_", "negative", "newaxis", "nn", "no_grad",
    "nonzero", "norm", "normal", "not_equal", "numel", "ones", "ones_like", "optim", "outer", "pairwise_distance", "permute",
    "pi", "pinverse", "polygamma", "positive", "pow", "prelu", "prod", "promote_types", "qr", "quantile", "rad2deg", "rand",
    "rand_like", "randint", "randn", "randn_like", "random", "randperm", "ravel", "reciprocal", "reciprocal_", "relu", "relu_",
    "remainder", "repeat_interleave", "reshape", "result_type", "return_types", "rms_norm", "roll", "rot90", "round", "round_",
    "row_stack", "rsqrt", "rsqrt_", "rsub", "save", "scalar_tensor", "scatter", "scatter_add", "searchsorted", "seed", "select",
    "selu", "set_default_dtype", "set_float32_matmul_precision", "set_grad_enabled", "set_num_threads", "set_printoptions",
    "set_rng_state", "sgn", "short", "sigmoid", "sigmoid_", "sign", "signbit", "sin", "sin_", "sinc", "sinh", "slogdet",
    "softmax", "sort", "special", "split", "sqrt", "sqrt_", "square", "square_", "squeeze", "stack", "std", "std_mean", "sub",
    "subtract", "sum", "svd", "swapaxes", "swapdims", "t", "take", "take_along_dim", "tan", "tan_", "tanh", "tanh_", "tensor",
    "tensor_split", "tensordot", "threshold", "tile", "topk", "trace", "transpose", "trapezoid", "trapz", "tril",
    "tril_indices", "triu", "triu_indices", "true_divide", "trunc", "trunc_", "uint8", "unbind", "unflatten", "unique",
    "unique_consecutive", "unsqueeze", "use_deterministic_algorithms", "utils", "vander", "var", "var_mean", "vdot", "vmap",
    "vstack", "where", "xlogy", "zeros", "zeros_like",
]  # fmt: skip
_PRECISION = "jitgrad computes with float32 and float64. Use one of them."
_COMPLEX = "jitgrad has no complex numbers. Compute with real and imaginary parts."
_IMAGES = "jitgrad is for tables: it has no convolutions. Use nn.Linear."
__getattr__ = missing(
    "torch",
    __all__,
    {
        **dict.fromkeys(["float16", "half", "bfloat16", "float8_e4m3fn", "float8_e5m2", "HalfTensor"], _PRECISION),
        **dict.fromkeys(["complex64", "complex128", "cfloat", "cdouble", "complex", "polar", "view_as_real", "fft"], _COMPLEX),
        **dict.fromkeys(["conv1d", "conv2d", "conv3d"], _IMAGES),
        "amp": _PRECISION,
        "autocast": _PRECISION,
        "distributions": "jitgrad.stats has log-densities, and torch.randn and similar functions draw random numbers.",
        "hub": "jitgrad cannot load models of other libraries. Use torch.load for files of torch.save.",
        "jit": "jitgrad records and compiles by itself. Call the module or function as it is.",
        "onnx": "jitgrad writes safetensors. Use torch.save(model.state_dict(), path).",
    },
)
