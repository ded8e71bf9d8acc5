"""``tf.data``: datasets over arrays, generators and lines of text."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.data import experimental
from jitgrad.compat.tensorflow.data.dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset, Options
from jitgrad.compat.tensorflow.data.sources import TextLineDataset

__all__ = [
    "AUTOTUNE",
    "INFINITE_CARDINALITY",
    "UNKNOWN_CARDINALITY",
    "Dataset",
    "Options",
    "TextLineDataset",
    "experimental",
]  # fmt: skip
__getattr__ = missing(
    "tensorflow.data", __all__, {"TFRecordDataset": "Read the table with pandas, polars or NumPy, and use from_tensor_slices."}
)
