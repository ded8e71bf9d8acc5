"""``tf.sparse``: sparse tensors, which can be stored and printed. Convert them to dense tensors to compute with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.dtypes import DType
from jitgrad.compat.tensorflow.indices import gather_nd, nonzero, scatter_nd
from jitgrad.compat.tensorflow.operators import matmul, not_equal
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.compat.tensorflow.tensor import Tensor, convert, wrap_array


class SparseTensor:
    """A tensor stored as values at given positions; all other elements are 0.

    Parameters
    ----------
    indices : array of int64
        One row of indices for each value.
    values : array
        The values.
    dense_shape : list of int
        The shape.
    """

    def __init__(self, indices: Any, values: Any, dense_shape: Any) -> None:
        self.indices: Tensor = wrap_array(np.asarray(convert(indices).numpy()), dtypes.int64)
        self.values: Tensor = convert(values)
        self.dense_shape: Tensor = wrap_array(np.asarray(convert(dense_shape).numpy()), dtypes.int64)

    @property
    def shape(self) -> TensorShape:
        """The shape."""
        return TensorShape(self.dense_shape.numpy().tolist())

    @property
    def dtype(self) -> DType:
        """The dtype of the values."""
        return self.values.dtype

    def __repr__(self) -> str:
        return f"SparseTensor(indices={self.indices!s}, values={self.values!s}, dense_shape={self.dense_shape!s})"


def to_dense(
    sp_input: SparseTensor, default_value: Any = None, validate_indices: bool = True, name: str | None = None
) -> Tensor:
    """Return the dense tensor."""
    dense = scatter_nd(sp_input.indices, sp_input.values, sp_input.dense_shape)
    if default_value is None:
        return dense
    there = scatter_nd(sp_input.indices, np.ones(sp_input.values._plain_shape, np.int64), sp_input.dense_shape)
    return wrap_array(np.where(there.numpy() > 0, dense.numpy(), default_value), sp_input.dtype)


def from_dense(tensor: Any, name: str | None = None) -> SparseTensor:
    """Convert a dense tensor, storing only the nonzero elements."""
    x = convert(tensor)
    places = nonzero(not_equal(x, 0))
    return SparseTensor(places, gather_nd(x, places), x._plain_shape)


def sparse_dense_matmul(
    sp_a: SparseTensor, b: Any, adjoint_a: bool = False, adjoint_b: bool = False, name: str | None = None
) -> Tensor:
    """Multiply by a dense matrix."""
    return matmul(to_dense(sp_a), b, adjoint_a=adjoint_a, adjoint_b=adjoint_b)


__all__ = ["SparseTensor", "from_dense", "sparse_dense_matmul", "to_dense"]
__getattr__ = missing("tensorflow.sparse", __all__)
