"""``torch.backends.cudnn``: settings that have no effect."""

from __future__ import annotations

benchmark = False
deterministic = False
enabled = False


def is_available() -> bool:
    """Return False: jitgrad computes on the CPU."""
    return False


__all__ = ["benchmark", "deterministic", "enabled", "is_available"]
