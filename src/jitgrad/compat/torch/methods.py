"""Tensor methods made from functions whose first argument is the tensor, and the operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.modules import MissingNameError
from jitgrad.compat.torch import indexing, pointwise, products, reductions, shapes, statistics
from jitgrad.compat.torch import linalg as la
from jitgrad.compat.torch.tensor import Tensor

_POINTWISE = """
abs absolute acos acosh add addcdiv addcmul allclose arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan
atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor ceil clamp clip copysign
cos cosh deg2rad digamma div eq equal erf erfc exp exp2 expm1 fix floor float_power floor_divide fmax fmin fmod frac ge
greater greater_equal gt heaviside hypot isclose isfinite isinf isnan le lerp less less_equal lgamma log log10 log1p log2
logaddexp logical_and logical_not logical_or logical_xor logit lt maximum minimum mul nan_to_num ne neg negative not_equal
positive pow rad2deg reciprocal relu remainder round rsqrt rsub sgn sigmoid sign sin sinc sinh sqrt square sub tan tanh
trunc xlogy
"""
_REDUCTIONS = """
all amax amin aminmax any argmax argmin count_nonzero cummax cummin cumprod cumsum dist logsumexp max mean min norm prod
std sum var
"""
_STATISTICS = "bincount corrcoef cov histc kthvalue median mode nanmean nanmedian nanquantile nansum quantile"
_SHAPES = """
broadcast_to chunk clone contiguous diag diagonal expand expand_as flatten flip fliplr flipud moveaxis
movedim narrow permute ravel repeat repeat_interleave reshape reshape_as roll select split squeeze swapaxes swapdims t
tensor_split tile trace transpose tril triu unbind unflatten unsqueeze view view_as
"""
_INDEXING = """
argsort argwhere diff gather index_add index_copy index_fill index_select masked_fill masked_select msort nonzero scatter
scatter_add sort take take_along_dim topk unique
"""
_PRODUCTS = "addmm addmv baddbmm bmm cross dot ger inner kron matmul mm mv outer vdot"

for _module, _names in (
    (pointwise, _POINTWISE),
    (reductions, _REDUCTIONS),
    (statistics, _STATISTICS),
    (shapes, _SHAPES),
    (indexing, _INDEXING),
    (products, _PRODUCTS),
    (la, "det slogdet"),
):
    for _name in _names.split():
        setattr(Tensor, _name, getattr(_module, _name))


def _reflected(function: Callable[[Any, Any], Tensor]) -> Callable[[Tensor, Any], Tensor]:
    def operator(self: Tensor, other: Any) -> Tensor:
        return function(other, self)

    return operator


def where(self: Tensor, condition: Tensor, other: Any) -> Tensor:
    """Return the tensor where a condition is true, else ``other``."""
    made: Tensor = pointwise.where(condition, self, other)
    return made


for _name, _function in {
    "add": pointwise.add, "sub": pointwise.sub, "mul": pointwise.mul, "truediv": pointwise.div, "pow": pointwise.pow,
    "mod": pointwise.remainder, "floordiv": pointwise.floor_divide, "and": pointwise.bitwise_and, "or": pointwise.bitwise_or,
    "xor": pointwise.bitwise_xor, "matmul": products.matmul,
    "lshift": pointwise.bitwise_left_shift, "rshift": pointwise.bitwise_right_shift,
}.items():  # fmt: skip
    setattr(Tensor, f"__{_name}__", _function)
    setattr(Tensor, f"__r{_name}__", _reflected(_function))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Tensor, f"__{_name}__", getattr(pointwise, _name))
for _name, _method in {
    "__neg__": pointwise.neg, "__abs__": pointwise.abs, "__invert__": pointwise.bitwise_not, "__pos__": pointwise.positive,
    "where": where, "is_contiguous": lambda self: True, "inverse": la.inv,
    "T": property(lambda self: shapes.permute(self, *range(self.ndim)[::-1])),
    "mT": property(shapes.mT), "H": property(shapes.t), "multiply": pointwise.mul, "divide": pointwise.div,
    "subtract": pointwise.sub, "true_divide": pointwise.div,
}.items():  # fmt: skip
    setattr(Tensor, _name, _method)

_HALF = "jitgrad computes in float32 and float64. Use float() or double()."
_MEMORY = "Where a tensor lies in memory is jitgrad's own matter. Use numpy() for an array with strides."
_ADVICE = {
    **dict.fromkeys(("half", "bfloat16"), _HALF),
    **dict.fromkeys(("data_ptr", "storage", "untyped_storage", "storage_offset", "stride"), _MEMORY),
    **dict.fromkeys(("conj", "imag", "cfloat", "cdouble"), "jitgrad has no complex numbers."),
}


def _no_attribute(self: Tensor, name: str) -> Any:
    """Raise an error for an attribute of PyTorch's tensors that these tensors lack."""
    advice = _ADVICE.get(name, "dir(torch.Tensor) has what there is.")
    error = MissingNameError(f"jitgrad does not have torch.Tensor.{name}. {advice}")
    error.name, error.obj = name, self  # Python uses these for its suggestions
    raise error


Tensor.__getattr__ = _no_attribute  # type: ignore[method-assign]
