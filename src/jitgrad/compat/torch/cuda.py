"""``torch.cuda``: there is none."""

from __future__ import annotations

from jitgrad.compat.modules import missing


def is_available() -> bool:
    """Always False: jitgrad computes on the CPU."""
    return False


def device_count() -> int:
    """Always 0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no device to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no device to seed."""


def empty_cache() -> None:
    """Nothing: there is no cache."""


def synchronize(device: object = None) -> None:
    """Nothing: there is nothing to wait for."""


__all__ = ["device_count", "empty_cache", "is_available", "manual_seed", "manual_seed_all", "synchronize"]
__getattr__ = missing("torch.cuda", __all__)
