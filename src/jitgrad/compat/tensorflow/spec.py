"""``tf.TensorSpec``: the specification of a tensor."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType, as_dtype
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.compat.tensorflow.tensor import convert


class TensorSpec:
    """A shape, in which sizes may be None, and a dtype.

    Parameters
    ----------
    shape : list of int or None, or None
        The shape; None if it is unknown.
    dtype : DType
        The dtype, by default float32.
    name : str, optional
        A name.
    """

    def __init__(self, shape: Any, dtype: Any = dtypes.float32, name: str | None = None) -> None:
        self.shape = TensorShape(shape)
        self.dtype: DType = as_dtype(dtype)
        self.name = name

    @classmethod
    def from_tensor(cls, tensor: Any, name: str | None = None) -> TensorSpec:
        """Return the specification of a tensor."""
        return cls(tensor.shape, tensor.dtype, name)

    @classmethod
    def from_spec(cls, spec: TensorSpec, name: str | None = None) -> TensorSpec:
        """Return the specification with another name."""
        return cls(spec.shape, spec.dtype, name or spec.name)

    def is_compatible_with(self, spec_or_value: Any) -> bool:
        """Return whether a tensor or another TensorSpec satisfies the specification."""
        other = spec_or_value if isinstance(spec_or_value, TensorSpec) else convert(spec_or_value)
        return self.dtype is other.dtype and self.shape.is_compatible_with(other.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorSpec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"TensorSpec(shape={self.shape}, dtype={self.dtype!r}, name={self.name!r})"


__all__ = ["TensorSpec"]
