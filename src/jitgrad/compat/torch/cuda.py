"""``torch.cuda``, which reports that no GPU is available."""

from __future__ import annotations

from jitgrad.compat.modules import missing


def is_available() -> bool:
    """Return False: jitgrad computes on the CPU."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Do nothing: there is no device to seed."""


def manual_seed_all(seed: int) -> None:
    """Do nothing: there is no device to seed."""


def empty_cache() -> None:
    """Do nothing: there is no cache."""


def synchronize(device: object = None) -> None:
    """Do nothing: there is nothing to wait for."""


__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]
__getattr__ = missing("torch.cuda", __all__)
