"""``python -m jitgrad.vm.warmup float32``: load all that a dtype needs, compiling what is not kept yet."""

from __future__ import annotations

import sys

import numpy as np

from jitgrad.vm import native


def warm(dtype: np.dtype[np.floating]) -> None:
    """Have every function of the vm ready for ``dtype``."""
    for name in native.names(str(dtype)):
        native.load(name, dtype)


if __name__ == "__main__":
    warm(np.dtype(sys.argv[1]))
