"""``tf.debugging``: assertions about values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.arguments import integer
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.errors import ConversionError, InvalidArgumentError
from jitgrad.compat.tensorflow.operands import agreed
from jitgrad.compat.tensorflow.tensor import Tensor, convert
from jitgrad.errors import OptionError


def _begun(message: Any) -> str:
    return f"{message}\n" if message else ""


def _first(values: np.ndarray) -> str:
    return str(np.ravel(values)[:3])


def _comparison(sign: str, holds: Callable[[Any, Any], Any]) -> Callable[..., None]:
    def check(x: Any, y: Any, message: Any = None, summarize: Any = None, name: str | None = None) -> None:
        a, b = (np.asarray(t.numpy()) for t in agreed("Assert", (x, y)))
        if not np.all(holds(a, b)):
            bad_x, bad_y = np.broadcast_arrays(a, b)
            wrong = ~np.asarray(holds(bad_x, bad_y))
            raise InvalidArgumentError(
                f"{_begun(message)}Condition x {sign} y did not hold.\nFirst {min(3, int(wrong.sum()))} elements of x:\n"
                f"{_first(bad_x[wrong])}\nFirst {min(3, int(wrong.sum()))} elements of y:\n{_first(bad_y[wrong])}"
            )

    check.__doc__ = f"Raise InvalidArgumentError unless ``x {sign} y`` for all elements."
    return check


def _sign(sign: str, holds: Callable[[Any], Any]) -> Callable[..., None]:
    def check(x: Any, message: Any = None, summarize: Any = None, name: str | None = None) -> None:
        tensor = convert(x)
        array = np.asarray(tensor.numpy())
        if not np.all(holds(array)):
            raise InvalidArgumentError(
                f"{_begun(message)}Condition x {sign} 0 did not hold element-wise:\n"
                f"x (shape={tensor.shape} dtype={tensor.dtype.name}) = \n{_first(array)}"
            )

    check.__doc__ = f"Raise InvalidArgumentError unless ``x {sign} 0`` for all elements."
    return check


assert_equal = _comparison("==", np.equal)
assert_none_equal = _comparison("!=", np.not_equal)
assert_less = _comparison("<", np.less)
assert_less_equal = _comparison("<=", np.less_equal)
assert_greater = _comparison(">", np.greater)
assert_greater_equal = _comparison(">=", np.greater_equal)
assert_positive, assert_negative = _sign(">", lambda x: x > 0), _sign("<", lambda x: x < 0)
assert_non_negative, assert_non_positive = _sign(">=", lambda x: x >= 0), _sign("<=", lambda x: x <= 0)


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, message: Any = None, summarize: Any = None, name: str | None = None
) -> None:
    """Raise InvalidArgumentError unless all elements are nearly equal."""
    a, b = (np.asarray(t.numpy()) for t in agreed("Assert", (x, y)))
    least = 10 * float(np.finfo(a.dtype).eps)
    relative, absolute = least if rtol is None else float(rtol), least if atol is None else float(atol)
    if not np.all(np.abs(a - b) <= absolute + relative * np.abs(b)):
        raise InvalidArgumentError(
            f"{_begun(message)}x and y not equal to tolerance rtol = {relative}, atol = {absolute}\nx = {a}\ny = {b}"
        )


def assert_rank(x: Any, rank: Any, message: Any = None, name: str | None = None) -> None:
    """Raise ValueError unless the number of axes is ``rank``."""
    tensor = convert(x)
    if tensor.ndim != integer(rank):
        raise ConversionError(
            f"{_begun(message)}Tensor must have rank {rank}. Received rank {tensor.ndim}, shape {tensor.shape}"
        )


def assert_rank_at_least(x: Any, rank: Any, message: Any = None, name: str | None = None) -> None:
    """Raise ValueError unless the number of axes is at least ``rank``."""
    tensor = convert(x)
    if tensor.ndim < integer(rank):
        raise ConversionError(
            f"{_begun(message)}Tensor must have rank at least {rank}. Received rank {tensor.ndim}, shape {tensor.shape}"
        )


def assert_rank_in(x: Any, ranks: Any, message: Any = None, name: str | None = None) -> None:
    """Raise ValueError unless the number of axes is one of ``ranks``."""
    tensor = convert(x)
    if tensor.ndim not in [integer(rank) for rank in ranks]:
        raise ConversionError(
            f"{_begun(message)}Tensor must have rank in {list(ranks)}. Received rank {tensor.ndim}, shape {tensor.shape}"
        )


def assert_scalar(tensor: Any, message: Any = None, name: str | None = None) -> Tensor:
    """Raise ValueError unless there are no axes."""
    assert_rank(tensor, 0, message)
    return convert(tensor)


def assert_shapes(shapes: Any, data: Any = None, summarize: Any = None, message: Any = None, name: str | None = None) -> None:
    """Raise ValueError if sizes with the same letter differ, or if a size differs from the given number."""
    known: dict[Any, int] = {}
    for x, wanted in shapes.items() if isinstance(shapes, dict) else shapes:
        tensor = x.deref() if hasattr(x, "deref") else convert(x)
        sizes = tuple(wanted) if isinstance(wanted, (list, tuple, str)) else (wanted,)
        if len(sizes) != tensor.ndim:
            raise ConversionError(f"{_begun(message)}A tensor has rank {tensor.ndim}, not {len(sizes)}: shape {tensor.shape}.")
        for i, (n, size) in enumerate(zip(sizes, tuple(tensor.shape), strict=True)):
            expected = size if n in (None, ".") else n if isinstance(n, int) else known.setdefault(n, size)
            if expected != size:
                raise ConversionError(f"{_begun(message)}Axis {i} of shape {tensor.shape} must be {expected} ({n!r}).")


def assert_type(tensor: Any, tf_type: Any, message: Any = None, name: str | None = None) -> None:
    """Raise TypeError unless the tensor has the given dtype."""
    found = convert(tensor).dtype
    if found is not as_dtype(tf_type):
        raise OptionError(f"{_begun(message)}tensor must be of type {as_dtype(tf_type)!r}; got {found!r}")


def assert_integer(x: Any, message: Any = None, name: str | None = None) -> None:
    """Raise TypeError unless the dtype is an integer dtype."""
    if not convert(x).dtype.is_integer:
        raise OptionError(f"{_begun(message)}Expected an integer tensor, and got {convert(x).dtype!r}.")


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """Return the float dtype of tensors. Raises ValueError if they differ."""
    kinds = {convert(t).dtype for t in tensors or ()} | ({as_dtype(dtype)} if dtype is not None else set())
    if len(kinds) != 1 or not all(kind.is_floating for kind in kinds):
        raise ConversionError(f"Expected floating point tensors of one dtype, got {sorted(k.name for k in kinds)}.")
    return kinds.pop()


def check_numerics(tensor: Any, message: Any, name: str | None = None) -> Tensor:
    """Return ``tensor``. Raises InvalidArgumentError if an element is not finite."""
    value = convert(tensor)
    array = np.asarray(value.numpy())
    if not np.isfinite(array).all():
        raise InvalidArgumentError(
            f"{message} : Tensor had {'NaN' if np.isnan(array).any() else 'Inf'} values [Op:CheckNumerics]"
        )
    return value


def is_numeric_tensor(tensor: Any) -> bool:
    """Return whether a value is a tensor of numbers."""
    return hasattr(tensor, "_read") and tensor.dtype.kind in "iufc"


def Assert(condition: Any, data: Any = (), summarize: Any = None, name: str | None = None) -> None:
    """Raise InvalidArgumentError if the condition is false."""
    if not np.all(np.asarray(convert(condition).numpy())):
        texts = ", ".join(str(convert(x).numpy()) for x in data)
        raise InvalidArgumentError(f"Expected '{condition}' to be true. Summarized data: {texts}")


def set_log_device_placement(enabled: bool) -> None:
    """Do nothing: the CPU is the only device."""


__all__ = [
    "Assert", "assert_equal", "assert_greater", "assert_greater_equal", "assert_integer", "assert_less", "assert_less_equal",
    "assert_near", "assert_negative", "assert_non_negative", "assert_non_positive", "assert_none_equal", "assert_positive",
    "assert_rank", "assert_rank_at_least", "assert_rank_in", "assert_same_float_dtype", "assert_scalar", "assert_shapes",
    "assert_type", "check_numerics", "is_numeric_tensor", "set_log_device_placement",
]  # fmt: skip
__getattr__ = missing("tensorflow.debugging", __all__)
