"""TensorFlow 2's functions in a graph, with TensorFlow 1's arguments and names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

from jitgrad.compat.tensorflow.v1.staging import staged

_RENAMED = {
    "keep_dims": "keepdims", "reduction_indices": "axis", "dimension": "axis", "dim": "axis", "squeeze_dims": "axis",
    "input_tensor": "input",
}  # fmt: skip
_TYPES = {
    "gather": "GatherV2", "top_k": "TopKV2",
    "add": "Add", "argmax": "ArgMax", "argmin": "ArgMin", "concat": "concat", "divide": "truediv", "clip_by_value":
    "clip_by_value", "matmul": "MatMul", "moments": "moments", "multiply": "Mul", "negative": "Neg", "norm": "norm",
    "one_hot": "one_hot", "ones": "ones", "ones_like": "ones_like", "sigmoid_cross_entropy_with_logits": "logistic_loss",
    "split": "split", "softmax_cross_entropy_with_logits": "softmax_cross_entropy_with_logits", "squared_difference":
    "SquaredDifference", "stack": "stack", "subtract": "Sub", "transpose": "transpose", "truediv": "truediv", "unstack":
    "unstack", "zeros": "zeros", "zeros_like": "zeros_like", "range": "range",
}  # fmt: skip


def type_of(name: str) -> str:
    """Return TensorFlow's name for the operation that a function creates."""
    plain = name.removeprefix("reduce_")
    return _TYPES.get(name) or "".join(part[:1].upper() + part[1:] for part in plain.split("_"))


def in_graph(f: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """Wrap a function of TensorFlow 2 for TensorFlow 1, with older argument names."""
    called = name or f.__name__
    stage = staged(type_of(called), f)
    known = inspect.signature(f).parameters

    @functools.wraps(f)
    def function(*args: Any, **kwargs: Any) -> Any:
        for old, new in _RENAMED.items():
            if old in kwargs and old not in known and new in known:
                value = kwargs.pop(old)
                kwargs |= {new: value} if value is not None else {}
        bound = inspect.signature(f).bind(*args, **kwargs)
        label = bound.arguments.pop("name", None)
        return stage(*bound.args, name=label, **bound.kwargs)

    function.__name__ = function.__qualname__ = called
    return function


def all_in_graph(module: ModuleType, names: Iterable[str], apart: Iterable[str] = ()) -> dict[str, Any]:
    """Wrap the functions of a module, except those named in ``apart``."""
    left = set(apart)
    found = {name: getattr(module, name) for name in names if name not in left}
    return {name: in_graph(f, name) for name, f in found.items() if isinstance(f, FunctionType)}


_WRITTEN_IN = {
    f"jitgrad.compat.tensorflow.{name}"
    for name in ("activations", "constants", "elementwise", "indices", "linear", "operators", "reductions", "shapes")
}
_APART = ["where", "constant", "convert_to_tensor", "get_static_value", "is_tensor"]
_OF_MATH = [
    "bincount", "ceil", "confusion_matrix", "count_nonzero", "digamma", "erf", "erfc", "cumprod", "expm1", "floordiv",
    "floormod", "is_finite", "is_inf", "is_nan", "lgamma", "log", "log1p", "logical_xor", "mod", "reciprocal", "rint",
    "rsqrt", "scalar_mul", "segment_mean", "segment_sum", "squared_difference", "truediv", "unsorted_segment_mean",
    "unsorted_segment_sum", "xlogy",
]  # fmt: skip
_OLDER_MATH = {
    "arg_max": "argmax", "arg_min": "argmin", "div_no_nan": "divide_no_nan", "floor_div": "floordiv", "log_sigmoid":
    "log_sigmoid", "mul": "multiply", "realdiv": "truediv", "neg": "negative", "sub": "subtract",
}  # fmt: skip
_OLDER_LINALG = {
    "cholesky": "cholesky", "cholesky_solve": "cholesky_solve", "cross": "cross", "diag": "tensor_diag", "diag_part":
    "tensor_diag_part", "global_norm": "global_norm", "matrix_band_part": "band_part", "matrix_determinant": "det",
    "matrix_diag": "diag", "matrix_diag_part": "diag_part", "matrix_inverse": "inv", "matrix_set_diag": "set_diag",
    "self_adjoint_eigvals": "eigvalsh", "matrix_solve": "solve", "matrix_solve_ls": "lstsq", "matrix_transpose":
    "matrix_transpose", "matrix_triangular_solve": "triangular_solve", "qr":     "qr", "self_adjoint_eig": "eigh", "svd":
    "svd", "trace": "trace",
}  # fmt: skip


def top_level(tf: ModuleType, math: Any, linalg: Any) -> dict[str, Any]:
    """Return the tensor functions at TensorFlow 1's top level: TensorFlow 2's functions, and functions that it has moved."""
    names = [name for name in tf.__all__ if getattr(getattr(tf, name), "__module__", "") in _WRITTEN_IN]
    found = all_in_graph(tf, names, _APART)
    for module, moved in ((math, {name: name for name in _OF_MATH} | _OLDER_MATH), (linalg, _OLDER_LINALG)):
        found |= {old: getattr(module, new) for old, new in moved.items()}
    return found
