"""``tf.config``: one device, the CPU, and its threads."""

from __future__ import annotations

from typing import Any, NamedTuple

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.config import experimental, threading


class PhysicalDevice(NamedTuple):
    """A device of the machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device as it is used."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that are used: the CPU."""
    return [PhysicalDevice("/physical_device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The same."""
    return [LogicalDevice("/device:CPU:0", "CPU")] if device_type in (None, "CPU") else []


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The same."""
    return list_physical_devices(device_type)


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Choose devices; without effect, for there is the CPU alone."""


def run_functions_eagerly(run_eagerly: bool) -> None:
    """Have ``tf.function`` call functions as they are, as it does anyway."""


def functions_run_eagerly() -> bool:
    """Whether ``tf.function`` calls functions as they are: always."""
    return True


__all__ = [
    "LogicalDevice", "PhysicalDevice", "experimental", "functions_run_eagerly", "get_visible_devices", "list_logical_devices",
    "list_physical_devices", "run_functions_eagerly", "set_visible_devices", "threading",
]  # fmt: skip
__getattr__ = missing("tensorflow.config", __all__)
