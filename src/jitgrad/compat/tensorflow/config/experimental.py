"""``tf.config.experimental``."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing


def enable_op_determinism() -> None:
    """Have the same results in each run, as they are anyway."""


def list_physical_devices(device_type: str | None = None) -> Any:
    """See ``tf.config.list_physical_devices``."""
    from jitgrad.compat.tensorflow import config

    return config.list_physical_devices(device_type)


__all__ = ["enable_op_determinism", "list_physical_devices"]
_GPU = "There is one device, the CPU. Leave it out."
__getattr__ = missing(
    "tensorflow.config.experimental", __all__, dict.fromkeys(["set_memory_growth", "set_virtual_device_configuration"], _GPU)
)
