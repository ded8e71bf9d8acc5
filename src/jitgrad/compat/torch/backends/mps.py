"""``torch.backends.mps``, which is not available."""

from __future__ import annotations

from jitgrad.compat.modules import missing


def is_available() -> bool:
    """Return False: jitgrad computes on the CPU."""
    return False


def is_built() -> bool:
    """Return False."""
    return False


__all__ = ["is_available", "is_built"]
__getattr__ = missing("torch.backends.mps", __all__)
