"""``keras.config``."""

from jitgrad.compat.keras.backend import backend, epsilon, floatx, image_data_format, set_floatx
from jitgrad.compat.keras.utils import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from jitgrad.compat.modules import missing

__all__ = [
    "backend", "disable_interactive_logging", "enable_interactive_logging", "epsilon", "floatx", "image_data_format",
    "is_interactive_logging_enabled", "set_floatx",
]  # fmt: skip
__getattr__ = missing("keras.config", __all__)
