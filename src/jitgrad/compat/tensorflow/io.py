"""``tf.io``: bytes as numbers, and text files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.dtypes import as_dtype
from jitgrad.compat.tensorflow.tensor import Tensor, convert, held, wrap_array


def decode_raw(
    input_bytes: Any, out_type: Any, little_endian: bool = True, fixed_length: Any = None, name: str | None = None
) -> Tensor:
    """Interpret the bytes of a string as numbers."""
    kind = as_dtype(out_type)
    return wrap_array(np.frombuffer(convert(input_bytes).numpy(), kind.dtype.newbyteorder("<" if little_endian else ">")), kind)


def read_file(filename: Any, name: str | None = None) -> Tensor:
    """Read a file as a string."""
    return held(Path(filename if isinstance(filename, str) else convert(filename).numpy().decode()).read_bytes())


__all__ = ["decode_raw", "read_file"]
_TABLES = "Read the file with pandas, polars or NumPy."
__getattr__ = missing(
    "tensorflow.io", __all__, dict.fromkeys(["decode_csv", "TFRecordWriter", "parse_example", "gfile"], _TABLES)
)
