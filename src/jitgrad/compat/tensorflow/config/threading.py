"""``tf.config.threading``."""

from __future__ import annotations

from jitgrad.compat.modules import missing
from jitgrad.vm.threads import get_num_threads, set_num_threads


def get_intra_op_parallelism_threads() -> int:
    """Return the number of threads of one operation."""
    return get_num_threads()


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Set the number of threads of one operation."""
    set_num_threads(num_threads)


def get_inter_op_parallelism_threads() -> int:
    """Return the number of operations that run at the same time: 1."""
    return 1


__all__ = ["get_inter_op_parallelism_threads", "get_intra_op_parallelism_threads", "set_intra_op_parallelism_threads"]
__getattr__ = missing("tensorflow.config.threading", __all__)
