"""``tf.config``: one device, the CPU, and its threads."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.config import experimental, threading
from jitgrad.compat.tensorflow.config.devices import (
    LogicalDevice,
    PhysicalDevice,
    list_logical_devices,
    list_physical_devices,
)  # fmt: skip


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Return the devices in use: the CPU."""
    return list_physical_devices(device_type)


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Do nothing: the CPU is the only device."""


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Do nothing: ``tf.function`` always runs functions eagerly."""


def functions_run_eagerly() -> bool:
    """Return whether ``tf.function`` runs functions eagerly: always True."""
    return True


__all__ = [
    "LogicalDevice", "PhysicalDevice", "experimental", "functions_run_eagerly", "get_visible_devices", "list_logical_devices",
    "list_physical_devices", "run_functions_eagerly", "set_visible_devices", "threading",
]  # fmt: skip
__getattr__ = missing("tensorflow.config", __all__)
