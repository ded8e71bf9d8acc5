"""``tf.data.experimental``."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.data.dataset import AUTOTUNE, INFINITE_CARDINALITY, UNKNOWN_CARDINALITY, Dataset
from jitgrad.compat.tensorflow.tensor import Tensor


def cardinality(dataset: Dataset) -> Tensor:
    """Return the number of elements of a dataset."""
    return dataset.cardinality()


def get_single_element(dataset: Dataset) -> Any:
    """Return the only element of a dataset."""
    return dataset.get_single_element()


__all__ = ["AUTOTUNE", "INFINITE_CARDINALITY", "UNKNOWN_CARDINALITY", "cardinality", "get_single_element"]
__getattr__ = missing(
    "tensorflow.data.experimental",
    __all__,
    {"make_csv_dataset": "Read the file with pandas or polars, and use from_tensor_slices."},
)
