"""``tf.ragged``: rows of different lengths, for storing and printing. Convert them to dense tensors to compute with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.dtypes import DType
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.compat.tensorflow.tensor import Tensor, convert, wrap_array


class RaggedTensor:
    """Rows of different lengths.

    Parameters
    ----------
    rows : list of lists
        The values.
    dtype : DType, optional
        The dtype; by default the dtype of the values.
    """

    def __init__(self, rows: list[Any], dtype: Any = None) -> None:
        self.flat_values: Tensor = convert([value for row in rows for value in row], dtype)
        self._lengths = [len(row) for row in rows]

    @property
    def values(self) -> Tensor:
        """The concatenated values."""
        return self.flat_values

    @property
    def dtype(self) -> DType:
        """The dtype of the values."""
        return self.flat_values.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape: the number of rows, and None."""
        return TensorShape([len(self._lengths), None])

    def nrows(self) -> Tensor:
        """Return the number of rows."""
        return wrap_array(np.int64(len(self._lengths)))

    def row_lengths(self, axis: int = 1) -> Tensor:
        """Return the length of each row."""
        return wrap_array(np.array(self._lengths, np.int64))

    def __len__(self) -> int:
        return len(self._lengths)

    def __getitem__(self, i: int) -> Tensor:
        ends = np.cumsum([0, *self._lengths]).tolist()
        at = range(len(self._lengths))[i]
        return self.flat_values[ends[at] : ends[at + 1]]

    def to_list(self) -> list[Any]:
        """Return the rows as lists."""
        return [np.asarray(self[i].numpy()).tolist() for i in range(len(self))]

    def to_tensor(self, default_value: Any = None, name: str | None = None, shape: Any = None) -> Tensor:
        """Return a dense tensor, with short rows padded with zeros or ``default_value``."""
        rows, fill = self.to_list(), (b"" if self.dtype.name == "string" else 0) if default_value is None else default_value
        longest = max(self._lengths, default=0)
        return convert([[*row, *[fill] * (longest - len(row))] for row in rows], self.dtype)

    def __repr__(self) -> str:
        return f"<tf.RaggedTensor {self.to_list()}>"


def constant(pylist: Any, dtype: Any = None, ragged_rank: Any = None, inner_shape: Any = None, name: str | None = None) -> Any:
    """Create a RaggedTensor from nested lists."""
    return RaggedTensor([list(row) for row in pylist], dtype)


__all__ = ["constant"]
__getattr__ = missing("tensorflow.ragged", __all__)
