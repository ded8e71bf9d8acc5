"""``torch.accelerator``, which reports that no accelerator is available."""

from __future__ import annotations

from jitgrad.compat.modules import missing


def is_available() -> bool:
    """Return False: jitgrad computes on the CPU."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def current_accelerator(check_available: bool = False) -> None:
    """Return None."""


__all__ = ["current_accelerator", "device_count", "is_available"]
__getattr__ = missing("torch.accelerator", __all__)
