"""Datasets from files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from jitgrad.compat.tensorflow import dtypes
from jitgrad.compat.tensorflow.data.dataset import UNKNOWN_CARDINALITY, Dataset
from jitgrad.compat.tensorflow.data.elements import Row
from jitgrad.compat.tensorflow.spec import TensorSpec


class TextLineDataset(Dataset):
    """The lines of text files, without line ends.

    Parameters
    ----------
    filenames : str or list of str
        The files.
    """

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None,
        name: str | None = None,
    ) -> None:  # fmt: skip
        paths = [filenames] if isinstance(filenames, (str, Path)) else list(filenames)

        def begin() -> Iterator[Any]:
            for path in paths:
                with Path(path).open("rb") as file:
                    for line in file:
                        text = np.empty((), object)
                        text[()] = line.rstrip(b"\r\n")
                        yield Row(text, dtypes.string)

        super().__init__(begin, UNKNOWN_CARDINALITY, "TextLineDatasetV2", TensorSpec([], dtypes.string))
