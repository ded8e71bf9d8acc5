"""``tf.config.experimental``."""

from __future__ import annotations

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.config.devices import list_physical_devices


def enable_op_determinism() -> None:
    """Do nothing: results are always deterministic."""


__all__ = ["enable_op_determinism", "list_physical_devices"]
_GPU = "There is one device, the CPU. Omit it."
__getattr__ = missing(
    "tensorflow.config.experimental", __all__, dict.fromkeys(["set_memory_growth", "set_virtual_device_configuration"], _GPU)
)
