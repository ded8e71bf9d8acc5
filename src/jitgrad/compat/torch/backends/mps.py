"""``torch.backends.mps``: there is none."""

from __future__ import annotations

from jitgrad.compat.modules import missing


def is_available() -> bool:
    """Always False: jitgrad computes on the CPU."""
    return False


def is_built() -> bool:
    """Always False."""
    return False


__all__ = ["is_available", "is_built"]
__getattr__ = missing("torch.backends.mps", __all__)
