"""TensorFlow's names: ``import jitgrad.compat.tensorflow as tf``."""

import importlib
from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import (
    autodiff,
    config,
    constants,
    control,
    data,
    debugging,
    dtypes,
    elementwise,
    errors,
    first_values,
    indexing,
    indices,
    io,
    linalg,
    math,
    nest,
    nn,
    operators,
    ragged,
    random,
    reductions,
    saved_model,
    shapes,
    sparse,
    strings,
    tape,
    train,
    version,
)  # fmt: skip
from jitgrad.compat.tensorflow.constants import *  # noqa: F403
from jitgrad.compat.tensorflow.control import *  # noqa: F403
from jitgrad.compat.tensorflow.debugging import Assert, assert_equal, assert_greater, assert_less, assert_rank
from jitgrad.compat.tensorflow.dtypes import *  # noqa: F403
from jitgrad.compat.tensorflow.elementwise import (
    abs,
    acos,
    acosh,
    add_n,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    clip_by_value,
    cos,
    cosh,
    exp,
    floor,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    negative,
    round,
    sigmoid,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    truediv,
    where,
)  # fmt: skip
from jitgrad.compat.tensorflow.first_values import *  # noqa: F403
from jitgrad.compat.tensorflow.function import function
from jitgrad.compat.tensorflow.indices import *  # noqa: F403
from jitgrad.compat.tensorflow.linear import (
    clip_by_global_norm,
    clip_by_norm,
    einsum,
    norm,
    tensordot,
)  # fmt: skip
from jitgrad.compat.tensorflow.module import Module
from jitgrad.compat.tensorflow.operators import *  # noqa: F403
from jitgrad.compat.tensorflow.printing import print
from jitgrad.compat.tensorflow.ragged import RaggedTensor
from jitgrad.compat.tensorflow.reductions import (
    argmax,
    argmin,
    cumsum,
    reduce_all,
    reduce_any,
    reduce_logsumexp,
    reduce_max,
    reduce_mean,
    reduce_min,
    reduce_prod,
    reduce_sum,
)  # fmt: skip
from jitgrad.compat.tensorflow.scopes import name_scope
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.compat.tensorflow.shapes import *  # noqa: F403
from jitgrad.compat.tensorflow.shapes import slice_ as slice
from jitgrad.compat.tensorflow.sparse import SparseTensor
from jitgrad.compat.tensorflow.spec import TensorSpec
from jitgrad.compat.tensorflow.tape import *  # noqa: F403
from jitgrad.compat.tensorflow.tensor import Tensor
from jitgrad.compat.tensorflow.variable import Variable

newaxis = None
__version__ = version.VERSION

_ELSEWHERE = {
    "keras": "jitgrad.compat.keras",
    "compat": "jitgrad.compat.tensorflow.compat",
    "losses": "jitgrad.compat.keras.losses",
    "metrics": "jitgrad.compat.keras.metrics",
    "optimizers": "jitgrad.compat.keras.optimizers",
    "initializers": "jitgrad.compat.keras.initializers",
}
_TEXTS = "jitgrad does not compute with texts. Use Python's own strings before tensors are made."
_FIRST = "It is TensorFlow 1's. Use import jitgrad.compat.tensorflow.v1 as tf, or jitgrad run with --tf1."
_REASONS = {
    "IndexedSlices": "Gradients are always dense tensors.",
    **dict.fromkeys(["lookup", "feature_column"], _TEXTS),
    **dict.fromkeys(["image", "audio", "signal"], "jitgrad fits tables: it has no functions for images or sound."),
    **dict.fromkeys(["placeholder", "Session", "global_variables_initializer", "get_variable"], _FIRST),
    **dict.fromkeys(["complex", "fft"], "jitgrad does not compute with complex numbers."),
    "distribute": "jitgrad computes on one machine's CPU. Omit the strategy.",
    "summary": "jitgrad writes no logs for TensorBoard. Store metrics in lists, and plot them with matplotlib.",
}
__all__ = [
    *constants.__all__, *control.__all__, *dtypes.__all__, *indices.__all__, *first_values.__all__, *operators.__all__,
    *shapes.__all__, *tape.__all__, "Assert", "Module", "RaggedTensor", "SparseTensor", "Tensor", "TensorShape",
    "TensorSpec", "Variable", "abs", "acos", "acosh", "add_n", "argmax", "argmin", "asin", "asinh", "assert_equal",
    "assert_greater", "assert_less", "assert_rank", "atan", "atan2", "atanh", "autodiff", "clip_by_global_norm",
    "clip_by_norm", "clip_by_value", "config", "cos", "cosh", "cumsum", "data", "debugging", "dtypes", "einsum", "errors",
    "exp", "floor", "function", "io", "linalg", "logical_and", "logical_not", "logical_or", "math", "maximum", "minimum",
    "name_scope", "negative", "nest", "newaxis", "nn", "norm", "print", "ragged", "random", "reduce_all", "reduce_any",
    "reduce_logsumexp", "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "round", "saved_model",
    "sigmoid", "sign", "sin", "sinh", "slice", "sparse", "sqrt", "square", "strings", "tan", "tanh", "tensordot", "train",
    "truediv", "version", "where",
]  # fmt: skip
_missing = missing("tensorflow", __all__, _REASONS)


def __getattr__(name: str) -> Any:
    module = _ELSEWHERE.get(name)
    return _missing(name) if module is None else importlib.import_module(module)


del constants, control, elementwise, indexing, indices, first_values, operators, reductions, shapes, tape
